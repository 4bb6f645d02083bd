"""Where two protocols differ, key by key, and in which direction: stricter, laxer, or merely other."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from casework.stricter import GROWING, KEY_OF, LARGER, LATER_LAYERS_DECIDE, MILD, OUTCOMES, ROUTES, Raw

Direction = Literal["stricter", "laxer", "other"]
_EITHER: dict[bool, Direction] = {True: "stricter", False: "laxer"}
_PROTECTS = ("mandatory", "red_flag_question", "unsure")
_DEFAULTS = {**dict.fromkeys(_PROTECTS, False), "completes": True}  # what a key says that is not there
_TAKES_PART = ("check", "flag", "factor", "rule", "floor", "rung", "options", "task")  # a notice is a jurisdiction's


@dataclass(frozen=True)
class Change:
    """One key: its value before and after (None: not there), and what that means for a child."""

    where: str
    before: Any
    after: Any
    direction: Direction


def diff(before: Raw, after: Raw) -> list[Change]:
    """Every difference between two merged protocols, in the order of the first."""
    return list(_tables("", "", before, after))


def _tables(where: str, inside: str, before: Raw, after: Raw) -> Iterator[Change]:
    for key in dict.fromkeys([*before, *after]):
        place = f"{where}.{key}" if where else key
        yield from _values(place, key, inside, before.get(key), after.get(key), after | before)


def _values(where: str, key: str, inside: str, before: Any, after: Any, around: Raw) -> Iterator[Change]:
    if key in _DEFAULTS:
        before, after = (_DEFAULTS[key] if value is None else value for value in (before, after))
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _tables(where, key, before, after)
    elif key in KEY_OF and inside != key:
        yield from _entries(where, key, before or [], after or [])
    else:
        yield Change(where, before, after, _direction(key, before, after, around))


def _entries(where: str, key: str, before: list[Raw], after: list[Raw]) -> Iterator[Change]:
    name = KEY_OF[key]
    old, new = {e[name]: e for e in before}, {e[name]: e for e in after}
    for each in dict.fromkeys([*old, *new]):
        place = f"{where}.{each}"
        if each in old and each in new:
            yield from _tables(place, key, old[each], new[each])
        else:
            there = new.get(each) or old[each]
            yield Change(place, old.get(each), new.get(each), _appeared(key, there, there is new.get(each)))


def _appeared(key: str, entry: Raw, new: bool) -> Direction:
    """A check, flag or rule more is stricter, one less laxer; a rule that reassures the other way about."""
    if key not in _TAKES_PART or (key == "options" and not entry.get("raises")):
        return "other"
    return _EITHER[new is not (entry.get("outcome") in MILD)]


def _direction(key: str, before: Any, after: Any, around: Raw) -> Direction:
    if key in LATER_LAYERS_DECIDE or key == "worse":
        return "other"
    if key in ("route", "outcome"):
        order = ROUTES if key == "route" else OUTCOMES
        known = before in order and after in order
        return _EITHER[order.index(after) > order.index(before)] if known else "other"
    if key in _PROTECTS:
        return _EITHER[after is True]
    if key == "completes":
        return _EITHER[after is False]
    if key in GROWING or key in ("levels", "active_pattern", "worry_words"):
        return _grown(set(before or ()), set(after or ()), shrinking=key == "levels")
    if key == "when":
        return _grown(set(before), set(after), shrinking=around.get("outcome") != "NAR")
    if _number(before) and _number(after):
        return _EITHER[(after > before) is (key in LARGER)]
    if key in ("night_from", "night_to", "night_check", "morning_check"):
        return _EITHER[(after > before) is (key in LARGER)]
    return "other"


def _grown(before: set[Any], after: set[Any], *, shrinking: bool) -> Direction:
    """A list that may only grow (or, `shrinking`, only lose): the other way about is laxer, both ways is other."""
    if before < after:
        return _EITHER[not shrinking]
    return _EITHER[shrinking] if after < before else "other"


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

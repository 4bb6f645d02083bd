"""What "stricter" means, key by key: which value stands where a protocol file and the one it extends both speak.

The smaller number wins, save where more is safer (`LARGER`); lists only grow, save the conditions of a rule; words that
name something (a side, a kind, a role) are the base's. Nothing a file says takes protection away: a laxer value is not
taken, and `check` reports it.
"""

from collections.abc import Iterable
from typing import Any

Raw = dict[str, Any]

KEY_OF = {
    "check": "id", "flag": "id", "factor": "id", "rule": "id", "floor": "id", "rung": "rung", "task": "id",
    "notice": "id", "step": "id", "options": "value", "bands": "under",
}  # fmt: skip
ROUTES = ("welfare", "101", "999")
OUTCOMES = ("NAR", "LOW", "A01", "MEDIUM", "WELFARE", "HIGH")
MILD = ("NAR", "LOW")
ASKS_A_PERSON = ("A01", "LINKED")  # their conditions say whose case they are about: fixed
LARGER = ("min_offers", "night_to", "medicine_hours", "answers")  # hours before a dose is due from which R03 holds
LATER_LAYERS_DECIDE = ("says", "why", "source", "tag", "who")  # words about a rule, not the rule
GROWING = (
    "on_register", "together", "raises", "yes_raises", "factors", "asks", "via", "due_minutes", "remind_hours",
)  # fmt: skip


def stricter(key: str, below: Any, above: Any) -> Any:
    """The stricter of two values of one key; the base's where the two cannot be compared."""
    if key in LATER_LAYERS_DECIDE:
        return above
    if isinstance(below, dict) and isinstance(above, dict):
        return entry(below, above)
    if isinstance(below, list) and isinstance(above, list):
        return _lists(key, below, above)
    if key in ("route", "outcome"):
        order = ROUTES if key == "route" else OUTCOMES
        return max(below, above, key=order.index) if below in order and above in order else below
    return _values(key, below, above)


def _values(key: str, below: Any, above: Any) -> Any:
    if key in ("mandatory", "red_flag_question", "unsure"):
        return below is True or above is True
    if key == "completes":
        return below is True and above is True
    if key == "judged":
        return "at_once" if "at_once" in (below, above) else below
    if key == "due_when":
        return "missing" if "missing" in (below, above) else below
    number = isinstance(below, int | float) and isinstance(above, int | float)
    clock = isinstance(below, str) and isinstance(above, str) and _is_clock(below) and _is_clock(above)
    if key == "worse" or isinstance(below, bool) or isinstance(above, bool) or not (number or clock):
        return below
    return max(below, above) if key in LARGER else min(below, above)


def _is_clock(words: str) -> bool:
    return len(words) == 5 and words[2] == ":"


def _lists(key: str, below: list[Any], above: list[Any]) -> list[Any]:
    if key == "bands":
        said = {band.get("under"): band for band in above}
        return [entry(band, said.get(band["under"], {})) for band in below]
    if key == "options":
        return _options(below, above)
    if key in GROWING:
        both = list(dict.fromkeys([*below, *above]))
        return sorted(both) if key in ("due_minutes", "remind_hours") else both
    return below


def entry(below: Raw, above: Raw) -> Raw:
    """One table over another. What the base does not say a layer may add, where the model knows the key."""
    said = {key: stricter(key, below[key], value) for key, value in above.items() if key in below}
    added = {key: value for key, value in above.items() if key not in below and _addable(key, value)}
    return {**below, **said, **added}


def _addable(key: str, value: Any) -> bool:
    """Keys that stand at their default in the base: only what makes it stricter may be added."""
    if key in ("hidden_if", "needs", "means", "tell_reporter", "role_at_home", "worse", "day_task_minutes", "when"):
        return False
    return not (key == "completes" and value is True)


def _options(below: list[Raw], above: list[Raw]) -> list[Raw]:
    """Known answers grow riskier; a new one is taken only where it raises a flag or is a `not sure` for a human."""
    said = {option.get("value"): option for option in above}
    known = [entry(option, said.pop(option["value"], {})) for option in below]
    most = max((option.get("worse", 0) for option in below), default=0)
    new = [_limited(o, most) for o in above if o.get("value") in said and not o.get("means")]
    return [*known, *(option for option in new if option.get("raises") or option.get("unsure"))]


def _limited(option: Raw, most: int) -> Raw:
    """A new answer outranks no known one; without a flag it does not complete a check that must be done."""
    done = {} if option.get("raises") else {"completes": False}
    return {**option, **done, "worse": min(option.get("worse", 0), most)}


def rule(below: Raw, above: Raw) -> Raw:
    """A rule: its outcome may rise, it may be judged sooner, it may ask for less (NAR: for more)."""
    if below["outcome"] in ASKS_A_PERSON:
        return {**below, **{key: value for key, value in above.items() if key in LATER_LAYERS_DECIDE}}
    whole = entry(below, {key: value for key, value in above.items() if key != "when"})
    if below["outcome"] in MILD:
        whole["judged"] = below["judged"]
    if "when" in above:
        whole["when"] = conditions(below["when"], above["when"], harder=below["outcome"] == "NAR")
    return whole


def conditions(below: Iterable[str], above: Iterable[str], *, harder: bool) -> list[str]:
    """A rule that protects may lose conditions, or count fewer factors; one that reassures may only gain some."""
    said = list(above)
    kept = [_counted(name, said) for name in below if harder or _counted(name, said) in said]
    return list(dict.fromkeys([*kept, *(said if harder else [])]))


def _counted(name: str, said: list[str]) -> str:
    """`factors>=3` beside `factors>=2`: the smaller number, whichever way it is compared."""
    for sign in ("factors>=", "factors<="):
        if name.startswith(sign):
            numbers = [int(n[len(sign) :]) for n in (name, *said) if n.startswith(sign) and n[len(sign) :].isdecimal()]
            return f"{sign}{min(numbers)}"
    return name

"""Whether a protocol may be trusted: everything that is wrong with it, found at once, by reading it and by playing it.

A finding names its place in the file and says what is wrong. `weaker` is judged by what the merge did not take:
whatever a file says that does not stand afterwards is laxer than the base (HZ20).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from casework import bad_nights, quiet_nights
from casework.check_digits import digits
from casework.check_needs import needs
from casework.check_words import words
from casework.conditions import FACTOR, condition
from casework.loading import ENTRIES, BadProtocol, Finding, laid_over
from casework.protocol import Protocol
from casework.protocol_parts import HARD_CAP_MINUTES, MAX_GATE_QUESTIONS
from casework.stricter import KEY_OF, Raw
from casework.wording import Phrasebook

FLOORS = ("F1", "F2", "F3", "F4", "F5")
UNCOUNTED = ("C00", "P00", "C02")  # PR9: not counted among the gate questions
NEEDED_APPROVERS = 2
MAY_BE_0 = ("grace", "max_day", "max_night", "after", "worse", "extend_times", "after_hours", "nar_at_most_factors")


def check(raw: Raw, protocol: Protocol | None, base: Raw | None, books: Mapping[str, Phrasebook]) -> list[Finding]:
    """All findings of one file: `raw` is what the file itself says, `protocol` the whole of it where it loads, `base`
    the merged data of what it extends. It is played only where its references are sound: no night runs on holes."""
    found = read(raw, protocol, base, books)
    if protocol is None or _holes(protocol):
        return found
    return [*found, *bad_nights.play(protocol), *quiet_nights.play(protocol)]


def read(raw: Raw, protocol: Protocol | None, base: Raw | None, books: Mapping[str, Phrasebook]) -> list[Finding]:
    """What reading alone finds."""
    found = [*_twice(raw), *_numbers(raw)]
    if base is not None:
        found += weaker(raw, base)
    if protocol is None:
        return found
    found += [*_holes(protocol), *needs(protocol), *_sources(protocol), *words(protocol, books)]
    return [*found, *digits(protocol, books), *_gate(protocol), *_floors(protocol), *_signed(protocol)]


def _holes(protocol: Protocol) -> list[Finding]:
    return [*_references(protocol), *_rungs(protocol)]


# ---- the file as it is written -------------------------------------------------------------------


def _twice(raw: Raw) -> Iterator[Finding]:
    for key in (*ENTRIES, "notice", "step"):
        named = _tables(raw.get(key))
        for name, times in Counter(str(e.get(KEY_OF[key])) for e in named).items():
            if times > 1:
                yield Finding(f"{key}.{name}", f"stands {times} times; each id once")
        for entry in named:
            values = Counter(str(option.get("value")) for option in _tables(entry.get("options")))
            for value in (value for value, times in values.items() if times > 1):
                yield Finding(f"{key}.{entry.get('id')}.options.{value}", "stands twice; each answer once")


def _tables(value: Any) -> list[Raw]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _numbers(raw: Raw) -> Iterator[Finding]:
    """Limits over the cap; a timer, chase or repeat of 0. The model refuses these as well; here they say why."""
    for where, key, value in _leaves(raw, "", ""):
        if key in ("hard_cap", "max_day", "max_night") and value > HARD_CAP_MINUTES:
            yield Finding(where, f"{value} minutes is over the hard cap of {HARD_CAP_MINUTES}; no file may change it")
        elif where.startswith(("timers", "repeat", "rung", "task")) and value <= 0 and key not in MAY_BE_0:
            yield Finding(where, f"{value}: a timer of nothing; every timer is at least 1, save a grace or a limit")


def _leaves(value: Any, where: str, key: str) -> Iterator[tuple[str, str, int | float]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, f"{where}.{name}" if where else str(name), str(name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            name = _name_of(key, each) if isinstance(each, dict) else str(place)
            yield from _leaves(each, f"{where}.{name}", key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield where, key, value


def _name_of(key: str, entry: Raw) -> str:
    return str(entry.get(KEY_OF.get(key, "id"), "?"))


def weaker(raw: Raw, base: Raw) -> Iterator[Finding]:
    """What the file says that is laxer than its base, and therefore does not stand."""
    try:
        whole = laid_over(base, raw)
    except BadProtocol as fault:
        yield from fault.findings
        return
    for key, said in raw.items():
        yield from _lost(key, key, said, whole.get(key))


def _lost(where: str, key: str, said: Any, stands: Any) -> Iterator[Finding]:
    if isinstance(said, dict) and isinstance(stands, dict):
        for name, each in said.items():
            if name in stands:
                yield from _lost(f"{where}.{name}", name, each, stands[name])
            elif _means_something(name, each):
                yield Finding(f"{where}.{name}", f"{each!r} is not the layer's to say; the base stands")
    elif isinstance(said, list) and isinstance(stands, list) and any(isinstance(e, dict) for e in (*said, *stands)):
        yield from _lost_entries(where, key, said, stands)
    elif isinstance(said, list) and isinstance(stands, list):
        lost = [each for each in said if each not in stands]
        if lost or (key in ("when", "levels") and any(each not in said for each in stands)):
            yield Finding(where, f"{said} is weaker than the base, where {stands} stands")
    elif said != stands:
        yield Finding(where, f"{said!r} is weaker than the base, where {stands!r} stands")


def _lost_entries(where: str, key: str, said: list[Any], stands: list[Any]) -> Iterator[Finding]:
    name = KEY_OF.get(key, "id")
    standing = {str(entry.get(name)): entry for entry in _tables(stands)}
    for entry in _tables(said):
        named = str(entry.get(name))
        place = f"{where}.{named}"
        if named in standing:
            yield from _lost(place, key, entry, standing[named])
        else:
            yield Finding(place, "may not be added by a layer: it would not make anything stricter")


def _means_something(name: str, value: Any) -> bool:
    """A key that the merge left out says something only where its value is not the default."""
    return value not in ("", False, 0, [], ()) and not (name == "completes" and value is True)


# ---- the protocol as it stands -------------------------------------------------------------------


def _references(protocol: Protocol) -> Iterator[Finding]:
    flags, factors = {f.id for f in protocol.flag}, {f.id for f in protocol.factor}
    checks = {c.id for c in protocol.check}
    for one in protocol.check:
        yield from (Finding(f"check.{one.id}.yes_raises", f"no flag {f}") for f in one.yes_raises if f not in flags)
        for option in one.options:
            where = f"check.{one.id}.{option.value}"
            yield from (Finding(f"{where}.raises", f"no flag {f}") for f in option.raises if f not in flags)
            yield from (Finding(f"{where}.factors", f"no factor {f}") for f in option.factors if f not in factors)
            yield from (Finding(f"{where}.asks", f"no check {c}") for c in option.asks if c not in checks)
    for where, names in _whens(protocol):
        for name in names:
            if condition(name) is None or (FACTOR.fullmatch(name) and name not in factors):
                yield Finding(where, f"{name!r} is no condition (casework/conditions.py lists them)")
    for name in protocol.protocol.absent_unless:
        if condition(name) is None and name not in flags:
            yield Finding("protocol.absent_unless", f"{name!r} is neither a condition nor a flag")
    for flag in protocol.worry_words:
        if flag not in flags:
            yield Finding("worry_words", f"no flag {flag}")


def _whens(protocol: Protocol) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every list of conditions that must all hold, with its place in the file."""
    yield from ((f"rule.{rule.id}.when", rule.when) for rule in protocol.rule)
    yield from ((f"flag.{flag}.together", names) for flag, names in protocol.together)


def _rungs(protocol: Protocol) -> Iterator[Finding]:
    numbers = [rung.rung for rung in protocol.rung]
    if numbers != list(range(1, len(numbers) + 1)) or not numbers:
        yield Finding("rung", f"{numbers}: the rungs of the chain are 1, 2, 3 … in order")
    elif protocol.rung[-1].role != "all":
        yield Finding(f"rung.{numbers[-1]}.role", "the last rung repeats for ever: it must be all")
    ages = [band.under for band in protocol.timers.bands]
    if ages != sorted(set(ages)) or not ages or ages[-1] < 18:
        yield Finding("timers.bands", f"{ages}: bands go up in age, to 18: an age without a band has no review time")


def _sources(protocol: Protocol) -> Iterator[Finding]:
    known = set(protocol.sources) | {"OURS"}
    yield from _source("timers", protocol.timers.source, known)
    for key in ("check", "flag", "factor", "rule", "floor", "rung", "task", "notice", "step"):
        for entry in getattr(protocol, key):
            name = getattr(entry, KEY_OF[key])
            yield from _source(f"{key}.{name}", entry.source, known)


def _source(where: str, source: str, known: set[str]) -> Iterator[Finding]:
    ids = source.split()
    if not ids:
        yield Finding(f"{where}.source", "no source: a rule that nobody can trace is not followed")
    yield from (Finding(f"{where}.source", f"{name} is not in [sources]") for name in ids if name not in known)


def _gate(protocol: Protocol) -> Iterator[Finding]:
    for side in ("staff", "parent"):
        gate = [c.id for c in protocol.check if c.stage == "gate" and c.side in (side, "both")]
        counted = [name for name in gate if name not in UNCOUNTED]
        if len(counted) > MAX_GATE_QUESTIONS:
            most = f"at most {MAX_GATE_QUESTIONS} (PR9)"
            yield Finding(f"check ({side})", f"{len(counted)} questions before the first decision; {most}")


def _floors(protocol: Protocol) -> Iterator[Finding]:
    present = {floor.id for floor in protocol.floor}
    for name in FLOORS:
        if name not in present:
            yield Finding(f"floor.{name}", "missing: the five floors stand in every file")


def _signed(protocol: Protocol) -> Iterator[Finding]:
    meta = protocol.protocol
    if meta.status != "approved":
        return
    if not meta.effective_to:
        yield Finding("protocol.effective_to", "an approved protocol has an end date, so that an old one cannot linger")
    if len(set(meta.approved_by)) < NEEDED_APPROVERS:
        yield Finding("protocol.approved_by", f"an approved protocol names {NEEDED_APPROVERS} people")

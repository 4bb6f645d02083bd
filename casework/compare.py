"""The same answers under every protocol, and where what follows differs.

That is the inconsistency between areas which the inquiry of 2016 complained of, made visible. A value is
what an adult, a manager or an inspector would notice: the level and its rule, the words and their times, who must be
told, the talk that is owed. Where all protocols agree nothing is shown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from casework import conditions
from casework.case import Case
from casework.levels import Level, Status
from casework.limits import LONDON
from casework.nights import NIGHTS, Night
from casework.protocol import Protocol
from casework.rehearsal import Rehearsal, Said
from casework.stricter import MILD

ANY = "any night"
NOTHING = "-"
_HARM = ("R01", "R02", "R10")  # a crime in progress, suicide, harm to or by others


@dataclass(frozen=True)
class Difference:
    """One thing that differs on one night: each protocol's own value."""

    night: str
    what: str
    values: Mapping[str, str]

    def groups(self) -> dict[str, list[str]]:
        """The protocols by their value, in the order they were given."""
        found: dict[str, list[str]] = {}
        for name, value in self.values.items():
            found.setdefault(value, []).append(name)
        return found


def compare(protocols: Mapping[str, Protocol], nights: tuple[Night, ...] = NIGHTS) -> list[Difference]:
    """Every difference between these protocols: first what no night changes, then night by night."""
    shown = [(ANY, {name: dict(facts(each)) for name, each in protocols.items()})]
    shown += [(n.name, {name: dict(outcome(n.play(each))) for name, each in protocols.items()}) for n in nights]
    return [difference for night, values in shown for difference in _differences(night, values)]


def _differences(night: str, values: Mapping[str, Mapping[str, str]]) -> Iterator[Difference]:
    whats = dict.fromkeys(what for value in values.values() for what in value)
    for what in whats:
        each = {name: value.get(what, NOTHING) for name, value in values.items()}
        if len(set(each.values())) > 1:
            yield Difference(night, what, each)


def facts(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """What holds whatever happens."""
    meta = protocol.protocol
    yield "status", meta.status
    yield "definition of missing", meta.definition_says
    yield "levels", ", ".join(meta.levels)
    yield "class absent", meta.absent_says or "no such class"
    yield "return talk", meta.return_talk
    yield "helpline", meta.helpline
    yield "out of hours", meta.out_of_hours
    yield "languages", ", ".join(meta.languages)


def outcome(night: Rehearsal) -> Iterator[tuple[str, str]]:
    """What one night came to under one protocol."""
    assert night.case is not None
    case, protocol = night.case, night.protocol
    yield "first decision", _first(night)
    yield "outcome", _level_and_rule(case, protocol)
    yield "missing from", _clock(case.missing_at)
    yield "told the adult", _texts(night.texts(reporter=True))
    yield "told people on call", _texts(night.texts(reporter=False))
    yield "must be told", "; ".join(due_notices(case, protocol)) or "nobody by rule"
    yield "return talk owed", _talk(case, protocol)
    yield "missing by its definition", by_definition(night)
    if protocol.protocol.absent_says:
        yield "class of its time", class_of_its_time(case, protocol)


def _first(night: Rehearsal) -> str:
    for at, case in night.decided:
        if case.level > Level.UNASSESSED:
            return f"{_clock(at)} {_level_and_rule(case, night.protocol)}"
    return NOTHING


def _level_and_rule(case: Case, protocol: Protocol) -> str:
    return f"{case.level.shown.upper()} {weightiest(case, protocol)}".rstrip()


def weightiest(case: Case, protocol: Protocol) -> str:
    """The flag or rule that gave the level: for H01 its first flag, which speaks for it."""
    fired = [r.rule for r in case.reasons]
    if "H01" in fired:
        return next((f for f in case.flags), "H01")
    rules = [rule for rule in protocol.rule if rule.id in fired]
    weighty = [rule.id for rule in rules if rule.outcome not in MILD] or [rule.id for rule in rules]
    return weighty[0] if weighty else ""


def _texts(said: list[Said]) -> str:
    return ", ".join(f"{_clock(s.at)} {s.text}" for s in said) or NOTHING


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(LONDON):%H:%M}" if at is not None else NOTHING


def due_notices(case: Case, protocol: Protocol) -> list[str]:
    """Whom the jurisdiction wants told of this absence; its rules are about homes, not about a child at home."""
    if case.child.at_home:
        return []
    holds = {
        "any_absence": True,
        "missing": case.missing_at is not None,
        "exploitation": "R06" in case.flags,
        "return": case.returned,
    }
    return [f"{notice.id} {notice.who}" for notice in protocol.notice if holds[notice.when]]


def _talk(case: Case, protocol: Protocol) -> str:
    if case.missing_at is None:
        return "none owed"
    if case.back.interview_due is None:
        return protocol.protocol.return_talk
    due = case.back.interview_due.astimezone(LONDON)
    return f"by {due:%a %d %b %H:%M}: {protocol.protocol.return_talk}"


def by_definition(night: Rehearsal) -> str:
    """Whether the area's own definition called the child missing at some moment, whatever our rules made of it."""
    wants_more = len(night.protocol.protocol.definition_missing) > 1
    for at, case in night.decided:
        out = case.unlocated and case.open and case.status not in (Status.WATCHING, Status.RETURNED)
        if out and (not wants_more or _more_than_unknown(case, night.protocol, at)):
            return f"yes, from {_clock(at)}"
    return "no: whereabouts unknown is not enough" if wants_more else "no"


def _more_than_unknown(case: Case, protocol: Protocol, at: datetime) -> bool:
    """Out of character, or a crime, or a risk of harm: what a longer definition asks beside unknown whereabouts."""
    unusual = conditions.holds(("out_of_character",), case, protocol, at)
    return unusual or any(flag in case.flags for flag in _HARM)


def class_of_its_time(case: Case, protocol: Protocol) -> str:
    """What a scheme that knew the class "absent" would have allowed, beside the floor that stands today."""
    unless = protocol.protocol.absent_unless
    missing = any(name in case.flags or _condition(name, case, protocol, case.opened_at) for name in unless)
    then = "missing" if missing else "absent possible"
    year = protocol.protocol.effective_from[:4]
    return f"{year} class: {then}; today's floor: {_level_and_rule(case, protocol)}"


def _condition(name: str, case: Case, protocol: Protocol, at: datetime) -> bool:
    predicate = conditions.condition(name)
    return predicate is not None and predicate(case, protocol, at)

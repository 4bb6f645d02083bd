"""The words a rule may use in `when`: each a named predicate over the case. A rule that uses another does not load."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache

from casework import facts, limits
from casework.case import Case
from casework.levels import Level, Located
from casework.limits import MINUTE
from casework.protocol import Protocol
from casework.protocol_parts import NIGHT, Check

Condition = Callable[[Case, Protocol, datetime], bool]


def _past_limit(case: Case, protocol: Protocol, now: datetime) -> bool:
    ends = limits.limit(case, protocol) if case.unlocated else limits.away_limit(case, protocol)
    return now >= ends


def _red_flag(case: Case, protocol: Protocol, now: datetime) -> bool:
    return not protocol.urgent.isdisjoint(case.flags)


def _place_unsafe(case: Case, protocol: Protocol, now: datetime) -> bool:
    return "R20" in case.flags


def _out_of_character(case: Case, protocol: Protocol, now: datetime) -> bool:
    settled = any(u.settled == "risk" and _means(protocol, u.check) == "character" for u in case.unsure)
    return settled or "unusual" in facts.meant(case, protocol, "character")


def _means(protocol: Protocol, check_id: str) -> str:
    return protocol.find(check_id).means if protocol.has(check_id) else ""


def checks_due(case: Case, protocol: Protocol) -> datetime | None:
    """When M03 falls due: opening + the band's minutes; for the ring-round of a parent (P07) that or 10 min after it was
    asked, whichever is later, never after the limit. None when nothing mandatory is open."""
    open_checks = mandatory_open(case, protocol)
    if not open_checks:
        return None
    base = _checks_base(case, protocol)
    if [c.means for c in open_checks] != ["ring_round"] or open_checks[0].stage != "detail":
        return base
    asked = next((p.asked_at for p in case.prompts if p.check == open_checks[0].id), None)
    if asked is None:
        return base
    own = asked + protocol.timers.answer.ring_round * MINUTE
    return max(base, min(own, limits.limit(case, protocol)))


def _checks_base(case: Case, protocol: Protocol) -> datetime:
    return case.checks_from + limits.minutes(limits.band(case, protocol).checks)


def mandatory_open(case: Case, protocol: Protocol) -> list[Check]:
    """The mandatory checks of this side that are not done; none once the child is located in a safe place."""
    if case.located is Located.SAFE:
        return []
    answered, mandatory = case.answers, protocol.mandatory(facts.side_of_work(case))
    return [check for id_, check in mandatory.items() if id_ not in answered or not facts.complete(case, check)]


def _checks_overdue(case: Case, protocol: Protocol, now: datetime) -> bool:
    if now < _checks_base(case, protocol):  # it is never due sooner
        return False
    due = checks_due(case, protocol)
    return due is not None and now >= due


def _worried(case: Case, protocol: Protocol, now: datetime) -> bool:
    return "worried" in facts.meant(case, protocol, "worry")


def _unsure_expired(case: Case, protocol: Protocol, now: datetime) -> bool:
    return any(u.settled == "expired" or (not u.settled and now >= u.until) for u in case.unsure)


def _companion(case: Case, protocol: Protocol, now: datetime) -> bool:
    return any(level >= Level.MEDIUM for _, level, _ in case.linked)


def _contact_safe_place(case: Case, protocol: Protocol, now: datetime) -> bool:
    where = facts.whereabouts(case, protocol)
    return (
        case.located is Located.SAFE
        and where is not None
        and where.place
        and where.adult
        and case.agreed_until is not None
    )


CONDITIONS: dict[str, Condition] = {
    "always": lambda c, p, n: True,
    "unlocated": lambda c, p, n: c.unlocated,
    "located": lambda c, p, n: not c.unlocated,
    "gate_done": lambda c, p, n: c.gate_done,
    "red_flag": _red_flag,
    "place_unsafe": _place_unsafe,
    "out_of_character": _out_of_character,
    "past_limit": _past_limit,
    "checks_overdue": _checks_overdue,
    "worried": _worried,
    "unsure_expired": _unsure_expired,
    "companion_raised": _companion,
    "no_agreement": lambda c, p, n: not limits.agreement_holds(c, p, n),
    "before_limit_or_agreed": lambda c, p, n: n < limits.limit(c, p) or limits.agreement_holds(c, p, n),
    "contact_safe_place": _contact_safe_place,
    "no_active_pattern": lambda c, p, n: not c.child.active_patterns,
    "no_open_unsure": lambda c, p, n: all(u.settled for u in c.unsure),
    "nar_available": lambda c, p, n: "nar" in p.protocol.levels,
    "near_water_or_remote": lambda c, p, n: bool(c.child.surroundings),
    NIGHT: lambda c, p, n: limits.is_night(n, p),
}

_COUNTED = re.compile(r"factors(>=|<=)(\d+)")
FACTOR = re.compile(r"K\d\d")


@cache
def condition(name: str) -> Condition | None:
    """The predicate of this name (`factors>=3` counts, `K04` is one factor), or None: unknown."""
    known = CONDITIONS.get(name)
    if known is None and FACTOR.fullmatch(name):
        return lambda c, p, n: name in c.factors
    counted = None if known is not None else _COUNTED.fullmatch(name)
    if counted is None:
        return known
    number = int(counted[2])
    if counted[1] == ">=":
        return lambda c, p, n: len(c.factors) >= number
    return lambda c, p, n: len(c.factors) <= number


def holds(names: tuple[str, ...], case: Case, protocol: Protocol, now: datetime) -> bool:
    """Whether every condition holds. KeyError on an unknown one: the loader let it through, our bug."""
    for predicate in predicates(names):  # noqa: SIM110 - a generator costs as much again, in the hottest place of all
        if not predicate(case, protocol, now):
            return False
    return True


@cache
def predicates(names: tuple[str, ...]) -> tuple[Condition, ...]:
    """The predicates of these conditions, in their order."""
    return tuple(condition(name) or _unknown(name) for name in names)


def _unknown(name: str) -> Condition:
    def asked(case: Case, protocol: Protocol, now: datetime) -> bool:
        raise KeyError(name)

    return asked


def ruled_out(case: Case) -> frozenset[str]:
    """Conditions that cannot hold of this case at any instant, as a glance at it shows: a rule that has one need not be
    asked. Each line must say no more than the predicate of that name."""
    names = ["located" if case.unlocated else "unlocated"]
    if not case.reasons:
        names += "red_flag", "place_unsafe"
    if not case.unsure:
        names.append("unsure_expired")
    if not case.linked:
        names.append("companion_raised")
    if case.located is not Located.SAFE:
        names.append("contact_safe_place")
    return frozenset(names)

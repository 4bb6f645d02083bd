"""Knows which red flags and factors stand, and what raised each: the register, an answer, words, circumstances together, or a
human's Yes to a "not sure"."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeAlias

from casework import conditions, facts, limits
from casework.case import Case, replace
from casework.events import Reason, WorryRaised
from casework.protocol import Protocol
from casework.protocol_parts import Option
from casework.turn import Turn

Said: TypeAlias = list[tuple[str, Option]]  # every option that stands and raises or counts, with its check's id
NIGHTFALL = "limit:night"  # the key of its deadline


def flags(turn: Turn, said: Said, counted: tuple[str, ...]) -> list[Reason]:
    """The flags that are new, each with what raised it first."""
    new: dict[str, str] = {}
    fired = {r.rule for r in turn.case.reasons}
    for rule, because in (*_raised(turn, said), *_together(turn, counted)):
        if rule not in new and rule not in fired:
            new[rule] = because
    return [Reason(rule=rule, because=because, at=turn.now) for rule, because in new.items()]


def _raised(turn: Turn, said: Said) -> Iterator[tuple[str, str]]:
    case, protocol = turn.case, turn.protocol
    child = case.child
    for mark, flag in protocol.register_marks if child.flags else ():
        if mark in child.flags and not (mark == "medical" and child.medicine_due_at is not None):
            yield flag, f"register:{mark}"
    if (child.age is None or child.age < 12 or child.primary_school) and case.unlocated:
        yield "R04", "register:age"
    if child.medicine_due_at is not None and turn.now >= medicine_flag_at(case, protocol):
        yield "R03", "register:medicine"
    for check, option in said:
        for raised in option.raises:
            yield raised, f"{check}={option.value}"
    for unsure in case.unsure:
        if unsure.settled == "risk":
            for raised in of_yes(protocol, unsure.check):
                yield raised, f"{unsure.check}=risk"
    for worry in (turn.news, *turn.decisions):
        if isinstance(worry, WorryRaised):
            for raised in worry.flags:
                yield raised, "words"


def _together(turn: Turn, counted: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The flags that circumstances raise together. A night that fell while the house was down has fallen all the same."""
    case = turn.case if counted == turn.case.factors else replace(turn.case, factors=counted)
    fallen = NIGHTFALL in turn.due_keys
    for flag, names in turn.protocol.together:
        if (fallen and _wants_night(case, turn.protocol, names)) or conditions.holds(
            names, case, turn.protocol, turn.now
        ):
            yield flag, " ".join(names)


def _wants_night(case: Case, protocol: Protocol, names: tuple[str, ...]) -> bool:
    """Whether nothing but the night is wanting. Asked alike when its deadline is armed and when it rings, at no instant of
    their own: what was armed is then spent by ringing, whatever conditions a file has put beside the night."""
    others = protocol.nightly.get(names)
    return others is not None and conditions.holds(others, case, protocol, case.checks_from)


def nightfall(case: Case, protocol: Protocol) -> datetime | None:
    """When the night falls that would raise a flag together with all that holds already (R15): the first night instant
    after the last answer. None where nothing waits for the night."""
    for flag, names in protocol.together:
        if _wants_night(case, protocol, names) and not case.fired(flag):
            told = [answer.at for given in case.answers.values() for answer in given]
            return limits.first_night(max([case.checks_from, *told]), protocol)
    return None


def medicine_flag_at(case: Case, protocol: Protocol) -> datetime:
    """R03: a medicine due within 12 h of opening holds from the opening; a later one from 12 h before it is due."""
    assert case.child.medicine_due_at is not None
    return case.child.medicine_due_at - timedelta(hours=protocol.timers.medicine_hours)


def of_yes(protocol: Protocol, check_id: str) -> tuple[str, ...]:
    """The red flags that a Yes on this check would raise."""
    if not protocol.has(check_id):
        return ()
    check = protocol.find(check_id)
    return tuple(dict.fromkeys((*(r for o in check.options for r in o.raises), *check.yes_raises)))


def factors(case: Case, protocol: Protocol, said: Said) -> tuple[str, ...]:
    """Each counts one and is never taken back (PR6); listed in protocol order."""
    child = case.child
    found = {*case.factors, *child.register_factors}
    for _, option in said:
        found.update(option.factors)
    if child.episodes_90_days:
        found.add("K06")
    if case.opened_at - case.t0 > limits.minutes(protocol.timers.late_report):
        found.add("K14")
    where = facts.whereabouts(case, protocol)
    if where is not None and where.approved is False:
        found.add("K11")
    if not found:
        return ()
    place = protocol.factor_place
    return tuple(sorted(found & place.keys(), key=place.__getitem__))

"""Knows how the rota is changed: who may, what stands against it, and what must be said about a change.

A change is never refused for what it leaves open, since somebody who is ill is ill: the answer says what is empty now, and
the people who answer for it hear of it in the same unit of work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from casework.errors import NotAllowed
from casework.rota import Plan, Shift, Span, runs, spans
from casework.wording import LONDON
from storage import shifts
from storage.chance import time_id
from storage.desk import Desk
from storage.directory import Person
from storage.shifts import ON_ROTA, Line, Rota

AHEAD = timedelta(days=14)  # so far a change is looked at for what it leaves empty
LEAVE_AT_MOST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Changed:
    """What was done to the rota: the lines that stand now, the people it is about, and what must be said of it."""

    lines: tuple[Line, ...]
    people: tuple[str, ...]
    says: tuple[str, ...]


async def put(desk: Desk, by: Person, role: str, home: str, shift: Shift) -> Changed:
    """Put a shift or an override on the rota. Raises NotAllowed for a role, home or person that cannot be."""
    await _may_change(desk, by, role, home)
    person = await _one_of_ours(desk, by, shift.person)
    if shift.instead_of:
        await _one_of_ours(desk, by, shift.instead_of)
    line = _line(desk, by, role, home, shift)
    says = [*_unfit(person, role, home), *await _emptied_by(desk, by.organisation, [line], [])]
    await shifts.add(desk.tx, line)
    return Changed((line,), _named([line]), tuple(says))


async def leave(desk: Desk, by: Person, person_id: str, from_at: datetime, until_at: datetime) -> Changed:
    """Note that somebody is away; their shifts stand empty unless somebody else is put there. Raises NotAllowed."""
    person = await _one_of_ours(desk, by, person_id)
    own = by.person_id == person.person_id or bool({f"manager:{home}" for home in person.homes} & set(by.roles))
    if not (own or _everywhere(by)):
        raise NotAllowed(f"{by.person_id} may not put {person_id} on leave: their manager or somebody on call does")
    if until_at - from_at > LEAVE_AT_MOST:
        raise NotAllowed("leave is a year at most; `porchlight person deactivate` cuts off somebody who has left")
    line = _line(
        desk, by, "", "", Shift(shift_id="", person=person_id, kind="leave", from_at=from_at, until_at=until_at)
    )
    says = await _emptied_by(desk, by.organisation, [line], [])
    await shifts.add(desk.tx, line)
    return Changed((line,), (person_id,), tuple(says))


async def swap(desk: Desk, by: Person, one: str, at: datetime, other: str, back_at: datetime | None) -> Changed:
    """Give the shift that `one` has at an instant to `other`, and theirs of `back_at` to `one`. Raises NotAllowed.

    Two overrides, each for one shift; without `back_at` it is given away.
    """
    given = await _shift_at(desk, by, one, at)
    lines = [given] if back_at is None else [given, await _shift_at(desk, by, other, back_at)]
    made = []
    for line, taker, moment in zip(lines, (other, one), (at, back_at or at), strict=False):
        await _may_change(desk, by, line.role, line.home)
        span = next(span for span in spans(line.shift, moment, moment + timedelta(minutes=1)) if span.holds(moment))
        await _one_of_ours(desk, by, taker)
        override = Shift(
            shift_id="", person=taker, kind="override", line=line.shift.line, from_at=span.begins, until_at=span.ends,
            instead_of=line.shift.person,
        )  # fmt: skip
        made.append(_line(desk, by, line.role, line.home, override))
    says = await _emptied_by(desk, by.organisation, made, [])
    for line in made:
        await shifts.add(desk.tx, line)
    return Changed(tuple(made), (one, other), tuple(says))


async def end(desk: Desk, by: Person, shift_id: str) -> Changed:
    """End a line of the rota now, or take away one that is still to come. Raises NotAllowed."""
    line = await shifts.find(desk.tx, shift_id)
    if line is None or line.organisation != by.organisation:
        raise NotAllowed(f"there is no line {shift_id} on the rota; `porchlight rota list` shows them")
    if line.role:
        await _may_change(desk, by, line.role, line.home)
    elif not (_everywhere(by) or line.shift.person == by.person_id or line.made_by == by.person_id):
        raise NotAllowed(f"{by.person_id} may not end the leave of {line.shift.person}")
    says = await _emptied_by(desk, by.organisation, [], [line])
    await shifts.cut(desk.tx, shift_id, by.person_id, desk.now)
    return Changed((line,), _named([line]), tuple(says))


# ---- who may, and whom ---------------------------------------------------------------------------------


def _everywhere(by: Person) -> bool:
    return by.is_coordinator or by.is_deputy or "owner" in by.roles


async def _may_change(desk: Desk, by: Person, role: str, home: str) -> None:
    """The rota of every home is changed by who is on call for every home; a manager changes that of their own."""
    if role not in ON_ROTA:
        raise NotAllowed(f"{role} has no rota: {', '.join(ON_ROTA)} have one")
    place = await desk.directory.home(home) if home else None
    if home and (place is None or place.organisation != by.organisation):
        raise NotAllowed(f"there is no home {home} in {by.organisation}")
    if not (_everywhere(by) or (home and by.is_manager(home))):
        raise NotAllowed(f"{by.person_id} may change the rota of their own homes alone: add --home")


async def _one_of_ours(desk: Desk, by: Person, person_id: str) -> Person:
    person = await desk.directory.person(person_id)
    if person is None or not person.active or person.organisation != by.organisation:
        raise NotAllowed(f"nobody active in {by.organisation} has the id {person_id}")
    if not person.on_call:
        raise NotAllowed(f"{person_id} is not on call: a co-ordinator, deputy, manager or owner takes alerts")
    return person


def _unfit(person: Person, role: str, home: str) -> list[str]:
    says = []
    if not person.reachable:
        says.append(
            f"{person.person_id} cannot be reached: no number and no account is known, so the shift counts as empty"
        )
    has = any(each == role or each.startswith(f"{role}:") for each in person.roles)
    if not has:
        says.append(f"{person.person_id} is no {role} otherwise; on this shift they are")
    return says


def _line(desk: Desk, by: Person, role: str, home: str, shift: Shift) -> Line:
    own = replace(shift, shift_id=time_id("shift", desk.now, desk.chance))
    return Line(shift=own, organisation=by.organisation, role=role, home=home, made_at=desk.now, made_by=by.person_id)


async def _shift_at(desk: Desk, by: Person, person: str, at: datetime) -> Line:
    """The one shift or override that somebody has at an instant."""
    lines = [
        line for line in await shifts.lines(desk.tx, by.organisation, desk.now)
        if line.role and line.shift.person == person and runs(line.shift, at)
    ]  # fmt: skip
    if len(lines) != 1:
        raise NotAllowed(f"{person} has {'several shifts' if lines else 'no shift'} at {told(at)}")
    return lines[0]


def _named(lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for line in lines for each in (line.shift.person, line.shift.instead_of) if each))


# ---- what it leaves empty --------------------------------------------------------------------------------


async def _emptied_by(desk: Desk, organisation: str, more: Sequence[Line], less: Sequence[Line]) -> list[str]:
    """What of the coming fortnight has somebody on duty before a change and nobody after it."""
    scopes = {(line.role, line.home) for line in (*more, *less) if line.role}
    if any(not line.role for line in (*more, *less)):
        for person in {line.shift.person for line in (*more, *less)}:
            named = await shifts.scopes(desk.tx, desk.now, organisation=organisation, person=person, roster=True)
            scopes |= {(scope.role, scope.home) for scope in named}
    says = []
    for role, home in sorted(scopes):
        before = await shifts.rota(desk.tx, organisation, home, desk.now, whole=True)
        out = await unreachable(desk, before, more)
        old = before.of(role)
        gone = {line.shift.shift_id for line in less}
        new = [*(shift for shift in old if shift.shift_id not in gone), *_bearing(more, role, home)]
        until = desk.now + AHEAD
        empty = Plan(old, desk.now, until, out).emptied(Plan(new, desk.now, until, out))
        says += [f"nobody stands on the rota as {role}{of_home(home)} {between(span)}" for span in empty]
    return says


def _bearing(lines: Iterable[Line], role: str, home: str) -> list[Shift]:
    return [line.shift for line in lines if line.role in ("", role) and line.home in ("", home)]


async def unreachable(desk: Desk, rota: Rota, more: Sequence[Line] = ()) -> frozenset[str]:
    """Those on a rota whom nothing reaches: cut off, or without any channel."""
    ids = rota.people | {line.shift.person for line in more}
    known = {person.person_id: person for person in await desk.directory.persons(sorted(ids))}
    return frozenset(i for i in ids if i not in known or not (known[i].active and known[i].reachable))


def of_home(home: str) -> str:
    """` of oak`, or nothing for every home."""
    return f" of {home}" if home else ""


def between(span: Span) -> str:
    """From when until when, on London's wall clock."""
    return f"from {told(span.begins)} to {told(span.ends)}"


def told(at: datetime) -> str:
    """An instant on London's wall clock, with its day."""
    return f"{at.astimezone(LONDON):%a %d %b %H:%M}"

"""Knows who holds a role at an instant, and why: shifts, then the roster's duty lines, then all who have the role, then
stand-ins.

An alert to nobody is the worst answer, so a person whom no channel reaches is passed over, and the answer says so. Who
has not been relieved is alerted beside who came on (`casework.duty`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple
from typing import Protocol as Shape

from casework import duty
from casework.duty import Duty
from casework.rota import Shift
from casework.wording import LONDON
from storage import shifts
from storage.people import Home, Person
from storage.shifts import NO_ROTA, Part, Rota

ROLES = ("coordinator", "second_coordinator", "deputy", "manager", "owner")
OF_A_HOME = ("manager", "staff")
STAND_INS = {
    "coordinator": ("deputy", "owner"),
    "second_coordinator": ("deputy", "owner"),
    "deputy": ("owner",),
    "manager": ("owner", "deputy"),
}


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who may be on call for a home at an instant: the people of the duty lines that run, in their order and by role, and
    all active people of the organisation who hold a role of `ROLES`, by id; its rota, and the people named there."""

    lines: tuple[tuple[str, Person], ...]
    people: tuple[Person, ...]
    home: str
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    rota: Rota = NO_ROTA
    named: Mapping[str, Person] = field(default_factory=dict)

    def on_line(self, role: str) -> list[Person]:
        """Those on the duty lines of a role, each once."""
        return list({person.person_id: person for each, person in self.lines if each == role}.values())

    def holders(self, role: str) -> list[Person]:
        """All who have a role; managers and staff those of this home."""
        wanted = f"{role}:{self.home}" if role in OF_A_HOME else role
        return [person for person in self.people if wanted in person.roles]

    def duty(self, role: str) -> Duty:
        """Who has a role by the rota, among those whom a channel reaches; nobody where it has none."""
        found = self.rota.of(role)
        if not found:
            return Duty()
        out = {each for each in self.rota.people if each not in self.named or not self.named[each].reachable}
        return duty.on_duty(found, self.rota.taken_over.get(role, ()), self.at, out)

    def of_ids(self, ids: Iterable[str]) -> tuple[Person, ...]:
        """The people of these ids, whom a channel reaches."""
        return tuple(self.named[each] for each in ids if each in self.named and self.named[each].reachable)


@dataclass(frozen=True, slots=True)
class OnCallPart:
    """What bears on one home alone, or on every home of an organisation, and the active people named there."""

    rota: Part
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class MayBeOnCall:
    """What an hour has in common of who is on call: every duty line, running or not, and the rest as in `OnCall`."""

    lines: tuple[tuple[str, Shift], ...]
    people: tuple[Person, ...]
    home: str
    rota: Rota
    named: Mapping[str, Person]

    def at(self, now: datetime) -> OnCall:
        """Who may be on call at an instant of this hour."""
        running = tuple(
            (role, self.named[line.person])
            for role, line in self.lines
            if (line.from_at is None or line.from_at <= now) and (line.until_at is None or line.until_at > now)
        )
        return OnCall(running, self.people, self.home, now, self.rota, self.named)


def together(parts: Sequence[OnCallPart], organisation: str, home: str) -> MayBeOnCall:
    """Who may be on call for a home, of what bears on it alone and what bears on every home."""
    by_id = {person.person_id: person for each in parts for person in each.people}
    lines = sorted((line for each in parts for line in each.rota.standing), key=lambda line: line[1].line)
    own = sorted((p for p in by_id.values() if p.organisation == organisation), key=lambda person: person.person_id)
    return MayBeOnCall(
        tuple((role, line) for role, line in lines if line.person in by_id), tuple(own), home,
        shifts.together([each.rota for each in parts]), by_id,
    )  # fmt: skip


class People(Shape):
    """What the rota needs of the directory."""

    async def home(self, home_id: str) -> Home | None: ...
    async def holders(self, role: str, scope: str = "") -> list[Person]: ...
    async def on_call(self, organisation: str, home: str, now: datetime) -> OnCall: ...


class Held(NamedTuple):
    """The people who hold a role, the first to be alerted first, and why it is they.

    `stand_in`: the role they have in its place, where nobody who can be reached holds the one that was asked for.
    `away`: they are on leave, all of them, and are asked for want of anybody else.
    """

    people: tuple[Person, ...]
    why: str
    stand_in: str = ""
    away: bool = False


async def stands_in(directory: People, organisation: str, home: str, person_id: str, now: datetime) -> bool:
    """Whether the rota has put somebody on duty for a home now, whatever roles they have otherwise."""
    on_call = await directory.on_call(organisation, home, now)
    return any(person_id in (*found.people, *found.keeping) for found in map(on_call.duty, on_call.rota.shifts))


async def on_duty(directory: People, organisation: str, role: str, home: str, now: datetime) -> Held:
    """Who holds a role for a home now, and why.

    1. the people of the first shift that runs, overrides before shifts, and those whom they have not relieved yet
    2. the person of the earliest duty line that runs; `second_coordinator` is the second in line
    3. everybody of the organisation who has the role and is not on leave; on leave, rather than nobody
    4. a deputy, or the owner
    The manager of a family home is the co-ordinator.
    """
    on_call = await directory.on_call(organisation, home, now)
    if role not in ROLES:
        others = await directory.holders(role, home if role in OF_A_HOME else "")
        on_call = replace(on_call, people=tuple(p for p in others if p.organisation == organisation))
    place = await directory.home(home) if home and role == "manager" else None
    if place is not None and place.kind == "family":
        held = _held(on_call, "coordinator")
        return held._replace(why=f"a family home has no manager; {held.why}")
    return _held(on_call, role)


def _held(on_call: OnCall, role: str) -> Held:
    held = _by_line_or_role(on_call, role)
    if held.people:
        return held
    for stand_in in STAND_INS.get(role, ()):
        found = _by_line_or_role(on_call, stand_in)
        if found.people:
            return Held(found.people, f"{held.why}; in their place, {found.why}", stand_in)
    return held


def _by_line_or_role(on_call: OnCall, role: str) -> Held:
    if role == "second_coordinator":
        return _second(on_call)
    on_duty = on_call.duty(role)
    if on_duty.people and on_duty.kind != "standing":
        return _by_shift(on_call, role, on_duty)
    lines, lost = _reachable(_present(on_call, on_call.on_line(role)))
    if lines:
        return Held(lines[:1], f"duty line of {role}{lost}")
    holders = on_call.holders(role)
    held, gone = _reachable(_here(on_call, holders))
    away = bool(held) and not _present(on_call, holders)
    nobody = "no shift and no duty line" if on_call.rota.shifts.get(role) else "no duty line"
    why = f"{nobody}: everybody who is {role}{', all on leave' if away else ''}" if held else f"nobody is {role}"
    return Held(held, why + (lost or gone), away=away)


def _by_shift(on_call: OnCall, role: str, on_duty: Duty) -> Held:
    until = "" if on_duty.until is None else f" until {on_duty.until.astimezone(LONDON):%a %H:%M}"
    keeping, others = on_call.of_ids(on_duty.keeping), tuple[Person, ...]()
    if on_duty.everybody:
        others, _ = _reachable(_here(on_call, on_call.holders(role)))
    named = [*(person.person_id for person in keeping), *([f"everybody who is {role}"] if others else [])]
    still = f"; not taken over yet, so {' and '.join(named)} too" if named else ""
    people = (*on_call.of_ids(on_duty.people), *keeping, *others)
    return Held(
        tuple({person.person_id: person for person in people}.values()), f"{on_duty.kind} of {role}{until}{still}"
    )


def _second(on_call: OnCall) -> Held:
    on_duty = on_call.duty("coordinator")
    if on_duty.kind not in ("", "standing") and on_duty.second:
        return Held(on_call.of_ids(on_duty.second), "second line of coordinator")
    lines, lost = _reachable(_present(on_call, on_call.on_line("coordinator")))
    if on_duty.kind in ("", "standing") and len(lines) > 1:
        return Held(lines[1:2], f"second duty line of coordinator{lost}")
    holders, gone = _reachable(_here(on_call, on_call.holders("coordinator")))
    first = _by_line_or_role(on_call, "coordinator").people if on_duty.people else lines or holders
    others = [person for person in holders if person not in first]
    why = "another co-ordinator" if others else "there is no second co-ordinator"
    return Held(tuple(others[:1]), why + gone, away=bool(others) and not _present(on_call, others))


def _here(on_call: OnCall, people: list[Person]) -> list[Person]:
    """Those who are not on leave; all of them where all are: somebody on leave is better than nobody."""
    return _present(on_call, people) or people


def _present(on_call: OnCall, people: list[Person]) -> list[Person]:
    if not on_call.rota.leave:
        return people
    away = on_call.rota.away(on_call.at)
    return [person for person in people if person.person_id not in away]


def _reachable(people: Iterable[Person]) -> tuple[tuple[Person, ...], str]:
    """Those whom a channel reaches, and words about the others."""
    found, lost = list[Person](), list[str]()
    for person in people:
        if person.reachable:
            found.append(person)
        else:
            lost.append(person.person_id)
    return tuple(found), f" ({', '.join(lost)} cannot be reached)" if lost else ""

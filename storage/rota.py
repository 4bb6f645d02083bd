"""Knows who holds a role at an instant, and why: duty lines in their order, then all who have the role, then stand-ins.

An alert to nobody is the worst answer, so a person whom no channel reaches is passed over, and the answer says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol as Shape

from storage.people import Home, Person

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
    all active people of the organisation who hold a role of `ROLES`, by id."""

    lines: tuple[tuple[str, Person], ...]
    people: tuple[Person, ...]
    home: str

    def on_line(self, role: str) -> list[Person]:
        """Those on the duty lines of a role, each once."""
        return list({person.person_id: person for each, person in self.lines if each == role}.values())

    def holders(self, role: str) -> list[Person]:
        """All who have a role; managers and staff those of this home."""
        wanted = f"{role}:{self.home}" if role in OF_A_HOME else role
        return [person for person in self.people if wanted in person.roles]


class People(Shape):
    """What the rota needs of the directory."""

    async def home(self, home_id: str) -> Home | None: ...
    async def holders(self, role: str, scope: str = "") -> list[Person]: ...
    async def on_call(self, organisation: str, home: str, now: datetime) -> OnCall: ...


@dataclass(frozen=True, slots=True)
class Held:
    """The people who hold a role, the first to be alerted first, and why it is they.

    `stand_in`: the role they have in its place, where nobody who can be reached holds the one that was asked for.
    """

    people: tuple[Person, ...]
    why: str
    stand_in: str = ""


async def on_duty(directory: People, organisation: str, role: str, home: str, now: datetime) -> Held:
    """Who holds a role for a home now, and why.

    1. the person of the earliest duty line that runs; `second_coordinator` is the second in line
    2. everybody of the organisation who has the role
    3. a deputy, or the owner
    The manager of a family home is the co-ordinator.
    """
    on_call = await directory.on_call(organisation, home, now)
    if role not in ROLES:
        others = await directory.holders(role, home if role in OF_A_HOME else "")
        on_call = replace(on_call, people=tuple(p for p in others if p.organisation == organisation))
    place = await directory.home(home) if home and role == "manager" else None
    if place is not None and place.kind == "family":
        held = _held(on_call, "coordinator")
        return replace(held, why=f"a family home has no manager; {held.why}")
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
    lines, lost = _reachable(on_call.on_line(role))
    if lines:
        return Held(lines[:1], f"duty line of {role}{lost}")
    held, gone = _reachable(on_call.holders(role))
    why = f"no duty line: everybody who is {role}" if held else f"nobody is {role}"
    return Held(held, why + (lost or gone))


def _second(on_call: OnCall) -> Held:
    lines, lost = _reachable(on_call.on_line("coordinator"))
    if len(lines) > 1:
        return Held(lines[1:2], f"second duty line of coordinator{lost}")
    holders, gone = _reachable(on_call.holders("coordinator"))
    others = [person for person in holders if person not in (lines or holders)]
    return Held(tuple(others[:1]), ("another co-ordinator" if others else "there is no second co-ordinator") + gone)


def _reachable(people: Iterable[Person]) -> tuple[tuple[Person, ...], str]:
    """Those whom a channel reaches, and words about the others."""
    found = tuple(people)
    lost = ", ".join(person.person_id for person in found if not person.reachable)
    return tuple(person for person in found if person.reachable), f" ({lost} cannot be reached)" if lost else ""

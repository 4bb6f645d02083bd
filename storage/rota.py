"""Knows who holds a role at an instant, and why: duty lines in their order, then all who have the role, then stand-ins.

An alert to nobody is the worst answer, so a person whom no channel reaches is passed over, and the answer says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol as Shape

from storage.codec import ms
from storage.database import Tx
from storage.people import Home, Person

STAND_INS = {
    "coordinator": ("deputy", "owner"),
    "second_coordinator": ("deputy", "owner"),
    "deputy": ("owner",),
    "manager": ("owner", "deputy"),
}


class People(Shape):
    """What the rota needs of the directory."""

    @property
    def tx(self) -> Tx: ...
    async def person(self, person_id: str) -> Person | None: ...
    async def home(self, home_id: str) -> Home | None: ...
    async def holders(self, role: str, scope: str = "") -> list[Person]: ...


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
    place = await directory.home(home) if home else None
    if role == "manager" and place is not None and place.kind == "family":
        held = await on_duty(directory, organisation, "coordinator", home, now)
        return replace(held, why=f"a family home has no manager; {held.why}")
    held = await _by_line_or_role(directory, organisation, role, home, now)
    if held.people:
        return held
    for stand_in in STAND_INS.get(role, ()):
        found = await _by_line_or_role(directory, organisation, stand_in, home, now)
        if found.people:
            return Held(found.people, f"{held.why}; in their place, {found.why}", stand_in)
    return held


async def _by_line_or_role(directory: People, organisation: str, role: str, home: str, now: datetime) -> Held:
    if role == "second_coordinator":
        return await _second(directory, organisation, home, now)
    lines, lost = _reachable(await _lines(directory, organisation, role, home, now))
    if lines:
        return Held(lines[:1], f"duty line of {role}{lost}")
    held, gone = _reachable(await _holders(directory, organisation, role, home))
    why = f"no duty line: everybody who is {role}" if held else f"nobody is {role}"
    return Held(held, why + (lost or gone))


async def _second(directory: People, organisation: str, home: str, now: datetime) -> Held:
    lines, lost = _reachable(await _lines(directory, organisation, "coordinator", home, now))
    if len(lines) > 1:
        return Held(lines[1:2], f"second duty line of coordinator{lost}")
    holders, gone = _reachable(await _holders(directory, organisation, "coordinator", home))
    others = [person for person in holders if person not in (lines or holders)]
    return Held(tuple(others[:1]), ("another co-ordinator" if others else "there is no second co-ordinator") + gone)


async def _lines(directory: People, organisation: str, role: str, home: str, now: datetime) -> list[Person]:
    rows = await directory.tx.rows(
        "SELECT person FROM duty WHERE organisation = ? AND role = ? AND home IN ('', ?)"
        " AND (from_at IS NULL OR from_at <= ?) AND (until_at IS NULL OR until_at > ?) ORDER BY position",
        organisation, role, home, ms(now), ms(now),
    )  # fmt: skip
    people = [await directory.person(row["person"]) for row in rows]
    return list({p.person_id: p for p in people if p is not None and p.active}.values())


async def _holders(directory: People, organisation: str, role: str, home: str) -> list[Person]:
    held = await directory.holders(role, home if role in ("manager", "staff") else "")
    return [person for person in held if person.organisation == organisation]


def _reachable(people: Iterable[Person]) -> tuple[tuple[Person, ...], str]:
    """Those whom a channel reaches, and words about the others."""
    found = tuple(people)
    lost = ", ".join(person.person_id for person in found if not person.reachable)
    return tuple(person for person in found if person.reachable), f" ({lost} cannot be reached)" if lost else ""

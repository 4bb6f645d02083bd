"""Knows who holds a role at an instant, and why: duty lines first, in their order, then everybody who has the role."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol as Shape

from storage.codec import ms
from storage.database import Tx
from storage.people import Home, Person


class People(Shape):
    """What the rota needs of the directory."""

    @property
    def tx(self) -> Tx: ...
    async def person(self, person_id: str) -> Person | None: ...
    async def home(self, home_id: str) -> Home | None: ...
    async def holders(self, role: str, scope: str = "") -> list[Person]: ...


@dataclass(frozen=True, slots=True)
class Held:
    """The people who hold a role, the first to be alerted first, and why it is they."""

    people: tuple[Person, ...]
    why: str


async def on_duty(directory: People, organisation: str, role: str, home: str, now: datetime) -> Held:
    """Who holds a role for a home now.

    One person by the earliest duty line that runs; without one, everybody of the organisation who has the role. The
    manager of a family home is the co-ordinator. `second_coordinator` is the second in line, else the deputy.
    """
    if role == "second_coordinator":
        return await _second(directory, organisation, home, now)
    place = await directory.home(home) if home else None
    if role == "manager" and place is not None and place.kind == "family":
        return await on_duty(directory, organisation, "coordinator", home, now)
    lines = await _lines(directory, organisation, role, home, now)
    if lines:
        return Held((lines[0],), f"duty line of {role}")
    held = await directory.holders(role, home if role in ("manager", "staff") else "")
    mine = tuple(p for p in held if p.organisation == organisation)
    return Held(mine, f"no duty line: everybody who is {role}" if mine else f"nobody is {role}")


async def _second(directory: People, organisation: str, home: str, now: datetime) -> Held:
    lines = await _lines(directory, organisation, "coordinator", home, now)
    if len(lines) > 1:
        return Held((lines[1],), "second duty line of coordinator")
    first = await on_duty(directory, organisation, "coordinator", home, now)
    held = await directory.holders("coordinator")
    others = tuple(p for p in held if p.organisation == organisation and p not in first.people)
    if others:
        return Held(others[:1], "another co-ordinator")
    return await on_duty(directory, organisation, "deputy", home, now)


async def _lines(directory: People, organisation: str, role: str, home: str, now: datetime) -> list[Person]:
    rows = await directory.tx.rows(
        "SELECT person FROM duty WHERE organisation = ? AND role = ? AND home IN ('', ?)"
        " AND (from_at IS NULL OR from_at <= ?) AND (until_at IS NULL OR until_at > ?) ORDER BY position",
        organisation, role, home, ms(now), ms(now),
    )  # fmt: skip
    people = [await directory.person(row["person"]) for row in rows]
    return list({p.person_id: p for p in people if p is not None and p.active}.values())

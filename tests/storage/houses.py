"""A house with people in it, over a real database, a clock that a test sets, and seeded chance.

A database is closed whatever a test does: an open one would keep its thread, and the test run, alive.
"""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.chance import Chance
from bot.locales import books
from casework.case import Case
from casework.events import AbsenceReported, CheckAnswered, News, WatchSet
from casework.levels import Side
from casework.step import Step
from storage import roster
from storage.casebook import Casebook
from storage.database import Database, Tx
from storage.desk import Desk
from storage.migrate import migrate
from storage.verify import Finding, verify
from tests import databases
from tests.builders import BASE, the_protocol

EVENING = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
KEY = b"k" * 32
ID_DIGITS = 10  # of chance, at the end of an id
ROSTER = """
[[organisation]]
id = "org1"
name = "Northfield Care"
jurisdiction = "england"
protocol = "england/base/2026-01-01"
duty_number = "+441632960100"
police_email = "control@police.example"

[[home]]
id = "oak"
organisation = "org1"
kind = "children"
name = "Oak House"
town = "Exampleton"

[[child]]
id = "K7"
home = "oak"
first_name = "Kai"
family_name = "Example"
born = 2011-02-03

[[child]]
id = "K8"
home = "oak"
first_name = "Kim"
family_name = "Example"
born = 2011-02-03

[[person]]
id = "alice"
organisation = "org1"
name = "Alice Example"
roles = ["staff:oak"]
mobile = "+447700900101"
telegram_id = 1001

[[person]]
id = "mo"
organisation = "org1"
name = "Mo Example"
roles = ["manager:oak"]
mobile = "+447700900102"
telegram_id = 1002

[[person]]
id = "pat"
organisation = "org1"
name = "Pat Example"
roles = ["parent:K7"]
mobile = "+447700900201"
contact = "open"

[[person]]
id = "cass"
organisation = "org1"
name = "Cass Example"
roles = ["coordinator"]
mobile = "+447700900301"
telegram_id = 1003

[[person]]
id = "dee"
organisation = "org1"
name = "Dee Example"
roles = ["deputy"]
mobile = "+447700900302"
telegram_id = 1004

[[duty]]
organisation = "org1"
role = "coordinator"
person = "cass"

[[duty]]
organisation = "org1"
role = "deputy"
person = "dee"
"""


@asynccontextmanager
async def a_database(place: Path | str, *, empty: bool = False) -> AsyncIterator[Database]:
    """The database of a folder or of a URL, closed at the end."""
    database = await Database.open(place if isinstance(place, str) else databases.url(place, empty=empty))
    try:
        yield database
    finally:
        await database.close()


@dataclass
class House:
    """The casebook of a house, and a person's hand on its clock."""

    database: Database
    casebook: Casebook
    clock: "HandClock"
    passed: list[str] = field(default_factory=list)

    async def opens(self, child_id: str = "K7", by: str = "alice", **changes: Any) -> str:
        """Open a case, as a door does."""
        return await self.casebook.at_desk(opening(child_id, by, **changes))

    async def watches(self, child_id: str, due_at: datetime) -> str:
        async def act(desk: Desk) -> str:
            o = await desk.opening(child_id)
            watch = WatchSet(
                at=desk.now, by="alice", channel="telegram", case_id=o.case_id, code=o.code, organisation="org1",
                home="oak", child=o.child, protocol=o.protocol, due_at=due_at,
            )  # fmt: skip
            return await desk.open(watch)

        return await self.casebook.at_desk(act)

    async def answers(self, case_id: str, check: str, *values: str, by: str = "alice") -> Step:
        return await self.record(case_id, CheckAnswered, by=by, check=check, values=values)

    async def record(self, case_id: str, kind: Callable[..., News], by: str = "alice", **fields: Any) -> Step:
        news = kind(**{"at": self.clock.now(), "by": by, "channel": "telegram", **fields})
        return await self.casebook.record(case_id, news)

    async def case(self, case_id: str) -> Case:
        found = await self.casebook.at_desk(lambda desk: desk.case(case_id))
        assert found is not None
        return found

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        async def unit(tx: Tx) -> list[dict[str, Any]]:
            return [{name: row[name] for name in row.keys()} for row in await tx.rows(sql, *values)]  # noqa: SIM118

        return await self.database.read(unit)

    async def row(self, sql: str, *values: Any) -> dict[str, Any]:
        (found,) = await self.rows(sql, *values)
        return found

    async def silence(self, until: datetime) -> None:
        """Nobody answers: the clock steps from bell to bell."""
        while (due := await self.casebook.next_due()) is not None and due <= until:
            self.clock.instant = max(due, self.clock.instant)
            await self.casebook.ring()
        self.clock.instant = until

    async def findings(self) -> list[Finding]:
        return await verify(self.database, {BASE: the_protocol()}, KEY)


class CountingChance(Chance):
    """A seed whose ids sort as they were made, within one millisecond too: the clock of these tests stands still."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self._ids = itertools.count(100_000 * int(super().digits(5)) + 1)

    def digits(self, count: int) -> str:
        return f"{next(self._ids):010d}" if count == ID_DIGITS else super().digits(count)


@dataclass
class HandClock:
    """A clock that stands until a test sets it."""

    instant: datetime = EVENING

    def now(self) -> datetime:
        return self.instant

    def after(self, **time: float) -> datetime:
        self.instant += timedelta(**time)
        return self.instant


def opening(child_id: str, by: str = "alice", **changes: Any) -> Callable[[Desk], Any]:
    """What a door does at the desk to open a case."""

    async def act(desk: Desk) -> str:
        o = await desk.opening(child_id)
        known: dict[str, Any] = {
            "at": desk.now, "by": by, "channel": "telegram", "case_id": o.case_id, "code": o.code,
            "organisation": o.organisation, "home": o.home, "child": o.child, "protocol": o.protocol, "t0": desk.now,
            "t0_kind": "due", "opened_at": desk.now, "side": Side.STAFF, "reporter": by, "reporter_channel": "telegram",
        }  # fmt: skip
        return await desk.open(AbsenceReported(**{**known, **changes}))

    return act


async def people_of(database: Database) -> None:
    """Bring a database up to date and fill the register."""
    await migrate(database)
    parsed = roster.parse(ROSTER)
    await database.write(lambda tx: roster.apply(tx, parsed, take_telegram_ids=True, now=EVENING))


@asynccontextmanager
async def a_house(
    place: Path | str, *, seed: str = "1", drill: bool = False, crash: Callable[[str], None] | None = None
) -> AsyncIterator[House]:
    """A house with Alice, Mo, Pat, Cass and Dee, and the children K7 and K8, in a folder or at a URL."""
    async with a_database(place) as database:
        await people_of(database)
        clock, passed = HandClock(), list[str]()
        casebook = Casebook(
            database, {BASE: the_protocol()}, books(), clock.now, CountingChance(seed), audit_key=KEY, drill=drill,
            crash=crash or passed.append,
        )  # fmt: skip
        yield House(database, casebook, clock, passed)

"""What a house that has seen much pays for it: a record beside a million past cases against a thousand, and bytes an event.

A past case is a short absence from the report to the manager's signature, with its log, letters and buttons; a thousand
more are open beside them, and of those the callers tell. Bytes an event are all the bytes that nights told whole leave
in the file, indexes, letters, buttons and inbox included, over the entries of their log.
"""

import shutil
import sqlite3
import sys
import tempfile
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import herd
from benchmarks.country import CHILDREN_A_HOME, Country, casebook_of
from benchmarks.loops import run as run_loop
from benchmarks.rounds import FULL_SECONDS, SHORT_SECONDS, Row, Told, alternate, ratio
from benchmarks.scripts import script
from casework.events import CheckAnswered, ChildSeen, CloseAsked
from casework.levels import Trust
from storage.database import Database
from tests.storage.houses import HandClock, opening

FEW, MANY, MANY_SHORT = 1_000, 1_000_000, 20_000
ORIGINALS, OPEN, LIVING, CALLERS = 20, 1_000, 9_000, 64
FIRST = ORIGINALS * herd.APART  # the first child who was not out yet
NIGHTS = 300


async def past(path: Path) -> None:
    """A database in which a few children were out for a short time, and came back; and many live."""
    clock = HandClock()
    async with await Database.open(f"sqlite:///{path}") as database:
        country = await Country.settled(database, FIRST + LIVING, clock.now)
        for number in range(0, FIRST, herd.APART):
            await _short_absence(country, clock, number)
        open_still = await database.read(lambda tx: tx.rows("SELECT 1 FROM case_row WHERE status <> 'closed'"))
        assert not open_still, "a past case is closed"


async def _short_absence(country: Country, clock: HandClock, number: int) -> None:
    staff = f"staff{number // CHILDREN_A_HOME}"
    told: dict[str, Any] = {"by": staff, "channel": "telegram", "trust": Trust.VERIFIED}
    record = country.casebook.record
    case_id = await country.casebook.at_desk(opening(f"C{number}", staff))
    at = clock.after(seconds=40)
    await record(case_id, CheckAnswered(at=at, check="C01", values=("no",), **told), country.heard())
    at = clock.after(minutes=9)
    await record(case_id, ChildSeen(at=at, via="staff", seen_at=at, **told), country.heard())
    await record(case_id, CheckAnswered(at=at, check="B_WELL", values=("no",), **told), country.heard())
    at = clock.after(minutes=20)
    await record(case_id, CloseAsked(at=at, by="manager", channel="telegram", trust=Trust.VERIFIED))


async def among(path: Path, stack: AsyncExitStack) -> Country:
    """A house with that past, in which a thousand cases are open."""
    database = await stack.enter_async_context(await Database.open(f"sqlite:///{path}"))
    country = Country(casebook_of(database), FIRST + LIVING, count(FIRST))
    await country.spread_out(CALLERS)
    await country.opens(OPEN - CALLERS)
    return country


async def side_by_side(few: Path, many: Path, seconds: float) -> tuple[list[float], list[float]]:
    """Records a second in the house with a short past, and in the one with a long one."""
    async with AsyncExitStack() as stack:
        houses = {str(path): await among(path, stack) for path in (few, many)}
        sides = {name: partial(country.tells, CALLERS) for name, country in houses.items()}
        rates = await alternate(sides, seconds)
        return rates[str(few)], rates[str(many)]


async def nights(path: Path) -> None:
    """Tell whole nights."""
    async with await Database.open(f"sqlite:///{path}") as database:
        country = await Country.settled(database, NIGHTS)
        await country.spread_out(NIGHTS, whole=True)


def bytes_an_event(path: Path) -> list[Told]:
    """How much of the file stands behind one entry of the log, in all and by table."""
    with sqlite3.connect(path) as line:
        of_a_case = list(herd.of_a_case(line))
        (events,) = line.execute("SELECT count(*) FROM event").fetchone()
        tables = line.execute(
            "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name)"
            f" WHERE tbl_name IN ({', '.join('?' * len(of_a_case))}) GROUP BY tbl_name ORDER BY 2 DESC", of_a_case
        ).fetchall()  # fmt: skip
    line.close()
    parts = ", ".join(f"{table} {size / events:.0f}" for table, size in tables)
    whole = sum(size for _, size in tables) / events
    return [Row(what="bytes an event on disk", figure=whole, unit="B", aim=600, more=False, note=f"of which {parts}")]


def run(full: bool = False) -> list[Told]:
    """The cost of a record beside a long past, and the bytes of whole nights."""
    times = (MANY if full else MANY_SHORT) // ORIGINALS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many, whole = folder / "few.db", folder / "many.db", folder / "nights.db"
        run_loop(past(few))
        shutil.copyfile(few, many)
        herd.multiply(few, FEW // ORIGINALS)
        herd.multiply(many, times)
        quick, slow = run_loop(side_by_side(few, many, FULL_SECONDS if full else SHORT_SECONDS))
        run_loop(nights(whole))
        what = f"cost of a record, {times * ORIGINALS:,} past cases against {FEW:,}"
        return [ratio(what, quick, slow, must=1.25, aim=1.15, more=False), *bytes_an_event(whole)]


if __name__ == "__main__":
    sys.exit(script(run))

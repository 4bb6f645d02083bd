"""Waking up after an outage: from exec to the first HIGH deadline fired, with a great many alive, and to the ready line.

The house has both providers and every door to open, ten thousand deadlines overdue, and one of them of a child at HIGH.
It ends itself, as a crash test has it do, right after the commit of the first batch that rang; that child is in it.
"""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from itertools import count
from pathlib import Path

from benchmarks import herd
from benchmarks.country import GRAVE, Country, Out, casebook_of
from benchmarks.herd import APART, CURFEW, spread_over
from benchmarks.loops import run as run_loop
from benchmarks.rounds import ROUNDS, Told, spread
from benchmarks.scripts import script
from storage.database import Database
from tests.outside import Outside, outside
from tests.storage.houses import HandClock

KILLED = 137
ORIGINALS, OVERDUE = 100, 10_000
LIVE, LIVE_SHORT = 1_000_000, 100_000
DEADLINES_A_CASE = 2  # of a herd, on average
SHORT_ROUNDS, READY_ROUNDS = 3, 2


async def asleep(path: Path, times: int, overdue: int = OVERDUE) -> str:
    """A house that went to sleep three hours ago, every case so many times; returns the id of the one case at HIGH."""
    late = overdue // times
    dues = spread_over(1800, late, CURFEW - timedelta(hours=1)) + spread_over(
        3600, ORIGINALS - late, CURFEW + timedelta(minutes=30)
    )
    await herd.settle(path, dues, children=1)
    herd.multiply(path, times)
    clock, child = HandClock(CURFEW - timedelta(hours=2)), ORIGINALS * APART
    async with await Database.open(f"sqlite:///{path}") as database:
        country = Country(casebook_of(database, clock.now), child + 1, count(child))
        await country.opens(1)
        out = Out(country.waiting[0].case_id, child)
        for tell in GRAVE[:10]:
            clock.after(seconds=20)
            await country.casebook.record(out.case_id, tell(clock.now(), out.home), country.heard())
        (row,) = await database.read(lambda tx: tx.rows("SELECT level FROM case_row WHERE case_id = ?", out.case_id))
        assert row["level"] == "high", row["level"]
    herd.at_rest(path)
    return out.case_id


async def _first_fired(house: Outside) -> float:
    """Milliseconds from exec until the first overdue deadlines are committed (the process ends itself there)."""
    house.crash = "deadline.after_commit"
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=house.folder, env=house.environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    code = await process.wait()
    took = (time.perf_counter() - begun) * 1000
    house.crash = ""
    assert code == KILLED, f"no deadline fired: {code}"
    return took


def _rang(path: Path, case_id: str) -> bool:
    with sqlite3.connect(path) as line:
        found = line.execute("SELECT 1 FROM event WHERE case_id = ? AND kind = 'DeadlinePassed'", (case_id,)).fetchone()
    line.close()
    return found is not None


async def measure(path: Path, high: str, rounds: int, starts: int) -> tuple[list[float], list[float]]:
    """Milliseconds to the first one fired in a copy of that house, and to the ready line of a new one."""
    fired, ready = [], []
    async with outside(path.parent / "house", start=CURFEW.isoformat(), on="sqlite") as house:
        database = house.folder / "var" / "porchlight.db"
        for _ in range(starts):
            begun = time.perf_counter()
            await house.start()
            ready.append((time.perf_counter() - begun) * 1000)
            await house.kill()
        for _ in range(rounds):
            for old in house.folder.glob("var/porchlight.db*"):
                old.unlink()
            shutil.copyfile(path, database)
            fired.append(await _first_fired(house))
            assert _rang(database, high), "the child at HIGH was not in the first batch"
    return fired, ready


def run(full: bool = False) -> list[Told]:
    """Milliseconds to the first HIGH one, and to the ready line of a house that has nothing to catch up with."""
    live = LIVE if full else LIVE_SHORT
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "asleep.db"
        high = run_loop(asleep(path, live // DEADLINES_A_CASE // ORIGINALS))
        fired, ready = run_loop(measure(path, high, ROUNDS if full else SHORT_ROUNDS, READY_ROUNDS))
    return [
        spread(f"exec to first HIGH one fired, {live:,} live", fired, "ms", must=1000, aim=300, more=False),
        spread("exec to ready, nothing overdue", ready, "ms", aim=6000, more=False),
    ]


if __name__ == "__main__":
    sys.exit(script(run))

"""What one piece of news costs: `Casebook.record` with all that belongs to it, against seven bare statements on the same disk.

Ours: the message into the inbox, the case read and folded, the casework's decisions, the log chained, the row under its
version, deadlines, letters with their buttons; committed in groups and answered after the commit (`benchmarks.country`
says which news). The raw rate: `benchmarks.raw`, one commit an event, one after another. Both in one process, in turns.
The slow disk is this one with 5 ms added to each fsync (`benchmarks.slow_disk`).
"""

import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks import slow_disk
from benchmarks.country import Country
from benchmarks.loops import run as run_loop
from benchmarks.raw import Raw
from benchmarks.rounds import (
    FULL_SECONDS,
    ROUNDS,
    SHORT_SECONDS,
    NotRun,
    Rates,
    Row,
    Side,
    Told,
    alternate,
    ratio,
    spread,
)
from benchmarks.scripts import script
from storage.database import Database

CHILDREN = 12_000
CALLERS = {"plain": (1, 64), "slow": (64, 256)}
SLOW_SLICES = 2  # times as long: a slice must hold many commits
RAW, GROUPED, BUSY = "raw", "raw, 64 a commit", "busy"


async def measure(disk: str, seconds: float, rounds: int, children: int = CHILDREN) -> dict[str, list[float]]:
    """The rates of every side on this process's disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = Raw(folder)
        database = await Database.open(f"sqlite:///{folder / 'house.db'}")
        try:
            country = await Country.settled(database, children)
            await country.spread_out(max(CALLERS[disk]))
            sides: dict[str, Side] = {RAW: raw.one_by_one, GROUPED: raw.in_groups}
            sides |= {str(callers): partial(country.tells, callers) for callers in CALLERS[disk]}
            rates = await alternate(sides, seconds, rounds)
            return {**rates, BUSY: [await _busy(country, seconds)]}
        finally:
            await database.close()
            raw.close()


async def _busy(country: Country, seconds: float) -> float:
    """Milliseconds that the processor works for one record of 64 callers, whoever else works on this machine."""
    await country.stock_up(64, seconds)
    busy, begun = time.process_time(), time.perf_counter()
    rate = await country.tells(64, seconds)
    return (time.process_time() - busy) * 1000 / rate / (time.perf_counter() - begun)


def _rates(disk: str, seconds: float) -> Rates:
    """Measure in a process of its own, on this disk or on the slow one. Raises NoShim."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.record", "--disk", disk, str(seconds)], stdout=subprocess.PIPE,
            check=True, env=slow_disk.environment(Path(folder)) if disk == "slow" else None,
        )  # fmt: skip
    rates: Rates = json.loads(done.stdout.splitlines()[-1])
    return rates


def run(full: bool = False) -> list[Told]:
    """Rates on the plain disk and on the slow one, as ratios to the raw rate."""
    seconds = FULL_SECONDS if full else SHORT_SECONDS
    plain = _rates("plain", seconds)
    rows: list[Told] = [
        spread("raw rate: seven statements, a commit each", plain[RAW], "/s"),
        spread("record, 64 callers", plain["64"], "/s"),
        spread("record, one caller", plain["1"], "/s"),
        Row(what="record, 64 callers: processor time each", figure=plain[BUSY][0], unit="ms", more=False),
        ratio("record, 64 callers, of the raw rate", plain["64"], plain[RAW], must=1.0, aim=2.0),
        ratio("record, one caller, of the raw rate", plain["1"], plain[RAW], must=0.3, aim=0.5),
        ratio("raw statements, 64 a commit, of the raw rate", plain[GROUPED], plain[RAW]),
    ]
    try:
        slow = _rates("slow", seconds * SLOW_SLICES)
    except slow_disk.NoShim as fault:
        return [*rows, NotRun(what="record on the 5 ms disk", why=str(fault))]
    return [
        *rows,
        spread("raw rate on the 5 ms disk", slow[RAW], "/s"),
        ratio("5 ms disk: record, 64 callers, of the raw rate", slow["64"], slow[RAW], must=18, aim=30),
        ratio("5 ms disk: record, 256 callers, of the raw rate", slow["256"], slow[RAW], must=22, aim=40),
    ]


def main() -> int:
    """Measure, or be the process that measures for another one."""
    if sys.argv[1:2] == ["--disk"]:
        print(json.dumps(run_loop(measure(sys.argv[2], float(sys.argv[3]), ROUNDS))))
        return 0
    return script(run)


if __name__ == "__main__":
    sys.exit(main())

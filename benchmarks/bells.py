"""How late a deadline is: when thousands fall due in one second, when everything is overdue, and while people write.

Each is a whole step of casework with its letters, as in the house: `bot.work` under its metronome, the post leaving
meanwhile through providers that answer at once. A peer's job only says when it ran.
"""

import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks import herd, peer_bursts
from benchmarks.country import Country, casebook_of
from benchmarks.herd import CURFEW, spread_over
from benchmarks.loops import run as run_loop
from benchmarks.rounds import ROUNDS, Row, Told, settle_down, spread
from benchmarks.scripts import script
from benchmarks.witness import Rang, ShiftedClock, Witness, stall
from bot.crash import Crash
from bot.work import Work
from scheduler.deadlines import ring
from scheduler.metronome import Metronome
from scheduler.outbox import Receipt
from storage.casebook import Answer, Casebook
from storage.database import Database
from storage.inbox import Heard
from storage.outbox import Letter
from tests.storage.houses import HandClock

BURST, OVERDUE, COUNTRY = 4_000, 10_000, 100_000
ORIGINALS = 100  # cases opened one by one; the rest of a herd are their copies
BEFORE = timedelta(seconds=1)
PATIENCE_SECONDS, LOOK_SECONDS = 120.0, 0.1  # what has not rung by then counts as lost
WRITERS, WRITTEN_OF, WRITING_SECONDS, DUE_MEANWHILE = 32, 1_500, 4.0, 400
SHORT_BURST, SHORT_OVERDUE = 1_000, 2_000  # in the short form, the burst of the peers alone


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rounds, and after how many seconds none begins any more."""

    rounds: int
    seconds: float


SHORT, FULL = Limits(3, 15), Limits(ROUNDS, 600)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A provider that answers at once."""

    name: str

    async def send(self, letter: Letter) -> Receipt:
        return Receipt(provider_id=letter.id)


def _answer(heard: Heard) -> Answer:
    raise AssertionError("nobody writes here")


Measure: TypeAlias = Callable[[Path], Coroutine[Any, Any, Rang]]


@asynccontextmanager
async def awake(path: Path, begin: datetime) -> AsyncIterator[tuple[Casebook, Witness, ShiftedClock]]:
    """A house on a herd's database, at its own work: its clock begins to run at `begin` when the block does."""
    async with await Database.open(f"sqlite:///{path}") as database:
        clock = ShiftedClock(begin)
        witness = Witness(path, clock.now)
        casebook = casebook_of(database, clock.now, witness)
        work = Work(casebook, {name: Prompt(name) for name in ("telegram", "sms", "file")}, clock, Crash(None), _answer)

        def truly(due: datetime) -> datetime:
            return datetime.now(UTC) + (due - clock.now())

        async def tick() -> datetime | None:
            due = await work.tick()
            return None if due is None else truly(due)

        metronome = Metronome(tick)
        work.awaken = lambda due: metronome.wake(truly(due))
        work.start_post()
        metronome.start()
        metronome.wake(await tick() or datetime.now(UTC))  # as a house that has been at rest until now
        settle_down()
        try:
            yield casebook, witness, clock
        finally:
            await metronome.stop()
            await work.stop_post()


async def burst(path: Path, seconds: float, patience: float) -> Rang:
    """Let a herd fall due over so many seconds, as time goes by, and wait until all of it rang."""
    end = CURFEW + timedelta(seconds=seconds)
    async with awake(path, CURFEW - BEFORE) as (casebook, witness, clock), stall() as stalled:
        await asyncio.sleep((end - clock.now()).total_seconds())
        await _rung(casebook, end, patience)
        took = clock.now() - CURFEW
    return Rang(witness.lateness(end), stalled.longest, took.total_seconds())


async def _rung(casebook: Casebook, until: datetime, patience: float) -> None:
    """Wait until nothing is left that was due by then, or no longer than that."""
    for _ in range(int(patience / LOOK_SECONDS)):
        due = await casebook.next_due()
        if due is None or due > until:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def overdue(path: Path) -> Rang:
    """Wake with a herd overdue for hours, and ring until nothing is."""
    async with await Database.open(f"sqlite:///{path}") as database:
        clock = ShiftedClock(CURFEW + timedelta(hours=3))
        witness = Witness(path, clock.now)
        casebook = casebook_of(database, clock.now, witness)
        settle_down()
        async with stall() as stalled:
            begun = clock.now()
            await ring(casebook, begun)
        took = clock.now() - begun
    return Rang(witness.lateness(begun), stalled.longest, took.total_seconds())


async def people_who_write(path: Path) -> Country:
    """A herd of which a hundred fall due each second, and as many other cases as 32 callers may write of meanwhile."""
    await herd.settle(path, spread_over(WRITING_SECONDS, DUE_MEANWHILE), WRITTEN_OF)
    async with await Database.open(f"sqlite:///{path}") as database:
        clock, first = HandClock(CURFEW - timedelta(seconds=30)), DUE_MEANWHILE * herd.APART
        country = Country(casebook_of(database, clock.now), first + WRITTEN_OF, count(first))
        await country.spread_out(WRITERS)
        await country.opens(WRITTEN_OF - WRITERS)
    herd.at_rest(path)
    return country


async def while_they_write(path: Path, country: Country) -> Rang:
    """Let deadlines fall due one after another while 32 callers record news as fast as they are answered."""
    end = CURFEW + timedelta(seconds=WRITING_SECONDS)
    async with awake(path, CURFEW - BEFORE) as (casebook, witness, _), stall() as stalled:
        there = replace(country, casebook=casebook, waiting=deque(replace(out) for out in country.waiting))
        await there.tells(WRITERS, WRITING_SECONDS + 2 * BEFORE.total_seconds())
        await _rung(casebook, end, PATIENCE_SECONDS)
    return Rang(witness.lateness(end), stalled.longest, WRITING_SECONDS)


def _herd(folder: Path, size: int, seconds: float, originals: int = ORIGINALS) -> Path:
    """A database of so many cases, all due within so many seconds."""
    path = folder / f"herd-{size}.db"
    run_loop(herd.settle(path, spread_over(seconds, originals)))
    herd.multiply(path, size // originals)
    herd.at_rest(path)
    return path


def _again(template: Path, measure: Measure, limits: Limits) -> list[Rang]:
    """Measure on copies of a database, one after another, as long as the time lasts."""
    rang, begun = list[Rang](), time.monotonic()
    while len(rang) < limits.rounds and (not rang or time.monotonic() - begun < limits.seconds):
        path = template.with_name(f"{template.stem}-{len(rang)}.db")
        shutil.copyfile(template, path)
        rang.append(run_loop(measure(path)))
        path.unlink()
    return rang


def _lost(what: str, runs: Sequence[Rang]) -> Row:
    return spread(f"{what}: lost", [run.lateness.lost for run in runs], "", must=0, aim=0, more=False)


def _late(what: str, runs: Sequence[Rang], unit: str, must: float, aim: float) -> Row:
    part = 1000 if unit == "s" else 1
    figures = [run.lateness.p99 / part for run in runs]
    return spread(f"{what}: p99 late", figures, unit, must=must, aim=aim, more=False)


def _bursts(folder: Path, limits: Limits) -> list[Told]:
    what = f"{BURST:,} due in one second"
    runs = _again(_herd(folder, BURST, 1), partial(burst, seconds=1, patience=PATIENCE_SECONDS), limits)
    stood = spread(f"{what}: loop stood", [run.stalled for run in runs], "ms", must=60, aim=30, more=False)
    return [_lost(what, runs), _late(what, runs, "s", 1.5, 0.5), stood]


def _country(folder: Path) -> list[Told]:
    what, patience = f"{COUNTRY:,} due in one minute", 5 * PATIENCE_SECONDS
    herds = _herd(folder, COUNTRY, 60, 10 * ORIGINALS)
    runs = _again(herds, partial(burst, seconds=60, patience=patience), Limits(1, patience))
    return [_lost(what, runs), _late(what, runs, "s", 2, 0.5)]


def _overdue(folder: Path, size: int, limits: Limits) -> list[Told]:
    """Ten thousand in ten seconds is a thousand a second, of however many."""
    what = f"{size:,} overdue at start"
    runs = _again(_herd(folder, size, 3600), overdue, limits)
    return [
        _lost(what, runs),
        spread(f"{what}: drained", [size / run.seconds for run in runs], "/s", must=1000, aim=2500),
        spread(f"{what}: loop stood", [run.stalled for run in runs], "ms", more=False),
    ]


def _while_they_write(folder: Path, limits: Limits) -> list[Told]:
    what = f"due while {WRITERS} callers write flat out"
    path = folder / "written.db"
    country = run_loop(people_who_write(path))
    runs = _again(path, partial(while_they_write, country=country), limits)
    return [_lost(what, runs), _late(what, runs, "ms", 200, 50)]


def run(full: bool = False) -> list[Told]:
    """Ours first, then the peers, in the same run."""
    limits = FULL if full else SHORT
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # beats that a sleeping house leaves unfinished
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = _bursts(folder, limits)
        rows += _country(folder) if full else []
        rows += _overdue(folder, OVERDUE if full else SHORT_OVERDUE, limits) + _while_they_write(folder, limits)
        return rows + peer_bursts.run(folder, *((BURST, OVERDUE) if full else (SHORT_BURST, SHORT_OVERDUE)))


if __name__ == "__main__":
    sys.exit(script(run))

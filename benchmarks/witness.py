"""Knows how late a deadline was, from its due instant to the commit of all that follows from it, and how long a loop stood.

The casebook passes a crash point after each commit that rang deadlines. The witness stands there: it looks up on a
connection of its own how far the log now reaches, and afterwards each `DeadlinePassed` in the log is as late as the first
commit that held it.
"""

import asyncio
import json
import sqlite3
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.rounds import percentile

RANG = "deadline.after_commit"


class ShiftedClock:
    """A clock that runs as fast as the real one, from an instant of one's choice."""

    def __init__(self, begin: datetime) -> None:
        self._begin, self._begun = begin, time.monotonic()

    def now(self) -> datetime:
        return self._begin + timedelta(seconds=time.monotonic() - self._begun)


@dataclass(frozen=True, slots=True)
class Lateness:
    """Milliseconds late, of each deadline that rang; and how many deadlines should have rung and did not."""

    late: list[float]
    lost: int

    @property
    def p99(self) -> float:
        return percentile(self.late, 0.99)


@dataclass(frozen=True, slots=True)
class Rang:
    """What came of one run: how late each deadline was, how long the loop stood at most, and how long it took."""

    lateness: Lateness
    stalled: float
    seconds: float


class Witness:
    """Looks on while deadlines ring in a database; hand it to the casebook as its `crash`."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._now = now
        self._line = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        self._from = self._reaches()
        self._reached: list[int] = []
        self._at: list[datetime] = []

    def __call__(self, point: str) -> None:
        if point == RANG:
            self._reached.append(self._reaches())
            self._at.append(self._now())

    def _reaches(self) -> int:
        return int(self._line.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])

    def lateness(self, until: datetime) -> Lateness:
        """What was seen of all that fell due up to an instant, which is past. Asked once, when the house is asleep."""
        late = list[float]()
        for seq, body in self._line.execute(
            "SELECT seq, body FROM event WHERE kind = 'DeadlinePassed' AND seq > ?", (self._from,)
        ):
            due = json.loads(body)["says"]["due"]
            committed = self._at[bisect_left(self._reached, seq)]
            late.append(committed.timestamp() * 1000 - due)
        (lost,) = self._line.execute(
            "SELECT count(*) FROM deadline WHERE due_at <= ?", (int(until.timestamp() * 1000),)
        ).fetchone()
        self._line.close()
        return Lateness(late, lost)


@dataclass(slots=True)
class Stall:
    """The longest time, in milliseconds, that the loop did not come round."""

    longest: float = 0.0


@asynccontextmanager
async def stall() -> AsyncIterator[Stall]:
    """Watch the loop while the block runs."""
    seen = Stall()

    async def watch() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            seen.longest = max(seen.longest, (time.perf_counter() - begun) * 1000 - 1)

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        task.cancel()

"""The casebook on disk: a night of 55 events through the one door, and what an event costs when the case is long."""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rounds import Row, Told, spread
from benchmarks.scripts import script
from casework.events import NoteMade
from tests.storage.houses import a_house

EVENTS = 55
NIGHTS = 5
LONG = 2000
SAMPLE = 200


async def a_night(folder: Path) -> float:
    """Milliseconds for 55 events, each a unit of work with its own fsync."""
    async with a_house(f"sqlite:///{folder / 'house.db'}") as house:
        case_id = await house.opens()
        begun = time.perf_counter()
        written = 0
        while written < EVENTS:
            made = await house.record(case_id, NoteMade)
            written += 1 + len(made.decisions)
        return (time.perf_counter() - begun) * 1000


async def growth(folder: Path) -> tuple[float, float]:
    """Milliseconds an event on a fresh case, and on one of two thousand events."""
    async with a_house(f"sqlite:///{folder / 'house.db'}") as house:
        case_id = await house.opens()

        async def sample() -> float:
            times = []
            for _ in range(SAMPLE):
                begun = time.perf_counter()
                await house.record(case_id, NoteMade)
                times.append((time.perf_counter() - begun) * 1000)
            return statistics.median(times)

        first = await sample()
        for _ in range(LONG - 2 * SAMPLE):
            await house.record(case_id, NoteMade)
        return first, await sample()


def run(full: bool = False) -> list[Told]:
    """Milliseconds a night, and what a long case costs; there is one form only."""
    with tempfile.TemporaryDirectory() as folder:
        nights = []
        for number in range(NIGHTS):
            path = Path(folder) / str(number)
            path.mkdir()
            nights.append(asyncio.run(a_night(path)))
        path = Path(folder) / "long"
        path.mkdir()
        first, last = asyncio.run(growth(path))
    return [
        spread("night of 55 events through the database", nights, "ms", aim=150, more=False),
        Row(what="one event, 2,000 events against fresh", figure=last / first, unit="×", aim=1.25, more=False),
    ]


if __name__ == "__main__":
    sys.exit(script(run))

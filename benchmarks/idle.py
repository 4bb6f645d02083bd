"""What a house costs that has nothing to do: processor, writes and memory, live, with 100,000 deadlines that wait.

Both doors stand open and the clock is the real one; the first deadline is days away. There are a thousand homes: what is
looked ahead each hour costs by homes, not by deadlines. Memory is compared with a process that only imports the same
libraries, in the same run.
"""

import asyncio
import base64
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from benchmarks import herd
from benchmarks.country import KEY
from benchmarks.herd import CURFEW, spread_over
from benchmarks.loops import run as run_loop
from benchmarks.rounds import Row, Told
from benchmarks.scripts import script
from tests.outside import ROOT, Outside, outside

LIVE, DEADLINES_A_CASE, ORIGINALS = 100_000, 2, 100
SHORT_SECONDS, FULL_SECONDS = 12.0, 120.0  # a beat every ten seconds is seen
BEGINS_SECONDS, LOOK_SECONDS, LOOKS_AT_MOST = 8.0, 2.0, 45  # what a house does once after its start is not idling
QUIET = 5.0  # percent of a core
IMPORTS = (
    "import aiogram, aiohttp, aiosqlite, apscheduler, jinja2, phonenumbers, PIL.Image, pydantic, pydantic_settings,"
    " structlog, typst, zoneinfo\n"
    "from twilio.rest import Client\n"
    "from twilio.http.async_http_client import AsyncTwilioHttpClient\n"
    "import aiogram.client.session.aiohttp, apscheduler.schedulers.asyncio\n"
    "import gc; gc.collect(); print('ready', flush=True); input()"
)


@dataclass
class RealTime(Outside):
    """The house as the outside sees it, on the machine's own clock."""

    def environment(self) -> dict[str, str]:
        """The settings without a test clock; then the key of the log has to be given."""
        given = super().environment()
        del given["PORCHLIGHT_TEST_CLOCK"], given["PORCHLIGHT_TEST_SEED"]
        return given | {"PORCHLIGHT_AUDIT_KEY": base64.b64encode(KEY).decode()}


@dataclass(frozen=True, slots=True)
class Idle:
    """What was used in so many seconds: of one core (percent), bytes written a second, megabytes held; and the log's words."""

    cpu: float
    written: float
    memory: float
    said: str


async def waiting(path: Path, live: int) -> None:
    """A house with so many deadlines, the first of which is due in some days."""
    days = max(0, (datetime.now(UTC) - CURFEW).days) + 3
    await herd.settle(path, spread_over(3600, ORIGINALS, CURFEW + timedelta(days=days)))
    herd.multiply(path, live // DEADLINES_A_CASE // ORIGINALS, homes=False)
    herd.at_rest(path)


@asynccontextmanager
async def awake(path: Path) -> AsyncIterator[RealTime]:
    """A house on a copy of that database, live, all doors open."""
    async with outside(path.parent / "house", on="sqlite") as prepared:
        house = RealTime(prepared.folder, prepared.sandbox, prepared.client, on="sqlite")
        for old in house.folder.glob("var/porchlight.db*"):
            old.unlink()
        shutil.copyfile(path, house.folder / "var" / "porchlight.db")
        await house.start()
        try:
            yield house
        finally:
            await house.kill()


async def _idle(path: Path, seconds: float) -> Idle:
    async with awake(path) as house:
        assert house.process is not None
        process, log = psutil.Process(house.process.pid), house.folder / "house.log"
        await asyncio.sleep(BEGINS_SECONDS)
        for _ in range(LOOKS_AT_MOST):
            if (await _watched(process, LOOK_SECONDS, log)).cpu < QUIET:
                break
        return await _watched(process, seconds, log)


async def _watched(process: psutil.Process, seconds: float, log: Path) -> Idle:
    def used() -> tuple[float, float]:
        times, disk = process.cpu_times(), process.io_counters()
        return times.user + times.system, disk.write_bytes

    said, (cpu, written) = len(log.read_text()), used()
    await asyncio.sleep(seconds)
    cpu_then, written_then = used()
    return Idle(
        cpu=(cpu_then - cpu) / seconds * 100, written=(written_then - written) / seconds,
        memory=process.memory_info().rss / 1e6, said=log.read_text()[said:].strip(),
    )  # fmt: skip


def _imports_alone() -> float:
    """What importing the same libraries holds, in megabytes, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline().strip() == "ready"
        held = psutil.Process(process.pid).memory_info().rss / 1e6
        process.stdin.write("\n")
        process.stdin.flush()
    return float(held)


def run(full: bool = False) -> list[Told]:
    """Percent of a core, bytes a second, megabytes above the imports."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "waiting.db"
        run_loop(waiting(path, LIVE))
        idle = run_loop(_idle(path, FULL_SECONDS if full else SHORT_SECONDS))
    imports, what = _imports_alone(), f"idle, {LIVE:,} live deadlines"
    return [
        Row(what=f"{what}: processor", figure=idle.cpu, unit="%", must=1, aim=0.1, more=False),
        Row(what=f"{what}: written to disk", figure=idle.written, unit="B/s", must=0, aim=0, more=False,
            note=f"its log meanwhile: {idle.said}" if idle.said else ""),
        Row(what=f"{what}: memory above its imports", figure=idle.memory - imports, unit="MB", must=60, aim=40, more=False),
        Row(what="the same imports alone", figure=imports, unit="MB", more=False),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(script(run))

"""Waking up: from exec to the first overdue deadline fired, to ready, and what an idle house holds above its imports."""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import psutil

from tests.outside import ROOT, Outside, outside

ROUNDS = 3
KILLED = 137
IMPORTS = (
    "import aiogram, aiohttp, aiosqlite, apscheduler, jinja2, phonenumbers, PIL.Image, pydantic, pydantic_settings,"
    " structlog, typst, zoneinfo\n"
    "from twilio.rest import Client\n"
    "from twilio.http.async_http_client import AsyncTwilioHttpClient\n"
    "import aiogram.client.session.aiohttp, apscheduler.schedulers.asyncio\n"
    "import gc; gc.collect(); print('ready', flush=True); input()"
)
IDLE_SECONDS = 3


async def _first_deadline(house: Outside) -> float:
    """Milliseconds from exec until the first overdue deadline is committed (the process ends itself there)."""
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


async def _measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with outside(Path(folder)) as house:
            await house.start()
            await house.types("alice", "/absent K7 19:50")
            await house.kill()
            fired, ready = [], []
            for _ in range(ROUNDS):
                house.set_clock(house.now + timedelta(hours=3))
                fired.append(await _first_deadline(house))
                begun = time.perf_counter()
                await house.start()
                ready.append((time.perf_counter() - begun) * 1000)
                await house.kill()
            await house.start()
            await asyncio.sleep(IDLE_SECONDS)
            assert house.process is not None
            memory = _megabytes(house.process.pid)
    return {"fired": statistics.median(fired), "ready": statistics.median(ready), "memory": memory}


def _megabytes(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def _imports_alone() -> float:
    """What importing the same libraries holds, in megabytes, in a process of its own of the same run."""
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline().strip() == "ready"
        held = _megabytes(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
    return held


def run() -> list[tuple[str, float, str, float | None]]:
    """Rows: what, figure, unit, aim."""
    found, imports = asyncio.run(_measure()), _imports_alone()
    return [
        ("start to first overdue deadline fired", found["fired"], "ms", 1000),
        ("start to ready", found["ready"], "ms", 6000),
        ("idle memory", found["memory"], "MB", None),
        ("the same imports alone", imports, "MB", None),
        ("idle memory above its imports", found["memory"] - imports, "MB", 60),
    ]

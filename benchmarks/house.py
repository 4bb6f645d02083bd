"""Knows a real house as a process of its own, live, with a town in it and both providers led to a stand-in."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import town
from benchmarks.bare import SECRET
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TOKEN
from scheduler.clock import SystemClock
from storage import roster
from storage.database import Database
from storage.migrate import migrate

ROOT = Path(__file__).parents[1]
DATABASE = Path("var") / "porchlight.db"
LOOK_SECONDS, LOOKS_AT_MOST, QUIET_PERCENT = 0.5, 240, 10.0
PUBLIC = "https://porchlight.example"


@dataclass(slots=True)
class House:
    """A house that was started, its port and its database."""

    process: "subprocess.Popen[str]"
    port: int
    database: Path

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it stand still while others are measured: it still has letters to send."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def worked(self) -> float:
        """Seconds that the processor has worked for it, whoever else works on this machine."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def until_quiet(self) -> None:
        """Wait until it has done what a house does once after its start."""
        process = psutil.Process(self.process.pid)
        for _ in range(LOOKS_AT_MOST):
            if process.cpu_percent(LOOK_SECONDS) < QUIET_PERCENT:
                return
        raise AssertionError("a house that nobody writes to comes to rest")


@contextmanager
def a_house(folder: Path, provider: str) -> Iterator[House]:
    """The house of a folder where people have settled; its letters go to this provider."""
    with (
        (folder / "house.log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], cwd=folder, env=_environment(provider), stdout=subprocess.PIPE,
            stderr=log, text=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        try:
            yield House(process, int(json.loads(process.stdout.readline())["port"]), folder / DATABASE)
        finally:
            process.kill()


async def settle(folder: Path, homes: int) -> None:
    """Let so many families settle in a new house."""
    async with await Database.open(f"sqlite:///{folder / DATABASE}") as database:
        await migrate(database)
        people, now = town.roster(homes), SystemClock().now()
        await database.write(lambda tx: roster.apply(tx, people, take_telegram_ids=True, now=now))


def _environment(provider: str) -> dict[str, str]:
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("TELEGRAM_", "TWILIO_", "PORCHLIGHT_"))}
    return mine | {
        "PORCHLIGHT_MODE": "live", "HTTP_BIND": "127.0.0.1:0", "PUBLIC_URL": PUBLIC, "PYTHONPATH": str(ROOT),
        "PORCHLIGHT_AUDIT_KEY": base64.b64encode(b"k" * 32).decode(), "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_API_URL": provider, "TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_FROM": NUMBER,
        "TWILIO_API_URL": provider, "TELEGRAM_A_SECOND": "1000", "TWILIO_A_SECOND": "1000",
    }  # fmt: skip

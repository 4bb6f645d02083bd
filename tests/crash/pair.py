"""Knows how two nodes on one database are started, spoken to, killed and stopped."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.crash.nodes import Setup

NAMES = ("north", "south")
WRONG_SECONDS = {"north": 3600, "south": -3600}  # by so much their own machines' clocks are wrong
ANSWER_SECONDS = 1.0  # then the message goes to the other node: it may be for ever on its way
TRIES = 600
LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Pair:
    """Two nodes, and a hand on their lives."""

    setup: Setup
    parent: asyncio.subprocess.Process
    pids: dict[str, int] = field(default_factory=dict)

    async def start(self, name: str) -> None:
        """Start a node and wait until its door is open."""
        assert self.parent.stdin is not None and self.parent.stdout is not None
        self.parent.stdin.write(f"{name} {WRONG_SECONDS[name]}\n".encode())
        self.pids[name] = int(await self.parent.stdout.readline())
        await self.lives(name)

    async def lives(self, name: str) -> None:
        """Wait until a node answers."""
        for _ in range(TRIES):
            if await self.ask(name, {"id": ""}) == "alive":
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError(f"the node {name} does not answer")

    async def ask(self, name: str, said: dict[str, Any]) -> str:
        """Hand a message to a node; returns what became of it, or nothing where it did not say."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self.setup.socket(name))
                try:
                    writer.write(json.dumps(said).encode() + b"\n")
                    return (await reader.readline()).decode().strip()
                finally:
                    writer.close()
        return ""

    # ---- harm ---------------------------------------------------------------------------------------

    async def harm(self, name: str, number: signal.Signals, point: str, patience_seconds: float) -> bool:
        """Send a node a signal at its next pass of a point; if it does not pass there in time, wherever it is.

        Returns whether it was at the point.
        """
        order = self.setup.order(name)
        if point:
            draft = order.with_suffix(".draft")
            draft.write_text(f"{point} {int(number)}")
            draft.rename(order)
        for _ in range(int(patience_seconds / LOOK_SECONDS)):
            if self._harmed(name):
                return True
            await asyncio.sleep(LOOK_SECONDS)
        order.unlink(missing_ok=True)
        with suppress(ProcessLookupError):  # it came there just now
            os.kill(self.pids[name], number)
        for _ in range(TRIES):
            if self._harmed(name):
                return False
            await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError(f"the node {name} lives on")

    def _harmed(self, name: str) -> bool:
        try:
            return psutil.Process(self.pids[name]).status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    async def wake(self, name: str) -> None:
        """Let a stopped node go on where it stood."""
        os.kill(self.pids[name], signal.SIGCONT)
        await self.lives(name)

    def end(self) -> None:
        """Kill both nodes."""
        for pid in self.pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def two_nodes(setup: Setup) -> AsyncIterator[Pair]:
    """Both nodes alive; none at the end."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.nodes", str(setup.folder), setup.url, setup.began.isoformat(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    pair = Pair(setup, parent)
    try:
        for name in NAMES:
            await pair.start(name)
        yield pair
    finally:
        pair.end()
        parent.kill()
        await parent.wait()

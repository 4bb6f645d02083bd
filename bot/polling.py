"""Knows how updates are fetched from Telegram where no webhook can reach the house: asked for, committed, confirmed.

The offset moves only after the commit, so that a house that dies in between hears the same again, and the inbox knows a
repeat (A3).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from scheduler.outbox import Refused, Unreachable
from storage.asking_again import PRESSES_KEPT

WAIT_SECONDS = 25
FOLLOWER_SECONDS = 1  # a node that does not lead looks this often whether it has come to
QUIET_SECONDS = 0.2  # under a test clock nothing waits long: the tester settles
BACKOFF_SECONDS = (1, 2, 4, 8, 15, 30)
_log = structlog.get_logger(__name__)


class Source(Protocol):
    """Where updates come from."""

    async def updates(self, offset: int | None, wait_seconds: int) -> list[dict[str, Any]]: ...


@dataclass(slots=True)
class Outage:
    """Notes since when nothing is taken from Telegram, and calls `came_back` when it is after presses may have been dropped.

    Be it that Telegram does not answer, or that the house can keep nothing of what it says.
    """

    now: Callable[[], datetime]
    came_back: Callable[[], Awaitable[object]]
    _since: datetime | None = None

    async def __aenter__(self) -> None:
        """Telegram is asked, and what it says is taken."""

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._since = self._since or self.now()
            return
        if self._since is not None and self.now() - self._since >= PRESSES_KEPT:
            await self.came_back()
        self._since = None  # not before: should that fail, it is done the next time


class Poller:
    """Fetches updates and hands each to the door, one after the other. `patient`: wait at Telegram for the next one.

    `may`: whether this node asks; Telegram tells each update to one asker, and of several nodes one leads.
    """

    def __init__(
        self, source: Source, hear: Callable[[dict[str, Any]], Awaitable[object]], *, patient: bool,
        may: Callable[[], bool] = lambda: True, outage: Outage | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._source, self._hear, self._patient, self._pause = source, hear, patient, pause
        self._may, self._outage = may, outage
        self._failures = 0
        self._offset: int | None = None
        self._turn = asyncio.Lock()

    async def once(self, wait_seconds: int = 0) -> int:
        """Take what is there; returns how many updates were heard. Raises what the door or the network raise."""
        async with self._turn, self._outage or nullcontext():
            updates = await self._source.updates(self._offset, wait_seconds)
            for update in updates:
                await self._hear(update)
                number = update.get("update_id")
                if isinstance(number, int):
                    self._offset = number + 1
            return len(updates)

    async def run(self) -> None:
        """Go on for ever. A second poller (409), a revoked token, a network or a disk that is down are waited out."""
        while True:
            if not self._may():
                await self._pause(FOLLOWER_SECONDS)
                continue
            try:
                await self.once(WAIT_SECONDS if self._patient else 0)
                self._failures = 0
            except (Refused, Unreachable) as fault:
                await self._wait(fault.code, getattr(fault, "retry_after_seconds", None))
            except Exception as fault:  # nothing was kept and nothing confirmed: the same update comes again
                await self._wait(type(fault).__name__, None)
            if not self._patient:
                await self._pause(QUIET_SECONDS)

    async def _wait(self, code: str, retry_after_seconds: float | None) -> None:
        seconds = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 1
        _log.warning("updates cannot be taken", code=code, again_in_seconds=retry_after_seconds or seconds)
        await self._pause(retry_after_seconds or seconds)

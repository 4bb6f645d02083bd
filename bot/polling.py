"""Knows how updates are asked for where no webhook can reach the house: one at a time, and none lost.

Asking for an offset tells Telegram to forget everything below it. So the offset moves only after the commit of an
update, never before (A3); what comes twice is taken once by its update_id.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from scheduler.outbox import Refused, Unreachable

WAIT_SECONDS = 25
BACKOFF_SECONDS = (1, 2, 4, 8, 15, 30)
_log = structlog.get_logger(__name__)


class Source(Protocol):
    """Where updates come from."""

    async def updates(self, offset: int | None, wait_seconds: int) -> list[dict[str, Any]]: ...


class Poller:
    """Asks for updates and hands each to `hear`, in order; one at a time, so that a person's words keep theirs."""

    def __init__(
        self, source: Source, hear: Callable[[dict[str, Any]], Awaitable[object]],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._source, self._hear, self._pause = source, hear, pause
        self._offset: int | None = None
        self._failures = 0

    async def run(self) -> None:
        """Poll until cancelled. A second poller (409), a revoked token and a network that is down are waited out."""
        while True:
            try:
                await self.once()
            except (Unreachable, Refused) as fault:
                await self._wait(fault.code, getattr(fault, "retry_after_seconds", None))
            except Exception as fault:  # the database: nothing was kept and nothing confirmed, so it comes again
                await self._wait(type(fault).__name__, None)

    async def once(self, wait_seconds: int = WAIT_SECONDS) -> int:
        """Ask once and work what came; returns how many. Raises what source or `hear` raises: the rest comes again."""
        found = await self._source.updates(self._offset, wait_seconds)
        for update in found:
            await self._hear(update)
            self._confirm(update)
        self._failures = 0
        return len(found)

    def _confirm(self, update: dict[str, Any]) -> None:
        """Past this one. After a quiet week ids begin anew at random, also lower ones: the newest says where we are."""
        number = update.get("update_id")
        if isinstance(number, int):
            self._offset = number + 1

    async def _wait(self, code: str, retry_after_seconds: float | None) -> None:
        seconds = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 1
        _log.warning("Telegram could not be polled", code=code, again_in_seconds=retry_after_seconds or seconds)
        await self._pause(retry_after_seconds or seconds)

"""APScheduler as a metronome and nothing more: it ticks exactly at the next due instant, and every few seconds in any case.

Nothing precious lives in it. Deadlines and letters are rows; a lost tick costs some seconds, never a case (A1).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger()

TICK_SECONDS = 5  # a clock that was set, a row that another hand wrote: seen no later than this
WAKE = "wake"


class Metronome:
    """Calls `tick` at the instant it last named as the next one due (None: none), and every few seconds."""

    def __init__(self, tick: Callable[[], Awaitable[datetime | None]], every_seconds: float = TICK_SECONDS) -> None:
        self._tick, self._every_seconds = tick, every_seconds
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self.beats = 0
        self._struck = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None
        self._woken_for: datetime | None = None

    def start(self) -> None:
        """Tick now, and go on ticking, in the running loop."""
        self._scheduler.add_job(self._strike, "interval", seconds=self._every_seconds, id="sweep")
        self._scheduler.start()
        self._struck.set()
        self._beating = asyncio.get_running_loop().create_task(self._beat())

    async def stop(self) -> None:
        """Stop ticking; a beat under way is not waited for, its units of work end whole."""
        if self._beating is not None:
            self._scheduler.shutdown(wait=False)
            self._beating.cancel()
            await asyncio.wait([self._beating])
            self._beating = None

    def wake(self, at: datetime) -> None:
        """Tick at this instant too, once: what still waits then is the next sweep's to look at."""
        if at == self._woken_for or self._beating is None:
            return
        self._woken_for = at
        self._scheduler.add_job(
            self._strike, "date", run_date=at + timedelta(milliseconds=1), id=WAKE, replace_existing=True
        )

    async def _strike(self) -> None:
        """Ends at once, so that the next strike is never passed over for this one; one during a beat makes another."""
        self._struck.set()

    async def _beat(self) -> None:
        """One tick a strike; a fault is told and the next tick comes all the same."""
        while True:
            await self._struck.wait()
            self._struck.clear()
            try:
                due = await self._tick()
            except Exception:
                log.exception("a tick failed")
                continue
            self.beats += 1
            if due is not None:
                self.wake(due)

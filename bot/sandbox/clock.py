"""How time passes in the sandbox: as fast as the visitor likes, from deadline to deadline, and over none of them.

Every deadline and every letter gets its own instant, also in a jump of half an hour: what is due at 21:15 rings at
21:15.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from scheduler.clock import VirtualClock

STEP_SECONDS = 0.25
JUMPS_AT_MOST = 2000
SPEEDS = {"pause": 0, "1": 1, "60": 60}
Tick = Callable[[], Awaitable[datetime | None]]
_log = structlog.get_logger(__name__)


async def _nobody_home() -> datetime | None:
    return None


class SandboxClock(VirtualClock):
    """The clock of the house and of both networks. `moved` is told whenever the minute changes.

    `tick` lets the house do what is due now, and says when there is next something to do.
    """

    def __init__(self, start: datetime, moved: Callable[[], None] = lambda: None) -> None:
        super().__init__(start)
        self.speed = 1
        self.tick: Tick = _nobody_home
        self.moved = moved
        self._turn = asyncio.Lock()

    async def pass_to(self, target: datetime) -> None:
        """Let time pass up to an instant; an earlier one is ignored."""
        async with self._turn:
            shown = _minute(self.now())
            for _ in range(JUMPS_AT_MOST):
                due = await self.tick()
                if due is None or due > target:
                    break
                self.set(due)
            self.set(target)
            await self.tick()
            if _minute(self.now()) != shown:
                self.moved()

    async def run(self) -> None:
        """Go on for ever, at the speed that was chosen; a stumble of the house is told and does not stop time."""
        while True:
            await asyncio.sleep(STEP_SECONDS)
            if not self.speed:
                continue
            try:
                await self.pass_to(self.now() + timedelta(seconds=STEP_SECONDS * self.speed))
            except Exception:
                _log.exception("the sandbox's clock stumbled")


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)

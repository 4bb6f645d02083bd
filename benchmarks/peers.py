"""Knows what every keeper of timers is asked in a measurement, and how it is asked by 64 callers at once.

A peer runs a job that does nothing but say when it ran; ours does the whole casework. That is in the peer's favour.
"""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

CALLERS = 64
FAR = timedelta(days=30)
QUIET_SECONDS, LOOKS_AT_MOST = 5.0, 12  # in which a keeper that has anything to fire fires something; a minute in all


class Keeper(ABC):
    """One keeper of timers that can be added and cancelled. `added` are those that wait, by its own ids."""

    name: str

    def __init__(self) -> None:
        self.added: deque[object] = deque()
        self._numbers = count()

    @abstractmethod
    async def add(self, number: int, at: datetime) -> object:
        """Add one timer, durably; returns its id."""

    @abstractmethod
    async def cancel(self, timer: object) -> None:
        """Take one timer away, durably."""

    async def adds_and_cancels(self, seconds: float) -> tuple[float, float]:
        """Adds a second, then cancels a second of what was added, by 64 callers."""
        at = datetime.now(UTC) + FAR

        async def one_more() -> bool:
            self.added.append(await self.add(next(self._numbers), at))
            return True

        async def one_less() -> bool:
            if not self.added:
                return False
            await self.cancel(self.added.popleft())
            return True

        return await by_callers(one_more, seconds), await by_callers(one_less, seconds)


class Peer(Keeper):
    """Somebody else's keeper of timers, which can fire them, too. `late`: by how many milliseconds each was."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._wanted, self._through, self._last = 0, asyncio.Event(), 0.0

    @abstractmethod
    async def begin(self) -> None:
        """Open it, empty."""

    @abstractmethod
    async def end(self) -> None:
        """Close it."""

    @abstractmethod
    async def load(self, dues: Sequence[datetime]) -> None:
        """Put many timers in, as fast as may be: this is not measured. Nothing is to fire yet."""

    @abstractmethod
    async def fire(self) -> None:
        """Begin to fire what is due; each run is told to `ran`."""

    def ran(self, due: float) -> None:
        """One timer fired that was due then, in seconds since 1970."""
        self.late.append((time.time() - due) * 1000)
        self._last = time.monotonic()
        if len(self.late) == self._wanted:
            self._through.set()

    async def until_fired(self, timers: int) -> float:
        """Fire until so many ran, or for a while none did; returns the seconds until the last one ran."""
        self._wanted = timers
        begun = time.monotonic()
        await self.fire()
        for _ in range(LOOKS_AT_MOST):
            seen = len(self.late)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._through.wait(), QUIET_SECONDS)
            if len(self.late) in (seen, timers):
                break
        return self._last - begun


async def by_callers(act: Callable[[], Awaitable[bool]], seconds: float) -> float:
    """How often a second 64 callers come through with an act, which says whether there was anything to do."""
    begun = time.perf_counter()

    async def caller() -> int:
        done = 0
        while time.perf_counter() - begun < seconds and await act():
            done += 1
            if done % CALLERS == 0:
                await asyncio.sleep(0)  # a peer that never waits must let the others come
        return done

    told = await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return sum(told) / (time.perf_counter() - begun)

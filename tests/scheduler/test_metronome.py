"""The metronome ticks, and nothing that a tick does can stop it."""

import asyncio
from datetime import UTC, datetime, timedelta

from scheduler.clock import SystemClock
from scheduler.metronome import Metronome

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 10  # for a machine under load; a test that passes waits no longer than it must


class Ticks:
    """A tick that notes when it was called, and does at each what the test says."""

    def __init__(self, *answers: datetime | Exception | None) -> None:
        self.answers = list(answers)
        self.at: list[datetime] = []
        self._clock = SystemClock()
        self._came = asyncio.Condition()

    async def __call__(self) -> datetime | None:
        self.at.append(self._clock.now())
        async with self._came:
            self._came.notify_all()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def until(self, number: int) -> None:
        """Wait for so many ticks."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._came:
            await self._came.wait_for(lambda: len(self.at) >= number)


async def test_a_tick_that_fails_is_not_the_last():
    """A lost tick costs a second, never a case."""
    ticks = Ticks(RuntimeError("once"), RuntimeError("twice"))
    metronome = Metronome(ticks, every_seconds=0.02)
    metronome.start()
    try:
        await ticks.until(4)
    finally:
        await metronome.stop()
    assert metronome.beats >= 1


async def test_it_ticks_at_the_instant_that_a_tick_named_as_due():
    """Between two sweeps, here an hour apart: never before the instant."""
    due = SystemClock().now() + timedelta(milliseconds=100)
    ticks = Ticks(due)
    metronome = Metronome(ticks, every_seconds=3600)
    metronome.start()
    try:
        await ticks.until(2)
    finally:
        await metronome.stop()
    assert ticks.at[1] >= due


async def test_what_stays_due_is_looked_at_each_sweep_and_no_more_often(caplog):
    """A letter that a slow provider holds up is no reason to spin, nor to fill the log."""
    ticks = Ticks(*[LONG_AGO] * 50)
    metronome = Metronome(ticks, every_seconds=0.2)
    metronome.start()
    try:
        await ticks.until(6)
    finally:
        await metronome.stop()
    assert ticks.at[5] - ticks.at[0] >= timedelta(seconds=0.4)
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


async def test_a_metronome_that_was_stopped_ticks_no_more():
    """Also for what was due."""
    ticks = Ticks()
    metronome = Metronome(ticks)
    metronome.start()
    await metronome.stop()
    metronome.wake(LONG_AGO)
    assert ticks.at == []


async def test_what_came_due_during_a_beat_is_ticked_for_at_once():
    """A commit that arms something for this very moment, while a tick is under way, is not left to the next sweep."""
    metronome: Metronome | None = None

    class Arms(Ticks):
        async def __call__(self) -> datetime | None:
            if len(self.at) in (1, 2):
                assert metronome is not None
                metronome.wake(LONG_AGO + timedelta(seconds=len(self.at)))
                await asyncio.sleep(0.02)  # the strike comes while the beat lasts
            return await super().__call__()

    ticks = Arms(SystemClock().now())
    metronome = Metronome(ticks, every_seconds=3600)
    metronome.start()
    try:
        await ticks.until(4)
    finally:
        await metronome.stop()


async def test_it_ticks_as_soon_as_it_is_started():
    """The first deadline may be due before the first sweep."""
    ticks = Ticks()
    metronome = Metronome(ticks, every_seconds=3600)
    metronome.start()
    try:
        await ticks.until(1)
    finally:
        await metronome.stop()

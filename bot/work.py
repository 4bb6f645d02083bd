"""Knows what the house does by itself: ring what is due, send what waits, try again what stumbled, note that it lives.

Ringing never waits for sending: a provider that does not answer must not hold up the next deadline.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.crash import Crash
from bot.settle import settle
from scheduler.canary import CanaryBell
from scheduler.clock import Clock, SharedClock, SystemClock
from scheduler.dead_man import DeadMan
from scheduler.deadlines import ring
from scheduler.detours import Detours
from scheduler.duty import DutyBell
from scheduler.outbox import Channel
from scheduler.postman import Drained, Postman
from scheduler.proofs import Proofs
from storage import asking_again, outbox, pulse
from storage.casebook import Answer, Casebook, where
from storage.inbox import Heard

OUTAGE = timedelta(minutes=1)  # a shorter gap is no outage worth a word: times are told to the minute
RETRY_EVERY, BEAT_EVERY, HEED_EVERY = timedelta(seconds=10), timedelta(seconds=10), timedelta(seconds=10)
TURNS_AT_MOST = 20  # looks at what lies at the provider, at one instant
AGAIN_SECONDS, PLAN_EVERY_SECONDS = 1, 0.2
_log = structlog.get_logger(__name__)


class Work:
    """The house's own work over one casebook. `channels` may grow while it works."""

    def __init__(
        self, casebook: Casebook, channels: Mapping[str, Channel], clock: Clock, crash: Crash,
        answer_for: Callable[[Heard], Answer],
    ) -> None:  # fmt: skip
        self._casebook, self._clock, self._answer_for = casebook, clock, answer_for
        paced = isinstance(clock, SystemClock)  # on a clock that somebody moves, nothing can be waited for
        self._postman, self._duty = Postman(casebook, channels, clock.now, crash, paced=paced), DutyBell(casebook)
        self._detours = Detours(casebook)
        self._errands: dict[str, asyncio.Task[Any]] = {}  # what was begun beside the bells
        self._posting: list[asyncio.Task[None]] = []
        self._settling, self._to_plan = asyncio.Lock(), asyncio.Event()
        self._beaten: datetime | None = None
        self._retried: datetime | None = None
        self._heard: datetime | None = None
        self.ticked: datetime | None = None
        self.awaken: Callable[[datetime], None] = _by_itself
        self.dead_man: DeadMan | None = None
        self.canary: CanaryBell | None = None
        self.look_after: Callable[[datetime], Awaitable[None]] = _nobody_looks  # after a clock that somebody moves
        self.proofs: Proofs | None = None
        self.leading = False  # whether this node does what one node at a time may do

    # ---- waking -------------------------------------------------------------------------------------

    async def wake(self) -> int:
        """Ring what fell due while the house was down; returns how much that was.

        Letters that were half sent when it died go out again, and those it left waiting hear that it was down.
        """
        database, now = self._casebook.database, self._clock.now()
        last = await pulse.last_alive(database)
        down_since = last if last is not None and now - last >= OUTAGE else None
        await self._recover(now)
        rung = await ring(self._casebook, now, down_since)
        if last is not None and now - last >= asking_again.PRESSES_KEPT:
            await self.ask_again()
        await self._lead(now)
        await self._beat(now)
        self.ticked = now
        return rung

    def start_post(self) -> None:
        """Begin to send letters as they come."""
        self._posting = [asyncio.create_task(self._post()), asyncio.create_task(self._keep_planning())]
        self.stir()

    async def stop_post(self) -> None:
        """Take no more letters; what is on its way is waited for and written down."""
        await self._minded()
        try:
            await self._postman.stop()
        except Exception as fault:  # the next life finds them half-sent, and sends them as repeats
            _log.error("what was on its way could not be written down", fault=type(fault).__name__)
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)

    async def ask_again(self) -> None:
        """Presses may have been lost: what waits for an answer on Telegram is asked once more."""
        if await asking_again.ask_again(self._casebook, self._clock.now()):
            self.stir()

    async def sleep(self) -> None:
        """Note the last moment of this life."""
        self._duty.stop()
        await self._minded()
        await self._beat(self._clock.now())

    # ---- at work ------------------------------------------------------------------------------------

    def stir(self) -> None:
        """Something was committed: there may be letters."""
        self._postman.stir()
        self._to_plan.set()

    async def tick(self) -> datetime | None:
        """Ring what is due now; returns when there is next something to ring or to send."""
        now = self._clock.now()
        if await ring(self._casebook, now):
            self.stir()
        await self._lead(now)
        if self.leading:
            self._begin_errands(now)
        if self.leading and (self._retried is None or now - self._retried >= RETRY_EVERY):
            self._retried = now
            await self._casebook.retry_inbox(self._answer_for)
            if self._casebook.database.shared and await self._recover(now):
                self.stir()
        if self._beaten is None or now - self._beaten >= BEAT_EVERY:
            stopped = self._beaten is not None and now - self._beaten >= asking_again.PRESSES_KEPT
            await self._beat(now)
            if stopped and self._time_goes_on:  # the machine was suspended, or the process
                await self.ask_again()
        self.ticked = now
        self._postman.stir()  # for a letter whose time has come
        return await self._next()

    async def tick_and_post(self) -> datetime | None:
        """A tick for a clock that somebody moves: what it called forth is sent before time goes on."""
        await self.tick()
        await self._minded()
        await self.drain()
        await self._move_texts(self._clock.now(), at_once=True)
        await self.look_after(self._clock.now())
        return await self._next()

    async def settle(self, poll: Callable[[], Awaitable[int]]) -> dict[str, int]:
        """Work until nothing moves at this instant. Raises Restless."""
        async with self._settling:
            try:
                return await self._settle(poll)
            finally:
                await self.look_after(self._clock.now())

    async def _settle(self, poll: Callable[[], Awaitable[int]]) -> dict[str, int]:
        await self._lead(self._clock.now())
        await self._beat(self._clock.now())

        async def inputs() -> int:
            now = self._clock.now()
            return await poll() + await self._casebook.retry_inbox(self._answer_for) + await self._prove(now)

        async def deadlines() -> int:
            await self._duty.ring(self._clock.now())
            await self._detours.turn(self._clock.now(), at_once=True)
            flown = 0 if self.canary is None else await self.canary.turn(self._clock.now(), at_once=True)
            return flown + await ring(self._casebook, self._clock.now())

        done = await settle(inputs, deadlines, self.drain)
        await self._move_texts(self._clock.now(), at_once=True)
        self.ticked = self._clock.now()
        return done

    async def drain(self) -> Drained:
        """Send every letter that is due."""
        return await self._postman.drain()

    async def _post(self) -> None:
        while True:
            await self._postman.news()
            try:
                await self._postman.turn()
                self._to_plan.set()
            except Exception as fault:
                _log.error("letters could not be sent", fault=type(fault).__name__)
                await asyncio.sleep(AGAIN_SECONDS)
                self.stir()

    async def _keep_planning(self) -> None:
        """Tell the clock what is due next, soon after that may have changed, and not after each message of a flood."""
        while True:
            await self._to_plan.wait()
            self._to_plan.clear()
            try:
                await self._plan()
            except Exception as fault:  # the next sweep of the clock finds it
                _log.error("what is due next could not be looked up", fault=type(fault).__name__)
            await asyncio.sleep(PLAN_EVERY_SECONDS)

    def _begin_errands(self, now: datetime) -> None:
        """Begin what no deadline waits for, each once at a time: a provider may be slow, and a node that stands still may hold
        the rows of a letter."""
        for errand in (self._mind, self._move_texts, self._prove, self._detour):
            running = self._errands.get(errand.__name__)
            if running is None or running.done():
                self._errands[errand.__name__] = asyncio.create_task(errand(now))

    async def _detour(self, now: datetime) -> None:
        """Send what is held up by another way."""
        if await self._detours.turn(now):
            self.stir()

    async def _mind(self, now: datetime) -> None:
        """Look after canaries and duty."""
        try:
            flown = 0 if self.canary is None else await self.canary.turn(now)
            if await self._duty.ring(now) + flown:
                self.stir()
        except Exception as fault:
            _log.error("duty could not be looked after", fault=type(fault).__name__)

    async def _prove(self, now: datetime) -> int:
        """Ask what became of texts whose receipt is late."""
        try:
            asked = 0 if self.proofs is None else await self.proofs.look(now)
        except Exception as fault:
            _log.error("receipts could not be asked for", fault=where(fault))
            return 0
        if asked:
            self.stir()
        return asked

    async def _move_texts(self, now: datetime, *, at_once: bool = False) -> None:
        """Keep what lies at the provider where it ought to lie; neither a deadline nor a letter waits for it."""
        turns = 0 if not self.leading else TURNS_AT_MOST if at_once else 1
        try:
            for _ in range(turns):
                if self.dead_man is not None and not await self.dead_man.turn(now, at_once=at_once):
                    break
        except Exception as fault:
            _log.error("dead-man texts could not be looked after", fault=where(fault))

    @property
    def _time_goes_on(self) -> bool:
        """Whether time goes on by itself, and nobody moves the clock."""
        return isinstance(self._clock, SystemClock | SharedClock)

    async def _minded(self) -> None:
        """Wait for what was begun beside the bells."""
        await asyncio.gather(*self._errands.values())

    async def _recover(self, now: datetime) -> int:
        """Letters that a house which died had in hand go out again; where there are nodes, those held for too long."""
        database = self._casebook.database
        past = now if database.shared else None
        return await database.write(lambda tx: outbox.recover(tx, past))

    async def _lead(self, now: datetime) -> None:
        """Come to lead, or show that this node, which leads, is alive; where there are nodes, go by one clock."""
        database = self._casebook.database
        self.leading = await database.leads()
        if isinstance(self._clock, SharedClock) and (self._heard is None or now - self._heard >= HEED_EVERY):
            self._heard = now
            await self._clock.listen(database.now)

    async def _beat(self, now: datetime) -> None:
        self._beaten = now
        await pulse.beat(self._casebook.database, now)

    async def _plan(self) -> None:
        """What was just committed may be due before anything that was known at the last tick."""
        due = await self._next()
        if due is not None:
            self.awaken(due)

    async def _next(self) -> datetime | None:
        """When there is next something to ring, or a letter that may not go yet: one that may is the postman's, and a
        provider that holds it up must not hide the next deadline."""
        now = self._clock.now()
        letters = await self._casebook.database.read(lambda tx: outbox.next_due(tx, now))
        times = [await self._casebook.next_due(), letters]
        return min((each for each in times if each is not None), default=None)


async def _nobody_looks(now: datetime) -> None:
    """Whoever looks after the house does so by itself."""


def _by_itself(at: datetime) -> None:
    """Nobody ticks: a tester moves the clock."""

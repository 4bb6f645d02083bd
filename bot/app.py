"""Knows how the house is put together and in which order it wakes: first the bells, then the doors.

1. the socket is bound, so that the port is known; nobody is answered yet
2. the database is opened and brought up to date, its cases with it, and the clock begins
3. what fell due while the house was down rings, most severe first, before anything slow is imported
4. channels, then doors (`bot.front`), then the ready line

It goes to sleep in the opposite order, and what was begun ends whole.
"""

import asyncio
import gc
import json
import signal
import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

import structlog

from bot import locales, logs, ports
from bot.chance import Chance
from bot.crash import Crash
from bot.protocols import shelf
from bot.settings import Settings, audit_key
from bot.work import Work
from casework.errors import NotAllowed
from scheduler.clock import Clock, SharedClock, SystemClock, TestClock
from scheduler.outbox import Channel
from storage import pulse
from storage.casebook import Answer, Casebook
from storage.chance import Chance as Random
from storage.database import Damaged, Database
from storage.inbox import Heard
from storage.migrate import migrate
from storage.refolding import refold

if TYPE_CHECKING:
    from bot.front import Front
    from bot.sandbox import Sandbox

_log = structlog.get_logger(__name__)


class House:
    """Everything that lives in one process. `async with House(settings) as house:` wakes it and lets it sleep.

    Also for tests: `casebook`, `database`, `clock`, `channels`, `sandbox`, `port`, `settle()`.
    """

    database: Database
    clock: Clock
    casebook: Casebook
    work: Work
    port: int

    def __init__(self, settings: Settings, chance: Random | None = None, *, drill: bool = False) -> None:
        """`chance`: where codes come from, for nights that are written down; else the settings say. `drill`: a rehearsal,
        whose database no other house opens, and which opens no other house's."""
        self.settings, self._chance, self._drill = settings, chance, drill
        self.crash = Crash(settings.test_crash)
        self.books = locales.books()
        self.shelf = shelf(settings.protocols)
        self.channels: dict[str, Channel] = {}
        self.sandbox: Sandbox | None = None
        self._front: Front | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._wake()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def by_hand(self) -> bool:
        """Whether a tester moves the clock: then nothing happens by itself, only in `settle`."""
        return self.settings.test_clock is not None

    async def settle(self) -> dict[str, int]:
        """Work until nothing moves at this instant."""
        return await self.work.settle(self._poll)

    async def _poll(self) -> int:
        return 0 if self._front is None else await self._front.poll()

    def _answer_for(self, heard: Heard) -> Answer:
        assert self._front is not None, "messages are worked when the doors are open"
        return self._front.answer_for(heard)

    # ---- waking, in order ----------------------------------------------------------------------------

    async def _wake(self) -> None:
        listening = ports.bind(*self.settings.bind)
        self._stack.callback(listening.close)
        self.port = listening.getsockname()[1]
        await self._open_sandbox()
        await self._open_records()
        await self._move_in()
        _log.info("awake", rang=await self.work.wake())
        await self._open_front(listening)
        for name, findings in self.shelf.findings.items():
            _log.error("a protocol does not load", protocol=name, findings=len(findings))
        gc.collect()
        gc.freeze()  # what was imported stays: a full collection over it would hold up a webhook for 160 ms

    async def _open_sandbox(self) -> None:
        """Lead every provider to the doubles on this machine, whatever credentials were set."""
        if not self.settings.sandbox:
            return
        from bot import sandbox, sandboxed

        self.sandbox = await sandbox.start()
        self._stack.push_async_callback(self.sandbox.close)
        self.settings = sandboxed.led_to(self.settings, self.sandbox, self.port)

    async def _move_in(self) -> None:
        """Let the sandbox's people move in."""
        if self.sandbox is not None:
            from bot import sandboxed

            await sandboxed.move_in(self.database)

    async def _open_front(self, listening: socket.socket) -> None:
        from bot.front import Front  # not before the bells have rung: it takes a second to load

        self._front = Front(self, self._stack)
        await self._front.open(listening)

    async def _open_records(self) -> None:
        """Open the casebook; where it cannot be opened for a fault of its own, the few who are the last resort hear of it."""
        try:
            await self._open_casebook()
        except Exception as fault:
            if isinstance(fault, Damaged) or not isinstance(fault, NotAllowed):
                from bot.proof import say_at_start

                await say_at_start(self.settings, self.books["en"])
            raise

    async def _open_casebook(self) -> None:
        settings = self.settings
        self.database = await Database.open(settings.database_url)
        self._stack.push_async_callback(self.database.close)
        await migrate(self.database, self.crash)
        starts = await self.database.write(lambda tx: pulse.begin(tx, "drill" if self._drill else settings.mode))
        key = audit_key(settings)
        await refold(self.database, self.shelf, key, crash=self.crash)
        self.clock = await self._the_clock()
        seed = None if settings.test_seed is None else f"{settings.test_seed}:{starts}"
        self.casebook = Casebook(
            self.database, self.shelf, self.books, self.clock.now, self._chance or Chance(seed),
            audit_key=key, crash=self.crash, ways=settings.ways, drill=self._drill,
        )  # fmt: skip
        self.work = Work(self.casebook, self.channels, self.clock, self.crash, self._answer_for)
        self._stack.push_async_callback(self.work.sleep)

    async def _the_clock(self) -> Clock:
        if self.settings.test_clock is not None:
            return TestClock(self.settings.test_clock)
        if self.sandbox is None and self.database.shared:
            clock = SharedClock()
            await clock.begin(self.database.now)
            return clock
        if self.sandbox is None:
            return SystemClock()
        from bot import sandboxed

        await sandboxed.catch_up(self.sandbox, self.database)
        return self.sandbox.clock


async def run(settings: Settings) -> int:
    """Live until told to stop; returns the exit code. stdout gets the ready line and nothing else."""
    logs.set_up(settings.log, settings.secrets())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with House(settings) as house:
        print(json.dumps({"ready": True, "port": house.port}), flush=True)
        if house.sandbox is not None:
            _log.info("the sandbox is open", page=f"http://127.0.0.1:{house.port}/sandbox/")
        await stop.wait()
        _log.info("going to sleep")
    return 0

"""Knows how the house is put together and in which order it wakes: first the bells, then the doors.

1. the socket is bound, so that the port is known; nobody is answered yet
2. the database is opened and brought up to date, and the clock begins
3. what fell due while the house was down rings, most severe first, before anything slow is imported
4. channels, then doors, then the ready line

It goes to sleep in the opposite order, and what was begun ends whole.
"""

import asyncio
import gc
import json
import signal
import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

import structlog

from bot import locales, logs, sandboxed, web
from bot.acts.performing import Performer
from bot.chance import Chance
from bot.channels.opening import open_sms, open_telegram
from bot.crash import Crash
from bot.doors import FrontDoors, ours_of
from bot.listening import Listening
from bot.protocols import shelf
from bot.readiness import readiness
from bot.settings import Settings, audit_key
from bot.socket import open_hatch
from bot.work import Work
from handlers.inbox import Doors, no_answer, no_file
from scheduler.clock import Clock, SharedClock, SystemClock, TestClock
from scheduler.metronome import Metronome
from scheduler.outbox import Channel
from storage import buttons, pulse
from storage.casebook import Answer, Casebook
from storage.chance import Chance as Random
from storage.database import Database
from storage.inbox import Heard
from storage.migrate import migrate

if TYPE_CHECKING:
    from bot.channels.telegram import TelegramChannel
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
    front: FrontDoors
    port: int

    def __init__(self, settings: Settings, chance: Random | None = None) -> None:
        """`chance`: where codes come from, for nights that are written down; else the settings say."""
        self.settings, self._chance = settings, chance
        self.crash = Crash(settings.test_crash)
        self.books = locales.books()
        self.shelf = shelf(settings.protocols)
        self.channels: dict[str, Channel] = {}
        self.sandbox: Sandbox | None = None
        self._telegram: TelegramChannel | None = None
        self._listening: Listening | None = None
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
        return 0 if self._listening is None else await self._listening.poll()

    # ---- waking, in order ----------------------------------------------------------------------------

    async def _wake(self) -> None:
        listening = web.bind(*self.settings.bind)
        self._stack.callback(listening.close)
        self.port = listening.getsockname()[1]
        await self._open_sandbox()
        await self._open_casebook()
        if self.sandbox is not None:
            await sandboxed.move_in(self.database)
        _log.info("awake", rang=await self.work.wake())
        await self._open_channels()
        await self._open_doors(listening)
        await self._start_clock()
        gc.collect()
        gc.freeze()  # what was imported stays: a full collection over it would hold up a webhook for 160 ms

    async def _open_sandbox(self) -> None:
        """Lead every provider to the doubles on this machine, whatever credentials were set."""
        if not self.settings.sandbox:
            return
        from bot import sandbox

        self.sandbox = await sandbox.start()
        self._stack.push_async_callback(self.sandbox.close)
        self.settings = sandboxed.led_to(self.settings, self.sandbox, self.port)

    async def _open_casebook(self) -> None:
        settings = self.settings
        self.database = await Database.open(settings.database_url)
        self._stack.push_async_callback(self.database.close)
        await migrate(self.database, self.crash)
        starts = await self.database.write(lambda tx: pulse.begin(tx, settings.mode))
        self.clock = await self._the_clock()
        seed = None if settings.test_seed is None else f"{settings.test_seed}:{starts}"
        self.casebook = Casebook(
            self.database, self.shelf, self.books, self.clock.now, self._chance or Chance(seed),
            audit_key=audit_key(settings), crash=self.crash,
        )  # fmt: skip
        self.work = Work(self.casebook, self.channels, self.clock, self.crash, self._answer_for)
        self._stack.push_async_callback(self.work.sleep)
        for name, findings in self.shelf.findings.items():
            _log.error("a protocol does not load", protocol=name, findings=len(findings))

    async def _the_clock(self) -> Clock:
        if self.settings.test_clock is not None:
            return TestClock(self.settings.test_clock)
        if self.sandbox is None and self.database.shared:
            clock = SharedClock()
            await clock.begin(self.database.now)
            return clock
        if self.sandbox is None:
            return SystemClock()
        await sandboxed.catch_up(self.sandbox, self.database)
        return self.sandbox.clock

    # ---- channels and doors --------------------------------------------------------------------------

    async def _open_channels(self) -> None:
        """Letters leave as soon as the first way stands."""
        from bot.channels.file import FileChannel
        from bot.channels.off import OffChannel

        files = FileChannel(self.database, self.shelf, self.books["en"], self.settings.var)
        self.channels["file"] = files
        self.channels["sms"] = open_sms(self.settings, self.clock.now, self._stack)
        if not self.by_hand:
            self.work.start_post()
            self._stack.push_async_callback(self.work.stop_post)
        self._telegram = bot = await open_telegram(self.settings, self._card, files.for_people, self._stack)
        self.channels["telegram"] = bot or OffChannel("telegram")
        doors = Doors(
            casebook=self.casebook, books=self.books, protocols=self.shelf, clock=self.clock,
            fetch_file=no_file if bot is None else bot.fetch_file,
            answer_press=no_answer if bot is None else bot.answer_press,
        )  # fmt: skip
        self.front = FrontDoors(doors, ours_of(self.settings), self.work.stir)

    async def _card(self, case_id: str, person: str) -> int | None:
        return await self.database.read(lambda tx: buttons.card(tx, case_id, person))

    def _answer_for(self, heard: Heard) -> Answer:
        return self.front.answer_for(heard)

    async def _open_doors(self, listening: socket.socket) -> None:
        site = web.Site(web.application(self._entrances()))
        self._stack.push_async_callback(site.close)
        await site.open(listening)
        hatch = await open_hatch(self.settings.var, self.database.name, self._perform)
        if hatch is not None:
            self._stack.push_async_callback(hatch.close)
        if self._telegram is not None:
            self._listening = Listening(
                self._telegram, self.settings, self.front, patient=not self.by_hand, leads=lambda: self.work.leading
            )
            self._stack.push_async_callback(self._listening.stop)
            self._listening.start()

    def _entrances(self) -> web.Entrances:
        settings = self.settings
        secret = settings.telegram_webhook_secret
        tokens = (settings.twilio_auth_token, settings.twilio_auth_token_previous)
        return web.Entrances(
            telegram=self.front.webhook, sms=self.front.sms, receipts=self.front.receipts, ready=self._ready,
            settle=self.settle if self.by_hand else None,
            telegram_secret=None if secret is None else secret.get_secret_value(),
            twilio_tokens=tuple(t.get_secret_value() for t in tokens if t is not None),
            public_url=settings.public_url, sandbox=None if self.sandbox is None else self.sandbox.page(),
        )  # fmt: skip

    async def _perform(self, name: str, arguments: Any) -> Any:
        """What a command asks of the running house."""
        said = await Performer(self.casebook, take_telegram_ids=self.settings.loopback)(name, arguments)
        self.work.stir()
        return said

    async def _ready(self) -> tuple[bool, dict[str, Any]]:
        return await readiness(
            self.database, self.clock, audit_key(self.settings), self.channels, self.work.ticked, by_hand=self.by_hand
        )

    # ---- listening and ticking -----------------------------------------------------------------------

    async def _start_clock(self) -> None:
        if self.by_hand:
            return
        if self.sandbox is not None:
            url = f"http://127.0.0.1:{self.port}"
            await self.sandbox.attach(
                database=self.database, tick=self.work.tick_and_post, house_url=url, public_url=url,
                police=self.settings.var / "police",
            )  # fmt: skip
            return
        metronome = Metronome(self.work.tick)
        metronome.start()
        self._stack.push_async_callback(metronome.stop)


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

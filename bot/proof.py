"""Knows how the house proves that it lives: it audits itself, beats for a watcher outside while every promise holds, and
has a last resort for when it can keep no records.

Each look, every 15 seconds: write, audit and mend, ask whether every promise holds; only then is there a heartbeat. An idle house
writes nothing for it: its write is undone. When a deadline is near, or a request could not be answered, it is kept, for a
disk may refuse what it was never asked to keep. Where there are nodes, the one that leads audits and beats; each of them has its
own last resort, for the database may be out of reach of one.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from bot.channels.opening import open_last_resort
from bot.heartbeat import Heartbeat
from bot.settings import Settings
from casework.wording import Phrasebook, render
from scheduler.auditor import EVERY, Auditor
from scheduler.clock import SystemClock, TestClock
from storage import deadlines, pulse
from storage.casebook import where
from storage.database import Database, Tx

if TYPE_CHECKING:
    from bot.channels.last_resort import LastResort

TOLD_AGAIN_AFTER = timedelta(minutes=15)
ROOM_AT_LEAST_BYTES, ROOM_AT_LEAST_PART = 32_000_000, 20  # whichever is less: so much, or a twentieth of the disk
SOON = timedelta(minutes=15)  # before a deadline falls due it is proved that what it calls forth will be kept
FAILED_LOOKS = {False: 1, True: 2}  # by whether nodes share the database: a server that changes over takes some seconds
_log = structlog.get_logger(__name__)

CHAINS_EVERY = 4  # looks: reading the newest chains of the log costs more than all the rest
Ready = Callable[[bool], Awaitable[tuple[bool, dict[str, Any]]]]


class _Undone(Exception):
    """The write was only to be tried."""


class Proof:
    """The proof of life of one house. `ready`: whether every promise holds, also with the log's chains read; `leads`:
    whether this node audits and beats."""

    def __init__(
        self, database: Database, auditor: Auditor, ready: Ready, leads: Callable[[], bool], book: Phrasebook, *,
        heartbeat: Heartbeat | None = None, last_resort: "LastResort | None" = None,
    ) -> None:  # fmt: skip
        self._database, self._ready, self._leads, self._book = database, ready, leads, book
        self.auditor, self.heartbeat, self._last_resort = auditor, heartbeat, last_resort
        self._looked: datetime | None = None
        self._looks = 0
        self._failed = 0  # looks in a row at which nothing could be written
        self._failed_since: datetime | None = None
        self._in_doubt = False  # whether something could not be kept since the last look
        self._told: datetime | None = None  # when the few were last told that nothing can be written
        self._living: asyncio.Task[None] | None = None
        self.kept: bool | None = None  # whether every promise held at the last look

    def doubt(self) -> None:
        """Something could not be kept: the next look writes in earnest."""
        self._in_doubt = True

    def start(self, now: Callable[[], datetime]) -> None:
        """Look again and again, beside everything else."""
        self._living = asyncio.create_task(self._live(now))

    async def stop(self) -> None:
        """Look no more: there is no heartbeat from here on."""
        if self._living is not None:
            self._living.cancel()
            with suppress(asyncio.CancelledError):
                await self._living

    async def _live(self, now: Callable[[], datetime]) -> None:
        while True:
            try:
                await self._look(now())
            except Exception as fault:
                _log.critical("the house could not look after itself", fault=where(fault))
            await asyncio.sleep(EVERY.total_seconds())

    async def look(self, now: datetime) -> None:
        """Look once, where the last look was long enough ago."""
        if self._looked is None or now - self._looked >= EVERY:
            self._looked = now
            await self._look(now)

    async def _look(self, now: datetime) -> None:
        writable = await can_write(self._database, now, keep=self._in_doubt)
        self._in_doubt = not writable
        await self._resort(now, writable=writable)
        if not writable or not self._leads():
            self.kept = None if writable else False
            return
        await self.auditor.look(now)
        self.kept, _ = await self._ready(self._looks % CHAINS_EVERY == 0)
        self._looks += 1
        if self.kept and self.heartbeat is not None:
            await self.heartbeat.beat()

    async def _resort(self, now: datetime, *, writable: bool) -> None:
        """Text the few who are the last resort, when the records cannot be kept, and when they can be again."""
        if writable:
            if self._told is not None and self._last_resort is not None:
                await self._last_resort.say(words(self._book, "X_LASTRESORT_OVER", now, now))
            self._failed, self._failed_since, self._told = 0, None, None
            return
        self._failed += 1
        self._failed_since = self._failed_since or now
        if self._last_resort is None or self._failed < FAILED_LOOKS[self._database.shared]:
            return
        if self._told is None or now - self._told >= TOLD_AGAIN_AFTER:
            await self._last_resort.say(words(self._book, "X_LASTRESORT", now, self._failed_since))
            self._told = now


def words(book: Phrasebook, text: str, now: datetime, since: datetime) -> str:
    """What the few read."""
    return render(book, text, channel="sms", code="", who="", now=now, fields={"at": since})


async def can_write(database: Database, now: datetime, *, keep: bool = False) -> bool:
    """Whether the database takes a write, and its disk has room for more. Unless something falls due soon, or `keep` says so,
    the write is undone."""

    async def unit(tx: Tx) -> None:
        await pulse.try_to_write(tx, now)
        due = await deadlines.next_due(tx)
        if not keep and (due is None or due > now + SOON):
            raise _Undone

    try:
        with suppress(_Undone):
            await database.write(unit)
    except Exception as fault:
        _log.error("the database cannot be written", fault=type(fault).__name__)
        return False
    return has_room(database.name)


def has_room(name: str) -> bool:
    """Whether a database that is a file has room to grow; one on a server is the server's to watch."""
    folder = Path(name).parent
    if "://" in name or not folder.is_dir():
        return True
    disk = shutil.disk_usage(folder)
    return disk.free >= min(ROOM_AT_LEAST_BYTES, disk.total // ROOM_AT_LEAST_PART)


async def say_at_start(settings: Settings, book: Phrasebook) -> None:
    """Tell the few that a house which was to begin can open no records."""
    clock = SystemClock() if settings.test_clock is None else TestClock(settings.test_clock)
    async with AsyncExitStack() as stack:
        few = open_last_resort(settings, clock.now, stack)
        if few is not None:
            await few.say(words(book, "X_LASTRESORT", clock.now(), clock.now()))

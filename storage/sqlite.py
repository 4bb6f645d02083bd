"""Knows how units of work are run on SQLite: one after another on the writer's own thread, many to one commit.

A unit that comes while the writer is busy waits in a queue; when it is free it takes those that wait, runs each in
a savepoint of its own, and commits them together. One flush then answers every waiter (`storage.sqlite_flush`): at load
the disk is asked once a group and not once a message, the next group is worked meanwhile, and a single unit waits for
nobody. A unit that fails is undone alone. Reads have connections of their own and see only what was committed.

    unit A ──┐  BEGIN ── A ── B ── C ── COMMIT ── flush ──┬── A's answer
    unit B ──┤  (each in its own savepoint)               ├── B's answer
    unit C ──┘                                            └── C's answer
    unit D ────────────────────────── BEGIN ── D ── …
"""

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Self, TypeVar, cast
from urllib.parse import quote

import aiosqlite

from casework.errors import NotAllowed
from storage.codec import instant, ms
from storage.database import AlreadyOpen, Damaged, Database, Unit
from storage.sqlite_flush import Flusher, answer
from storage.sqlite_units import Job, read_unit, told, write_group

T = TypeVar("T")

ENGINE = sqlite3.sqlite_version_info
READERS = 2
CACHED_STATEMENTS = 512
GROUP_AT_MOST = 128  # units to one commit
GROUP_SECONDS = 0.012  # after which none joins it: longer than a disk takes to flush, and soon over for a newcomer


async def on_thread(connection: aiosqlite.Connection, work: Callable[..., T], *arguments: Any) -> T:
    """Run one function on aiosqlite's own thread: the only private call of that library we use, and only here."""
    return cast(T, await connection._execute(work, connection._conn, *arguments))  # type: ignore[no-untyped-call]


class SqliteDatabase(Database):
    """One writer connection and a few readers beside it on one SQLite file."""

    shared = False
    lanes = 1
    count = staticmethod(monotonic)  # of seconds; a group lasts only so many

    def __init__(
        self, path: Path, writer: aiosqlite.Connection | None, readers: list[aiosqlite.Connection], lock: int | None
    ) -> None:
        self.path, self.name = path, str(path.resolve())
        self._writer, self._readers, self._lock = writer, readers, lock
        self.touched = None if lock is None else _touched(lock)
        self._turn = 0
        self._waiting: deque[Job[Any]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._flusher = Flusher(path)

    @classmethod
    async def begin(cls, url: str, *, read_only: bool = False) -> Self:
        """Open `sqlite:///path`. Raises AlreadyOpen when another process holds it, Unusable."""
        path = Path(url.removeprefix("sqlite:///"))
        if read_only and not path.exists():
            raise NotAllowed(f"there is no database at {path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = None if read_only else _take_lock(path)
        if not read_only:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # before SQLite makes it readable for everybody
        opened: list[aiosqlite.Connection] = []  # the writer first, where there is one
        try:
            if not read_only:
                opened.append(await _connect(path, "rwc", _WRITER_PRAGMAS))
            mode = "ro" if read_only else "rw"
            opened += [await _connect(path, mode, _READER_PRAGMAS) for _ in range(READERS)]
        except BaseException as fault:
            for connection in opened:
                await connection.close()
            _free_lock(lock)
            if isinstance(fault, sqlite3.Error):
                raise told(fault) from fault
            raise
        return cls(path, None if read_only else opened[0], opened[-READERS:], lock)

    async def write(self, unit: Unit[T]) -> T:
        if self._writer is None:
            raise NotAllowed("this database was opened for reading")
        self._flusher.refuse()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append(Job(unit, answer))
        if self._writing is None:
            self._writing = loop.create_task(self._write_all(self._writer))
        return await answer

    async def _write_all(self, writer: aiosqlite.Connection) -> None:
        """Commit what waits, group by group, until nothing waits; the next unit begins anew."""
        while self._waiting:
            group, kept = [self._waiting.popleft()], True
            try:
                kept = await on_thread(writer, self._work, group)
            except OSError as fault:
                self._flusher.fail(group, fault)
            except BaseException as fault:  # the connection itself: nothing of the group was kept
                for job in group:
                    job.fail(told(fault) if isinstance(fault, sqlite3.Error) else fault)
            if kept:
                answer(group)
            else:
                self._flusher.take(group)
        self._writing = None

    def _work(self, connection: sqlite3.Connection, group: list[Job[Any]]) -> bool:
        """Commit this unit and those that wait as a group; flush it too, at once, where nobody waits for the writer. Returns
        whether it did.

        Raises OSError where the disk did not keep it, Unusable where it failed before.
        """
        self._flusher.refuse()
        write_group(connection, group, self._coming())
        if self._waiting:
            return False
        self._flusher.flush()
        return True

    def _coming(self) -> Iterator[Job[Any]]:
        """Those that join the first, in their turn, until the group is full."""
        begun = self.count()
        for _ in range(GROUP_AT_MOST - 1):
            if not self._waiting or self.count() - begun > GROUP_SECONDS:
                return
            yield self._waiting.popleft()

    async def read(self, unit: Unit[T]) -> T:
        self._turn = (self._turn + 1) % len(self._readers)
        return await on_thread(self._readers[self._turn], read_unit, unit)

    async def close(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
        await self._flusher.close()
        for connection in self._readers:
            await connection.close()
        if self._writer is not None:
            await asyncio.shield(self._writer.close())
        _free_lock(self._lock)
        self._lock = None

    def touch(self, now: datetime) -> bool:
        """The mark is the time of the lock's file: setting it asks nothing of the disk and survives a kill."""
        if self._lock is None:
            return False
        os.utime(self._lock, ns=(ms(now) * 1_000_000,) * 2)
        return True

    async def leads(self) -> bool:
        return True

    async def now(self) -> datetime | None:
        return None


_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # `storage.sqlite_flush` flushes before anybody is answered
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -32768",  # KiB: the leaves of every index that is written to on a busy night
    "PRAGMA temp_store = MEMORY",  # what a savepoint might have to put back
    "PRAGMA wal_autocheckpoint = 8000",  # pages, 32 MB: a checkpoint copies a page once, however often it was written
)
_READER_PRAGMAS = ("PRAGMA query_only = ON", "PRAGMA trusted_schema = OFF", "PRAGMA busy_timeout = 5000")


async def _connect(path: Path, mode: str, pragmas: tuple[str, ...]) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
    )
    connection.row_factory = sqlite3.Row
    try:
        for pragma in (*pragmas, "PRAGMA schema_version"):  # the last one reads the file
            await connection.execute_fetchall(pragma)
    except BaseException as fault:
        await connection.close()
        if type(fault) is sqlite3.DatabaseError:
            raise Damaged(f"{path} is no database, or is damaged") from fault
        raise
    return connection


def _touched(lock: int) -> datetime | None:
    at = os.fstat(lock).st_mtime_ns // 1_000_000
    return instant(at) if at else None


def _take_lock(path: Path) -> int:
    with suppress(FileExistsError):
        made = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.utime(made, ns=(0, 0))  # a lock that is new says nothing of an earlier life
        os.close(made)
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise AlreadyOpen("another process is running on this database") from error
    return handle


def _free_lock(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)

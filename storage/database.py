"""Knows how a unit of work is run on SQLite: whole, on one thread, between BEGIN IMMEDIATE and COMMIT.

A unit is a coroutine over `Tx`. On SQLite it is driven to its end in one hop on the writer's own thread, so no
other unit can slip between two of its statements, and a waiter who is cancelled cannot leave half of it behind: it
commits or is rolled back as a whole. Reads have connections of their own and see only what was committed. On
another database the same coroutine may really wait between statements; therefore it awaits nothing but its `Tx`.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, TypeVar, cast
from urllib.parse import quote

import aiosqlite

from casework.errors import NotAllowed, OurMistake

T = TypeVar("T")
Value: TypeAlias = str | int | float | bytes | None
Hook: TypeAlias = Callable[[], None]

Unusable: TypeAlias = sqlite3.OperationalError  # the disk, a lock or an older schema is in the way
ENGINE = sqlite3.sqlite_version_info

READERS = 2
CACHED_STATEMENTS = 512


class Row(Protocol):
    """One row, read by column name or position."""

    def __getitem__(self, key: str | int, /) -> Any: ...

    def keys(self) -> Any: ...


class AlreadyOpen(NotAllowed):
    """Another process has this database open for writing; two houses never act on one casebook."""


class Tx:
    """One open transaction. `?` stands for a value; instants are integers, milliseconds UTC."""

    __slots__ = ("_connection", "_depth", "after_commit", "before_commit")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._depth = 0
        self.before_commit: list[Hook] = []
        self.after_commit: list[Hook] = []

    async def rows(self, sql: str, *values: Value) -> list[Row]:
        """Return every row of a query."""
        return cast(list[Row], self._connection.execute(sql, values).fetchall())

    async def row(self, sql: str, *values: Value) -> Row | None:
        """Return the first row of a query, or None."""
        return cast(Row | None, self._connection.execute(sql, values).fetchone())

    async def run(self, sql: str, *values: Value) -> int:
        """Run a statement that changes rows; returns how many it changed."""
        return self._connection.execute(sql, values).rowcount

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what was done inside, and only that, when it raises; the hooks it left are forgotten too."""
        name = f"s{self._depth}"
        before, after = len(self.before_commit), len(self.after_commit)
        self._connection.execute(f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield
        except BaseException:
            del self.before_commit[before:], self.after_commit[after:]
            self._connection.execute(f"ROLLBACK TO {name}")
            raise
        finally:
            self._depth -= 1
            if self._connection.in_transaction:
                self._connection.execute(f"RELEASE {name}")

    def around_commit(self, point: str, crash: Callable[[str], None]) -> None:
        """Pass the crash points `<point>.before_commit` and `.after_commit` around this transaction's commit, once."""
        marks = [getattr(hook, "point", "") for hook in self.before_commit]
        if point not in marks:
            self.before_commit.append(_Pass(f"{point}.before_commit", crash, point))
            self.after_commit.append(_Pass(f"{point}.after_commit", crash, point))


class _Pass:
    __slots__ = ("_crash", "_name", "point")

    def __init__(self, name: str, crash: Callable[[str], None], point: str) -> None:
        self._name, self._crash, self.point = name, crash, point

    def __call__(self) -> None:
        self._crash(self._name)


Unit: TypeAlias = Callable[[Tx], Awaitable[T]]


def drive(work: Awaitable[T]) -> T:
    """Run a unit to its end here and now; OurMistake if it waits for anything but its own statements."""
    coroutine = cast(Coroutine[Any, Any, T], work)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    coroutine.close()
    raise OurMistake("a unit of work waited for something outside its transaction")


def _write(connection: sqlite3.Connection, unit: Unit[T]) -> T:
    tx = Tx(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = drive(unit(tx))
        for hook in tx.before_commit:
            hook()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    for hook in tx.after_commit:
        hook()
    return result


def _read(connection: sqlite3.Connection, unit: Unit[T]) -> T:
    connection.execute("BEGIN")
    try:
        return drive(unit(Tx(connection)))
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


async def on_thread(
    connection: aiosqlite.Connection, work: Callable[[sqlite3.Connection, Unit[T]], T], unit: Unit[T]
) -> T:
    """Run one function on aiosqlite's own thread: the only private call of that library we use, and only here."""
    return cast(T, await connection._execute(work, connection._conn, unit))  # type: ignore[no-untyped-call]


class Database:
    """One writer connection and a few readers beside it on one SQLite file."""

    def __init__(
        self, path: Path, writer: aiosqlite.Connection | None, readers: list[aiosqlite.Connection], lock: int | None
    ) -> None:
        self.path = path
        self._writer = writer
        self._readers = readers
        self._lock = lock
        self._turn = 0

    @classmethod
    async def open(cls, url: str, *, read_only: bool = False) -> Self:
        """Open `sqlite:///path`. Raises AlreadyOpen when another process holds it, NotAllowed for another scheme."""
        path = _path_of(url)
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
        except BaseException:
            for connection in opened:
                await connection.close()
            _free_lock(lock)
            raise
        return cls(path, None if read_only else opened[0], opened[-READERS:], lock)

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit of work and commit it. When the waiter is cancelled, the unit still ends whole."""
        if self._writer is None:
            raise NotAllowed("this database was opened for reading")
        return await on_thread(self._writer, _write, unit)

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only looks, on one consistent snapshot of what was committed."""
        self._turn = (self._turn + 1) % len(self._readers)
        return await on_thread(self._readers[self._turn], _read, unit)

    async def close(self) -> None:
        """End every unit that was begun, then close."""
        for connection in self._readers:
            await connection.close()
        if self._writer is not None:
            await asyncio.shield(self._writer.close())
        _free_lock(self._lock)
        self._lock = None


_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # acknowledged means: survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA busy_timeout = 5000",
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
            raise NotAllowed(f"{path} is no database, or is damaged") from fault
        raise
    return connection


def _path_of(url: str) -> Path:
    if not url.startswith("sqlite:///"):
        raise NotAllowed("DATABASE_URL must begin with sqlite:///")
    return Path(url.removeprefix("sqlite:///"))


def _take_lock(path: Path) -> int:
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

"""Knows how units of work are run on SQLite: one after another on the writer's own thread, many to one commit.

A unit that comes while the disk is busy waits in a queue; when the writer is free it takes all that wait, runs each in
a savepoint of its own, and commits them together. One flush then answers every waiter: at load the disk is asked
once a group and not once a message, and a single unit waits for nobody. A unit that fails is undone alone. Reads have
connections of their own and see only what was committed.

    unit A ──┐  BEGIN ── A ── B ── C ── COMMIT (one fsync) ──┬── A's answer
    unit B ──┤            (each in its own savepoint)        ├── B's answer
    unit C ──┘                                               └── C's answer
"""

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, cast
from urllib.parse import quote

import aiosqlite

from casework.errors import NotAllowed, OurMistake
from storage.database import AlreadyOpen, Database, Row, Tx, Unit, Unusable, Value, Violated

T = TypeVar("T")

ENGINE = sqlite3.sqlite_version_info
READERS = 2
CACHED_STATEMENTS = 512
GROUP_AT_MOST = 128  # units to one commit: at a third of a millisecond each, a newcomer waits some 40 ms at worst
_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


class SqliteTx(Tx):
    """One open transaction of the writer or of a reader."""

    __slots__ = ("_connection",)
    engine = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    async def rows(self, sql: str, *values: Value) -> list[Row]:
        try:
            return cast(list[Row], self._connection.execute(sql, values).fetchall())
        except sqlite3.Error as fault:
            raise told(fault) from fault

    async def row(self, sql: str, *values: Value) -> Row | None:
        try:
            return cast(Row | None, self._connection.execute(sql, values).fetchone())
        except sqlite3.Error as fault:
            raise told(fault) from fault

    async def run(self, sql: str, *values: Value) -> int:
        try:
            return self._connection.execute(sql, values).rowcount
        except sqlite3.Error as fault:
            raise told(fault) from fault

    async def mark(self, verb: str, name: str) -> None:
        if self._connection.in_transaction:  # a full disk may have ended it
            self._connection.execute(f"{verb} {name}")


def told(fault: sqlite3.Error) -> Exception:
    """SQLite's fault in the house's words; a statement that is wrong in itself stays what it is."""
    if isinstance(fault, sqlite3.OperationalError):
        return Unusable(str(fault))
    if isinstance(fault, sqlite3.IntegrityError):
        return Violated(str(fault), unique=fault.sqlite_errorcode in _UNIQUE)
    return fault


def drive(work: Awaitable[T]) -> T:
    """Run a unit to its end here and now; OurMistake if it waits for anything but its own statements."""
    coroutine = cast(Coroutine[Any, Any, T], work)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    coroutine.close()
    raise OurMistake("a unit of work waited for something outside its transaction")


class _Job(Generic[T]):
    """One unit, who waits for it, and how it ended."""

    __slots__ = ("_answer", "_fault", "_result", "_tx", "_unit")

    def __init__(self, unit: Unit[T], answer: "asyncio.Future[T]") -> None:
        self._unit, self._answer = unit, answer
        self._tx: SqliteTx | None = None
        self._result: T | None = None
        self._fault: BaseException | None = None

    def do(self, connection: sqlite3.Connection) -> None:
        """Run the unit in the transaction that is open. Raises what it raises."""
        self._tx, self._fault = SqliteTx(connection), None
        self._result = drive(self._unit(self._tx))
        for hook in self._tx.before_commit:
            hook()

    def fail(self, fault: BaseException) -> None:
        """The unit was undone."""
        self._tx, self._fault = None, fault

    def committed(self) -> None:
        """What it wrote is on the disk."""
        for hook in () if self._tx is None else self._tx.after_commit:
            hook()

    def tell(self) -> None:
        """Answer the waiter, if there still is one."""
        if self._answer.done():
            return
        if self._fault is None:
            self._answer.set_result(cast(T, self._result))
        else:
            self._answer.set_exception(self._fault)


def _write_group(connection: sqlite3.Connection, jobs: Sequence[_Job[Any]]) -> None:
    """Run these units and commit them together; should the commit or the transaction itself fail, each by itself."""
    if len(jobs) == 1 or not _together(connection, jobs):
        for job in jobs:
            _alone(connection, job)


def _alone(connection: sqlite3.Connection, job: _Job[Any]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        job.do(connection)
        connection.execute("COMMIT")
    except BaseException as fault:
        _roll_back(connection)
        job.fail(told(fault) if isinstance(fault, sqlite3.Error) else fault)
        return
    job.committed()


def _together(connection: sqlite3.Connection, jobs: Sequence[_Job[Any]]) -> bool:
    """Whether the group was committed; if not, nothing of it was, and every unit may be run again."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            _in_savepoint(connection, job)
        connection.execute("COMMIT")
    except sqlite3.Error:
        _roll_back(connection)
        return False
    for job in jobs:
        job.committed()
    return True


def _in_savepoint(connection: sqlite3.Connection, job: _Job[Any]) -> None:
    connection.execute("SAVEPOINT unit")
    try:
        job.do(connection)
    except BaseException as fault:
        connection.execute("ROLLBACK TO unit")  # fails where the fault ended the transaction: then each runs alone
        job.fail(fault)
    connection.execute("RELEASE unit")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _read(connection: sqlite3.Connection, unit: Unit[T]) -> T:
    connection.execute("BEGIN")
    try:
        return drive(unit(SqliteTx(connection)))
    finally:
        _roll_back(connection)


async def on_thread(connection: aiosqlite.Connection, work: Callable[..., T], *arguments: Any) -> T:
    """Run one function on aiosqlite's own thread: the only private call of that library we use, and only here."""
    return cast(T, await connection._execute(work, connection._conn, *arguments))  # type: ignore[no-untyped-call]


class SqliteDatabase(Database):
    """One writer connection and a few readers beside it on one SQLite file."""

    shared = False
    lanes = 1

    def __init__(
        self, path: Path, writer: aiosqlite.Connection | None, readers: list[aiosqlite.Connection], lock: int | None
    ) -> None:
        self.path, self.name = path, str(path.resolve())
        self._writer, self._readers, self._lock = writer, readers, lock
        self._turn = 0
        self._waiting: deque[_Job[Any]] = deque()
        self._writing: asyncio.Task[None] | None = None

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
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Job(unit, answer))
        if self._writing is None:
            self._writing = loop.create_task(self._write_all(self._writer))
        return await answer

    async def _write_all(self, writer: aiosqlite.Connection) -> None:
        """Commit what waits, group by group, until nothing waits; the next unit begins anew."""
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_AT_MOST))]
            try:
                await on_thread(writer, _write_group, group)
            except BaseException as fault:  # the connection itself: nothing of the group was kept
                for job in group:
                    job.fail(told(fault) if isinstance(fault, sqlite3.Error) else fault)
            for job in group:
                job.tell()
        self._writing = None

    async def read(self, unit: Unit[T]) -> T:
        self._turn = (self._turn + 1) % len(self._readers)
        return await on_thread(self._readers[self._turn], _read, unit)

    async def close(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
        for connection in self._readers:
            await connection.close()
        if self._writer is not None:
            await asyncio.shield(self._writer.close())
        _free_lock(self._lock)
        self._lock = None

    async def leads(self) -> bool:
        return True

    async def now(self) -> datetime | None:
        return None


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

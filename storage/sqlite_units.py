"""Knows how one group of units is run on SQLite's own thread: each in a savepoint, all to one commit.

A unit that fails is undone alone. Should the commit or the transaction itself fail, each unit is run again by itself, so
that only the one at fault is told so.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Coroutine, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar, cast

from casework.errors import OurMistake
from storage.database import Row, Tx, Unit, Unreadable, Unusable, Value, Violated, insertion

T = TypeVar("T")

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

    async def insert(self, into: str, rows: Sequence[Sequence[Value]], end: str = "") -> None:
        """Write rows in their order, a statement each: for one of several rows SQLite would keep a journal of its own."""
        if not rows:
            return
        try:
            self._connection.executemany(insertion(into, 1, len(rows[0]), end), rows)
        except sqlite3.Error as fault:
            raise told(fault) from fault

    async def mark(self, verb: str, name: str) -> None:
        if self._connection.in_transaction:  # a full disk may have ended it
            self._connection.execute(f"{verb} {name}")


def told(fault: sqlite3.Error) -> Exception:
    """SQLite's fault in the house's words; a statement that is wrong in itself stays what it is."""
    if str(fault).startswith("Could not decode"):
        fault.args = ("a text is none",)  # its words might be a person's, and stand in the log
        return Unreadable(*fault.args)
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


class Job(Generic[T]):
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


def write_group(connection: sqlite3.Connection, group: list[Job[Any]], coming: Iterator[Job[Any]]) -> None:
    """Run these units and those that come, and commit them together; should the commit or the transaction itself fail, each
    by itself. Who comes is put into `group` before it is run.
    """
    group += islice(coming, 1)
    if len(group) == 1 or not _together(connection, group, coming):
        for job in group:
            _alone(connection, job)


def _alone(connection: sqlite3.Connection, job: Job[Any]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        job.do(connection)
        connection.execute("COMMIT")
    except BaseException as fault:
        _roll_back(connection)
        job.fail(told(fault) if isinstance(fault, sqlite3.Error) else fault)


def _together(connection: sqlite3.Connection, group: list[Job[Any]], coming: Iterator[Job[Any]]) -> bool:
    """Whether the group was committed; if not, nothing of it was, and every unit may be run again."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in group:
            _in_savepoint(connection, job)
        for job in coming:
            group.append(job)
            _in_savepoint(connection, job)
        connection.execute("COMMIT")
    except sqlite3.Error:
        _roll_back(connection)
        return False
    return True


def _in_savepoint(connection: sqlite3.Connection, job: Job[Any]) -> None:
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


def read_unit(connection: sqlite3.Connection, unit: Unit[T]) -> T:
    """Run a unit that only looks, on one snapshot."""
    connection.execute("BEGIN")
    try:
        return drive(unit(SqliteTx(connection)))
    finally:
        _roll_back(connection)

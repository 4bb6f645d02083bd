"""Knows the lines to a PostgreSQL server: how many, what each promises, and whether a lost one had committed.

Every line owns a row, its slot, in which each unit of work first writes its number. When the line is lost while a unit
commits, the slot says whether it did: reading it waits for whatever is left of the old line.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import asyncpg
from asyncpg import exceptions as says

from casework.errors import OurMistake
from storage.database import Conflict, Unusable, Violated

LEASE = timedelta(seconds=4)  # how long a node may stand still in the middle of a unit before it is cut off
WAIT = timedelta(seconds=10)  # for a row that another node holds: longer than its lease
PREPARED = 1024
_CUT_OFF = (  # `active`, between the two halves of a statement, or waiting in a transaction: it holds rows, and nobody comes
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'porchlight'"
    " AND datname = current_database() AND usename = current_user AND backend_xid IS NOT NULL"
    " AND wait_event_type = 'Client' AND state_change < now() - interval '{} ms'"
)
_SLOTS = "porchlight_slot"
_NUMBERING = (  # planned once a line, not once a unit
    f"PREPARE porchlight_number (BIGINT) AS INSERT INTO {_SLOTS} (slot, number, at) VALUES ('{{}}', $1, now())"
    " ON CONFLICT (slot) DO UPDATE SET number = excluded.number, at = excluded.at"
)
_MAKING = 0x706F7263686C6A  # an advisory lock: two nodes that begin at once make the table once


class Lost(Unusable):
    """The line to the server is gone; what was not committed was undone."""


_LOST = (
    says.PostgresConnectionError, says.InterfaceError, says.AdminShutdownError, says.CrashShutdownError,
    says.CannotConnectNowError, says.IdleInTransactionSessionTimeoutError, says.IdleSessionTimeoutError,
    says.TooManyConnectionsError, OSError, TimeoutError,
    says.InternalClientError,  # the server's last word on a line came between two of our statements
)  # fmt: skip
_CONFLICT = (says.SerializationError, says.DeadlockDetectedError, says.LockNotAvailableError)
_OLDER = (says.UndefinedTableError, says.UndefinedColumnError)
_UNUSABLE = (says.InsufficientResourcesError, says.ReadOnlySQLTransactionError, says.InvalidAuthorizationSpecificationError,
             says.InvalidCatalogNameError)  # fmt: skip


def told(fault: Exception) -> Exception:
    """The server's fault in the house's words; a statement that is wrong in itself stays what it is."""
    if isinstance(fault, says.IntegrityConstraintViolationError | says.RaiseError):
        return Violated(str(fault), unique=isinstance(fault, says.UniqueViolationError))
    if isinstance(fault, _LOST):
        return Lost(type(fault).__name__)
    if isinstance(fault, _CONFLICT):
        return Conflict(type(fault).__name__)
    if isinstance(fault, _OLDER):
        return Unusable(f"no such table or column: {fault}")
    return Unusable(str(fault)) if isinstance(fault, _UNUSABLE) else fault


class Wire:
    """One line to the server, for one unit at a time."""

    def __init__(self, connection: asyncpg.Connection, slot: str) -> None:
        self.connection, self.slot = connection, slot
        self.number = 0

    async def begin(self) -> None:
        """Open a transaction and write its number into the slot."""
        if self.number == 0:
            await self._make_ready()
        self.number += 1
        await self.say(f"BEGIN; EXECUTE porchlight_number({self.number})")

    async def _make_ready(self) -> None:
        """Once a line. Where it breaks off, nobody knows whether the server is ready for this line: it is given up."""
        try:
            await self.say(_NUMBERING.format(self.slot))
        except BaseException:
            self.connection.terminate()
            raise

    async def look(self) -> None:
        """Open a transaction that sees one snapshot and changes nothing."""
        await self.say("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    async def commit(self) -> None:
        """Commit. Raises Lost, and then it may have been committed; OurMistake for one that a fault had spoilt."""
        if await self.say("COMMIT") != "COMMIT":
            raise OurMistake("a unit went on after a statement of it had failed outside a savepoint")

    async def roll_back(self) -> None:
        """Undo what was done; on a lost line the server has done so."""
        with suppress(Lost):
            await self.say("ROLLBACK")

    async def say(self, sql: str) -> str:
        try:
            return str(await self.connection.execute(sql))
        except Exception as fault:
            raise told(fault) from fault


class Pool:
    """At most so many lines of one node; a line that broke is replaced when it is next needed."""

    def __init__(self, url: str, lines: int, lease: timedelta, *, read_only: bool) -> None:
        self._lease_ms = int(lease.total_seconds() * 1000)
        self._url, self._read_only = url, read_only
        self._node, self._made = secrets.token_hex(8), 0
        self._free: list[Wire] = []
        self._room = asyncio.Semaphore(lines)
        self._closed = False

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        """A line of one's own for the length of the block. Raises Lost when none can be had."""
        async with self._room:
            wire = await self._take()
            try:
                yield wire
            finally:
                if self._closed or wire.connection.is_closed() or wire.connection.is_in_transaction():
                    wire.connection.terminate()
                else:
                    self._free.append(wire)

    async def _take(self) -> Wire:
        while self._free:
            wire = self._free.pop()
            if not wire.connection.is_closed():
                return wire
        self._made += 1
        slot = f"{self._node}/{self._made}"  # before the wait: another line is made meanwhile
        return Wire(await self.connect(), slot)

    async def connect(self, **settings: str) -> asyncpg.Connection:
        """A line beside the pool. Raises Lost, or Unusable when the server refuses us."""
        kept = {
            "application_name": "porchlight",
            "synchronous_commit": "on",  # acknowledged means: survives a power cut
            "idle_in_transaction_session_timeout": f"{self._lease_ms}ms",
            "lock_timeout": f"{int(WAIT.total_seconds() * 1000)}ms",
            "default_transaction_read_only": "on" if self._read_only else "off",
            "jit": "off",
        }
        try:
            line: asyncpg.Connection = await asyncpg.connect(
                self._url, statement_cache_size=PREPARED, max_cached_statement_lifetime=0, timeout=WAIT.total_seconds(),
                server_settings=kept | settings,
            )  # fmt: skip
            return line
        except Exception as fault:
            raise told(fault) from fault

    async def begin(self) -> None:
        """See that the server answers, and that the table of slots is there. Raises Lost, Unusable."""
        async with self.wire() as wire:
            if not self._read_only:
                await self._make_slots(wire.connection)

    async def _make_slots(self, line: asyncpg.Connection) -> None:
        try:
            async with line.transaction():
                await line.execute("SELECT pg_advisory_xact_lock($1)", _MAKING)
                await line.execute(
                    f"CREATE TABLE IF NOT EXISTS {_SLOTS} (slot TEXT PRIMARY KEY, number BIGINT NOT NULL,"
                    " at TIMESTAMPTZ NOT NULL) WITH (fillfactor = 50)"
                )
                await line.execute(f"DELETE FROM {_SLOTS} WHERE at < now() - interval '1 day'")  # nobody asks that late
        except Exception as fault:
            raise told(fault) from fault

    async def committed(self, wire: Wire) -> bool:
        """Whether the last unit of a lost line was committed. Raises Lost when the server cannot be asked.

        A SELECT would not see, nor wait for, a row that the first unit of a line has not committed yet; an INSERT does.
        """
        line = await self.connect()
        try:
            number = await line.fetchval(
                f"INSERT INTO {_SLOTS} AS slot (slot, number, at) VALUES ($1, 0, now())"
                " ON CONFLICT (slot) DO UPDATE SET at = excluded.at RETURNING slot.number",
                wire.slot,
            )
        except Exception as fault:
            raise told(fault) from fault
        finally:
            line.terminate()
        return bool(number == wire.number)

    async def cut_off(self, by: asyncpg.Connection | None = None) -> None:
        """End every line that holds rows and has waited for its node longer than a lease; `by`: else by a line of its own.

        Raises Lost, Unusable.
        """
        line = by or await self.connect()
        try:
            await line.execute(_CUT_OFF.format(self._lease_ms))
        except Exception as fault:
            raise told(fault) from fault
        finally:
            if line is not by:
                line.terminate()

    async def close(self) -> None:
        """Close every line."""
        self._closed = True
        for wire in self._free:
            with suppress(Exception):
                await wire.connection.close()
        self._free.clear()

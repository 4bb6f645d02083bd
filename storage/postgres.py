"""Knows how units of work are run on PostgreSQL, by many nodes at once.

A unit runs on one line between BEGIN and COMMIT and holds the rows it changes (`Tx.hold`). Its lease is the server's
own: a node that stops in the middle of a unit is cut off after `LEASE`, what it did is undone and the rows are free
for the next node; when it wakes its line is gone, so that nothing it still had in hand can be written. One that stops
in the middle of a statement looks busy to the server, and is cut off by the node that leads, or by whoever waits for its
rows. A lost commit is looked up (`storage.postgres_pool`), and a unit that was undone runs again from its beginning.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import asyncpg

from casework.errors import NotAllowed
from storage.database import Conflict, Database, Unit, Unusable, Violated, name_of
from storage.postgres_pool import LEASE, Lost, Pool, Wire, told
from storage.postgres_units import PostgresTx

T = TypeVar("T")

LINES = 16
TRIES = 6  # of a unit that others were faster than
OUTAGE = timedelta(seconds=8)  # how long a unit waits for the server to come back: a provider waits 15 s for us
LEADER = 0x706F7263686C69  # the advisory lock of the one node that leads


class PostgresDatabase(Database):
    """The lines of one node to one PostgreSQL database."""

    shared = True
    lanes = 4

    def __init__(self, url: str, pool: Pool, lease: timedelta, *, read_only: bool) -> None:
        self.name = name_of(url)
        self._pool, self._read_only = pool, read_only
        self._begun: dict[asyncio.Task[Any], float] = {}  # the units under way, the oldest first, and since when
        self._watching: asyncio.Task[None] | None = None
        self._leading: asyncpg.Connection | None = None
        self._leads, self._lease = False, lease

    @classmethod
    async def begin(cls, url: str, *, read_only: bool = False, lines: int = LINES, lease: timedelta = LEASE) -> Self:
        """Open `postgresql://…`. `lease`: how long a node may stand still in the middle of a unit. Raises Unusable."""
        database = cls(url, Pool(url, lines, lease, read_only=read_only), lease, read_only=read_only)
        await database._pool.begin()
        return database

    # ---- units --------------------------------------------------------------------------------------

    async def write(self, unit: Unit[T]) -> T:
        if self._read_only:
            raise NotAllowed("this database was opened for reading")
        return await self._whole(self._write(unit))

    async def read(self, unit: Unit[T]) -> T:
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + OUTAGE.total_seconds()
        while True:
            try:
                return await self._look(unit)
            except Lost:
                if loop.time() >= patient_until:
                    raise
            await asyncio.sleep(0.05)

    async def _look(self, unit: Unit[T]) -> T:
        async with self._pool.wire() as wire:
            await wire.look()
            try:
                return await unit(PostgresTx(wire, writes=False))
            finally:
                await wire.roll_back()

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """A waiter may go away; what was begun ends whole all the same."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        self._begun[task] = loop.time()
        task.add_done_callback(self._begun.pop)
        if self._watching is None or self._watching.done():
            self._watching = loop.create_task(self._watch())
        return await asyncio.shield(task)

    async def _watch(self) -> None:
        """Look after the units under way. One that lasts may wait for the rows of a node that stands still, and the bell
        that waits with it is what would come to lead."""
        loop, patience = asyncio.get_running_loop(), self._lease.total_seconds() / 2
        while self._begun:
            await asyncio.sleep(patience / 2)
            oldest = next(iter(self._begun.values()), loop.time())
            if loop.time() - oldest > patience:
                with suppress(Unusable):  # the unit itself is told so
                    await self._pool.cut_off()

    async def _write(self, unit: Unit[T]) -> T:
        """Run a unit until it was committed once, however often others or a lost line undo it."""
        loop = asyncio.get_running_loop()
        patient_until, tries = loop.time() + OUTAGE.total_seconds(), 0
        while True:
            tries += 1
            try:
                return await self._once(unit, last=tries >= TRIES)
            except Violated as fault:
                if not fault.unique or tries >= TRIES:
                    raise
            except Conflict as fault:
                if tries >= TRIES:
                    raise Unusable(str(fault)) from fault
            except Lost:
                if loop.time() >= patient_until:
                    raise
                tries = min(tries, TRIES - 2)  # a server that comes back finds the unit with tries left
            await asyncio.sleep(0.02 * tries)

    async def _once(self, unit: Unit[T], *, last: bool) -> T:
        """One try. Raises Lost only when it was not committed."""
        async with self._pool.wire() as wire:
            tx = PostgresTx(wire, writes=True, last=last)
            await wire.begin()
            try:
                result = await unit(tx)
                await tx.send()
                for hook in tx.before_commit:
                    hook()
            except BaseException:
                await wire.roll_back()
                raise
            try:
                await wire.commit()
            except Lost:
                if not await self._was_committed(wire):
                    raise
        for hook in tx.after_commit:
            hook()
        return result

    async def _was_committed(self, wire: Wire) -> bool:
        """Ask until the server answers. Raises Unusable when it stays away: then nobody may say that it was kept."""
        patient_until = asyncio.get_running_loop().time() + OUTAGE.total_seconds()
        while True:
            try:
                return await self._pool.committed(wire)
            except (Lost, Conflict) as fault:
                if asyncio.get_running_loop().time() >= patient_until:
                    raise Unusable("the server went away in the middle of a commit") from fault
            await asyncio.sleep(0.1)

    # ---- nodes --------------------------------------------------------------------------------------

    async def leads(self) -> bool:
        """Ask for the lock; one that falls silent loses line and lock. Who has it cuts off the lines that wait for a node
        which stopped between the two halves of a statement, or while it was being told an answer."""
        lease = f"{int(self._lease.total_seconds() * 1000)}ms"
        try:
            if self._leading is None or self._leading.is_closed():
                self._leading = await self._pool.connect(idle_session_timeout=lease)
                self._leads = False
            if not self._leads:
                self._leads = bool(await self._leading.fetchval("SELECT pg_try_advisory_lock($1)", LEADER))
            if self._leads:
                await self._pool.cut_off(self._leading)
            return self._leads
        except Exception as fault:
            if isinstance(told(fault), Unusable):
                self._leading, self._leads = None, False
                return False
            raise

    async def now(self) -> datetime | None:
        async with self._pool.wire() as wire:
            try:
                instant: datetime = await wire.connection.fetchval("SELECT clock_timestamp()")
            except Exception as fault:
                raise told(fault) from fault
        return instant.astimezone(UTC)

    async def close(self) -> None:
        while self._begun:
            await asyncio.wait(self._begun)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        if self._leading is not None:
            with suppress(Exception):
                await self._leading.close()
        await self._pool.close()

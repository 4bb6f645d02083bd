"""Knows how a unit of work speaks to PostgreSQL: one journey a question, and one for all changes that nothing is read of.

Most of what a unit writes nobody looks at before its commit. `Tx.later` keeps such changes until something is read of their
tables, changed at once, or committed, and sends them as the parts of one statement. The server runs those parts side by
side, on what stood before any of them; so no table is touched by two of them.
"""

from functools import lru_cache
from itertools import chain
from typing import cast

from storage.database import Conflict, Row, Tx, Value, Violated
from storage.postgres_pool import Wire, told


@lru_cache(maxsize=2048)
def numbered(sql: str) -> str:
    """The statement with $1, $2 … for its question marks; none of ours holds one within quotes."""
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, start=1))


@lru_cache(maxsize=2048)
def together(changes: tuple[str, ...]) -> str:
    """One statement that makes these changes; the server counts the rows of the last one."""
    *parts, last = changes
    named = ", ".join(f"w{place} AS ({sql})" for place, sql in enumerate(parts))
    return numbered(f"WITH {named} {last}" if parts else last)


def _count(status: str) -> int:
    """How many rows were changed: `INSERT 0 1`, `UPDATE 2`; none by `CREATE TABLE`."""
    count = status.rsplit(" ", 1)[-1]
    return int(count) if count.isdecimal() else 0


class PostgresTx(Tx):
    """One open transaction on one line. `last`: the unit is not run again, so that a refusal is its own to bear."""

    __slots__ = ("_counted", "_last", "_later", "_left", "_line")
    engine = "postgresql"

    def __init__(self, wire: Wire, *, writes: bool, last: bool = True) -> None:
        super().__init__()
        self._line, self._last = wire.connection, last
        self._later: dict[str, tuple[str, tuple[Value, ...]]] = {}  # by table: a change that was not sent yet
        self._counted = ""  # the one table among them of which a row must be changed
        self._left = ""  # a savepoint that was left, and that the server was not told of yet
        if writes:
            self.hold, self.hold_free = " FOR UPDATE", " FOR UPDATE SKIP LOCKED"

    async def rows(self, sql: str, *values: Value) -> list[Row]:
        await self._send_before(sql)
        try:
            return cast(list[Row], await self._line.fetch(numbered(sql), *values))
        except Exception as fault:
            raise told(fault) from fault

    async def row(self, sql: str, *values: Value) -> Row | None:
        await self._send_before(sql)
        try:
            return cast(Row | None, await self._line.fetchrow(numbered(sql), *values))
        except Exception as fault:
            raise told(fault) from fault

    async def run(self, sql: str, *values: Value) -> int:
        await self.send()
        return _count(await self._execute(numbered(sql), values))

    async def _execute(self, sql: str, values: tuple[Value, ...]) -> str:
        try:
            return str(await self._line.execute(sql, *values))
        except Exception as fault:
            raise told(fault) from fault

    async def later(self, table: str, sql: str, *values: Value) -> None:
        counts = not sql.startswith("INSERT")
        if table in self._later or (counts and self._counted):
            await self.send()
        self._later[table] = sql, values
        if counts:
            self._counted = table

    async def send(self) -> None:
        """Send what waits: each change its own part of one statement, which touches no table twice and ends with the one
        that must have changed a row."""
        if not self._later:
            return
        changes, counted = self._later, self._counted
        self._later, self._counted = {}, ""
        if counted:
            changes[counted] = changes.pop(counted)
        sql = together(tuple(sql for sql, _ in changes.values()))
        status = await self._execute(sql, tuple(chain.from_iterable(values for _, values in changes.values())))
        if counted and _count(status) == 0:
            raise Conflict(f"nothing of {counted} was changed")

    async def _send_before(self, sql: str) -> None:
        """What is read may not be older than what waits; a view may show any table."""
        if self._later and (" v_" in sql or any(table in sql for table in self._later)):
            await self.send()

    async def mark(self, verb: str, name: str) -> None:
        """A savepoint that was left goes with the next one's journey, or with the commit: until then it is in nobody's way."""
        if verb == "ROLLBACK TO":
            self._later, self._counted = {}, ""  # what was sent is undone by the server
        if self._line.is_closed():
            return
        if verb == "RELEASE":
            self._left = name  # those within it are left with it
            return
        left, self._left = self._left, ""
        await self.run(f"RELEASE {left}; {verb} {name}" if left and verb == "SAVEPOINT" else f"{verb} {name}")

    def again(self, fault: Exception) -> bool:
        if isinstance(fault, Violated):
            return fault.unique and not self._last
        return super().again(fault)

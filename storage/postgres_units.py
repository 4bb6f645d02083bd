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
    """One statement that makes these changes, and says of each whether it changed a row."""
    parts = ", ".join(f"w{place} AS ({sql} RETURNING 1)" for place, sql in enumerate(changes))
    return numbered(f"WITH {parts} SELECT {', '.join(f'EXISTS (SELECT FROM w{n})' for n in range(len(changes)))}")


class PostgresTx(Tx):
    """One open transaction on one line. `last`: the unit is not run again, so that a refusal is its own to bear."""

    __slots__ = ("_last", "_later", "_line")
    engine = "postgresql"

    def __init__(self, wire: Wire, *, writes: bool, last: bool = True) -> None:
        super().__init__()
        self._line, self._last = wire.connection, last
        self._later: dict[str, tuple[str, tuple[Value, ...]]] = {}  # by table: a change that was not sent yet
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
        try:
            status = await self._line.execute(numbered(sql), *values)
        except Exception as fault:
            raise told(fault) from fault
        count = status.rsplit(" ", 1)[-1]  # "INSERT 0 1", "UPDATE 2", "CREATE TABLE"
        return int(count) if count.isdecimal() else 0

    async def later(self, table: str, sql: str, *values: Value) -> None:
        if table in self._later:
            await self.send()
        self._later[table] = sql, values

    async def send(self) -> None:
        """Send what waits: each change its own part of one statement, which touches no table twice."""
        if not self._later:
            return
        changes, self._later = self._later, {}
        try:
            found = await self._line.fetchrow(
                together(tuple(sql for sql, _ in changes.values())),
                *chain.from_iterable(v for _, v in changes.values()),
            )
        except Exception as fault:
            raise told(fault) from fault
        for (table, (sql, _)), changed in zip(changes.items(), found, strict=True):
            if not changed and not sql.startswith("INSERT"):
                raise Conflict(f"nothing of {table} was changed")

    async def _send_before(self, sql: str) -> None:
        """What is read may not be older than what waits; a view may show any table."""
        if self._later and (" v_" in sql or any(table in sql for table in self._later)):
            await self.send()

    async def mark(self, verb: str, name: str) -> None:
        if verb == "ROLLBACK TO":
            self._later = {}  # what was sent is undone by the server
        if not self._line.is_closed():
            await self.run(f"{verb} {name}")

    def again(self, fault: Exception) -> bool:
        if isinstance(fault, Violated):
            return fault.unique and not self._last
        return super().again(fault)

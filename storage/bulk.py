"""Knows how several rows go into a table with one statement: behind a wire each statement is a journey of its own."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from storage.database import Tx, Value

AT_ONCE = 40  # rows to one statement; each number of rows is another statement to prepare, so there is an end to it


async def insert(tx: Tx, into: str, rows: Sequence[Sequence[Value]], end: str = "") -> None:
    """Write rows in their order. `into`: the table and its columns; `end`: what is to be done about a conflict."""
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        statement = _statement(into, len(some), len(some[0]), end)
        await tx.later(into.partition(" ")[0], statement, *chain.from_iterable(some))


@lru_cache(maxsize=1024)
def _statement(into: str, rows: int, columns: int, end: str) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)} {end}"

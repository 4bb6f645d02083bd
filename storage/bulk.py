"""Knows how several rows go into a table at once: behind a wire each statement is a journey of its own."""

from collections.abc import Awaitable, Sequence

from storage.database import Tx, Value


def insert(tx: Tx, into: str, rows: Sequence[Sequence[Value]], end: str = "") -> Awaitable[None]:
    """Write rows in their order. `into`: the table and its columns; `end`: what is to be done about a conflict."""
    return tx.insert(into, rows, end)

"""Knows how rows are read of which one may be broken: it is left out and named, and the others come all the same.

SQLite has no checksum over its pages: a bit that fell over in a text is noticed when the text is read, and then the whole
query fails. PostgreSQL lets no such text in.
"""

from typing import Any

from storage.database import Row, Tx, Unreadable, Value

FAULT = "unreadable"  # what stands beside a row that was set aside for it


async def rows(
    tx: Tx, table: str, key: str, which: str, *values: Value, columns: str = "*"
) -> tuple[list[Row], list[Any]]:  # fmt: skip
    """Rows of a table, and the keys of those that cannot be read. `which`: what stands behind the table's name."""
    try:
        return await tx.rows(f"SELECT {columns} FROM {table} {which}", *values), []
    except Unreadable:
        found, lost = list[Row](), list[Any]()
        for row in await tx.rows(f"SELECT {key} FROM {table} {which}", *values):
            try:
                found += await tx.rows(f"SELECT {columns} FROM {table} WHERE {key} = ?", row[0])
            except Unreadable:
                lost.append(row[0])
        return found, lost

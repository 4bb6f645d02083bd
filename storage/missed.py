"""Knows which messages never came to the house, and up to when they were asked for."""

from collections.abc import Collection
from datetime import datetime, timedelta

from storage.codec import instant, ms
from storage.database import Tx

FETCHED = "texts fetched until"
NOTED_EVERY = timedelta(minutes=30)  # a house that lies idle writes no more often
AT_ONCE = 500


async def unheard(tx: Tx, source: str, ids: Collection[str]) -> frozenset[str]:
    """Those of these messages that were never taken."""
    named, known = list(ids), set[str]()
    for first in range(0, len(named), AT_ONCE):
        some = named[first : first + AT_ONCE]
        rows = await tx.rows(
            f"SELECT external_id FROM inbox WHERE source = ? AND external_id IN ({', '.join('?' * len(some))})",
            source,
            *some,
        )
        known |= {row["external_id"] for row in rows}
    return frozenset(named) - known


async def fetched_until(tx: Tx) -> datetime | None:
    """The instant up to which everything is known to have been asked for, some half an hour ago at most; None before."""
    row = await tx.row("SELECT value FROM meta WHERE key = ?", FETCHED)
    return None if row is None else instant(int(row["value"]))


async def note_fetched(tx: Tx, now: datetime) -> None:
    """Note that everything up to now was asked for."""
    await tx.run(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        FETCHED, str(ms(now)),
    )  # fmt: skip

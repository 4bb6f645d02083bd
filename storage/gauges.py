"""Knows what is counted of the database for a graph: how much there is of what, and nothing about anybody.

Each is found by an index over what lives; nothing that grows for years is looked through.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from storage import dead_men
from storage.database import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """`letters`: by channel and state, those that wait or are being sent. `texts`: what lies there should this house die."""

    open_cases: int
    deadlines: int
    events: int
    inbox_waiting: int
    letters: Mapping[tuple[str, ...], int]
    texts: Mapping[str, int]


async def count(tx: Tx) -> Counted:
    """Count."""
    letters = await tx.rows(
        "SELECT channel, state, COUNT(*) AS n FROM outbox WHERE state = 'queued' GROUP BY channel, state"
        " UNION ALL SELECT channel, state, COUNT(*) AS n FROM outbox WHERE state = 'sending' GROUP BY channel, state"
    )
    return Counted(
        open_cases=await _one(tx, "SELECT COUNT(*) AS n FROM case_row WHERE status <> 'closed'"),
        deadlines=await _one(tx, "SELECT COUNT(*) AS n FROM deadline"),
        events=await dead_men.newest(tx),
        inbox_waiting=await _one(tx, "SELECT COUNT(*) AS n FROM inbox WHERE state = 'new'"),
        letters={(row["channel"], row["state"]): int(row["n"]) for row in letters},
        texts=await dead_men.count(tx),
    )


async def _one(tx: Tx, sql: str) -> int:
    row = await tx.row(sql)
    return 0 if row is None else int(row["n"])

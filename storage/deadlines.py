"""Knows the live deadlines of every case: rows that follow from the case and are never armed by hand."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from storage import bulk
from storage.codec import instant, ms
from storage.database import Tx

BATCH = 32  # cases rung in one unit of work: some 20 ms in which others wait


async def arrange(tx: Tx, case_id: str, wanted: Mapping[str, int], held: Mapping[str, int] | None) -> None:
    """Make the rows of a case those of `wanted` (milliseconds UTC by key), touching only what differs from `held`; where
    that is None, what is held is looked up. No other place writes these rows: `storage.recent` counts on it."""
    if held is None:
        held = await armed(tx, case_id)
    gone = [key for key in held if key not in wanted]
    if gone:
        marks = ", ".join("?" * len(gone))
        await tx.run(f"DELETE FROM deadline WHERE case_id = ? AND key IN ({marks})", case_id, *gone)
    await bulk.insert(
        tx, "deadline (case_id, key, due_at)",
        [(case_id, key, due_at) for key, due_at in wanted.items() if held.get(key) != due_at],
        "ON CONFLICT (case_id, key) DO UPDATE SET due_at = excluded.due_at",
    )  # fmt: skip


async def due_cases(tx: Tx, now: datetime, limit: int, but: Collection[str] = ()) -> list[str]:
    """Ids of cases with a deadline that is due: the most severe first, then the longest overdue, in turns.

    Among equally severe ones every organisation has its turn, and within it every home: a flood from one of them does
    not delay the one child of another.
    """
    rows = await tx.rows(
        "SELECT case_id FROM (SELECT case_id, severity, next_due, row_number() OVER (PARTITION BY severity, organisation"
        "  ORDER BY turn_of_home, next_due, case_id) AS turn FROM (SELECT case_id, severity, next_due, organisation,"
        "  row_number() OVER (PARTITION BY severity, organisation, home ORDER BY next_due, case_id) AS turn_of_home"
        "  FROM case_row WHERE next_due <= ?) AS by_home) AS by_organisation"
        " ORDER BY severity DESC, turn, next_due, case_id LIMIT ?",
        ms(now), limit + len(but),
    )  # fmt: skip
    return [row["case_id"] for row in rows if row["case_id"] not in but][:limit]


async def claim(tx: Tx, case_ids: Sequence[str], now: datetime) -> list[str]:
    """Those of these cases that are still due, in their order, held until the commit; none that another node holds."""
    wanted = [*case_ids, *("" for _ in range(-len(case_ids) % BATCH))]  # one statement for every length
    rows = await tx.rows(
        f"SELECT case_id FROM case_row WHERE case_id IN ({', '.join('?' * len(wanted))}) AND next_due <= ?{tx.hold_free}",
        *wanted, ms(now),
    )  # fmt: skip
    free = {row["case_id"] for row in rows}
    return [case_id for case_id in case_ids if case_id in free]


async def armed(tx: Tx, case_id: str) -> dict[str, int]:
    """Every deadline of a case: milliseconds UTC by key."""
    rows = await tx.rows("SELECT key, due_at FROM deadline WHERE case_id = ?", case_id)
    return {row["key"]: row["due_at"] for row in rows}


def due_keys(held: Mapping[str, int], now: datetime) -> tuple[tuple[str, ...], datetime | None]:
    """The keys of these deadlines that are due, earliest first, and the earliest instant."""
    at = ms(now)
    due = sorted([(due_at, key) for key, due_at in held.items() if due_at <= at])
    return tuple(key for _, key in due), instant(due[0][0]) if due else None


async def next_due(tx: Tx, but: Collection[str] = ()) -> datetime | None:
    """The earliest deadline of all cases, but these."""
    rows = await tx.rows(
        "SELECT case_id, next_due FROM case_row WHERE next_due IS NOT NULL ORDER BY next_due LIMIT ?", len(but) + 1
    )
    return next((instant(row["next_due"]) for row in rows if row["case_id"] not in but), None)

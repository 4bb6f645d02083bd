"""Knows what can come to stand wrong among the rows that follow from cases and letters, finds it by its keys, and mends it.

Looking writes nothing, and names no more than a few of each kind: where a hundred thousand cases are live it looks at those
alone that are late, and asks of the others only whether a deadline of theirs exists.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.deadlines import armed
from storage import cases, deadlines, held_up, outbox
from storage.codec import ms
from storage.database import Tx, Value
from storage.parts import Parts

LATE_AFTER = timedelta(seconds=60)  # P2: a deadline rings within 60 s at worst
NAMED_AT_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Ids of cases, a few of each kind. `overdue`: due, and not rung. `unarmed`: open without a live deadline. `hidden`: due,
    and not to be seen in the case's row. `untexted`: without a text that outlives the house. `stuck`: letters whose sender
    must be gone. `oldest_letter`: due since then, by a channel that takes letters."""

    overdue: tuple[str, ...] = ()
    unarmed: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    untexted: tuple[str, ...] = ()
    stuck: int = 0
    oldest_letter: datetime | None = None


async def look(tx: Tx, now: datetime, *, texts: bool = False) -> Wrong:
    """Find what is wrong at this moment. `texts`: whether this house keeps dead-man texts at all."""
    late = ms(now - LATE_AFTER)
    stuck = await tx.row("SELECT COUNT(*) AS n FROM outbox WHERE state = 'sending' AND held_until < ?", late)
    return Wrong(
        overdue=await _few(tx, "SELECT case_id FROM case_row WHERE next_due < ? ORDER BY next_due", late),
        unarmed=await _few(
            tx, "SELECT case_id FROM case_row WHERE status <> 'closed' AND NOT EXISTS"
            " (SELECT 1 FROM deadline WHERE deadline.case_id = case_row.case_id)"
        ),
        hidden=await _few(
            tx, "SELECT DISTINCT deadline.case_id FROM deadline JOIN case_row ON case_row.case_id = deadline.case_id"
            " WHERE due_at < ? AND (next_due IS NULL OR next_due > due_at)", late
        ),
        untexted=() if not texts else await _few(
            tx, "SELECT case_id FROM case_row WHERE status NOT IN ('returned', 'closed') AND opened_at < ? AND NOT EXISTS"
            " (SELECT 1 FROM dead_man WHERE dead_man.case_id = case_row.case_id AND state = 'stands' AND send_at > ?)",
            late, ms(now)
        ),
        stuck=0 if stuck is None else int(stuck["n"]),
        oldest_letter=await outbox.oldest_waiting(tx, now, await held_up.channels_out(tx, now)),
    )  # fmt: skip


async def _few(tx: Tx, sql: str, *values: Value) -> tuple[str, ...]:
    return tuple(row["case_id"] for row in await tx.rows(f"{sql} LIMIT {NAMED_AT_MOST}", *values))


async def rearm(tx: Tx, case_id: str, parts: Parts) -> bool:
    """Let the deadlines of a case follow from it anew; returns whether it has any. Raises NotAllowed for a protocol that is
    not on the shelf."""
    held = await cases.find(tx, case_id)
    if held is None:
        return False
    wanted = {key: ms(due) for key, due in armed(held.case, parts.protocol(held.case.protocol)).items()}
    await deadlines.arrange(tx, case_id, wanted, None)
    if wanted or not held.case.open:
        first = min(wanted.values(), default=None)
        await tx.run("UPDATE case_row SET next_due = ? WHERE case_id = ?", first, case_id)
    return bool(wanted)

"""Knows, in a few quick looks, whether the promises that can be seen from the database hold at this moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage import held_up, log, outbox
from storage.codec import ms
from storage.database import Tx

LATE_AFTER = timedelta(seconds=60)  # P2: a deadline rings within 60 s at worst
EVENTS_LOOKED_AT = 100  # the newest: the chains they belong to are checked whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`out`: channels that take nothing any more; what waits for them goes another way, and does not count as waiting."""

    overdue: int
    open_without_deadline: int
    outbox_oldest: datetime | None
    out: frozenset[str]
    chain_whole: bool


async def look(tx: Tx, now: datetime, audit_key: bytes | None) -> Health:
    """Look at what could be wrong; the chains of the cases that changed last stand for all. Without a key none is read."""
    late, out = ms(now - LATE_AFTER), await held_up.channels_out(tx, now)
    return Health(
        overdue=await _count(tx, "SELECT COUNT(*) AS n FROM deadline WHERE due_at < ?", late),
        open_without_deadline=await _count(
            tx, "SELECT COUNT(*) AS n FROM case_row WHERE status <> 'closed' AND NOT EXISTS"
            " (SELECT 1 FROM deadline WHERE deadline.case_id = case_row.case_id)"
        ),
        outbox_oldest=await outbox.oldest_waiting(tx, now, out),
        out=out,
        chain_whole=audit_key is None or await _chains_whole(tx, audit_key),
    )  # fmt: skip


async def _chains_whole(tx: Tx, audit_key: bytes) -> bool:
    recent = await tx.rows(
        "SELECT DISTINCT case_id FROM (SELECT case_id FROM event ORDER BY seq DESC LIMIT ?) AS newest", EVENTS_LOOKED_AT
    )
    return not any([await log.flaws(tx, audit_key, row["case_id"]) for row in recent])


async def _count(tx: Tx, sql: str, *values: int) -> int:
    row = await tx.row(sql, *values)
    return 0 if row is None else int(row["n"])

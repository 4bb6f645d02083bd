"""Knows hand-overs: who is asked to take a duty over, with which digits a text may answer, and whether they did."""

from dataclasses import dataclass
from datetime import datetime

from casework.duty import LOOK_BACK
from storage.codec import instant, ms
from storage.database import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Somebody comes on: from when until when, the digits that a text must carry to take it over, whether they did."""

    handover_id: str
    organisation: str
    role: str
    home: str
    person: str
    begins_at: datetime
    until_at: datetime
    digits: str
    asked_at: datetime
    reminders: int
    accepted_at: datetime | None


async def ask(
    tx: Tx, organisation: str, role: str, home: str, person: str, begins: datetime, until: datetime, digits: str,
    now: datetime,
) -> str | None:  # fmt: skip
    """Note that somebody is asked to take a duty over; returns the id, or None where they were asked before."""
    handover_id = f"{organisation}/{role}/{home}/{person}/{ms(begins)}"
    made = await tx.run(
        "INSERT INTO handover (handover_id, organisation, role, home, person, begins_at, until_at, digits, asked_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        handover_id, organisation, role, home, person, ms(begins), ms(until), digits, ms(now),
    )  # fmt: skip
    return handover_id if made else None


async def accept(tx: Tx, handover_id: str, now: datetime) -> bool:
    """Note that a duty was taken over; False where that was noted before."""
    changed = await tx.run(
        "UPDATE handover SET accepted_at = ? WHERE handover_id = ? AND accepted_at IS NULL", ms(now), handover_id
    )
    return changed > 0


async def remind(tx: Tx, handover_id: str) -> None:
    """Note that somebody was reminded of it once more."""
    await tx.run("UPDATE handover SET reminders = reminders + 1 WHERE handover_id = ?", handover_id)


async def begun(tx: Tx, now: datetime) -> set[tuple[str, str, str, str, datetime]]:
    """Every duty of the last week that somebody was asked to take over: organisation, role, home, person, its begin."""
    rows = await tx.rows("SELECT * FROM handover WHERE until_at > ?", ms(now - LOOK_BACK))
    return {(r["organisation"], r["role"], r["home"], r["person"], instant(r["begins_at"])) for r in rows}


async def waiting(tx: Tx, now: datetime, person: str | None = None) -> list[HandOver]:
    """Those that wait for an answer, of one person or of everybody, and whose duty has not ended; oldest first."""
    rows = await tx.rows(
        "SELECT * FROM handover WHERE accepted_at IS NULL AND until_at > ? ORDER BY begins_at, handover_id", ms(now)
    )  # fmt: skip
    return [_handover(row) for row in rows if person in (None, row["person"])]


def _handover(row: Row) -> HandOver:
    return HandOver(
        handover_id=row["handover_id"], organisation=row["organisation"], role=row["role"], home=row["home"],
        person=row["person"], begins_at=instant(row["begins_at"]), until_at=instant(row["until_at"]),
        digits=row["digits"], asked_at=instant(row["asked_at"]), reminders=row["reminders"],
        accepted_at=None if row["accepted_at"] is None else instant(row["accepted_at"]),
    )  # fmt: skip

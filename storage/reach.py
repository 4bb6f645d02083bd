"""Knows how far an alert came with each person: on its way, sent, delivered, seen. None of it takes an alert."""

from dataclasses import dataclass
from datetime import datetime

from storage.codec import instant, ms
from storage.database import Tx


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the alerts of a case came with one person; `how`: waiting, sent, delivered or seen, `at` where it is known."""

    person: str
    how: str
    at: datetime | None


async def saw(tx: Tx, case_id: str, person: str, now: datetime) -> None:
    """This person has looked at the case since they were alerted of it."""
    await tx.run(
        "UPDATE alert SET seen_at = ? WHERE case_id = ? AND person = ? AND seen_at IS NULL", ms(now), case_id, person
    )


async def of_case(tx: Tx, case_id: str) -> list[Reached]:
    """Everybody who was alerted of a case, first told first."""
    rows = await tx.rows(
        "SELECT alert.person AS person, max(alert.seen_at) AS seen_at, max(outbox.sent_at) AS sent_at,"
        " max(CASE WHEN outbox.state = 'delivered' THEN 1 ELSE 0 END) AS delivered"
        " FROM alert LEFT JOIN outbox ON outbox.id = alert.letter_id WHERE alert.case_id = ?"
        " GROUP BY alert.person ORDER BY min(alert.made_at), alert.person", case_id,
    )  # fmt: skip
    return [_reached(row["person"], row["seen_at"], row["sent_at"], bool(row["delivered"])) for row in rows]


def _reached(person: str, seen_at: int | None, sent_at: int | None, delivered: bool) -> Reached:
    if seen_at is not None:
        return Reached(person, "seen", instant(seen_at))
    if sent_at is None:
        return Reached(person, "waiting", None)
    return Reached(person, "delivered" if delivered else "sent", instant(sent_at))

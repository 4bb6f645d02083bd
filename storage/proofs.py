"""Knows what providers say of letters they took: in any order, more than once, or not at all; then they are asked.

A text's receipt is asked for 60 s and 180 s after it was sent. One that is still open then counts as not delivered where
somebody is to be reached, while the letter itself goes on waiting for the last word.
"""

from dataclasses import dataclass
from datetime import datetime

from storage.codec import instant, ms
from storage.database import Row, Tx
from storage.letter_states import ENDS, MOVES
from storage.outbox import LOOKS, Letter, letter_of, letters

LOOKED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Unproved:
    """A letter of whose end nothing was heard. `last`: nobody asks again."""

    letter: Letter
    provider_id: str
    sent_at: datetime
    last: bool


async def receipt(
    tx: Tx, state: str, *, letter_id: str | None = None, provider_id: str | None = None, fault: str = ""
) -> Letter | None:
    """Note a provider's word on a letter, known by our id or theirs. Returns the letter where its state changed.

    What arrived stays arrived, and the first word on a copy's end is its last. What an earlier copy came to says nothing of the
    one sent after it, unless it arrived.
    """
    row = await tx.row(
        "SELECT * FROM outbox WHERE id = ? OR provider_id = ? ORDER BY CASE WHEN id = ? THEN 0 ELSE 1 END LIMIT 1",
        letter_id, provider_id, letter_id,
    )  # fmt: skip
    if row is None or state not in MOVES[row["state"]]:
        return None
    another = _of_another_copy(row, provider_id)
    if (another and state != "delivered") or (row["state"] in ENDS and provider_id == row["provider_id"] is not None):
        return None
    waits = row["look_at"] if state == "sent" else None
    await tx.run(
        "UPDATE outbox SET state = ?, provider_id = coalesce(provider_id, ?), fault = ?, look_at = ? WHERE id = ?",
        state, provider_id, fault or row["fault"], waits, row["id"],
    )  # fmt: skip
    return letter_of(row)


def _of_another_copy(row: Row, provider_id: str | None) -> bool:
    """Whether a word is of a copy that was sent before, while a newer one is on its way or was taken."""
    if provider_id is None:
        return False
    again = row["state"] == "sending" and row["doubt_since"] is not None
    return again or row["provider_id"] not in (None, provider_id)


async def unproved(tx: Tx, now: datetime) -> list[Unproved]:
    """Letters that were sent so long ago that their receipt should be here, the longest due first."""
    late = await letters(tx, "WHERE look_at <= ? ORDER BY look_at, id LIMIT ?", ms(now), LOOKED_AT_ONCE)
    return [
        Unproved(letter, row["provider_id"], instant(row["sent_at"]), now - instant(row["sent_at"]) >= LOOKS[-1])
        for row, letter in late
    ]  # fmt: skip


async def is_open(tx: Tx, letter_id: str) -> bool:
    """Whether a letter was sent and nothing is known of its end."""
    return await tx.row("SELECT 1 AS yes FROM outbox WHERE id = ? AND state = 'sent'", letter_id) is not None


async def looked(tx: Tx, each: Unproved) -> None:
    """Note that a letter's receipt was asked for: it is asked for once more, or never again."""
    at = None if each.last else ms(each.sent_at + LOOKS[-1])
    await tx.run("UPDATE outbox SET look_at = ? WHERE id = ? AND look_at IS NOT NULL", at, each.letter.id)

"""Knows which letters lose their use when somebody takes an alert: those that would only wake one more person for it."""

from datetime import datetime

from storage.codec import ms
from storage.database import Tx

IN_GROUPS = "group_alert"
CHAIN = ("C_ALERT", "C_NOREF")  # the chain's own words; a notice of something new is sent whoever has the alert


async def call_off(tx: Tx, case_id: str, but: str, now: datetime) -> None:
    """Cancel the chain's letters that wait to go to others, and to groups. One in a provider's hands cannot be called back; if
    it comes back untaken, it is too old to be sent again."""
    await tx.run(
        "UPDATE outbox SET expires_at = CASE WHEN state = 'sending' THEN ? ELSE expires_at END,"
        " state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END"
        f" WHERE case_id = ? AND state IN ('queued', 'sending') AND person IS DISTINCT FROM ?"
        f" AND text IN {(*CHAIN, IN_GROUPS)}", ms(now), case_id, but,
    )  # fmt: skip

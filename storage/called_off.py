"""Knows which letters lose their use: those that would only wake one more person for what was taken or answered since."""

from datetime import datetime

from casework.case import Case
from storage.codec import ms
from storage.database import Tx
from storage.outbox import Letter

IN_GROUPS = "group_alert"
# The chain's own words; a notice of something new is sent whoever has the alert.
CHAIN = ("C_ALERT", "C_NOREF", "C_UNWELL")


async def call_off(tx: Tx, case_id: str, but: str, now: datetime) -> None:
    """Cancel the chain's letters that wait to go to others, and to groups. One in a provider's hands cannot be called back; if
    it comes back untaken, it is too old to be sent again."""
    await tx.run(
        "UPDATE outbox SET expires_at = CASE WHEN state = 'sending' THEN ? ELSE expires_at END,"
        " state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END"
        f" WHERE case_id = ? AND state IN ('queued', 'sending') AND person IS DISTINCT FROM ?"
        f" AND text IN {(*CHAIN, IN_GROUPS)}", ms(now), case_id, but,
    )  # fmt: skip


def needless(case: Case, letter: Letter) -> bool:
    """Whether somebody took the alert, or answered the question, since this letter was made; any other is still of use."""
    if letter.text in CHAIN:
        alert = case.alert
        return alert.taken_by is not None and alert.taken_at is not None and _before(letter, alert.taken_at)
    answers = case.answers.get(letter.text, ())
    asked = any(prompt.check == letter.text and prompt.to == letter.person for prompt in case.prompts)
    return letter.kind == "question" and not asked and any(_before(letter, answer.at) for answer in answers)


def _before(letter: Letter, at: datetime) -> bool:
    """Whether a letter was made before this instant, by its id; its `due_at` moves with each try."""
    return letter.id < f"letter-{ms(at):012x}"

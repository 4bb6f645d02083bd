"""Knows what must be remembered of a number that texts: what was answered, what was not understood, what waits.

A From number is a hint, never a proof: a stranger's is answered rarely, digits from it are counted, and two machines
that answer each other fall silent (T13, T17).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.codec import ms
from storage.database import Tx

NEUTRAL_EVERY = timedelta(hours=24)
REPLIES_AN_HOUR = 5
CHOICE_WAITS = timedelta(hours=1)
WRONG_DIGITS, DIGITS_LOCKED = 5, timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Texters:
    """The memory of one number, as one open transaction sees it."""

    tx: Tx
    number: str
    now: datetime

    async def may_hear_neutral(self) -> bool:
        """Whether the one neutral answer of these 24 hours is still to be given; notes that it is."""
        if await self._count("neutral", self.now - NEUTRAL_EVERY):
            return False
        await self._mark("neutral")
        return True

    async def may_be_answered(self) -> bool:
        """Whether fewer than five answers went to this number within the hour; notes one more."""
        if await self._count("reply", self.now - timedelta(hours=1)) >= REPLIES_AN_HOUR:
            return False
        await self._mark("reply")
        return True

    async def unread_before(self, question: str) -> bool:
        """Whether an answer to this very asking could not be read before; notes that one could not now."""
        before = await self._count("unread", None, question)
        await self._mark("unread", question)
        return before > 0

    async def locked(self, case_id: str) -> bool:
        """Whether five wrong digits for this case within 15 minutes shut out all digits from this number."""
        return await self._count("wrong", self.now - DIGITS_LOCKED, case_id) >= WRONG_DIGITS

    async def wrong(self, case_id: str) -> None:
        """Note wrong digits."""
        await self._mark("wrong", case_id)

    async def stranger_with_code(self, case_id: str) -> int:
        """Note that a number which is not the code's own texted it; returns how often that happened in this case."""
        await self._mark("stranger_code", case_id)
        row = await self.tx.row(
            "SELECT COUNT(*) AS n FROM texter_mark WHERE kind = 'stranger_code' AND about = ?", case_id
        )
        return 0 if row is None else int(row["n"])

    async def let_choose(self, words_id: str, alarms: Sequence[str]) -> None:
        """Keep words until it is said which child they are about; the latest words count. `alarms`: letters that the
        choice makes needless."""
        await self.forget_choice()
        await self.tx.run(
            "INSERT INTO texter_choice (number, words_id, alarms, asked_at) VALUES (?, ?, ?, ?)",
            self.number, words_id, " ".join(alarms), ms(self.now),
        )  # fmt: skip

    async def waiting_choice(self) -> str | None:
        """The id of the words that wait for a choice, or None."""
        row = await self.tx.row(
            "SELECT words_id FROM texter_choice WHERE number = ? AND asked_at > ?",
            self.number, ms(self.now - CHOICE_WAITS),
        )  # fmt: skip
        return None if row is None else str(row["words_id"])

    async def picked(self) -> None:
        """It was said which: nobody on call needs to be told that it was not."""
        row = await self.tx.row("SELECT alarms FROM texter_choice WHERE number = ?", self.number)
        for letter_id in [] if row is None else str(row["alarms"]).split():
            await self.tx.run("UPDATE outbox SET state = 'cancelled' WHERE id = ? AND state = 'queued'", letter_id)
        await self.forget_choice()

    async def forget_choice(self) -> None:
        """The choice was made, or other words came."""
        await self.tx.run("DELETE FROM texter_choice WHERE number = ?", self.number)

    async def _count(self, kind: str, since: datetime | None, about: str = "") -> int:
        row = await self.tx.row(
            "SELECT COUNT(*) AS n FROM texter_mark WHERE number = ? AND kind = ? AND about = ? AND at > ?",
            self.number, kind, about, -1 if since is None else ms(since),
        )  # fmt: skip
        return 0 if row is None else int(row["n"])

    async def _mark(self, kind: str, about: str = "") -> None:
        await self.tx.run(
            "INSERT INTO texter_mark (number, kind, about, at) VALUES (?, ?, ?, ?)",
            self.number, kind, about, ms(self.now),
        )  # fmt: skip


async def codes_like(tx: Tx, digits: str) -> list[tuple[str, str]]:
    """Case and person of every reply code with these digits, newest case first."""
    rows = await tx.rows(
        "SELECT reply_code.case_id, reply_code.person FROM reply_code JOIN case_row USING (case_id) WHERE digits = ?"
        " ORDER BY opened_at DESC", digits,
    )  # fmt: skip
    return [(row["case_id"], row["person"]) for row in rows]


async def code_locked(tx: Tx, case_id: str, person: str, now: datetime) -> bool:
    """Whether five wrong codes shut out this parent's codes for now."""
    row = await tx.row("SELECT locked_until FROM reply_code WHERE case_id = ? AND person = ?", case_id, person)
    return row is not None and row["locked_until"] is not None and row["locked_until"] > ms(now)


async def lately_sent(tx: Tx, number: str, case_id: str) -> list[str]:
    """The ids of the texts of this case that went to this number and may ask something, newest first."""
    rows = await tx.rows(
        "SELECT text FROM outbox WHERE channel = 'sms' AND address = ? AND case_id = ?"
        " AND kind IN ('question', 'alert') AND state IN ('sending', 'sent', 'delivered')"
        " ORDER BY due_at DESC, id DESC LIMIT 10",
        number,
        case_id,
    )
    return [str(row["text"]) for row in rows]

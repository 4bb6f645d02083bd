"""What became of a text: whatever order, number and loss of Twilio's callbacks, the letter ends as the text did."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from handlers import receipts
from storage import outbox, outbox_claims, proofs
from storage.desk import Desk
from storage.inbox import Heard
from storage.letter_states import MOVES
from storage.outbox import AGAIN, Letter
from storage.verdicts import Verdict, verdict
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import A_LETTER
from tests.storage.houses import EVENING, a_house

pytestmark = ON_BOTH

ORDERS, AT_ONCE = (
    {"sqlite": 5000, "postgresql": 500},
    250,
)  # the rule is one; the slower engine shows that it reads it alike
ENDS = {
    "delivered": "delivered", "read": "delivered", "undelivered": "failed", "failed": "failed", "canceled": "failed",
    "": "sent",  # the network never says more
}  # fmt: skip
CODES = ("30003", "30005", "30007", "30008", "30036", "21610", "99999", "")
A_TEXT = replace(A_LETTER, channel="sms", address="+447700900201", body="A17: in danger?", kind="alert")


@dataclass
class Copy:
    """One text at Twilio: its id, how it ends, and what of it Twilio tells, in which order."""

    sid: str
    end: str
    code: str
    told: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.end or "sent"

    @property
    def right(self) -> str:
        expired = ENDS[self.end] == "failed" and verdict(self.code) is Verdict.EXPIRED
        return "expired" if expired else ENDS[self.end]


def a_copy(random: Random, sid: str) -> Copy:
    """A text and its callbacks: each never, once or more often, in any order."""
    end = random.choice(tuple(ENDS))
    copy = Copy(sid, end, random.choice(CODES) if ENDS[end] == "failed" else "")
    steps = ["queued", "sending", "sent", *([end] if end else []), "something new"]
    copy.told = [step for step in steps for _ in range(random.choice((0, 1, 1, 2, 3)))]
    random.shuffle(copy.told)
    return copy


@dataclass
class Course:
    """One letter on its way, in a desk's open unit of work."""

    desk: Desk
    random: Random
    letter: Letter
    routed: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    newer: bool = False  # a second copy is on its way

    async def state(self) -> str:
        row = await self.desk.tx.row("SELECT state FROM outbox WHERE id = ?", self.letter.id)
        assert row is not None
        return str(row["state"])

    async def hears(self, copy: Copy, status: str) -> None:
        """One callback; what it changes is a move of the table."""
        before = await self.state()
        said = {"m": self.letter.id, "AccountSid": "AC1", **({"ErrorCode": copy.code} if status == copy.end else {})}
        heard = Heard(source="twilio", external_id=f"{copy.sid}:{status}", received_at=EVENING, raw=json.dumps(said))

        async def refused(desk: Desk, letter: Letter, *, dead: bool, code: str) -> None:
            self.routed.append(code)

        await receipts.answer_for(heard, refused)(self.desk)
        self.known.append(f"{copy.sid}:{status}")
        after = await self.state()
        assert after in {before} | MOVES[before] | (MOVES["sent"] if "sent" in MOVES[before] else set())
        if after != before and after in ("failed", "expired"):
            assert not self.newer or copy.sid == "SM2", "an earlier copy's end is not the letter's"

    async def some(self, copy: Copy) -> None:
        """Some of what Twilio still has to tell of this text."""
        for _ in range(self.random.randint(0, len(copy.told))):
            await self.hears(copy, copy.told.pop())

    async def taken(self) -> bool:
        """The postman takes it, if it still waits."""
        return bool(await outbox_claims.claim(self.desk.tx, EVENING, 1, channel="sms"))

    async def goes(self) -> list[Copy]:
        """It is sent; perhaps the house dies before it could write that down, and sends it again."""
        assert await self.taken()
        copies = [a_copy(self.random, "SM1")]
        if self.random.random() < 0.6:
            await self.some(copies[0])
            await outbox.sent(self.desk.tx, self.letter.id, "SM1", EVENING)
            return copies
        await self.some(copies[0])
        await outbox.recover(self.desk.tx)
        await self.some(copies[0])
        if await self.taken():
            copies.append(a_copy(self.random, "SM2"))
            self.newer = True
            await self.some(copies[0])
            await self.some(copies[1])
            await outbox.sent(self.desk.tx, self.letter.id, "SM2", EVENING)
        return copies

    async def ends(self, copies: list[Copy]) -> None:
        """The rest is told, all mixed; then Twilio is asked at 60 and at 180 seconds about what is open."""
        rest = [(copy, status) for copy in copies for status in copy.told]
        self.random.shuffle(rest)
        for copy, status in rest:
            await self.hears(copy, status)
        for look in outbox.LOOKS:
            for each in await proofs.unproved(self.desk.tx, EVENING + look):
                copy = next(copy for copy in copies if copy.sid == each.provider_id)
                await self.hears(copy, copy.status)
                await proofs.looked(self.desk.tx, each)
        assert await proofs.unproved(self.desk.tx, EVENING + timedelta(days=1)) == []

    def right(self, copies: list[Copy]) -> str:
        """Delivered if any copy is known to have been; else what the last came to."""
        *before, last = copies
        if any(copy.right == "delivered" and f"{copy.sid}:{copy.end}" in self.known for copy in before):
            return "delivered"
        return last.right


async def run(desk: Desk, random: Random, number: int) -> None:
    letter = replace(A_TEXT, id=f"letter-{number:05}")
    await outbox.enqueue(desk.tx, letter, EVENING)
    course = Course(desk, random, letter)
    copies = await course.goes()
    await course.ends(copies)
    right = course.right(copies)
    assert (await course.state(), number) == (right, number)
    if right in ("failed", "expired"):
        assert len(course.routed) == 1  # by another way, once
    row = await desk.tx.row("SELECT body FROM outbox WHERE id = ?", letter.id)
    assert row is not None and row["body"].startswith(AGAIN) >= (len(copies) == 2)
    await desk.tx.run("DELETE FROM outbox")


async def test_five_thousand_orders_of_callbacks_end_as_the_text_did(tmp_path, engine: str):
    """Callbacks come in any order, repeated or never; the house may have died between sending and writing it down."""
    async with a_house(tmp_path) as h:
        for numbers in (range(first, first + AT_ONCE) for first in range(0, ORDERS[engine], AT_ONCE)):

            async def act(desk: Desk, numbers: range = numbers) -> None:
                for number in numbers:
                    await run(desk, Random(number), number)

            await h.casebook.at_desk(act)

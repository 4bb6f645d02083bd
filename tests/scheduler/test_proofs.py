"""A receipt that does not come is asked for, twice; then whoever was to be reached is reached another way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from casework.events import AlertAcknowledged, CheckAnswered, NoteMade
from casework.levels import Trust
from handlers import receipts
from handlers.inbox import Doors
from handlers.sms import Ours
from scheduler.outbox import Receipt, Unreachable, refused
from scheduler.postman import drain
from scheduler.proofs import AT_ONCE, Proofs
from storage import outbox
from storage.codec import ms
from storage.outbox import Letter
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import A_LETTER, Phone, put
from tests.storage.houses import EVENING, House, a_house

pytestmark = ON_BOTH


SENT = EVENING + timedelta(minutes=11)
SID = "SM" + "1" * 32
AN_ALERT = {"id": f"letter-{ms(SENT):012x}1"}
A_QUESTION = {**AN_ALERT, "person": "alice", "kind": "question", "text": "C01"}
OURS = Ours(account_sid="AC1", number="+447700900001", service_sid="")


async def hears(h: House, letter_id: str, sid: str, status: str, code: str, *, asked: bool) -> None:
    """The house hears what became of a text: because it asked, or by a callback."""
    doors = Doors(casebook=h.casebook, books={}, protocols={}, clock=h.clock)
    said = [("AccountSid", OURS.account_sid), ("MessageSid", sid), ("MessageStatus", status), ("ErrorCode", code)]
    await receipts.hear(doors, OURS, refused, said, letter_id, asked=asked)


@dataclass
class Network(Phone):
    """A phone network that takes texts, never calls back, and answers when it is asked."""

    name: str = "sms"
    says: tuple[str, str] = ("sent", "")
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        Phone.__init__(self, "sms")

    async def send(self, letter: Letter) -> Receipt:
        self.got.append(letter)
        return Receipt(SID)

    async def word_on(self, provider_id: str) -> tuple[str, str]:
        self.asked.append(provider_id)
        if self.down:
            raise Unreachable("503")
        return self.says


@dataclass
class Night:
    """A house, its two phones, and who asks for receipts."""

    h: House
    case_id: str
    network: Network
    telegram: Phone
    proofs: Proofs

    async def later(self, seconds: float) -> int:
        """So many seconds after the text was sent."""
        self.h.clock.instant = SENT + timedelta(seconds=seconds)
        asked = await self.proofs.look(self.h.clock.now())
        await self.post()
        return asked

    async def post(self) -> None:
        await drain(self.h.casebook, {"sms": self.network, "telegram": self.telegram}, self.h.clock.now())

    async def state(self) -> str:
        rows = await self.h.database.read(lambda tx: tx.rows("SELECT state FROM outbox WHERE id = 'letter-1'"))
        return str(rows[0]["state"])


@asynccontextmanager
async def a_night(folder: Path, **letter: object) -> AsyncIterator[Night]:
    """An alert went to Cass by SMS alone, and no receipt comes."""
    async with a_house(folder) as h:
        case_id = await h.opens()
        await h.silence(SENT)  # nobody answers: an alert is out
        await h.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        changes = {"case_id": case_id, "person": "cass", "channel": "sms", "text": "C_ALERT", "kind": "alert", **letter}
        text = replace(A_LETTER, due_at=SENT, address="+447700900301", **changes)  # type: ignore[arg-type]
        await put(h, text)
        network, telegram = Network(), Phone("telegram")

        hear = partial(hears, h, asked=True)
        night = Night(h, case_id, network, telegram, Proofs(h.casebook, {"sms": network}, hear))
        await night.post()
        yield night


async def test_a_receipt_that_is_late_is_asked_for_after_60_and_180_seconds_and_no_more(tmp_path: Path) -> None:
    """Twilio promises no callback; what it never sends is asked for twice."""
    async with a_night(tmp_path) as night:
        assert [await night.later(seconds) for seconds in (59, 60, 179, 180, 9999)] == [0, 1, 0, 1, 0]
        assert night.network.asked == [SID] * 2


async def test_what_the_provider_answers_is_heard_like_its_callback(tmp_path: Path) -> None:
    """Delivered: nothing more is asked, and nobody is written to again."""
    async with a_night(tmp_path) as night:
        night.network.says = ("delivered", "")
        assert [await night.later(seconds) for seconds in (60, 180)] == [1, 0]
        assert (await night.state(), night.telegram.got) == ("delivered", [])


async def test_a_number_that_is_found_to_be_dead_is_passed_by_at_once(tmp_path: Path) -> None:
    """The callback was lost, and says what it would have said."""
    async with a_night(tmp_path) as night:
        night.network.says = ("undelivered", "30005")
        await night.later(60)
        assert (await night.state(), [x.address for x in night.telegram.got if x.body == "hello"]) == (
            "failed",
            ["1003"],
        )


async def test_a_repeats_own_word_that_came_too_early_is_believed_when_it_is_asked_for(tmp_path: Path) -> None:
    """It was called back before we had written down that this copy was taken, and was thought to be of the copy before."""
    async with a_night(tmp_path) as night:
        repeat = (
            "UPDATE outbox SET state = 'sending', doubt_since = created_at, provider_id = NULL WHERE id = 'letter-1'"
        )
        await night.h.database.write(lambda tx: tx.run(repeat))
        await hears(night.h, "letter-1", SID, "undelivered", "30005", asked=False)
        assert await night.state() == "sending"
        await night.h.database.write(lambda tx: outbox.sent(tx, "letter-1", SID, SENT))
        night.network.says = ("undelivered", "30005")
        await night.later(60)
        assert (await night.state(), [x.address for x in night.telegram.got if x.body == "hello"]) == (
            "failed",
            ["1003"],
        )


@pytest.mark.parametrize("down", [False, True])
async def test_an_alert_without_a_receipt_counts_as_not_delivered(tmp_path: Path, down: bool) -> None:
    """Still on its way after three minutes, or nobody says: by the other channel now. The last word may still come."""
    async with a_night(tmp_path) as night:
        night.network.down = down
        await night.later(60)
        assert night.telegram.got == []
        await night.later(180)
        assert ([letter.body for letter in night.telegram.got], await night.state()) == (["hello"], "sent")


async def test_a_receipt_that_cannot_be_worked_holds_up_no_other(tmp_path: Path) -> None:
    """A case that does not bear it: it is noted, asked for no more, and those behind it are asked for."""
    async with a_night(tmp_path) as night:
        others = [
            replace(A_LETTER, id=f"letter-2{n}", channel="sms", address=f"+4477009007{n:02}", due_at=SENT)
            for n in range(AT_ONCE + 1)
        ]
        await put(night.h, *others)
        await night.post()
        broken = "UPDATE case_row SET folded = '{}', head = 'another'"
        await night.h.database.write(lambda tx: tx.run(broken))
        assert [await night.later(seconds) for seconds in (180, 9999)] == [len(others) + 1, 0]
        assert len(night.network.asked) == len(others) + 1


async def test_an_alert_that_somebody_took_is_not_sent_another_way(tmp_path: Path) -> None:
    """What no longer matters disturbs nobody."""
    async with a_night(tmp_path) as night:
        await night.h.record(night.case_id, AlertAcknowledged, by="cass", trust=Trust.VERIFIED)
        await night.h.database.write(lambda tx: tx.run("DELETE FROM outbox WHERE id <> 'letter-1'"))
        await night.later(180)
        assert (night.network.asked, night.telegram.got) == ([SID], [])


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("letter", [AN_ALERT, A_QUESTION])
async def test_what_was_taken_or_answered_is_not_sent_again(
    tmp_path: Path, letter: dict[str, object], done: bool
) -> None:
    """The text proves undelivered after somebody took the alert, or answered: no other way, no second text."""
    async with a_night(tmp_path, **letter) as night:
        night.h.clock.after(seconds=5)
        if done:
            await night.h.record(night.case_id, AlertAcknowledged, by="dee", trust=Trust.VERIFIED)
            await night.h.record(night.case_id, CheckAnswered, check="C01", values=("no",))
        await night.h.database.write(lambda tx: tx.run("DELETE FROM outbox WHERE id <> ?", str(letter["id"])))
        await hears(night.h, str(letter["id"]), SID, "undelivered", "30003", asked=False)
        rows = await night.h.rows("SELECT channel FROM outbox WHERE body = 'hello' AND state = 'queued'")
        assert sorted(row["channel"] for row in rows) == ([] if done else ["sms", "telegram"])


async def test_news_of_something_else_is_sent_again_whoever_took_the_alert(tmp_path: Path) -> None:
    """A number that is dead is news, and not the alert: nobody took that."""
    async with a_night(tmp_path, id=AN_ALERT["id"], text="X_DEAD") as night:
        night.h.clock.after(seconds=5)
        await night.h.record(night.case_id, AlertAcknowledged, by="dee", trust=Trust.VERIFIED)
        await hears(night.h, str(AN_ALERT["id"]), SID, "undelivered", "30007", asked=False)
        rows = await night.h.rows("SELECT channel FROM outbox WHERE body = 'hello' AND state = 'queued'")
        assert [row["channel"] for row in rows] == ["telegram"]


async def test_a_text_that_calls_nobody_is_asked_for_and_left(tmp_path: Path) -> None:
    """Words that ask for nothing are not worth a second message."""
    async with a_night(tmp_path, kind="notice") as night:
        await night.later(180)
        assert night.telegram.got == []


@pytest.mark.parametrize("taken", [False, True])
async def test_words_that_somebody_must_look_at_are_called_out_where_no_chain_runs(tmp_path: Path, taken: bool) -> None:
    """A case at LOW: nothing repeats them, so that a text of them without a receipt goes another way, until it was taken."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens()
        await h.record(case_id, NoteMade, by="alice", unread=True)
        assert (await h.case(case_id)).alert.rung == 0
        await h.database.write(lambda tx: tx.run("DELETE FROM outbox WHERE text <> 'C_NOTE' OR channel <> 'sms'"))
        if taken:
            await h.record(case_id, AlertAcknowledged, by="dee", trust=Trust.VERIFIED)
        network, telegram = Network(), Phone("telegram")
        night = Night(
            h, case_id, network, telegram, Proofs(h.casebook, {"sms": network}, partial(hears, h, asked=True))
        )
        h.clock.instant = SENT
        await night.post()
        telegram.got.clear()
        await night.later(180)
        assert [letter.text for letter in telegram.got if letter.person == "cass"] == ([] if taken else ["C_NOTE"])

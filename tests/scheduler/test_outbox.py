"""Letters leave by urgency, each once, and what became of them is written down."""

from dataclasses import replace
from datetime import timedelta

import pytest

from scheduler.outbox import Receipt, Refused, Unreachable, drain
from storage import outbox
from storage.outbox import Letter
from tests.storage.houses import EVENING, a_house

A_LETTER = Letter(
    id="letter-1", case_id=None, person="alice", channel="telegram", address="1001", text="PLAIN", body="hello", keyboard=(),
    kind="notice", urgency=5, edit=None, protect=True, document=None, case_card=False, due_at=EVENING, expires_at=None,
    tries=0,
)  # fmt: skip


class Phone:
    """A channel we own: it takes letters, or raises what it was told to."""

    def __init__(self, name: str, *faults: Exception) -> None:
        self.name = name
        self.faults = list(faults)
        self.got: list[Letter] = []

    async def send(self, letter: Letter) -> Receipt:
        self.got.append(letter)
        if self.faults:
            raise self.faults.pop(0)
        return Receipt(f"{len(self.got)}")


async def put(h, *letters: Letter) -> None:
    async def unit(tx):
        for letter in letters:
            await outbox.enqueue(tx, letter)

    await h.database.write(unit)


async def states(h) -> dict[str, str]:
    rows = await h.database.read(lambda tx: tx.rows("SELECT id, state FROM v_outbox"))
    return {row["id"]: row["state"] for row in rows}


async def test_the_most_urgent_letter_leaves_first(tmp_path):
    """An escalation overtakes what was queued before it."""
    async with a_house(tmp_path) as h:
        phone = Phone("telegram")
        await put(h, A_LETTER, replace(A_LETTER, id="letter-2", urgency=1), replace(A_LETTER, id="letter-3", urgency=3))
        done = await drain(h.casebook, {"telegram": phone}, EVENING)
        assert [x.id for x in phone.got] == ["letter-2", "letter-3", "letter-1"]
        assert (done.sends, done.failed) == (3, 0)
        assert set((await states(h)).values()) == {"sent"}


async def test_a_letter_that_is_not_due_waits_and_one_that_ran_out_is_not_sent(tmp_path):
    """An old question would be answered as if it were new."""
    async with a_house(tmp_path) as h:
        phone = Phone("telegram")
        later = replace(A_LETTER, id="later", due_at=EVENING + timedelta(minutes=1))
        old = replace(A_LETTER, id="old", expires_at=EVENING)
        await put(h, later, old)
        await drain(h.casebook, {"telegram": phone}, EVENING)
        assert phone.got == []
        assert await states(h) == {"later": "queued", "old": "expired"}


async def test_a_channel_that_is_down_is_tried_again_later(tmp_path):
    """5, 15, 45 seconds, or as long as the provider asked; nothing is lost."""
    async with a_house(tmp_path) as h:
        phone = Phone("telegram", Unreachable("500"), Unreachable("429", 60))
        await put(h, A_LETTER)
        await drain(h.casebook, {"telegram": phone}, EVENING)
        assert len(phone.got) == 1
        await drain(h.casebook, {"telegram": phone}, EVENING + timedelta(seconds=5))
        assert len(phone.got) == 2
        await drain(h.casebook, {"telegram": phone}, EVENING + timedelta(seconds=64))
        assert len(phone.got) == 2
        await drain(h.casebook, {"telegram": phone}, EVENING + timedelta(seconds=66))
        assert await states(h) == {"letter-1": "sent"}


async def test_a_dead_address_sends_it_by_the_other_channel_at_once(tmp_path):
    """Blocked on Telegram: the same words go by SMS in the same drain."""
    async with a_house(tmp_path) as h:
        telegram, sms = Phone("telegram", Refused("403")), Phone("sms")
        await put(h, A_LETTER)
        await drain(h.casebook, {"telegram": telegram, "sms": sms}, EVENING)
        assert [x.body for x in sms.got] == ["hello"]
        assert sms.got[0].address == "+447700900101"


async def test_a_channel_that_breaks_does_not_stop_the_others(tmp_path):
    """Unknown never means stop."""
    async with a_house(tmp_path) as h:
        telegram, sms = Phone("telegram", RuntimeError("bug")), Phone("sms")
        await put(h, A_LETTER, replace(A_LETTER, id="letter-2", channel="sms", address="+447700900101"))
        await drain(h.casebook, {"telegram": telegram, "sms": sms}, EVENING)
        assert len(sms.got) == 1
        assert (await states(h))["letter-1"] == "queued"


async def test_what_was_being_sent_at_a_crash_goes_again_as_a_repeat(tmp_path):
    """At least once, and marked, so that nobody takes it for news."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER)
        await h.database.write(lambda tx: outbox.claim(tx, EVENING, 8, channels=("telegram",)))
        assert await h.database.write(outbox.recover) == 1
        phone = Phone("telegram")
        await drain(h.casebook, {"telegram": phone}, EVENING)
        assert phone.got[0].body == "REPEAT: hello"


@pytest.mark.parametrize("order", [("sent", "delivered"), ("delivered", "sent"), ("delivered", "sent", "delivered")])
async def test_receipts_in_any_order_end_the_same(tmp_path, order):
    """A terminal state is never undone."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER)
        await drain(h.casebook, {"telegram": Phone("telegram")}, EVENING)
        for state in order:
            await h.database.write(lambda tx, s=state: outbox.receipt(tx, s, letter_id="letter-1"))
        assert await states(h) == {"letter-1": "delivered"}

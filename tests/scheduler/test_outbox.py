"""Letters leave by urgency, each once, and what became of them is written down."""

from dataclasses import replace
from datetime import timedelta

import pytest

from casework.events import AlertAcknowledged, ContactUnreachable, WorryRaised
from casework.levels import Side, Trust
from scheduler.outbox import Receipt, Refused, Unreachable, refused
from scheduler.postman import drain
from storage import log, outbox, outbox_claims, proofs
from storage.database import Violated
from storage.directory import Directory
from storage.outbox import Letter
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, a_house
from tests.storage.test_casebook import closed

pytestmark = ON_BOTH

A_LETTER = Letter(
    id="letter-1", case_id=None, person="alice", channel="telegram", address="1001", text="PLAIN", body="hello",
    keyboard=(), kind="notice", urgency=5, edit=None, protect=True, document=None, case_card=False, due_at=EVENING,
    expires_at=None, tries=0,
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


async def receipt(h, state: str):
    return await h.database.write(lambda tx: proofs.receipt(tx, state, letter_id="letter-1"))


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


async def test_a_new_card_leaves_with_the_one_that_it_follows(tmp_path):
    """Two live cards would invite an answer to the wrong question: each knows its own person's last one, and no other's."""
    async with a_house(tmp_path) as h:
        case_id, phone = await h.opens(), Phone("telegram")
        await drain(h.casebook, {"telegram": phone, "sms": Phone("sms")}, EVENING)
        assert all(letter.before is None for letter in phone.got)
        cards = {
            whose: replace(A_LETTER, id=f"new-{whose}", case_id=case_id, person=whose, address=at, case_card=True)
            for whose, at in (("alice", "1001"), ("bob", "1002"))
        }
        before = len(phone.got)
        await put(
            h, *cards.values(), replace(A_LETTER, id="edit", address="1003", case_id=case_id, edit=7, case_card=True)
        )
        await drain(h.casebook, {"telegram": phone}, EVENING)
        await put(h, *(replace(card, id=f"{card.id}-again") for card in cards.values()))
        await drain(h.casebook, {"telegram": phone}, EVENING)
        got = {letter.id: (place, letter.before) for place, letter in enumerate(phone.got, start=1) if place > before}
        assert got["edit"][1] is None
        for card in cards.values():
            assert got[f"{card.id}-again"][1] == got[card.id][0]


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
        assert [x.body for x in sms.got if x.person == "alice"] == ["hello"]
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
        await h.database.write(lambda tx: outbox_claims.claim(tx, EVENING, 8, channel="telegram"))
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
            await receipt(h, state)
        assert await states(h) == {"letter-1": "delivered"}


async def test_a_receipt_is_known_by_the_providers_id_too(tmp_path):
    """Our own id wins where the two point at different letters."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER, replace(A_LETTER, id="letter-2"))
        await h.database.write(lambda tx: outbox.sent(tx, "letter-1", "SM1", EVENING))
        found = await h.database.write(lambda tx: proofs.receipt(tx, "delivered", provider_id="SM1"))
        assert found is not None and found.id == "letter-1"
        found = await h.database.write(lambda tx: proofs.receipt(tx, "sent", letter_id="letter-2", provider_id="SM1"))
        assert found is not None and found.id == "letter-2"
        assert await h.database.write(lambda tx: proofs.receipt(tx, "sent", provider_id="SM9")) is None


async def test_a_letter_that_was_withdrawn_on_its_way_is_not_tried_again(tmp_path):
    """No letter after the case is closed, also when the provider did not take it the first time."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens()
        await h.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        await put(h, replace(A_LETTER, case_id=case_id))

        class Withdrawing(Phone):
            async def send(self, letter: Letter) -> Receipt:
                await h.database.write(lambda tx: outbox.withdraw(tx, case_id, person=None, now=EVENING))
                return await super().send(letter)

        await drain(h.casebook, {"telegram": Withdrawing("telegram", Unreachable("500"))}, EVENING)
        again = Phone("telegram")
        await drain(h.casebook, {"telegram": again}, EVENING + timedelta(minutes=1))
        assert again.got == []
        assert await states(h) == {"letter-1": "expired"}


@pytest.mark.parametrize("taken", [False, True])
async def test_an_alert_that_was_taken_on_its_way_goes_no_other_way(tmp_path, taken: bool):
    """The chat is closed for a quarter of an hour, and meanwhile somebody took it: what no longer matters is not sent."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens()
        await h.record(case_id, WorryRaised, by="alice", flags=("R16",))
        await h.database.write(lambda tx: tx.run("DELETE FROM outbox WHERE text = 'C_ALERT' AND channel = 'sms'"))

        class Closed(Phone):
            async def send(self, letter: Letter) -> Receipt:
                if letter.text != "C_ALERT" or letter.person != "cass":
                    return await super().send(letter)
                if taken:
                    await h.record(case_id, AlertAcknowledged, by="dee", trust=Trust.VERIFIED)
                raise Unreachable("429", 900)

        sms = Phone("sms")
        await drain(h.casebook, {"telegram": Closed("telegram"), "sms": sms}, h.clock.now())
        assert [letter.text for letter in sms.got if letter.person == "cass"] == ([] if taken else ["C_ALERT"])


async def test_what_was_on_its_way_to_a_leaver_is_not_sent(tmp_path):
    """T4: cut off means nothing more."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER)
        await h.database.write(lambda tx: Directory(tx).deactivate("alice"))
        phone = Phone("telegram")
        await drain(h.casebook, {"telegram": phone}, EVENING)
        assert phone.got == []
        assert await states(h) == {"letter-1": "cancelled"}


@pytest.mark.parametrize(("code", "text"), [("21610", "X_OPTOUT"), ("30005", "X_DEAD")])
async def test_a_parent_whose_number_is_dead_is_told_to_the_co_ordinator(tmp_path, code, text):
    """The case hears it once, and only an opt-out is called one: who rings a dead number rings in vain."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens(by="pat", side=Side.PARENT, reporter_channel="sms")
        phones = {"telegram": Phone("telegram"), "sms": Phone("sms", Refused(code), Refused(code))}
        await drain(h.casebook, phones, EVENING)
        assert (await h.case(case_id)).unreachable == ("pat",)
        events = await h.database.read(lambda tx: log.events(tx, case_id))
        assert [e.opted_out for e in events if isinstance(e, ContactUnreachable)] == [text == "X_OPTOUT"]
        told = {letter.text for letter in phones["telegram"].got if letter.text.startswith("X_")}
        assert told == {text}


async def test_staff_whose_telegram_is_dead_are_still_asked(tmp_path):
    """By SMS, with digits in place of buttons, and the case goes on asking them."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens()
        phones = {"telegram": Phone("telegram", *[Refused("403")] * 20), "sms": Phone("sms")}
        await drain(h.casebook, phones, EVENING)
        (question,) = [letter for letter in phones["sms"].got if letter.person == "alice"]
        assert question.address == "+447700900101"
        assert question.body.startswith(f"{(await h.case(case_id)).code}: is K in danger now")
        assert "1 Yes 2 No 3 Not sure" in question.body
        assert (await h.case(case_id)).unreachable == ()


async def test_a_refusal_that_comes_after_the_end_calls_nothing_forth(tmp_path):
    """No letter after a case is closed."""
    async with a_house(tmp_path) as h:
        case_id = await closed(h)
        await h.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        late = replace(A_LETTER, case_id=case_id)
        await put(h, late)
        await h.casebook.at_desk(lambda desk: refused(desk, late, dead=True))
        rows = await h.database.read(lambda tx: tx.rows("SELECT id FROM outbox WHERE case_id IS NOT NULL"))
        assert [row["id"] for row in rows] == ["letter-1"]


async def test_one_refusal_that_cannot_be_worked_holds_up_no_other(tmp_path):
    """What was sent is written down as sent; the refused one still leaves by the other channel."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens(by="pat", side=Side.PARENT, reporter_channel="sms")
        await h.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        await h.database.write(lambda tx: tx.run("UPDATE person SET telegram_id = 2001 WHERE id = 'pat'"))
        lost = replace(A_LETTER, id="lost", case_id=case_id, person="pat", channel="sms", address="+447700900201")
        await put(h, A_LETTER, lost)
        await h.database.write(lambda tx: tx.run("UPDATE case_row SET folded = '{}', head = 'another'"))
        phones = {"telegram": Phone("telegram"), "sms": Phone("sms", Refused("21610"))}
        await drain(h.casebook, phones, EVENING)
        assert {letter.address for letter in phones["telegram"].got} == {"1001", "2001"}
        found = await states(h)
        assert (found["letter-1"], found["lost"]) == ("sent", "failed")


async def test_a_letter_of_a_node_that_died_goes_out_again_and_no_other(tmp_path):
    """A node may still be sending what it took; only what it held for too long is lost, and is sent as a repeat."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER)
        await h.database.write(lambda tx: outbox_claims.claim(tx, EVENING, 8, channel="telegram"))
        soon, late = EVENING + outbox.HELD, EVENING + outbox.HELD + timedelta(seconds=1)
        assert 0 == await h.database.write(lambda tx: outbox.recover(tx, soon))
        assert 1 == await h.database.write(lambda tx: outbox.recover(tx, late))
        (again,) = await h.database.write(lambda tx: outbox_claims.claim(tx, late, 8, channel="telegram"))
        assert (again.body, again.tries) == ("REPEAT: hello", 2)


async def test_a_node_that_comes_late_does_not_take_a_letter_back(tmp_path):
    """It was taken for dead and another sends its letter: its failure is no longer news, its success still is."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER)
        (first,) = await h.database.write(lambda tx: outbox_claims.claim(tx, EVENING, 8, channel="telegram"))
        late = EVENING + outbox.HELD + timedelta(seconds=1)
        await h.database.write(lambda tx: outbox.recover(tx, late))
        await h.database.write(lambda tx: outbox_claims.claim(tx, late, 8, channel="telegram"))
        await h.database.write(lambda tx: outbox.retry_later(tx, first, "late", late))
        assert await states(h) == {"letter-1": "sending"}
        await h.database.write(lambda tx: outbox.sent(tx, "letter-1", "17", late))
        assert await states(h) == {"letter-1": "sent"}


async def test_a_letter_is_written_once_for_its_case_cause_person_and_channel(tmp_path):
    """The schema says so: what a unit of work writes twice, by whatever mistake, a person reads once."""
    async with a_house(tmp_path) as h:
        mine = replace(A_LETTER, case_id="org1-1", cause="7.C_ALERT")
        others = {"channel": "sms", "person": "cass", "cause": "8.C_ALERT", "case_id": "org1-2"}
        await put(h, mine, replace(mine, id="again"), *(replace(mine, id=n, **{n: v}) for n, v in others.items()))
        assert sorted(await states(h)) == sorted(["letter-1", *others])
        with pytest.raises(Violated):
            await h.database.write(lambda tx: tx.run("UPDATE outbox SET cause = '7.C_ALERT' WHERE id = 'cause'"))


async def test_answers_of_a_door_are_no_ones_cause_and_may_be_the_same(tmp_path):
    """Who asks twice is answered twice."""
    async with a_house(tmp_path) as h:
        await put(h, *(replace(A_LETTER, id=f"reply-{n}", case_id="org1-1", kind="reply") for n in range(2)))
        assert len(await states(h)) == 2


async def test_words_that_no_channel_takes_do_not_go_round_in_circles(tmp_path):
    """Both addresses are dead: each was tried once, and the ladder goes on."""
    async with a_house(tmp_path) as h:
        phones = {"telegram": Phone("telegram", *[Refused("403")] * 5), "sms": Phone("sms", *[Refused("30005")] * 5)}
        await put(h, A_LETTER)
        await drain(h.casebook, phones, EVENING)
        hers = [letter.channel for phone in phones.values() for letter in phone.got if letter.person == "alice"]
        assert hers == ["telegram", "sms"]


async def test_every_letter_of_a_decision_names_the_entry_of_the_log_that_called_it_forth(tmp_path):
    """Two channels of one alert have one cause; no two letters of one person and channel have the same."""
    async with a_house(tmp_path) as h:
        await h.opens()
        rows = await h.database.read(lambda tx: tx.rows("SELECT id, cause, person, channel FROM outbox"))
        assert rows and all(row["cause"] != row["id"] for row in rows)
        assert len({(row["cause"], row["person"], row["channel"]) for row in rows}) == len(rows)


@pytest.mark.parametrize(("in_doubt", "words"), [(True, "REPEAT: hello"), (False, "hello")])
async def test_a_letter_whose_answer_was_lost_goes_again_as_a_repeat(tmp_path, in_doubt: bool, words: str):
    """B055: one alert, and who reads it twice reads that it is the same. What was plainly not taken is no repeat."""
    async with a_house(tmp_path) as h:
        phone = Phone("telegram", *[Unreachable("cut", in_doubt=in_doubt)] * 2)
        await put(h, A_LETTER)
        for second in (0, 5, 20):
            await drain(h.casebook, {"telegram": phone}, EVENING + timedelta(seconds=second))
        assert [letter.body for letter in phone.got] == ["hello", words, words]
        assert [letter.doubt_since for letter in phone.got] == [None, *[EVENING if in_doubt else None] * 2]

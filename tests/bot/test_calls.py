"""A house that rings people: what is heard before and after the PIN, what takes an alert, and what never does."""

import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bot.sandbox import ACCOUNT_SID, NUMBER
from bot.sandbox.twilio_calls import Answer
from casework.effects import Tell, To
from casework.events import AlertAcknowledged, ChildSeen, WorryRaised
from storage import pins
from storage.addressees import Addressee
from storage.desk import Desk
from storage.sheaf import Draft
from tests.bot.living import CASS, Living, a_world, after, living
from tests.databases import ON_BOTH
from tests.storage.houses import opening

pytestmark = ON_BOTH

PIN, WRONG = "482913", "111222"
SECRETS = ("Kai", "Example", "K7", "Oak")


async def nothing() -> None:
    """Nothing happens meanwhile."""


@dataclass
class Ringing:
    """A house with a case, and Cass at the end of a telephone."""

    house: Living
    case_id: str = ""

    async def has_pin(self, person: str = "cass", digits: str = PIN) -> None:
        hashed = pins.hashed(digits)
        await self.house.house.database.write(lambda tx: pins.set_pin(tx, person, hashed, self.now))

    @property
    def now(self) -> datetime:
        return self.house.house.clock.now()

    async def opens(self) -> None:
        self.case_id = await self.house.house.casebook.at_desk(opening("K7"))
        news = WorryRaised(at=self.now, by="alice", channel="telegram", flags=("R16",))
        await self.house.house.casebook.record(self.case_id, news)
        await self.house.settle()

    async def rings(
        self,
        answer: Answer,
        person: str = "cass",
        number: str = CASS,
        meanwhile: Callable[[], Awaitable[Any]] = nothing,
    ) -> list[str]:
        """Ring somebody about the case, as a rung would; returns what was heard this time. `meanwhile`: as it rings."""

        async def act(desk: Desk) -> None:
            case = await desk.case(self.case_id)
            assert case is not None
            tell = Tell(
                to=To(kind="person", id=person), text="C_ALERT", alert=1,
                fields={"level": "HIGH", "out_minutes": 40, "rules": ("R01", "R06"), "report": "yes", "by": after(minutes=5)},
            )  # fmt: skip
            to = Addressee(person=person, channel="voice", address=number, language="en", who="K")
            desk._post.drafts.append(Draft(case=case, tell=tell, to=to, step=0, aside=True))

        before = len(self.heard(number))
        await self.house.house.casebook.at_desk(act)
        self.house.world.twilio.telephones.answers[number] = answer
        await self.house.settle()
        await meanwhile()
        await self.house.world.twilio.travel()
        await self.house.settle()
        return self.heard(number)[before:]

    def heard(self, number: str = CASS) -> list[str]:
        return self.house.phone(number, "voice")

    async def taken_by(self) -> str | None:
        case = await self.house.house.casebook.at_desk(lambda desk: desk.case(self.case_id))
        assert case is not None
        return case.alert.taken_by

    async def letter(self) -> dict[str, Any]:
        return (await self.house.rows("SELECT * FROM outbox WHERE channel = 'voice' ORDER BY id"))[-1]


@asynccontextmanager
async def a_night(folder: Path, *, pin: bool = True) -> AsyncIterator[Ringing]:
    async with a_world() as world, living(folder, world) as house:
        night = Ringing(house)
        await night.opens()
        if pin:
            await night.has_pin()
        yield night


# ---- taking it ----------------------------------------------------------------------------------------


async def test_the_own_pin_takes_the_alert_and_only_then_is_the_case_spoken_of(tmp_path: Path) -> None:
    """The whole way: ring, ask, key, hear, and it is theirs as after `ACK` by text."""
    async with a_night(tmp_path) as night:
        asked, *told = await night.rings(Answer(keys=[PIN]))
        (case,) = await night.house.rows("SELECT code FROM v_case")
        assert case["code"] not in asked and "PIN of six digits" in asked
        assert any(f"Case {case['code']}, HIGH" in words for words in told)
        assert "It is yours until 21:10" in told[-1] and "police have NOT been told" in told[-1]
        assert await night.taken_by() == "cass"
        assert (await night.letter())["state"] == "delivered"
        (news,) = await night.house.rows("SELECT actor, channel, trust FROM v_event WHERE kind = 'AlertAcknowledged'")
        assert news == {"actor": "cass", "channel": "voice", "trust": "code"}


async def test_no_name_is_ever_spoken(tmp_path: Path) -> None:
    """P13: before the PIN nothing about a child, after it what a text may say."""
    async with a_night(tmp_path) as night:
        said = " ".join(await night.rings(Answer(keys=[WRONG, PIN])))
        assert not [secret for secret in SECRETS if secret in said]
        assert "ACK" not in said  # a keypad has no letters


@pytest.mark.parametrize("by", ["machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax"])
async def test_a_voicemail_never_counts(tmp_path: Path, by: str) -> None:
    """Nothing is said to it, nothing is taken, and the call has failed."""
    async with a_night(tmp_path) as night:
        assert await night.rings(Answer(by, keys=[PIN])) == []
        letter = await night.letter()
        assert (await night.taken_by(), letter["state"], letter["fault"]) == (None, "failed", "machine")


@pytest.mark.parametrize("by", ["busy", "no-answer", "failed"])
async def test_a_call_that_nobody_took_has_failed(tmp_path: Path, by: str) -> None:
    """Said by a callback alone."""
    async with a_night(tmp_path) as night:
        assert await night.rings(Answer(by)) == []
        letter = await night.letter()
        assert (letter["state"], letter["fault"]) == ("failed", by)


async def test_who_may_be_a_machine_and_may_not_is_asked(tmp_path: Path) -> None:
    """`unknown`: asking costs nothing, and a person is not hung up on."""
    async with a_night(tmp_path) as night:
        await night.rings(Answer("unknown", keys=[PIN]))
        assert await night.taken_by() == "cass"


async def test_a_call_heard_to_its_end_takes_nothing(tmp_path: Path) -> None:
    """Completed is not acknowledged: three times asked, then the next person is called."""
    async with a_night(tmp_path) as night:
        said = await night.rings(Answer())
        assert len([words for words in said if "key in your own PIN" in words]) == 3
        assert "the next person is called" in said[-1] and len(said) == 4
        assert (await night.taken_by(), (await night.letter())["state"]) == (None, "sent")


@pytest.mark.parametrize("by", ["busy", "no-answer"])
async def test_a_call_whose_callback_was_lost_is_asked_after(tmp_path: Path, by: str) -> None:
    """A minute later the house knows what the callback would have said."""
    async with a_night(tmp_path) as night:
        telephones = night.house.world.twilio.telephones

        async def lose_the_callback() -> None:
            for form in telephones.forms.values():
                form[:] = [pair for pair in form if pair[0] != "StatusCallback"]

        await night.rings(Answer(by), meanwhile=lose_the_callback)
        letter = await night.letter()
        night.house.now(after(seconds=60))
        await night.house.settle()
        rows = await night.house.rows(f"SELECT state FROM outbox WHERE id = '{letter['id']}'")
        assert rows == [{"state": "failed"}]


async def test_three_tries_and_no_more(tmp_path: Path) -> None:
    """Wrong, silent, too short: each is one of the three."""
    async with a_night(tmp_path) as night:
        said = await night.rings(Answer(keys=[WRONG, "", "123", PIN]))
        assert "Nothing was taken" in said[-1] and await night.taken_by() is None
        assert await night.rings(Answer(keys=["", WRONG, PIN])) and await night.taken_by() == "cass"


async def test_the_pin_of_somebody_else_is_a_wrong_one(tmp_path: Path) -> None:
    """Dee has one too; it does not take Cass's alert on Cass's telephone."""
    async with a_night(tmp_path) as night:
        await night.has_pin("dee", "903817")
        await night.rings(Answer(keys=["903817", "903817", "903817"]))
        assert await night.taken_by() is None


# ---- late, over, twice ---------------------------------------------------------------------------------


async def test_who_comes_late_hears_so(tmp_path: Path) -> None:
    """Somebody took it while the telephone rang. No name of who: that is for bound accounts."""
    async with a_night(tmp_path) as night:

        async def dee_takes() -> None:
            news = AlertAcknowledged(at=night.now, by="dee", channel="telegram")
            await night.house.house.casebook.record(night.case_id, news)

        said = await night.rings(Answer(keys=[PIN]), meanwhile=dee_takes)
        assert "was taken already, at 21:00" in said[-1] and "Dee" not in " ".join(said)
        assert await night.taken_by() == "dee"


async def test_whoever_is_rung_later_takes_it_over(tmp_path: Path) -> None:
    """An alert that came after somebody had taken it is no late one: there is something to do."""
    async with a_night(tmp_path) as night:
        await night.has_pin("dee", "903817")
        await night.rings(Answer(keys=["903817"]), "dee", "+447700900302")
        said = await night.rings(Answer(keys=[PIN]))
        assert "It is yours until" in said[-1] and await night.taken_by() == "cass"


async def test_an_alert_that_is_over_is_said_to_be_over(tmp_path: Path) -> None:
    """The child was seen while the telephone rang."""
    async with a_night(tmp_path) as night:

        async def seen() -> None:
            for by, via in (("alice", "sight"), ("cass", "callback")):
                news = ChildSeen(at=night.now, by=by, channel="telegram", via=via, seen_at=night.now)
                await night.house.house.casebook.record(night.case_id, news)

        said = await night.rings(Answer(keys=[PIN]), meanwhile=seen)
        assert "that alert is over" in said[-1]


async def test_a_request_that_comes_twice_is_answered_alike_and_done_once(tmp_path: Path) -> None:
    """Twilio asks again where an answer was late; so may whoever recorded a request."""
    async with a_night(tmp_path) as night:
        await night.rings(Answer(keys=[WRONG, PIN]))
        letter = await night.letter()
        about = {
            "CallSid": letter["provider_id"],
            "AccountSid": ACCOUNT_SID,
            "From": NUMBER,
            "To": CASS,
            "Digits": WRONG,
        }
        before = await night.house.rows("SELECT count(*) AS n FROM event")
        first = await night.house.signed(f"/twilio/gather?m={letter['id']}&n=1", about)
        second = await night.house.signed(f"/twilio/gather?m={letter['id']}&n=2", about)
        assert "That was not your PIN" in first[1] and "It is yours until" in second[1]
        assert before == await night.house.rows("SELECT count(*) AS n FROM event")
        assert (await night.house.rows("SELECT wrong FROM pin"))[0]["wrong"] == 0


# ---- PINs ----------------------------------------------------------------------------------------------


async def test_five_wrong_pins_lock_it_for_a_quarter_of_an_hour(tmp_path: Path) -> None:
    """Whoever holds the telephone cannot try on; the right one then counts as little as a wrong one."""
    async with a_night(tmp_path) as night:
        await night.rings(Answer(keys=[WRONG, WRONG, WRONG]))
        said = await night.rings(Answer(keys=[WRONG, WRONG]))
        assert "Too many wrong PINs" in said[-1]
        assert "Too many wrong PINs" in (await night.rings(Answer(keys=[PIN])))[0]
        assert await night.taken_by() is None
        night.house.now(after(minutes=15))
        await night.rings(Answer(keys=[PIN]))
        assert await night.taken_by() == "cass"


async def test_ten_wrong_pins_lock_it_until_another_is_set(tmp_path: Path) -> None:
    """Six digits last a million tries; these are ten."""
    async with a_night(tmp_path) as night:
        for quarter in range(4):
            night.house.now(after(minutes=16 * quarter))
            await night.rings(Answer(keys=[WRONG, WRONG, WRONG]))
        night.house.now(after(days=30))
        assert "Too many wrong PINs" in (await night.rings(Answer(keys=[PIN])))[0]
        await night.has_pin(digits="739150")
        await night.rings(Answer(keys=["739150"]))
        assert await night.taken_by() == "cass"


async def test_who_has_no_pin_is_woken_all_the_same(tmp_path: Path) -> None:
    """They can take it by text; nothing is said of the case."""
    async with a_night(tmp_path, pin=False) as night:
        (said,) = await night.rings(Answer(keys=[PIN]))
        assert "no PIN for you yet" in said and await night.taken_by() is None


async def test_who_was_cut_off_hears_nothing(tmp_path: Path) -> None:
    """T4: also where the telephone rang already; and their PIN is gone."""
    async with a_night(tmp_path) as night:

        async def cut_off() -> None:
            await night.house.house.casebook.at_desk(lambda desk: desk.directory.deactivate("cass"))

        assert await night.rings(Answer(keys=[PIN]), meanwhile=cut_off) == []
        assert await night.house.rows("SELECT * FROM pin") == []


async def test_digits_are_written_down_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    """Not in the inbox, not in the log, not in the database as they are."""
    async with a_night(tmp_path) as night:
        with caplog.at_level(logging.DEBUG, logger="handlers"):
            await night.rings(Answer(keys=[WRONG, PIN]))
        heard = [json.loads(row["raw"]) for row in await night.house.rows("SELECT raw FROM inbox ORDER BY rowid")]
        assert [each["pin"] for each in heard if "pin" in each] == ["wrong", "right"]
        assert PIN not in json.dumps(heard) and WRONG not in json.dumps(heard)
        assert PIN not in json.dumps(await night.house.rows("SELECT hash, person FROM pin"))
        printed = capsys.readouterr()
        assert PIN not in printed.out + printed.err + caplog.text
        assert CASS not in printed.out + printed.err + caplog.text


# ---- the door ------------------------------------------------------------------------------------------


async def test_whoever_rings_the_house_hears_whom_to_ring(tmp_path: Path) -> None:
    """The number takes texts; nobody is left with silence, and nothing is said of any case."""
    async with a_night(tmp_path) as night:
        said = await night.house.world.twilio.telephones.rings_us("+447700900201")
        assert "ring 9 9 9" in said[0] and "0 1 6 3 2 9 6 0 1 0 0" in said[0] and "K7" not in said[0]


async def test_a_call_that_is_not_signed_or_not_ours_is_refused(tmp_path: Path) -> None:
    """403 before anything is looked at; for another account people hear of it."""
    async with a_night(tmp_path) as night:
        about = {"CallSid": "CA" + "a" * 32, "AccountSid": ACCOUNT_SID, "From": NUMBER, "To": CASS, "Digits": PIN}
        for path in ("/twilio/voice?m=x", "/twilio/gather?m=x"):
            assert (await night.house.signed(path, about, signature="bm8="))[0] == 403
            assert (await night.house.signed(path, about, signature=None))[0] == 403
            foreign = {**about, "AccountSid": "AC" + "b" * 32, "CallSid": "CA" + path[8:9].encode().hex() * 16}
            assert (await night.house.signed(path, foreign))[0] == 403
        status, _ = await night.house.signed("/twilio/voice?m=x", {"AccountSid": ACCOUNT_SID})
        assert status == 204
        assert await night.taken_by() is None
        await night.house.settle()
        assert any("Twilio account" in words for words in night.house.phone(CASS))


async def test_a_letters_id_says_nothing_on_another_telephone(tmp_path: Path) -> None:
    """The id stands in an address; only the number that the letter went to is asked for a PIN."""
    async with a_night(tmp_path) as night:
        await night.rings(Answer("no-answer"))
        letter = await night.letter()
        about = {"CallSid": "CA" + "c" * 32, "AccountSid": ACCOUNT_SID, "From": NUMBER, "To": "+447700900999"}
        status, said = await night.house.signed(f"/twilio/gather?m={letter['id']}", {**about, "Digits": PIN})
        assert status == 200 and "This line is for people we know" in said and await night.taken_by() is None


async def test_a_call_is_asked_again_when_the_house_stumbles(tmp_path: Path) -> None:
    """A fault of ours does not end the call, and does not go round for ever."""
    async with a_night(tmp_path) as night:

        async def spoilt() -> None:
            await night.house.house.database.write(lambda tx: tx.run("UPDATE outbox SET keyboard = '{'"))

        assert await night.rings(Answer(keys=[PIN]), meanwhile=spoilt) == []
        assert night.house.world.twilio.telephones.asked == ["voice"] * 4


def test_what_is_said_cannot_become_an_order_to_the_telephone() -> None:
    """T11: angle brackets, ampersands and control characters in a word stay words."""
    from handlers import twiml

    odd = 'A17 </Say><Hangup/> & "x" \x00\x1b \ud800'
    document = ElementTree.fromstring(twiml.ask("en-GB", odd, 6, "a&b=c", 1))
    assert [verb.tag for verb in document] == ["Gather", "Redirect"]
    gather = document[0]
    assert gather[0].text is not None and "</Say><Hangup/>" in gather[0].text
    assert not re.search("[\x00\x1b]", gather[0].text)
    assert gather.attrib["action"] == "gather?m=a%26b%3Dc&n=1"

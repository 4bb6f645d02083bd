"""An address dies while letters wait for it: each goes another way at once, by the rules that hold for one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from casework.events import AlertAcknowledged, CheckAnswered
from casework.levels import Side, Trust
from scheduler.outbox import Receipt, Refused, refused
from scheduler.postman import drain
from storage import dying, held_up, outbox
from storage.codec import ms
from storage.desk import Desk
from storage.outbox import Letter
from storage.undelivered import DEAD_ADDRESS
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import Phone, put
from tests.storage.houses import EVENING, House, a_house
from tests.storage.test_casebook import closed

pytestmark = ON_BOTH

PAT = "+447700900201"
LATER = timedelta(minutes=1)
A_LETTER = Letter(
    id="letter-0", case_id=None, person="cass", channel="telegram", address="1003", text="C_NOTE", body="hello",
    keyboard=(), kind="notice", urgency=5, edit=None, protect=True, document=None, case_card=False, due_at=EVENING,
    expires_at=None, tries=0,
)  # fmt: skip


def letters(number: int, **changes: object) -> list[Letter]:
    """So many letters for Cass on Telegram, each with words of its own."""
    base = replace(A_LETTER, **changes)  # type: ignore[arg-type]
    return [replace(base, id=f"letter-{n}", body=f"word {n}", cause=f"c{n}", text=f"C_{n}") for n in range(number)]


class DeadAt(Phone):
    """A channel that refuses whatever is for the address of this letter."""

    def __init__(self, letter: Letter) -> None:
        super().__init__(letter.channel)
        self.address = letter.address

    async def send(self, letter: Letter) -> Receipt:
        receipt = await super().send(letter)
        if letter.address == self.address:
            raise Refused("403 bot was blocked")
        return receipt


def at(phone: Phone, person: str) -> list[str]:
    """What was tried for one person, in order."""
    return [letter.body for letter in phone.got if letter.person == person]


@asynccontextmanager
async def a_night(folder: Path, *waiting: Letter) -> AsyncIterator[tuple[House, str]]:
    """A case of Pat's, who has Telegram, too, and nothing but these letters on its way: theirs are of this case."""
    async with a_house(folder) as house:
        await house.database.write(lambda tx: tx.run("UPDATE person SET telegram_id = 2001 WHERE id = 'pat'"))
        case_id = await house.opens(by="pat", side=Side.PARENT, reporter_channel="sms")
        await house.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        await put(house, *waiting)
        yield house, case_id


async def dies(house: House, letter: Letter = A_LETTER) -> None:
    """Somebody says that nothing arrives at the address of this letter."""
    note = partial(
        dying.note, person=letter.person, channel=letter.channel, address=letter.address, fault="403 bot was blocked"
    )
    await house.casebook.at_desk(note)


async def fate(house: House, letter_id: str = "letter-0") -> tuple[str, str]:
    row = await house.row("SELECT state, fault FROM outbox WHERE id = ?", letter_id)
    return row["state"], row["fault"]


async def passed_on(house: House, body: str = "hello") -> list[str]:
    """By which channels else these words go."""
    rows = await house.rows("SELECT channel FROM outbox WHERE body = ? AND id NOT LIKE 'letter-_'", body)
    return [row["channel"] for row in rows]


async def test_each_letter_that_waits_goes_by_text_once_and_telegram_is_asked_no_more(tmp_path: Path) -> None:
    """P10: the first is refused; the others are not tried there, and none is lost or said twice. One that was to go a minute
    later goes a minute later."""
    soon, late = letters(4)[:3], replace(letters(4)[3], due_at=EVENING + LATER)
    async with a_night(tmp_path, *soon, late) as (house, _):
        telegram, sms = DeadAt(A_LETTER), Phone("sms")
        ways = {"telegram": telegram, "sms": sms}
        await drain(house.casebook, ways, EVENING)
        assert (at(telegram, "cass"), sorted(at(sms, "cass"))) == (["word 0"], ["word 0", "word 1", "word 2"])
        house.clock.instant = EVENING + LATER
        await drain(house.casebook, ways, EVENING + LATER)
        assert (at(telegram, "cass"), sorted(at(sms, "cass"))) == (["word 0"], [f"word {n}" for n in range(4)])
        assert await fate(house) == ("failed", "403 bot was blocked")
        assert [await fate(house, x.id) for x in (*soon[1:], late)] == [("failed", DEAD_ADDRESS)] * 3


async def test_what_another_channel_carries_already_is_not_said_twice(tmp_path: Path) -> None:
    """An alert goes by both channels: the one on Telegram has failed, and the text is the only one."""
    by_text = replace(A_LETTER, id="letter-1", channel="sms", address="+447700900301", cause="c")
    async with a_night(tmp_path, replace(A_LETTER, cause="c"), by_text) as (house, _):
        await dies(house)
        assert (await fate(house), await passed_on(house)) == (("failed", DEAD_ADDRESS), [])
        assert await fate(house, "letter-1") == ("queued", "")


@pytest.mark.parametrize(
    "other", [{"person": "dee", "address": "1004"}, {"address": "9999"}, {"channel": "sms"}, {"person": None}]
)
async def test_what_waits_for_another_address_stays(tmp_path: Path, other: dict[str, str | None]) -> None:
    """Another person, an older account of the same person, another channel, a group."""
    async with a_night(tmp_path, replace(A_LETTER, **other)) as (house, _):  # type: ignore[arg-type]
        await dies(house)
        assert (await fate(house), await passed_on(house)) == (("queued", ""), [])


async def test_what_outlived_its_use_is_left_to_expire(tmp_path: Path) -> None:
    """An old question would be answered as if it were new."""
    async with a_night(tmp_path, replace(A_LETTER, expires_at=EVENING)) as (house, _):
        await dies(house)
        assert (await fate(house), await passed_on(house)) == (("queued", ""), [])


async def test_nothing_is_passed_on_for_a_case_that_is_over(tmp_path: Path) -> None:
    """It has failed, as it would have if it had been tried."""
    async with a_house(tmp_path) as house:
        case_id = await closed(house)
        await put(house, replace(A_LETTER, case_id=case_id))
        await dies(house)
        assert (await fate(house), await passed_on(house)) == (("failed", DEAD_ADDRESS), [])


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize(("text", "kind"), [("C_ALERT", "alert"), ("C01", "question")])
async def test_what_was_taken_or_answered_since_wakes_nobody(tmp_path: Path, text: str, kind: str, done: bool) -> None:
    """It has failed; nobody is texted for it."""
    async with a_night(tmp_path) as (house, case_id):
        own = f"letter-{ms(EVENING):012x}1"
        await put(house, replace(A_LETTER, id=own, case_id=case_id, text=text, kind=kind))
        house.clock.after(seconds=5)
        if done:
            await house.record(case_id, AlertAcknowledged, by="dee", trust=Trust.VERIFIED)
            await house.record(case_id, CheckAnswered, check="C01", values=("no",), by="pat")
            await house.database.write(  # whatever the case itself called back
                lambda tx: tx.run("UPDATE outbox SET state = 'queued', expires_at = NULL WHERE id = ?", own)
            )
        await dies(house)
        assert await fate(house, own) == ("failed", DEAD_ADDRESS)
        twins = await house.rows("SELECT channel FROM outbox WHERE person = 'cass' AND text = ? AND id <> ?", text, own)
        assert [row["channel"] for row in twins] == ([] if done else ["sms"])


async def test_each_case_that_waits_hears_that_a_parent_is_not_reached(tmp_path: Path) -> None:
    """Two children of hers are out; nothing is tried at her number a second time for the other one to hear."""
    async with a_night(tmp_path) as (house, first):
        second = await house.opens("K8", by="pat", side=Side.PARENT, reporter_channel="sms")
        await house.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        one = replace(A_LETTER, person="pat", channel="sms", address=PAT, case_id=first)
        await put(house, one, replace(one, id="letter-1", case_id=second))
        sms = DeadAt(one)
        await drain(house.casebook, {"sms": sms}, EVENING)
        assert len(at(sms, "pat")) == 1
        assert [(await house.case(each)).unreachable for each in (first, second)] == [("pat",), ("pat",)]


async def test_where_no_other_way_leads_it_stays_and_is_tried_all_the_same(tmp_path: Path) -> None:
    """Words to nobody are worst, and what lives again is soon told. When it is refused, the log says that no way is left."""
    async with a_night(tmp_path, *letters(2)) as (house, _):
        await house.database.write(lambda tx: tx.run("UPDATE person SET mobile = NULL WHERE id = 'cass'"))
        with capture_logs() as logs:
            await dies(house)
            assert [await fate(house, f"letter-{n}") for n in range(2)] == [("queued", "")] * 2 and logs == []
            telegram = DeadAt(A_LETTER)
            await drain(house.casebook, {"telegram": telegram}, EVENING)
        assert at(telegram, "cass") == ["word 0", "word 1"]
        assert [x["letter"] for x in logs if x["log_level"] == "error"] == ["letter-0", "letter-1"]


async def test_a_telephone_takes_the_alert_and_the_rest_stays(tmp_path: Path) -> None:
    """She has texted STOP before, so that she can be rung and no more: that is for alerts alone."""
    alert, notice = letters(2)
    async with a_night(tmp_path, replace(alert, kind="alert"), notice) as (house, _):
        house.casebook.parts = replace(house.casebook.parts, ways=frozenset({"voice"}))
        await dies(house, replace(A_LETTER, channel="sms", address="+447700900301"))
        await dies(house)
        assert (await fate(house), await passed_on(house, "word 0")) == (("failed", DEAD_ADDRESS), ["voice"])
        assert (await fate(house, "letter-1"), await passed_on(house, "word 1")) == (("queued", ""), [])


async def test_one_that_cannot_be_worked_holds_up_no_other(tmp_path: Path) -> None:
    """Its case is broken. It waits and is tried by itself; the address is known to be dead all the same."""
    async with a_night(tmp_path, *letters(2)) as (house, case_id):
        await put(house, replace(A_LETTER, id="letter-9", case_id=case_id, urgency=0))
        await house.database.write(lambda tx: tx.run("UPDATE case_row SET folded = '{}', head = 'another'"))
        with capture_logs() as logs:
            await dies(house)
        assert await passed_on(house, "word 0") == await passed_on(house, "word 1") == ["sms"]
        assert (await fate(house, "letter-9"), await passed_on(house)) == (("queued", ""), [])
        assert [x["letter"] for x in logs if x["log_level"] == "error"] == ["letter-9"]
        assert await house.rows("SELECT person FROM dead_channel") == [{"person": "cass"}]


async def test_one_unit_passes_on_so_many_and_the_rest_are_tried_there(tmp_path: Path) -> None:
    """A flood for one address holds up nobody; none of it is lost."""
    async with a_night(tmp_path, *letters(held_up.AT_ONCE + 2)) as (house, _):
        await dies(house)
        waiting = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'queued' AND person = 'cass' AND channel = ?"
        assert (await house.row(waiting, "telegram"))["n"] == 2
        telegram, sms = DeadAt(A_LETTER), Phone("sms")
        await drain(house.casebook, {"telegram": telegram, "sms": sms}, EVENING)
        assert (len(at(telegram, "cass")), len(set(at(sms, "cass")))) == (2, held_up.AT_ONCE + 2)
        assert len(at(sms, "cass")) == held_up.AT_ONCE + 2


async def test_a_text_that_is_to_be_tried_anew_was_said_on_telegram_already(tmp_path: Path) -> None:
    """Her phone was off, so the words went by Telegram and the text is to go again; before it does her number is dead."""
    text = replace(A_LETTER, person="pat", channel="sms", address=PAT, cause="c")
    anew = replace(text, id="letter-1", cause="c/again", due_at=EVENING + timedelta(seconds=15))

    async def off(desk: Desk) -> None:
        await outbox.failed(desk.tx, text.id, "30003")
        await refused(desk, text, dead=False, code="30003")

    async with a_night(tmp_path, text, anew) as (house, _):
        await house.casebook.at_desk(off)
        assert await passed_on(house) == ["telegram"]
        await dies(house, text)
        assert (await passed_on(house), await fate(house, "letter-1")) == (["telegram"], ("failed", DEAD_ADDRESS))

"""An address at which nothing arrives: the words go another way at once, somebody is to mend it, and a sign of life ends it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from casework import speech
from casework.events import WorryRaised
from casework.levels import Level
from casework.protocol import Protocol
from scheduler.detours import Detours
from scheduler.outbox import Receipt, Refused, Unreachable
from scheduler.postman import drain
from storage import contacts, held_up, outbox, roster
from storage.desk import Desk
from storage.other_ways import onward
from storage.outbox import Letter
from tests.builders import BASE, the_protocol
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import Phone
from tests.storage.houses import EVENING, ROSTER, House, a_house

pytestmark = ON_BOTH

CASS, WAYS = "+447700900301", ("telegram", "sms", "voice", "email", "file")


@asynccontextmanager
async def a_night(folder: Path, ways: Iterable[str] = ("voice", "email")) -> AsyncIterator[House]:
    """Cass has Telegram, a mobile and an address for mail; telephones ring and mail goes out where `ways` says so."""
    async with a_house(folder) as house:
        text = ROSTER.replace(f'mobile = "{CASS}"', f'mobile = "{CASS}"\nemail = "cass@example.org"')
        await house.database.write(lambda tx: roster.apply(tx, roster.parse(text), take_telegram_ids=True))
        house.casebook.parts = replace(house.casebook.parts, ways=frozenset(ways))
        yield house


async def alerted(house: House) -> str:
    """A case that alerts Cass."""
    case_id = await house.opens()
    await house.record(case_id, WorryRaised, by="alice", flags=("R16",))
    return case_id


AN_ALERT = Letter(
    id="letter-1", case_id=None, person="cass", channel="telegram", address="1003", text="C_ALERT", body="K: danger",
    keyboard=(), kind="alert", urgency=0, edit=None, protect=True, document=None, case_card=False, due_at=EVENING,
    expires_at=None, tries=0,
)  # fmt: skip


class Picky(Phone):
    """A channel that does not take what is for Cass."""

    def __init__(self, name: str, fault: Exception | None) -> None:
        super().__init__(name)
        self.fault = fault

    async def send(self, letter: Letter) -> Receipt:
        receipt = await super().send(letter)
        if self.fault is not None and letter.person == "cass":
            raise self.fault
        return receipt


def phones(**faults: Exception) -> dict[str, Phone]:
    """Each channel; one that is named takes nothing for Cass."""
    return {name: Picky(name, faults.get(name)) for name in WAYS}


def to(ways: dict[str, Phone], person: str, text: str = "") -> list[tuple[str, str]]:
    """What this person was sent, by which channel."""
    return [(p.name, x.text) for p in ways.values() for x in p.got if x.person == person and text in x.text]


async def kill(house: House, person: str, channel: str, address: str, fault: str) -> None:
    await house.database.write(lambda tx: contacts.died(tx, person, channel, address, fault, EVENING))


async def test_letters_pass_a_dead_address_by(tmp_path):
    """No letter is lost there first: Cass's Telegram is gone, her alert goes by text alone."""
    async with a_night(tmp_path) as house:
        await kill(house, "cass", "telegram", "1003", "bot was blocked")
        await alerted(house)
        ways = phones()
        await drain(house.casebook, ways, EVENING)
        assert to(ways, "cass", "C_ALERT") == [("sms", "C_ALERT")]


async def test_an_address_that_was_mended_is_written_to_again(tmp_path):
    """Her new account has the same channel and is not dead."""
    async with a_night(tmp_path) as house:
        await kill(house, "cass", "telegram", "999", "bot was blocked")
        await alerted(house)
        ways = phones()
        await drain(house.casebook, ways, EVENING)
        assert ("telegram", "C_ALERT") in to(ways, "cass")


async def test_who_can_be_written_to_by_nothing_is_rung(tmp_path):
    """Telegram gone and STOP texted: the telephone rings, in the same moment."""
    async with a_night(tmp_path) as house:
        await kill(house, "cass", "telegram", "1003", "bot was blocked")
        await kill(house, "cass", "sms", CASS, "21610")
        await alerted(house)
        ways = phones()
        await drain(house.casebook, ways, EVENING)
        assert to(ways, "cass", "C_ALERT") == [("voice", "C_ALERT")]


async def test_a_telephone_rings_beside_the_letters_where_the_rung_says_so(tmp_path):
    """`via = [..., "voice"]`, in a house that can ring; nobody is rung who cannot speak on the phone."""
    async with a_night(tmp_path) as house:
        base = the_protocol()
        rungs = [rung.model_copy(update={"via": (*rung.via, "voice")}).model_dump() for rung in base.rung]
        rings = Protocol.model_validate({**base.model_dump(by_alias=True), "rung": rungs})
        house.casebook.parts = replace(house.casebook.parts, protocols={BASE: rings})
        await alerted(house)
        ways = phones()
        await drain(house.casebook, ways, EVENING)
        assert sorted(to(ways, "cass", "C_ALERT")) == [(way, "C_ALERT") for way in ("sms", "telegram", "voice")]
        await house.database.write(lambda tx: tx.run("UPDATE person SET voice_ok = 0"))
        await house.silence(EVENING.replace(minute=6))
        await drain(house.casebook, ways, EVENING.replace(minute=6))
        assert sorted(to(ways, "dee", "C_ALERT")) == [(way, "C_ALERT") for way in ("sms", "telegram")]


async def test_a_number_that_is_none_is_not_rung(tmp_path):
    """30005: what is known is tried all the same, for an alert to nobody is worst; then it is mailed."""
    async with a_night(tmp_path) as house:
        await kill(house, "cass", "telegram", "1003", "bot was blocked")
        await kill(house, "cass", "sms", CASS, "30005")
        await house.database.write(lambda tx: tx.run("UPDATE duty SET role = 'deputy' WHERE person <> 'cass'"))
        case_id = await alerted(house)
        await house.silence(EVENING.replace(minute=20))
        ways = phones(telegram=Refused("403"), sms=Refused("30005"))
        await drain(house.casebook, ways, EVENING.replace(minute=20))
        assert {name for name, _ in to(ways, "cass", "C_ALERT")} == {"telegram", "sms", "email"}
        assert case_id


@pytest.mark.parametrize(("code", "text"), [("403", "C_LOST"), ("21610", "C_STOPPED")])
async def test_somebody_is_told_once_and_has_it_as_a_task(tmp_path, code: str, text: str):
    """The owner hears that Cass is not reached, by name on Telegram alone; the task stands until it is mended."""
    channel = "telegram" if code == "403" else "sms"
    async with a_night(tmp_path) as house:
        await alerted(house)
        ways = phones(**{channel: Refused(code)})
        await drain(house.casebook, ways, EVENING)
        told = [(x.person, x.channel, "Cass Example" in x.body) for p in ways.values() for x in p.got if x.text == text]
        assert sorted(told) == [("dee", "sms", False), ("dee", "telegram", True)]
        await house.silence(EVENING.replace(minute=40))
        await drain(house.casebook, ways, EVENING.replace(minute=40))
        assert len(to(ways, "dee", text)) == 2
        tasks = await house.database.read(lambda tx: tx.rows("SELECT id, kind, owner_role, done_at FROM v_task"))
        assert {"id": f"mend:cass:{channel}", "kind": "MEND", "owner_role": "coordinator", "done_at": None} in [
            dict(row) for row in tasks
        ]


async def test_a_dead_number_of_somebody_with_nothing_else_is_rung_then_mailed(tmp_path):
    """In one drain: the text is refused, the telephone is no telephone, the mail goes."""
    async with a_night(tmp_path) as house:
        await house.database.write(lambda tx: tx.run("UPDATE person SET telegram_id = NULL WHERE id = 'cass'"))
        await alerted(house)
        ways = phones(sms=Refused("21614"), voice=Refused("21214"))
        await drain(house.casebook, ways, EVENING)
        assert [name for name, _ in to(ways, "cass", "C_ALERT")] == ["sms", "voice", "email"]
        spoken = [x.body for x in ways["voice"].got if x.text == "C_ALERT" and x.person == "cass"]
        assert spoken and "ACK" not in spoken[0]


async def test_what_waits_for_a_channel_that_is_down_carries_nothing(tmp_path):
    """Telegram is out, so it goes by text; the text fails, too. Telegram still waits, and the telephone rings now."""
    async with a_night(tmp_path) as house:
        await house.database.write(lambda tx: outbox.enqueue(tx, AN_ALERT))
        ways = phones(telegram=Unreachable("502"), sms=Refused("21614"))
        await drain(house.casebook, ways, EVENING)
        later = EVENING + held_up.AFTER
        assert await Detours(house.casebook).turn(later) == 1
        await drain(house.casebook, ways, later)
        assert "voice" in [name for name, _ in to(ways, "cass", "C_ALERT")]


async def test_what_waits_and_has_no_other_way_is_not_given_up(tmp_path: Path) -> None:
    """Cass has Telegram alone, which is out. Her letter leaves by it yet, so that nothing is said to be lost; once it is
    refused, no way is left, and that is a fault."""
    async with a_night(tmp_path, ways=()) as house:
        await house.database.write(lambda tx: tx.run("UPDATE person SET mobile = NULL WHERE id = 'cass'"))
        await house.database.write(lambda tx: outbox.enqueue(tx, AN_ALERT))
        await drain(house.casebook, phones(telegram=Unreachable("502")), EVENING)
        later = EVENING + held_up.AFTER
        with capture_logs() as logs:
            assert await Detours(house.casebook).turn(later) == 0
        assert [(x["log_level"], x["letter"]) for x in logs if "letter" in x] == [("info", AN_ALERT.id)]
        with capture_logs() as logs:
            await drain(house.casebook, phones(telegram=Refused("403", dead=False)), later)
        assert [x["letter"] for x in logs if x["log_level"] == "error"] == [AN_ALERT.id]


async def test_what_cannot_be_passed_on_keeps_no_other_letter_waiting(tmp_path: Path) -> None:
    """P17: the most urgent one is of a case that cannot be read. It is looked at again; the others go another way now."""
    async with a_night(tmp_path) as house:
        case_id = await house.opens()
        await house.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        broken = replace(
            AN_ALERT, id="letter-0", case_id=case_id, text="C01", kind="question", urgency=-9, person="dee"
        )
        await house.database.write(lambda tx: outbox.enqueue_all(tx, [broken, AN_ALERT], EVENING))
        await house.database.write(lambda tx: tx.run("UPDATE case_row SET folded = '{}', head = 'another'"))
        for _ in range(2):
            await Detours(house.casebook).turn(EVENING + held_up.AFTER)
        ways = phones()
        await drain(house.casebook, {"sms": ways["sms"]}, EVENING + held_up.AFTER)
        assert to(ways, "cass") == [("sms", "C_ALERT")]
        rows = await house.rows("SELECT passed_on FROM outbox WHERE id = 'letter-0'")
        assert rows[0]["passed_on"] is None


@pytest.mark.parametrize(
    ("kind", "passed_on", "newer_due_in", "dropped"),
    [
        ("alert", True, 0, 1), ("alert", False, 0, 0), ("alert", True, 60, 0), ("question", False, 0, 1),
        ("question", False, 60, 0),
    ],
)  # fmt: skip
async def test_an_old_alert_is_dropped_for_one_that_may_leave_and_after_another_way_had_it(
    tmp_path, kind: str, passed_on: bool, newer_due_in: int, dropped: int
):
    """What is to go later says nothing yet; an alert that no other way was looked for is not thrown away."""
    async with a_night(tmp_path) as house:
        case_id = await house.opens()
        at = EVENING + timedelta(seconds=50)
        old = replace(AN_ALERT, case_id=case_id, kind=kind)
        newer = replace(old, id="letter-2", due_at=at + timedelta(seconds=newer_due_in))
        await house.database.write(lambda tx: outbox.enqueue(tx, old, EVENING))
        await house.database.write(lambda tx: outbox.enqueue(tx, newer, at))
        if passed_on:
            await house.database.write(lambda tx: held_up.passed_on(tx, old.id, at))
        assert await house.database.write(lambda tx: held_up.drop_the_old(tx, ["telegram"], at)) == dropped


async def test_a_name_goes_by_no_other_way(tmp_path):
    """Who took an alert is named on Telegram; a mail or a text would carry the name where none goes."""
    async with a_night(tmp_path) as house:
        letter = Letter(
            id="letter-1", case_id=None, person="cass", channel="telegram", address="1003", text="C_TAKEN",
            body="Taken by Dee", keyboard=(), kind="notice", urgency=5, edit=None, protect=True, document=None,
            case_card=False, due_at=EVENING, expires_at=None, tries=0,
        )  # fmt: skip
        await house.database.write(lambda tx: outbox.enqueue(tx, letter))
        ways = phones(telegram=Refused("403"))
        await drain(house.casebook, ways, EVENING)
        assert to(ways, "cass", "C_TAKEN") == [("telegram", "C_TAKEN")]


def test_the_most_severe_case_speaks_first() -> None:
    """An alert of a child in danger goes before every other's, whatever it says, and every alert before every question."""
    high, medium = (speech.urgency(text, level) for text, level in (("C_NOTE", Level.HIGH), ("C_NOREF", Level.MEDIUM)))
    questions = (speech.urgency("C04", Level.HIGH), speech.urgency("C04", Level.LOW))
    assert high < medium < questions[0] < questions[1] and medium < speech.rank("N_HELP")


async def test_a_way_that_seems_to_be_down_is_better_than_none(tmp_path: Path) -> None:
    """One letter that a mail server puts off makes mail look down; an alert that has nothing but mail left goes by it."""
    async with a_night(tmp_path, ways=("email",)) as house:
        letter = replace(AN_ALERT, cause="c")

        async def goes(desk: Desk) -> str | None:
            return await onward(desk, letter, out=("sms", "email"))

        await kill(house, "cass", "sms", CASS, "30005")
        assert await house.casebook.at_desk(goes) == "email"


async def test_a_way_that_is_down_comes_after_all_others(tmp_path: Path) -> None:
    """What takes letters now is tried first, though it were the last in line."""
    async with a_night(tmp_path, ways=("email",)) as house:

        async def goes(desk: Desk) -> str | None:
            return await onward(desk, replace(AN_ALERT, cause="c"), out=("sms",))

        assert await house.casebook.at_desk(goes) == "email"

"""Taking an alert at the doors: a press that comes late or twice is harmless and explained; who waits reads who has it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from casework.events import ChildSeen, NoteMade, PoliceLogged
from casework.protocol import Protocol
from tests.builders import BASE, the_protocol
from tests.databases import ON_BOTH
from tests.handlers import sms_phones
from tests.handlers.sms_phones import Phones as Texts
from tests.handlers.telegram_phones import Phones

pytestmark = ON_BOTH


async def test_a_second_press_says_until_when_and_makes_it_no_longer(home: Phones):
    """Else a thumb could hold an alert all night."""
    code = (await home.goes_missing()).code
    await home.types("cass", f"/ack {code}")
    until = (await home.case()).alert.taken_until
    home.house.clock.after(minutes=4)
    await home.types("cass", f"/ack {code}")
    assert until == (await home.case()).alert.taken_until
    assert "you have it already, until 21:10" in (await home.reads("cass"))[-1]
    assert 1 == len(await home.events("AlertAcknowledged"))


async def test_the_adult_who_waits_reads_who_has_it_and_who_else_was_told(home: Phones):
    """Taken by whom, since when, who else knows, when the next word comes."""
    code = (await home.goes_missing()).code
    await home.house.silence(home.house.clock.now() + timedelta(minutes=5))
    await home.types("dee", f"/ack {code}")
    [said] = [text for text in await home.reads("alice") if "taken by" in text]
    assert f"{code}: taken by Dee Example at 21:05; told: Cass Example; next 21:15." in said


async def test_what_waits_for_others_is_called_off(home: Phones):
    """A letter to the deputy that has not left loses its use with the press; what this press says itself goes out."""
    code = (await home.goes_missing()).code
    await home.house.silence(home.house.clock.now() + timedelta(minutes=5))
    waiting = "SELECT person FROM outbox WHERE text = 'C_ALERT' AND state = 'queued' AND person <> 'cass'"
    assert await home.house.rows(waiting)
    await home.types("cass", f"/ack {code}")
    assert [] == await home.house.rows(waiting)
    assert [{"person": "dee"}] == await home.house.rows(
        "SELECT person FROM outbox WHERE text = 'C_TAKEN' AND state = 'queued'"
    )


async def test_that_the_police_said_no_needs_who_and_why(home: Phones):
    """One word is asked about; their time is asked for where it is missing; our own clock is told."""
    code = (await home.goes_missing()).code
    await home.types("mo", f"/declined {code} no")
    assert [] == await home.events("PoliceDeclined")
    await home.types("mo", "sergeant Hill: she does this every week")
    assert "Did they say when they look again?" in (await home.reads("mo"))[-1]
    await home.types("mo", f"/declined {code} sergeant Hill: every week, look again 23:00")
    assert "They look again 23:00" in (await home.reads("mo"))[-1]


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("4410 sergeant Hill: not missing", "4410"),
        ("2 officers came: not missing", None),
        ("20.40 they look again, sergeant Hill", None),
        ("101 said no, every week", None),
    ],
)
async def test_a_refusal_has_a_log_number_only_where_one_was_said(home: Phones, words: str, number: str | None):
    """P7: "police log 101 says not missing" would say that they hold one."""
    code = (await home.goes_missing()).code
    await home.types("mo", f"/declined {code} {words}")
    said = f"police log {number} says not missing" if number else "police say not missing, no log number"
    assert any(said in text for text in await home.reads("cass"))


async def test_what_the_adult_was_told_by_the_police_reaches_a_co_ordinator(home: Phones):
    """Who may not record a refusal is the one who hears it: their words are kept and looked at, and nothing else moves."""
    code = (await home.goes_missing()).code
    await home.types("alice", f"/declined {code} sergeant Hill says she will come back by herself")
    letters = {(letter["person"], letter["text"]) for letter in await home.all()}
    assert {("alice", "declined_told"), ("cass", "C_NOTE")} <= letters
    assert [] == await home.events("PoliceDeclined")
    await home.types("alice", f"/declined {code}")
    assert "You cannot do that here" in (await home.reads("alice"))[-1]


async def test_the_adult_may_disagree_with_the_police(home: Phones):
    """A button; the co-ordinator takes it up."""
    code = (await home.goes_missing()).code
    await home.types("mo", f"/declined {code} 4410 sergeant Hill: not missing, look again 23:00")
    await home.presses("alice", "I disagree")
    assert any("disagrees with the police's no" in text for text in await home.reads("cass"))


# ---- by text ---------------------------------------------------------------------------------------


@pytest.fixture
async def by_text(tmp_path: Path) -> AsyncIterator[Texts]:
    async with sms_phones.phones(tmp_path / "texts") as made:
        yield made


async def _alerted(by_text: Texts) -> str:
    """Pat says that K is in danger: HIGH, Cass and then Dee alerted. Returns the code."""
    await by_text.texts("pat", "MISSING 20:55")
    await by_text.texts("pat", "WORRIED")
    await by_text.later(minutes=5)
    return (await by_text.case()).code


async def test_by_text_too_a_second_one_is_explained_and_a_late_one(by_text: Texts):
    """Digits of their own alert: theirs, theirs already, or somebody else's since when."""
    code = await _alerted(by_text)
    digits = {who: await by_text.digits(who) for who in ("cass", "dee")}
    assert "yours until 21:15" in (await by_text.texts("cass", f"ACK {code} {digits['cass']}"))[-1]
    await by_text.later(minutes=1)
    assert "you have it already, until 21:15" in (await by_text.texts("cass", f"ACK {code} {digits['cass']}"))[-1]
    assert (
        "taken already by the on-call lead at 21:05" in (await by_text.texts("dee", f"ACK {code} {digits['dee']}"))[-1]
    )
    case = await by_text.case()
    assert ("cass", 15) == (case.alert.taken_by, case.alert.taken_until.minute)  # type: ignore[union-attr]


async def test_where_two_must_answer_the_first_by_text_reads_so(by_text: Texts):
    """And the alert goes on till then."""
    data = the_protocol().model_dump()
    data["rung"][0]["answers"] = 2
    by_text.house.casebook.parts.protocols[BASE] = Protocol.model_validate(data)  # type: ignore[index]
    code = await _alerted(by_text)
    (answer,) = await by_text.texts("cass", f"ACK {code} {await by_text.digits('cass')}")
    assert "One more person must answer" in answer
    assert (await by_text.case()).alert.taken_by is None
    (answer,) = await by_text.texts("dee", f"ACK {code} {await by_text.digits('dee')}")
    assert "yours until" in answer


async def test_by_text_a_day_is_taken_on_while_somebody_else_has_the_alert(by_text: Texts):
    """Dee has the alert; the letter of the first day came to Cass since, and is no alert that is over."""
    code = await _alerted(by_text)
    await by_text.house.record((await by_text.case()).case_id, PoliceLogged, number="2290")
    await by_text.later(hours=23, minutes=50)
    await by_text.texts("dee", f"ACK {code} {await by_text.digits('dee')}")
    await by_text.later(minutes=6)
    (answer,) = await by_text.texts("cass", f"ACK {code} {await by_text.digits('cass')}")
    assert f"{code}: noted." in answer
    case = await by_text.case()
    day = case.task("E9")
    assert day is not None
    assert ("dee", "cass", "acknowledged") == (case.alert.taken_by, day.done_by, day.outcome)


async def test_by_text_what_came_since_the_alert_was_taken_is_not_late(by_text: Texts):
    """Dee has it, and then Cass is told of words that nobody could read: who answers those takes it, as with the button."""
    code = await _alerted(by_text)
    await by_text.texts("dee", f"ACK {code} {await by_text.digits('dee')}")
    await by_text.house.record((await by_text.case()).case_id, NoteMade, by="pat", unread=True)
    (answer,) = await by_text.texts("cass", f"ACK {code} {await by_text.digits('cass')}")
    assert "yours until" in answer


# ---- the child is back and may be hurt ------------------------------------------------------------------


async def test_who_takes_it_that_the_child_may_be_hurt_reads_what_to_do_and_others_are_left_alone(home: Phones):
    """By the button; who comes later reads who has it, and nobody else is woken."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "/back")
    await home.presses("alice", "Yes, I can see the child myself")
    await home.presses("alice", "Yes")
    await home.house.silence(home.house.clock.now() + timedelta(minutes=6))
    assert any("may be hurt" in text for text in await home.reads("dee"))
    await home.presses("cass", "Take")
    assert "you look after how K7 is" in (await home.reads("cass"))[-1]
    await home.presses("dee", "Take")
    assert "Cass Example took it at 21:06" in (await home.reads("dee"))[-1]
    await home.house.silence(home.house.clock.now() + timedelta(minutes=60))
    assert not [row for row in await home.all() if row["text"] == "C_UNWELL"]
    tasks = await home.house.rows("SELECT done_by, outcome FROM v_task WHERE kind = 'A2'")
    assert [{"done_by": "cass", "outcome": "taken"}] == tasks


async def test_by_text_too_it_is_taken_that_the_child_may_be_hurt(by_text: Texts):
    await by_text.texts("pat", "MISSING 20:55")
    case = await by_text.case()
    await by_text.house.record(case.case_id, ChildSeen, by="cass", via="callback", seen_at=by_text.house.clock.now())
    await by_text.texts("pat", "2")
    assert "C_UNWELL" == (await by_text.alerts("cass"))[-1]
    answer = await by_text.texts("cass", f"ACK {case.code} {await by_text.digits('cass')}")
    assert "you look after how K is" in answer[-1]

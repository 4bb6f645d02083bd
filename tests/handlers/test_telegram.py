"""Telegram at the door: who is heard, which questions are answered, what a button may do, and what changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.levels import Level, Status
from handlers import telegram, updates
from storage.inbox import Heard
from tests.handlers.telegram_phones import Phones, phones


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Phones]:
    async with phones(tmp_path) as made:
        yield made


# ---- opening ---------------------------------------------------------------------------------------


async def test_a_child_is_picked_by_code_and_the_case_opens_with_the_first_tap(home: Phones):
    """B067: whoever stops half way leaves a case with a deadline, not nothing."""
    await home.types("alice", "/absent")
    assert ["K7", "K8"] == await home.labels("alice")
    await home.presses("alice", "K7")
    case = await home.case()
    assert (Status.CHECKING, "reported", "alice") == (case.status, case.t0_kind, case.worked_by)
    texts = await home.reads("alice")
    assert any("Due back at, or last certainly here at?" in t for t in texts)
    assert any("in danger right now" in t for t in texts)


async def test_the_code_and_the_time_may_be_typed_at_once(home: Phones):
    """`/absent k7 20:45`: whatever the letters' size."""
    await home.types("alice", "/absent k7 20:45")
    case = await home.case()
    assert ("due", 20, 45) == (case.t0_kind, case.t0.hour, case.t0.minute)
    assert not any("Due back at" in t for t in await home.reads("alice"))


async def test_last_certainly_here_starts_the_clock_too(home: Phones):
    """C00: `SEEN 20:10` where the child left unseen."""
    await home.types("alice", "/absent K7 SEEN 20:10")
    case = await home.case()
    assert ("seen", 20, 10) == (case.t0_kind, case.t0.hour, case.t0.minute)


async def test_a_time_given_afterwards_starts_the_clock_there(home: Phones):
    """The case is not held up by a question about the time."""
    await home.types("alice", "/absent K7")
    await home.types("alice", "20:30")
    case = await home.case()
    assert (20, 30) == (case.t0.hour, case.t0.minute)
    assert "clock starts at 20:30" in (await home.reads("alice"))[-1]


async def test_a_time_that_cannot_be_read_is_asked_for_again(home: Phones):
    """Nothing is guessed: 23:00 lies ahead, and yesterday was not said."""
    await home.types("alice", "/absent K7")
    await home.types("alice", "23:00")
    assert "could not read that time" in (await home.reads("alice"))[-1]
    await home.types("alice", "YDAY 23:00")
    assert 23 == (await home.case()).t0.hour


async def test_not_knowing_the_time_is_an_answer(home: Phones):
    """The clock runs from the report."""
    await home.types("alice", "/absent K7")
    first = (await home.case()).t0
    row = await home.house.rows("SELECT rowid, * FROM outbox WHERE text = 'C00'")
    await home.presses("alice", "Not sure", row=row[0])
    case = await home.case()
    assert (first, "reported") == (case.t0, case.t0_kind)


async def test_a_name_is_no_code(home: Phones):
    """Names never travel: the bot answers to codes alone."""
    await home.types("alice", "/absent Kai")
    assert "Use the child's code, not a name" in (await home.reads("alice"))[0]
    assert [] == await home.house.rows("SELECT * FROM case_row")


async def test_two_who_report_one_child_share_one_case(home: Phones):
    """B064, B065: the second joins, both are named, one case."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("mo", "/absent K7 20:30")
    case = await home.case()
    assert (["alice", "mo"], 30) == ([r.person for r in case.reporters], case.t0.minute)
    assert 1 == len(await home.house.rows("SELECT * FROM case_row"))
    assert any("has an open case already" in t for t in await home.reads("mo"))


async def test_a_child_who_goes_again_before_the_case_is_signed_has_a_new_case(home: Phones):
    """The first case waits for its manager for days; nobody waits with the second absence."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "/back")
    await home.presses("alice", "Yes, I can see the child myself")
    home.house.clock.after(hours=20)
    await home.types("alice", "/absent K7 16:30")
    states = [r["status"] for r in await home.house.rows("SELECT status FROM case_row ORDER BY case_id")]
    assert ["returned", "checking"] == states
    assert [] == await home.house.findings()


async def test_a_worry_after_the_return_reaches_a_person(home: Phones):
    """C_BACK says: not true? Text WORRIED. That must not be silent."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "/back")
    await home.presses("alice", "Yes, I can see the child myself")
    await home.all()
    await home.types("mo", "/worried that was not him")
    assert any("may be hurt, unwell or upset" in t for t in await home.reads("cass"))


async def test_a_watch_says_when_it_will_ask(home: Phones):
    """K7 is 15: a quarter of an hour of grace."""
    await home.types("alice", "/watch K7 22:30")
    assert "I will ask you at 22:45" in (await home.reads("alice"))[0]


@pytest.mark.parametrize("words", ["", "K7", "K7 soon", "K7 20:30", "K7 25:00"])
async def test_a_watch_without_a_time_to_come_is_refused_politely(home: Phones, words: str):
    """20:30 has passed: a slip, not tomorrow evening."""
    await home.types("alice", f"/watch {words}".strip())
    (answer,) = await home.reads("alice")
    assert "/watch K7 21:00" in answer
    assert [] == await home.house.rows("SELECT * FROM case_row")


# ---- answers ---------------------------------------------------------------------------------------


async def test_a_button_and_its_words_are_the_same_answer(home: Phones):
    """Every button has a typed form with the same words."""
    await home.types("alice", "/absent K7 20:45")
    await home.presses("alice", "No")
    await home.types("alice", "Off or voicemail")
    case = await home.case()
    assert [("no",), ("off",)] == [case.answers[c][0].values for c in ("C01", "C04")]


async def test_the_card_shows_how_the_case_stands_and_when_it_moves_next(home: Phones):
    """A visible next time, always."""
    await home.types("alice", "/absent K7 20:45")
    case = await home.case()
    (card,) = await home.reads("alice")
    assert f"{case.code} · K7 · checks running · next 21:05" == card.splitlines()[0]


async def test_a_pressed_answer_changes_the_card_and_typed_words_get_a_new_one(home: Phones):
    """One card per case, edited in place; whoever types finds the next question below their words."""
    await home.types("alice", "/absent K7 20:45")
    await home.all()
    await home.presses("alice", "No")
    (pressed,) = await home.all()
    await home.types("alice", "off or voicemail")
    (typed,) = await home.all()
    assert (True, None) == (pressed["edit"] is not None, typed["edit"])


async def test_a_list_is_ticked_and_sent_off_at_once(home: Phones):
    """Nothing is recorded before `Done`; what is ticked is marked."""
    await _at_search(home)
    await home.presses("alice", "Bedroom")
    await home.presses("alice", "Loft")
    await home.presses("alice", "Garden")
    await home.presses("alice", "✓ Loft")
    assert "C03" not in (await home.case()).answers
    await home.presses("alice", "Done")
    assert ("bedroom", "garden") == (await home.case()).answers["C03"][0].values


async def test_nothing_ticked_is_no_answer(home: Phones):
    """An empty list must not read as done."""
    await _at_search(home)
    assert "Nothing is ticked" in await home.presses("alice", "Done")
    assert "C03" not in (await home.case()).answers


async def _at_search(home: Phones) -> None:
    await home.types("alice", "/absent K7 20:45")
    await home.presses("alice", "No")
    await home.presses("alice", "Rings out")


async def test_where_the_child_is_may_be_written(home: Phones):
    """C06: place, adult and time from one line; the words lie apart from the log."""
    await home.types("alice", "/absent K7 20:45")
    for label in ("No", "Spoke", "Yes"):
        await home.presses("alice", label)
    await home.types("alice", "friend's house, friend's mother, 21:45, walking")
    answer = (await home.case()).answers["C06"][0]
    assert (True, True, 45) == (answer.place, answer.adult, answer.instant and answer.instant.minute)
    assert not any("friend's mother" in r["body"] for r in await home.house.rows("SELECT body FROM event"))


async def test_words_that_are_no_answer_are_kept_and_the_question_stays(home: Phones):
    """B040, PR10: free text is evidence."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "she took the blue bag")
    case = await home.case()
    assert "C01" == case.prompts[-1].check
    assert [{"body": "she took the blue bag"}] == await home.house.rows("SELECT body FROM words")
    assert "kept with the case" in (await home.reads("alice"))[-1]


async def test_worry_words_raise_wherever_they_stand(home: Phones):
    """PR10: free text too."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "she has a knife with her")
    case = await home.case()
    assert (Level.HIGH, True) == (case.level, "R10" in case.flags)


async def test_a_step_back_asks_again_and_a_worse_answer_counts(home: Phones):
    """F3: a better one takes nothing back."""
    await home.types("alice", "/absent K7 20:45")
    await home.presses("alice", "No")
    await home.presses("alice", "Back a step")
    assert "in danger right now" in (await home.reads("alice"))[-1]
    await home.presses("alice", "Yes")
    assert Level.HIGH is (await home.case()).level
    assert ["no", "yes"] == [a.values[0] for a in (await home.case()).answers["C01"]]


async def test_a_step_back_and_done_may_be_typed(home: Phones):
    """Every button has a typed form with the same words."""
    await _at_search(home)
    await home.presses("alice", "Bedroom")
    await home.types("alice", "Done")
    assert ("bedroom",) == (await home.case()).answers["C03"][0].values
    await home.types("alice", "Back a step")
    assert "Have you looked in" in (await home.reads("alice"))[-1]


async def test_with_nothing_answered_there_is_no_step_back(home: Phones):
    """It says so."""
    await home.types("alice", "/absent K7 20:45")
    assert "no earlier question" in await home.presses("alice", "Back a step")


# ---- buttons ---------------------------------------------------------------------------------------


async def test_an_old_button_is_explained_and_a_fresh_card_comes(home: Phones):
    """Stale buttons change nothing."""
    await home.types("alice", "/absent K7 20:45")
    old = await home.with_button("alice", "Yes")
    await home.presses("alice", "No")
    await home.all()
    assert "moved on" in await home.presses("alice", "Yes", row=old)
    assert ["no"] == [a.values[0] for a in (await home.case()).answers["C01"]]
    assert "Ring and message K7" in (await home.reads("alice"))[-1]


async def test_a_button_pressed_twice_has_one_effect(home: Phones):
    """B033."""
    await home.types("alice", "/absent K7 20:45")
    row = await home.with_button("alice", "No")
    await home.presses("alice", "No", row=row)
    assert "done already" in await home.presses("alice", "No", row=row)
    assert 1 == len((await home.case()).answers["C01"])


@pytest.mark.parametrize("order", [("Yes", "No"), ("No", "Yes")])
async def test_of_two_opposite_presses_the_riskier_stands_in_both_orders(home: Phones, order: tuple[str, str]):
    """HZ14, B045: both are recorded, whoever came first."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("mo", f"/case {(await home.case()).code}")
    await asyncio.gather(home.presses("alice", order[0]), home.presses("mo", order[1]))
    case = await home.case()
    assert ({"yes", "no"}, Level.HIGH) == ({a.values[0] for a in case.answers["C01"]}, case.level)


async def test_the_second_of_two_is_told_that_somebody_answered_before(home: Phones):
    """Their answer is kept too."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("mo", f"/case {(await home.case()).code}")
    await home.presses("alice", "Not sure")
    assert "Someone else has answered" in await home.presses("mo", "No")
    assert 2 == len((await home.case()).answers["C01"])


@pytest.mark.parametrize("token", ["", "x" * 64, "nobody made this", "A17:C01:no", "\u202e" * 20])
async def test_a_forged_button_does_nothing(home: Phones, token: str):
    """T14, B032: a modified client can send any data."""
    await home.types("alice", "/absent K7 20:45")
    assert "no longer valid" in await home.presses_token("alice", token)
    assert {} == (await home.case()).answers


async def test_somebody_of_another_home_presses_in_vain(home: Phones):
    """B031, B046: the token alone opens nothing; roles are looked up at the press."""
    await home.types("alice", "/absent K7 20:45")
    row = await home.with_button("alice", "Yes")
    await _hire_bob(home)
    assert "no such case" in await home.presses("bob", "Yes", row=row)
    assert {} == (await home.case()).answers


async def test_a_case_of_another_home_is_not_found(home: Phones):
    """B046: no word about whether there is one."""
    await home.types("alice", "/absent K7 20:45")
    await _hire_bob(home)
    code = (await home.case()).code
    for words in (f"/case {code}", f"/worried {code}", f"/back {code}", f"/pol {code} 2290", "/case Z99"):
        await home.types("bob", words)
    texts = await home.reads("bob")
    assert ["I know no such case here. Check the code, or send /open. In danger ring 999."] * 5 == texts


async def _hire_bob(home: Phones) -> None:
    await home.house.database.write(_bob)


async def _bob(tx) -> None:
    await tx.run("INSERT INTO home (id, organisation, kind, name, town) VALUES ('elm', 'org1', 'children', 'Elm', 'X')")
    await tx.run(
        "INSERT INTO person (id, organisation, name, contact, language, active, telegram_id)"
        " VALUES ('bob', 'org1', 'Bob', 'open', 'en', 1, 1005)"
    )
    await tx.run("INSERT INTO role (person, role, scope) VALUES ('bob', 'staff', 'elm')")


async def test_a_colleagues_press_is_their_own_answer(home: Phones):
    """B031: in a group, whoever presses is the author."""
    await home.types("alice", "/absent K7 20:45")
    row = await home.with_button("alice", "No")
    await home.presses("mo", "No", row=row)
    assert "mo" == (await home.case()).answers["C01"][0].by


async def test_a_button_that_is_a_day_old_is_no_longer_valid(home: Phones):
    """It is said how to go on."""
    await home.types("alice", "/absent K7 20:45")
    home.house.clock.after(hours=25)
    assert "Send /open" in await home.presses("alice", "No")


async def test_buttons_of_a_closed_case_are_dead(home: Phones):
    """B032."""
    await home.types("alice", "/watch K7 22:30")
    home.house.clock.after(minutes=105)
    await home.house.casebook.ring()
    row = await home.with_button("alice", "No")
    await home.presses("alice", "Yes, I see them", row=row)
    assert "no longer valid" in await home.presses("alice", "No", row=row)
    assert Status.CLOSED is (await home.case()).status


# ---- who is heard ----------------------------------------------------------------------------------


async def test_a_stranger_reads_the_same_words_whatever_they_write(home: Phones):
    """B025: no hint of purpose or names."""
    for words in ("hello", "/start", "/absent K7", "/open", "K7 is missing", "ACK A17 1234"):
        await home.types("stranger", words)
    assert 1 == len(set(texts := await home.reads("stranger"))) and 6 == len(texts)
    assert "999" in texts[0] and "Northfield" not in texts[0]


@pytest.mark.parametrize("token", ["a" * 64, "../../etc", "' OR 1=1 --", "🏠", "x" * 4000])
async def test_a_made_up_invite_is_refused(home: Phones, token: str):
    """B028: one answer for all."""
    await home.types("stranger", f"/start {token}")
    texts = await home.reads("stranger")
    assert ["This link does not work any more. Please ask for a new one. In danger ring 999."] == texts


async def test_an_invite_binds_one_account_once(home: Phones):
    """B026, B027: the second is refused, and people on call hear of it."""
    from storage.invites import make_link

    async def make(desk) -> str:
        await desk.directory.bind_telegram("alice", None)
        return await make_link(desk.directory, "alice", desk.now, desk.chance)

    token = await home.house.casebook.at_desk(make)
    await home.types("alice", f"/start {token}")
    assert "Hello Alice Example" in (await home.reads("alice"))[0]
    await home.types("stranger", f"/start {token}")
    assert any("second time" in r["body"] and r["person"] == "cass" for r in await home.all())
    expired = await home.house.casebook.at_desk(make)
    home.house.clock.after(hours=24, seconds=1)
    await home.types("alice", f"/start {expired}")
    assert "does not work any more" in (await home.reads("alice"))[0]


async def test_bots_channels_and_anonymous_admins_are_nobody(home: Phones):
    """B029: no authority without a person."""
    bot = {"id": 1001, "is_bot": True, "first_name": "x"}
    await home.types("alice", "/absent K7", **{"from": bot})
    await home.types("alice", "/absent K7", sender_chat={"id": -100, "type": "channel"})
    assert ["ignored", "ignored"] == await home.inbox()


async def test_a_forwarded_answer_is_no_answer(home: Phones):
    """B062: it is kept as evidence."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "No", forward_origin={"type": "user"})
    await home.types("alice", "No", via_bot={"id": 5, "is_bot": True, "first_name": "x"})
    assert {} == (await home.case()).answers
    assert 2 == len(await home.events("NoteMade"))


async def test_a_changed_message_changes_nothing(home: Phones):
    """B038."""
    await home.types("alice", "/absent K7 20:45")
    update = {"update_id": 70_001, "edited_message": {
        "message_id": 1, "date": 1, "edit_date": 2, "chat": {"id": 1001, "type": "private"},
        "from": {"id": 1001, "is_bot": False, "first_name": "a"}, "text": "Yes",
    }}  # fmt: skip
    assert "done" == await telegram.hear(home.doors, update)
    assert {} == (await home.case()).answers
    assert "send a new one" in (await home.reads("alice"))[-1]


async def test_stickers_and_voice_notes_are_asked_for_in_words(home: Phones):
    """B040."""
    await home.sends("alice", sticker={"file_id": "x"})
    await home.sends("alice", voice={"file_id": "x"})
    assert ["I read words, buttons, photos and places only. Please send words. In danger ring 999."] * 2 == (
        await home.reads("alice")
    )


async def test_what_was_sent_before_the_question_is_not_its_answer(home: Phones):
    """B020: late words are kept with both times and override nothing."""
    await home.types("alice", "/absent K7 20:45")
    sent = int((home.house.clock.now() - timedelta(minutes=40)).timestamp())
    await home.types("alice", "No", date=sent)
    assert {} == (await home.case()).answers
    assert any("came 21:00" in r["body"] for r in await home.house.rows("SELECT body FROM words"))
    assert "came late" in (await home.reads("alice"))[-1]


@pytest.mark.parametrize("date", [0, -5, 2**62, 1, "now", None])
async def test_a_date_no_message_can_have_is_not_believed(home: Phones, date: object):
    """B021: the time of arrival counts."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "No", date=date)
    assert "C01" in (await home.case()).answers


# ---- what is no update -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"[]", b"null", b'"x"', b"1", b"{}", b'{"update_id": NaN}', b'{"update_id": 1e400}',
     b'{"update_id": -1}', b'{"update_id": "12"}', b'{"update_id": 1000000000000000000000000000000}',
     b'{"update_id": true}', b"\xff\xfe{\x00", b"[" * 100_000, b'{"update_id": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
async def test_what_is_no_update_is_set_aside(home: Phones, body: bytes):
    """B006 to B010, B014: never a crash, never a second chance to do harm."""
    assert "quarantined" == await telegram.hear_body(home.doors, body)


async def test_an_update_of_the_future_is_ignored(home: Phones):
    """B015: stored, nothing done."""
    assert "ignored" == await telegram.hear(home.doors, {"update_id": 5, "teleportation": {"id": "?"}})


async def test_half_characters_are_kept_as_well_as_can_be(home: Phones):
    """B014, B041: lone surrogates, direction overrides, NUL, a thousand lines."""
    await home.types("alice", "/absent K7 20:45")
    for words in ("\ud800 gone", "\u202etxet", "a\x00b", "\n" * 1000 + "x", "z\u0335" * 2000):
        assert "done" == await home.types("alice", words)


async def test_an_account_id_that_none_can_have_is_set_aside(home: Phones):
    """B008: no overflow in the database."""
    assert "quarantined" == await home.types("alice", "x", **{"from": {"id": 10**30, "is_bot": False}})


async def test_a_repeat_is_done_once_however_often_it_comes(home: Phones):
    """B016, B017: the first body wins."""
    update = {"update_id": 77, "message": {
        "message_id": 1, "date": 1, "chat": {"id": 1001, "type": "private"},
        "from": {"id": 1001, "is_bot": False, "first_name": "a"}, "text": "/absent K7 20:45",
    }}  # fmt: skip
    outcomes = await asyncio.gather(*(telegram.hear(home.doors, update) for _ in range(50)))
    other = {**update, "message": {**update["message"], "text": "/absent K8"}}  # type: ignore[dict-item]
    assert "repeat" == await telegram.hear(home.doors, other)
    assert ["done", *["repeat"] * 49] == sorted(outcomes)
    assert 1 == len(await home.house.rows("SELECT * FROM case_row"))


async def test_a_lower_id_than_any_before_is_heard(home: Phones):
    """B018: after a quiet week ids begin anew."""
    for number in (500, 3):
        said = {"message_id": 1, "date": 1, "chat": {"id": 1001, "type": "private"}, "text": "/help",
                "from": {"id": 1001, "is_bot": False, "first_name": "a"}}  # fmt: skip
        assert "done" == await telegram.hear(home.doors, {"update_id": number, "message": said})


async def test_a_press_whose_answer_comes_too_late_stands(home: Phones):
    """B036: Telegram forgot the press, the house did not."""
    await home.types("alice", "/absent K7 20:45")
    token = json.loads((await home.with_button("alice", "No"))["keyboard"])[1][0][1]

    async def too_old(press: str, words: str) -> None:
        raise OSError("query is too old")

    doors = type(home.doors)(
        casebook=home.doors.casebook, books=home.doors.books, protocols=home.doors.protocols, clock=home.doors.clock,
        answer_press=too_old,
    )  # fmt: skip
    press = {"id": "p", "from": {"id": 1001, "is_bot": False, "first_name": "a"}, "data": token}
    assert "done" == await telegram.hear(doors, {"update_id": 900_001, "callback_query": press})
    assert "C01" in (await home.case()).answers


async def test_a_message_is_tried_again_from_its_row(home: Phones):
    """A stumble is no loss: the same act from what was stored."""
    await home.types("alice", "/absent K7 20:45")
    row = (await home.house.rows("SELECT * FROM inbox ORDER BY rowid DESC LIMIT 1"))[0]
    heard = Heard(source="telegram", external_id="x", received_at=home.house.clock.now(), raw=row["raw"])
    await home.house.casebook.at_desk(telegram.answer_for(home.doors, heard))
    assert 1 == len(await home.house.rows("SELECT * FROM case_row"))


# ---- nothing a person types raises ------------------------------------------------------------------

_NAMES = ["id", "from", "chat", "text", "date", "photo", "file_id", "file_size", "location", "latitude", "longitude",
          "data", "message", "is_bot", "type", "caption", "message_id", "sender_chat", "edited_message"]  # fmt: skip
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=150)
@given(fields=st.dictionaries(st.sampled_from(_NAMES), _ANY, max_size=8), number=st.integers(0, 2**62))
def test_whatever_shape_an_update_has_it_is_read_or_set_aside(fields: dict[str, object], number: int):
    """Never another exception than Unreadable."""
    for raw in ({**fields, "update_id": number}, {"update_id": number, "message": fields},
                {"update_id": number, "callback_query": fields}):  # fmt: skip
        with suppress(updates.Unreadable):
            updates.read(raw)


TYPED = """?
/
/absent@porchlight_bot K7
/ack
/pol A17
/pol
/confirm
/close
/watch
/watch K7
/report
/case
/start
/note
x
/declined
/declined x 99:99
NONE
RISK
A17
A17 NONE
1
1 2 3
no, yes
not sure
Yes No
BACK 123456
OUT
STOP
CALL
%s {0} ${x}
<b>
' OR 1=1
yday 21:00
seen 21:00
21:00 22:00
12:60
=HYPERLINK(1)
Done
Take
|
a|b|c"""


async def test_whatever_staff_type_is_worked_and_never_ends_a_case(home: Phones):
    """P10: no words of staff without a sighting lower or close anything; none stumbles."""
    await home.types("alice", "/absent K7 20:45")
    for each in TYPED.splitlines():
        assert "done" == await home.types("alice", each), each
        for row in await home.all():
            assert len(row["body"]) <= 4096
    states = {r["status"] for r in await home.house.rows("SELECT status FROM case_row")}
    assert not states & {"returned", "closed"}
    assert [] == await home.house.findings()

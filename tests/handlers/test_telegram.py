"""Telegram at the door: how a case opens, how its questions are answered, and what a button may do."""

import asyncio
from datetime import timedelta

import pytest

from casework.levels import Level, Status
from tests.databases import ON_BOTH
from tests.handlers.telegram_phones import Phones

pytestmark = ON_BOTH


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


async def test_the_time_stays_asked_for_while_other_answers_come(home: Phones):
    """Whoever answers the questions first is still taken at their word, however long that takes; a silent one is not."""
    await home.types("alice", "/absent K7")
    for answer in ("No", "Rings out", "All rooms"):
        home.house.clock.after(minutes=8)
        await home.types("alice", answer)
    home.house.clock.after(minutes=8)
    await home.types("alice", "20:30")
    assert (20, 30) == ((await home.case()).t0.hour, (await home.case()).t0.minute)


async def test_a_time_that_nobody_waits_for_any_more_is_kept_as_words(home: Phones):
    """A quarter of an hour after it was asked for."""
    await home.types("alice", "/absent K7")
    home.house.clock.after(minutes=16)
    await home.types("alice", "20:30")
    assert (await home.case()).t0_kind == "reported"


async def test_last_certainly_here_is_not_told_as_due_when_it_comes_afterwards(home: Phones):
    """What a script reads to the police: last certainly seen at ten past eight, not due back then."""
    await home.types("alice", "/absent K7")
    await home.types("alice", "SEEN 20:10")
    case = await home.case()
    assert ("seen", 20, 10) == (case.t0_kind, case.t0.hour, case.t0.minute)


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
    row = await home.house.rows("SELECT * FROM outbox WHERE text = 'C00'")
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
    assert any("HIGH" in t for t in await home.reads("cass"))
    assert not (await home.case()).returned


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


async def test_typed_words_answer_the_question_beneath_a_chase(home: Phones):
    """Every button has a typed form, also while a newer question stands below it."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "/worried he was crying")
    await home.house.silence(home.house.clock.now() + timedelta(minutes=5))
    case = await home.case()
    assert [p.check for p in case.prompts][-1] == "O_NOREF"
    waiting = next(p.check for p in case.prompts if p.check != "O_NOREF")
    await home.types("alice", "No")
    assert waiting in (await home.case()).answers

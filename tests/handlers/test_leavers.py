"""Somebody who was cut off speaks again: nothing is done for them, they are told so kindly, and their manager hears of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.directory import Directory
from tests.databases import ON_BOTH
from tests.handlers import sms_phones, telegram_phones
from tests.storage.houses import House

pytestmark = ON_BOTH

LEFT = "Your account here has ended, so nothing was done."
TRIED = "tried to use our bot or number"


@pytest.fixture
async def texting(tmp_path: Path) -> AsyncIterator[sms_phones.Phones]:
    async with sms_phones.phones(tmp_path) as made:
        yield made


async def cut_off(house: House, person: str) -> None:
    await house.database.write(lambda tx: Directory(tx).deactivate(person))


async def told(house: House) -> list[tuple[str, str]]:
    """Who was told so far that somebody tried, and by which channel."""
    rows = await house.rows("SELECT person, channel FROM outbox WHERE text = 'X_LEAVER' ORDER BY person, channel DESC")
    return [(row["person"], row["channel"]) for row in rows]


# ---- Telegram --------------------------------------------------------------------------------------


async def test_an_old_button_of_a_leaver_does_nothing_and_the_manager_hears_of_it(home: telegram_phones.Phones):
    """B047, T4: refused kindly, nothing changed, and both phones of the home's manager say who it was."""
    await home.types("alice", "/absent K7 20:45")
    row = await home.with_button("alice", "Yes")
    token = next(t for keys in json.loads(row["keyboard"]) for text, t in keys if text == "Yes")
    await cut_off(home.house, "alice")
    before = await home.case()
    await home.all()
    toast = await home.presses_token("alice", token)
    assert LEFT in toast and "999" in toast and len(toast) <= 200
    assert before == await home.case()
    letters = await home.all()
    assert [("mo", "telegram"), ("mo", "sms")] == [(letter["person"], letter["channel"]) for letter in letters]
    on_telegram, by_sms = (letter["body"] for letter in letters)
    assert on_telegram.startswith("Alice Example, cut off before, " + TRIED)
    assert by_sms.startswith("Staff of oak, cut off before, " + TRIED) and "Alice" not in by_sms


async def test_what_a_leaver_types_is_answered_and_no_command(home: telegram_phones.Phones):
    """Whatever they write: the same kind words, no case, and nothing of anybody."""
    await cut_off(home.house, "alice")
    for words in ("/absent K7 20:45", "/open", "hello", "/start"):
        await home.types("alice", words)
    await home.sends("alice", location={"latitude": 51.5, "longitude": -0.1})
    answers = await home.reads("alice")
    assert 5 == len(answers) and 1 == len(set(answers)) and answers[0].startswith(LEFT)
    assert [] == await home.house.rows("SELECT * FROM case_row")


async def test_the_manager_is_told_once_in_a_while_not_at_each_press(home: telegram_phones.Phones):
    """Who hammers at the door wakes nobody each time; the next evening it is news again."""
    await cut_off(home.house, "alice")
    once = [("mo", "telegram"), ("mo", "sms")]
    for _ in range(50):
        await home.presses_token("alice", "x" * 22)
    assert once == await told(home.house)
    home.house.clock.after(hours=11, minutes=59)
    await home.types("alice", "hello?")
    assert once == await told(home.house)
    home.house.clock.after(minutes=1)
    await home.types("alice", "hello?")
    assert 4 == len(await told(home.house))


async def test_words_of_danger_from_a_leaver_reach_the_co_ordinator_too(home: telegram_phones.Phones):
    """Anyone may raise the alarm: told within the hour, not within twelve, and to who is on call tonight."""
    await cut_off(home.house, "alice")
    await home.types("alice", "hello")
    home.house.clock.after(hours=1)
    await home.types("alice", "K7 is in danger, he has her")
    assert {("cass", "telegram"), ("cass", "sms")} <= set(await told(home.house))
    sent = len(await told(home.house))
    await home.types("alice", "K7 is in danger, he has her")
    assert sent == len(await told(home.house))


async def test_a_leaver_who_came_back_under_a_new_name_is_somebody_again(home: telegram_phones.Phones):
    """The account opens what it is bound to now; that it was another's once matters no more."""
    await cut_off(home.house, "alice")
    await home.house.database.write(lambda tx: Directory(tx).bind_telegram("dee", telegram_phones.ACCOUNTS["alice"]))
    await home.types("alice", "/absent K7 20:45")
    assert "dee" == (await home.case()).worked_by
    assert [] == await told(home.house)


# ---- SMS -------------------------------------------------------------------------------------------


async def test_a_leavers_number_gets_the_neutral_words_and_the_manager_hears_of_it(texting: sms_phones.Phones):
    """B047 by SMS: a number can be forged, so it reads what a stranger reads, once; a person looks."""
    await cut_off(texting.house, "alice")
    (answer,) = await texting.texts("alice", "MISSING")
    assert "This line is for people we know" in answer and "999" in answer
    assert [("mo", "telegram"), ("mo", "sms")] == await told(texting.house)
    assert [] == await texting.texts("alice", "BACK")
    assert 2 == len(await told(texting.house))
    assert (0, ["done", "done"]) == (await texting.cases(), await texting.inbox())


async def test_a_parent_who_was_cut_off_is_told_of_by_code_alone(texting: sms_phones.Phones):
    """No parent's name leaves the house; who has no manager has the co-ordinator."""
    await cut_off(texting.house, "pat")
    await cut_off(texting.house, "sam")
    await texting.texts("pat", "hello")
    await texting.texts("sam", "hello")
    rows = await texting.house.rows("SELECT person, body FROM outbox WHERE text = 'X_LEAVER' ORDER BY id")
    assert {("mo", "A parent of K7"), ("cass", "A parent of M2, N3")} == {
        (row["person"], row["body"].partition(", cut off")[0]) for row in rows
    }


async def test_a_number_that_is_still_somebodys_is_theirs(texting: sms_phones.Phones):
    """A phone that was handed on belongs to who has it now."""
    await cut_off(texting.house, "alice")
    await texting.house.database.write(
        lambda tx: tx.run("UPDATE person SET mobile = ? WHERE id = 'mo'", sms_phones.NUMBERS["alice"])
    )
    assert "999" in (await texting.texts("alice", "HELP"))[0]
    assert [] == await told(texting.house)


async def test_a_leaver_of_no_home_is_told_of_to_the_co_ordinators(texting: sms_phones.Phones):
    """A deputy has no home and so no manager."""
    await cut_off(texting.house, "dee")
    await texting.texts("dee", "ACK A17 4821")
    assert [("cass", "telegram"), ("cass", "sms")] == await told(texting.house)

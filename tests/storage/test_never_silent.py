"""Two days on which nobody answers, in a house with its books and letters: alerts go on, and nobody is buried in them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from casework import speech
from casework.events import NoteMade, PoliceLogged, ReturnClaimed
from casework.levels import Level, Trust
from storage import enough, outbox
from storage.chance import time_id
from storage.codec import instant
from storage.database import Tx
from storage.outbox import Letter
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, House, a_house

pytestmark = ON_BOTH

LONG = {"sqlite": timedelta(hours=48), "postgresql": timedelta(hours=6)}  # there every step is a dozen journeys
AN_HOUR = timedelta(hours=1)
MOST = 30
Prelude = Callable[[House, str], Awaitable[object]]


async def nothing(_house: House, _case_id: str) -> None:
    """Nobody does anything."""


async def number(house: House, case_id: str) -> None:
    """Staff have a log number, and then nobody is heard of again."""
    await house.record(case_id, PoliceLogged, number="2290")


async def claim(house: House, case_id: str) -> None:
    """Somebody says the child is back; nobody looks into it, so that claim and alert are both asked about for ever."""
    house.clock.after(minutes=2)
    await house.record(case_id, ReturnClaimed, by="pat", trust=Trust.NONE)


async def letters(house: House, case_id: str) -> list[tuple[datetime, str, str, str]]:
    rows = await house.rows(
        "SELECT due_at, person, kind, body FROM outbox WHERE case_id = ? AND state <> 'cancelled' AND person IS NOT NULL"
        " ORDER BY due_at", case_id,
    )  # fmt: skip
    return [(instant(row["due_at"]), row["person"], row["kind"], row["body"]) for row in rows]


def most_in_an_hour(times: list[datetime]) -> int:
    return max((sum(at - AN_HOUR < each <= at for each in times) for at in times), default=0)


@pytest.mark.parametrize(
    ("flags", "prelude", "minutes"),
    [(("cse",), nothing, 5), ((), nothing, 10), (("cse",), number, 30), (("cse",), claim, 5)],
    ids=["high", "medium", "a log number", "a claim"],
)
async def test_two_silent_days(
    tmp_path: Path, engine: str, flags: tuple[str, ...], prelude: Prelude, minutes: int
) -> None:
    """From one alert to a person on the case to the next: HIGH 5 minutes, MEDIUM 10, with a confirmed number 30."""
    async with a_house(tmp_path) as house:
        case_id = await house.opens("K7")
        if flags:
            await house.answers(case_id, "C01", "yes")
        await prelude(house, case_id)
        ends = EVENING + LONG[engine]
        await house.silence(ends)
        sent = await letters(house, case_id)
        case = await house.case(case_id)
        begins = case.missing_at
        assert begins is not None
        alerts = [begins, *(at for at, _, kind, _ in sent if kind == "alert" and begins < at <= ends), ends]
        assert max(b - a for a, b in pairwise(alerts)) <= timedelta(minutes=minutes)
        for person in {each for _, each, _, _ in sent}:
            assert most_in_an_hour([at for at, who, _, _ in sent if who == person]) <= MOST, person


async def test_a_newer_alert_takes_the_place_of_an_older_one_that_waits(tmp_path: Path) -> None:
    """A hundred texts that nobody can read, in an hour: thirty alerts at most, one waits for room, and it is the newest."""
    async with a_house(tmp_path) as house:
        case_id = await house.opens("K7")
        for _ in range(100):
            house.clock.after(seconds=30)
            await house.record(case_id, NoteMade, by="pat", unread=True)
        sent = [at for at, person, kind, _ in await letters(house, case_id) if (person, kind) == ("cass", "alert")]
        assert most_in_an_hour(sent) <= MOST
        now = house.clock.now()
        assert 1 == len([at for at in sent if at > now])
        waiting = await house.rows("SELECT created_at FROM outbox WHERE state = 'queued' AND due_at > ?", _ms(now))
        assert [now] == [instant(row["created_at"]) for row in waiting]


async def test_words_with_999_wait_for_nothing(tmp_path: Path) -> None:
    """Behind thirty others of this hour words without it wait for room, and words with it do not."""
    async with a_house(tmp_path) as house:
        case_id = await house.opens("K7")
        assert house.clock.now() == await _goes(house, case_id, "C_UNWELL", "C_UNWELL: may be hurt. 999 if in danger.")
        assert house.clock.now() < await _goes(house, case_id, "C_NOTE", "C_NOTE: a text that nobody can read.")


async def test_a_note_takes_no_place_of_an_alert(tmp_path: Path) -> None:
    """What waits is cancelled for words that weigh as much; an alert that waits stays beside a newer note."""
    async with a_house(tmp_path) as house:
        case_id = await house.opens("K7")
        await _goes(house, case_id, "C_ALERT", "the first at this level")
        for text, body in (("C_ALERT", "an alert"), ("C_NOTE", "a note"), ("C_NOTE", "a newer note")):
            await _goes(house, case_id, text, body)
        rows = await house.rows("SELECT body FROM outbox WHERE state = 'queued' AND due_at > ?", _ms(house.clock.now()))
        assert {"an alert", "a newer note"} == {row["body"] for row in rows}


async def test_an_alert_that_says_a_higher_level_waits_for_nothing(tmp_path: Path) -> None:
    """The first that says HIGH is news, however much was read at MEDIUM; the next one waits as others do."""
    async with a_house(tmp_path) as house:
        case_id, now = await house.opens("K7"), house.clock.now()
        for level, waits in ((Level.MEDIUM, False), (Level.MEDIUM, True), (Level.HIGH, False), (Level.HIGH, True)):
            assert waits is (now < await _goes(house, case_id, "C_ALERT", "an alert", level)), level


async def _goes(house: House, case_id: str, text: str, body: str, level: Level = Level.MEDIUM) -> datetime:
    """When an alert to Cass goes of whom the hour is full: thirty were made in it."""
    now = house.clock.now()
    letter = Letter(
        id=time_id("letter", now, house.casebook.parts.chance, case_id), case_id=case_id, person="cass", channel="sms",
        address="+447700900301", text=text, body=body, keyboard=(), kind="alert", urgency=speech.urgency(text, level),
        edit=None, protect=True, document=None, case_card=False, due_at=now, expires_at=None, tries=0,
    )  # fmt: skip
    made = {case_id: {"cass": [_ms(now - timedelta(minutes=ago)) for ago in range(30, 0, -1)]}}

    async def put(tx: Tx) -> datetime:
        (kept,), _ = await enough.within(tx, [letter], [], made, now)
        await outbox.enqueue(tx, kept, now)
        return kept.due_at

    return await house.database.write(put)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)

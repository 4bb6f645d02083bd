"""What is kept in mind of a case is what the database holds, or it is not used."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings

from casework.case import Case
from casework.events import CheckAnswered, Child, NoteMade, UnsureSettled
from casework.evolve import replay
from storage import log
from storage.casebook import Casebook
from storage.codec import case_from, case_text, read_case
from storage.desk import Desk
from storage.recent import Kept, Recent
from tests.builders import BASE, Night, the_protocol
from tests.databases import ON_BOTH
from tests.properties.nights import Act, acts, children, lateness, starts, told
from tests.storage.houses import KEY, House, a_house
from tests.storage.test_casebook import a_message
from tests.storage.test_nights import open_for

pytestmark = ON_BOTH


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        yield opened


class UndoneError(Exception):
    """Ends a unit in which something was recorded."""


def an_answer(house: House, check: str, value: str) -> CheckAnswered:
    return CheckAnswered(at=house.clock.now(), by="alice", channel="telegram", check=check, values=(value,))


async def of_the_log(house: House, case_id: str) -> Case:
    return replay(await house.database.read(lambda tx: log.events(tx, case_id)))


async def live(house: House) -> set[str]:
    return {row["key"] for row in await house.rows("SELECT key FROM deadline")}


async def as_the_database_has_it(house: House, case_id: str) -> None:
    """To the type and the time zone: `==` would not tell a list from a tuple's text, nor London's clock from UTC."""
    kept = house.casebook.parts.recent.of(case_id)
    row = await house.row("SELECT head, folded FROM case_row WHERE case_id = ?", case_id)
    deadlines = await house.rows("SELECT key, due_at FROM deadline WHERE case_id = ?", case_id)
    assert kept is not None and (kept.head, kept.written.text) == (row["head"], row["folded"])
    assert repr(kept.written.case) == repr(case_from(row["folded"]))
    assert kept.deadlines == {each["key"]: each["due_at"] for each in deadlines}


async def played(folder: Path, child: Child, start: datetime, late: int, script: list[Act]) -> None:
    async with a_house(folder) as house:
        house.clock.instant = start
        case_id = await open_for(house, replace(child, child_id="K7"), start - timedelta(minutes=late))
        await as_the_database_has_it(house, case_id)
        for act in script:
            await house.silence(house.clock.now() + timedelta(minutes=act.wait))
            await as_the_database_has_it(house, case_id)
            news = told(Night(the_protocol(), house.clock.now(), case=await house.case(case_id)), act)
            if news is not None:
                await house.casebook.record(case_id, news)
                await as_the_database_has_it(house, case_id)


@settings(max_examples=15)
@given(child=children, start=starts, late=lateness, script=acts)
def test_what_is_kept_is_what_would_be_read(child: Child, start: datetime, late: int, script: list[Act]) -> None:
    """P15: a case in mind, its text and its deadlines are to the last type those the database would give back."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(played(Path(folder), child, start, late, script))


async def test_answers_stand_in_the_order_in_which_they_are_read_back(house: House) -> None:
    """P15: what is decided may not depend on whether the case was in mind: rules look through the answers in order."""
    case_id = await house.opens()
    await house.answers(case_id, "C03", "no")
    await house.answers(case_id, "C01", "no")
    await as_the_database_has_it(house, case_id)


async def test_what_was_undone_is_not_in_mind(house: House) -> None:
    """P4, P15: an answer whose unit was rolled back was never given, in the log, in the case or in what comes next."""
    case_id = await house.opens()
    before = await house.case(case_id)

    async def act(desk: Desk) -> None:
        await desk.record(case_id, an_answer(house, "C01", "yes"))
        assert await desk.case(case_id) != before
        raise UndoneError

    with pytest.raises(UndoneError):
        await house.casebook.at_desk(act)
    assert before == await house.case(case_id)
    await house.answers(case_id, "C01", "no")
    assert await of_the_log(house, case_id) == await house.case(case_id)
    assert [] == await house.findings()


async def test_a_message_that_stumbles_leaves_no_trace_in_mind(house: House) -> None:
    """P4, P17: undone to its savepoint, tried again in the same millisecond, it is worked once and its case is whole."""
    case_id = await house.opens()
    before = await house.case(case_id)
    fails = [True]

    async def act(desk: Desk) -> None:
        await desk.record(case_id, an_answer(house, "C01", "no"))
        if fails:
            raise UndoneError

    assert "new" == await house.casebook.hear(a_message(1), act)
    assert before == await house.case(case_id) and [] == await house.findings()
    fails.clear()
    assert 1 == await house.casebook.retry_inbox(lambda heard: act)
    assert await of_the_log(house, case_id) == await house.case(case_id) != before
    await as_the_database_has_it(house, case_id)
    assert [] == await house.findings()


async def test_units_of_one_commit_do_not_mix(house: House) -> None:
    """P17: among units that are committed together the one that failed is nowhere, and the next builds on what stands."""
    case_id = await house.opens()

    async def unit(check: str, *, fails: bool = False) -> None:
        async def act(desk: Desk) -> None:
            await desk.record(case_id, an_answer(house, check, "no"))
            if fails:
                raise UndoneError

        await house.casebook.at_desk(act)

    ended = await asyncio.gather(
        unit("C01"), unit("C02", fails=True), unit("C03"), unit("C04", fails=True), return_exceptions=True
    )
    assert [None, UndoneError, None, UndoneError] == [end and type(end) for end in ended]
    case = await house.case(case_id)
    assert {"C01", "C03"} == set(case.answers) and case == await of_the_log(house, case_id)
    assert [] == await house.findings()


async def test_another_node_s_news_is_seen(house: House) -> None:
    """P19: what somebody else wrote meanwhile is read, and the deadlines they moved are not taken for ours."""
    case_id = await house.opens()
    other = Casebook(
        house.database, {BASE: the_protocol()}, house.casebook.parts.books, house.clock.now,
        house.casebook.parts.chance, audit_key=KEY,
    )  # fmt: skip
    await other.record(case_id, an_answer(house, "C01", "unsure"))
    assert "unsure:C01" in await live(house)
    await house.record(case_id, UnsureSettled, by="cass", risk=False)
    assert "unsure:C01" not in await live(house)
    await other.record(case_id, an_answer(house, "C02", "no"))
    assert await of_the_log(house, case_id) == await house.case(case_id)
    assert [] == await house.findings()


async def test_a_new_house_knows_nothing_and_reads_everything(tmp_path: Path) -> None:
    """P1: after a restart the deadlines are compared with the rows, not with what nobody remembers."""
    async with a_house(tmp_path) as house:
        case_id = await house.opens()
    async with a_house(tmp_path) as house:
        house.clock.after(minutes=1)
        await house.answers(case_id, "C01", "no")
        await as_the_database_has_it(house, case_id)
        assert [] == await house.findings()


async def test_what_did_not_change_is_not_written(house: House) -> None:
    """A note moves no deadline and no column of the row but what the log itself moves."""
    case_id = await house.opens()
    before = await house.row("SELECT * FROM case_row")
    await house.record(case_id, NoteMade)
    after = await house.row("SELECT * FROM case_row")
    assert {"version", "events", "head", "folded"} == {name for name in before if before[name] != after[name]}


async def test_the_oldest_makes_room(house: House) -> None:
    """A bound on memory: the case that was not worked for longest is forgotten, and read again when it is needed."""
    written = read_case(case_text(await house.case(await house.opens())))
    recent = Recent(at_most=2)
    for case_id in ("a", "b", "a", "c"):
        recent.keep(case_id, Kept("head", written, {}))
    assert [True, False, True] == [recent.of(each) is not None for each in ("a", "b", "c")]


def test_a_fold_of_an_older_house_is_read() -> None:
    """P15: a field that is new since then takes its default, and the next text is the one we write today."""
    night = Night(the_protocol(), datetime.fromisoformat("2026-11-25T21:00:00+00:00"))
    night.opens(Child(child_id="K7", age=15))
    assert night.case is not None
    text = case_text(night.case)
    older = text.replace(f'"seq":{night.case.seq},', "").replace('"welfare":false,', "")
    assert replace(night.case, seq=0) == read_case(older).case
    assert case_text(replace(night.case, seq=0)) == read_case(older).text
    assert text == read_case(text).text


def test_a_fold_that_was_cut_off_is_no_case() -> None:
    """Wherever it ends: a damaged row is said to be one, and nothing of it is taken for the case."""
    night = Night(the_protocol(), datetime.fromisoformat("2026-11-25T21:00:00+00:00"))
    night.opens(Child(child_id="K7", age=15))
    assert night.case is not None
    whole = case_text(night.case)
    for end in range(len(whole)):
        with pytest.raises(json.JSONDecodeError):
            read_case(whole[:end])

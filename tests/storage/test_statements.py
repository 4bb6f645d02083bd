"""How often the database is asked: behind a wire each statement is a journey, so their number may not grow with people."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from bot.chance import Chance
from casework.effects import Tell, To
from casework.events import CheckAnswered, DeadlinePassed, NoteMade, WorryRaised
from storage import roster
from storage.chance import time_token
from storage.codec import ms
from storage.database import Tx
from storage.desk import Desk
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, ROSTER, House, a_house

pytestmark = ON_BOTH

T = TypeVar("T")
MORE = "".join(
    f'[[person]]\nid = "more{n}"\norganisation = "org1"\nname = "More Example"\nroles = ["coordinator"]\n'
    f'mobile = "+4477009005{n:02}"\ntelegram_id = {2000 + n}\n'
    for n in range(10)
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        yield opened


class Counted:
    """A transaction that counts what it is asked; savepoints are the engine's own."""

    def __init__(self, tx: Tx, said: list[str]) -> None:
        self._tx, self._said = tx, said

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._tx, name)
        if name not in ("rows", "row", "run", "later", "insert"):
            return asked

        def counted(*said: Any) -> Any:
            if name == "insert":
                self._said += [f"INSERT INTO {said[0]}"] if said[1] else []
            else:
                self._said.append(said[name == "later"])  # behind its table
            return asked(*said)

        return counted


async def statements(house: House, act: Callable[[Desk], Awaitable[T]]) -> list[str]:
    """What the database is asked in one unit of work."""
    said = list[str]()

    async def unit(tx: Tx) -> None:
        desk = Desk(cast(Tx, Counted(tx, said)), house.clock.now(), house.casebook.parts)
        await act(desk)
        await desk.clear()

    await house.database.write(unit)
    return said


async def test_a_note_in_a_case_that_is_in_mind_takes_three_statements(house: House) -> None:
    """Its row is read, an entry appended, its row written; deadlines, tasks and reporters that stand are left alone."""
    case_id = await house.opens()
    note = NoteMade(at=house.clock.now(), by="alice", channel="telegram")
    said = await statements(house, lambda desk: desk.record(case_id, note))
    assert ["SELECT", "INSERT", "UPDATE"] == [sql.split()[0] for sql in said]


async def test_an_answer_takes_a_statement_for_each_thing_that_it_changes(house: House) -> None:
    """The case read; log, row and deadline written; on which card to ask next; the letter and its buttons. Whom to ask
    is in mind (`storage.known`)."""
    case_id = await house.opens()
    house.clock.after(seconds=20)
    answer = CheckAnswered(at=house.clock.now(), by="alice", channel="telegram", check="C01", values=("no",))
    said = await statements(house, lambda desk: desk.record(case_id, answer))
    tables = ["case_row", "event", "case_row", "deadline", "card", "outbox", "keyboard"]
    assert len(tables) == len(said) and all(table in sql for table, sql in zip(tables, said, strict=True)), said


async def test_a_letter_to_everybody_costs_no_more_statements_than_one_to_a_few(tmp_path: Path) -> None:
    """Ten more co-ordinators are ten more pairs of letters on the last rung, and not one statement more."""
    few, letters = await _last_rung(_folder(tmp_path, "few"), ROSTER)
    many, more_letters = await _last_rung(_folder(tmp_path, "many"), ROSTER + MORE)
    assert (few, letters + 20) == (many, more_letters)


async def _last_rung(folder: Path, people: str) -> tuple[int, int]:
    """How many statements and letters the last rung is with these people."""
    async with a_house(folder) as house:
        parsed = roster.parse(people)
        assert isinstance(parsed, roster.Roster)
        await house.database.write(lambda tx: roster.apply(tx, parsed, take_telegram_ids=True, now=EVENING))
        case_id = await _on_the_rung_before_the_last(house)
        before = len(await house.rows("SELECT id FROM outbox"))
        now = house.clock.now()
        rung = DeadlinePassed(at=now, by="clock", channel="clock", kinds=("rung",), due=now)
        said = await statements(house, lambda desk: desk.record(case_id, rung))
        return len(said), len(await house.rows("SELECT id FROM outbox")) - before


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


async def _on_the_rung_before_the_last(house: House) -> str:
    """A case at the instant at which everybody is told, before that deadline rings; returns its id."""
    case_id = await house.opens()
    await house.record(case_id, WorryRaised)
    while (case := await house.case(case_id)).alert.rung < 3:
        due = await house.casebook.next_due()
        assert due is not None
        house.clock.instant = due
        await house.casebook.ring()
    assert case.alert.next_at is not None
    house.clock.instant = case.alert.next_at
    return case_id


async def test_who_was_cut_off_between_two_pieces_of_news_hears_only_of_the_first(house: House) -> None:
    """T4: who there is, is asked once a piece of news, and anew for the next."""
    case_id = await house.opens()

    async def act(desk: Desk) -> None:
        await desk.record(case_id, WorryRaised(at=desk.now, by="alice", channel="telegram"))
        await desk.directory.deactivate("cass")
        done = await desk.record(case_id, NoteMade(at=desk.now, by="alice", channel="telegram"))
        await desk.tell(
            done.case, Tell(to=To(kind="duty", id="coordinator"), text="X_QUARANTINE", fields={"fault": "x"})
        )

    await house.casebook.at_desk(act)
    told = {(row["person"], row["text"]) for row in await house.rows("SELECT person, text FROM outbox")}
    assert {("cass", "C_ALERT"), ("dee", "X_QUARANTINE")} <= told and ("cass", "X_QUARANTINE") not in told


def test_tokens_sort_by_time_and_differ() -> None:
    """A token is found in an index of years of tokens: those of one evening lie together, and what follows is chance."""
    chance = Chance("1")
    tokens = [time_token(ms(EVENING) + 1000 * n * n, chance) for n in range(200)]
    assert sorted(tokens) == tokens and {22} == {len(token) for token in tokens}
    assert 200 == len({token[6:] for token in tokens})
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in "".join(tokens))

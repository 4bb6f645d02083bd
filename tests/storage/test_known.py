"""What the house remembers of the directory is what the database holds, or it is not used."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from storage.database import Tx
from storage.desk import Desk
from storage.directory import Directory
from storage.known import AT_MOST, Known, Memory
from storage.people_rows import MARK
from tests.databases import ON_BOTH
from tests.storage.houses import House, a_house
from tests.storage.test_statements import Counted

pytestmark = ON_BOTH

CHANGES = {  # one change to each table of the register, and the row it needs
    "organisation": ("", "UPDATE organisation SET name = 'Other'"),
    "home": ("", "UPDATE home SET town = 'Elsewhere'"),
    "child": ("", "UPDATE child SET first_name = 'Kim'"),
    "person": ("", "UPDATE person SET name = 'Other' WHERE id = 'alice'"),
    "role": ("", "DELETE FROM role WHERE person = 'alice'"),
    "duty": ("", "DELETE FROM duty WHERE role = 'coordinator'"),
    "shift": ("", "INSERT INTO shift (shift_id, organisation, kind, role, home, line, person, instead_of, days, begins,"
              " ends, made_at, made_by) VALUES ('s', 'org1', 'leave', '', '', 1, 'dee', '', '', '', '', 1, 'dee')"),
    "handover": ("INSERT INTO handover (handover_id, organisation, role, home, person, begins_at, until_at, digits, asked_at)"
                 " VALUES ('h', 'org1', 'coordinator', '', 'dee', 1, 2, '1234', 1)",
                 "UPDATE handover SET accepted_at = 1"),
    "dead_channel": ("", "INSERT INTO dead_channel (person, channel, address, since, fault)"
                     " VALUES ('dee', 'sms', '+447700900001', 1, 'gone')"),
    "group_chat": ("INSERT INTO group_chat (organisation, home, chat_id, bound_at, bound_by)"
                   " VALUES ('org1', '', -1, 1, 'dee')", "UPDATE group_chat SET dead_at = 1"),
}  # fmt: skip


class UndoneError(Exception):
    """Ends a unit that changed the register."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        yield opened


async def name_of(house: House, person_id: str, asked: list[str] | None = None) -> str:
    """What a unit of work of this house takes somebody's name to be; `asked`: what it asked the database."""

    async def unit(tx: Tx) -> str:
        counted = cast(Tx, Counted(tx, [] if asked is None else asked))
        person = await Desk(counted, house.clock.now(), house.casebook.parts).directory.person(person_id)
        assert person is not None
        return person.name

    return await house.database.write(unit)


async def test_somebody_is_looked_up_once_until_the_register_changes(house: House) -> None:
    first, again = list[str](), list[str]()
    before = await name_of(house, "alice", first)
    assert any("FROM person" in sql for sql in first)
    assert await name_of(house, "alice", again) == before
    assert not any("FROM person" in sql for sql in again)
    await house.database.write(lambda tx: tx.run("UPDATE person SET name = 'Alice New' WHERE id = 'alice'"))
    assert await name_of(house, "alice") == "Alice New"


@pytest.mark.parametrize("table", CHANGES)
async def test_every_change_to_the_register_draws_a_new_mark(house: House, table: str) -> None:
    before, change = CHANGES[table]
    if before:
        await house.database.write(lambda tx: tx.run(before))
    old = await house.row(f"SELECT {MARK} AS mark")
    assert await house.database.write(lambda tx: tx.run(change)) > 0
    assert await house.row(f"SELECT {MARK} AS mark") != old


async def test_a_change_that_was_undone_is_not_remembered(house: House) -> None:
    before = await name_of(house, "alice")

    async def changes(tx: Tx) -> None:
        desk = Desk(tx, house.clock.now(), house.casebook.parts)
        await desk.directory.person("dee")
        await tx.run("UPDATE person SET name = 'Nobody' WHERE id IN ('alice', 'mo')")
        for each in ("alice", "mo"):
            person = await desk.directory.person(each)
            assert person is not None and person.name == "Nobody"
        raise UndoneError

    with pytest.raises(UndoneError):
        await house.database.write(changes)
    assert await name_of(house, "alice") == before
    assert await name_of(house, "mo") != "Nobody"


async def test_a_change_within_a_step_is_not_kept_under_the_old_mark(house: House) -> None:
    """Between two looks at the mark, a unit that changes the register itself may read its own change, and be undone."""
    memory = house.casebook.parts.memory

    async def changes(tx: Tx) -> None:
        known = Known(tx, memory)
        await known.person("dee")
        await tx.run("UPDATE person SET name = 'Nobody' WHERE id = 'mo'")
        await known.person("mo")
        await known.persons(["mo", "pat"])
        raise UndoneError

    with pytest.raises(UndoneError):
        await house.database.write(changes)
    true = await house.database.read(lambda tx: Directory(tx).person("mo"))
    assert true is not None and await name_of(house, "mo") == true.name


def test_the_memory_has_an_end() -> None:
    memory = Memory(at_most=3)
    for number in range(5):
        memory.under("mark")[number] = number
    assert len(memory.under("mark")) <= 4
    assert AT_MOST >= 1000

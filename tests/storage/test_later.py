"""Changes that are sent together: they are there before anything is read of them, in their order, or the unit is not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Conflict, Database, Tx, Unusable, Violated
from tests.databases import ON_BOTH
from tests.storage.units import in_order, put, two_tables

pytestmark = ON_BOTH


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with two_tables(tmp_path) as opened:
        yield opened


async def parent(tx: Tx, number: int) -> None:
    await tx.later("parent", "INSERT INTO parent (id) VALUES (?)", number)


async def child(tx: Tx, number: int) -> None:
    await tx.later("child", "INSERT INTO child (id, parent) VALUES (?, ?)", number, number)


async def parents(tx: Tx) -> list[int]:
    return [row["id"] for row in await tx.rows("SELECT id FROM parent ORDER BY id")]


async def children(tx: Tx) -> list[int]:
    return [row["parent"] for row in await tx.rows("SELECT parent FROM child ORDER BY parent")]


async def test_what_waits_is_there_when_it_is_read_and_after_the_commit(database: Database) -> None:
    """A row and one that refers to it go in one journey."""

    async def unit(tx: Tx) -> tuple[list[int], list[int]]:
        await parent(tx, 1)
        await child(tx, 1)
        return await parents(tx), await children(tx)

    assert ([1], [1]) == await database.write(unit)
    assert ([1], [1]) == (await database.read(parents), await database.read(children))


async def test_two_changes_of_one_table_come_in_their_order(database: Database) -> None:
    """One statement may not change a row twice: the second would be lost."""

    async def unit(tx: Tx) -> None:
        await parent(tx, 1)
        await tx.later("parent", "UPDATE parent SET id = id + 1 WHERE id = ?", 1)
        await tx.later("parent", "UPDATE parent SET id = id + 1 WHERE id = ?", 2)

    await database.write(unit)
    assert [3] == await database.read(parents)


async def test_a_change_that_finds_no_row_undoes_the_unit(database: Database) -> None:
    """Somebody else was first: it is run again, and told at last that it cannot be done."""
    tries = 0

    async def unit(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        await parent(tx, 1)
        await tx.later("child", "UPDATE child SET parent = 1 WHERE parent = ?", 7)

    with pytest.raises((Conflict, Unusable), match="nothing of child was changed"):
        await database.write(unit)
    assert [] == await database.read(parents)
    assert tries == (1 if not database.shared else 6)


@pytest.mark.parametrize("missing", ["parent", "child"])
async def test_of_two_changes_that_must_find_a_row_either_undoes_the_unit(database: Database, missing: str) -> None:
    """Each is asked whether it did, whichever was said first."""
    number = {"parent": 1, "child": 1, missing: 7}

    async def unit(tx: Tx) -> None:
        await tx.later("parent", "UPDATE parent SET said = 'x' WHERE id = ?", number["parent"])
        await tx.later("child", "UPDATE child SET parent = 1 WHERE id = ?", number["child"])
        await tx.later("coming", "INSERT INTO coming (id) VALUES (?)", 1)

    async def family(tx: Tx) -> None:
        await parent(tx, 1)
        await child(tx, 1)

    await database.write(family)
    with pytest.raises((Conflict, Unusable), match=f"nothing of {missing} was changed"):
        await database.write(unit)
    assert [] == await in_order(database)


async def test_savepoints_within_and_after_each_other_take_back_their_own(database: Database) -> None:
    """The server hears late that one was left: that changes nothing for the next of its name, or for the one around it."""

    async def fails(tx: Tx, number: int) -> None:
        async with tx.savepoint():
            await put(tx, number)
            raise RuntimeError("inside")

    async def around(tx: Tx, number: int, *, fault: bool) -> None:
        async with tx.savepoint():
            async with tx.savepoint():
                await put(tx, number)
            with pytest.raises(RuntimeError):
                await fails(tx, number + 1)
            await put(tx, number + 2)
            if fault:
                raise RuntimeError("around")

    async def unit(tx: Tx) -> None:
        await around(tx, 10, fault=False)
        await put(tx, 1)
        with pytest.raises(RuntimeError):
            await around(tx, 20, fault=True)
        with pytest.raises(RuntimeError):
            await fails(tx, 30)
        await around(tx, 40, fault=False)

    await database.write(unit)
    assert [10, 12, 1, 40, 42] == await in_order(database)


async def test_what_a_row_violates_is_said_and_nothing_is_kept(database: Database) -> None:
    """A second row of one key, found when it is sent."""
    await database.write(lambda tx: parent(tx, 2))

    async def unit(tx: Tx) -> None:
        await child(tx, 2)
        await parent(tx, 2)

    with pytest.raises(Violated):
        await database.write(unit)
    assert ([2], []) == (await database.read(parents), await database.read(children))


async def test_a_savepoint_takes_back_what_waits_inside_and_no_more(database: Database) -> None:
    """What waited before it stays."""

    async def inside(tx: Tx) -> None:
        async with tx.savepoint():
            await parent(tx, 2)
            raise RuntimeError("inside")

    async def unit(tx: Tx) -> None:
        await parent(tx, 1)
        with pytest.raises(RuntimeError):
            await inside(tx)
        await child(tx, 1)

    await database.write(unit)
    assert ([1], [1]) == (await database.read(parents), await database.read(children))


async def test_what_fails_when_it_is_sent_is_undone_to_its_savepoint(database: Database) -> None:
    """A message that cannot be worked is set aside in the very unit in which it failed."""
    await database.write(lambda tx: parent(tx, 2))

    async def inside(tx: Tx) -> None:
        async with tx.savepoint():
            await child(tx, 2)
            await parent(tx, 2)

    async def unit(tx: Tx) -> None:
        await parent(tx, 1)
        with pytest.raises(Violated):
            await inside(tx)
        await child(tx, 1)

    await database.write(unit)
    assert ([1, 2], [1]) == (await database.read(parents), await database.read(children))


async def test_a_hook_before_the_commit_sees_it_done(database: Database) -> None:
    """What a crash point stands between is the commit alone: all of the unit was said."""
    seen: list[str] = []

    await database.write(lambda tx: parent(tx, 1))

    async def unit(tx: Tx) -> None:
        tx.before_commit.append(lambda: seen.append("before the commit"))
        await parent(tx, 1)

    with pytest.raises(Violated):
        await database.write(unit)
    assert [] == seen

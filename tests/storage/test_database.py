"""One unit of work is whole or it is not there, on whichever engine: the laws of `storage.database`."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casework.errors import NotAllowed
from storage.database import Database, Tx, Unusable, Violated, name_of
from tests import databases
from tests.databases import ON_BOTH
from tests.storage.houses import a_database
from tests.storage.units import Gate, ids, put, put_child, two_tables

pytestmark = ON_BOTH


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with two_tables(tmp_path) as opened:
        yield opened


async def test_a_unit_that_fails_leaves_nothing(database: Database) -> None:
    """P3: half a unit is never committed."""

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        raise RuntimeError("after the first half")

    with pytest.raises(RuntimeError):
        await database.write(unit)
    assert [] == await ids(database)


async def test_every_kind_of_end_rolls_back(database: Database) -> None:
    """Rollback on every BaseException: a cancelled unit must not leave an open transaction to the next (A9)."""

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await database.write(unit)
    await database.write(lambda tx: put(tx, 2))
    assert [2] == await ids(database)


async def test_a_cancelled_waiter_does_not_break_the_unit_it_waits_for(database: Database) -> None:
    """A9, 35: a unit once begun ends whole although nobody waits for it any more."""
    gate, ended = Gate(), Gate()

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        await gate.wait(tx)
        await put(tx, 2)
        tx.after_commit.append(ended.arrive)

    waiter = asyncio.create_task(database.write(unit))
    await gate.reached()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    gate.open()
    await ended.reached()
    await database.write(lambda tx: put(tx, 3))
    assert [1, 2, 3] == await ids(database)


async def test_closing_ends_what_was_begun(database: Database, tmp_path: Path) -> None:
    """A unit that was handed over before the end is in the database after it."""
    gate = Gate()

    async def unit(tx: Tx) -> None:
        await gate.wait(tx)
        await put(tx, 1)

    task = asyncio.create_task(database.write(unit))
    await gate.reached()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    gate.open()
    await closing
    await task
    async with a_database(tmp_path) as again:
        assert [1] == await ids(again)


async def test_a_refused_row_does_not_poison_its_unit(database: Database) -> None:
    """A unique violation inside a savepoint undoes the savepoint alone."""

    async def two_then_one_again(tx: Tx) -> None:
        async with tx.savepoint():
            await put(tx, 2)
            async with tx.savepoint():
                await put(tx, 3)
            await put(tx, 1)

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        with pytest.raises(Violated) as refused:
            await two_then_one_again(tx)
        assert refused.value.unique
        await put(tx, 4)

    await database.write(unit)
    assert [1, 4] == await ids(database)


async def test_a_reference_to_nothing_is_refused(database: Database) -> None:
    """What the schema promises is looked at, at the latest when the unit is committed; the next unit is not troubled."""
    with pytest.raises(Violated) as refused:
        await database.write(lambda tx: put_child(tx, 1, parent=99))
    assert not refused.value.unique

    async def unit(tx: Tx) -> None:
        await put_child(tx, 1, parent=5)
        await put(tx, 5)

    await database.write(unit)
    assert [5] == await ids(database)


async def test_crash_points_of_an_undone_savepoint_are_not_passed(database: Database) -> None:
    """A crash point named after a thing is passed only by a unit that holds it, once, before and after its commit."""
    passed: list[str] = []

    async def a_report_that_fails(tx: Tx) -> None:
        async with tx.savepoint():
            tx.around_commit("report", passed.append)
            raise ZeroDivisionError

    async def unit(tx: Tx) -> None:
        tx.around_commit("inbox", passed.append)
        tx.around_commit("inbox", passed.append)
        with pytest.raises(ZeroDivisionError):
            await a_report_that_fails(tx)
        await put(tx, 1)

    await database.write(unit)
    assert ["inbox.before_commit", "inbox.after_commit"] == passed


async def test_readers_see_only_what_was_committed(database: Database) -> None:
    """Reads have connections of their own: half a transaction is seen by nobody."""
    gate = Gate()

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        await gate.wait(tx)

    writing = asyncio.create_task(database.write(unit))
    await gate.reached()
    assert [] == await ids(database)
    gate.open()
    await writing
    assert [1] == await ids(database)


async def test_a_reader_sees_one_moment(database: Database) -> None:
    """What is committed while a reader reads is not in the second half of what it reads."""
    gate, seen = Gate(), list[int]()

    async def look(tx: Tx) -> None:
        for _ in range(2):
            seen.append(len(await tx.rows("SELECT id FROM parent")))
            await gate.wait(tx)

    reading = asyncio.create_task(database.read(look))
    await gate.reached()
    await database.write(lambda tx: put(tx, 1))
    gate.open()
    await reading
    assert [0, 0] == seen
    assert [1] == await ids(database)


async def test_a_reader_cannot_write(database: Database) -> None:
    """What only looks is held to it."""
    with pytest.raises(Unusable):
        await database.read(lambda tx: put(tx, 1))
    assert [] == await ids(database)


async def test_a_thousand_units_at_once_are_all_done(database: Database) -> None:
    """None is lost and none sees another's half."""
    await asyncio.gather(*(database.write(lambda tx, n=n: put(tx, n)) for n in range(1000)))  # type: ignore[misc]
    assert list(range(1000)) == await ids(database)


async def test_others_may_read_beside_the_house(database: Database, tmp_path: Path) -> None:
    """A command that reads opens the database read-only while the house runs, and cannot write."""
    await database.write(lambda tx: put(tx, 7))
    async with await Database.open(databases.url(tmp_path), read_only=True) as beside:
        assert [7] == await ids(beside)
        with pytest.raises(NotAllowed):
            await beside.write(lambda tx: put(tx, 8))


async def test_a_database_is_known_by_its_name_and_not_by_a_secret(database: Database, tmp_path: Path) -> None:
    """What a running house and its commands know each other by holds no password."""
    assert name_of(databases.url(tmp_path)) == database.name
    assert "hush" not in name_of("postgresql://porch:hush@db.example/house")


async def test_another_scheme_is_refused() -> None:
    """In words, before anything is opened."""
    for url in ("mysql://nowhere", "house.db", ""):
        with pytest.raises(NotAllowed):
            await Database.open(url)

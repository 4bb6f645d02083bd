"""One unit of work is whole or it is not there: the laws of `storage.database`."""

import asyncio
import inspect
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import pytest

from casework.errors import NotAllowed, OurMistake
from storage.database import AlreadyOpen, Database, Tx, Unusable, Violated
from tests.storage.houses import a_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async def table(tx: Tx) -> None:
        await tx.run("CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT")
        await tx.run("CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id)) STRICT")

    async with a_database(tmp_path) as opened:
        await opened.write(table)
        yield opened


async def ids(database: Database) -> list[int]:
    async def unit(tx: Tx) -> list[int]:
        return [row["id"] for row in await tx.rows("SELECT id FROM parent ORDER BY id")]

    return await database.read(unit)


async def put(tx: Tx, number: int) -> None:
    await tx.run("INSERT INTO parent (id) VALUES (?)", number)


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
    begun, go_on = threading.Event(), threading.Event()

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        begun.set()
        assert go_on.wait(10)
        await put(tx, 2)

    waiter = asyncio.create_task(database.write(unit))
    await asyncio.to_thread(begun.wait)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    go_on.set()
    await database.write(lambda tx: put(tx, 3))
    assert [1, 2, 3] == await ids(database)


async def test_closing_ends_what_was_begun(database: Database, tmp_path: Path) -> None:
    """A unit that was handed over before the end is in the file after it."""
    task = asyncio.create_task(database.write(lambda tx: put(tx, 1)))
    await asyncio.sleep(0)
    await database.close()
    await task
    async with a_database(tmp_path) as again:
        assert [1] == await ids(again)


async def test_a_unit_may_wait_for_nothing_but_its_own_statements(database: Database) -> None:
    """A unit that awaits the network would hold the only writer: refused, and undone."""

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        await asyncio.sleep(0)

    with pytest.raises(OurMistake):
        await database.write(unit)
    assert [] == await ids(database)


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
        with pytest.raises(Violated):
            await two_then_one_again(tx)
        await put(tx, 4)

    await database.write(unit)
    assert [1, 4] == await ids(database)


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
    begun, go_on = threading.Event(), threading.Event()

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        begun.set()
        assert go_on.wait(10)

    writing = asyncio.create_task(database.write(unit))
    await asyncio.to_thread(begun.wait)
    assert [] == await ids(database)
    go_on.set()
    await writing
    assert [1] == await ids(database)


async def test_a_reader_cannot_write(database: Database) -> None:
    """There is one writer."""
    with pytest.raises(Unusable):
        await database.read(lambda tx: put(tx, 1))


async def test_the_connection_is_as_careful_as_promised(database: Database) -> None:
    """P3: WAL, every commit flushed, foreign keys checked, the schema not trusted with code."""

    async def unit(tx: Tx) -> dict[str, object]:
        names = ("journal_mode", "foreign_keys", "trusted_schema")
        found = {}
        for name in names:
            row = await tx.row(f"PRAGMA {name}")
            assert row is not None
            found[name] = row[0]
        synchronous = await tx.row("PRAGMA synchronous")
        assert synchronous is not None
        return {**found, "synchronous": synchronous[0]}

    expected = {"journal_mode": "wal", "foreign_keys": 1, "trusted_schema": 0, "synchronous": 2}
    assert expected == await database.write(unit)
    with pytest.raises(Violated):
        await database.write(lambda tx: tx.run("INSERT INTO child (id, parent) VALUES (1, 99)"))


async def test_a_thousand_units_at_once_are_all_done(database: Database) -> None:
    """The writer takes units one after another; none is lost and none sees another's half."""
    await asyncio.gather(*(database.write(lambda tx, n=n: put(tx, n)) for n in range(1000)))  # type: ignore[misc]
    assert list(range(1000)) == await ids(database)


async def test_a_second_house_is_refused(database: Database) -> None:
    """P19: two processes never act on one casebook; the lock is the system's, so a kill frees it."""
    program = (
        "import asyncio, sys\n"
        "from storage.database import AlreadyOpen, Database\n"
        "try:\n"
        "    asyncio.run(Database.open(sys.argv[1]))\n"
        "except AlreadyOpen:\n"
        "    sys.exit(42)\n"
    )
    url = f"sqlite:///{database.name}"
    with pytest.raises(AlreadyOpen):
        await Database.open(url)
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program, url], check=False)
    assert 42 == ended.returncode


async def test_others_may_read_beside_the_house(database: Database) -> None:
    """A command that reads opens the database read-only while the house runs, and cannot write."""
    await database.write(lambda tx: put(tx, 7))
    beside = await Database.open(f"sqlite:///{database.name}", read_only=True)
    assert [7] == await ids(beside)
    with pytest.raises(NotAllowed):
        await beside.write(lambda tx: put(tx, 8))
    await beside.close()


async def test_only_sqlite_is_opened_here(tmp_path: Path) -> None:
    """Another scheme is refused in words, and so is a file that is not there when only reading."""
    with pytest.raises(NotAllowed):
        await Database.open("mysql://nowhere")
    with pytest.raises(NotAllowed):
        await Database.open(f"sqlite:///{tmp_path / 'none.db'}", read_only=True)


def test_the_one_private_call_is_still_what_we_think() -> None:
    """`aiosqlite.Connection._execute(fn, *args)` runs a function on the connection's thread; a change shows here."""
    assert ["self", "fn", "args", "kwargs"] == list(inspect.signature(aiosqlite.Connection._execute).parameters)
    assert isinstance(inspect.getattr_static(aiosqlite.Connection, "_conn"), property)

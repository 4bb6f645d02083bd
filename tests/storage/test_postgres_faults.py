"""Whatever happens between a node and its server, a unit of work is done once: undone ones are done anew, lost commits
are looked up."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from casework.errors import NotAllowed
from casework.events import NoteMade
from storage.database import Database, Tx, Unusable, Violated
from storage.postgres import TRIES, PostgresDatabase
from tests import databases
from tests.databases import ON_POSTGRESQL
from tests.storage.houses import EVENING, a_house
from tests.storage.relay import Fate, relayed
from tests.storage.units import ids, in_order, put, two_tables

pytestmark = ON_POSTGRESQL


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with two_tables(tmp_path) as opened:
        yield opened


async def counted(tx: Tx) -> None:
    """Write one more row down; done twice, it shows."""
    await tx.run("INSERT INTO coming (id) VALUES (7)")


async def terminated(tx: Tx) -> None:
    """Have the server end the line of this unit, as an administrator does."""
    row = await tx.row("SELECT pg_backend_pid() AS pid")
    assert row is not None
    await asyncio.to_thread(databases.server().run, f"SELECT pg_terminate_backend({row['pid']}, 5000)")


# ---- others were faster --------------------------------------------------------------------------


async def test_a_unit_undone_by_a_deadlock_is_done_anew(database: Database) -> None:
    """Two units that hold what the other needs: the server undoes one, and in the end both are done."""
    await database.write(lambda tx: put(tx, 1))
    await database.write(lambda tx: put(tx, 2))
    met, tries = asyncio.Barrier(2), 0

    async def unit(tx: Tx, first: int, second: int) -> None:
        nonlocal tries
        tries += 1
        await tx.run("SET LOCAL deadlock_timeout = '50ms'")
        await tx.run("UPDATE parent SET said = said || ? WHERE id = ?", "x", first)
        if tries <= 2:
            await met.wait()
        await tx.run("UPDATE parent SET said = said || ? WHERE id = ?", "x", second)

    await asyncio.gather(database.write(lambda tx: unit(tx, 1, 2)), database.write(lambda tx: unit(tx, 2, 1)))
    rows = await database.read(lambda tx: tx.rows("SELECT said FROM parent"))
    assert (["xx", "xx"], 3) == ([row["said"] for row in rows], tries)


async def test_who_finds_that_another_was_first_looks_again(database: Database) -> None:
    """Two units that both saw nothing and write the same row: the second runs again and finds the first one's."""
    met, found = asyncio.Barrier(2), list[bool]()

    async def unit(tx: Tx) -> None:
        there = await tx.row("SELECT id FROM parent WHERE id = 1") is not None
        found.append(there)
        if len(found) <= 2:
            await met.wait()
        if not there:
            await put(tx, 1)

    await asyncio.gather(database.write(unit), database.write(unit))
    assert ([False, False, True], [1]) == (found, await in_order(database))


async def test_a_row_that_is_always_there_is_refused_in_the_end(database: Database) -> None:
    """A unit is not run for ever; in its last run a refusal is its own to bear."""
    await database.write(lambda tx: put(tx, 1))
    again: list[bool] = []

    async def unit(tx: Tx) -> None:
        again.append(tx.again(Violated("", unique=True)))
        await put(tx, 1)

    with pytest.raises(Violated):
        await database.write(unit)
    assert [True] * (TRIES - 1) + [False] == again


# ---- the line is lost ----------------------------------------------------------------------------


async def test_a_unit_whose_line_was_ended_is_done_anew(database: Database) -> None:
    """What it had written is undone by the server; it is in the database once."""
    tries = 0

    async def unit(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        await counted(tx)
        if tries == 1:
            await terminated(tx)
        await counted(tx)

    await database.write(unit)
    assert (2, [7, 7]) == (tries, await in_order(database))


async def test_a_savepoint_on_a_lost_line_ends_with_its_unit(database: Database) -> None:
    """Who catches faults of single pieces of work does not catch this one: the whole unit is done anew."""
    tries = 0

    async def unit(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        await counted(tx)
        try:
            async with tx.savepoint():
                if tries == 1:
                    await terminated(tx)
                await counted(tx)
        except Exception as fault:
            if tx.again(fault):
                raise

    await database.write(unit)
    assert (2, [7, 7]) == (tries, await in_order(database))


async def test_a_reader_whose_line_was_ended_looks_again(database: Database) -> None:
    """Nothing was changed, so nothing is in the way of looking once more."""
    tries = 0

    async def look(tx: Tx) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            await terminated(tx)
        return len(await tx.rows("SELECT id FROM parent"))

    assert (0, 2) == (await database.read(look), tries)


@pytest.mark.parametrize("used", [False, True], ids=["a new line", "a line that was used"])
@pytest.mark.parametrize(
    ("fate", "runs"),
    [("never arrives", 2), ("arrives, its answer does not", 1), ("arrives when the line is long gone", 1)],
)
async def test_a_commit_whose_answer_is_lost_is_looked_up(tmp_path: Path, fate: Fate, runs: int, used: bool) -> None:
    """P4: nobody guesses whether it was kept. If it was, the unit is not run again; if not, it is."""
    url = databases.url(tmp_path, empty=True)
    kept: list[int] = []
    tries = 0

    async def unit(tx: Tx) -> int:
        nonlocal tries
        tries += 1
        await counted(tx)
        tx.after_commit.append(lambda: kept.append(tries))
        return tries

    async with two_tables(url) as beside, relayed(url) as (relay, through):
        async with await PostgresDatabase.begin(through, lines=2, lease=timedelta(seconds=30)) as node:
            if used:
                await node.write(lambda tx: put(tx, 1))
            relay.fate = fate
            assert runs == await node.write(unit)
        assert (1, [runs], [7]) == (relay.met, kept, [each for each in await in_order(beside) if each == 7])


async def test_a_server_that_falls_down_and_gets_up_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """P3, P4: eight people go on writing notes while the server crashes; each note is in the log once, the chain whole."""
    async with a_house(tmp_path) as house:
        case_id = await house.opens()
        numbers, up = itertools.count(1), asyncio.Event()

        async def somebody() -> int:
            written = 0
            while not (up.is_set() and written):
                await house.record(case_id, NoteMade, at=EVENING - timedelta(seconds=next(numbers)))
                written += 1
            return written

        async with asyncio.timeout(60):
            people = [asyncio.create_task(somebody()) for _ in range(8)]
            await asyncio.to_thread(databases.server().crash)
            up.set()
            written = sum(await asyncio.gather(*people))
        log = await house.rows("SELECT at FROM v_event WHERE kind = 'NoteMade'")
        assert written == len({row["at"] for row in log}) == len(log)
        assert [] == await house.findings()


async def test_a_server_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """No server, no such database, no such user: in the house's words, at once."""
    there = databases.url(tmp_path)
    nobody, nowhere = there.replace("postgres@", "nobody@"), there.replace("?", "x?")
    for url in ("postgresql://postgres@127.0.0.1:1/house", nowhere, nobody):
        with pytest.raises(Unusable):
            await Database.open(url)


# ---- what a line promises ------------------------------------------------------------------------


async def test_a_line_is_as_careful_as_promised(database: Database) -> None:
    """P3: every commit is flushed before it is answered; a node that stops is cut off before another waits too long."""

    async def unit(tx: Tx) -> list[object]:
        names = ("synchronous_commit", "idle_in_transaction_session_timeout", "lock_timeout", "transaction_isolation")
        rows = [await tx.row(f"SHOW {name}") for name in names]
        return [row[0] for row in rows if row is not None]

    assert ["on", "4s", "10s", "read committed"] == await database.write(unit)


async def test_who_opened_for_reading_cannot_write_by_any_way(tmp_path: Path) -> None:
    """Neither by a unit nor behind its back: the server itself refuses it."""
    async with two_tables(tmp_path), await Database.open(databases.url(tmp_path), read_only=True) as beside:
        with pytest.raises(NotAllowed):
            await beside.write(lambda tx: put(tx, 1))
        with pytest.raises(Unusable):
            await beside.read(lambda tx: put(tx, 1))
        assert [] == await ids(beside)


async def test_a_statement_that_is_wrong_in_itself_is_our_mistake(database: Database) -> None:
    """It is not run again and not called the engine's fault."""
    tries = 0

    async def unit(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        await tx.run("SELEC 1")

    with pytest.raises(asyncpg.PostgresSyntaxError):
        await database.write(unit)
    assert 1 == tries

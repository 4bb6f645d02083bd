"""What only an engine with many nodes has to prove: one that stands still is cut off, and does no harm when it wakes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from storage.database import Tx
from storage.postgres import PostgresDatabase
from tests import databases
from tests.databases import ON_POSTGRESQL

pytestmark = ON_POSTGRESQL

LEASE = timedelta(milliseconds=200)


@asynccontextmanager
async def a_node(folder: Path, lease: timedelta = LEASE) -> AsyncIterator[PostgresDatabase]:
    async with await PostgresDatabase.begin(databases.url(folder), lease=lease) as database:
        yield database


async def a_table(tx: Tx) -> None:
    await tx.run("CREATE TABLE parent (id INTEGER PRIMARY KEY, counted INTEGER NOT NULL DEFAULT 0)")
    await tx.run("INSERT INTO parent (id) VALUES (1)")


async def count(tx: Tx) -> None:
    await tx.row(f"SELECT id FROM parent WHERE id = 1{tx.hold}")
    await tx.run("UPDATE parent SET counted = counted + 1")


async def counted(database: PostgresDatabase) -> int:
    row = await database.read(lambda tx: tx.row("SELECT counted FROM parent"))
    assert row is not None
    return int(row["counted"])


def out_of_time() -> None:
    """All of this process stands still for longer than its lease, as after SIGSTOP."""
    time.sleep(3 * LEASE.total_seconds())


async def stand_still(turns: int) -> None:
    """Outlive the lease; then the loop turns so many times."""
    out_of_time()
    for _ in range(turns):
        await asyncio.sleep(0)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("where", ["before a statement", "before the commit"])
async def test_a_unit_that_was_cut_off_runs_again_from_its_beginning(tmp_path: Path, turns: int, where: str) -> None:
    """Whenever the server's last word on the line is read, what it undid is done anew, once."""
    async with a_node(tmp_path) as node:
        await node.write(a_table)
        tries = 0

        async def unit(tx: Tx) -> None:
            nonlocal tries
            tries += 1
            if tries == 1 and where == "before a statement":
                await stand_still(turns)
            await count(tx)
            if tries == 1 and where == "before the commit":
                await stand_still(turns)

        await node.write(unit)
        assert (2, 1) == (tries, await counted(node))


async def test_a_row_is_free_when_the_lease_of_who_holds_it_is_out(tmp_path: Path) -> None:
    """The next node waits for the lease and no longer; the one that held the row finds what was done meanwhile."""
    async with a_node(tmp_path) as sleeper, a_node(tmp_path, timedelta(seconds=30)) as other:
        await other.write(a_table)
        found: list[int] = []

        async def unit(tx: Tx) -> None:
            row = await tx.row(f"SELECT counted FROM parent WHERE id = 1{tx.hold}")
            assert row is not None
            found.append(row["counted"])
            if len(found) == 1:
                await other.write(count)  # waits for the row; meanwhile nothing more is said on this unit's line
            await count(tx)

        await sleeper.write(unit)
        assert ([0, 1], 2) == (found, await counted(other))


async def test_who_leads_cuts_off_what_stopped_in_the_middle_of_a_statement(tmp_path: Path) -> None:
    """To the server such a line is at work, and no lease of its own runs: the rows it holds must be free all the same."""

    async def unit(tx: Tx) -> None:
        await tx.row("SELECT id FROM parent FOR UPDATE NOWAIT")
        await count(tx)

    async with a_node(tmp_path) as node:
        await node.write(a_table)
        line = await asyncpg.connect(databases.url(tmp_path), server_settings={"application_name": "porchlight"})
        try:
            await line.execute("BEGIN; UPDATE parent SET counted = 100; SAVEPOINT s0")
            await line.prepare("SELECT counted FROM parent")  # its second half, with which it is run, never comes
            out_of_time()
            assert await node.leads()
            await node.write(unit)
        finally:
            line.terminate()
        assert 1 == await counted(node)


async def test_who_waits_for_what_stopped_in_the_middle_of_a_statement_cuts_it_off(tmp_path: Path) -> None:
    """Nobody leads: the bell that would come to lead may be the one that waits, for up to a minute without this."""
    async with a_node(tmp_path) as node:
        await node.write(a_table)
        line = await asyncpg.connect(databases.url(tmp_path), server_settings={"application_name": "porchlight"})
        try:
            await line.execute("BEGIN; UPDATE parent SET counted = 100; SAVEPOINT s0")
            await line.prepare("SELECT counted FROM parent")
            await node.write(count)
        finally:
            line.terminate()
        assert 1 == await counted(node)


async def test_who_leads_leaves_the_lines_that_are_at_work(tmp_path: Path) -> None:
    """A long statement of a node that lives is no stopped node."""
    tries = 0

    async def unit(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        await count(tx)
        await tx.rows(f"SELECT pg_sleep({4 * LEASE.total_seconds()})")

    async with a_node(tmp_path) as node, a_node(tmp_path) as other:
        await node.write(a_table)
        working = asyncio.create_task(node.write(unit))
        for _ in range(20):
            await asyncio.wait([working], timeout=LEASE.total_seconds() / 4)
            assert await other.leads()
        await working
        assert 1 == tries


async def test_one_node_leads_until_it_falls_silent(tmp_path: Path) -> None:
    """A leader that stands still for longer than its lease has lost its place before it can look."""
    async with a_node(tmp_path) as first, a_node(tmp_path, timedelta(seconds=30)) as second:
        assert await first.leads()
        assert not await second.leads()
        assert await first.leads()
        await stand_still(0)
        assert await second.leads()
        assert not await first.leads()


async def test_a_leader_that_ends_leaves_its_place_at_once(tmp_path: Path) -> None:
    """Nobody waits for the lease of a node that was stopped in good order."""
    async with a_node(tmp_path, timedelta(seconds=30)) as second:
        async with a_node(tmp_path, timedelta(seconds=30)) as first:
            assert await first.leads()
            assert not await second.leads()
        assert await second.leads()

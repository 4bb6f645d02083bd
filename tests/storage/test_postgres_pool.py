"""The lines to a server: each has a slot of its own, or the answer about a lost commit would be another line's."""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from storage.postgres_pool import Pool
from tests import databases
from tests.databases import ON_POSTGRESQL

pytestmark = ON_POSTGRESQL


async def test_lines_that_are_made_at_once_have_slots_of_their_own(tmp_path: Path) -> None:
    """Seen failing: all lines that were made while the first connected shared its slot, and waited for each other."""
    pool = Pool(databases.url(tmp_path), 8, timedelta(seconds=4), read_only=False)
    await pool.begin()
    met, slots = asyncio.Barrier(8), list[str]()

    async def work() -> None:
        async with pool.wire() as wire:
            await wire.begin()
            slots.append(wire.slot)
            await met.wait()  # every one holds its slot's row: two of one slot would never meet here
            await wire.commit()

    async with asyncio.timeout(30):
        await asyncio.gather(*(work() for _ in range(8)))
    assert 8 == len(set(slots))
    await pool.close()


async def test_a_line_of_which_nobody_knows_whether_it_is_ready_is_given_up(tmp_path: Path) -> None:
    """Whoever made it ready was cut off, and the server had heard: kept, it would refuse every unit that came to it."""
    pool = Pool(databases.url(tmp_path), 1, timedelta(seconds=4), read_only=False)
    await pool.begin()
    async with pool.wire() as wire:
        await wire.connection.execute("PREPARE porchlight_number AS SELECT 1")
        with pytest.raises(asyncpg.DuplicatePreparedStatementError):
            await wire.begin()
    async with pool.wire() as another:
        await another.begin()
        await another.commit()
    assert another is not wire
    await pool.close()

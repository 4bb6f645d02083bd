"""What the house does by itself beside the bells: whatever holds it up, the next deadline rings."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from bot.crash import Crash
from bot.work import Work
from casework.events import WorryRaised
from tests import databases
from tests.databases import ON_POSTGRESQL
from tests.storage.houses import a_house

pytestmark = ON_POSTGRESQL  # elsewhere nobody else can hold a letter's rows

STUCK_SECONDS = 8  # sooner than a wait for another's rows is given up


@pytest.mark.slow
async def test_no_deadline_waits_for_a_letter_whose_rows_another_node_holds(tmp_path: Path) -> None:
    """A letter that is held up is to go another way, and a node that stands still has it; another child's deadline is due."""
    async with a_house(tmp_path) as house:
        stuck = await house.opens("K7")
        await house.record(stuck, WorryRaised, by="alice", flags=("R16",))
        due = await house.opens("K8")
        house.clock.after(minutes=4)
        line = await asyncpg.connect(databases.url(tmp_path))
        work = Work(house.casebook, {}, house.clock, Crash(), lambda heard: pytest.fail("nothing was heard"))
        try:
            await line.execute("BEGIN")
            assert await line.fetch("SELECT id FROM outbox WHERE case_id = $1 AND state = 'queued' FOR UPDATE", stuck)
            async with asyncio.timeout(STUCK_SECONDS):
                await work.tick()
                house.clock.after(minutes=30)
                await work.tick()
            rung = await house.rows("SELECT kind FROM event WHERE case_id = ? AND kind = 'DeadlinePassed'", due)
            assert rung
        finally:
            await line.close()
            await work.sleep()

"""Random nights through the one door: whatever people do, the books stay whole."""

import asyncio
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings

from casework.events import Child
from casework.levels import Side
from storage.desk import Desk
from tests.builders import Night, the_protocol
from tests.databases import ON_BOTH
from tests.properties.nights import Act, acts, children, lateness, starts, told
from tests.storage.houses import House, a_house, opening

pytestmark = ON_BOTH


async def played(folder: Path, child: Child, start: datetime, late: int, script: list[Act]) -> None:
    """Play a night through the casebook, saved and read back between any two pieces of news."""
    async with a_house(folder) as house:
        house.clock.instant = start
        case_id = await open_for(house, replace(child, child_id="K7"), start - timedelta(minutes=late))
        for act in script:
            await house.silence(house.clock.now() + timedelta(minutes=act.wait))
            night = Night(the_protocol(), house.clock.now(), case=await house.case(case_id))
            news = told(night, act)
            if news is not None:
                await house.casebook.record(case_id, news)
        assert [] == await house.findings()
        texts = await house.rows("SELECT body FROM outbox WHERE channel IN ('sms', 'telegram')")
        assert all(row["body"] and "{" not in row["body"] for row in texts)


async def open_for(house: House, child: Child, t0: datetime) -> str:
    """Open the case of a child who is not as the register says."""

    async def act(desk: Desk) -> str:
        side = Side.PARENT if child.at_home else Side.STAFF
        by, channel = ("pat", "sms") if child.at_home else ("alice", "telegram")
        changes = {"child": child, "t0": t0, "side": side, "reporter": by, "reporter_channel": channel}
        case_id: str = await opening("K7", by, **changes)(desk)
        return case_id

    return await house.casebook.at_desk(act)


@settings(max_examples=25)
@given(child=children, start=starts, late=lateness, script=acts)
def test_any_night_leaves_the_books_whole(child: Child, start: datetime, late: int, script: list[Act]) -> None:
    """P1, P4, P5, P7, P8, P12, P15 hold after any night: `verify` has nothing to say, and every letter is filled in."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(played(Path(folder), child, start, late, script))

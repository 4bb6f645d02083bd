"""Killed at any point, the house is found whole: the effect is there once, or comes with the message or the hour."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.crash import KILLED, Crash
from casework.events import CloseAsked
from casework.levels import Status
from tests import databases
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, House, a_house, opening
from tests.storage.test_casebook import a_message

pytestmark = ON_BOTH

UNTIL = EVENING + timedelta(hours=1)
PROGRAM = """
import asyncio, sys
from bot.crash import Crash
from tests.storage.test_casebook import closed
from tests.storage.test_crash import night, start

asyncio.run(start(sys.argv[1], Crash(sys.argv[2]), {"night": night, "closed": closed}[sys.argv[3]]))
"""


async def night(house: House) -> None:
    """A message opens a case, and then nobody answers for an hour. It can be begun again at any time."""
    await house.casebook.hear(a_message(1), opening("K7"))
    await house.silence(UNTIL)


async def start(url: str, crash: Crash, script: Callable[[House], Awaitable[object]]) -> None:
    """A script in a process of its own, which ends at a crash point."""
    async with a_house(url, crash=crash) as house:
        await script(house)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    "point",
    ["inbox.before_commit", "inbox.after_commit", "deadline.before_commit", "deadline.after_commit",
     "ladder.before_next", "report.before_commit", "report.after_commit"],
)  # fmt: skip
async def test_a_house_killed_at_a_crash_point_goes_on_as_if_it_had_not_been(
    tmp_path: Path, point: str, times: int
) -> None:
    """P1, P4, P5: no lost deadline, no second effect, no second report, whatever the moment of the kill."""
    killed = await _run(tmp_path, f"{point}:{times}", "night")
    assert killed == KILLED or (killed == 0 and times == 3)
    async with a_house(tmp_path, seed="after") as house:
        assert [] == await house.findings()
        await night(house)
        case = await house.case((await house.row("SELECT id FROM v_case"))["id"])
        versions = [row["version"] for row in await house.rows("SELECT version FROM v_report ORDER BY version")]
        openings = await house.rows("SELECT * FROM v_event WHERE kind = 'AbsenceReported'")
        assert (Status.MISSING, 1, [1]) == (case.status, len(openings), versions)
        assert [] == await house.findings()


@pytest.mark.slow
@pytest.mark.parametrize(("point", "found"), [("close.before_commit", "returned"), ("close.after_commit", "closed")])
async def test_a_close_is_whole_or_was_never_asked(tmp_path: Path, point: str, found: str) -> None:
    """P8: killed before the commit the case is open with its deadlines; after it, closed and silent."""
    assert KILLED == await _run(tmp_path, point, "closed")
    async with a_house(tmp_path, seed="after") as house:
        row = await house.row("SELECT id, state FROM v_case")
        assert found == row["state"] and [] == await house.findings()
        house.clock.after(hours=2)
        await house.record(row["id"], CloseAsked, by="mo")
        assert "closed" == (await house.row("SELECT state FROM v_case"))["state"]
        assert [] == await house.findings()


async def _run(folder: Path, wish: str, script: str) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, databases.url(folder), wish, script)
    return await process.wait()

"""Killed at any point, the house is found whole: the effect is there once, or comes with the message or the hour."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.crash import KILLED
from casework.levels import Status
from tests.storage.houses import EVENING, House, a_house, opening
from tests.storage.test_casebook import a_message

UNTIL = EVENING + timedelta(hours=1)
NIGHT = """
import asyncio, sys
from pathlib import Path
from bot.crash import Crash
from tests.storage.test_crash import night, start

asyncio.run(start(Path(sys.argv[1]), Crash(sys.argv[2])))
"""


async def night(house: House) -> None:
    """A message opens a case, and then nobody answers for an hour. It can be begun again at any time."""
    await house.casebook.hear(a_message(1), opening("K7"))
    await house.silence(UNTIL)


async def start(folder: Path, crash: object) -> None:
    """The same night in a process of its own, which ends at a crash point."""
    async with a_house(folder, crash=crash) as house:  # type: ignore[arg-type]
        await night(house)


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
    killed = await _run(tmp_path, f"{point}:{times}")
    assert killed == KILLED or (killed == 0 and times == 3)
    async with a_house(tmp_path, seed="after") as house:
        assert [] == await house.findings()
        await night(house)
        case = await house.case((await house.row("SELECT id FROM v_case"))["id"])
        versions = [row["version"] for row in await house.rows("SELECT version FROM v_report ORDER BY version")]
        openings = await house.rows("SELECT * FROM v_event WHERE kind = 'AbsenceReported'")
        assert (Status.MISSING, 1, [1]) == (case.status, len(openings), versions)
        assert [] == await house.findings()


async def _run(folder: Path, wish: str) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", NIGHT, str(folder), wish)
    return await process.wait()

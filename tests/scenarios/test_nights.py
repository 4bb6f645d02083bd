"""Every written night: through the rooms alone, and through the real clients of both providers over HTTP.

On both stages everything is closed and opened again between every two steps, so that what a night needs is in the
database; a message that is missing, and one that nobody expected, is a line of the difference. On PostgreSQL the house
stays open: each opening is a handful of new lines to the server, two hundred in a night, and took five times as long.
"""

import asyncio
from pathlib import Path

import pytest

from bot.cli.simulate import Found, everything
from bot.protocols import shelf
from bot.scenario import Scenario, differences
from bot.simulate import people_of, simulated
from bot.stage import play
from tests import databases
from tests.databases import ON_BOTH
from tests.phones import phones

pytestmark = ON_BOTH

NIGHTS = everything()
DUE = {"S1", "S2", "S3", "S4", "S5", "S6", "S9", "S10", "S12", "S13"}  # of the domain's acceptance tests
SIDE_BY_SIDE = 5  # aiogram waits a quarter of a second at each closing; five houses wait together


@pytest.mark.parametrize("found", NIGHTS, ids=[each.scenario.scenario_id for each in NIGHTS])
async def test_a_night_is_as_its_file_says(tmp_path: Path, found: Found, engine: str) -> None:
    """What a safeguarding lead reads in a file is what the house does, to the minute and the word."""
    database, reopens = databases.url(tmp_path), engine == "sqlite"
    transcript = await simulated(found.scenario, shelf(None), database=database, reopens=reopens)
    assert differences(found.scenario, transcript) == []


@pytest.mark.slow
async def test_every_night_is_the_same_through_the_real_clients(tmp_path: Path, engine: str) -> None:
    """The same files through aiogram and Twilio's client, over HTTP, state saved and reloaded between every two steps."""
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def played(scenario: Scenario) -> list[str]:
        async with turns:
            folder = tmp_path / scenario.scenario_id
            folder.mkdir()
            async with phones(folder, people_of(scenario), start=scenario.start, reopens=engine == "sqlite") as house:
                wrong = differences(scenario, await play(scenario, house))
                late = [f"+ after the last line: {each}" for each in house.unexpected()]
                house.unexpected().clear()
                return wrong + late

    scenarios = [each.scenario for each in NIGHTS]
    found = await asyncio.gather(*map(played, scenarios))
    wrong = {scenario.scenario_id: lines for scenario, lines in zip(scenarios, found, strict=True) if lines}
    assert not wrong, "\n".join(f"{night}:\n" + "\n".join(lines) for night, lines in wrong.items())


def test_every_night_that_is_due_is_written() -> None:
    """The acceptance tests are files beside their protocol, and every protocol that may be opened has a night."""
    assert {each.scenario.scenario_id for each in NIGHTS} >= DUE
    played = {each.scenario.protocol for each in NIGHTS}
    assert played == {name for name, protocol in shelf(None).items() if protocol.protocol.status != "retired"}

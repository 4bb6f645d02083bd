"""Every written night: through the rooms alone, and through the real clients of both providers over HTTP.

On both stages everything is closed and opened again between every two steps, so that what a night needs is in the
database; a message that is missing, and one that nobody expected, is a line of the difference.
"""

from pathlib import Path

import pytest

from bot.cli.simulate import Found, everything
from bot.protocols import shelf
from bot.scenario import differences
from bot.simulate import people_of, simulated
from bot.stage import play
from tests.phones import phones

NIGHTS = everything()
DUE = {"S1", "S2", "S3", "S4", "S5", "S6", "S9", "S10", "S12", "S13"}  # of the domain's acceptance tests

each_night = pytest.mark.parametrize("found", NIGHTS, ids=[each.scenario.scenario_id for each in NIGHTS])


@each_night
async def test_a_night_is_as_its_file_says(found: Found) -> None:
    """What a safeguarding lead reads in a file is what the house does, to the minute and the word."""
    transcript = await simulated(found.scenario, shelf(None), reopens=True)
    assert differences(found.scenario, transcript) == []


@pytest.mark.slow
@each_night
async def test_a_night_is_the_same_through_the_real_clients(found: Found, tmp_path: Path) -> None:
    """The same file through aiogram and Twilio's client, over HTTP, with state saved and reloaded between every two steps."""
    scenario = found.scenario
    async with phones(tmp_path, people_of(scenario), start=scenario.start, reopens=True) as house:
        transcript = await play(scenario, house)
        assert differences(scenario, transcript) == []
        assert house.unexpected() == []


def test_every_night_that_is_due_is_written() -> None:
    """The acceptance tests are files beside their protocol, and every protocol that may be opened has a night."""
    assert {each.scenario.scenario_id for each in NIGHTS} >= DUE
    played = {each.scenario.protocol for each in NIGHTS}
    assert played == {name for name, protocol in shelf(None).items() if protocol.protocol.status != "retired"}

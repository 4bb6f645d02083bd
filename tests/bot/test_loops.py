"""A house that stays runs on the faster loop where there is one, and gives back the same."""

import asyncio
import importlib.util

import pytest

from bot import loops


async def _which() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@pytest.mark.parametrize("stays", [True, False])
def test_only_a_house_that_stays_waits_for_the_faster_loop(stays: bool) -> None:
    """A command that looks and goes is over before it would be loaded; where it is not installed nobody misses it."""
    installed = importlib.util.find_spec("uvloop") is not None
    assert loops.run(_which(), stays=stays) == ("uvloop" if stays and installed else "asyncio")

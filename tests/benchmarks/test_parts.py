"""Every part of the benchmarks begins to work; how fast it is is not looked at here."""

import importlib
from pathlib import Path

import pytest

from benchmarks import casebook, idle, starting
from benchmarks.__main__ import PARTS


@pytest.mark.parametrize("part", PARTS)
def test_a_part_can_be_asked_for_what_it_measures(part: str):
    """It imports without a database, a server or a compiler, and has the one function that is asked."""
    assert callable(importlib.import_module(f"benchmarks.{part}").run)


async def test_a_night_goes_through_the_casebook(tmp_path: Path):
    """The benchmark is given no engine by any test, and says itself where its house is."""
    assert await casebook.a_night(tmp_path) > 0


@pytest.mark.slow
async def test_a_house_wakes_with_its_child_at_high_first(tmp_path: Path):
    """The process on the copied database ends itself after the first batch; the benchmark looks whether the child was in it."""
    path = tmp_path / "asleep.db"
    high = await starting.asleep(path, times=1, overdue=40)
    fired, ready = await starting.measure(path, high, rounds=1, starts=0)
    assert (len(fired), ready) == (1, [])


@pytest.mark.slow
async def test_a_house_that_is_to_idle_wakes_on_the_real_clock(tmp_path: Path):
    """It runs on the database that was laid out for it, in which everybody is still out."""
    path = tmp_path / "waiting.db"
    await idle.waiting(path, live=200)
    async with idle.awake(path) as house:
        (row,) = house.rows("SELECT count(*) AS armed FROM v_deadline")
    assert row["armed"] >= idle.ORIGINALS

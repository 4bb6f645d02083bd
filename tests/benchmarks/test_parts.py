"""Every part of the benchmarks begins to work; how fast it is is not looked at here."""

import importlib
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchmarks import casebook, doors, growth, herd, idle, nodes, outbox, record, starting, tables, timers
from benchmarks.__main__ import PARTS
from handlers.telegram_commands import COMMANDS
from tests import databases

SLICE_SECONDS, LONGER_SECONDS, FEW = 0.05, 0.3, 2_000  # longer where something leaves by a network


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


async def test_records_are_told_beside_the_raw_rate():
    """Every side has its slice, the statements alone and 64 callers alike."""
    rates = await record.measure("plain", SLICE_SECONDS, rounds=1, children=FEW)
    assert all(rate > 0 for each in rates.values() for rate in each)


async def test_a_record_is_told_beside_a_long_past(tmp_path: Path):
    """Past cases are closed ones, and can be multiplied beside those that are told of."""
    path = tmp_path / "past.db"
    await growth.past(path)
    herd.multiply(path, times=2)
    async with AsyncExitStack() as stack:
        country = await growth.among(path, stack)
        assert await country.tells(growth.CALLERS, SLICE_SECONDS) > 0


async def test_records_are_told_beside_a_plain_event_of_postgresql():
    """On a server of the benchmark's own kind."""
    rates = await nodes.measure(databases.server().url(databases.server().empty()), SLICE_SECONDS)
    assert all(rate > 0 for each in rates.values() for rate in each)


async def test_timers_are_added_and_cancelled_in_our_own_table(tmp_path: Path):
    """A database of its own, and a case that they belong to."""
    async with AsyncExitStack() as stack:
        _, (keeper,) = await timers.ours(f"sqlite:///{tmp_path / 'house.db'}", timers.OURS, stack)
        adds, cancels = await keeper.adds_and_cancels(SLICE_SECONDS)
    assert adds > 0
    assert cancels > 0


async def test_letters_leave_beside_the_clients_alone():
    """An alert is handed over although others wait."""
    before, _ = await outbox.overtaking(waiting=40)
    assert before <= outbox.SLOTS
    assert all(rate > 0 for each in (await outbox.rates(LONGER_SECONDS, rounds=1)).values() for rate in each)


@pytest.mark.slow
async def test_both_doors_are_told_nights_beside_bare_servers(tmp_path: Path):
    """The measurement itself looks whether everything that was answered stands in the database."""
    called = await doors.measure(tmp_path, homes=400, seconds=LONGER_SECONDS, rounds=1)
    assert all(each.answered for slices in called.values() for each in slices)


async def test_an_update_is_told_beside_many_commands(tmp_path: Path):
    """The table is as it was when the measurement is over."""
    before = dict(COMMANDS)
    await tables.measure(tmp_path, SLICE_SECONDS, rounds=1)
    assert before == COMMANDS

"""Clocks: one that is set back is a fault, and the largest instant seen stays in force."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.clock import BadClock, SystemClock, TestClock, VirtualClock

NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def test_a_test_clock_is_its_file_read_afresh(tmp_path):
    """It belongs to the tester."""
    file = tmp_path / "clock"
    file.write_text("2026-06-10T12:00:00Z")
    clock = TestClock(file)
    assert clock.now() == NOON
    file.write_text("2026-06-10T13:00:00+01:00\n")
    assert clock.now() == NOON
    file.write_text("2026-06-10T12:30:00Z")
    assert clock.now() == NOON + timedelta(minutes=30)


def test_a_file_that_goes_back_or_cannot_be_read_changes_nothing(tmp_path):
    """T24."""
    file = tmp_path / "clock"
    file.write_text("2026-06-10T12:00:00Z")
    clock = TestClock(file)
    for words in ("2026-06-10T11:00:00Z", "yesterday", ""):
        file.write_text(words)
        assert clock.now() == NOON
    with pytest.raises(BadClock):
        TestClock(tmp_path / "nothing")


def test_a_machine_clock_set_back_does_not_delay_a_deadline():
    """The largest instant seen."""
    times = iter([NOON, NOON + timedelta(minutes=5), NOON - timedelta(hours=3)])
    clock = SystemClock(lambda: next(times))
    assert clock.now() == NOON + timedelta(minutes=5)
    assert clock.now() == NOON + timedelta(minutes=5)


def test_a_virtual_clock_never_goes_back():
    """It stands until it is moved."""
    clock = VirtualClock(NOON)
    clock.set(NOON - timedelta(days=1))
    assert clock.now() == NOON

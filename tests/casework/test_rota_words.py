"""Days and instants of a rota, as people write them."""

from datetime import UTC, datetime

import pytest

from casework.rota_words import read_days, read_moment

NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("mon-fri", {1, 2, 3, 4, 5}), ("daily", set(range(1, 8))), ("sat,sun", {6, 7}), ("Fri-Mon", {5, 6, 7, 1}),
        ("mon, wed - thu", {1, 3, 4}), ("sun", {7}),
    ],
)  # fmt: skip
def test_days_are_names_and_ranges(words, days):
    """A range may go round the weekend."""
    assert read_days(words) == days


@pytest.mark.parametrize("words", ["", "monday", "mon-", "mon;tue", "1-5", "mon-fri-sun", "weekdays"])
def test_days_that_are_unclear_are_asked_for_again(words):
    """Nothing is guessed."""
    assert read_days(words) is None


@pytest.mark.parametrize(
    ("words", "instant"),
    [
        ("22:00", "2026-11-25T22:00"), ("20:00", "2026-11-26T20:00"), ("21:00", "2026-11-26T21:00"),
        ("fri 8:00", "2026-11-27T08:00"), ("wed 20:00", "2026-12-02T20:00"), ("2026-12-24 20:00", "2026-12-24T20:00"),
        ("2027-07-01T20:00", "2027-07-01T19:00"), ("now", "2026-11-25T21:00"),
    ],
)  # fmt: skip
def test_an_instant_is_the_next_that_the_wall_clock_shows(words, instant):
    """In summer London's 20:00 is 19:00Z."""
    assert read_moment(words, NOW) == datetime.fromisoformat(instant + "+00:00")


@pytest.mark.parametrize(
    "words", ["", "20", "8pm", "25:00", "20:60", "xyz 20:00", "2026-13-01 20:00", "at 20:00", "2000"]
)
def test_an_instant_that_is_unclear_is_asked_for_again(words):
    """A shift that was understood otherwise would be found out on the night."""
    assert read_moment(words, NOW) is None


def test_in_the_hour_that_comes_twice_a_shift_begins_early_and_ends_late():
    """25 Oct 2026, 01:30: 00:30Z and 01:30Z."""
    at = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    assert read_moment("1:30", at) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert read_moment("1:30", at, ends=True) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

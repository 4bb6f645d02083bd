"""Clocks: one that is set back is a fault, and the largest instant seen stays in force."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.clock import BadClock, SharedClock, SystemClock, TestClock, VirtualClock

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


class Machine:
    """A machine whose clock and whose count of seconds a test sets."""

    def __init__(self) -> None:
        self.clock, self.seconds = NOON, 0.0

    def passes(self, *, minutes: float, clock: timedelta | None = None) -> None:
        """Time passes; the clock shows so much more (else: as much as passed)."""
        self.seconds += minutes * 60
        self.clock += timedelta(minutes=minutes) if clock is None else clock


def test_a_machine_clock_set_back_does_not_delay_a_deadline():
    """Time goes on from the largest instant seen, by the machine's own count of seconds."""
    machine = Machine()
    clock = SystemClock(lambda: machine.clock, lambda: machine.seconds)
    machine.passes(minutes=5)
    assert clock.now() == NOON + timedelta(minutes=5)
    machine.passes(minutes=1, clock=timedelta(hours=-3))
    assert clock.now() == NOON + timedelta(minutes=6)
    machine.passes(minutes=10)
    assert clock.now() == NOON + timedelta(minutes=16)


def test_a_clock_wrongly_ahead_and_put_right_does_not_stop_time():
    """Were the largest instant only held, nothing would fall due for a day."""
    machine = Machine()
    clock = SystemClock(lambda: machine.clock, lambda: machine.seconds)
    machine.passes(minutes=0, clock=timedelta(days=1))
    tomorrow = clock.now()
    machine.passes(minutes=0, clock=timedelta(days=-1))
    machine.passes(minutes=20)
    assert clock.now() == tomorrow + timedelta(minutes=20)


def test_a_clock_that_is_right_is_believed():
    """A machine that slept: its count of seconds stood still, its clock did not."""
    machine = Machine()
    clock = SystemClock(lambda: machine.clock, lambda: machine.seconds)
    machine.passes(minutes=0, clock=timedelta(hours=8))
    assert clock.now() == NOON + timedelta(hours=8)


def test_a_virtual_clock_never_goes_back():
    """It stands until it is moved."""
    clock = VirtualClock(NOON)
    clock.set(NOON - timedelta(days=1))
    assert clock.now() == NOON


async def test_nodes_go_by_the_clock_of_their_database():
    """A node whose own clock is hours wrong tells the server's time; half the way of the answer is allowed for."""
    for wrong in (timedelta(hours=-3), timedelta(hours=3)):
        machine = Machine()
        machine.clock += wrong

        async def server() -> datetime:
            machine.passes(minutes=1 / 600)  # noqa: B023 - asked at once
            return NOON

        clock = SharedClock(lambda: machine.clock, lambda: machine.seconds)  # noqa: B023
        await clock.listen(server)
        assert clock.now() - NOON == timedelta(milliseconds=50)


async def test_a_machine_clock_that_is_set_between_two_answers_moves_no_node():
    """Between two answers a node goes by its machine's count of seconds, which nobody sets."""
    machine = Machine()

    async def server() -> datetime:
        return NOON

    clock = SharedClock(lambda: machine.clock, lambda: machine.seconds)
    await clock.listen(server)
    machine.passes(minutes=5, clock=timedelta(hours=2))
    assert clock.now() == NOON + timedelta(minutes=5)


async def test_a_server_clock_set_back_does_not_delay_a_deadline() -> None:
    """T24 for the one clock of all: time goes on from the largest instant that was heard."""
    machine = Machine()
    says = [NOON, NOON - timedelta(hours=1)]

    async def server() -> datetime:
        return says.pop(0)

    clock = SharedClock(lambda: machine.clock, lambda: machine.seconds)
    await clock.listen(server)
    machine.passes(minutes=5)
    assert clock.now() == NOON + timedelta(minutes=5)
    await clock.listen(server)
    machine.passes(minutes=1)
    assert clock.now() == NOON + timedelta(minutes=6)


async def test_a_late_answer_about_the_time_is_left():
    """An answer that was on its way for seconds tells nothing, nor does a server that has no clock of its own."""
    machine = Machine()

    async def slow() -> datetime:
        machine.passes(minutes=1)
        return NOON + timedelta(hours=9)

    async def none() -> None:
        return None

    clock = SharedClock(lambda: machine.clock, lambda: machine.seconds)
    await clock.listen(slow)
    await clock.listen(none)
    assert not clock.heard
    assert clock.now() == machine.clock


async def test_a_server_that_is_slow_at_first_is_asked_again_before_anything_rings():
    """Else a node whose own clock is ahead would ring all of the next hours as it wakes."""
    machine = Machine()
    machine.clock += timedelta(hours=3)
    minutes = [1.0, 1.0, 0.0]

    async def server() -> datetime:
        machine.passes(minutes=minutes.pop(0))
        return NOON

    clock = SharedClock(lambda: machine.clock, lambda: machine.seconds)
    await clock.begin(server)
    assert (clock.now(), minutes) == (NOON, [])

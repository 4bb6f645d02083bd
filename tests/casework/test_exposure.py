"""R15: severe weather, or poorly equipped at night near water or in a remote place. Each circumstance alone is no flag."""

from datetime import datetime

import pytest

from casework.deadlines import armed
from casework.events import DeadlinePassed, ReturnClaimed, UnsureSettled
from casework.levels import Level, Route, Side
from tests.builders import Night, a_child, local, minutes, the_protocol
from tests.casework.test_rules import reach

DAY = "2026-07-01"


def a_night(clock: str, *around: str, age: int = 17, side: Side = Side.PARENT) -> Night:
    """Somebody of 17 is out; `around` is what lies about the home."""
    night = Night(the_protocol(), local(DAY, clock))
    by = "pat" if side is Side.PARENT else "alice"
    night.opens(a_child(age=age, surroundings=around), side=side, by=by, t0=local(DAY, clock))
    return night


def flags(night: Night) -> tuple[str, ...]:
    assert night.case is not None
    return night.case.flags


@pytest.mark.parametrize("around", ["water", "remote"])
@pytest.mark.parametrize(("check", "side"), [("P14", Side.PARENT), ("D19", Side.STAFF)])
def test_poorly_equipped_at_night_near_water_or_remote_is_a_999_flag(around: str, check: str, side: Side) -> None:
    """Either side's question; the instruction goes out at once, with what raised it."""
    night = a_night("22:30", around, side=side)
    night.answers(check, "no")
    assert night.case is not None
    assert (night.case.level, night.case.route) == (Level.HIGH, Route.EMERGENCY)
    assert night.case.reasons[1].because == "near_water_or_remote K04 unlocated night"
    assert [t for t in night.texts() if "O_HIGH" in t] == [f"22:30 {night.case.worked_by} O_HIGH"]


@pytest.mark.parametrize(
    ("clock", "around", "answer"), [("22:30", (), "no"), ("22:30", ("water",), "yes"), ("14:00", ("water",), "no")]
)
def test_two_of_the_three_are_no_flag(clock: str, around: tuple[str, ...], answer: str) -> None:
    """Day, a home in a town, or a child who is dressed for it: K04 counts at most."""
    night = a_night(clock, *around)
    night.answers("P14", answer)
    assert "R15" not in flags(night)


def test_the_flag_comes_with_the_night_at_its_own_minute() -> None:
    """22:00 is a deadline of its own: nobody waits for the next review."""
    night = a_night("20:50", "water")
    night.answers("P14", "no")
    assert night.case is not None and armed(night.case, night.protocol)["limit:night"] == local(DAY, "22:00")
    night.until(local(DAY, "21:59"))
    assert "R15" not in flags(night)
    night.until(local(DAY, "22:00"))
    assert "22:00 pat O_HIGH" in night.texts()
    assert "limit:night" not in armed(night.case, night.protocol)


def test_the_night_is_the_homes_and_not_utc() -> None:
    """22:00 in London in summer is 21:00 UTC."""
    night = a_night("21:59", "remote")
    night.answers("P14", "no")
    assert "R15" not in flags(night)
    night.now += minutes(1)
    night.answers("P13", "no")
    assert "R15" in flags(night)


def test_a_night_that_fell_while_the_house_was_down_has_fallen() -> None:
    """Rung at seven in the morning, it counts: the child was out all night."""
    night = a_night("20:50", "water")
    night.answers("P14", "no")
    night.now = local("2026-07-02", "07:00")
    down = datetime.fromisoformat("2026-07-01T20:00:00+00:00")
    kinds = ("limit:night",)
    night.hear(DeadlinePassed(at=night.now, by="clock", channel="clock", kinds=kinds, due=down, down_since=down))
    assert "R15" in flags(night)
    assert night.case is not None and "limit:night" not in armed(night.case, night.protocol)


def test_who_is_safe_inside_is_not_exposed_and_is_again_when_contact_fails() -> None:
    """Located in a safe place at ten; at the review nobody answers: unlocated by night."""
    night = a_night("20:50", "water", side=Side.STAFF)
    reach(night, local(DAY, "22:10"))
    night.answers("D19", "no")
    assert night.case is not None and "limit:night" not in armed(night.case, night.protocol)
    night.until(local(DAY, "22:05"))
    assert "R15" not in flags(night)
    night.answers("R_REV", "no_news")
    assert "R15" in flags(night)


def test_a_claimed_return_is_no_roof() -> None:
    """While a return is claimed the child counts as unlocated."""
    night = a_night("20:50", "water")
    night.answers("P14", "no")
    night.hear(ReturnClaimed(at=night.now, by="pat", channel="sms"))
    night.until(local(DAY, "22:00"))
    assert "R15" in flags(night)


def test_a_humans_yes_to_not_sure_is_the_flag_the_question_stands_for() -> None:
    """P14 "not sure": no answer of it raises a flag by itself, a Yes does (U). It had raised nothing, and had ended M06."""
    night = a_night("14:00")
    night.answers("P14", "unsure")
    assert {t.tell.fields["rule"] for t in night.said if t.text == "C_UNSURE"} == {"R15"}
    night.hear(UnsureSettled(at=night.now, by="cass", channel="telegram", risk=True))
    assert "R15" in flags(night)

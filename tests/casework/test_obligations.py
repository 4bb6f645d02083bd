"""Whom the jurisdiction wants told: tasks with a clock, an owner and somebody who did it; the ladder of days."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from casework.case import Task
from casework.deadlines import armed
from casework.effects import MarkAlerts
from casework.events import (
    AlertAcknowledged,
    ChildSeen,
    PoliceLogged,
    StayAuthorised,
    TaskDone,
    WorryRaised,
)
from casework.evolve import replay
from casework.levels import Side
from tests.builders import Night, a_child, local, minutes, the_protocol

DAY = "2026-06-24"
START = local(DAY, "20:00")
ENGLAND, WALES = "england/base/2026-01-01", "wales/base/2026-01-01"


def a_night(name: str = ENGLAND, *, side: Side = Side.STAFF, late: int = 0, **child: Any) -> Night:
    night = Night(the_protocol(name), START)
    by = "alice" if side is Side.STAFF else "pat"
    night.opens(a_child(at_home=side is Side.PARENT, **child), side=side, by=by, t0=START - minutes(late))
    return night


def at_high(name: str = ENGLAND, **child: Any) -> Night:
    night = a_night(name, **child)
    night.hear(WorryRaised(at=night.now, by="alice", channel="telegram"))
    return night


def task(night: Night, kind: str) -> Task:
    assert night.case is not None
    found = night.case.task(kind)
    assert found is not None, [t.task for t in night.case.tasks]
    return found


def open_tasks(night: Night) -> set[str]:
    assert night.case is not None
    return {t.task for t in night.case.tasks if t.done_at is None}


def asked(night: Night, kind: str) -> list[tuple[str, timedelta]]:
    return [(s.to, s.at - START) for s in night.said if s.text == f"T_{kind}"]


# ---- what opens them -------------------------------------------------------------------------------------


def test_social_worker_and_parent_are_tasks_as_soon_as_the_child_is_missing():
    """At MEDIUM nobody is asked before the adult had time to ring the police."""
    night = a_night(late=150)
    assert {"E5", "E6"} <= open_tasks(night)
    assert [] == asked(night, "E5")


def test_at_high_nobody_waits_to_tell_them():
    """Domain E5: 0 minutes at HIGH and WELFARE, also where a rise finds the task waiting."""
    assert [("alice", timedelta(0))] == asked(at_high(), "E5")
    night = a_night(late=150)
    night.until(START + minutes(3))
    night.hear(WorryRaised(at=night.now, by="alice", channel="telegram"))
    assert [("alice", timedelta(minutes=3))] == asked(night, "E5")
    assert [("alice", timedelta(minutes=4))] == asked(night, "E6"), "a letter a minute"


@pytest.mark.parametrize(
    ("child", "opened"),
    [
        ({}, {"E5", "E6"}),
        ({"flags": ("no_parent_contact",)}, {"E5"}),
        ({"register_factors": ("K08",)}, {"E5", "E6", "E7"}),
        ({"flags": ("cse",)}, {"E5", "E6", "E8"}),
        ({"flags": ("uasc",)}, {"E5", "E6", "E13"}),
    ],
    ids=["plain", "parent blocked", "out of area", "exploitation", "trafficking"],
)
def test_each_is_opened_by_what_calls_for_it(child: dict[str, Any], opened: set[str]):
    """And by nothing else."""
    assert opened == open_tasks(at_high(**child))


def test_a_child_at_home_is_no_regulators_and_the_parents_know():
    """The rules of inspectorates are about homes; the task is the co-ordinator's."""
    night = at_high(side=Side.PARENT, flags=("cse",))
    assert {"E5"} == open_tasks(night)
    assert "coordinator" == task(night, "E5").owner_role


def test_wales_wants_to_hear_of_any_unexplained_absence():
    """E8w: the local authority, by the manager, at once."""
    night = at_high(WALES)
    assert {"E5", "E6", "E8w", "E8w_ciw"} == open_tasks(night)
    assert ("manager", timedelta(0)) == asked(night, "E8w")[0]


# ---- their clock -----------------------------------------------------------------------------------------


def test_the_adult_is_asked_then_the_owner_until_it_is_done():
    """Prompt, co-ordinator task a quarter of an hour later, then every four hours while the child is out."""
    night = at_high()
    night.until(START + minutes(9 * 60))
    assert [("alice", 0), ("coordinator", 15), ("coordinator", 255), ("coordinator", 495)] == [
        (who, round(after / timedelta(minutes=1))) for who, after in asked(night, "E5")
    ]


def test_at_medium_it_may_wait_for_the_log_number_and_no_longer():
    """E5: at the log number or +15 minutes, whichever is first."""
    night = a_night(late=150)
    night.until(START + minutes(1))
    night.hear(PoliceLogged(at=night.now, by="alice", channel="telegram", number="2290"))
    assert [("alice", timedelta(minutes=1))] == asked(night, "E5")


def test_a_parents_phone_and_a_text_are_not_asked():
    """By text a digit would answer another question: the owner is asked."""
    night = at_high(side=Side.PARENT)
    night.until(START + minutes(16))
    assert [("coordinator", timedelta(0))] == asked(night, "E5")


# ---- who did it -----------------------------------------------------------------------------------------


def test_a_press_ends_it_and_keeps_by_whom():
    """Name and time."""
    night = at_high()
    night.until(START + minutes(5))
    night.answers("T_E5", "done", by="alice")
    assert ("alice", "done", START + minutes(5)) == _ended(night, "E5")
    night.until(START + minutes(600))
    assert 1 == len(asked(night, "E5"))


def test_an_answer_among_the_checks_does_it_too():
    """D23: the parents were told."""
    night = at_high()
    night.answers("D23", "no", by="alice")
    assert "E6" in open_tasks(night)
    night.answers("D23", "yes", by="alice")
    assert "alice" == task(night, "E6").done_by


def test_considered_and_not_due_is_an_answer():
    """Regulation 40: yes or no."""
    night = at_high(flags=("cse",))
    night.answers("T_E8", "no", by="mo")
    assert ("mo", "no", START) == _ended(night, "E8")


def test_it_may_be_recorded_elsewhere():
    """A board, a terminal."""
    night = at_high()
    night.hear(TaskDone(at=night.now, by="cass", channel="board", task="E5", outcome="told"))
    assert ("cass", "told", START) == _ended(night, "E5")


def _ended(night: Night, kind: str) -> tuple[object, ...]:
    ended = task(night, kind)
    return ended.done_by, ended.outcome, ended.done_at


def test_a_return_ends_none_and_asks_daily():
    """Social care must hear of it, whether or not the child is back."""
    night = at_high()
    night.hear(ChildSeen(at=night.now, by="alice", channel="telegram", via="police", seen_at=night.now))
    assert night.case is not None and night.case.returned
    night.until(START + timedelta(hours=49))
    assert ["alice", *["coordinator"] * 3] == [who for who, _ in asked(night, "E5")]
    night.answers("T_E5", "done", by="cass")
    assert "cass" == task(night, "E5").done_by


def test_a_return_that_proves_wrong_opens_again_what_it_ended():
    """What was begun before is called for still."""
    night = at_high()
    night.hear(ChildSeen(at=night.now, by="alice", channel="telegram", via="police", seen_at=night.now))
    night.hear(WorryRaised(at=night.now, by="alice", channel="telegram"))
    assert {"E5", "E6"} <= open_tasks(night)
    assert replay(night.log) == night.case


# ---- the ladder of days ------------------------------------------------------------------------------------


DAYS = (
    ("E9", 24, "owner", 5),
    ("E10", 48, "coordinator", 6),
    ("E11", 120, "coordinator", 7),
    ("E12", 672, "coordinator", 8),
)


def test_the_days_ladder_rises_at_24_h_48_h_5_d_and_28_d():
    """From the first t0, each on a rung after the chain's."""
    night = at_high(late=30)
    for kind, hours, who, rung in DAYS:
        assert night.case is not None
        due = START - minutes(30) + timedelta(hours=hours)
        assert due == armed(night.case, night.protocol)[f"task:{kind}"]
        _jump(night, due)
        told = next(s for s in night.said if s.text == f"T_{kind}")
        assert (who, rung) == (told.to, told.tell.alert)
        assert timedelta(0) <= told.at - due <= minutes(2)  # what else fell due at this instant goes first


def test_they_are_asked_daily_until_somebody_takes_them_on():
    """An answer to that letter is meant; one to the chain's own alert is not; a meeting needs its date."""
    night = at_high()
    for hours in (24, 48, 72):
        _jump(night, START + timedelta(hours=hours))
    assert 3 == len(asked(night, "E9"))
    night.hear(AlertAcknowledged(at=night.now, by="oz", channel="telegram", rung=4))
    for kind, still in (("E10", {"E9"}), ("E9", set[str]())):
        assert {"E9", kind} <= open_tasks(night)
        night.hear(TaskDone(at=night.now, by="oz", channel="telegram", task=kind, outcome="acknowledged"))
        assert still == open_tasks(night) & {"E9", "E10", "E11", "E12"}
    assert "oz" == task(night, "E9").done_by
    _jump(night, START + timedelta(days=29))
    night.answers("T_E12", "done", by="cass")
    assert "cass" == task(night, "E12").done_by


def test_the_letter_of_a_day_and_the_alert_are_answered_apart():
    """Who takes the alert has not told the line manager, and who tells the line manager has not taken the alert."""
    night = at_high()
    _jump(night, START + timedelta(hours=24))
    night.hear(AlertAcknowledged(at=night.now, by="cass", channel="telegram"))
    assert "E9" in open_tasks(night)
    assert [(0, 4)] == _marks(night)
    night.answers("T_E9", "done", by="mo")
    assert [(0, 4), (5, 5)] == _marks(night)
    assert night.case is not None and "cass" == night.case.alert.taken_by


def _marks(night: Night) -> list[tuple[int, int]]:
    return [effect.rungs for effect in night.effects if isinstance(effect, MarkAlerts)]


def test_there_is_no_ladder_of_days_for_an_authorised_stay():
    """A named person allowed it: the child is not missing."""
    night = a_night()
    night.hear(StayAuthorised(at=night.now, by="mo", channel="telegram", until=START + timedelta(days=3)))
    assert night.case is not None
    assert not any(key.startswith("task:") for key in armed(night.case, night.protocol))


def _jump(night: Night, to: datetime) -> None:
    """The house was down, and rings at this instant whatever fell due meanwhile."""
    night.now = to
    night.until(to)

"""The riskier answer stands, in whatever order it comes, and nothing a person says later moves a limit away (P9, HZ14, F4)."""

import pytest

from casework import limits
from casework.deadlines import armed
from casework.events import ChildSeen, ReporterJoined, UnsureSettled
from casework.levels import Level, Side, Status
from tests.builders import Night, a_child, local, minutes, the_protocol

DAY = "2026-06-24"


def a_night(clock: str = "18:20", *, side: Side = Side.PARENT, t0: str | None = None) -> Night:
    """A case that opens at `clock`, with no time known unless `t0` says one."""
    night = Night(the_protocol(), local(DAY, clock))
    by = "pat" if side is Side.PARENT else "alice"
    night.opens(a_child(), side=side, by=by, t0=None if t0 is None else local(DAY, t0))
    return night


def settle(night: Night, *, risk: bool, check: str | None = None, by: str = "cass") -> None:
    night.hear(UnsureSettled(at=night.now, by=by, channel="telegram", risk=risk, check=check))


# ---- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["P02", "joined"])
def test_a_time_later_than_the_report_moves_no_limit(door: str) -> None:
    """Reported at 18:20, and at 20:00 somebody says "due 19:50": whoever was reported was out by then. The limit and the
    hard cap stay where the report put them."""
    night = a_night("18:20")
    assert night.case is not None
    before = limits.limit(night.case, night.protocol)
    night.now = local(DAY, "20:00")
    if door == "P02":
        night.answers("P02", "due", instant=local(DAY, "19:50"))
    else:
        late = local(DAY, "19:50")
        night.hear(ReporterJoined(at=night.now, by="rob", channel="sms", side=Side.PARENT, t0=late))
    assert night.case.first_t0 == night.case.t0 == local(DAY, "18:20")
    assert limits.limit(night.case, night.protocol) == before


@pytest.mark.parametrize("door", ["P02", "joined"])
def test_an_earlier_time_still_counts(door: str) -> None:
    """The earliest time stands, and is then the known one."""
    night = a_night("18:20")
    due = local(DAY, "18:00")
    if door == "P02":
        night.answers("P02", "due", instant=due)
    else:
        night.hear(ReporterJoined(at=night.now, by="rob", channel="sms", side=Side.PARENT, t0=due))
    assert night.case is not None
    assert (night.case.t0, night.case.first_t0, night.case.t0_kind) == (due, due, "due")


@pytest.mark.parametrize(("clock", "plan", "ends"), [
    ("18:00", 45, "18:45"), ("18:00", 0, "18:00"), ("18:00", 121, "20:00"), ("18:00", 5000, "20:00"),
    ("22:30", 5000, "23:30"), ("22:30", 10, "22:40"),
])  # fmt: skip
def test_a_childs_plan_brings_the_limit_forward_and_never_back(clock: str, plan: int, ends: str) -> None:
    """PR7: a plan beats the general limit of 120 minutes, by night 60, towards an earlier report alone."""
    night = Night(the_protocol(), local(DAY, clock))
    night.opens(a_child(plan_limit_minutes=plan), t0=local(DAY, clock))
    assert night.case is not None
    assert limits.limit(night.case, night.protocol) == local(DAY, ends)


# ---- not sure ------------------------------------------------------------------------------------


def test_a_risk_stands_after_another_human_said_none() -> None:
    """Two people on call disagree: the riskier stands, in both orders."""
    for order in ((True, False), (False, True)):
        night = a_night(side=Side.STAFF, t0="18:00")
        night.answers("C01", "unsure")
        for number, risk in enumerate(order):
            settle(night, risk=risk, by=("cass", "dee")[number])
        assert night.case is not None
        assert "R01" in night.case.flags, order


def test_a_risk_counts_after_the_ten_minutes_too() -> None:
    """M06 made it MEDIUM; the human who answers late and says "a risk" still raises the flag."""
    night = a_night(side=Side.STAFF, t0="18:20")
    night.answers("C01", "unsure")
    night.until(night.now + minutes(10))
    assert night.case is not None and night.case.level is Level.MEDIUM
    settle(night, risk=True, check="C01")
    assert night.case.level is Level.HIGH


def test_a_risk_settles_what_is_open_and_overturns_nothing_beside_it() -> None:
    """An open doubt is the one that is meant."""
    night = a_night(side=Side.STAFF, t0="18:00")
    night.answers("C01", "unsure")
    settle(night, risk=False)
    night.answers("C10", "unsure")
    settle(night, risk=True)
    assert night.case is not None
    assert [u.settled for u in night.case.unsure] == ["none", "risk"]
    assert "R01" not in night.case.flags


def test_a_second_not_sure_goes_to_a_human_again() -> None:
    """ "Not a risk" was said of the first call; about the next one nobody has judged anything."""
    night = a_night(side=Side.STAFF, t0="18:00")
    night.answers("C05", "unsure")
    settle(night, risk=False)
    night.now += minutes(30)
    night.answers("R_REV", "on_the_way")
    night.answers("C05", "unsure")
    assert night.case is not None
    assert "unsure:C05" in armed(night.case, night.protocol)
    asked = [s for s in night.said if s.text == "C_UNSURE" and s.at == night.now]
    assert {s.to for s in asked} == {"coordinator", "manager"}


def test_a_return_that_is_undone_leaves_the_doubt_open() -> None:
    """Nobody judged it: that the child was thought to be back is no judgement, and the ten minutes ran on."""
    night = a_night(side=Side.STAFF, t0="18:00")
    night.answers("C01", "unsure")
    night.hear(ReporterJoined(at=night.now, by="bob", channel="telegram", side=Side.STAFF))
    night.hear(ChildSeen(at=night.now, by="bob", channel="telegram", via="staff", seen_at=night.now))
    assert night.case is not None and night.case.status is Status.RETURNED
    settle(night, risk=True)
    assert night.case.status is Status.RETURNED
    night = a_night(side=Side.STAFF, t0="18:00")
    night.answers("C01", "unsure")
    night.hear(ReporterJoined(at=night.now, by="bob", channel="telegram", side=Side.STAFF))
    night.hear(ChildSeen(at=night.now, by="bob", channel="telegram", via="staff", seen_at=night.now))
    night.now += minutes(4)
    night.answers("R_REV", "no_news", by="alice")
    assert night.case is not None and not night.case.returned
    night.until(night.now + minutes(7))
    assert night.case.fired("M06")

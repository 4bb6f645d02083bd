"""The child is back and may be hurt: that is an alert like any other, and climbs until a named person takes it."""

from dataclasses import replace

import pytest

from casework.effects import CallOff, MarkAlerts
from casework.events import AlertAcknowledged, CheckAnswered, ChildSeen, News, PoliceLogged, WorryRaised
from casework.levels import Status
from tests.builders import Night, a_child, local, minutes, the_protocol

START = local("2026-06-24", "20:00")


def a_return(said: str) -> Night:
    """Kai is seen at 20:30, and the adult says how he is."""
    night = Night(the_protocol(), START)
    night.opens(a_child(), t0=START)
    night.until(START + minutes(30))
    night.hear(ChildSeen(at=night.now, by="alice", channel="telegram", via="staff", seen_at=night.now))
    assert night.case is not None and Status.RETURNED is night.case.status
    night.answers("B_WELL", said, by="alice")
    return night


def alerted(night: Night) -> list[str]:
    return [text for text in night.texts() if text.endswith(" C_UNWELL")]


def test_it_climbs_and_the_last_rung_is_alerted_again_and_again():
    """A2, P6: the co-ordinator whose phone is off must not be all there is."""
    night = a_return("yes")
    night.until(START + minutes(66))
    assert [
        "20:30 coordinator C_UNWELL", "20:35 deputy C_UNWELL", "20:40 manager C_UNWELL", "20:45 all_duty C_UNWELL",
        "20:55 all_duty C_UNWELL", "21:05 all_duty C_UNWELL",
    ] == alerted(night)  # fmt: skip


def test_who_takes_it_ends_it_and_calls_off_what_waits_for_others():
    night = a_return("unsure")
    night.until(START + minutes(36))
    night.effects.clear()
    night.hear(AlertAcknowledged(at=night.now, by="dee", channel="telegram"))
    night.until(START + minutes(120))
    assert ["20:30 coordinator C_UNWELL", "20:35 deputy C_UNWELL"] == alerted(night)
    assert CallOff(but="dee") in night.effects
    assert [("taken", "dee")] == [(e.state, e.by) for e in night.effects if isinstance(e, MarkAlerts)]
    assert night.case is not None
    assert ("taken", "dee") == (task.outcome, task.done_by) if (task := night.case.task("A2")) else False


def test_a_child_who_is_well_wakes_nobody():
    night = a_return("no")
    night.until(START + minutes(60))
    assert [] == alerted(night)


def test_once_the_child_is_gone_again_the_search_is_what_is_alerted():
    night = a_return("yes")
    night.until(START + minutes(31))
    night.hear(WorryRaised(at=night.now, by="alice", channel="telegram"))
    night.until(START + minutes(60))
    assert ["20:30 coordinator C_UNWELL"] == alerted(night)
    assert "20:31 coordinator C_ALERT" in night.texts()


def gone_again(number: str | None, news: News) -> list[str]:
    """What Alice reads first when a child who was at HIGH and came back is gone again."""
    night = Night(the_protocol(), START)
    night.opens(a_child(flags=("cse",)), t0=START)
    if number is not None:
        night.hear(PoliceLogged(at=night.now, by="alice", channel="telegram", number=number))
    night.until(START + minutes(30))
    for who, via in (("alice", "staff"), ("cass", "callback")):
        night.hear(ChildSeen(at=night.now, by=who, channel="telegram", via=via, seen_at=night.now))
    assert night.case is not None and Status.RETURNED is night.case.status
    night.until(START + minutes(35))
    before = len(night.said)
    night.hear(replace(news, at=night.now))
    assert Status.MISSING is night.case.status
    return [str(said) for said in sorted(night.said[before:], key=lambda said: said.at) if said.to == "alice"][:1]


WORRY = WorryRaised(at=START, by="alice", channel="telegram")
NO_NEWS = CheckAnswered(at=START, by="bob", channel="telegram", check="R_REV", values=("no_news",))


@pytest.mark.parametrize("news", [WORRY, NO_NEWS], ids=["worry", "no-news"])
def test_when_the_child_is_gone_again_the_adult_is_told_to_ring_again(news: News):
    """The instruction of the first time is spent, and the police may have been told that all is well."""
    assert ["20:35 alice O_HIGH_101"] == gone_again(None, news)
    assert ["20:35 alice O_UPD"] == gone_again("2290", news)

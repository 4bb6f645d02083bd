"""Taking an alert: a loan that lapses, that a second press does not lengthen, and that may need more than one person."""

from datetime import timedelta

import pytest

from casework.deadlines import armed
from casework.effects import CallOff, MarkAlerts
from casework.events import (
    AlertAcknowledged,
    CheckAnswered,
    ChildSeen,
    ContactUnreachable,
    News,
    NoteMade,
    PoliceDeclined,
    PoliceLogged,
    ReturnRefuted,
    StayAuthorised,
    TakenUntil,
    UnsureSettled,
    WhereaboutsGiven,
    WorryRaised,
)
from casework.evolve import replay
from casework.levels import Level, Side, Trust
from casework.protocol import Protocol
from tests.builders import Night, a_child, local, minutes, the_protocol

DAY = "2026-06-24"
START = local(DAY, "20:00")


def a_night(*, side: Side = Side.STAFF, answers: int = 1, **child: object) -> Night:
    """A child at HIGH from the first second, and the first alert out; `answers`: how many the first rung needs."""
    data = the_protocol().model_dump()
    data["rung"][0]["answers"] = answers
    night = Night(Protocol.model_validate(data), START)
    by = "alice" if side is Side.STAFF else "pat"
    night.opens(a_child(flags=("cse",), at_home=side is Side.PARENT, **child), side=side, by=by, t0=START)
    return night


def takes(night: Night, who: str, clock: str = "20:01") -> None:
    night.until(local(DAY, clock))
    night.hear(AlertAcknowledged(at=night.now, by=who, channel="telegram"))


def alerted(night: Night) -> list[str]:
    return [f"{s.at.astimezone(START.tzinfo):%H:%M} {s.to}" for s in night.said if s.text == "C_ALERT"]


def said(night: Night, text: str) -> list[tuple[str, object]]:
    return [(s.to, s.tell.fields.get("name")) for s in night.said if s.text == text]


# ---- who hears of it -------------------------------------------------------------------------------------


def test_staff_who_wait_read_who_has_it_and_until_when():
    """By name, and when the next word comes."""
    night = a_night()
    takes(night, "cass")
    assert [("alice", "cass")] == said(night, "O_TAKEN")
    fields = next(s.tell.fields for s in night.said if s.text == "O_TAKEN")
    assert (night.now, night.now + minutes(10)) == (fields["at"], fields["by"])


def test_a_parent_reads_no_name():
    """ "The on-call lead"."""
    night = a_night(side=Side.PARENT)
    takes(night, "cass")
    assert [("pat", None)] == said(night, "O_TAKEN")


def test_who_takes_it_and_reported_it_is_told_once():
    """The manager who reported and took it needs no letter about themselves."""
    night = a_night()
    takes(night, "alice")
    assert [] == said(night, "O_TAKEN")


def test_what_waits_to_wake_others_is_called_off():
    """And what runs counts as taken."""
    night = a_night()
    takes(night, "cass")
    assert [CallOff(but="cass")] == [e for e in night.effects if isinstance(e, CallOff)]


def test_when_it_lapses_the_taker_and_the_adult_who_waits_hear_so():
    """Ten minutes at HIGH; the adult must not rely on somebody who does nothing."""
    night = a_night()
    takes(night, "dee")
    night.until(local(DAY, "20:11"))
    assert "19:11 coordinator" == alerted(night)[-1]
    assert [("dee", None)] == said(night, "C_LAPSED")
    assert [("alice", None)] == said(night, "O_LAPSED")


def test_a_number_that_somebody_else_confirmed_is_no_act_of_who_has_it():
    """It holds the alert for longer, and nobody reads that the taker did something; their own act is kept beside it."""
    night = a_night()
    takes(night, "cass", "20:01")
    night.hear(PoliceLogged(at=night.now, by="mo", channel="telegram", number="2290"))
    assert night.case is not None
    assert (None, night.now + minutes(60)) == (night.case.alert.acted_at, night.case.alert.taken_until)
    night.until(local(DAY, "20:05"))
    night.hear(NoteMade(at=night.now, by="cass", channel="telegram", acted=True))
    night.hear(PoliceLogged(at=night.now + minutes(1), by="mo", channel="telegram", number="2291"))
    assert local(DAY, "20:05") == night.case.alert.acted_at


# ---- what keeps it ---------------------------------------------------------------------------------------

AT = local(DAY, "20:08")
ACTS: list[News] = [
    NoteMade(at=AT, by="cass", channel="telegram", acted=True),
    PoliceDeclined(at=AT, by="cass", channel="telegram"),
    ReturnRefuted(at=AT, by="cass", channel="telegram"),
    UnsureSettled(at=AT, by="cass", channel="telegram"),
]
NO_ACTS: list[News] = [
    NoteMade(at=AT, by="cass", channel="telegram"),
    NoteMade(at=AT, by="dee", channel="telegram", acted=True),
    UnsureSettled(at=AT, by="cass", channel="sms", trust=Trust.NONE),
    PoliceLogged(at=AT, by="cass", channel="sms", trust=Trust.NONE, number="1"),
    AlertAcknowledged(at=AT, by="cass", channel="telegram"),
]


def _held_until(news: News) -> timedelta:
    night = a_night()
    takes(night, "cass", "20:00")
    night.until(AT)
    night.hear(news)
    assert night.case is not None and night.case.alert.taken_until is not None
    return night.case.alert.taken_until - START


@pytest.mark.parametrize("news", ACTS, ids=lambda each: type(each).__name__)
def test_an_act_of_the_taker_starts_it_anew(news: News):
    """A call noted, a refusal recorded, a claim looked into, a "not sure" settled."""
    assert minutes(18) == _held_until(news)


@pytest.mark.parametrize("news", NO_ACTS, ids=lambda each: f"{type(each).__name__}-{each.by}-{each.trust}")
def test_nothing_else_does(news: News):
    """Another's note, a text that may be forged, or the same button again: ten minutes are ten minutes."""
    assert minutes(10) == _held_until(news)


def test_the_one_who_saw_the_child_acted_though_a_second_must_confirm():
    """HIGH needs two people: until the other has confirmed it, the first holds the alert."""
    assert minutes(18) == _held_until(ChildSeen(at=AT, by="cass", channel="telegram", via="staff", seen_at=AT))


def test_a_second_press_marks_what_came_since_as_taken_and_keeps_the_first_instant():
    """Harmless: nobody is told twice, and the log still says since when it is held."""
    night = a_night()
    takes(night, "cass", "20:01")
    takes(night, "cass", "20:05")
    assert night.case is not None and local(DAY, "20:01") == night.case.alert.taken_at
    marks = [e for e in night.effects if isinstance(e, MarkAlerts)]
    assert [("taken", local(DAY, "20:11"))] * 2 == [(m.state, m.until) for m in marks]
    assert 1 == len(said(night, "C_TAKEN"))


# ---- several must answer ---------------------------------------------------------------------------------


def test_where_two_must_answer_one_does_not_stop_the_chain():
    """The chain climbs on as if nobody had; the second answer stops it."""
    night = a_night(answers=2)
    takes(night, "cass", "20:01")
    takes(night, "cass", "20:02")
    night.until(local(DAY, "20:06"))
    assert ["19:00 coordinator", "19:05 deputy"] == alerted(night)
    assert night.case is not None and night.case.alert.taken_by is None
    takes(night, "dee", "20:07")
    assert "dee" == night.case.alert.taken_by
    night.until(local(DAY, "20:16"))
    assert 2 == len(alerted(night))


def test_after_a_lapse_two_must_answer_again():
    """What was said an hour ago is no answer to this alert."""
    night = a_night(answers=2)
    for who in ("cass", "dee"):
        takes(night, who, "20:01")
    takes(night, "cass", "20:12")
    assert night.case is not None and night.case.alert.taken_by is None
    assert replay(night.log) == night.case


def test_who_answered_before_there_was_a_chain_has_not_answered_it():
    """Somebody took over a case at LOW; the alert that needs two starts with nobody."""
    data = the_protocol().model_dump()
    data["rung"][0]["answers"] = 2
    night = Night(Protocol.model_validate(data), START)
    night.opens(a_child(), t0=START)
    takes(night, "cass", "20:01")
    night.hear(WorryRaised(at=night.now, by="alice", channel="telegram"))
    assert night.case is not None and (1, ()) == (night.case.alert.rung, night.case.alert.answered)


# ---- the risk rises while nobody has it ----------------------------------------------------------------------


def test_a_rise_to_high_does_not_wait_for_the_slower_repeat():
    """At MEDIUM the last rung repeats every ten minutes; HIGH means five, counted from the alert before."""
    night = Night(the_protocol(), START)
    night.opens(a_child(age=15), t0=START - minutes(150))
    night.until(START + minutes(16))
    assert night.case is not None and Level.MEDIUM is night.case.level and 4 == night.case.alert.rung
    night.hear(WorryRaised(at=night.now, by="alice", channel="telegram"))
    assert "19:16 all_duty" == alerted(night)[-1]
    night.until(START + minutes(21))
    assert "19:21 all_duty" == alerted(night)[-1]


# ---- the police said no ------------------------------------------------------------------------------------


def declined(night: Night, **fields: object) -> None:
    night.hear(PoliceDeclined(at=night.now, by="cass", channel="telegram", **fields))  # type: ignore[arg-type]


def test_a_refusal_stops_no_clock_and_goes_to_the_co_ordinator_and_the_adult():
    """6.4: the chase goes on, and words with a log number only where there is one (P7)."""
    night = a_night()
    before = night.case.police.chase_at if night.case else None
    declined(night)
    assert night.case is not None and before == night.case.police.chase_at
    heard = [(s.to, s.text) for s in night.said if "DECLINED" in s.text]
    assert [("coordinator", "C_DECLINED0"), ("alice", "O_DECLINED")] == heard
    declined(night, number="4410")
    assert "C_DECLINED" in [s.text for s in night.said]


def test_who_disagrees_is_heard_by_the_co_ordinator():
    """One press, any time after it."""
    night = a_night()
    night.answers("O_DECLINED", "disagree")
    assert [] == said(night, "C_DISAGREE")  # nobody said no
    declined(night)
    night.hear(CheckAnswered(at=night.now, by="alice", channel="telegram", check="O_DECLINED", values=("disagree",)))
    assert [("coordinator", None)] == said(night, "C_DISAGREE")


def test_at_their_review_time_a_person_rings_them_once():
    """Whatever our own clock does beside it."""
    night = a_night()
    declined(night, review_at=local(DAY, "20:33"))
    night.until(local(DAY, "22:00"))
    due = [(s.to, s.at) for s in night.said if s.text == "C_POLREV"]
    assert [("coordinator", local(DAY, "20:33"))] == due


def test_their_review_is_none_of_ours():
    """The adult is asked at our own times, whatever the police look at in between."""
    night = a_night()
    night.hear(PoliceLogged(at=night.now, by="alice", channel="telegram", number="2290"))
    ours = night.case.review_at if night.case else None
    assert ours is not None
    declined(night, review_at=ours - minutes(5))
    night.until(ours - minutes(4))
    assert night.case is not None and ours == night.case.review_at


def test_the_limit_is_their_review_or_ours_whichever_comes_first():
    """6.4: at LOW, an adult rang early and the police look again at 20:40. Then it is a missing child, not at 22:00."""
    night = Night(the_protocol(), START)
    night.opens(a_child(at_home=True), side=Side.PARENT, by="pat", t0=START)
    for check, value in ALL_SAID.items():
        night.answers(check, value)
    declined(night, review_at=local(DAY, "20:40"))
    assert night.case is not None and Level.LOW is night.case.level
    night.until(local(DAY, "20:40"))
    assert {"20:40 pat R_LIMIT", "20:40 coordinator C_POLREV"} <= set(night.texts())
    assert night.case.fired("M02")


def test_a_refusal_without_a_time_leaves_the_time_of_the_one_before():
    """Else words that follow would take it off the clock."""
    night = a_night()
    declined(night, review_at=local(DAY, "20:33"))
    declined(night)
    night.until(local(DAY, "20:40"))
    declined(night)
    night.until(local(DAY, "22:00"))
    assert [local(DAY, "20:33")] == [s.at for s in night.said if s.text == "C_POLREV"]


def test_a_review_of_theirs_makes_no_limit_later():
    night = a_night()
    ours = armed(night.case, night.protocol)["limit"] if night.case else None
    declined(night, review_at=local("2026-06-25", "09:00"))
    assert night.case is not None and ours == armed(night.case, night.protocol)["limit"]


# ---- what must not keep it, and who must hear all the same -------------------------------------------------


def test_a_number_that_is_on_file_already_holds_the_alert_no_longer():
    """Else a thumb could hold it all night: it is confirmed once. Another number, or the one that a rise asks for, is news."""
    night = a_night()
    takes(night, "cass", "20:01")
    for clock, number in (("20:02", "2290"), ("20:50", "2290"), ("20:55", "2291")):
        night.until(local(DAY, clock))
        night.hear(PoliceLogged(at=night.now, by="alice", channel="telegram", number=number))
    assert night.case is not None
    until = [e.until for e in night.log if isinstance(e, TakenUntil)]
    assert [local(DAY, clock) for clock in ("20:11", "21:02", "21:55")] == until


def test_another_number_than_the_one_on_file_is_confirmed_by_a_person():
    """A text stops the chase, so somebody must hear of it: the adult reads that it will be confirmed, and the report keeps
    the number that was."""
    night = a_night(side=Side.PARENT)
    night.hear(PoliceLogged(at=night.now, by="cass", channel="telegram", number="2290"))
    night.until(local(DAY, "20:05"))
    for number in ("2290", "7777"):
        night.hear(PoliceLogged(at=night.now, by="pat", channel="sms", trust=Trust.NONE, number=number))
    assert ["O_POL", "O_POLTOLD"] == [s.text for s in night.said if s.to == "pat" and s.text.startswith("O_POL")]
    assert [("coordinator", "7777")] == [(s.to, s.tell.fields["number"]) for s in night.said if s.text == "C_CALLPOL"]
    assert night.case is not None and "2290" == night.case.police.number


def test_a_decision_that_a01_asks_for_does_not_wait_for_a_taking_to_lapse():
    """Cass took the alert about a silence; that the agreed time has passed is for whoever decides, and now."""
    night = Night(the_protocol(), START)
    night.opens(a_child(), t0=START)
    night.until(local(DAY, "20:11"))
    for check, value in (("C01", "no"), ("C04", "spoke"), ("C05", "yes")):
        night.answers(check, value)
    night.hear(
        WhereaboutsGiven(
            at=night.now, by="alice", channel="telegram", check="C06", place=True, adult=True, approved=True,
            back_at=local(DAY, "20:20"),
        )
    )  # fmt: skip
    for check, value in (("C07", "yes"), ("C10", "no"), ("C11", "none"), ("C12", "not_worried")):
        night.answers(check, value)
    takes(night, "cass", "20:40")
    night.until(local(DAY, "20:46"))
    assert night.case is not None
    assert local(DAY, "20:46") == night.case.a01_since
    assert "20:46 coordinator C_ALERT" in night.texts()
    assert night.case.alert.taken_by is None


ALL_SAID = {
    "P00": "1", "P01": "no", "P06": "no_answer", "P04": "looked", "P08": "no", "P11": "neither", "P12": "no", "P10": "no",
    "P16": "not_worried", "P07": "nobody_knows", "P09": "never", "P13": "no", "P14": "yes", "P15": "no", "P05": "no",
    "P03": "given", "P17": "given", "P18": "given",
}  # fmt: skip


def test_when_nobody_is_left_to_ask_the_people_on_call_are_alerted_and_it_climbs():
    """A parent opts out of texts: no review reaches anybody, and nothing else would be heard until the limit."""
    night = Night(the_protocol(), START)
    night.opens(a_child(at_home=True), side=Side.PARENT, by="pat", t0=START)
    for check, value in ALL_SAID.items():
        night.answers(check, value)
    night.until(local(DAY, "20:05"))
    assert night.case is not None and not night.case.prompts and not night.case.alert.rung
    night.hear(ContactUnreachable(at=night.now, by="house", channel="sms", person="pat"))
    night.until(local(DAY, "20:20"))
    assert ["20:05 coordinator X_OPTOUT", "20:10 deputy C_ALERT", "20:15 second_coordinator C_ALERT"] == [
        text for text in night.texts(local(DAY, "20:02")) if "C_ALERT" in text or "X_OPTOUT" in text
    ][:3]


def test_a_review_that_finds_nobody_to_ask_is_a_silence():
    """A stay that was allowed has ended the alerts; by the next check nothing reaches who would be asked."""
    night = Night(the_protocol(), START)
    night.opens(a_child(at_home=True), side=Side.PARENT, by="pat", t0=START)
    for check, value in ALL_SAID.items():
        night.answers(check, value)
    night.hear(ContactUnreachable(at=night.now, by="house", channel="sms", person="pat"))
    night.hear(StayAuthorised(at=night.now, by="cass", channel="telegram", until=local(DAY, "23:00")))
    assert night.case is not None and not night.case.alert.rung
    night.until(local(DAY, "20:15"))
    assert night.texts()[-1] == "20:15 coordinator C_ALERT"


def test_an_alert_of_somebody_who_took_it_at_low_does_not_hide_that_nobody_can_be_asked():
    night = Night(the_protocol(), START)
    night.opens(a_child(at_home=True), side=Side.PARENT, by="pat", t0=START)
    for check, value in ALL_SAID.items():
        night.answers(check, value)
    takes(night, "cass", "20:02")
    night.hear(ContactUnreachable(at=night.now, by="house", channel="sms", person="pat"))
    assert night.case is not None and 1 == night.case.alert.rung and night.case.alert.taken_by is None

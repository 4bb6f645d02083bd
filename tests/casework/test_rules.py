"""Single rules as steps of the core: not sure, the known place, the outage, the second person, the police's no."""

from datetime import datetime, timedelta

import pytest

from casework.deadlines import armed
from casework.events import (
    AlertAcknowledged,
    ChildSeen,
    CloseAsked,
    DeadlinePassed,
    PoliceDeclined,
    PoliceLogged,
    ReporterJoined,
    ReturnClaimed,
    StayAuthorised,
    UnsureSettled,
    WhereaboutsGiven,
    WorryRaised,
)
from casework.levels import Level, Located, Route, Side, Status, Trust
from tests.builders import Night, a_child, local, minutes, the_protocol

DAY = "2026-06-24"


def a_night(clock: str = "20:00", **child: object) -> Night:
    night = Night(the_protocol(), local(DAY, clock))
    night.opens(a_child(**child), t0=local(DAY, clock))
    return night


def reach(night: Night, back_at: object = None, *, safe: str = "yes") -> None:
    """The child is spoken to, calm, at a named place with an adult."""
    night.answers("C01", "no")
    night.answers("C04", "spoke")
    night.answers("C05", "yes")
    night.hear(
        WhereaboutsGiven(at=night.now, by="alice", channel="telegram", check="C06", place=True, adult=True,
                         back_at=back_at)  # type: ignore[arg-type]
    )  # fmt: skip
    night.answers("C07", safe)


def test_not_sure_goes_to_a_human_and_ends_as_a_police_matter() -> None:
    """U: co-ordinator and manager at once, the deputy at +5, M06 at +10."""
    night = a_night()
    night.answers("C01", "unsure")
    asked = [t for t in night.texts() if "C_UNSURE" in t]
    assert asked == ["20:00 coordinator C_UNSURE", "20:00 manager C_UNSURE"]
    night.until(night.now + minutes(9))
    assert "20:05 deputy C_UNSURE" in night.texts()
    assert night.case is not None and night.case.level is Level.UNASSESSED
    night.until(night.now + minutes(1))
    assert night.case.fired("M06")
    assert night.case.level is Level.MEDIUM


def test_who_cannot_speak_is_told_to_text_999_whenever_others_are_told_to_ring() -> None:
    """3.3: at the flag and again at E4; on a located child too; the other adult reads RING."""
    night = a_night(text_999=("pat",))
    night.hear(ReporterJoined(at=night.now, by="pat", channel="sms", side=Side.PARENT))
    night.answers("C01", "yes")
    assert {"20:00 alice O_HIGH", "20:00 pat O_HIGH_TEXT999"} <= set(night.texts())
    night.until(night.now + minutes(15))
    assert {"20:15 alice O_HIGH", "20:15 pat O_HIGH_TEXT999"} <= set(night.texts())
    known = a_night(text_999=("alice",))
    reach(known, known.now + minutes(60))
    known.hear(WorryRaised(at=known.now, by="alice", channel="telegram", flags=("R10",)))
    assert [t for t in known.texts() if "TEXT999" in t] == ["20:00 alice O_HIGH_LOC_TEXT999"]


def test_a_human_who_says_yes_makes_it_the_red_flag() -> None:
    """Treat as yes: the flag the question stands for, at once."""
    night = a_night()
    night.answers("C01", "unsure")
    night.hear(UnsureSettled(at=night.now, by="cass", channel="telegram", risk=True))
    assert night.case is not None
    assert "R01" in night.case.flags
    assert night.case.route is Route.EMERGENCY


def test_a_human_who_says_no_is_named_and_the_gate_goes_on() -> None:
    """Not a risk: logged with its author, no M06."""
    night = a_night()
    night.answers("C01", "unsure")
    night.hear(UnsureSettled(at=night.now, by="cass", channel="telegram", risk=False))
    night.until(night.now + minutes(4))
    night.answers("C04", "no_answer")
    night.until(local(DAY, "20:11"))
    assert night.case is not None
    assert not night.case.fired("M06")


def test_a_known_place_that_is_not_safe_is_a_concern_for_welfare() -> None:
    """W01: state missing, shown as medium, the welfare words, the chase every ten minutes."""
    night = a_night()
    reach(night, local(DAY, "20:30"), safe="unsure")
    case = night.case
    assert case is not None
    assert (case.level, case.status, case.located) == (Level.WELFARE, Status.MISSING, Located.UNSAFE)
    assert case.level.shown == "medium"
    assert "20:00 alice O_WELF" in night.texts()
    assert case.police.chase_at == local(DAY, "20:10")


def test_contact_that_fails_opens_the_case_again() -> None:
    """R_REV 3 on a located child: unlocated, t0 = the agreed return, the checks start again, a person decides (A01)."""
    night = a_night()
    reach(night, local(DAY, "20:30"))
    night.answers("C10", "no")
    night.answers("C11", "none")
    night.answers("C12", "not_worried")
    assert night.case is not None and night.case.level is Level.NAR
    night.until(local(DAY, "20:45"))
    assert "20:45 alice R_REV" in night.texts()
    night.answers("R_REV", "no_news")
    case = night.case
    assert (case.located, case.t0) == (Located.NO, local(DAY, "20:30"))
    assert case.first_t0 == local(DAY, "20:00")
    assert {"20:45 coordinator C_ALERT", "20:45 alice O_AWAY"} <= set(night.texts())
    assert armed(case, night.protocol)["checks"] == local(DAY, "21:05")


def _away_until(back_at: datetime, *, recent: str = "none", episodes: int = 0) -> Night:
    """A child of 15, due at eight, reached at a safe place."""
    night = a_night(episodes_90_days=episodes)
    reach(night, back_at)
    night.answers("C10", "no")
    night.answers("C11", recent)
    night.answers("C12", "not_worried")
    return night


@pytest.mark.parametrize("answered", [True, False])
def test_contact_that_fails_before_the_agreed_time_is_not_told_as_its_passing(answered: bool) -> None:
    """R_REV 3, or ten minutes of silence on it: nobody reads that a time has passed which lies ahead (A01)."""
    night = _away_until(local(DAY, "21:30"), recent="row", episodes=1)
    night.until(local(DAY, "20:15"))
    assert "20:15 alice R_REV" in night.texts()
    if answered:
        night.answers("R_REV", "no_news")
    night.until(local(DAY, "20:25"))
    case = night.case
    assert case is not None and case.fired("A01") and case.located is Located.NO
    said = [text for text in night.texts() if text.endswith(("O_AWAY", "O_DOUBT"))]
    assert [f"20:{'15' if answered else '25'} alice O_DOUBT"] == said


def test_an_agreed_time_that_passes_at_a_safe_place_is_told_as_its_passing() -> None:
    """O_AWAY, at the agreed return, which lies past the limit of 22:00."""
    night = _away_until(local(DAY, "23:45"))
    night.until(local(DAY, "23:45"))
    assert ["23:45 alice O_AWAY"] == [text for text in night.texts() if text.endswith(("O_AWAY", "O_DOUBT"))]


def test_a_time_beyond_the_cap_is_not_told_as_passed():
    """An agreement holds for 360 minutes at most; the child who named a later time is not late yet, but a person decides."""
    night = _away_until(local(DAY, "20:00") + timedelta(hours=7))
    while not night.case.fired("A01"):
        night.until(min(armed(night.case, night.protocol).values()))
        asked = night.case.last_prompt("alice", night.now)
        if asked is not None and asked.check in ("AWAY_CHECK", "R_REV"):
            night.answers(asked.check, "still_safe" if asked.check == "AWAY_CHECK" else "on_the_way")
    assert [] == [text for text in night.texts() if text.endswith("O_AWAY")]
    assert [text for text in night.texts() if text.endswith("O_DOUBT")]


def test_a_located_child_past_the_limit_asks_a_person_to_decide():
    """A01: no police report, and no decision within 30 minutes is a concern for welfare."""
    night = a_night()
    reach(night, None)
    night.answers("C10", "no")
    night.answers("C11", "none")
    night.answers("C12", "not_worried")
    case = night.case
    assert case is not None and case.level is Level.LOW and case.located is Located.SAFE
    while not night.case.fired("A01"):
        due = min(armed(night.case, night.protocol).values())
        night.until(due)
        if night.case.last_prompt("alice", night.now) and night.case.last_prompt("alice", night.now).check == "R_REV":
            night.answers("R_REV", "on_the_way")
            night.answers("C05", "yes")
            night.hear(
                WhereaboutsGiven(at=night.now, by="alice", channel="telegram", check="C06", place=True, adult=True)
            )
            night.answers("C07", "yes")
    assert night.now == local(DAY, "22:00")
    assert "22:00 alice O_DOUBT" in night.texts(), "no time was agreed, so none has passed"
    assert night.case.level is Level.LOW
    night.until(local(DAY, "22:30"))
    assert night.case.level >= Level.MEDIUM


def test_an_authorised_stay_has_a_check_at_ten_and_at_nine() -> None:
    """An overnight stay needs a named authoriser; then 22:00, and 09:00 the next morning."""
    night = a_night()
    reach(night, local(DAY, "21:00"))
    night.answers("C10", "no")
    night.answers("C11", "none")
    night.answers("C12", "not_worried")
    night.hear(StayAuthorised(at=night.now, by="mo", channel="telegram", until=local("2026-06-25", "10:00")))
    assert night.case is not None
    assert night.case.authorised_until == local("2026-06-25", "10:00")


def test_after_an_outage_one_text_says_so() -> None:
    """S12: the limit fell while the house was down: X_DOWN_LIMIT alone, no R_LIMIT and no R_REV."""
    night = Night(the_protocol(), local("2026-10-25", "00:00"))
    night.watches(a_child(age=17), local("2026-10-25", "00:30"))
    night.until(local("2026-10-25", "00:30") + minutes(30))
    night.until(night.now + minutes(2))
    night.answers("W_BACK", "no_news")
    assert night.case is not None
    assert night.case.opened_at == local("2026-10-25", "00:30") + minutes(30)
    for check, value in (("C01", "no"), ("C04", "off")):
        night.answers(check, value)
    night.until(night.now + minutes(4))
    search = night.protocol.find("C03")
    night.answers("C03", *(o.value for o in search.options if o.completes and not o.means))
    for check, value in (("C08", "nobody_knows"), ("C09", "nobody"), ("C10", "no"), ("C11", "none")):
        night.answers(check, value)
    night.until(night.now + minutes(4))
    night.answers("C12", "not_worried")
    assert night.now == local("2026-10-25", "00:30") + minutes(40)
    review = night.now + minutes(22)
    night.until(review)
    night.answers("R_REV", "no_news")
    down = night.now + minutes(8)
    back = local("2026-10-25", "00:30") + minutes(115)
    before = len(night.said)
    times = armed(night.case, night.protocol)
    night.now = back
    kinds = tuple(k for k, at in times.items() if at <= back)
    night.hear(
        DeadlinePassed(at=back, by="clock", channel="clock", kinds=kinds, due=min(times.values()), down_since=down)
    )
    assert sorted({s.text for s in night.said[before:]}) == ["C_ALERT", "X_DOWN_LIMIT"]
    limit = local("2026-10-25", "00:30") + minutes(90)
    assert times["limit"] == limit


def test_high_needs_the_one_who_saw_and_another_who_confirms() -> None:
    """Two people at HIGH: the same one twice does not end it."""
    night = a_night(flags=("cse",))
    night.hear(ChildSeen(at=night.now, by="alice", channel="telegram", via="staff", seen_at=night.now))
    assert night.case is not None
    assert night.case.status is Status.RETURN_CLAIMED
    night.hear(ChildSeen(at=night.now, by="alice", channel="telegram", via="staff", seen_at=night.now))
    assert night.case.status is Status.RETURN_CLAIMED
    night.hear(ChildSeen(at=night.now, by="mo", channel="telegram", via="staff", seen_at=night.now))
    assert night.case.status is Status.RETURNED


def test_the_right_code_ends_a_quiet_absence_and_nothing_else() -> None:
    """BACK with the code from a verified number: enough at LOW without a flag, a claim otherwise."""
    for flags, status in (((), Status.RETURNED), (("cse",), Status.RETURN_CLAIMED)):
        night = Night(the_protocol(), local(DAY, "18:00"))
        night.opens(a_child(at_home=True, flags=flags), side=Side.PARENT, by="pat", t0=local(DAY, "18:00"))
        night.hear(ReturnClaimed(at=night.now, by="pat", channel="sms", trust=Trust.CODE, seen=True))
        assert night.case is not None
        assert night.case.status is status


def test_the_polices_no_keeps_our_clock_and_tells_the_co_ordinator() -> None:
    """6.4: recorded with their review time; the next limit is theirs or ours, whichever comes first."""
    night = a_night(flags=("cse",))
    chase = night.case.police.chase_at if night.case else None
    night.hear(PoliceDeclined(at=night.now, by="alice", channel="telegram", number="555",
                              review_at=night.now + timedelta(hours=12)))  # fmt: skip
    assert night.case is not None
    assert night.case.police.chase_at == chase
    assert any(s.text == "C_DECLINED" for s in night.said)


def test_a_new_worry_with_a_number_on_file_sends_the_adult_back_to_the_police() -> None:
    """O_UPD, and the chase starts anew until the number is texted again."""
    night = a_night(flags=("cse",))
    night.hear(PoliceLogged(at=night.now, by="alice", channel="telegram", number="7781"))
    assert night.case is not None and night.case.police.chase_at is None
    night.until(night.now + minutes(3))
    night.hear(WorryRaised(at=night.now, by="alice", channel="telegram"))
    assert "20:03 alice O_UPD" in night.texts()
    assert night.case.police.chase_at == local(DAY, "20:08")


def test_taking_an_alert_is_a_loan() -> None:
    """It lapses after ten minutes at HIGH if the taker did nothing, and the chain starts again at E1."""
    night = a_night(flags=("cse",))
    night.until(local(DAY, "20:02"))
    night.hear(AlertAcknowledged(at=night.now, by="cass", channel="telegram"))
    night.until(local(DAY, "20:12"))
    assert [t for t in night.texts() if "C_ALERT" in t] == ["20:00 coordinator C_ALERT", "20:12 coordinator C_ALERT"]


def test_a_case_does_not_close_while_something_is_missing() -> None:
    """A12: seen, well-being, police told, interview settled; the refusal says what is missing."""
    night = a_night(flags=("cse",))
    night.hear(CloseAsked(at=night.now, by="mo", channel="telegram"))
    assert night.case is not None
    assert night.case.status is Status.MISSING
    assert night.said[-1].tell.fields["missing"] == ("seen", "wellbeing")


def test_a_parent_who_may_not_be_asked_raises_all_the_same() -> None:
    """A restricted parent: the case opens, the co-ordinator is alerted at once, and no question goes out."""
    night = Night(the_protocol(), local(DAY, "20:00"))
    night.opens(a_child(at_home=True), side=Side.PARENT, by="pat", t0=local(DAY, "19:50"), askable=False)
    assert night.texts() == ["20:00 coordinator C_ALERT"]
    night.until(local(DAY, "20:30"))
    assert not any(s.to == "pat" for s in night.said)
    assert night.case is not None and night.case.fired("M03")


def test_the_other_parent_is_asked_when_the_first_is_silent() -> None:
    """P00 unanswered for three minutes goes to the other parent; without one, to E1."""
    night = Night(the_protocol(), local(DAY, "20:00"))
    night.opens(a_child(at_home=True, parents=("pat", "sam")), side=Side.PARENT, by="pat", t0=local(DAY, "19:50"))
    night.until(local(DAY, "20:04"))
    assert "20:03 sam P00" in night.texts()
    alone = Night(the_protocol(), local(DAY, "20:00"))
    alone.opens(a_child(at_home=True, parents=("pat",)), side=Side.PARENT, by="pat", t0=local(DAY, "19:50"))
    alone.until(local(DAY, "20:04"))
    assert "20:03 coordinator C_ALERT" in alone.texts()


def test_seen_and_not_seen_in_one_moment_leave_the_search_open_in_both_orders() -> None:
    """HZ14: the riskier of two opposite answers stands, whichever came first; ending it then needs two people."""
    for pair in (("seen", "no_news"), ("no_news", "seen")):
        night = a_night()
        for check, value in (("C01", "no"), ("C04", "no_answer"), ("C08", "nobody_knows"), ("C09", "nobody"),
                             ("C10", "no"), ("C11", "none")):  # fmt: skip
            night.answers(check, value)
        search = night.protocol.find("C03")
        night.answers("C03", *(o.value for o in search.options if o.completes and not o.means))
        night.answers("C12", "not_worried")
        night.until(local(DAY, "20:15"))
        night.answers("R_REV", pair[0], by="alice")
        night.answers("R_REV", pair[1], by="ben")
        assert night.case is not None
        assert night.case.status in (Status.ABSENT, Status.RETURN_CLAIMED), pair


def test_a_worry_after_a_return_opens_the_case_again() -> None:
    """Gone again, or never back: the search goes on, people on call are alerted, and the chase starts anew."""
    night = a_night(flags=("cp_plan",))
    night.hear(ChildSeen(at=night.now, by="alice", channel="telegram", via="police", seen_at=night.now))
    assert night.case is not None and night.case.status is Status.RETURNED
    night.until(local(DAY, "21:00"))
    night.hear(WorryRaised(at=night.now, by="pat", channel="sms", trust=Trust.NONE))
    assert night.case.status is Status.MISSING
    assert night.case.unlocated
    assert night.case.police.chase_at == local(DAY, "21:05")
    assert "21:00 coordinator C_ALERT" in night.texts()


def test_an_allowed_stay_answers_the_question_and_keeps_the_checks() -> None:
    """5.2: a named authoriser; one check at 22:00, one at 09:00, and the alert that asked for the decision ends."""
    night = a_night()
    reach(night, local(DAY, "21:00"))
    night.answers("C10", "no")
    night.answers("C11", "none")
    night.answers("C12", "not_worried")
    night.hear(StayAuthorised(at=night.now, by="mo", channel="telegram", until=local("2026-06-25", "10:00")))
    assert night.case is not None
    assert night.case.review_at == local(DAY, "21:00")
    asked = []
    for _ in range(3):
        night.until(night.case.review_at)
        asked.append(night.now)
        night.answers("AWAY_CHECK", "still_safe")
    assert asked == [local(DAY, "21:00"), local(DAY, "22:00"), local("2026-06-25", "09:00")]
    assert not night.case.fired("A01") and not night.case.fired("M02")
    night.until(local("2026-06-25", "11:30"))
    assert night.case.fired("A01")

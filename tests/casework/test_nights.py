"""Whole nights on the core alone: the turning points of the scenarios, with exact times and texts."""

from casework.events import (
    AlertAcknowledged,
    ChildSeen,
    CloseAsked,
    NoteMade,
    PoliceLogged,
    ReturnClaimed,
    WhereaboutsGiven,
)
from casework.levels import Level, Located, Side, Status, Trust
from tests.builders import Night, a_child, local, the_protocol


def test_half_an_hour_late_and_reached() -> None:
    """S1: own voice, safe place, adult and time: no apparent risk, no alert, and the manager must still sign."""
    day = "2026-06-10"
    night = Night(the_protocol(), local(day, "20:00"))
    night.watches(a_child(), local(day, "21:00"))
    night.until(local(day, "21:15"))
    assert night.texts()[-1] == "21:15 alice W_BACK"
    night.answers("W_BACK", "no_news")
    night.answers("C01", "no")
    night.answers("C04", "spoke")
    night.answers("C05", "yes")
    night.hear(
        WhereaboutsGiven(at=night.now, by="alice", channel="telegram", check="C06", place=True, adult=True,
                         back_at=local(day, "21:45"))
    )  # fmt: skip
    night.answers("C07", "yes")
    night.answers("C10", "no")
    night.answers("C11", "none")
    night.until(local(day, "21:20"))
    night.answers("C12", "not_worried")
    case = night.case
    assert case is not None
    assert (case.status, case.level, case.located) == (Status.ABSENT, Level.NAR, Located.SAFE)
    assert case.review_at == local(day, "22:00")
    assert case.opened_at == local(day, "21:15")
    assert "21:20 alice O_NAR" in night.texts()
    assert not {"C03", "C08", "C09"} & {s.text for s in night.said}
    night.until(local(day, "21:44"))
    night.hear(ReturnClaimed(at=night.now, by="alice", channel="telegram"))
    assert night.texts()[-1] == "21:44 alice B_SEEN"
    night.answers("B_SEEN", "seen")
    night.answers("B_WELL", "no")
    told = [t for t in night.texts(local(day, "21:44")) if "C_BACK" not in t]  # C_BACK: whoever was told; nobody was
    assert told == ["21:44 alice B_SEEN", "21:44 alice B_WELL", "21:44 alice B_KIND0"]
    assert night.case is not None
    assert night.case.status is Status.RETURNED
    assert not any(s.text == "C_ALERT" for s in night.said)
    night.hear(CloseAsked(at=night.now, by="mo", channel="telegram"))
    assert night.case.status is Status.CLOSED


def test_phone_off_runs_to_the_limit() -> None:
    """S2: reviews every 15 minutes, the limit makes it missing, a confirmed number gives R_NEWS every hour."""
    day, next_day = "2026-06-24", "2026-06-25"
    night = Night(the_protocol(), local(day, "21:20"))
    night.opens(a_child(episodes_90_days=1), t0=local(day, "21:00"))
    night.answers("C01", "no")
    night.until(local(day, "21:24"))
    night.answers("C04", "off")
    _looked_everywhere(night)
    night.until(local(day, "21:28"))
    night.answers("C08", "nobody_knows")
    night.answers("C09", "nobody")
    night.answers("C10", "no")
    night.answers("C11", "none")
    night.until(local(day, "21:32"))
    night.answers("C12", "a_bit")
    case = night.case
    assert case is not None
    assert (case.level, case.factors, case.review_at) == (Level.LOW, ("K01", "K06"), local(day, "21:47"))
    for clock in ("21:47", "22:02", "22:17", "22:32", "22:47"):
        night.until(local(day, clock))
        assert f"{clock} alice R_REV" in night.texts()
        night.answers("R_REV", "no_news")
    night.until(local(day, "23:00"))
    assert set(night.texts(local(day, "22:48"))) == {"23:00 coordinator C_ALERT", "23:00 alice R_LIMIT"}
    night.until(local(day, "23:02"))
    night.hear(AlertAcknowledged(at=night.now, by="cass", channel="telegram"))
    assert night.case is not None
    assert night.case.alert.taken_until == local(day, "23:22")
    night.until(local(day, "23:10"))
    assert "23:10 alice O_NOREF" in night.texts()
    night.answers("O_NOREF", "on_hold")
    night.until(local(day, "23:14"))
    night.hear(PoliceLogged(at=night.now, by="alice", channel="telegram", number="1234"))
    assert night.case.alert.taken_until == local(next_day, "00:14")
    night.until(local(day, "23:50"))
    night.hear(NoteMade(at=night.now, by="cass", channel="telegram", acted=True))
    assert night.case.alert.taken_until == local(next_day, "00:50")
    night.until(local(next_day, "00:14"))
    assert "00:14 alice R_NEWS" in night.texts()
    assert not any(t.endswith("R_REV") for t in night.texts(local(day, "23:00")))
    night.answers("R_NEWS", "no_news")
    night.until(local(next_day, "00:40"))
    night.hear(ChildSeen(at=night.now, by="alice", channel="telegram", via="staff", seen_at=night.now))
    night.answers("B_WELL", "no")
    night.until(local(next_day, "00:44"))
    night.answers("B_POL", "done")
    assert night.case.back.interview_due == local("2026-06-28", "00:40")
    night.until(local("2026-06-28", "00:39"))
    reminders = [s.at for s in night.said if s.text == "RHI_1"]
    assert reminders == [
        local(next_day, "02:40"), local("2026-06-26", "00:40"), local("2026-06-27", "00:40"), local("2026-06-27", "18:40"),
    ]  # fmt: skip


def _looked_everywhere(night: Night) -> None:
    search = night.protocol.find("C03")
    night.answers("C03", *(o.value for o in search.options if o.completes and not o.means))


def test_a_marker_on_the_register_ends_the_gate_at_once() -> None:
    """S3: the instruction goes out before any question; the third missed number tells the deputy."""
    day = "2026-06-15"
    night = Night(the_protocol(), local(day, "20:05"))
    night.opens(a_child(age=14, flags=("cse",)), t0=local(day, "20:00"))
    assert set(night.texts()) == {
        "20:05 alice O_HIGH_101", "20:05 coordinator C_ALERT", "20:05 manager T_E8", "20:06 alice C01",
        "20:05 alice T_E5", "20:06 alice T_E6",
    }  # fmt: skip
    night.until(local(day, "20:07"))
    night.hear(AlertAcknowledged(at=night.now, by="cass", channel="telegram"))
    night.until(local(day, "20:12"))
    night.hear(NoteMade(at=night.now, by="cass", channel="telegram", acted=True))
    night.until(local(day, "20:20"))
    assert [t for t in night.texts() if "NOREF" in t] == [
        "20:10 alice O_NOREF", "20:15 alice O_NOREF", "20:20 alice O_NOREF", "20:20 deputy C_NOREF",
    ]  # fmt: skip
    night.until(local(day, "20:21"))
    night.hear(PoliceLogged(at=night.now, by="alice", channel="telegram", number="7781"))
    assert night.case is not None
    assert night.case.review_at == local(day, "21:21")
    assert [r.rule for r in night.case.reasons] == ["H01", "R06"]


def test_an_eleven_year_old_not_home_from_school() -> None:
    """S4: the first text is O_HIGH; a parent's number is told, not confirmed; a parent's sight is a claim."""
    day = "2026-06-16"
    night = Night(the_protocol(), local(day, "16:40"))
    night.opens(a_child(age=11, at_home=True, looked_after=False), side=Side.PARENT, by="pat", t0=local(day, "16:10"))
    assert [t for t in night.texts() if "pat" in t] == ["16:40 pat O_HIGH", "16:41 pat P00"]
    assert night.case is not None
    assert [r.rule for r in night.case.reasons] == ["H01", "M02", "R04"]
    night.until(local(day, "16:41"))
    for check, value in (
        ("P00", "ready"),
        ("P01", "no"),
        ("P06", "no_phone"),
        ("P04", "looked"),
        ("P07", "nobody_knows"),
    ):
        night.answers(check, _value(night, check, value))
    night.until(local(day, "16:42"))
    night.hear(AlertAcknowledged(at=night.now, by="cass", channel="telegram"))
    night.until(local(day, "16:45"))
    assert "16:45 pat O_NOREF" in night.texts()
    night.answers("O_NOREF", "number_coming")
    assert night.case.police.chase_at == local(day, "16:50")
    night.until(local(day, "16:49"))
    night.hear(PoliceLogged(at=night.now, by="pat", channel="sms", trust=Trust.NONE, number="2290"))
    assert night.case.review_at == local(day, "16:59")
    assert not night.case.reported
    night.until(local(day, "16:51"))
    night.hear(PoliceLogged(at=night.now, by="cass", channel="telegram", number="2290"))
    assert night.case.review_at == local(day, "17:51")
    night.until(local(day, "17:05"))
    night.hear(ReturnClaimed(at=night.now, by="pat", channel="sms", trust=Trust.NONE))
    night.answers("B_SEEN", "seen")
    assert night.case.status is Status.RETURN_CLAIMED
    assert night.case.review_at == local(day, "17:20")
    night.until(local(day, "17:10"))
    night.hear(ChildSeen(at=night.now, by="cass", channel="telegram", via="callback", seen_at=night.now))
    assert night.case.status is Status.RETURNED
    assert night.case.back.interview_due == local("2026-06-19", "17:05")
    night.answers("B_WELL", "no")
    night.answers("B_POL", "done")
    assert [str(s) for s in night.said if s.to == "pat"][-3:] == [
        "17:10 pat B_WELL",
        "17:10 pat B_POL",
        "17:10 pat B_KIND",
    ]


def _value(night: Night, check: str, means: str) -> str:
    options = night.protocol.find(check).options
    return next((o.value for o in options if means in (o.value, o.means)), options[0].value)


def test_nobody_answers() -> None:
    """S6: silence is told, the checks deadline makes it missing, every rung is called, and nobody is asked in vain."""
    day = "2026-06-18"
    night = Night(the_protocol(), local(day, "20:00"))
    night.watches(a_child(age=13), local(day, "20:30"))
    night.until(local(day, "21:06"))
    assert [t for t in night.texts() if "alice" in t] == [
        "20:40 alice W_BACK", "20:45 alice REPEAT W_BACK", "20:45 alice REPEAT W_BACK", "20:50 alice R_SILENT",
        "20:55 alice O_MED", "21:05 alice O_NOREF", "21:06 alice R_NOACK",
    ]  # fmt: skip
    assert [t for t in night.texts() if "C_ALERT" in t] == [
        "20:50 coordinator C_ALERT", "20:55 deputy C_ALERT", "21:00 manager C_ALERT", "21:05 all_duty C_ALERT",
    ]  # fmt: skip
    assert night.case is not None
    assert night.case.opened_at == local(day, "20:40")
    assert night.case.fired("M03")
    night.until(local(day, "21:07"))
    night.hear(AlertAcknowledged(at=night.now, by="dee", channel="telegram"))
    night.until(local(day, "21:11"))
    night.hear(NoteMade(at=night.now, by="dee", channel="telegram", acted=True))
    assert night.case.alert.taken_until == local(day, "21:31")


def test_a_false_return_moves_no_clock() -> None:
    """S10: told by the brother keeps the case open; no news refutes it; the limit comes on time."""
    day = "2026-06-23"
    night = Night(the_protocol(), local(day, "18:20"))
    night.opens(a_child(age=14, at_home=True, looked_after=False), side=Side.PARENT, by="pat")
    night.answers("P00", _value(night, "P00", "ready"))
    night.answers("P01", "no")
    night.answers("P02", "due", instant=local(day, "18:00"))
    night.answers("P06", _value(night, "P06", "off"))
    night.until(local(day, "18:24"))
    night.answers("P04", _value(night, "P04", "searched"))
    night.until(local(day, "18:28"))
    night.answers("P08", "no")
    night.until(local(day, "18:32"))
    night.answers("P11", night.protocol.find("P11").options[2].value)
    night.answers("P12", "no")
    night.until(local(day, "18:36"))
    night.answers("P10", "no")
    night.until(local(day, "18:38"))
    night.answers("P16", "a_bit")
    case = night.case
    assert case is not None
    assert (case.status, case.level, case.t0) == (Status.ABSENT, Level.LOW, local(day, "18:00"))
    assert set(night.texts(local(day, "18:38"))) == {"18:38 pat O_NAR", "18:38 coordinator M_LOW", "18:39 pat P07"}
    night.until(local(day, "18:40"))
    night.answers("P07", "nobody_knows")
    for clock in ("18:53", "19:08"):
        night.until(local(day, clock))
        night.answers("R_REV", "no_news")
    night.until(local(day, "19:10"))
    night.hear(ReturnClaimed(at=night.now, by="pat", channel="sms", trust=Trust.NONE))
    night.answers("B_SEEN", "told")
    assert night.case is not None
    assert night.case.status is Status.RETURN_CLAIMED
    assert night.case.review_at == local(day, "19:23")
    night.until(local(day, "19:23"))
    assert "19:23 pat R_REV" in night.texts()
    night.answers("R_REV", "no_news")
    assert night.case.status is Status.ABSENT
    for clock in ("19:38", "19:53"):
        night.until(local(day, clock))
        assert f"{clock} pat R_REV" in night.texts()
        night.answers("R_REV", "no_news")
    night.until(local(day, "20:00"))
    assert set(night.texts(local(day, "19:54"))) == {"20:00 pat R_LIMIT", "20:00 coordinator C_ALERT"}
    assert night.case.status is Status.MISSING


def test_an_empty_bed_is_missing_at_once() -> None:
    """S13: the limit is already reached when the case opens: the 101 instruction first, danger a minute later."""
    night = Night(the_protocol(), local("2026-06-26", "02:00"))
    night.opens(a_child(), t0=local("2026-06-25", "23:00"), kind="seen")
    assert set(night.texts()) == {"02:00 alice R_LIMIT", "02:00 coordinator C_ALERT", "02:01 alice C01"}
    assert night.case is not None
    assert night.case.factors == ("K14",)

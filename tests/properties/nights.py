"""Random nights: what adults, people on call, police and the clock may do, drawn by Hypothesis and played on the core."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from casework import events as e
from casework.events import Child
from casework.levels import Side, Trust
from casework.protocol import Protocol
from tests.builders import Night

FLAGS = ("cse", "cce", "cp_plan", "order", "uasc", "vuln", "medical", "honour", "no_parent_contact", "report_at_once")


@dataclass(frozen=True)
class Act:
    """One thing that happens: after `wait` minutes, `who` does `what` with a `choice` that picks among the possible."""

    wait: int
    who: str
    what: str
    choice: int


WHO = ("alice", "ben", "pat", "cass", "dee", "mo")
WHAT = (
    "answer", "answer", "answer", "answer", "answer", "wait", "where", "claim", "seen", "refute", "worry", "note",
    "ack", "log", "told", "declined", "settle", "close", "interview", "companion", "unreachable", "restored", "join", "authorise",
)  # fmt: skip

acts = st.lists(
    st.builds(
        Act,
        wait=st.sampled_from((0, 0, 1, 3, 7, 20, 61, 240)),
        who=st.sampled_from(WHO),
        what=st.sampled_from(WHAT),
        choice=st.integers(0, 59),
    ),
    max_size=25,
)

children = st.builds(
    Child,
    child_id=st.just("K7"),
    age=st.sampled_from((None, 3, 9, 10, 11, 12, 13, 14, 15, 16, 17)),
    flags=st.lists(st.sampled_from(FLAGS), unique=True, max_size=2).map(tuple) | st.just(()),
    at_home=st.booleans(),
    primary_school=st.sampled_from((False, False, False, True)),
    register_factors=st.lists(st.sampled_from(("K07", "K08", "K09")), unique=True, max_size=3).map(tuple),
    episodes_90_days=st.integers(0, 3),
    active_patterns=st.sampled_from(((), (), (), ("PAT01",))),
    has_plan=st.booleans(),
    plan_limit_minutes=st.sampled_from((None, None, 0, 25, 5000)),
    parents=st.sampled_from(((), ("pat",))),
    surroundings=st.sampled_from(((), (), ("water",))),
    text_999=st.sampled_from(((), (), ("pat",), ("alice",))),
)

STARTS = (
    datetime(2026, 6, 24, 18, 0, tzinfo=UTC),
    datetime(2026, 6, 24, 23, 30, tzinfo=UTC),
    datetime(2026, 10, 24, 22, 40, tzinfo=UTC),  # the night the clocks go back
    datetime(2026, 10, 25, 0, 20, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 10, tzinfo=UTC),  # the night they go forward
)
starts = st.sampled_from(STARTS)
lateness = st.sampled_from((0, 5, 16, 70, 300))


def opened(
    protocol: Protocol, child: Child, start: datetime, late: int, *, parent: bool, askable: bool = True
) -> Night:
    night = Night(protocol, start, replays=False)
    side = Side.PARENT if parent else Side.STAFF
    t0 = None if late == 5 else start - timedelta(minutes=late)
    night.opens(child, side=side, by="pat" if parent else "alice", t0=t0, askable=askable)
    return night


def play(night: Night, script: list[Act]) -> Night:
    for act in script:
        night.until(night.now + timedelta(minutes=act.wait))
        news = told(night, act)
        if news is not None:
            night.hear(news)
    return night


def told(night: Night, act: Act) -> e.News | None:
    case, at = night.case, night.now
    assert case is not None
    base: dict[str, Any] = {"at": at, "by": act.who, "channel": "sms" if act.who == "pat" else "telegram"}
    trust: dict[str, Any] = {"trust": Trust.NONE if act.who == "pat" else Trust.VERIFIED}
    match act.what:
        case "answer":
            return an_answer(night, act)
        case "where":
            check = "P06c" if act.who == "pat" else "C06"
            return e.WhereaboutsGiven(
                **base, check=check, place=act.choice % 3 > 0, adult=act.choice % 2 > 0,
                back_at=at + timedelta(minutes=act.choice * 5) if act.choice % 4 else None,
                approved=(None, True, False)[act.choice // 4 % 3],
            )  # fmt: skip
        case "claim":
            code = Trust.CODE if act.choice % 5 == 0 else Trust.NONE
            return e.ReturnClaimed(**base, trust=code, seen=act.choice % 2 == 0)
        case "seen" if act.who != "pat":
            via = ("staff", "callback", "police")[act.choice % 3]
            return e.ChildSeen(**base, via=via, seen_at=at, elsewhere=via == "police")
        case "refute":
            return e.ReturnRefuted(**base)
        case "worry":
            return e.WorryRaised(**base)
        case "note":
            return e.NoteMade(**base, acted=act.who in ("cass", "dee", "mo"), unread=act.choice % 7 == 0)
        case "ack" if act.who in ("cass", "dee", "mo"):
            return e.AlertAcknowledged(**base)
        case "log" if act.who != "pat":
            return e.PoliceLogged(**base, **trust, number=str(1000 + act.choice))
        case "told":
            return e.PoliceLogged(**base, trust=Trust.NONE, number=str(1000 + act.choice))
        case "declined":
            return e.PoliceDeclined(**base, number="555", review_at=at + timedelta(hours=10))
        case "settle" if act.who in ("cass", "dee", "mo"):
            return e.UnsureSettled(**base, risk=act.choice % 2 == 0)
        case "close" if act.who == "mo":
            return e.CloseAsked(**base)
        case "interview":
            return e.InterviewRecorded(**base, outcome=("offered", "done", "declined")[act.choice % 3])
        case "companion":
            from casework.levels import Level, Route

            return e.CompanionRaised(**base, case_id="org1-9", level=Level.MEDIUM, route=Route.NON_EMERGENCY)
        case "unreachable":
            return e.ContactUnreachable(**base, person=act.who)
        case "restored":
            return e.ContactRestored(**base, person=act.who)
        case "join":
            parent = act.who == "pat"
            side = Side.PARENT if parent else Side.STAFF
            return e.ReporterJoined(**base, side=side, t0=at - timedelta(minutes=act.choice))
        case "authorise" if act.who == "mo":
            return e.StayAuthorised(**base, until=at + timedelta(minutes=10 * act.choice))
        case _:
            return None


def an_answer(night: Night, act: Act) -> e.News | None:
    """An answer to what waits, or (when nothing does) to any check at all: people press old buttons."""
    assert night.case is not None
    waiting = [p for p in night.case.prompts if night.protocol.has(p.check)]
    pool = [night.protocol.find(waiting[-1].check)] if waiting and act.choice % 6 else list(night.protocol.check)
    check = pool[act.choice % len(pool)]
    who = waiting[-1].to if waiting and act.choice % 6 else act.who
    reporter = night.case.reporter(who)
    trust = Trust.NONE if who == "pat" else Trust.VERIFIED
    channel = reporter.channel if reporter else "telegram"
    if not check.options:
        instant = night.now - timedelta(minutes=act.choice) if check.kind == "time" else None
        return e.CheckAnswered(at=night.now, by=who, channel=channel, trust=trust, check=check.id, values=("given",),
                               instant=instant)  # fmt: skip
    option = check.options[act.choice % len(check.options)]
    return e.CheckAnswered(at=night.now, by=who, channel=channel, trust=trust, check=check.id, values=(option.value,))

"""Bar of the house: nobody answers for 48 hours, and alerts never stop, on any night that people can bring about before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from casework.case import Case
from casework.deadlines import armed
from casework.events import DeadlinePassed
from casework.levels import Level
from casework.protocol import Protocol
from tests.builders import Night, Said, the_protocol
from tests.properties.nights import acts, children, lateness, opened, play, starts

NAMES = (
    "england/base/2026-01-01",
    "england/example-force/2026-01-01",
    "wales/base/2026-01-01",
    "scotland/base/2026-01-01",
)
LONG = timedelta(hours=48)
CHAIN = ("C_ALERT", "C_NOREF", "C_CLAIM")  # what says that a child is out and nobody has taken it


@dataclass
class Moment:
    """A step of the long night: when, how the case stood after it, and whether anybody on the case was alerted in it."""

    at: datetime
    case: Case
    alerted: bool


def quiet_at_most(case: Case) -> timedelta:
    """The longest quiet on an untaken case whose chain runs."""
    if case.reported:
        return timedelta(minutes=30)
    return timedelta(minutes=5 if case.level is Level.HIGH else 10)


def nobody_answers(night: Night) -> Iterator[Moment]:
    """48 hours, deadline by deadline."""
    ends = night.now + LONG
    while night.case is not None and (times := armed(night.case, night.protocol)) and min(times.values()) <= ends:
        night.now = max(night.now, min(times.values()))
        kinds = tuple(sorted(kind for kind, at in times.items() if at <= night.now))
        before = len(night.said)
        night.hear(DeadlinePassed(at=night.now, by="clock", channel="clock", kinds=kinds, due=min(times.values())))
        yield Moment(night.now, night.case, any(_alerts(said) for said in night.said[before:] if said.at == night.now))


def _alerts(said: Said) -> bool:
    return said.text in CHAIN and said.tell.alert is not None and said.tell.to.kind in ("duty", "all_duty")


@settings(max_examples=20)  # each is two days and nights
@given(st.sampled_from(NAMES), children, starts, lateness, st.booleans(), st.booleans(), acts)
def test_alerts_never_stop(name, child, start, late, parent, askable, script):
    """HIGH at most 5 minutes, others whose chain runs 10, any with a confirmed number 30; and it runs to the end."""
    protocol: Protocol = the_protocol(name)
    night = play(opened(protocol, child, start, late, parent=parent, askable=askable), script)
    night.until(night.now)
    ends = night.now + LONG
    last: datetime | None = None  # the last alert of a chain that nobody has taken
    moment = None
    for moment in nobody_answers(night):
        case = moment.case
        if case.returned or case.alert.taken_by is not None or case.alert.rung == 0:
            last = None
            continue
        if moment.alerted:
            assert last is None or moment.at - last <= quiet_at_most(case), (last, moment.at, case.level)
            last = moment.at
    assert moment is not None and night.case is not None
    alert = night.case.alert
    if night.case.unlocated and not night.case.returned:
        assert alert.rung == protocol.last_rung
    if alert.rung > 0 and alert.taken_by is None and not night.case.returned:
        assert last is not None and ends - last <= quiet_at_most(night.case)

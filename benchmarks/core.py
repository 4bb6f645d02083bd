"""The pure core: one step of a case of 60 events, and whether a step costs more when the case is long."""

import statistics
import sys
import time
from datetime import timedelta

from benchmarks.rounds import Row, Told
from benchmarks.scripts import script
from casework.events import CheckAnswered, NoteMade
from casework.step import step
from tests.builders import Night, a_child, local, the_protocol

ROUNDS = 2000


def a_case(events: int) -> Night:
    """A reported case whose log is at least this long: news asked and answered, hour after hour."""
    night = Night(the_protocol(), local("2026-06-24", "20:00"), replays=False)
    night.opens(a_child(), t0=night.now)
    for check, value in (("C01", "no"), ("C04", "off"), ("C08", "nobody_knows"), ("C09", "nobody"), ("C10", "no"),
                         ("C11", "none"), ("C12", "a_bit")):  # fmt: skip
        night.answers(check, value)
    while len(night.log) < events:
        night.until(night.now + timedelta(minutes=15))
        if night.case is not None and any(p.check in ("R_REV", "R_SILENT") for p in night.case.prompts):
            night.answers("R_REV", "no_news")
        else:
            night.hear(NoteMade(at=night.now, by="alice", channel="telegram"))
    return night


def step_microseconds(events: int) -> float:
    """The median time of one step (an answer, then a note) on a case of so many events."""
    night = a_case(events)
    case, protocol = night.case, night.protocol
    assert case is not None
    news = (
        CheckAnswered(at=night.now, by="alice", channel="telegram", check="D13", values=("not_needed",)),
        NoteMade(at=night.now, by="alice", channel="telegram"),
    )
    times = []
    for number in range(ROUNDS):
        begun = time.perf_counter()
        step(case, news[number % 2], protocol)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def run(full: bool = False) -> list[Told]:
    """Microseconds a step, and whether a long case costs more; there is one form only."""
    short, long = step_microseconds(60), step_microseconds(2000)
    return [
        Row(what="pure step, case of 60 events", figure=short, unit="µs", aim=100, more=False),
        Row(what="pure step, 2,000 events against 60", figure=long / short, unit="×", aim=1.25, more=False),
    ]


if __name__ == "__main__":
    sys.exit(script(run))

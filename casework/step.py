"""The whole control flow of a case: take note of the news, then ask six questions in a fixed order.

    where is the child? → how risky? → missing now? → who must be told? → what is still to ask? → is it over?

Each is a function in a file of its own that looks at the case and decides; none calls another.
"""

from collections.abc import Callable
from dataclasses import dataclass

from casework import checks, closing, ladder, missing, risk, watch, whereabouts
from casework.case import Case
from casework.effects import Effect
from casework.events import Event, News
from casework.evolve import evolve
from casework.levels import Status
from casework.protocol import Protocol
from casework.turn import Turn

QUESTIONS: tuple[Callable[[Turn], None], ...] = (
    whereabouts.locate,
    risk.assess,
    missing.declare,
    ladder.climb,
    checks.ask,
    closing.close,
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one piece of news led to: the case after it, the decisions to log, the effects to carry out."""

    case: Case
    decisions: tuple[Event, ...]
    effects: tuple[Effect, ...]


def step(case: Case | None, news: News, protocol: Protocol) -> Step:
    """Fold one piece of news into the case and answer the six questions about it.

    Never raises for news, in any status: what makes no sense (an answer after the end) is noted and changes nothing.
    Raises OurMistake only where `case` is None and the news cannot open one.
    """
    turn = Turn(before=case, case=evolve(case, news), news=news, protocol=protocol)
    if case is not None and case.status is Status.CLOSED:
        return Step(turn.case, (), ())
    if turn.case.status is Status.WATCHING:
        watch.keep(turn)
        if turn.case.status is Status.WATCHING or turn.case.status is Status.CLOSED:
            return _end(turn)
    for question in QUESTIONS:
        question(turn)
    return _end(turn)


def _end(turn: Turn) -> Step:
    return Step(turn.case, tuple(turn.decisions), tuple(turn.effects))

"""What an unanswered question leads to: first the other parent (P00, 3 min), then a reminder (+5), then people on call (+10).

Silence is an answer, the worse one. It counts from the oldest unanswered timed question; a new review does not restart it.
"""

from datetime import datetime

from casework.case import Case, Prompt
from casework.levels import Status
from casework.limits import minutes
from casework.protocol import Protocol
from casework.turn import Turn

FIRST_ACK, REMINDER, SILENT = 0, 1, 2


def next_stage(case: Case, protocol: Protocol) -> int | None:
    """The stage that comes next for what waits now; None when nothing timed waits or on-call was told already."""
    if case.silent_since is None or case.silence_stage >= SILENT:
        return None
    if not case.first_ack_passed and _starts(case, protocol):
        return FIRST_ACK
    if case.status is Status.WATCHING and _young(case):
        return SILENT
    return SILENT if case.silence_stage >= REMINDER else REMINDER


def due(case: Case, protocol: Protocol) -> datetime | None:
    """When that stage falls due."""
    stage = next_stage(case, protocol)
    if stage is None or case.silent_since is None:
        return None
    answer = protocol.timers.answer
    if case.status is Status.WATCHING and _young(case):
        return case.silent_since + minutes(answer.silence_watch_under_12)
    wait = (answer.first_ack, answer.reminder, answer.silence)[stage]
    return case.silent_since + minutes(wait)


def stage_now(turn: Turn) -> int | None:
    """The stage that this step's passed deadline reached; None where no answer deadline passed in it."""
    before = turn.before
    if before is None or "answer" not in turn.due_keys:
        return None
    return next_stage(before, turn.protocol)


def waiting(case: Case) -> Prompt | None:
    """The timed question that is asked again: the latest one that still waits."""
    timed = [p for p in case.prompts if p.timed]
    return timed[-1] if timed else None


def _starts(case: Case, protocol: Protocol) -> bool:
    starting = protocol.starting
    return any(p.timed and p.check in starting for p in case.prompts)


def _young(case: Case) -> bool:
    return case.child.age is None or case.child.age < 12

"""Question 6: is it over? A claim is followed to its confirmation or its end, then comes what is due after a return, and in
the end a named manager closes; nothing ever closes by time (A12)."""

from casework import aftercare, claims
from casework.case import Case
from casework.effects import MarkAlerts, To, Withdraw
from casework.events import CaseClosed, CloseAsked, CloseRefused
from casework.levels import Status
from casework.protocol import Protocol
from casework.turn import Turn


def close(turn: Turn) -> None:
    """Follow a claim to its confirmation or its end, then everything that is due after a return, then the close."""
    if turn.case.returned:
        aftercare.follow(turn)
    else:
        claims.follow(turn)
        claims.sighted(turn)
    _close(turn)


def _close(turn: Turn) -> None:
    news = turn.news
    if not isinstance(news, CloseAsked):
        return
    missing = still_missing(turn.case, turn.protocol)
    if missing:
        turn.decide(CloseRefused(at=turn.now, missing=missing))
        turn.tell(To(kind="person", id=news.by), "close_refused", {"missing": missing}, via="own")
        return
    turn.effects.append(Withdraw())
    turn.effects.append(MarkAlerts(state="ended"))
    aftercare.end_task(turn, aftercare.SIGN_OFF, "signed")
    turn.decide(CaseClosed(at=turn.now, by=news.by))


def still_missing(case: Case, protocol: Protocol) -> tuple[str, ...]:
    """What stands in the way of closing (A12): seen, well-being answered, police told of the return, interview settled.
    A case never closes by time."""
    missing = []
    if case.status is not Status.RETURNED:
        missing.append("seen")
    if not case.back.elsewhere:
        if not _given(case, "B_WELL"):
            missing.append("wellbeing")
        if case.police.number is not None and not _given(case, "B_POL"):
            missing.append("police_told")
    if not aftercare.interview_settled(case, protocol):
        missing.append("interview")
    return tuple(missing)


def _given(case: Case, check: str) -> bool:
    task = case.task(aftercare.WELL)
    phoned = task is not None and task.outcome == "done"
    return check in case.answers or phoned

"""Back means seen: a claim keeps every clock running and alert climbing until a verified sighting confirms it or news
refutes it (domain A1)."""

from datetime import datetime, timedelta

from casework import facts
from casework.aftercare import CALLBACK, begin, end_task, interview_due, means_of
from casework.case import Case
from casework.checks import resume
from casework.effects import MarkAlerts, Tell, To, Withdraw
from casework.events import (
    CheckAnswered,
    ChildSeen,
    ClaimEnded,
    ReturnClaimed,
    ReturnConfirmed,
    ReturnRefuted,
    TaskMoved,
    TaskOpened,
)
from casework.levels import Level, Side, Status, Trust
from casework.limits import MINUTE
from casework.turn import Turn

EXPLOITATION = "R06"


def follow(turn: Turn) -> None:
    """What news means for a claim: it begins, is answered, falls away, or is rung about once more."""
    news = turn.news
    if isinstance(news, ReturnClaimed):
        _claimed(turn, news)
    elif isinstance(news, CheckAnswered):
        _answered(turn, news)
    elif isinstance(news, ReturnRefuted):
        _refute(turn)
    if turn.due("claim"):
        _ring_again(turn)


def _claimed(turn: Turn, news: ReturnClaimed) -> None:
    if turn.case.status is not Status.RETURN_CLAIMED:
        return
    if facts.code_is_enough(turn.case):
        _confirm(turn, news.seen_at or news.at)
        return
    if news.seen:
        turn.tell(To(kind="person", id=news.by), "B_CLAIM")
    reporter = turn.case.reporter(news.by)
    if news.seen or reporter is None or reporter.side is Side.PARENT:
        _call_back(turn)


def _call_back(turn: Turn) -> None:
    """A person on call rings the stored number, never the one that wrote, within 15 minutes (A1)."""
    task = turn.case.task(CALLBACK)
    if task is not None and task.done_at is None:
        return
    due = turn.now + turn.protocol.timers.claim.callback * MINUTE
    turn.decide(TaskOpened(at=turn.now, task=CALLBACK, owner_role="coordinator", due_at=due))
    turn.tell(To(kind="duty", id="coordinator"), "C_CLAIM", {"by": due}, via="both", alert=1)


def _ring_again(turn: Turn) -> None:
    """Nobody confirmed or refuted in time: the next rung is asked, every five minutes."""
    task = turn.case.task(CALLBACK)
    if task is None or task.done_at is not None:
        return
    number = min(task.rung + 1, turn.protocol.last_rung)
    due = turn.now + turn.protocol.timers.claim.next_rung * MINUTE
    alert = turn.case.alert
    if task.rung == number and alert.rung and alert.next_at is not None:
        due = alert.next_at  # everybody was asked before: from now on in one text with the alert
    turn.decide(TaskMoved(at=turn.now, task=CALLBACK, due_at=due, rung=number))
    turn.tell(turn.rung(number), "C_CLAIM", {"by": due}, via="both", alert=number)


def _answered(turn: Turn, news: CheckAnswered) -> None:
    means = means_of(turn, news)
    if news.check == "B_SEEN":
        _seen_answer(turn, news, means)
    elif "seen" in means:
        _says_seen(turn, news)
    elif means & {"no_news", "new_worry", "no_contact"} and turn.case.status is Status.RETURN_CLAIMED:
        _refute(turn)
    elif "found" in means:
        _says_seen(turn, news)


def _seen_answer(turn: Turn, news: CheckAnswered, means: set[str]) -> None:
    if "seen" in means:
        _says_seen(turn, news)
    elif turn.case.status is Status.RETURN_CLAIMED:
        turn.tell(To(kind="person", id=news.by), "B_CLAIM")
        _call_back(turn)


def _says_seen(turn: Turn, news: CheckAnswered) -> None:
    """ "I can see the child": from bound staff a sighting, from a parent a claim until the stored number was rung."""
    side = turn.case.reporter(news.by)
    if side is not None and side.side is Side.STAFF and news.trust is Trust.VERIFIED:
        turn.derive(ChildSeen(at=news.at, by=news.by, channel=news.channel, via="staff", seen_at=news.at))
        return
    if turn.case.back.seen_by is None or turn.case.status is not Status.RETURN_CLAIMED:
        turn.derive(
            ReturnClaimed(at=news.at, by=news.by, channel=news.channel, trust=Trust.NONE, seen=True, seen_at=news.at)
        )
    turn.tell(To(kind="person", id=news.by), "B_CLAIM")
    _call_back(turn)


def _refute(turn: Turn) -> None:
    if turn.case.status is not Status.RETURN_CLAIMED:
        return
    turn.decide(ClaimEnded(at=turn.now))
    end_task(turn, CALLBACK, "refuted")
    resume(turn)


def sighted(turn: Turn) -> None:
    """A verified sighting confirms the return, or waits for the second person where two are needed."""
    sighting = next((e for e in (turn.news, *turn.decisions) if isinstance(e, ChildSeen)), None)
    if sighting is None or turn.case.returned:
        return
    if _two_needed(turn.case) and not _two_people(turn, sighting):
        _await_second(turn, sighting)
        return
    seen_at = turn.case.back.seen_at if sighting.via == "callback" and turn.case.back.seen_at else sighting.seen_at
    _confirm(turn, seen_at, elsewhere=sighting.elsewhere)


def _two_needed(case: Case) -> bool:
    """HIGH, an exploitation flag, or sources that contradict each other: the one who saw and the one who confirms are two."""
    return case.level is Level.HIGH or EXPLOITATION in case.flags or case.contradicted


def _two_people(turn: Turn, sighting: ChildSeen) -> bool:
    if sighting.via in ("callback", "police", "social_care"):
        return True  # the adult or officer who saw, and the person who rang
    before = turn.before.back if turn.before is not None else turn.case.back
    return before.seen_by is not None and before.seen_by != sighting.by


def _await_second(turn: Turn, sighting: ChildSeen) -> None:
    if turn.case.status is not Status.RETURN_CLAIMED:
        turn.derive(
            ReturnClaimed(at=sighting.at, by=sighting.by, channel=sighting.channel, trust=Trust.VERIFIED, seen=True,
                          seen_at=sighting.seen_at)
        )  # fmt: skip
    turn.tell(To(kind="person", id=sighting.by), "B_TWO")
    _call_back(turn)


def _confirm(turn: Turn, seen_at: datetime, *, elsewhere: bool = False) -> None:
    """The child was seen and that is confirmed: alerts end, what waits is withdrawn, and whoever heard of
    the case is told, so that a false return is seen."""
    hours = timedelta(hours=turn.protocol.timers.interview.due_hours)
    due = seen_at + hours if interview_due(turn.case, turn.protocol) else None
    turn.effects[:] = [e for e in turn.effects if not _asks(e)]
    turn.effects.append(Withdraw())
    turn.effects.append(MarkAlerts(state="ended"))
    turn.decide(ReturnConfirmed(at=turn.now, seen_at=seen_at, interview_due=due, elsewhere=elsewhere))
    end_task(turn, CALLBACK, "confirmed")
    turn.tell(To(kind="told", id=turn.news.by), "C_BACK", {"at": seen_at}, via="quiet")
    begin(turn, seen_at)


def _asks(effect: object) -> bool:
    return isinstance(effect, Tell) and (effect.question is not None or effect.text in ("B_CLAIM", "C_CLAIM"))

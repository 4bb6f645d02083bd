"""What stands between us and the police: the chase for their log number with its three answers, the number itself, and a
refusal. Nothing here says that the police know before a log number is on file (P7); a refusal stops no clock of ours
(domain 5.2, 6.4)."""

from datetime import datetime

from casework import limits
from casework.effects import Field, To
from casework.events import (
    CheckAnswered,
    CheckAsked,
    PoliceDeclined,
    PoliceLogged,
    PoliceReviewDue,
    ReferenceChased,
    ReviewSet,
)
from casework.limits import MINUTE
from casework.missing import chase_minutes, word
from casework.turn import Turn

COORDINATOR = To(kind="duty", id="coordinator")


def follow(turn: Turn) -> None:
    """Ask for the number where that is due, hear the adult's answer, and look at what was said of the police."""
    if turn.due("reference") and turn.case.police.chase_at is not None:
        _ask_for_number(turn)
    news = turn.news
    if isinstance(news, CheckAnswered):
        _answered(turn, news)
    elif isinstance(news, PoliceLogged) and not known(turn):
        review = limits.next_review(turn.case, turn.protocol, turn.now)
        turn.decide(ReviewSet(at=turn.now, review_at=review))
    if turn.due("review"):
        _their_review(turn)


def known(turn: Turn) -> bool:
    """A number that only repeats a confirmed one moves no review."""
    before = turn.before
    return (
        before is not None
        and before.reported
        and before.police.number == turn.case.police.number
        and (before.police.chase_at is None)
    )


# ---- the chase -----------------------------------------------------------------------------------


def _ask_for_number(turn: Turn) -> None:
    case = turn.case
    misses = case.police.misses + 1
    next_at = turn.now + chase_minutes(case, turn.protocol) * MINUTE
    turn.decide(ReferenceChased(at=turn.now, misses=misses, next_at=next_at))
    adult = turn.worker()
    if adult is not None:
        on_file = case.police.number is not None
        text = turn.protocol.wording.rise_with_number if on_file else "O_NOREF"
        question = None if on_file else "O_NOREF"
        if question:
            turn.decide(CheckAsked(at=turn.now, check="O_NOREF", to=adult.person, asked_at=turn.now, timed=False))
        turn.tell(To(kind="person", id=adult.person), text, question=question, expires_at=next_at)
    if misses % turn.protocol.timers.chase.escalate_every == 0:
        _tell_unconfirmed(turn, min(max(case.alert.rung, case.police.chase_rung, 1) + 1, turn.protocol.last_rung))


def _tell_unconfirmed(turn: Turn, rung: int) -> None:
    fields: dict[str, Field] = {"level": word(turn.case), "misses": turn.case.police.misses}
    turn.tell(turn.rung(rung), "C_NOREF", fields, via="both", alert=rung)


def _answered(turn: Turn, news: CheckAnswered) -> None:
    """Number coming, on hold: logged, no timer moves. Not rung: asked again in 5 min, and the chain hears it now. "I
    disagree" with a refusal goes to the co-ordinator."""
    if news.check == "O_NOREF" and turn.case.police.chase_at is not None and "not_rung" in _means(turn, news):
        soon = turn.now + turn.protocol.timers.chase.high * MINUTE
        misses = turn.case.police.misses
        turn.decide(ReferenceChased(at=turn.now, misses=misses, next_at=min(soon, turn.case.police.chase_at)))
        _tell_unconfirmed(turn, max(1, turn.case.alert.rung))
    elif news.check == "O_DECLINED" and turn.case.police.declined_at is not None and "disagree" in _means(turn, news):
        turn.tell(COORDINATOR, "C_DISAGREE", {"number": turn.case.police.number}, via="both", alert=1)


def _means(turn: Turn, news: CheckAnswered) -> set[str]:
    check = turn.protocol.find(news.check)
    return {o.means for v in news.values if (o := check.option(v))}


# ---- what was said of the police -----------------------------------------------------------------


def tell(turn: Turn) -> None:
    """Tell who must hear of a number or of a refusal."""
    news, case = turn.news, turn.case
    if isinstance(news, PoliceLogged):
        # A number other than the confirmed one is only told, and stops the chase, too.
        confirmed = case.reported and news.number == case.police.number
        if case.reporter(news.by) is not None:
            text = "O_POL" if confirmed else "O_POLTOLD"
            turn.tell(To(kind="person", id=news.by), text, {"number": news.number})
        if not confirmed:
            turn.tell(COORDINATOR, "C_CALLPOL", {"number": news.number}, via="both", alert=1)
    elif isinstance(news, PoliceDeclined):
        _refused(turn, news)


def _refused(turn: Turn, news: PoliceDeclined) -> None:
    """Our clock runs on; the co-ordinator hears it at once, and each adult may say that they disagree (6.4)."""
    number = news.number or turn.case.police.number
    fields: dict[str, Field] = {"when": news.review_at, "next": _next_clock(turn)}
    text = "C_DECLINED" if number is not None else "C_DECLINED0"
    turn.tell(COORDINATOR, text, {**fields, "number": number}, via="both", alert=1)
    if turn.case.returned:
        return
    for reporter in turn.askable():
        at = turn.goes_out_at(reporter.person)
        turn.decide(CheckAsked(at=turn.now, check="O_DECLINED", to=reporter.person, asked_at=at, timed=False))
        turn.tell(
            To(kind="person", id=reporter.person), "O_DECLINED", fields, question="O_DECLINED",
            not_before=at if at > turn.now else None,
        )  # fmt: skip


def _their_review(turn: Turn) -> None:
    """The time at which the police said they would look again has come: a person rings them."""
    if "review:police" not in turn.due_keys:
        return
    when = turn.case.police.declined_review_at
    turn.decide(PoliceReviewDue(at=turn.now))
    turn.tell(COORDINATOR, "C_POLREV", {"when": when}, via="both", alert=1)


def _next_clock(turn: Turn) -> datetime | None:
    from casework.deadlines import armed

    times = [t for k, t in armed(turn.case, turn.protocol).items() if k in ("reference", "review", "limit", "rung")]
    return min(times, default=None)

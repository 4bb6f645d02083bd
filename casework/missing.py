"""Question 3: is this a police matter now? At MEDIUM and above the nearest adult is told what to do at once, the report is
made and the chase for a log number starts; below, the absence is logged and reviewed. Nothing here says that the police
know: only a log number says that (HZ01)."""

from datetime import datetime

from casework import facts, limits
from casework.case import Case
from casework.effects import Field, File, To
from casework.events import (
    AbsenceLogged,
    CheckAnswered,
    DeadlinePassed,
    DeclaredMissing,
    Instructed,
    NoteMade,
    ReportMade,
    RiskAssessed,
    WhereaboutsGiven,
    WorryRaised,
)
from casework.gate import next_check
from casework.levels import Level, Route, Status
from casework.limits import MINUTE
from casework.protocol import Protocol
from casework.turn import Turn


def declare(turn: Turn) -> None:
    """Instruct where the outcome calls for it, else log the absence once the gate is done."""
    case = turn.case
    if case.returned:
        return
    if case.level >= Level.MEDIUM:
        _instruct(turn)
    elif a01_just_fired(turn):
        turn.tell_reporters(turn.protocol.wording.a01 if _agreed_time_passed(turn) else "O_DOUBT")
    elif case.status is Status.CHECKING and turn.gate_complete() and case.level is not Level.UNASSESSED:
        _log(turn)
    elif _rose_to_low(turn):
        _tell_manager(turn)
    if turn.case.missing_at is not None:
        _report(turn)


def a01_just_fired(turn: Turn) -> bool:
    """Whether this step asks a person on call to decide about a child who was reached (A01)."""
    assessed = [d for d in turn.decisions if isinstance(d, RiskAssessed)]
    return any(r.rule == "A01" for d in assessed for r in d.reasons) if assessed else False


def _agreed_time_passed(turn: Turn) -> bool:
    """Whether a time was agreed and has passed. A person decides as well where contact failed before it, and at the limit
    where none was agreed or the child named one beyond the cap."""
    before = turn.before
    if before is None or before.agreed_until is None:
        return False
    where = facts.whereabouts(before, turn.protocol)
    named = where.instant if where is not None and where.instant is not None else before.agreed_until
    return max(before.agreed_until, named) <= turn.now


# ---- below MEDIUM: the absence is logged ---------------------------------------------------------


def _log(turn: Turn) -> None:
    review = limits.next_review(turn.case, turn.protocol, turn.now)
    assert review is not None, "a logged absence has a review time"
    turn.decide(AbsenceLogged(at=turn.now, review_at=review))
    turn.tell_reporters(turn.protocol.wording.logged, {"at": turn.now, "next": review})
    if turn.case.level is Level.LOW:
        _tell_manager(turn)


def _tell_manager(turn: Turn) -> None:
    role = "coordinator" if turn.case.child.at_home else "manager"
    fields: dict[str, Field] = {
        "at": turn.now,
        "level": word(turn.case),
        "next": turn.case.review_at,
        "limit": limits.limit(turn.case, turn.protocol),
    }
    turn.tell(To(kind="duty", id=role), "M_LOW", fields, via="quiet", alert=1)


def _rose_to_low(turn: Turn) -> bool:
    before = turn.before
    return before is not None and before.level is Level.NAR and turn.case.level is Level.LOW


# ---- MEDIUM and above ----------------------------------------------------------------------------


def _instruct(turn: Turn) -> None:
    case, before = turn.case, turn.before
    first = case.missing_at is None
    rose = before is not None and (case.level > before.level or case.route.strictness > before.route.strictness)
    gone_again = before is not None and before.returned  # what was said is spent, and the police may know of the return
    if first:
        turn.decide(
            DeclaredMissing(at=turn.now, welfare=not case.unlocated or _welfare(case), chase_at=_chase_at(turn))
        )
        _say(turn, _text(turn))
    elif case.police.number is not None and (rose or gone_again or _new_worry(turn)):
        _say_with_number(turn)
    elif rose or gone_again or _now_missing_too(turn):
        if _now_missing_too(turn):
            turn.decide(DeclaredMissing(at=turn.now, welfare=False, chase_at=case.police.chase_at or _chase_at(turn)))
        _say(turn, _text(turn))


def _welfare(case: Case) -> bool:
    return case.level is Level.WELFARE


def _now_missing_too(turn: Turn) -> bool:
    """A WELFARE child became unlocated, or M02 fired on one without contact: the missing report is made as well (4.4)."""
    case, before = turn.case, turn.before
    if not case.welfare or not case.unlocated or before is None:
        return False
    return not before.unlocated or (case.fired("M02") and not before.fired("M02"))


def _new_worry(turn: Turn) -> bool:
    news = turn.news
    if isinstance(news, WorryRaised):
        return True
    if not isinstance(news, CheckAnswered) or not turn.protocol.has(news.check):
        return False
    check = turn.protocol.find(news.check)
    return any(o.means == "new_worry" for v in news.values if (o := check.option(v)))


def _say_with_number(turn: Turn) -> None:
    """A number is on file: ring again, say what changed; a new 999 flag sends the 999 words first."""
    words = turn.protocol.wording
    before = turn.before
    emergency = turn.case.route is Route.EMERGENCY and before is not None and before.route is not Route.EMERGENCY
    text = _text(turn) if emergency else words.rise_with_number
    turn.decide(Instructed(at=turn.now, text=text, chase_at=_chase_at(turn)))
    turn.tell_reporters(text)


def _say(turn: Turn, text: str) -> None:
    turn.decide(Instructed(at=turn.now, text=text))
    if text in ("X_DOWN_LIMIT", "X_DOWN"):
        turn.tell_reporters(text, {"to": turn.now})
    elif text == "B_UNCONF":
        _tell_claimed(turn, text)
    else:
        turn.tell_reporters(text)


def _tell_claimed(turn: Turn, text: str) -> None:
    """A claiming parent reads B_UNCONF in place of R_LIMIT; the other adults read R_LIMIT."""
    for reporter in turn.askable():
        mine = reporter.person == turn.case.back.claimed_by and reporter.side.value == "parent"
        turn.tell(To(kind="person", id=reporter.person), text if mine else turn.protocol.wording.limit)


def _text(turn: Turn) -> str:
    """The words of the highest outcome (4.4)."""
    case, words = turn.case, turn.protocol.wording
    located = not case.unlocated
    if case.level is Level.HIGH and case.route is Route.EMERGENCY:
        return words.high_999_located if located else words.high_999
    if case.level is Level.HIGH and not located:
        return words.high_101
    if located or (case.level is Level.WELFARE and not _now_missing_too(turn)):
        return words.welfare
    if case.fired("M02") and not (turn.before is not None and turn.before.fired("M02")):
        return _limit_text(turn)
    return words.medium


def _limit_text(turn: Turn) -> str:
    news = turn.news
    if isinstance(news, DeadlinePassed) and news.down_since is not None:
        return "X_DOWN_LIMIT"
    if turn.case.status is Status.RETURN_CLAIMED:
        return "B_UNCONF"
    return turn.protocol.wording.limit


def chase_minutes(case: Case, protocol: Protocol) -> int:
    """Between two asks for the log number: HIGH 5; WELFARE and MEDIUM 10 (5.2)."""
    chase = protocol.timers.chase
    if case.level is Level.HIGH:
        return chase.high
    return chase.welfare if case.level is Level.WELFARE else chase.medium


def _chase_at(turn: Turn) -> datetime:
    return turn.now + chase_minutes(turn.case, turn.protocol) * MINUTE


# ---- the report ----------------------------------------------------------------------------------


def _report(turn: Turn) -> None:
    """A new version whenever rules, flags, whereabouts or the police's side changed, a photo or place was sent in, or the
    last open question was answered."""
    before, case = turn.before, turn.case
    news: list[str] = []
    if case.reports == 0:
        news.append("first")
    if before is not None and before.reports:
        if case.reasons != before.reasons:
            news.extend(r.rule for r in case.reasons[len(before.reasons) :])
        if case.located is not before.located or case.unlocated != before.unlocated:
            news.append("whereabouts")
        if case.police.number != before.police.number or case.reported != before.reported:
            news.append("police")
        if isinstance(turn.news, NoteMade) and turn.news.media is not None:
            news.append("evidence")
        if _last_answered(turn):
            news.append("details")
    if news:
        version = case.reports + 1
        turn.decide(ReportMade(at=turn.now, version=version))
        reasons = tuple(r.rule for r in turn.case.reasons)
        turn.effects.append(File(version=version, reasons=reasons))


def _last_answered(turn: Turn) -> bool:
    """Whether this answer was the last one of the list."""
    if turn.before is None or not isinstance(turn.news, CheckAnswered | WhereaboutsGiven):
        return False
    return turn.next_check() is None and next_check(turn.before, turn.protocol) is not None


def word(case: Case) -> str:
    """The one word an alert gives to the level (C_ALERT): HIGH, WELFARE, MEDIUM, A01, LOW, or CHECKING before a decision."""
    if case.level >= Level.MEDIUM:
        return case.level.name
    if case.a01_since is not None:
        return "A01"
    if case.level is Level.UNASSESSED:
        return "CHECKING"
    return "LOW"

"""Question 4: who must be told? At moment 0 the nearest adult already knows what to do (`missing`); here the people on call
are alerted, the alert climbs until a named person takes it, the last rung repeats for ever, and the police's log number is
chased. An acknowledgement is a loan: it lapses if nothing follows (domain 6)."""

from datetime import datetime

from casework import limits, silence
from casework.case import Case
from casework.effects import Field, MarkAlerts, To
from casework.events import (
    AlertAcknowledged,
    AlertLapsed,
    CheckAnswered,
    CheckAsked,
    ContactUnreachable,
    NoteMade,
    PoliceDeclined,
    PoliceLogged,
    ReferenceChased,
    ReviewSet,
    RiskAssessed,
    RungClimbed,
    StayAuthorised,
    TakenUntil,
)
from casework.levels import Level, Route, Trust
from casework.limits import MINUTE
from casework.missing import chase_minutes, word
from casework.protocol import Protocol
from casework.risk import out_for
from casework.turn import Turn


def climb(turn: Turn) -> None:
    """Chase the number, then start, raise, lapse or take the alert, then tell what else people on call must know."""
    if turn.case.returned:
        return
    _chase(turn)
    _chain(turn)
    _taken(turn)
    _others(turn)


# ---- the chain of alerts -------------------------------------------------------------------------


def _chain(turn: Turn) -> None:
    case = turn.case
    if turn.due("lapse") and case.alert.taken_by is not None:
        turn.decide(AlertLapsed(at=turn.now))
        turn.effects.append(MarkAlerts(state="lapsed"))
        if case.alert.rung or case.level >= Level.MEDIUM:  # a LOW case that was merely taken over has no chain
            _alert(turn, 1)
    elif turn.due("rung") and case.alert.rung and case.alert.taken_by is None:
        _alert(turn, min(case.alert.rung + 1, turn.protocol.last_rung))
    elif _rose(turn) and case.alert.taken_by is not None and case.alert.rung:
        turn.decide(AlertLapsed(at=turn.now))
        turn.effects.append(MarkAlerts(state="lapsed"))
        _alert(turn, 1)
    elif case.alert.rung == 0 and _must_start(turn):
        _alert(turn, 1)


def _rose(turn: Turn) -> bool:
    """The level or the channel rose at MEDIUM or above, or A01 was raised."""
    before, case = turn.before, turn.case
    if before is None:
        return False
    rose = case.level > before.level or case.route.strictness > before.route.strictness
    return rose and case.level >= Level.MEDIUM


def _must_start(turn: Turn) -> bool:
    case = turn.case
    return (
        case.level >= Level.MEDIUM
        or any(r.rule == "A01" for d in turn.decisions if isinstance(d, RiskAssessed) for r in d.reasons)
        or _fell_silent(turn)
        or _nobody_to_ask(turn)
    )


def _fell_silent(turn: Turn) -> bool:
    """Silence +10 of a timed question in this step; or P00 unanswered for 3 min with no other parent to ask."""
    stage = silence.stage_now(turn)
    return stage == silence.SILENT or (stage == silence.FIRST_ACK and not other_parents(turn.case))


def other_parents(case: Case) -> list[str]:
    """Parents who may be asked and were not yet: P00 goes to them when the first one does not answer."""
    asked = {r.person for r in case.reporters}
    return [person for person in case.child.parents if person not in asked]


def _nobody_to_ask(turn: Turn) -> bool:
    """A parent who may not be asked reported: a person on call is alerted at once."""
    return turn.opened and not turn.askable()


def _alert(turn: Turn, number: int) -> None:
    """Alert this rung; the last one is everybody, and the reporter is told that nobody has answered (R_NOACK, or O_HIGH)."""
    next_at = _next_rung_at(turn, number)
    turn.decide(RungClimbed(at=turn.now, rung=number, next_at=next_at))
    turn.tell(_to_rung(turn, number), "C_ALERT", _facts(turn.case, turn, next_at), via="both", alert=number)
    rung = turn.protocol.rung_at(number)
    if rung.tell_reporter:
        emergency = turn.case.route is Route.EMERGENCY and turn.case.unlocated
        turn.tell_reporters(turn.protocol.wording.high_999 if emergency else rung.tell_reporter)


def _next_rung_at(turn: Turn, number: int) -> datetime:
    protocol = turn.protocol
    if number < protocol.last_rung:
        wait = protocol.rung_at(number + 1).after - protocol.rung_at(number).after
        return turn.now + wait * MINUTE
    repeat = protocol.repeat
    if turn.case.reported:
        return turn.now + repeat.confirmed_number * MINUTE
    return turn.now + (repeat.high if turn.case.level is Level.HIGH else repeat.others) * MINUTE


def _to_rung(turn: Turn, number: int) -> To:
    rung = turn.protocol.rung_at(number)
    role = rung.role_at_home if turn.case.child.at_home and rung.role_at_home else rung.role
    return To(kind="all_duty") if role == "all" else To(kind="duty", id=role)


def _facts(case: Case, turn: Turn, next_at: datetime) -> dict[str, Field]:
    return {
        "level": word(case),
        "out_minutes": out_for(case, turn.now),
        "rules": listed(case, turn.protocol),
        "report": "yes" if case.reports else "",
        "by": next_at,
    }


def listed(case: Case, protocol: Protocol) -> tuple[str, ...]:
    """The reasons as an alert lists them: rules in table order without H01, whose flags speak for it, then flags in the
    order they became known."""
    fired = [r.rule for r in case.reasons]
    rules = [r.id for r in protocol.rule if r.id in fired and r.id != "H01"]
    return (*rules, *(f for f in dict.fromkeys(fired) if f.startswith("R")))


# ---- taking it -----------------------------------------------------------------------------------


def _taken(turn: Turn) -> None:
    news, case = turn.news, turn.case
    if isinstance(news, StayAuthorised) and case.missing_at is None:
        turn.effects.append(MarkAlerts(state="ended"))  # the decision that A01 asked for was made
    elif isinstance(news, AlertAcknowledged):
        until = turn.now + _lapse(case, turn.protocol) * MINUTE
        turn.decide(TakenUntil(at=turn.now, until=until))
        turn.effects.append(MarkAlerts(state="taken", by=news.by, until=until))
        turn.tell(To(kind="told", id=news.by), "C_TAKEN", {"at": turn.now, "by": until, "name": news.by}, via="quiet")
    elif case.alert.taken_by is not None and _acted(turn):
        until = turn.now + _lapse(case, turn.protocol) * MINUTE
        turn.decide(TakenUntil(at=turn.now, until=until))
        turn.effects.append(MarkAlerts(state="taken", by=case.alert.taken_by, until=until))


def _acted(turn: Turn) -> bool:
    """The taker did something (a call noted, a number, a refusal recorded), or the number was confirmed by anybody."""
    news = turn.news
    if isinstance(news, PoliceLogged) and news.trust in (Trust.VERIFIED, Trust.TWO_PERSON):
        return True
    mine = news.by == turn.case.alert.taken_by
    return mine and (isinstance(news, PoliceDeclined) or (isinstance(news, NoteMade) and news.acted))


def _lapse(case: Case, protocol: Protocol) -> int:
    """Minutes that a taken alert holds: 10 at HIGH and WELFARE, 20 otherwise, 60 with a confirmed log number (5.2)."""
    lapse = protocol.timers.lapse
    if case.reported:
        return lapse.confirmed_number
    if case.level is Level.HIGH:
        return lapse.high
    if case.level is Level.WELFARE:
        return lapse.welfare
    return lapse.a01 if case.a01_since is not None and case.level < Level.MEDIUM else lapse.medium


# ---- the chase for the police log number ---------------------------------------------------------


def _chase(turn: Turn) -> None:
    if turn.due("reference") and turn.case.police.chase_at is not None:
        _ask_for_number(turn)
    if _not_rung(turn):
        soon = turn.now + turn.protocol.timers.chase.high * MINUTE
        misses = turn.case.police.misses
        turn.decide(ReferenceChased(at=turn.now, misses=misses, next_at=min(soon, turn.case.police.chase_at or soon)))
        _tell_unconfirmed(turn, max(1, turn.case.alert.rung))
    if isinstance(turn.news, PoliceLogged) and not _rung_again(turn):
        review = limits.next_review(turn.case, turn.protocol, turn.now)
        turn.decide(ReviewSet(at=turn.now, review_at=review))


def _rung_again(turn: Turn) -> bool:
    """A number that only repeats a confirmed one moves no review."""
    before = turn.before
    return (
        before is not None
        and before.reported
        and before.police.number == turn.case.police.number
        and (before.police.chase_at is None)
    )


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
    turn.tell(_to_rung(turn, rung), "C_NOREF", fields, via="both", alert=rung)


def _not_rung(turn: Turn) -> bool:
    news = turn.news
    if not isinstance(news, CheckAnswered) or news.check != "O_NOREF" or turn.case.police.chase_at is None:
        return False
    check = turn.protocol.find("O_NOREF")
    return any(o.means == "not_rung" for v in news.values if (o := check.option(v)))


# ---- what else people on call must know ----------------------------------------------------------


def _others(turn: Turn) -> None:
    news, case = turn.news, turn.case
    coordinator = To(kind="duty", id="coordinator")
    if isinstance(news, PoliceLogged) and case.reporter(news.by) is not None:
        text = "O_POL" if case.reported else "O_POLTOLD"
        turn.tell(To(kind="person", id=news.by), text, {"number": news.number})
    if isinstance(news, PoliceLogged) and not case.reported:
        turn.tell(coordinator, "C_CALLPOL", {"number": news.number}, via="both", alert=1)
    elif isinstance(news, PoliceDeclined):
        fields: dict[str, Field] = {
            "number": news.number or case.police.number, "when": news.review_at, "next": _next_clock(turn),
        }  # fmt: skip
        turn.tell(coordinator, "C_DECLINED", fields, via="both", alert=1)
    elif isinstance(news, ContactUnreachable):
        turn.tell(coordinator, "X_OPTOUT" if news.opted_out else "X_DEAD", {}, via="both", alert=1)
    elif isinstance(news, NoteMade) and news.unread:
        turn.tell(coordinator, "C_NOTE", {}, via="both", alert=1)


def _next_clock(turn: Turn) -> datetime | None:
    from casework.deadlines import armed

    times = [t for k, t in armed(turn.case, turn.protocol).items() if k in ("reference", "review", "limit", "rung")]
    return min(times, default=None)

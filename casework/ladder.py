"""Question 4: who must be told? At moment 0 the nearest adult already knows what to do (`missing`); here the people on call
are alerted, the alert climbs until a named person takes it, the last rung repeats for ever. An acknowledgement is a loan:
it lapses if nothing follows (domain 6). The police's number is chased in `chase`."""

from datetime import datetime

from casework import chase, obligations, silence
from casework.aftercare import CALLBACK
from casework.case import Case
from casework.effects import CallOff, Field, MarkAlerts, Tell, To
from casework.events import (
    AlertAcknowledged,
    AlertLapsed,
    ChildSeen,
    ContactUnreachable,
    News,
    NoteMade,
    PoliceDeclined,
    PoliceLogged,
    ReturnRefuted,
    RungClimbed,
    StayAuthorised,
    TakenUntil,
    UnsureSettled,
)
from casework.levels import Level, Route, Side, Trust
from casework.limits import MINUTE
from casework.missing import a01_just_fired, word
from casework.protocol import Protocol
from casework.risk import out_for
from casework.turn import Turn

_PROVED = (Trust.VERIFIED, Trust.TWO_PERSON)


def climb(turn: Turn) -> None:
    """Whom the jurisdiction wants told, also after a return; then the chase, the chain, the taking, and what else is new."""
    obligations.follow(turn)
    if turn.case.returned:
        return
    chase.follow(turn)
    _chain(turn)
    _taken(turn)
    chase.tell(turn)
    _others(turn)


# ---- the chain of alerts -------------------------------------------------------------------------


def _chain(turn: Turn) -> None:
    case = turn.case
    if turn.due("lapse") and case.alert.taken_by is not None:
        _lapse(turn, again=bool(case.alert.rung) or case.level >= Level.MEDIUM)  # LOW, merely taken over, has no chain
    elif turn.due("rung") and case.alert.rung and case.alert.taken_by is None:
        _alert(turn, min(case.alert.rung + 1, turn.protocol.last_rung))
    elif case.alert.taken_by is not None and case.alert.rung and _rose(turn):
        _lapse(turn, again=True)
    elif _waits_too_long(turn):
        _alert(turn, case.alert.rung)
    elif case.alert.rung == 0 and _must_start(turn):
        _alert(turn, 1)


def _lapse(turn: Turn, *, again: bool) -> None:
    """Taking the alert is over: who took it, and the adult who relies on it, hear so, and the chain starts at E1."""
    alert = turn.case.alert
    turn.decide(AlertLapsed(at=turn.now))
    turn.effects.append(MarkAlerts(state="lapsed", rungs=(0, turn.protocol.last_rung)))
    if not again:
        return
    _alert(turn, 1)
    assert alert.taken_by is not None, "only what was taken lapses"
    turn.tell(To(kind="person", id=alert.taken_by), "C_LAPSED", {"at": alert.taken_at}, via="quiet")
    for reporter in turn.askable():
        if reporter.person != alert.taken_by:
            turn.tell(To(kind="person", id=reporter.person), "O_LAPSED", {"at": alert.taken_at})


def _waits_too_long(turn: Turn) -> bool:
    """The risk rose, and the repeat of the last rung would come later than the new level allows."""
    alert = turn.case.alert
    if not alert.rung or alert.taken_by is not None or alert.next_at is None or not _rose(turn):
        return False
    return alert.next_at > _next_rung_at(turn, alert.rung)


def _rose(turn: Turn) -> bool:
    """The level or the channel rose at MEDIUM or above, or A01 was raised."""
    before, case = turn.before, turn.case
    if before is None:
        return False
    if a01_just_fired(turn):
        return True
    if case.level < Level.MEDIUM:
        return False
    return case.level > before.level or case.route.strictness > before.route.strictness


def _must_start(turn: Turn) -> bool:
    case = turn.case
    return case.level >= Level.MEDIUM or a01_just_fired(turn) or _fell_silent(turn) or _nobody_to_ask(turn)


def _fell_silent(turn: Turn) -> bool:
    """Silence +10 of a timed question in this step; or P00 unanswered for 3 min with no other parent to ask."""
    stage = silence.stage_now(turn)
    return stage == silence.SILENT or (stage == silence.FIRST_ACK and not other_parents(turn.case))


def other_parents(case: Case) -> list[str]:
    """Parents who may be asked and were not yet: P00 goes to them when the first one does not answer."""
    asked = {r.person for r in case.reporters}
    return [person for person in case.child.parents if person not in asked]


def _nobody_to_ask(turn: Turn) -> bool:
    """A parent who may not be asked reported, nothing reaches the last who was asked, or a review finds nobody to ask: no
    question will fall silent, so a person on call is alerted at once."""
    if turn.askable():
        return False
    return turn.opened or isinstance(turn.news, ContactUnreachable) or "review" in turn.due_keys


def _alert(turn: Turn, number: int) -> None:
    """Alert this rung; the last one is everybody, and the reporter is told that nobody has answered (R_NOACK, or O_HIGH)."""
    next_at = _next_rung_at(turn, number)
    rung, again = turn.protocol.rung_at(number), turn.case.alert.rung == number
    answers = max(rung.answers, turn.case.alert.needs)
    turn.decide(RungClimbed(at=turn.now, rung=number, next_at=next_at, answers=answers))
    if not _said_already(turn, number, again=again):
        turn.tell(turn.rung(number), "C_ALERT", _facts(turn.case, turn, next_at), via="both", alert=number)
    if rung.tell_reporter:
        emergency = turn.case.route is Route.EMERGENCY and turn.case.unlocated
        turn.tell_reporters(turn.protocol.wording.high_999 if emergency else rung.tell_reporter)


def _said_already(turn: Turn, number: int, *, again: bool) -> bool:
    """C_NOREF or C_CLAIM goes to the same people at this moment: it alerts as well, and they have read the reasons before. So
    does X_OPTOUT or X_DEAD, which must not wait a minute behind the first alert; from MEDIUM on the reasons are news, too."""
    if isinstance(turn.news, ContactUnreachable) and turn.case.level < Level.MEDIUM:
        return turn.rung(number) == chase.COORDINATOR
    if not again:
        return False
    task = turn.case.task(CALLBACK)
    if turn.due("claim") and task is not None and task.done_at is None and task.rung == number:
        return True
    return any(isinstance(x, Tell) and x.text == "C_NOREF" and x.to == turn.rung(number) for x in turn.effects)


def _next_rung_at(turn: Turn, number: int) -> datetime:
    protocol = turn.protocol
    if number < protocol.last_rung:
        wait = protocol.rung_at(number + 1).after - protocol.rung_at(number).after
        return turn.now + wait * MINUTE
    repeat = protocol.repeat
    if turn.case.reported:
        return turn.now + repeat.confirmed_number * MINUTE
    return turn.now + (repeat.high if turn.case.level is Level.HIGH else repeat.others) * MINUTE


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
    news, alert = turn.news, turn.case.alert
    if isinstance(news, StayAuthorised) and turn.case.missing_at is None:
        turn.effects.append(MarkAlerts(state="ended"))  # the decision that A01 asked for was made
    elif isinstance(news, AlertAcknowledged) and alert.taken_by == news.by:
        if turn.before is not None and turn.before.alert.taken_by == news.by:  # a second press holds it no longer
            turn.effects.append(_taken_by(turn, news.by, alert.taken_until))
        else:
            _hold(turn, news.by)
            _tell_taken(turn, news.by)
    elif alert.taken_by is not None and _acted(turn):
        _hold(turn, alert.taken_by)


def _hold(turn: Turn, person: str) -> None:
    until = turn.now + _holds(turn.case, turn.protocol) * MINUTE
    turn.decide(TakenUntil(at=turn.now, until=until, acted=turn.news.by == person))
    turn.effects.append(_taken_by(turn, person, until))


def _taken_by(turn: Turn, person: str, until: datetime | None) -> MarkAlerts:
    """The chain's alerts and what else woke people; the letter of a day waits for an answer of its own."""
    return MarkAlerts(state="taken", by=person, until=until, rungs=(0, turn.protocol.last_rung))


def _tell_taken(turn: Turn, person: str) -> None:
    """Who was paged need not rise, what is on its way to others is called off, and the adult who waits reads who has it:
    staff by name, a parent as "the on-call lead"."""
    case = turn.case
    until = case.alert.taken_until
    fields: dict[str, Field] = {"at": turn.now, "by": until, "name": person}
    turn.effects.append(CallOff(but=person))
    turn.tell(To(kind="told", id=person), "C_TAKEN", fields, via="quiet")
    if not case.alert.rung:
        return
    for reporter in turn.askable():
        named = fields if reporter.side is Side.STAFF else {"at": turn.now, "by": until}
        if reporter.person != person:
            turn.tell(To(kind="person", id=reporter.person), "O_TAKEN", named)


def _acted(turn: Turn) -> bool:
    """The taker did something that only a person who works the case does, or anybody confirmed a number: once, not each time
    that it is said again."""
    news = turn.news
    mine = news.by == turn.case.alert.taken_by
    if isinstance(news, PoliceLogged) and news.trust in _PROVED:
        return mine or not chase.known(turn)
    return mine and _is_act(news)


def _is_act(news: News) -> bool:
    if isinstance(news, NoteMade):
        return news.acted
    return isinstance(news, PoliceDeclined | ChildSeen | ReturnRefuted | UnsureSettled) and news.trust in _PROVED


def _holds(case: Case, protocol: Protocol) -> int:
    """Minutes that a taken alert holds: 10 at HIGH and WELFARE, 20 otherwise, 60 with a confirmed log number (5.2)."""
    lapse = protocol.timers.lapse
    if case.reported:
        return lapse.confirmed_number
    if case.level is Level.HIGH:
        return lapse.high
    if case.level is Level.WELFARE:
        return lapse.welfare
    return lapse.a01 if case.a01_since is not None and case.level < Level.MEDIUM else lapse.medium


# ---- what else people on call must know ----------------------------------------------------------


def _others(turn: Turn) -> None:
    news, coordinator = turn.news, chase.COORDINATOR
    if isinstance(news, ContactUnreachable):
        turn.tell(coordinator, "X_OPTOUT" if news.opted_out else "X_DEAD", {}, via="both", alert=1)
    elif isinstance(news, NoteMade) and news.unread:
        turn.tell(coordinator, "C_NOTE", {}, via="both", alert=1)

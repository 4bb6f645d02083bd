"""Question 5: what is still to ask? One decision at a time, danger first; what is known is not asked again, save what a
signal asks for; reviews on time; silence reminded of, then told to people on call (domain 3.2, 3.3, 5.2)."""

from casework import reviews
from casework.asking import put
from casework.case import Case
from casework.effects import To, Withdraw
from casework.events import CheckAnswered, CheckAsked, DeadlinePassed, WhereaboutsGiven
from casework.levels import Status
from casework.protocol_parts import Check
from casework.speech import HELD_BACK
from casework.turn import Turn

AGAIN_AT_MOST = 1  # a check that other words interrupted on SMS is sent once more


def ask(turn: Turn) -> None:
    """Remind the silent, review on time, ask what comes next."""
    if turn.case.returned:
        return
    _unsent(turn)
    reviews.remind(turn)
    reviews.was_down(turn)
    reviews.review(turn)
    reviews.is_back(turn)
    _code(turn)
    _next(turn)
    _again(turn)


def resume(turn: Turn) -> None:
    """Go on asking where a claim that fell away had interrupted."""
    _next(turn)


def _unsent(turn: Turn) -> None:
    """A question that was answered before it went out does not go out any more."""
    news = turn.news
    if not isinstance(news, CheckAnswered | WhereaboutsGiven) or turn.before is None:
        return
    for prompt in turn.before.prompts:
        if prompt.check == news.check and prompt.asked_at > turn.now:
            turn.effects.append(Withdraw(person=prompt.to))


def _next(turn: Turn) -> None:
    case, adult = turn.case, turn.worker()
    if adult is None or case.status is Status.RETURN_CLAIMED or _blocked(turn, adult.person):
        return
    check = turn.next_check()
    if check is None or any(p.check == check.id for p in case.prompts):
        return
    own_act = turn.news.by == adult.person and not isinstance(turn.news, DeadlinePassed)
    fresh = not own_act or _interrupted(turn, adult.person)
    put(turn, check.id, adult.person, timed=_timed(case, check), fresh=fresh)


def _interrupted(turn: Turn, person: str) -> bool:
    """Other words go to this person in this step: the question then stands in a new message below them."""
    return turn.goes_out_at(person) > turn.now


def _blocked(turn: Turn, person: str) -> bool:
    """A question that waits for this adult's answer blocks the next; a chase blocks only where digits would be mistaken."""
    case, protocol = turn.case, turn.protocol
    for prompt in case.prompts:
        if prompt.to != person and not prompt.timed:
            continue
        check = protocol.find(prompt.check) if protocol.has(prompt.check) else None
        if check is None or check.stage != "prompt":
            return True
        if check.means in ("W_BACK", "R_SILENT", "B_SEEN", "X_DOWN") or _by_digits(case, person):
            return True
    return False


def _by_digits(case: Case, person: str) -> bool:
    reporter = case.reporter(person)
    return reporter is not None and reporter.channel == "sms"


def _timed(case: Case, check: Check) -> bool:
    """Answer timers run in the gate and for danger asked again after a new worry; never on the detail list (5.2)."""
    if check.means == "danger" and case.worry_seq > case.asked.get(check.id, (0, 0))[0]:
        return True
    return case.missing_at is None and check.stage in ("gate", "only_if")


def _code(turn: Turn) -> None:
    """The parent's own code for BACK, once a case to each, a minute after P00 was answered."""
    news = turn.news
    if not isinstance(news, CheckAnswered) or not turn.protocol.has(news.check):
        return
    if turn.protocol.find(news.check).means != "start":
        return
    before = turn.before.answers.get(news.check, ()) if turn.before is not None else ()
    if not any(a.by == news.by for a in before):
        turn.tell(To(kind="person", id=news.by), "P00b", {}, not_before=turn.now + HELD_BACK)


def _again(turn: Turn) -> None:
    """On SMS a check that a review or chase interrupted is sent once more, since digits answer the last question."""
    news, adult = turn.news, turn.worker()
    if adult is None or adult.channel != "sms" or turn.case.status is Status.RETURN_CLAIMED:
        return
    if not isinstance(news, CheckAnswered) or news.by != adult.person or not turn.protocol.has(news.check):
        return
    if turn.protocol.find(news.check).stage != "prompt":
        return
    asked_now = {d.check for d in turn.decisions if isinstance(d, CheckAsked)}
    last = turn.case.last_prompt(adult.person, turn.now)
    if last is not None and last.repeats < AGAIN_AT_MOST and last.check not in asked_now and not asked_now:
        put(turn, last.check, adult.person, timed=last.timed, repeat=True)

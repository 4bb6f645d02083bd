"""Question 5: what is still to ask? One decision at a time, danger first; what is known is not asked again, save what a
signal asks for; reviews on time; silence reminded of, then told to people on call (domain 3.2, 3.3, 5.2)."""

from datetime import datetime, timedelta

from casework import facts, limits, silence
from casework.case import Case, Prompt
from casework.effects import Field, To, Withdraw
from casework.events import (
    CheckAnswered,
    CheckAsked,
    ClockSet,
    DeadlinePassed,
    Reminded,
    ReporterJoined,
    ReturnClaimed,
    ReviewSet,
    WhereaboutsGiven,
)
from casework.ladder import other_parents
from casework.levels import Located, Side, Status, Trust
from casework.protocol import Check, Protocol
from casework.speech import HELD_BACK
from casework.turn import Turn

AGAIN_AT_MOST = 1  # a check that other words interrupted on SMS is sent once more


def ask(turn: Turn) -> None:
    """Remind the silent, review on time, ask what comes next."""
    if turn.case.returned:
        return
    _unsent(turn)
    _remind(turn)
    _down(turn)
    _review(turn)
    _is_back(turn)
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


# ---- which check comes next ----------------------------------------------------------------------


def next_gate(case: Case, protocol: Protocol) -> Check | None:
    """The next question before the first decision, or None: the gate is done."""
    return _first(case, protocol, "gate")


def next_check(case: Case, protocol: Protocol) -> Check | None:
    """The next question of this case. Before a decision the gate; after an instruction P00 and danger, then what is
    mandatory, then the detail list; after a logged absence the detail list. A signal's checks come before all."""
    signal = _wanted(case, protocol)
    if signal is not None:
        return signal
    if case.missing_at is None and not case.gate_done:
        return next_gate(case, protocol)
    if case.missing_at is not None:
        for means in ("start", "danger"):
            check = facts.check_for(protocol, means, facts.side_of_work(case))
            if check is not None and _open(case, check):
                return check
        for check in protocol.check:
            if check.mandatory and _asked_of(case, check) and _open(case, check):
                return check
    return _first(case, protocol, "detail")


def _first(case: Case, protocol: Protocol, stage: str) -> Check | None:
    signal = _wanted(case, protocol)
    if stage == "gate" and signal is not None:
        return signal
    return next((c for c in protocol.check if c.stage == stage and _asked_of(case, c) and _open(case, c)), None)


def _asked_of(case: Case, check: Check) -> bool:
    return check.side in (facts.side_of_work(case).value, "both") and check.means != "which_child"


def _open(case: Case, check: Check) -> bool:
    """Whether this check still has to be asked at all."""
    if check.id in case.answers or set(check.hidden_if) & set(case.child.flags):
        return False
    if check.needs == "plan" and not (case.child.has_plan or case.child.flags):
        return False
    if check.needs == "no_due_time" and case.t0_kind != "reported":
        return False
    return not (case.located is Located.SAFE and check.mandatory)


def _wanted(case: Case, protocol: Protocol) -> Check | None:
    """The first check that a signal asks for: danger after a new worry, then what a chosen option names."""
    side = facts.side_of_work(case)
    danger = facts.check_for(protocol, "danger", side)
    if danger is not None and case.worry_seq > case.asked.get(danger.id, (0, 0))[0]:
        return danger
    signals = sorted(
        (answer.seq, place, target)
        for check, option in facts.answered(case, protocol)
        if option.asks and (answer := facts.standing(case, check)) is not None
        for place, target in enumerate(option.asks)
    )
    for seq, _, target in signals:
        if not protocol.has(target):
            continue
        check = protocol.find(target)
        asked_before = case.asked.get(target, (0, 0))[0] < seq
        if check.side in (side.value, "both") and asked_before and not _answered_since(case, target, seq):
            return check
    return None


def _answered_since(case: Case, check: str, seq: int) -> bool:
    return any(a.seq > seq for a in case.answers.get(check, ()))


# ---- asking it -----------------------------------------------------------------------------------


def _next(turn: Turn) -> None:
    case, adult = turn.case, turn.worker()
    if adult is None or case.status is Status.RETURN_CLAIMED or _blocked(turn, adult.person):
        return
    check = next_check(case, turn.protocol)
    if check is None or any(p.check == check.id for p in case.prompts):
        return
    own_act = turn.news.by == adult.person and not isinstance(turn.news, DeadlinePassed)
    fresh = not own_act or _interrupted(turn, adult.person)
    _put(turn, check.id, adult.person, timed=_timed(case, check), fresh=fresh)


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


def _put(turn: Turn, check: str, person: str, *, timed: bool, repeat: bool = False, fresh: bool = True) -> None:
    """Ask: log it, and send the words."""
    at = turn.goes_out_at(person)
    turn.decide(CheckAsked(at=turn.now, check=check, to=person, asked_at=at, timed=timed, repeat=repeat))
    turn.tell(
        To(kind="person", id=person), check, words_for(turn.case, turn.protocol, check, at), question=check,
        repeat=repeat, fresh=fresh, not_before=at if at > turn.now else None,
    )  # fmt: skip


def words_for(case: Case, protocol: Protocol, check: str, asked_at: datetime) -> dict[str, Field]:
    """The times that a prompt's text shows: when it was asked and when silence is told to people on call."""
    answer = protocol.timers.answer
    young = case.child.age is None or case.child.age < 12
    wait = answer.silence_watch_under_12 if check == "W_BACK" and young else answer.silence
    fields: dict[str, Field] = {"at": asked_at, "by": asked_at + timedelta(minutes=wait)}
    if check == "W_BACK":
        fields["due"] = case.t0
    if case.police.number is not None:
        fields["number"] = case.police.number
    if case.child.flags:
        fields["flags"] = case.child.flags
    return fields


# ---- silence, reviews, is the child back? --------------------------------------------------------


def _remind(turn: Turn) -> None:
    stage = silence.stage_now(turn)
    if stage is None:
        return
    prompt = silence.waiting(turn.case)
    turn.decide(Reminded(at=turn.now, stage=stage))
    if prompt is None:
        return
    if stage == silence.FIRST_ACK:
        _other_parent(turn, prompt)
    elif stage == silence.REMINDER:
        _repeat(turn, prompt)
    else:
        _silent(turn, prompt)


def _other_parent(turn: Turn, prompt: Prompt) -> None:
    for person in other_parents(turn.case)[:1]:
        turn.decide(
            ReporterJoined(at=turn.now, by=person, channel="sms", side=Side.PARENT, trust=Trust.NONE, askable=True)
        )
        _put(turn, prompt.check, person, timed=True)


def _repeat(turn: Turn, prompt: Prompt) -> None:
    _put(turn, prompt.check, prompt.to, timed=prompt.timed, repeat=True)
    worker = turn.case.reporter(prompt.to)
    if worker is not None and worker.side is Side.STAFF:
        words = words_for(turn.case, turn.protocol, prompt.check, prompt.asked_at)
        turn.tell(To(kind="home_staff", id=prompt.to), prompt.check, words, question=prompt.check, repeat=True)


def _silent(turn: Turn, prompt: Prompt) -> None:
    """+10: the adult reads R_SILENT (not where only news of a reported child was asked, R_NEWS)."""
    if prompt.check == "R_NEWS" or turn.case.reported:
        return
    if any(p.check == "R_SILENT" and p.to == prompt.to for p in turn.case.prompts):
        return
    _put(turn, "R_SILENT", prompt.to, timed=False)


def _down(turn: Turn) -> None:
    """After an outage one text says so, in place of what was missed (5.3)."""
    news = turn.news
    if not isinstance(news, DeadlinePassed) or news.down_since is None:
        return
    missed = turn.due("review") or turn.due("checks") or turn.due("answer")
    if not missed or "X_DOWN_LIMIT" in turn.case.instructed[len(_instructed_before(turn)) :]:
        return
    for reporter in turn.askable():
        at = turn.goes_out_at(reporter.person)
        turn.decide(CheckAsked(at=turn.now, check="X_DOWN", to=reporter.person, asked_at=at, timed=True))
        turn.tell(
            To(kind="person", id=reporter.person), "X_DOWN", {"from_": news.down_since, "to": turn.now},
            question="X_DOWN", not_before=at if at > turn.now else None,
        )  # fmt: skip


def _instructed_before(turn: Turn) -> tuple[str, ...]:
    return turn.before.instructed if turn.before is not None else ()


def _review(turn: Turn) -> None:
    """A review that fell due is asked, and the next is set; a claim brings it forward, a lost contact sets it anew."""
    case, protocol, now = turn.case, turn.protocol, turn.now
    if turn.due("review") and case.review_at is not None:
        _ask_review(turn)
        turn.decide(ReviewSet(at=now, review_at=limits.next_review(turn.case, protocol, now)))
    elif isinstance(turn.news, ReturnClaimed) and case.status is Status.RETURN_CLAIMED and case.review_at is not None:
        soon = now + timedelta(minutes=protocol.timers.claim.next_check)
        turn.decide(ReviewSet(at=now, review_at=min(case.review_at, soon)))
    elif _lost_contact(turn) or (case.review_at is None and _needs_review(case)):
        turn.decide(ReviewSet(at=now, review_at=limits.next_review(case, protocol, now)))


def _lost_contact(turn: Turn) -> bool:
    """An agreement failed in this step, and the case is not a police matter: its reviews start anew."""
    failed = any(isinstance(d, ClockSet) and d.kind == "agreed" for d in turn.decisions)
    return failed and turn.case.missing_at is None


def _needs_review(case: Case) -> bool:
    """Logged or missing, and no chase stands in the review's place."""
    settled = case.logged_at is not None or case.missing_at is not None
    return settled and case.police.chase_at is None


def _ask_review(turn: Turn) -> None:
    news, adult = turn.news, turn.worker()
    if adult is None or (isinstance(news, DeadlinePassed) and news.down_since is not None):
        return
    _put(turn, review_text(turn.case), adult.person, timed=True)


def review_text(case: Case) -> str:
    """Which words ask for news: R_NEWS with a confirmed number, AWAY_CHECK after the agreed return was reviewed, else R_REV."""
    if case.reported:
        return "R_NEWS"
    away = case.located is Located.SAFE and case.status is not Status.RETURN_CLAIMED
    reviewed = case.agreed_until is None or case.extensions > 0
    return "AWAY_CHECK" if away and reviewed and case.level.name == "NAR" else "R_REV"


def _is_back(turn: Turn) -> None:
    """BACK is answered by B_SEEN: only "I can see" counts (A1)."""
    news = turn.news
    if not isinstance(news, ReturnClaimed) or news.seen or turn.case.status is not Status.RETURN_CLAIMED:
        return
    if news.channel in ("telegram", "sms") and not _code_is_enough(turn):
        _put(turn, "B_SEEN", news.by, timed=True)


def _code_is_enough(turn: Turn) -> bool:
    from casework.aftercare import code_is_enough

    return code_is_enough(turn.case)


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
        _put(turn, last.check, adult.person, timed=last.timed, repeat=True)

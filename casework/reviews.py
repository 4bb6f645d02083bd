"""What is asked by time and not by the list: reminders of the silent, the word after an outage, reviews, "is the child
back?" (domain 5.2, 5.3, A1)."""

from casework import facts, limits, silence
from casework.asking import put, words_for
from casework.case import Case, Prompt
from casework.effects import To
from casework.events import (
    CheckAsked,
    ClockSet,
    DeadlinePassed,
    Reminded,
    ReporterJoined,
    ReturnClaimed,
    ReviewSet,
    StayAuthorised,
)
from casework.ladder import other_parents
from casework.levels import Located, Side, Status, Trust
from casework.limits import MINUTE
from casework.turn import Turn


def remind(turn: Turn) -> None:
    """The silence of a timed question has reached its next stage."""
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
        put(turn, prompt.check, person, timed=True)


def _repeat(turn: Turn, prompt: Prompt) -> None:
    put(turn, prompt.check, prompt.to, timed=prompt.timed, repeat=True)
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
    put(turn, "R_SILENT", prompt.to, timed=False)


def was_down(turn: Turn) -> None:
    """After an outage one text says so, in place of what was missed (5.3)."""
    news = turn.news
    if not isinstance(news, DeadlinePassed) or news.down_since is None:
        return
    missed = "review" in turn.due_keys or turn.due("checks") or turn.due("answer")
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


def review(turn: Turn) -> None:
    """A review that fell due is asked, and the next is set; a claim brings it forward, a lost contact sets it anew."""
    case, protocol, now = turn.case, turn.protocol, turn.now
    if "review" in turn.due_keys and case.review_at is not None:
        _ask_review(turn)
        turn.decide(ReviewSet(at=now, review_at=limits.next_review(turn.case, protocol, now)))
    elif isinstance(turn.news, ReturnClaimed) and case.status is Status.RETURN_CLAIMED and case.review_at is not None:
        soon = now + protocol.timers.claim.next_check * MINUTE
        turn.decide(ReviewSet(at=now, review_at=min(case.review_at, soon)))
    elif _starts_anew(turn) or (case.review_at is None and _needs_review(case)):
        turn.decide(ReviewSet(at=now, review_at=limits.next_review(case, protocol, now)))


def _starts_anew(turn: Turn) -> bool:
    """An agreement failed in this step, or a stay was allowed, and the case is not a police matter."""
    failed = any(isinstance(d, ClockSet) and d.kind == "agreed" for d in turn.decisions)
    allowed = isinstance(turn.news, StayAuthorised) and turn.case.located is Located.SAFE
    return (failed or allowed) and turn.case.missing_at is None


def _needs_review(case: Case) -> bool:
    """Logged or missing, and no chase stands in the review's place."""
    settled = case.logged_at is not None or case.missing_at is not None
    return settled and case.police.chase_at is None


def _ask_review(turn: Turn) -> None:
    news, adult = turn.news, turn.worker()
    if adult is None or (isinstance(news, DeadlinePassed) and news.down_since is not None):
        return
    put(turn, review_text(turn.case), adult.person, timed=True)


def review_text(case: Case) -> str:
    """Which words ask for news: R_NEWS with a confirmed number, AWAY_CHECK after the agreed return was reviewed, else R_REV."""
    if case.reported:
        return "R_NEWS"
    away = case.located is Located.SAFE and case.status is not Status.RETURN_CLAIMED
    reviewed = case.agreed_until is None or case.extensions > 0 or case.authorised_until is not None
    return "AWAY_CHECK" if away and reviewed and case.level.name == "NAR" else "R_REV"


def is_back(turn: Turn) -> None:
    """BACK is answered by B_SEEN: only "I can see" counts (A1)."""
    news = turn.news
    if not isinstance(news, ReturnClaimed) or news.seen or turn.case.status is not Status.RETURN_CLAIMED:
        return
    if news.channel in ("telegram", "sms") and not facts.code_is_enough(turn.case):
        put(turn, "B_SEEN", news.by, timed=True)

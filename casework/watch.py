"""A watch: a child is due at a time, and the bot asks by itself whether they are back. It has no case yet, but the same
promises: it ends when the child is seen, or it becomes a case; it is never forgotten (domain 5.2, pre-emptive watch)."""

from datetime import datetime

from casework import facts, limits, silence
from casework.asking import words_for
from casework.case import Case
from casework.effects import To
from casework.events import (
    AbsenceReported,
    CheckAnswered,
    CheckAsked,
    ChildSeen,
    DeadlinePassed,
    Reminded,
    ReturnClaimed,
    WatchEnded,
    WorryRaised,
)
from casework.levels import Trust
from casework.protocol import Protocol
from casework.turn import Turn


def asks_at(case: Case, protocol: Protocol) -> datetime:
    """Due time plus grace."""
    return case.t0 + limits.grace(case.child, "due", protocol)


def keep(turn: Turn) -> None:
    """What news does to a watch: ask, end it, or open the case."""
    news = turn.news
    if isinstance(news, ChildSeen):
        turn.decide(WatchEnded(at=turn.now))
    elif isinstance(news, CheckAnswered):
        _answered(turn, news)
    elif isinstance(news, WorryRaised):
        _open(turn, turn.now)
    elif isinstance(news, ReturnClaimed) or turn.due("watch"):
        _ask(turn)
    elif isinstance(news, DeadlinePassed) and turn.due("answer"):
        _silence(turn)


def _ask(turn: Turn) -> None:
    worker = turn.case.worked_by
    turn.decide(CheckAsked(at=turn.now, check="W_BACK", to=worker, asked_at=turn.now, timed=True))
    words = words_for(turn.case, turn.protocol, "W_BACK", turn.now)
    turn.tell(To(kind="person", id=worker), "W_BACK", words, question="W_BACK")


def _answered(turn: Turn, news: CheckAnswered) -> None:
    if news.check != "W_BACK":
        return
    options = {o.means for v in news.values if (o := turn.protocol.find("W_BACK").option(v))}
    if options == {"seen"}:
        turn.decide(WatchEnded(at=turn.now))
        return
    _open(turn, turn.now)
    contact = facts.check_for(turn.protocol, "contact", turn.case.reporters[0].side)
    if "on_the_way" in options and contact is not None:
        spoke = next((o.value for o in contact.options if o.means == "spoke"), None)
        if spoke is not None:
            turn.decide(
                CheckAnswered(at=turn.now, by=news.by, channel=news.channel, trust=news.trust, check=contact.id,
                              values=(spoke,))
            )  # fmt: skip


def _silence(turn: Turn) -> None:
    stage = silence.stage_now(turn)
    prompt = silence.waiting(turn.case)
    if stage == silence.REMINDER and prompt is not None:
        turn.decide(Reminded(at=turn.now, stage=silence.REMINDER))
        words = words_for(turn.case, turn.protocol, "W_BACK", prompt.asked_at)
        turn.tell(To(kind="person", id=prompt.to), "W_BACK", words, question="W_BACK", repeat=True)
        turn.tell(To(kind="home_staff", id=prompt.to), "W_BACK", words, question="W_BACK", repeat=True)
    elif stage == silence.SILENT:
        _open(turn, turn.now)


def _open(turn: Turn, now: datetime) -> None:
    """The case opens as of the moment the watch asked (`opened_at`), or now if it was not yet due to ask."""
    case, news = turn.case, turn.news
    worker = case.reporters[0]
    before = turn.before.prompts if turn.before is not None else ()
    asked = next((p.asked_at for p in before if p.check == "W_BACK"), None)
    turn.decide(
        AbsenceReported(
            at=now, by=news.by, channel=news.channel, trust=Trust.VERIFIED, case_id=case.case_id, code=case.code,
            organisation=case.organisation, home=case.home, child=case.child, protocol=case.protocol,
            t0=min(case.t0, now), t0_kind="due", opened_at=asked or now,
            side=worker.side, reporter=worker.person, reporter_channel=worker.channel, askable=worker.askable,
        )
    )  # fmt: skip

"""A log in plain sentences: what was told, what was concluded, and by which rule with which source.

It names people by id and quotes nobody: free text lies apart from the log, and who may read it is not decided here.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import assert_never, cast

from casework import events as e
from casework.protocol import Protocol
from casework.wording import LONDON


def why(log: Iterable[e.Event], protocol: Protocol) -> Iterator[str]:
    """The case explained: a sentence for each event of its log, and after a conclusion the rules that led to it."""
    for event in log:
        yield f"{clock(event.at)} {sentence(event)}."
        yield from because(event, protocol)


def because(event: e.Event, protocol: Protocol) -> Iterator[str]:
    """The rules behind one event: what each says, what made it fire, and its source. Empty for what needs no reason."""
    if not isinstance(event, e.RiskAssessed):
        return
    said = {r.id: (r.says, r.source) for r in protocol.rule}
    said |= {f.id: (f.says, f.source) for f in protocol.flag} | {f.id: (f.says, f.source) for f in protocol.factor}
    for reason in event.reasons:
        says, source = said.get(reason.rule, ("a rule this protocol no longer holds", "?"))
        yield f"because {reason.rule}: {says} ({reason.because.replace('_', ' ')}; source {source})"
    if event.factors:
        yield "counted factors: " + "; ".join(f"{f} {said.get(f, ('', ''))[0]}".rstrip() for f in event.factors)


def sentence(event: e.Event) -> str:
    """One event in words, without its time and author."""
    if isinstance(event, e.News):
        return _told(cast(e.AnyNews, event))
    return _concluded(cast(e.Decision, event))


def clock(instant: datetime) -> str:
    """Day and time on London's wall clock, with its zone where the hour comes twice."""
    there = instant.astimezone(LONDON)
    twice = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
    return f"{there:%a %d %b %H:%M}" + (f" {there.tzname()}" if twice else "")


def _told(news: e.AnyNews) -> str:
    match news:
        case e.WatchSet():
            return f"a watch was set: {news.child.child_id} is due {clock(news.due_at)}"
        case e.AbsenceReported():
            whom = f"{news.reporter} is asked" if news.askable else f"{news.reporter} may not be asked"
            return f"{news.child.child_id} was reported absent ({news.t0_kind} {clock(news.t0)}); {whom}"
        case e.ReporterJoined():
            return "a second adult reported the same child"
        case e.CheckAnswered():
            at = f" {clock(news.instant)}" if news.instant else ""
            return f"{news.check} answered: {', '.join(v.replace('_', ' ') for v in news.values)}{at}"
        case e.WhereaboutsGiven():
            named = [what for what, said in (("a place", news.place), ("an adult", news.adult)) if said]
            back = f", back {clock(news.back_at)}" if news.back_at else ""
            listed = {None: "", True: ", approved", False: ", not on the approved list"}[news.approved]
            return f"{news.check}: {' and '.join(named) or 'nothing'} named{listed}{back}"
        case e.ReturnClaimed():
            return "the child is said to be back" + (", seen by the one who says it" if news.seen else "")
        case e.ChildSeen():
            return f"the child was seen {clock(news.seen_at)} (by {news.via.replace('_', ' ')})"
        case e.ReturnRefuted():
            return "the claimed return was not true, or could not be confirmed"
        case e.WorryRaised():
            return f"somebody is worried: {' '.join(news.flags)}"
        case e.NoteMade():
            if news.media is not None:
                return f"a {news.media} was sent in"
            unread = "words came that a person must read" if news.unread else "a note was made"
            return "a call was noted" if news.acted else unread
        case e.AlertAcknowledged():
            return "the alert was taken"
        case e.UnsureSettled():
            return f"the open 'not sure' was settled: {'a risk' if news.risk else 'not a risk'}"
        case e.PoliceLogged():
            return f"the police log number {news.number} was told ({news.trust.value.replace('_', ' ')})"
        case e.PoliceDeclined():
            return "the police declined" + (f"; they look again {clock(news.review_at)}" if news.review_at else "")
        case e.ChaseClosed():
            return "a person ended the chase for the log number"
        case e.StayAuthorised():
            return f"a stay was authorised until {clock(news.until)}"
        case e.CompanionRaised():
            return f"the linked case {news.case_id} stands at {news.level.shown}"
        case e.ContactUnreachable():
            return f"{news.person} cannot be reached" + (": opted out of our texts" if news.opted_out else "")
        case e.ContactRestored():
            return f"{news.person} can be reached again"
        case e.InterviewRecorded():
            return f"return home interview: {news.outcome.replace('_', ' ')}"
        case e.TaskDone():
            return f"task {news.task}: {news.outcome}"
        case e.CloseAsked():
            return "a close was asked for"
        case e.DeadlinePassed():
            late = " (the house had been down)" if news.down_since else ""
            return f"fell due: {', '.join(news.kinds)}{late}"
        case _:
            assert_never(news)


def _concluded(decision: e.Decision) -> str:
    match decision:
        case e.CheckAsked():
            return f"{decision.check} is asked of {decision.to}" + (" again" if decision.repeat else "")
        case e.ClockSet():
            return f"the clock starts {clock(decision.t0)} ({decision.kind})"
        case e.RiskAssessed():
            return f"level {decision.level.shown}, by {decision.outcome}"
        case e.LocationDecided():
            return f"whereabouts: {decision.located.value}"
        case e.DeclaredMissing():
            return "a matter for the police: " + ("concern for welfare" if decision.welfare else "missing child")
        case e.Instructed():
            return f"the nearest adults are told what to do ({decision.text})"
        case e.AbsenceLogged():
            return f"the absence is logged, next check {clock(decision.review_at)}"
        case e.ReviewSet():
            return f"next check {clock(decision.review_at)}" if decision.review_at else "no further check is set"
        case e.RungClimbed():
            return f"alert E{decision.rung}; the next at {clock(decision.next_at)} unless somebody takes it"
        case e.AlertLapsed():
            return "the taking of the alert ended: the chain starts again"
        case e.TakenUntil():
            return f"the alert counts as taken until {clock(decision.until)}"
        case e.ReferenceChased():
            return f"the log number is asked for, {decision.misses} times in vain"
        case e.PoliceReviewDue():
            return "the time at which the police wanted to look again has come"
        case e.UnsureRaised():
            return f"'not sure' on {decision.check} goes to a person, until {clock(decision.until)}"
        case e.UnsureClimbed():
            return f"'not sure' on {decision.check} goes to the next person"
        case e.Reminded():
            return "no answer: asked again" if decision.stage == 1 else "still no answer: people on call are told"
        case e.TaskOpened():
            return f"task {decision.task} for the {decision.owner_role.replace('_', ' ')}, due {clock(decision.due_at)}"
        case e.TaskMoved():
            return f"task {decision.task} is asked again, due {clock(decision.due_at)}"
        case e.TaskEnded():
            return f"task {decision.task} ended: {decision.outcome}"
        case e.ReportMade():
            return f"version {decision.version} of the missing report"
        case e.ReturnConfirmed():
            due = f"; a return interview is due {clock(decision.interview_due)}" if decision.interview_due else ""
            return f"the return is confirmed, seen {clock(decision.seen_at)}{due}"
        case e.ReturnUndone():
            return "the return is undone: the case stands open again"
        case e.ClaimEnded():
            return "the claim fell away: the case stands as before"
        case e.InterviewReminded():
            return "the return interview is asked about"
        case e.WatchEnded():
            return "the watch ended: the child was seen"
        case e.CaseClosed():
            return f"closed by {decision.by}"
        case e.CloseRefused():
            return "not closed; missing: " + ", ".join(decision.missing)
        case _:
            assert_never(decision)

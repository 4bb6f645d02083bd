"""The fold: what each event does to a case. It never decides and never refuses; a move it does not know changes nothing.

An inquiry must read what was decided *then*, so nothing here looks at a protocol or a clock.
All moves of the status stand in one table, `MOVES`; an absent key means: stays as it is.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import assert_never, cast

from casework import events as e
from casework.case import Alert, Answer, Case, Police, Prompt, Reporter, Return, Task, Unsure, replace, stamped
from casework.errors import OurMistake
from casework.levels import Located, Status, Trust

# The name of this fold: what it makes of the kept logs, and what is armed for them, in short. A database notes by which its
# cases stand, and folds them anew where it is another (`storage.refolding`); `tests/casework/test_fold.py` says the new name.
FOLD = "8caebfb619c7"

MOVES: dict[tuple[Status, type[e.Event]], Status] = {
    (Status.WATCHING, e.AbsenceReported): Status.CHECKING,
    (Status.WATCHING, e.WatchEnded): Status.CLOSED,
    (Status.CHECKING, e.AbsenceLogged): Status.ABSENT,
    (Status.CHECKING, e.DeclaredMissing): Status.MISSING,
    (Status.ABSENT, e.DeclaredMissing): Status.MISSING,
    (Status.CHECKING, e.ReturnClaimed): Status.RETURN_CLAIMED,
    (Status.ABSENT, e.ReturnClaimed): Status.RETURN_CLAIMED,
    (Status.MISSING, e.ReturnClaimed): Status.RETURN_CLAIMED,
    (Status.CHECKING, e.ReturnConfirmed): Status.RETURNED,
    (Status.ABSENT, e.ReturnConfirmed): Status.RETURNED,
    (Status.MISSING, e.ReturnConfirmed): Status.RETURNED,
    (Status.RETURN_CLAIMED, e.ReturnConfirmed): Status.RETURNED,
    (Status.RETURNED, e.CaseClosed): Status.CLOSED,
}

# `replace` sets the fields of a copy all at once; a new record's are set one by one, which takes several times as long.
_NEVER = datetime.min.replace(tzinfo=UTC)
_BLANK_ANSWER = Answer(values=(), at=_NEVER, by="", seq=0, round=0)
_BLANK_PROMPT = Prompt(check="", to="", asked_at=_NEVER, timed=False)


def replay(log: Iterable[e.Event]) -> Case:
    """Fold a whole log into its case. Raises OurMistake on an empty log."""
    case: Case | None = None
    for event in log:
        case = evolve(case, event)
    if case is None:
        raise OurMistake("an empty log is no case")
    return case


def evolve(case: Case | None, event: e.Event) -> Case:
    """The case after this event. The first event must open a watch or a case; else OurMistake."""
    if case is None:
        return _born(event)
    if isinstance(event, e.News):
        noted = _note_news(case, cast(e.AnyNews, event))
    else:
        noted = _note_decision(case, cast(e.Decision, event))
    return stamped(case, noted, MOVES.get((case.status, type(event)), noted.status))


def _born(event: e.Event) -> Case:
    if isinstance(event, e.WatchSet):
        return Case(
            case_id=event.case_id, code=event.code, organisation=event.organisation, home=event.home,
            child=event.child, protocol=event.protocol, status=Status.WATCHING, opened_at=event.at,
            t0=event.due_at, first_t0=event.due_at, t0_kind="due", checks_from=event.at, watch_due=event.due_at,
            reporters=(Reporter(person=event.by, side=event.side, channel=event.channel, askable=True),),
            worked_by=event.by, seq=1,
        )  # fmt: skip
    if isinstance(event, e.AbsenceReported):
        return Case(
            case_id=event.case_id, code=event.code, organisation=event.organisation, home=event.home,
            child=event.child, protocol=event.protocol, status=Status.CHECKING, opened_at=event.opened_at,
            t0=event.t0, first_t0=event.t0, t0_kind=event.t0_kind, checks_from=event.opened_at,
            reporters=(_reporter(event),), worked_by=event.reporter, seq=1,
        )  # fmt: skip
    raise OurMistake(f"{type(event).__name__} cannot open a case")


def _reporter(event: e.AbsenceReported) -> Reporter:
    return Reporter(person=event.reporter, side=event.side, channel=event.reporter_channel, askable=event.askable)


def _note_news(case: Case, event: e.AnyNews) -> Case:
    match event:  # what comes most often stands first
        case e.DeadlinePassed():
            return case
        case e.CheckAnswered() | e.WhereaboutsGiven():
            return _answered(case, event)
        case e.NoteMade():
            return replace(case, notes_unread=case.notes_unread + event.unread)
        case e.WatchSet():
            return case
        case e.AbsenceReported():
            return replace(
                case, opened_at=event.opened_at, checks_from=event.opened_at, t0=event.t0, first_t0=event.t0,
                t0_kind=event.t0_kind,
            )  # fmt: skip
        case e.ReporterJoined():
            return _joined(case, event)
        case e.ReturnClaimed():
            return _claimed(case, event)
        case e.ChildSeen():
            return replace(case, back=replace(case.back, seen_by=case.back.seen_by or event.by))
        case e.ReturnRefuted():
            return case
        case e.WorryRaised():
            return replace(case, worry_seq=case.seq + 1)
        case e.AlertAcknowledged():
            return replace(case, alert=_answers_alert(case.alert, event))
        case e.UnsureSettled():
            return _settled(case, event)
        case e.PoliceLogged():
            return replace(case, police=_logged(case.police, event), prompts=_without(case, "O_NOREF"))
        case e.PoliceDeclined():
            return replace(
                case,
                police=replace(
                    case.police,
                    declined_at=event.at,  # a refusal without a time leaves the time of the one before
                    declined_review_at=event.review_at or case.police.declined_review_at,
                    declined_reviewed=event.review_at is None and case.police.declined_reviewed,
                ),
            )
        case e.ChaseClosed():
            return replace(case, police=replace(case.police, chase_at=None), prompts=_without(case, "O_NOREF"))
        case e.StayAuthorised():
            asked = Alert(rounds=case.alert.rounds) if case.missing_at is None else case.alert
            return replace(
                case, authorised_until=event.until, agreed_until=event.until, extensions=0, a01_since=None, alert=asked
            )  # fmt: skip
        case e.CompanionRaised():
            return replace(case, linked=(*case.linked, (event.case_id, event.level, event.route)))
        case e.ContactUnreachable():
            return replace(case, unreachable=tuple(dict.fromkeys((*case.unreachable, event.person))))
        case e.ContactRestored():
            return replace(case, unreachable=tuple(each for each in case.unreachable if each != event.person))
        case e.InterviewRecorded():
            refused = case.back.interview_refusals + (event.outcome == "declined")
            return replace(case, back=replace(case.back, interview_outcome=event.outcome, interview_refusals=refused))
        case e.TaskDone() | e.CloseAsked():
            return case
        case _:
            assert_never(event)


def _joined(case: Case, event: e.ReporterJoined) -> Case:
    known = case.reporter(event.by)
    new = Reporter(person=event.by, side=event.side, channel=event.channel, askable=event.askable)
    reporters = case.reporters if known else (*case.reporters, new)
    if event.t0 is None or case.status is Status.WATCHING:
        return replace(case, reporters=reporters)
    t0 = min(case.t0, event.t0)  # whoever was reported was out by then: a later time moves nothing
    kind = "due" if case.t0_kind == "reported" and event.t0 <= case.t0 else case.t0_kind
    return replace(case, reporters=reporters, t0=t0, first_t0=min(case.first_t0, event.t0), t0_kind=kind)


def _answered(case: Case, event: e.CheckAnswered | e.WhereaboutsGiven) -> Case:
    rounds = case.asked.get(event.check, (0, 0))[1]
    given = replace(
        _BLANK_ANSWER,
        values=event.values if isinstance(event, e.CheckAnswered) else ("given",),
        at=event.at, by=event.by, seq=case.seq + 1, round=rounds, words=event.words,
        instant=event.instant if isinstance(event, e.CheckAnswered) else event.back_at,
        place=isinstance(event, e.WhereaboutsGiven) and event.place,
        adult=isinstance(event, e.WhereaboutsGiven) and event.adult,
        approved=event.approved if isinstance(event, e.WhereaboutsGiven) else None,
    )  # fmt: skip
    this_round = tuple(a for a in case.answers.get(event.check, ()) if a.round == rounds)  # the log keeps the others
    answers = {**case.answers, event.check: (*this_round, given)}
    prompts = tuple(p for p in case.prompts if not _answers(event, p))
    worked = event.by if case.reporter(event.by) else case.worked_by
    since, stage = _silence(case, prompts)
    return replace(case, answers=answers, prompts=prompts, worked_by=worked, silent_since=since, silence_stage=stage)


_ASK_IF_BACK = frozenset({"W_BACK", "R_REV", "R_NEWS", "R_SILENT", "X_DOWN", "AWAY_CHECK", "B_SEEN"})


def _answers(event: e.CheckAnswered | e.WhereaboutsGiven, prompt: Prompt) -> bool:
    """R_REV, R_SILENT, X_DOWN … all ask whether the child is back: an answer to one answers the others. Whoever answers
    anything at all is silent no longer."""
    same = prompt.check in _ASK_IF_BACK and event.check in _ASK_IF_BACK
    speaks = prompt.check == "R_SILENT" and prompt.to == event.by
    return prompt.check == event.check or same or speaks


def _silence(case: Case, prompts: tuple[Prompt, ...]) -> tuple[datetime | None, int]:
    """Since when and how far it is silent while these wait: from the oldest unanswered timed question; over when none is
    left."""
    waiting = [p.asked_at for p in prompts if p.timed]
    if not waiting:
        return None, 0
    if case.silent_since is None or min(waiting) > case.silent_since:
        return min(waiting), 0
    return case.silent_since, case.silence_stage


def _without(case: Case, check: str) -> tuple[Prompt, ...]:
    return tuple(p for p in case.prompts if p.check != check)


def _claimed(case: Case, event: e.ReturnClaimed) -> Case:
    if case.returned or case.status is Status.WATCHING:
        return case
    before = case.back.before if case.status is Status.RETURN_CLAIMED else case.status
    stronger = event.trust if event.trust is Trust.CODE else case.back.claim_trust
    return replace(
        case,
        back=replace(
            case.back,
            claimed_at=case.back.claimed_at if case.status is Status.RETURN_CLAIMED else event.at,
            claimed_by=event.by,
            claim_trust=stronger,
            seen_by=(case.back.seen_by or event.by) if event.seen else case.back.seen_by,
            seen_at=(event.seen_at or event.at) if event.seen else case.back.seen_at or event.seen_at,
            before=before,
        ),
    )


def _settled(case: Case, event: e.UnsureSettled) -> Case:
    word = "risk" if event.risk else "none"
    meant = case.unsettled(event.check, risk=event.risk)
    return replace(case, unsure=tuple(replace(u, settled=word) if u in meant else u for u in case.unsure))


def _logged(police: Police, event: e.PoliceLogged) -> Police:
    if event.trust in (Trust.VERIFIED, Trust.TWO_PERSON):
        return replace(
            police, number=event.number, confirmed_by=event.by, confirmed_at=event.at, chase_at=None, misses=0
        )
    if police.confirmed_at is not None:
        return replace(police, chase_at=None, misses=0)
    return replace(police, number=event.number, told_by=event.by, told_at=event.at, chase_at=None, misses=0)


def _answers_alert(alert: Alert, event: e.AlertAcknowledged) -> Alert:
    """One more has answered; with the last who was needed it is taken. A second press of the same person changes nothing."""
    if alert.taken_by == event.by:
        return alert
    answered = tuple(dict.fromkeys((*alert.answered, event.by)))
    if len(answered) < alert.needs:
        return replace(alert, answered=answered)
    return replace(
        alert, answered=answered, taken_by=event.by, taken_at=event.at, taken_until=None, acted_at=None, next_at=None
    )


def _note_decision(case: Case, event: e.Decision) -> Case:
    match event:
        case e.CheckAsked():
            return _ask(case, event)
        case e.ClockSet():
            first = event.t0 if case.t0_kind == "reported" and event.kind != "agreed" else case.first_t0
            checks_from = event.at if event.kind == "agreed" else case.checks_from
            return replace(case, t0=event.t0, first_t0=first, t0_kind=event.kind, checks_from=checks_from)
        case e.RiskAssessed():
            return replace(
                case, level=max(case.level, event.level), route=event.route,
                reasons=(*case.reasons, *event.reasons), factors=event.factors,
                a01_since=event.at if any(r.rule == "A01" for r in event.reasons) else case.a01_since,
                unsure=tuple(
                    replace(u, settled="expired") if u.until <= event.at and not u.settled else u
                    for u in case.unsure
                ),
            )  # fmt: skip
        case e.LocationDecided():
            return _placed(case, event)
        case e.DeclaredMissing():
            return _missing(case, event)
        case e.Instructed():
            chase = event.chase_at or case.police.chase_at
            misses = 0 if event.chase_at else case.police.misses
            return replace(
                case, instructed=(*case.instructed, event.text),
                police=replace(case.police, chase_at=chase, misses=misses),
                review_at=None if event.chase_at else case.review_at,
            )  # fmt: skip
        case e.AbsenceLogged():
            return replace(case, logged_at=event.at, gate_done=True, review_at=event.review_at)
        case e.ReviewSet():
            return replace(case, review_at=event.review_at)
        case e.RungClimbed():
            started = event.rung == 1 and case.alert.rung != 1
            return replace(
                case,
                alert=Alert(
                    rung=event.rung,
                    next_at=event.next_at,
                    rounds=case.alert.rounds + started,
                    needs=event.answers,
                    answered=() if event.rung == 1 and case.alert.rung == 0 else case.alert.answered,
                ),
            )
        case e.AlertLapsed():
            return replace(case, alert=Alert(rounds=case.alert.rounds))
        case e.TakenUntil():
            acted = event.at if event.acted and case.alert.taken_until is not None else case.alert.acted_at
            return replace(case, alert=replace(case.alert, taken_until=event.until, acted_at=acted))
        case e.ReferenceChased():
            return replace(case, police=replace(case.police, misses=event.misses, chase_at=event.next_at))
        case e.PoliceReviewDue():
            return replace(case, police=replace(case.police, declined_reviewed=True))
        case e.UnsureRaised():
            return replace(case, unsure=(*case.unsure, Unsure(check=event.check, until=event.until)))
        case e.UnsureClimbed():
            return replace(
                case, unsure=tuple(replace(u, climbed=True) if u.check == event.check else u for u in case.unsure)
            )
        case e.Reminded():
            if event.stage == 0:
                return replace(case, first_ack_passed=True)
            return replace(case, silence_stage=event.stage)
        case e.TaskOpened():
            return replace(
                case,
                tasks=(*case.tasks, Task(task=event.task, owner_role=event.owner_role, due_at=event.due_at)),
            )
        case e.TaskMoved():
            return _tasks(case, event.task, due_at=event.due_at, rung=event.rung, asked=1)
        case e.TaskEnded():
            return _tasks(case, event.task, done_at=event.at, outcome=event.outcome, done_by=event.by)
        case e.ReportMade():
            return replace(case, reports=event.version)
        case e.ReturnConfirmed():
            return _returned(case, event)
        case e.ClaimEnded():
            return replace(
                case, status=case.back.before or Status.CHECKING, back=Return(before=None), contradicted=True
            )
        case e.ReturnUndone():
            return _undone(case, event)
        case e.InterviewReminded():
            return replace(case, back=replace(case.back, interview_next=event.next_at))
        case e.WatchEnded():
            return replace(case, closed_at=event.at, closed_by="watch", prompts=(), silent_since=None)
        case e.CaseClosed():
            return replace(case, closed_at=event.at, closed_by=event.by, prompts=(), silent_since=None, alert=Alert())
        case e.CloseRefused():
            return case
        case _:
            assert_never(event)


def _ask(case: Case, event: e.CheckAsked) -> Case:
    _, rounds = case.asked.get(event.check, (0, 0))
    others = tuple(p for p in case.prompts if not (p.check == event.check and p.to == event.to))
    before = next((p for p in case.prompts if p.check == event.check and p.to == event.to), None)
    repeats = (before.repeats if before else 0) + event.repeat
    first = before.asked_at if before is not None and event.repeat else event.asked_at
    prompt = replace(_BLANK_PROMPT, check=event.check, to=event.to, asked_at=first, timed=event.timed, repeats=repeats)
    asked = {**case.asked, event.check: (case.seq + 1, rounds if event.repeat else rounds + 1)}
    since = case.silent_since
    if event.timed and since is None:
        since = event.asked_at
    return replace(case, prompts=(*others, prompt), asked=asked, silent_since=since)


def _missing(case: Case, event: e.DeclaredMissing) -> Case:
    claimed = case.status is Status.RETURN_CLAIMED
    prompts = _untimed(case)
    since, stage = _silence(case, prompts)
    return replace(
        case, missing_at=case.missing_at or event.at, welfare=event.welfare, gate_done=True, review_at=None,
        police=replace(case.police, chase_at=event.chase_at), prompts=prompts, silent_since=since, silence_stage=stage,
        back=replace(case.back, before=Status.MISSING) if claimed else case.back,
    )  # fmt: skip


def _untimed(case: Case) -> tuple[Prompt, ...]:
    """An instruction ends the gate: what waits stays askable, but no answer timer runs on a gate question any more."""
    return tuple(replace(p, timed=p.timed and p.check in _ASK_IF_BACK) for p in case.prompts)


def _placed(case: Case, event: e.LocationDecided) -> Case:
    extensions = case.extensions + event.extended if event.located is Located.SAFE else 0
    return replace(case, located=event.located, agreed_until=event.agreed_until, extensions=extensions)


def _tasks(case: Case, task: str, *, asked: int = 0, **changes: object) -> Case:
    def change(t: Task) -> Task:
        if t.task != task or t.done_at is not None:
            return t
        return replace(t, asked=t.asked + asked, **changes)  # type: ignore[arg-type]

    return replace(case, tasks=tuple(change(t) for t in case.tasks))


def _returned(case: Case, event: e.ReturnConfirmed) -> Case:
    return replace(
        case, located=Located.SEEN, review_at=None, prompts=(), silent_since=None, silence_stage=0,
        alert=Alert(rounds=case.alert.rounds), police=replace(case.police, chase_at=None), a01_since=None,
        back=replace(
            case.back, confirmed_at=event.at, seen_at=event.seen_at, elsewhere=event.elsewhere,
            before=case.back.before if case.status is Status.RETURN_CLAIMED else case.status,
            interview_due=event.interview_due,
        ),
    )  # fmt: skip


def _undone(case: Case, event: e.ReturnUndone) -> Case:
    """The search goes on where it stood; what was begun after the return is void."""
    tasks = tuple(t if t.done_at else replace(t, done_at=event.at, outcome="undone") for t in case.tasks)
    return replace(
        case, status=case.back.before or Status.CHECKING, located=Located.NO, agreed_until=None, back=Return(), prompts=(),
        tasks=tasks, contradicted=True, police=replace(case.police, chase_at=event.chase_at),
    )  # fmt: skip

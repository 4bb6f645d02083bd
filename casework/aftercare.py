"""Question 6: is it over? Back means seen: a claim keeps every clock running, a verified sighting ends the search, then
well-being is asked, the police are told, the return interview gets its 72 hours, and a named manager closes (domain 8)."""

from datetime import datetime, timedelta

from casework.case import Case, Task
from casework.checks import resume
from casework.effects import MarkAlerts, Tell, To, Withdraw
from casework.events import (
    CaseClosed,
    CheckAnswered,
    CheckAsked,
    ChildSeen,
    ClaimEnded,
    CloseAsked,
    CloseRefused,
    InterviewRecorded,
    InterviewReminded,
    ReturnClaimed,
    ReturnConfirmed,
    ReturnRefuted,
    TaskDone,
    TaskEnded,
    TaskMoved,
    TaskOpened,
)
from casework.levels import Level, Side, Status, Trust
from casework.protocol import Protocol
from casework.protocol import Task as TaskRule
from casework.turn import Turn

CALLBACK, WELL, SIGN_OFF = "CALLBACK", "WELL", "A12"
EXPLOITATION = "R06"


def close(turn: Turn) -> None:
    """Follow a claim to its confirmation or its end, then everything that is due after a return, then the close."""
    if turn.case.returned:
        _after(turn)
    else:
        _claim(turn)
        _sighting(turn)
    _close(turn)


# ---- a claim -------------------------------------------------------------------------------------


def _claim(turn: Turn) -> None:
    news = turn.news
    if isinstance(news, ReturnClaimed):
        _claimed(turn, news)
    elif isinstance(news, CheckAnswered):
        _answered(turn, news)
    elif isinstance(news, ReturnRefuted):
        _refute(turn)
    if turn.due("claim"):
        _ring_again(turn)


def _claimed(turn: Turn, news: ReturnClaimed) -> None:
    if turn.case.status is not Status.RETURN_CLAIMED:
        return
    if code_is_enough(turn.case):
        _confirm(turn, news.seen_at or news.at)
        return
    if news.seen:
        turn.tell(To(kind="person", id=news.by), "B_CLAIM")
    reporter = turn.case.reporter(news.by)
    if news.seen or reporter is None or reporter.side is Side.PARENT:
        _call_back(turn)


def code_is_enough(case: Case) -> bool:
    """BACK with the right code from a verified number, where the level never rose above LOW and no flag stands."""
    return case.back.claim_trust is Trust.CODE and case.level <= Level.LOW and not case.flags


def _call_back(turn: Turn) -> None:
    """A person on call rings the stored number, never the one that wrote, within 15 minutes (A1)."""
    task = turn.case.task(CALLBACK)
    if task is not None and task.done_at is None:
        return
    due = turn.now + timedelta(minutes=turn.protocol.timers.claim.callback)
    turn.decide(TaskOpened(at=turn.now, task=CALLBACK, owner_role="coordinator", due_at=due))
    turn.tell(To(kind="duty", id="coordinator"), "C_CLAIM", {"by": due}, via="both", alert=1)


def _ring_again(turn: Turn) -> None:
    """Nobody confirmed or refuted in time: the next rung is asked, every five minutes."""
    task = turn.case.task(CALLBACK)
    if task is None or task.done_at is not None:
        return
    roles = {r.rung: r for r in turn.protocol.rung if r.rung}
    rung = min(task.rung + 1, max(roles))
    due = turn.now + timedelta(minutes=turn.protocol.timers.claim.next_rung)
    turn.decide(TaskMoved(at=turn.now, task=CALLBACK, due_at=due, rung=rung))
    role = roles[rung].role_at_home if turn.case.child.at_home and roles[rung].role_at_home else roles[rung].role
    to = To(kind="all_duty") if role == "all" else To(kind="duty", id=role)
    turn.tell(to, "C_CLAIM", {"by": due}, via="both", alert=rung)


def _answered(turn: Turn, news: CheckAnswered) -> None:
    means = _means(turn, news)
    if news.check == "B_SEEN":
        _seen_answer(turn, news, means)
    elif "seen" in means:
        _says_seen(turn, news)
    elif means & {"no_news", "new_worry", "no_contact"} and turn.case.status is Status.RETURN_CLAIMED:
        _refute(turn)
    elif "found" in means:
        _says_seen(turn, news)


def _means(turn: Turn, news: CheckAnswered) -> set[str]:
    if not turn.protocol.has(news.check):
        return set()
    check = turn.protocol.find(news.check)
    return {o.means for v in news.values if (o := check.option(v))}


def _seen_answer(turn: Turn, news: CheckAnswered, means: set[str]) -> None:
    if "seen" in means:
        _says_seen(turn, news)
    elif turn.case.status is Status.RETURN_CLAIMED:
        turn.tell(To(kind="person", id=news.by), "B_CLAIM")
        _call_back(turn)


def _says_seen(turn: Turn, news: CheckAnswered) -> None:
    """ "I can see the child": from bound staff a sighting, from a parent a claim until the stored number was rung."""
    side = turn.case.reporter(news.by)
    if side is not None and side.side is Side.STAFF and news.trust is Trust.VERIFIED:
        turn.derive(ChildSeen(at=news.at, by=news.by, channel=news.channel, via="staff", seen_at=news.at))
        return
    if turn.case.back.seen_by is None or turn.case.status is not Status.RETURN_CLAIMED:
        turn.derive(
            ReturnClaimed(at=news.at, by=news.by, channel=news.channel, trust=Trust.NONE, seen=True, seen_at=news.at)
        )
    turn.tell(To(kind="person", id=news.by), "B_CLAIM")
    _call_back(turn)


def _refute(turn: Turn) -> None:
    if turn.case.status is not Status.RETURN_CLAIMED:
        return
    turn.decide(ClaimEnded(at=turn.now))
    _end_task(turn, CALLBACK, "refuted")
    resume(turn)


def _end_task(turn: Turn, task: str, outcome: str) -> None:
    open_task = turn.case.task(task)
    if open_task is not None and open_task.done_at is None:
        turn.decide(TaskEnded(at=turn.now, task=task, outcome=outcome))


# ---- a sighting ----------------------------------------------------------------------------------


def _sighting(turn: Turn) -> None:
    sighting = next((e for e in (turn.news, *turn.decisions) if isinstance(e, ChildSeen)), None)
    if sighting is None or turn.case.returned:
        return
    if _two_needed(turn.case) and not _two_people(turn, sighting):
        _await_second(turn, sighting)
        return
    seen_at = turn.case.back.seen_at if sighting.via == "callback" and turn.case.back.seen_at else sighting.seen_at
    _confirm(turn, seen_at, elsewhere=sighting.elsewhere)


def _two_needed(case: Case) -> bool:
    """HIGH, an exploitation flag, or sources that contradict each other: the one who saw and the one who confirms are two."""
    return case.level is Level.HIGH or EXPLOITATION in case.flags or case.contradicted


def _two_people(turn: Turn, sighting: ChildSeen) -> bool:
    if sighting.via in ("callback", "police", "social_care"):
        return True  # the adult or officer who saw, and the person who rang
    before = turn.before.back if turn.before is not None else turn.case.back
    return before.seen_by is not None and before.seen_by != sighting.by


def _await_second(turn: Turn, sighting: ChildSeen) -> None:
    if turn.case.status is not Status.RETURN_CLAIMED:
        turn.derive(
            ReturnClaimed(at=sighting.at, by=sighting.by, channel=sighting.channel, trust=Trust.VERIFIED, seen=True,
                          seen_at=sighting.seen_at)
        )  # fmt: skip
    turn.tell(To(kind="person", id=sighting.by), "B_TWO")
    _call_back(turn)


def _confirm(turn: Turn, seen_at: datetime, *, elsewhere: bool = False) -> None:
    """The child was seen and that is confirmed: alerts end, what waits is withdrawn, everyone told is told."""
    protocol = turn.protocol
    due = seen_at + timedelta(hours=protocol.timers.interview.due_hours) if interview_due(turn.case, protocol) else None
    turn.effects[:] = [e for e in turn.effects if not _asks(e)]
    turn.effects.append(Withdraw())
    turn.effects.append(MarkAlerts(state="ended"))
    turn.decide(ReturnConfirmed(at=turn.now, seen_at=seen_at, interview_due=due, elsewhere=elsewhere))
    _end_task(turn, CALLBACK, "confirmed")
    if due is not None:
        turn.decide(InterviewReminded(at=turn.now, next_at=_interview_next(turn.case, protocol, turn.now)))
    for rule in protocol.task:
        if _task_due(turn.case, rule):
            first = timedelta(minutes=rule.due_minutes[0])
            turn.decide(TaskOpened(at=turn.now, task=rule.id, owner_role=rule.owner, due_at=seen_at + first))
    if turn.case.alert.rounds or turn.case.missing_at is not None:
        turn.tell(To(kind="told", id=turn.news.by), "C_BACK", {"at": seen_at}, via="quiet")
    if not elsewhere:
        _well_being(turn)


def _asks(effect: object) -> bool:
    return isinstance(effect, Tell) and (effect.question is not None or effect.text in ("B_CLAIM", "C_CLAIM"))


def interview_due(case: Case, protocol: Protocol) -> bool:
    """England: after every missing episode; Wales: expected from the third (10). After an absence it is not due (A11)."""
    if case.missing_at is None:
        return False
    return protocol.timers.interview.due_when == "missing" or case.child.episodes_90_days >= 2


def _task_due(case: Case, rule: TaskRule) -> bool:
    if rule.id in (CALLBACK, WELL):
        return False
    return rule.when == "returned" or case.missing_at is not None


# ---- after the return ----------------------------------------------------------------------------


def _well_being(turn: Turn) -> None:
    adult = turn.worker()
    if adult is not None:
        _put(turn, "B_WELL", adult.person)


def _put(turn: Turn, check: str, person: str, *, repeat: bool = False) -> None:
    turn.decide(CheckAsked(at=turn.now, check=check, to=person, asked_at=turn.now, timed=False, repeat=repeat))
    turn.tell(To(kind="person", id=person), check, {}, question=check, repeat=repeat)


def _after(turn: Turn) -> None:
    news = turn.news
    if isinstance(news, CheckAnswered):
        _after_answer(turn, news)
    if isinstance(news, InterviewRecorded):
        _interview(turn, news.outcome)
    if isinstance(news, TaskDone) and news.task != SIGN_OFF:
        _end_task(turn, news.task, news.outcome)
    if turn.due("wellbeing"):
        _well_again(turn)
    if turn.due("interview"):
        _remind_interview(turn)
    for task in turn.case.tasks:
        if f"task:{task.task}" in turn.due_keys and task.done_at is None:
            _task_again(turn, task)


def _after_answer(turn: Turn, news: CheckAnswered) -> None:
    means = _means(turn, news)
    if news.check == "B_WELL":
        if means & {"unwell", "unsure"}:
            turn.tell(To(kind="duty", id="coordinator"), "C_UNWELL", {}, via="both", alert=1)
        _end_task(turn, WELL, "answered")
        if turn.case.police.number is not None:
            _put(turn, "B_POL", news.by)
        else:
            _kind(turn, news.by)
    elif news.check == "B_POL":
        _end_task(turn, WELL, "answered")
        _kind(turn, news.by)
    elif news.check == "RHI_1":
        _interview(turn, next(iter(means), ""))
    elif news.check.startswith("T_") and news.check != f"T_{SIGN_OFF}":
        _end_task(turn, news.check.removeprefix("T_"), "done")


def _kind(turn: Turn, person: str) -> None:
    due = turn.case.back.interview_due
    turn.tell(To(kind="person", id=person), "B_KIND" if due else "B_KIND0", {"due": due} if due else {})


def wellbeing_due(case: Case, protocol: Protocol) -> datetime | None:
    """B_WELL or B_POL unanswered: the same text at +5, at +10 a task for the co-ordinator to phone."""
    if case.status is not Status.RETURNED:
        return None
    for prompt in case.prompts:
        if prompt.check in ("B_WELL", "B_POL"):
            timers = protocol.timers
            if prompt.repeats == 0:
                return prompt.asked_at + timedelta(minutes=timers.wellbeing_reminder)
            task = case.task(WELL)
            if task is None or task.done_at is not None:
                return prompt.asked_at + timedelta(minutes=timers.wellbeing_task)
    return None


def _well_again(turn: Turn) -> None:
    for prompt in turn.case.prompts:
        if prompt.check not in ("B_WELL", "B_POL"):
            continue
        if prompt.repeats == 0:
            _put(turn, prompt.check, prompt.to, repeat=True)
        else:
            due = turn.now + timedelta(minutes=turn.protocol.timers.day_task_minutes)
            turn.decide(TaskOpened(at=turn.now, task=WELL, owner_role="coordinator", due_at=due))
            turn.tell(To(kind="duty", id="coordinator"), "T_WELL", {}, via="both", alert=1)
        return


# ---- the return interview ------------------------------------------------------------------------


def _interview_next(case: Case, protocol: Protocol, now: datetime) -> datetime | None:
    """The next reminder: +2, +24, +48, +66 h after the return, at +72 h, then daily (A8)."""
    if case.back.seen_at is None or case.back.interview_due is None:
        return None
    rules = protocol.timers.interview
    hours = (*rules.remind_hours, rules.due_hours)
    times = [case.back.seen_at + timedelta(hours=h) for h in hours]
    ahead = [t for t in times if t > now]
    return min(ahead) if ahead else now + timedelta(hours=rules.overdue_every_hours)


def _remind_interview(turn: Turn) -> None:
    back = turn.case.back
    if back.interview_due is None or interview_settled(turn.case, turn.protocol):
        return
    turn.decide(InterviewReminded(at=turn.now, next_at=_interview_next(turn.case, turn.protocol, turn.now)))
    turn.tell(To(kind="duty", id="coordinator"), "RHI_1", {"due": back.interview_due}, via="both", question="RHI_1")


def _interview(turn: Turn, outcome: str) -> None:
    case = turn.case
    if not isinstance(turn.news, InterviewRecorded):
        turn.derive(InterviewRecorded(at=turn.now, by=turn.news.by, channel=turn.news.channel, outcome=outcome))
    if interview_settled(turn.case, turn.protocol) and case.back.interview_next is not None:
        turn.decide(InterviewReminded(at=turn.now, next_at=None))


def interview_settled(case: Case, protocol: Protocol) -> bool:
    """Done, declined after at least two offers, or not due."""
    back = case.back
    declined = back.interview_outcome == "declined" and back.interview_refusals >= protocol.timers.interview.min_offers
    return back.interview_due is None or back.interview_outcome == "done" or declined


# ---- tasks and the close -------------------------------------------------------------------------


def _task_again(turn: Turn, task: Task) -> None:
    """A task falls due: its owner is told, later times follow its rule, then daily; after three days also the next rung."""
    if task.task == CALLBACK:
        return
    rule = next((t for t in turn.protocol.task if t.id == task.task), None)
    later = rule.due_minutes[task.asked + 1 :] if rule is not None else ()
    seen = turn.case.back.seen_at or turn.now
    ahead = [seen + timedelta(minutes=m) for m in later if seen + timedelta(minutes=m) > turn.now]
    due = ahead[0] if ahead else turn.now + timedelta(minutes=turn.protocol.timers.day_task_minutes)
    turn.decide(TaskMoved(at=turn.now, task=task.task, due_at=due))
    text = f"T_{task.task}"
    for role in _owners(turn.case, task, turn.now):
        turn.tell(To(kind="duty", id=role), text, {}, via="both", question=text)


def _owners(case: Case, task: Task, now: datetime) -> tuple[str, ...]:
    owner = "coordinator" if case.child.at_home and task.owner_role == "manager" else task.owner_role
    overdue = case.back.confirmed_at is not None and now - case.back.confirmed_at >= timedelta(days=3)
    return (owner, "coordinator") if overdue and owner != "coordinator" else (owner,)


def _close(turn: Turn) -> None:
    news = turn.news
    if not isinstance(news, CloseAsked):
        return
    missing = still_missing(turn.case, turn.protocol)
    if missing:
        turn.decide(CloseRefused(at=turn.now, missing=missing))
        turn.tell(To(kind="person", id=news.by), "close_refused", {"missing": missing}, via="own")
        return
    turn.effects.append(Withdraw())
    turn.effects.append(MarkAlerts(state="ended"))
    _end_task(turn, SIGN_OFF, "signed")
    turn.decide(CaseClosed(at=turn.now, by=news.by))


def still_missing(case: Case, protocol: Protocol) -> tuple[str, ...]:
    """What stands in the way of closing (A12): seen, well-being answered, police told of the return, interview settled.
    A case never closes by time."""
    missing = []
    if case.status is not Status.RETURNED:
        missing.append("seen")
    if not case.back.elsewhere:
        if not _given(case, "B_WELL"):
            missing.append("wellbeing")
        if case.police.number is not None and not _given(case, "B_POL"):
            missing.append("police_told")
    if not interview_settled(case, protocol):
        missing.append("interview")
    return tuple(missing)


def _given(case: Case, check: str) -> bool:
    task = case.task(WELL)
    phoned = task is not None and task.outcome == "done"
    return check in case.answers or phoned

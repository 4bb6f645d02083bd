"""After the return: well-being is asked, the police are told, tasks wait for their people, the return interview has its 72
hours and is asked about until it is settled (domain 8, A2 to A11)."""

from datetime import datetime, timedelta

from casework.case import Case, Task
from casework.effects import CallOff, MarkAlerts, To
from casework.events import (
    AlertAcknowledged,
    CheckAnswered,
    CheckAsked,
    InterviewRecorded,
    InterviewReminded,
    TaskDone,
    TaskEnded,
    TaskMoved,
    TaskOpened,
)
from casework.levels import Status
from casework.limits import MINUTE
from casework.protocol import Protocol
from casework.protocol_parts import Task as TaskRule
from casework.turn import Turn

CALLBACK, WELL, SIGN_OFF = "CALLBACK", "WELL", "A12"
HURT = "A2"  # the child may be hurt: somebody on call is to ring now, and one after the other is alerted until somebody does


def begin(turn: Turn, seen_at: datetime) -> None:
    """What a confirmed return opens: the interview's reminders, the tasks, and the question how the child is."""
    protocol = turn.protocol
    if turn.case.back.interview_due is not None:
        turn.decide(InterviewReminded(at=turn.now, next_at=next_reminder(turn.case, protocol, turn.now)))
    for rule in protocol.task:
        if _task_due(turn.case, rule):
            first = rule.due_minutes[0] * MINUTE
            turn.decide(TaskOpened(at=turn.now, task=rule.id, owner_role=rule.owner, due_at=seen_at + first))
    if not turn.case.back.elsewhere:
        _well_being(turn)


def _well_being(turn: Turn) -> None:
    adult = turn.worker()
    if adult is not None:
        _put(turn, "B_WELL", adult.person)


def _put(turn: Turn, check: str, person: str, *, repeat: bool = False) -> None:
    turn.decide(CheckAsked(at=turn.now, check=check, to=person, asked_at=turn.now, timed=False, repeat=repeat))
    turn.tell(To(kind="person", id=person), check, {}, question=check, repeat=repeat)


def follow(turn: Turn) -> None:
    """What news means once the child is back: answers, tasks, reminders."""
    news = turn.news
    if isinstance(news, CheckAnswered):
        _after_answer(turn, news)
    if isinstance(news, InterviewRecorded):
        _interview(turn, news.outcome)
    if isinstance(news, AlertAcknowledged):
        _taken(turn, news.by)
    if isinstance(news, TaskDone) and news.task != SIGN_OFF:
        end_task(turn, news.task, news.outcome)
    if turn.due("wellbeing"):
        _well_again(turn)
    if turn.due("interview"):
        _remind_interview(turn)
    for task in turn.case.tasks:
        if f"task:{task.task}" in turn.due_keys and task.done_at is None:
            _task_again(turn, task)


def _after_answer(turn: Turn, news: CheckAnswered) -> None:
    means = means_of(turn, news)
    if news.check == "B_WELL":
        if means & {"unwell", "unsure"}:
            _may_be_hurt(turn)
        end_task(turn, WELL, "answered")
        if turn.case.police.number is not None:
            _put(turn, "B_POL", news.by)
        else:
            _kind(turn, news.by)
    elif news.check == "B_POL":
        end_task(turn, WELL, "answered")
        _kind(turn, news.by)
    elif news.check == "RHI_1":
        _interview(turn, next(iter(means), ""))
    elif news.check.startswith("T_") and news.check != f"T_{SIGN_OFF}":
        end_task(turn, news.check.removeprefix("T_"), "done")


def _may_be_hurt(turn: Turn) -> None:
    """A person on call hears it now, and the next rung where nobody takes it."""
    task = turn.case.task(HURT)
    if task is None or task.done_at is not None:
        due = turn.now + turn.protocol.timers.claim.next_rung * MINUTE
        turn.decide(TaskOpened(at=turn.now, task=HURT, owner_role="coordinator", due_at=due))
    turn.tell(To(kind="duty", id="coordinator"), "C_UNWELL", {}, via="both", alert=1)


def _climb(turn: Turn, task: Task) -> None:
    """Nobody took it: the next rung is alerted, and the last one again and again."""
    protocol = turn.protocol
    number = min(task.rung + 1, protocol.last_rung)
    wait = protocol.timers.claim.next_rung if number < protocol.last_rung else protocol.repeat.others
    turn.decide(TaskMoved(at=turn.now, task=HURT, due_at=turn.now + wait * MINUTE, rung=number))
    turn.tell(turn.rung(number), "C_UNWELL", {}, via="both", alert=number)


def _taken(turn: Turn, person: str) -> None:
    """A named person has it; what would still wake others for it is called off."""
    end_task(turn, HURT, "taken")
    turn.effects.append(MarkAlerts(state="taken", by=person, rungs=(0, turn.protocol.last_rung)))
    turn.effects.append(CallOff(but=person))


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
                return prompt.asked_at + timers.wellbeing_reminder * MINUTE
            task = case.task(WELL)
            if task is None or task.done_at is not None:
                return prompt.asked_at + timers.wellbeing_task * MINUTE
    return None


def _well_again(turn: Turn) -> None:
    for prompt in turn.case.prompts:
        if prompt.check not in ("B_WELL", "B_POL"):
            continue
        if prompt.repeats == 0:
            _put(turn, prompt.check, prompt.to, repeat=True)
        else:
            due = turn.now + turn.protocol.timers.day_task_minutes * MINUTE
            turn.decide(TaskOpened(at=turn.now, task=WELL, owner_role="coordinator", due_at=due))
            turn.tell(To(kind="duty", id="coordinator"), "T_WELL", {}, via="both", alert=1)
        return


def interview_due(case: Case, protocol: Protocol) -> bool:
    """England: after every missing episode; Wales: expected from the third (10). After an absence it is not due (A11)."""
    if case.missing_at is None:
        return False
    return protocol.timers.interview.due_when == "missing" or case.child.episodes_90_days >= 2


def next_reminder(case: Case, protocol: Protocol, now: datetime) -> datetime | None:
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
    turn.decide(InterviewReminded(at=turn.now, next_at=next_reminder(turn.case, turn.protocol, turn.now)))
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


def _task_due(case: Case, rule: TaskRule) -> bool:
    if rule.id in (CALLBACK, WELL):
        return False
    return rule.when == "returned" or case.missing_at is not None


def _task_again(turn: Turn, task: Task) -> None:
    """A task falls due: its owner is told, later times follow its rule, then daily; after three days also the next rung."""
    if task.task == HURT:
        _climb(turn, task)
        return
    if task.task == CALLBACK or any(each.id == task.task for each in turn.protocol.obligations):
        return
    rule = next((t for t in turn.protocol.task if t.id == task.task), None)
    later = rule.due_minutes[task.asked + 1 :] if rule is not None else ()
    seen = turn.case.back.seen_at or turn.now
    ahead = [seen + m * MINUTE for m in later if seen + m * MINUTE > turn.now]
    due = ahead[0] if ahead else turn.now + turn.protocol.timers.day_task_minutes * MINUTE
    turn.decide(TaskMoved(at=turn.now, task=task.task, due_at=due))
    text = f"T_{task.task}"
    for role in _owners(turn.case, task, turn.now):
        turn.tell(To(kind="duty", id=role), text, {}, via="both", question=text)


def _owners(case: Case, task: Task, now: datetime) -> tuple[str, ...]:
    owner = "coordinator" if case.child.at_home and task.owner_role == "manager" else task.owner_role
    overdue = case.back.confirmed_at is not None and now - case.back.confirmed_at >= timedelta(days=3)
    return (owner, "coordinator") if overdue and owner != "coordinator" else (owner,)


def means_of(turn: Turn, news: CheckAnswered) -> set[str]:
    """What the options of an answer mean (`seen`, `told`, …)."""
    if not turn.protocol.has(news.check):
        return set()
    check = turn.protocol.find(news.check)
    return {o.means for v in news.values if (o := check.option(v))}


def end_task(turn: Turn, task: str, outcome: str) -> None:
    """The open task of this kind ends, with its outcome in one word."""
    open_task = turn.case.task(task)
    if open_task is not None and open_task.done_at is None:
        turn.decide(TaskEnded(at=turn.now, task=task, outcome=outcome, by=turn.news.by))

"""Whom the jurisdiction wants told, as tasks with a clock: social worker, parent, host authority, inspectorate, and the
ladder of days (24 h, 48 h, 5 d, 28 d). Each has an owner in the house, is asked again until it is done, and keeps who
did it; a return ends none of them (domain E5 to E13)."""

from casework.aftercare import end_task
from casework.case import Case, Task
from casework.effects import MarkAlerts, To
from casework.events import CheckAnswered, PoliceLogged, TaskDone, TaskMoved, TaskOpened
from casework.levels import Level, Side
from casework.limits import MINUTE
from casework.protocol_parts import Notice, Obligation
from casework.turn import Turn

UNDONE = "undone"  # how a task ended that a return had opened, when the return proved wrong
EXPLOITATION, TRAFFICKING, OUT_OF_AREA = "R06", "R12", "K08"


def follow(turn: Turn) -> None:
    """Open what this case calls for, ask for what is due, and hear what was done."""
    if _may_have_changed(turn):
        for obligation in turn.protocol.obligations:
            if not obligation.after_hours and not opened(turn.case, obligation) and _calls_for(turn.case, obligation):
                _open(turn, obligation)
        if _presses(turn.case) and turn.before is not None and not _presses(turn.before):
            _wait_no_longer(turn)
    _heard(turn)
    if turn.due("task"):
        for obligation in turn.protocol.obligations:
            if f"task:{obligation.id}" in turn.due_keys:
                _due(turn, obligation)


def _may_have_changed(turn: Turn) -> bool:
    before, case = turn.before, turn.case
    return (
        before is None or before.reasons is not case.reasons or before.missing_at != case.missing_at
        or before.logged_at != case.logged_at or before.status is not case.status
    )  # fmt: skip


def opened(case: Case, obligation: Obligation) -> bool:
    """Whether this obligation is a task of the case already, done or not."""
    task = case.task(obligation.id)
    return task is not None and task.outcome != UNDONE


def _calls_for(case: Case, obligation: Obligation) -> bool:
    if set(obligation.blocked_by) & {*case.child.flags, *(("at_home",) if case.child.at_home else ())}:
        return False
    if (isinstance(obligation, Notice) and case.child.at_home) or (obligation.when == "return") is not case.returned:
        return False  # a regulator's rules are about homes
    match obligation.when:
        case "any_absence":
            return case.missing_at is not None or (case.logged_at is not None and case.level is not Level.NAR)
        case "exploitation":
            return EXPLOITATION in case.flags
        case "trafficking":
            return TRAFFICKING in case.flags
        case "out_of_area":
            return case.missing_at is not None and OUT_OF_AREA in (*case.factors, *case.child.register_factors)
        case "return":
            return True
    return case.missing_at is not None


# ---- the clock -----------------------------------------------------------------------------------


def _open(turn: Turn, obligation: Obligation) -> None:
    """It is asked for at once where the level presses, else when its minutes are over (domain E5, E6)."""
    at_once = obligation.asks_reporter and _presses(turn.case)
    due = turn.now if at_once else turn.now + obligation.prompt_minutes * MINUTE
    turn.decide(TaskOpened(at=turn.now, task=obligation.id, owner_role=_owner(turn.case, obligation), due_at=due))
    if due == turn.now:
        _due(turn, obligation)


def _presses(case: Case) -> bool:
    """Whether the social worker and the parent are told at once, and do not wait for a log number."""
    return case.level >= Level.WELFARE


def _wait_no_longer(turn: Turn) -> None:
    for obligation in turn.protocol.obligations:
        task = turn.case.task(obligation.id) if obligation.asks_reporter else None
        if task is not None and task.done_at is None and not task.asked:
            _due(turn, obligation)


def _due(turn: Turn, obligation: Obligation) -> None:
    """It is time: the adult nearest to it is asked first where the obligation says so, then its owner, again and again."""
    if not opened(turn.case, obligation):
        owner = _owner(turn.case, obligation)
        turn.decide(TaskOpened(at=turn.now, task=obligation.id, owner_role=owner, due_at=turn.now))
    task = turn.case.task(obligation.id)
    if task is None or task.done_at is not None:
        return
    adult = _nearest(turn, obligation, task)
    wait = obligation.prompt_minutes if adult is not None else _again(turn, obligation)
    rung = turn.protocol.day_rung(obligation)
    turn.decide(TaskMoved(at=turn.now, task=obligation.id, due_at=turn.now + wait * MINUTE, rung=rung or 1))
    to = To(kind="person", id=adult) if adult is not None else To(kind="duty", id=task.owner_role)
    text = f"T_{obligation.id}"
    turn.tell(to, text, {}, via="both" if rung else "quiet", question=text, alert=rung)


def _again(turn: Turn, obligation: Obligation) -> int:
    """Minutes until it is asked again; once the child is back nobody need be woken for it."""
    daily = turn.protocol.timers.day_task_minutes if turn.case.returned else 0
    return max(obligation.again_minutes, daily)


def _nearest(turn: Turn, obligation: Obligation, task: Task) -> str | None:
    """The member of staff who works the case, once, where a button answers: by text a digit might answer another question."""
    if not obligation.asks_reporter or task.asked:
        return None
    adult = turn.worker()
    return adult.person if adult is not None and adult.side is Side.STAFF and adult.channel == "telegram" else None


def _owner(case: Case, obligation: Obligation) -> str:
    return "coordinator" if case.child.at_home else obligation.owner


# ---- what was done -------------------------------------------------------------------------------


def _heard(turn: Turn) -> None:
    match turn.news:
        case CheckAnswered() as news:
            for obligation in turn.protocol.heard.get(news.check, ()):
                if news.check == f"T_{obligation.id}":
                    _end(turn, obligation, next(iter(news.values), "done"))
                elif obligation.done_by in [f"{news.check}.{value}" for value in news.values]:
                    end_task(turn, obligation.id, "done")
        case TaskDone() as news:
            for obligation in turn.protocol.obligations:
                if obligation.id == news.task:
                    _end(turn, obligation, news.outcome)
        case PoliceLogged():
            _wait_no_longer(turn)  # a number is on file: what could wait for it is asked now


def _end(turn: Turn, obligation: Obligation, outcome: str) -> None:
    """It was done, or somebody has the letter of a day in hand: that letter needs no other answer, the others do."""
    end_task(turn, obligation.id, outcome)
    day = turn.protocol.day_rung(obligation)
    if day is not None:
        turn.effects.append(MarkAlerts(state="taken", by=turn.news.by, rungs=(day, day)))

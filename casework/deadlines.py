"""When a case must be looked at again: every deadline follows from the case as it stands, none is armed by hand.

Keys are the kinds of the contract, with `:detail` where several of a kind live. An open case always has at least one; the
schema refuses one without.
"""

from datetime import datetime, timedelta

from casework import aftercare, conditions, limits, obligations, silence, watch
from casework.case import Case
from casework.flags import NIGHTFALL, medicine_flag_at, nightfall
from casework.levels import Level, Located, Status
from casework.limits import MINUTE
from casework.protocol import Protocol
from casework.risk import unsure_due

HOUR = timedelta(hours=1)


def armed(case: Case, protocol: Protocol) -> dict[str, datetime]:
    """Every live deadline of this case, UTC. Empty for a closed case alone."""
    if case.status is Status.CLOSED:
        return {}
    times: dict[str, datetime | None] = {"answer": silence.due(case, protocol)}
    if case.status is Status.WATCHING:
        if case.silent_since is None:
            times["watch"] = watch.asks_at(case, protocol)
    elif case.status is Status.RETURNED:
        times |= _after_return(case, protocol)
    else:
        times |= _while_out(case, protocol)
    return {kind: at for kind, at in times.items() if at is not None}


def _while_out(case: Case, protocol: Protocol) -> dict[str, datetime | None]:
    times: dict[str, datetime | None] = {
        "checks": _checks(case, protocol),
        "review": case.review_at,
        "limit": _limit(case, protocol),
        "rung": case.alert.next_at if case.alert.taken_by is None else None,
        "lapse": case.alert.taken_until if case.alert.taken_by is not None else None,
        "reference": case.police.chase_at,
    }
    if case.a01_since is not None and case.level < Level.MEDIUM:
        times["limit:a01"] = case.a01_since + protocol.timers.away.decision * MINUTE
    if case.child.medicine_due_at is not None and not case.fired("R03"):
        times["limit:medicine"] = medicine_flag_at(case, protocol)
    times[NIGHTFALL] = nightfall(case, protocol)
    for unsure in case.unsure:
        if not unsure.settled:
            times[f"unsure:{unsure.check}"] = unsure_due(unsure, protocol)
    police = case.police
    if police.declined_review_at is not None and not police.declined_reviewed:
        times["review:police"] = police.declined_review_at
    for task in case.tasks:
        if task.done_at is None:
            times["claim" if task.task == aftercare.CALLBACK else f"task:{task.task}"] = task.due_at
    if case.missing_at is not None:
        day = next((obligation for obligation in protocol.days if not obligations.opened(case, obligation)), None)
        if day is not None:
            times[f"task:{day.id}"] = case.first_t0 + day.after_hours * HOUR
    return times


def _checks(case: Case, protocol: Protocol) -> datetime | None:
    """M03's moment, while the absence is not a police matter already."""
    if case.missing_at is not None or case.fired("M03") or not case.unlocated:
        return None
    return conditions.checks_due(case, protocol)


def _limit(case: Case, protocol: Protocol) -> datetime | None:
    if case.unlocated:
        return None if case.fired("M02") else limits.limit(case, protocol)
    if case.located is Located.SAFE and case.a01_since is None and case.missing_at is None:
        return limits.away_limit(case, protocol)
    return None


def _after_return(case: Case, protocol: Protocol) -> dict[str, datetime | None]:
    times: dict[str, datetime | None] = {"wellbeing": aftercare.wellbeing_due(case, protocol)}
    if not aftercare.interview_settled(case, protocol):
        times["interview"] = case.back.interview_next
    for task in case.tasks:
        if task.done_at is None:
            times[f"task:{task.task}"] = task.due_at
    return times


def severity(case: Case) -> int:
    """How much this case matters beside others that are due: level first, then 999 before 101, then open before returned."""
    if case.returned:
        return 0
    return int(case.level) * 10 + case.route.strictness + 1

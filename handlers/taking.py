"""Taking an alert by text or by telephone: one door for both, behind whatever proved who it is.

Digits of the very alert prove it by text, the own PIN on the telephone. Either is a code over a number, which may be
forged, and no more: it takes an alert and never lowers, confirms or ends anything.
"""

from collections.abc import Awaitable, Callable, Mapping

from casework.case import Case
from casework.effects import Field
from casework.events import AlertAcknowledged, News
from casework.levels import Trust
from casework.step import Step
from storage.desk import Desk

Record = Callable[[Case, News], Awaitable[Step]]
THEIRS, AGAIN, MORE, LATE = "theirs", "again", "more", "late"


async def take(desk: Desk, record: Record, case: Case, person: str, channel: str) -> tuple[str, Mapping[str, Field]]:
    """Take the alert for this person. Returns what became of it, with the fields of the answer: theirs, or theirs before,
    until when (`by`); noted, and one more must answer; or late, since when (`at`) somebody else has it."""
    if case.alert.taken_by not in (None, person):
        return LATE, {"at": case.alert.taken_at}
    rung = await highest(desk, case, person)
    step = await record(case, AlertAcknowledged(at=desk.now, by=person, channel=channel, trust=Trust.CODE, rung=rung))
    return became(case, step.case, person), {"by": step.case.alert.taken_until}


async def highest(desk: Desk, case: Case, person: str) -> int | None:
    """The highest rung of the alerts of this case that wait in this person's hands."""
    alerts = await desk.alerts_for(case.case_id, person)
    return max((alert.rung for alert in alerts if alert.state == "live"), default=None)


def became(before: Case, after: Case, person: str) -> str:
    """What an acknowledgement of this person led to."""
    if after.alert.taken_by != person:
        return MORE
    return AGAIN if before.alert.taken_by == person else THEIRS

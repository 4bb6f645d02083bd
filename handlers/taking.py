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


async def take(desk: Desk, record: Record, case: Case, person: str, channel: str) -> tuple[bool, Mapping[str, Field]]:
    """Take the alert for this person; False where somebody else has it. With it come the fields of the answer: until when
    (`by`) it is theirs, or since when (`at`) it was taken."""
    alert = case.alert
    if alert.taken_by not in (None, person):
        return False, {"at": alert.taken_at}
    news = AlertAcknowledged(at=desk.now, by=person, channel=channel, trust=Trust.CODE)
    step = await record(case, news)
    return True, {"by": step.case.alert.taken_until}

"""Taking an alert by text or by telephone: one door for both, behind whatever proved who it is.

Digits of the very alert prove it by text, the own PIN on the telephone. Either is a code over a number, which may be
forged, and no more: it takes an alert and never lowers, confirms or ends anything.
"""

from collections.abc import Awaitable, Callable, Mapping

from casework.case import Case
from casework.effects import Field
from casework.events import AlertAcknowledged, News, TaskDone
from casework.levels import Trust
from casework.step import Step
from storage.desk import Desk

Record = Callable[[Case, News], Awaitable[Step]]
THEIRS, AGAIN, MORE, LATE, DAY, BACK = "theirs", "again", "more", "late", "day", "back"


async def take(
    desk: Desk, record: Record, case: Case, person: str, channel: str, day: str | None
) -> tuple[str, Mapping[str, Field]]:
    """Take the alert for this person, or on the letter of a day that step alone. Returns what became of it, with the fields
    of the answer: theirs, or theirs before, until when (`by`); noted, and one more must answer; the day's step is theirs; the
    child is back, and how it is they look after; or late, since when (`at`) somebody else has it and nothing waits in their
    own hands."""
    if day is not None:
        await record(case, taken_on(desk, person, channel, day))
        return DAY, {}
    rung = await highest(desk, case, person)
    if case.alert.taken_by not in (None, person) and rung is None:
        return LATE, {"at": case.alert.taken_at}
    step = await record(case, AlertAcknowledged(at=desk.now, by=person, channel=channel, trust=Trust.CODE, rung=rung))
    return became(case, step.case, person), {"by": step.case.alert.taken_until}


def taken_on(desk: Desk, person: str, channel: str, day: str) -> TaskDone:
    """A named person has the step of a day in hand; the alert of the case stays as it is."""
    return TaskDone(at=desk.now, by=person, channel=channel, task=day, outcome="acknowledged")


def day_of(desk: Desk, case: Case, text: str) -> str | None:
    """The step of a day that this letter asks for; None for any other letter, and where it needs a date (E12)."""
    return next((d.id for d in desk.protocol(case).days if text == f"T_{d.id}" and not d.wants_date), None)


async def day_in_hand(desk: Desk, case: Case, person: str) -> str | None:
    """The step of the newest letter of a day in this person's hands. Digits and a typed ACK are those of all their letters:
    they answer the chain's own first, and a day's where none of those waits."""
    protocol = desk.protocol(case)
    live = await _live(desk, case, person)
    if any(rung <= protocol.last_rung for rung in live):
        return None
    days = {protocol.day_rung(day): day.id for day in protocol.days if not day.wants_date}
    return next((days[rung] for rung in live if rung in days), None)


async def highest(desk: Desk, case: Case, person: str) -> int | None:
    """The highest rung of the chain whose alerts of this case wait in this person's hands."""
    last = desk.protocol(case).last_rung
    return max((rung for rung in await _live(desk, case, person) if rung <= last), default=None)


async def _live(desk: Desk, case: Case, person: str) -> list[int]:
    return [alert.rung for alert in await desk.alerts_for(case.case_id, person) if alert.state == "live"]


def became(before: Case, after: Case, person: str) -> str:
    """What an acknowledgement of this person led to; `back`: the child is, and how the child is was what to look after."""
    if after.returned:
        return BACK
    if after.alert.taken_by != person:
        return MORE
    return AGAIN if before.alert.taken_by == person else THEIRS

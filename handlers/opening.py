"""How a door opens a case or a watch, and sets its clock: news made from a child, a person and a time."""

from datetime import datetime

from casework.case import Case
from casework.events import AbsenceReported, CheckAnswered, ReporterJoined, WatchSet
from casework.reading import ReadTime
from handlers.inbox import Voice, kept_apart, side_of
from storage.desk import Desk
from storage.directory import Person


async def open_case(
    desk: Desk, child_id: str, person: Person, voice: Voice, time: ReadTime | None, *, askable: bool = True,
    words: str = "",
) -> Case:  # fmt: skip
    """Open the case of a child, or join the one that is open. Without a time the clock starts now and the first check
    asks for it; a due time a little ahead counts as now. Raises NotAllowed for an unknown child."""
    opening = await desk.opening(child_id)
    kept = await desk.keep(words, child_id=child_id, case_id=opening.case_id) if words.strip() else None
    case_id = await desk.open(
        AbsenceReported(
            at=desk.now, by=voice.by, channel=voice.channel, trust=voice.trust, case_id=opening.case_id,
            code=opening.code, organisation=opening.organisation, home=opening.home, child=opening.child,
            protocol=opening.protocol, t0=desk.now if time is None else min(time.instant, desk.now),
            t0_kind="reported" if time is None else time.kind, opened_at=desk.now,
            side=side_of(person, opening.home), reporter=voice.by, reporter_channel=voice.channel, askable=askable,
            words=kept,
        )
    )  # fmt: skip
    case = await desk.case(case_id)
    assert case is not None, "a case that was just opened exists"
    return case


async def set_clock(desk: Desk, case: Case, person: Person, voice: Voice, time: ReadTime, words: str) -> None:
    """Take the time of C00: the clock of a case that opened without one starts there; the earliest time stands."""
    kept = await kept_apart(desk, case, words)
    await desk.record(
        case.case_id,
        CheckAnswered(at=desk.now, by=voice.by, channel=voice.channel, trust=voice.trust, check="C00",
                      values=(time.kind,), instant=min(time.instant, desk.now), words=kept),
    )  # fmt: skip
    await desk.record(
        case.case_id,
        ReporterJoined(at=desk.now, by=voice.by, channel=voice.channel, trust=voice.trust,
                       side=side_of(person, case.home), t0=min(time.instant, desk.now)),
    )  # fmt: skip


async def set_watch(desk: Desk, child_id: str, person: Person, voice: Voice, due_at: datetime) -> Case:
    """Ask by itself whether the child is back at `due_at` plus grace; a child with an open case keeps it."""
    opening = await desk.opening(child_id)
    case_id = await desk.open(
        WatchSet(
            at=desk.now, by=voice.by, channel=voice.channel, trust=voice.trust, case_id=opening.case_id,
            code=opening.code, organisation=opening.organisation, home=opening.home, child=opening.child,
            protocol=opening.protocol, due_at=due_at, side=side_of(person, opening.home),
        )
    )  # fmt: skip
    case = await desk.case(case_id)
    assert case is not None, "a watch that was just set exists"
    return case

"""Knows how a duty passes from one person to the next: who is asked, who is reminded, who hears that they were relieved.

Nothing here takes anybody off duty: that follows from who has taken over (`casework.duty`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.duty import EARLY, LOOK_BACK
from casework.effects import Field
from casework.levels import Status
from casework.rota import TICK, Plan, Span
from storage import handovers, notices, rota, shifts
from storage.database import Tx
from storage.desk import Desk
from storage.directory import Directory
from storage.handovers import HandOver
from storage.people import Person
from storage.shifts import Scope

CODES_SHOWN = 4  # more do not fit one text
REMINDED_AFTER = (timedelta(minutes=15), timedelta(minutes=60))  # then the others hear, then who answers for the rota


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Somebody comes on, or came on and was not asked yet."""

    organisation: str
    role: str
    home: str
    person: str
    span: Span


# ---- who comes on ----------------------------------------------------------------------------------------


async def comings(tx: Tx, now: datetime, scopes: Iterable[Scope]) -> list[Coming]:
    """Everybody who is on duty by a shift of these rotas, or will be within half an hour, and was not asked to take over."""
    found: list[Coming] = []
    asked = await handovers.begun(tx, now)
    for of, home, role in scopes:
        its_rota = await shifts.rota(tx, of, home, now)
        known = {person.person_id: person for person in await Directory(tx).persons(sorted(its_rota.people))}
        out = {i for i in its_rota.people if i not in known or not (known[i].active and known[i].reachable)}
        plan = Plan(its_rota.of(role), now - LOOK_BACK, now + EARLY + TICK, out)
        for person, span in plan.comings():
            new = not {(of, role, place, person, span.begins) for place in ("", home)} & asked
            if new and _still_on(plan, person, span, now):
                asked.add((of, role, home, person, span.begins))
                found.append(Coming(organisation=of, role=role, home=home, person=person, span=span))
    return found


def _still_on(plan: Plan, person: str, span: Span, now: datetime) -> bool:
    return span.begins > now or (span.ends > now and plan.came(person, now) == span.begins)


async def ask(desk: Desk, coming: Coming) -> None:
    """Ask somebody to take over; until they do, alerts also go to whoever had the duty before."""
    until = await _until(desk, coming)
    digits = desk.chance.digits(4)
    handover_id = await handovers.ask(
        desk.tx,
        coming.organisation,
        coming.role,
        coming.home,
        coming.person,
        coming.span.begins,
        until,
        digits,
        desk.now,
    )
    person = await desk.directory.person(coming.person)
    if handover_id is None or person is None:
        return
    await notices.tell(
        desk, [person], "C_DUTY", {"at": coming.span.begins, "until": until, "digits": digits}, role=coming.role,
        home=coming.home, button=("TAKEOVER", "takeover", handover_id),
    )  # fmt: skip


async def _until(desk: Desk, coming: Coming) -> datetime:
    """When a duty ends again, looked for over a week."""
    its_rota = await shifts.rota(desk.tx, coming.organisation, coming.home, desk.now)
    plan = Plan(its_rota.of(coming.role), desk.now - LOOK_BACK, desk.now + LOOK_BACK)
    ends = [
        span.ends for person, span in plan.comings() if (person, span.begins) == (coming.person, coming.span.begins)
    ]
    return ends[0] if ends else coming.span.ends


# ---- who does not answer ---------------------------------------------------------------------------------


def late(waiting: Sequence[HandOver], now: datetime) -> list[HandOver]:
    """Those of whom somebody must be reminded now."""
    return [
        each for each in waiting
        if each.reminders < len(REMINDED_AFTER)
        and max(each.begins_at, each.asked_at) + REMINDED_AFTER[each.reminders] <= now
    ]  # fmt: skip


async def remind(desk: Desk, each: HandOver) -> None:
    """The first time the next person and those who still have the duty; the second time whoever answers for the rota."""
    await handovers.remind(desk.tx, each.handover_id)
    person = await desk.directory.person(each.person)
    if person is None or not person.active:
        return
    if each.reminders:
        fields: dict[str, Field] = {"name": person.name, "at": each.begins_at}
        await notices.tell(desk, await keepers(desk, each.organisation, each.home), "C_NOTTAKEN", fields, role=each.role,
                           home=each.home)  # fmt: skip
        return
    await notices.tell(
        desk, [person], "C_DUTY", {"at": each.begins_at, "until": each.until_at, "digits": each.digits}, role=each.role,
        home=each.home, button=("TAKEOVER", "takeover", each.handover_id),
    )  # fmt: skip
    held = await _held(desk, each)
    others = [other for other in held if other.person_id != each.person]
    await notices.tell(desk, others, "C_HELD", {"name": person.name}, role=each.role, home=each.home)


async def keepers(desk: Desk, organisation: str, home: str) -> list[Person]:
    """Who answers for a rota: the home's managers; that of every home, the co-ordinators on duty and the owner."""
    roles = ["manager"] if home else ["coordinator", "owner"]
    return [p for role in roles for p in await desk.directory.on_duty(organisation, role, home, desk.now)]


# ---- who takes over --------------------------------------------------------------------------------------


async def take_over(desk: Desk, person: Person, handover_id: str | None = None) -> list[HandOver]:
    """Note that somebody has their duty now: one of those they were asked about, or all; returns which.

    Also where they were not asked yet. Who is relieved by it hears so.
    """
    own = await shifts.scopes(desk.tx, desk.now, organisation=person.organisation, person=person.person_id)
    for coming in await comings(desk.tx, desk.now, own):
        if coming.person == person.person_id:
            await handovers.ask(
                desk.tx, coming.organisation, coming.role, coming.home, coming.person, coming.span.begins,
                await _until(desk, coming), desk.chance.digits(4), desk.now,
            )  # fmt: skip
    waiting = await handovers.waiting(desk.tx, desk.now, person.person_id)
    taken = []
    for each in waiting:
        if handover_id in (None, each.handover_id) and each.begins_at - EARLY <= desk.now:
            before = await _held(desk, each)
            await handovers.accept(desk.tx, each.handover_id, desk.now)
            after = {held.person_id for held in await _held(desk, each)}
            relieved = [held for held in before if held.person_id not in after]
            fields: dict[str, Field] = {"name": person.name, "at": desk.now}
            await notices.tell(desk, relieved, "C_RELIEVED", fields, role=each.role, home=each.home)
            taken.append(each)
    return taken


async def take_over_by_digits(desk: Desk, person: Person, digits: str) -> list[HandOver]:
    """The same by the digits that one letter to them carried; none where they are not theirs."""
    waiting = await handovers.waiting(desk.tx, desk.now, person.person_id)
    mine = next((each for each in waiting if each.digits == digits), None)
    return [] if mine is None else await take_over(desk, person, mine.handover_id)


async def thanks(desk: Desk, each: HandOver) -> tuple[str, dict[str, Field]]:
    """What somebody who took over is told: until when it is theirs, and which children are out (HZ29)."""
    fields: dict[str, Field] = {"role": each.role, "home": each.home, "until": each.until_at}
    cases = await desk.open_cases(organisation=each.organisation, home=each.home or None)
    codes = [case.code for case in cases if not case.returned and case.status is not Status.WATCHING]
    if not codes:
        return "N_DUTY", fields
    more = len(codes) - CODES_SHOWN
    return "N_DUTYOPEN", {**fields, "list": ", ".join(codes[:CODES_SHOWN]) + (f" +{more}" if more > 0 else "")}


async def _held(desk: Desk, each: HandOver) -> tuple[Person, ...]:
    at = max(desk.now, each.begins_at)
    return (await rota.on_duty(desk.directory, each.organisation, each.role, each.home, at)).people

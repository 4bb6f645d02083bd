"""Knows how the monthly contact test goes: everybody on call is asked whether they can be reached, reminded a day later, and
named after two days where they did not answer.

It begins on a working day at ten, a month after the last one. A new house counts its first month from the day on which it
knows somebody.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from casework.limits import LONDON
from storage import contacts, notices
from storage.contacts import OPEN_FOR, Asked
from storage.database import Tx
from storage.desk import Desk
from storage.people import Person

A_MONTH = timedelta(days=30)
REMINDED_AFTER = timedelta(hours=24)
ASKED_AT = range(10, 16)  # hours of the wall clock, Monday to Friday


async def due(tx: Tx, organisation: str, now: datetime) -> bool:
    """Whether `work` has anything to do."""
    began = await contacts.begun(tx, organisation)
    if began is None or _may_begin(began, now):
        return True
    asked = await contacts.last_round(tx, organisation)
    return bool(_to_remind(asked, now) or _to_name(asked, now))


async def work(desk: Desk, organisation: str) -> None:
    """Begin to count, begin a round, remind, or name: whatever is due."""
    began = await contacts.begun(desk.tx, organisation)
    if began is None:
        await contacts.begin(desk.tx, organisation, desk.now)
        return
    if _may_begin(began, desk.now):
        await begin(desk, organisation)
        return
    asked = await contacts.last_round(desk.tx, organisation)
    for test in _to_remind(asked, desk.now):
        await contacts.note(desk.tx, test, "reminded", desk.now)
        await _ask(desk, test.person, test.digits)
    silent = _to_name(asked, desk.now)
    if silent:
        await _name(desk, organisation, silent)


async def begin(desk: Desk, organisation: str) -> int:
    """Ask everybody on call, by every channel, whether they can be reached; returns how many that are."""
    await contacts.begin(desk.tx, organisation, desk.now)
    people = [p for p in await desk.directory.people(organisation) if p.active and p.on_call]
    for person in people:
        digits = desk.chance.digits(4)
        await contacts.ask(desk.tx, organisation, person.person_id, digits, desk.now)
        await _ask(desk, person.person_id, digits)
    return len(people)


async def answered(desk: Desk, person: Person, channel: str, digits: str | None = None) -> bool:
    """Note that somebody answered the test, with its digits where it was typed; False where they were asked nothing."""
    test = await contacts.of_person(desk.tx, person.person_id)
    if test is None or digits not in (None, test.digits):
        return False
    await contacts.answer(desk.tx, test, channel, desk.now)
    return True


async def _ask(desk: Desk, person_id: str, digits: str) -> None:
    people = await desk.directory.persons([person_id])
    button = ("REACHED", "reached", "")
    await notices.tell(desk, people, "C_CONTACT", {"digits": digits}, button=button, everywhere=True)


async def _name(desk: Desk, organisation: str, silent: Sequence[Asked]) -> None:
    """Name those who did not answer: to the co-ordinators on duty and the owner, and to each manager those of their home."""
    directory = desk.directory
    people = [p for p in await directory.persons([test.person for test in silent]) if p.active]
    for test in silent:
        await contacts.note(desk.tx, test, "told", desk.now)
    told = dict[str, tuple[Person, set[str]]]()
    for role in ("coordinator", "owner"):
        for keeper in await directory.on_duty(organisation, role, "", desk.now):
            told.setdefault(keeper.person_id, (keeper, set()))[1].update(p.person_id for p in people)
    for person in people:
        for home in person.homes:
            for keeper in await directory.on_duty(organisation, "manager", home, desk.now):
                told.setdefault(keeper.person_id, (keeper, set()))[1].add(person.person_id)
    for keeper, ids in told.values():
        names = [p.name for p in people if p.person_id in ids]
        if names:
            await notices.tell(desk, [keeper], "C_SILENT", {"name": ", ".join(names), "count": len(names)})


def _may_begin(began: datetime, now: datetime) -> bool:
    there = now.astimezone(LONDON)
    return now - began >= A_MONTH and there.isoweekday() <= 5 and there.hour in ASKED_AT


def _to_remind(asked: Sequence[Asked], now: datetime) -> list[Asked]:
    return [
        test for test in asked
        if test.answered_at is None and test.reminded_at is None
        and test.asked_at + REMINDED_AFTER <= now < test.asked_at + OPEN_FOR
    ]  # fmt: skip


def _to_name(asked: Sequence[Asked], now: datetime) -> list[Asked]:
    return [t for t in asked if t.answered_at is None and t.told_at is None and t.asked_at + OPEN_FOR <= now]

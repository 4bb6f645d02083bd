"""Whose child a text is about that opens a case, and how it opens: for who may not be asked, without a question."""

from collections.abc import Sequence
from datetime import timedelta

from casework import speech
from casework.effects import Tell, To
from casework.levels import Side
from casework.plain import tokens
from casework.reading import ReadTime
from casework.wording import render
from handlers.inbox import side_of
from handlers.opening import open_case
from handlers.texter import Concern, Texter
from storage import outbox
from storage.addressees import askable
from storage.chance import time_id
from storage.directory import ChildRow, Person
from storage.outbox import Letter

PICKED_WITHIN = timedelta(minutes=5)


async def children(texter: Texter) -> list[tuple[Person, ChildRow]]:
    """The children that a number may report: a parent's own; those of the own homes for staff and managers."""
    found: dict[str, tuple[Person, ChildRow]] = {}
    for person in texter.people:
        for child_id in person.parent_of:
            child = await texter.desk.directory.child(child_id)
            if child is not None:
                found[child.id] = (person, child)
        for home in person.homes:
            for child in await texter.desk.directory.children_of(home):
                found.setdefault(child.id, (person, child))
    return list(found.values())


async def meant(texter: Texter, said: str) -> list[tuple[Person, ChildRow]]:
    """Those of them that the words name by code or were picked; all of them where none is named."""
    known = await children(texter)
    picked = [(p, c) for p, c in known if texter.names(await texter.initial_of(c.id), c.id)]
    words = set(tokens(said))
    named = [(p, c) for p, c in known if c.id.casefold() in words]
    return picked or named or known


async def open_for(texter: Texter, person: Person, child_id: str, time: ReadTime | None) -> tuple[Concern, bool]:
    """Open the case of a child, or join the one that is open; returns it, and whether this person reported it before.

    A parent who is not verified and open is never asked: the case opens all the same, and a person is told at once.
    """
    before = await texter.desk.open_cases(child=child_id)
    known = any(c.reporter(person.person_id) is not None for c in before)
    child = await texter.desk.directory.child(child_id)
    works = child is not None and side_of(person, child.home) is Side.STAFF
    case = await open_case(
        texter.desk, child_id, person, texter.voice(person), time, askable=works or askable(person), words=texter.words
    )
    return Concern(person, case), known


async def ask_when(texter: Texter, concern: Concern) -> None:
    """C00, for staff whose text named no time: the clock runs from their text meanwhile. It goes a minute after the
    question of danger, and waits for a time alone, so that digits answer the checks."""
    case = concern.case
    if concern.staff and case.t0_kind == "reported" and case.missing_at is None:
        to = To(kind="person", id=concern.person.person_id)
        await texter.desk.tell(case, Tell(to=to, text="C00", not_before=texter.desk.now + speech.HELD_BACK))


async def alarms(texter: Texter, children: Sequence[str]) -> list[str]:
    """Letters to the co-ordinators on duty that go in five minutes, unless it is said which child is missing by then:
    somebody who was asked and does not answer must not be alone with it. Returns their ids."""
    desk, written = texter.desk, []
    for organisation in sorted({person.organisation for person in texter.people}):
        for person in await desk.directory.on_duty(organisation, "coordinator", "", desk.now):
            for channel, address in (("telegram", person.telegram_id), ("sms", person.mobile)):
                if address is not None:
                    letter = _alarm(texter, person, channel, str(address), ", ".join(children))
                    await outbox.enqueue(desk.tx, letter, desk.now)
                    written.append(letter.id)
    return written


def _alarm(texter: Texter, person: Person, channel: str, address: str, children: str) -> Letter:
    desk, book = texter.desk, texter.doors.book(person.language)
    body = render(
        book, "X_WHICH", channel=channel, code="", who="", now=desk.now, fields={"list": children},
        drill=texter.doors.casebook.parts.drill,
    )  # fmt: skip
    return Letter(
        id=time_id("letter", desk.now, desk.chance), case_id=None, person=person.person_id, channel=channel,
        address=address, text="X_WHICH", body=body, keyboard=(), kind="notice", urgency=speech.rank("C_ALERT"),
        edit=None, protect=True, document=None, case_card=False, due_at=desk.now + PICKED_WITHIN, expires_at=None,
        tries=0,
    )  # fmt: skip

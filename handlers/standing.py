"""Where the alert of a case stands, for whoever waits: who was told and how far it came with each, who took it, whether they
acted, when the next word comes. Names are for bound staff and people on call; a parent reads "the on-call lead"."""

from casework import wording
from casework.case import Case
from casework.effects import Field
from handlers.talk import Talk
from storage import reach
from storage.reach import Reached


async def show(talk: Talk, case: Case) -> None:
    """Say it, where an alert runs or was taken. Whoever was alerted and asks has seen it."""
    await reach.saw(talk.desk.tx, case.case_id, talk.person.person_id, talk.now)
    alert = case.alert
    if case.returned or not (alert.rung or alert.taken_by):
        return
    named = await talk.works(case)
    text = ("alert_taken" if alert.taken_by else "alert_open") + ("" if named else "_parent")
    fields: dict[str, Field] = {"at": alert.taken_at, "by": alert.taken_until, "next": alert.next_at}
    if named:
        fields |= {"name": await _name(talk, alert.taken_by or ""), "acted": _acted(talk, case)}
        told = [await _told(talk, each) for each in await reach.of_case(talk.desk.tx, case.case_id)]
        fields["told"] = tuple(told)
    await talk.say(text, fields, case=case)


async def _name(talk: Talk, person_id: str) -> str:
    person = await talk.desk.directory.person(person_id)
    return person_id if person is None else person.name


async def _told(talk: Talk, each: Reached) -> str:
    at = "" if each.at is None else f" {wording.local(talk.book, each.at, talk.now)}"
    return f"{await _name(talk, each.person)} ({talk.book.phrase[f'reach_{each.how}']}{at})"


def _acted(talk: Talk, case: Case) -> str:
    acted = case.alert.acted_at
    phrase = talk.book.phrase["acted" if acted is not None else "acted_not"]
    return phrase if acted is None else f"{phrase} {wording.local(talk.book, acted, talk.now)}"

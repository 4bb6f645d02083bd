"""What follows when somebody speaks who was cut off: nothing is done for them, and who answers for their home hears of it.

They may have been cut off by mistake, may use an old phone to pry (T4), or may know of a child in danger: a person has to
look. Who hammers at the door wakes nobody each time; words of danger are told sooner, and to the co-ordinator too.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from casework import reading
from casework.wording import Phrasebook
from storage.desk import Desk
from storage.directory import Person

TOLD_EVERY, DANGER_EVERY = timedelta(hours=12), timedelta(hours=1)
_log = structlog.get_logger(__name__)


async def tried(desk: Desk, leavers: Sequence[Person], words: str, book: Phrasebook) -> None:
    """Tell the people who answer for these leavers that they tried, once in a while. `words`: what they wrote, if any."""
    danger = bool(reading.worry(words, book))
    for leaver in leavers:
        _log.warning("somebody who was cut off tried to get in", person=leaver.person_id)
        if await desk.directory.knocks(leaver.person_id, desk.now, DANGER_EVERY if danger else TOLD_EVERY):
            await _tell(desk, leaver, await _who_answers(desk, leaver, danger=danger))


async def _who_answers(desk: Desk, leaver: Person, *, danger: bool) -> list[Person]:
    """The managers of their homes, or of the homes of their children; the co-ordinators where there is none, or danger."""
    children = [await desk.directory.child(child) for child in leaver.parent_of]
    homes = [*leaver.homes, *(child.home for child in children if child is not None)]
    roles = [("manager", home) for home in homes]
    if danger or not homes:
        roles.append(("coordinator", ""))
    found = [p for role, home in roles for p in await desk.directory.on_duty(leaver.organisation, role, home, desk.now)]
    return list({person.person_id: person for person in found}.values())


async def _tell(desk: Desk, leaver: Person, people: Sequence[Person]) -> None:
    if not people:
        _log.critical("nobody hears of it", person=leaver.person_id)
    staff = not leaver.parent_of
    fields = {"list": _what(leaver), "name": leaver.name if staff else None}  # a parent's name leaves by no channel
    for person in people:
        for channel, address in (("telegram", person.telegram_id), ("sms", person.mobile)):
            if address is not None:
                await desk.say(
                    person=person.person_id, channel=channel, address=str(address), text="X_LEAVER", fields=fields,
                    book=person.language,
                )  # fmt: skip


def _what(leaver: Person) -> str:
    """What they were, in codes alone."""
    if leaver.parent_of:
        return f"A parent of {', '.join(leaver.parent_of)}"
    return f"Staff of {', '.join(leaver.homes)}" if leaver.homes else "Somebody on call"

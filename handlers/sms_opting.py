"""STOP and START, which the phone network keeps for itself: whoever texts STOP gets no text of ours until they text START.

It silences nobody's case. A parent is rung by a person at once, whoever is on call by the house, and the case goes on.
"""

from casework.commands import Command
from casework.events import ContactUnreachable
from casework.levels import Trust
from handlers import sms_answers
from handlers.texter import Texter
from storage import contacts, dying


async def stop(texter: Texter, command: Command) -> bool:
    """They opted out of our texts: nothing is texted back, and people hear of it (B092)."""
    for owner in texter.people:
        await dying.note(
            texter.desk, person=owner.person_id, channel="sms", address=texter.number, fault=contacts.OPTED_OUT
        )
    for concern in await texter.concerns():
        person = concern.person.person_id
        if not concern.staff and person not in concern.case.unreachable:
            lost = ContactUnreachable(at=texter.desk.now, by=person, channel="sms", trust=Trust.NONE, person=person)
            await texter.record(concern.case, lost)
    return True


async def start(texter: Texter, command: Command) -> bool:
    """Our texts reach them again (B093), and so does the question that waits for them."""
    back = [person for person in texter.people if "sms" in person.dead]
    for person in back:
        await dying.spoke(texter.desk, person, "sms", opts_in=True)
    await texter.reply("N_STOPPED")
    for concern in await texter.concerns() if back else ():
        prompt = concern.case.last_prompt(concern.person.person_id, texter.desk.now)
        protocol = texter.doors.protocol(concern.case)
        if prompt is not None and concern.trusted and protocol.has(prompt.check):
            await sms_answers.ask_again(texter, concern, protocol.find(prompt.check))
    return True

"""Knows by which other way the same words go, where one way does not deliver them.

A person is written to on Telegram and by text; whom neither reaches is rung, and where nothing else is left, mailed. What
another way carries already is not said twice, and nothing goes back to an address at which nothing arrives.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from casework import wording
from storage import held_up, outbox
from storage.chance import time_id
from storage.desk import Desk
from storage.endpoints import WHATSAPP, plain
from storage.outbox import Letter
from storage.people import Person

WAYS = ("telegram", "sms", "voice", "email")  # best first
NOWHERE = "nowhere"  # in place of a way: none is left
BY_NUMBER = "/number"  # how a cause says that what went by WhatsApp goes to the number itself


async def onward(desk: Desk, letter: Letter, *, out: Collection[str] = (), since: datetime | None = None) -> str | None:
    """Send the same words by the person's next way; returns which, NOWHERE where none is left, None where they need none:
    another carries them, or they are for this one alone.

    `out`: ways that are down just now, and come last. `since`: when the words were first to go, so that a way which turns
    out to be down, too, is passed by as soon. Names go by no other way.
    """
    person = None if letter.person is None else await desk.directory.person(letter.person)
    if person is None or not person.active or not letter.body:
        return None
    if letter.address.startswith(WHATSAPP):  # what WhatsApp does not deliver goes to the number itself, whatever it is
        twin = replace(letter, cause=f"{letter.cause}{BY_NUMBER}")
        return None if await outbox.carried(desk.tx, twin, "sms") else await _send(desk, twin, person, "sms", since)
    if letter.kind == "reply" or f"{letter.text}_NAME" in desk.book(person.language).text:
        return None
    carried = await held_up.ways_of(desk.tx, letter)
    for way in sorted(WAYS, key=lambda way: way in out):  # one that seems to be down is better than none
        if way == letter.channel or not leads(desk, person, way, letter.kind) or carried.get(way) is False:
            continue
        return None if carried.get(way) else await _send(desk, letter, person, way, since)
    return NOWHERE


def leads(desk: Desk, person: Person, way: str, kind: str) -> bool:
    """Whether this way leads to the person and can carry this kind of letter: a telephone rings for alerts alone."""
    if way in person.dead or person.address(way) is None:
        return False
    return way in ("telegram", "sms") or (way in desk.ways and (way != "voice" or kind == "alert"))


async def _send(desk: Desk, letter: Letter, person: Person, way: str, since: datetime | None) -> str:
    """What was tried goes now; what was to go later goes then, so that two texts of one case still stand apart."""
    address = plain(letter.address) if letter.address.startswith(WHATSAPP) else person.address(way)
    body = letter.body if way == "telegram" else await desk.by_sms(letter, person.language)
    twin = replace(
        letter, id=time_id("letter", desk.now, desk.chance), channel=way, address=str(address), edit=None, keyboard=(),
        body=wording.spoken(body) if way == "voice" else body, case_card=False,
        due_at=desk.now if letter.tries else max(desk.now, letter.due_at), tries=0, doubt_since=None,
    )  # fmt: skip
    await outbox.enqueue(desk.tx, twin, since or desk.now)
    return way

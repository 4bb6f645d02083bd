"""By which other way do the same words go, where one way does not deliver them?

A person is written to on Telegram and by text; whom neither reaches is rung, and where nothing else is left, mailed. What
another way carries already is not said twice, and nothing goes back to an address at which nothing arrives.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from casework import wording
from storage import held_up, outbox
from storage.casebook import Casebook, where
from storage.chance import time_id
from storage.database import Tx
from storage.desk import Desk
from storage.endpoints import WHATSAPP, plain
from storage.held_up import HeldUp
from storage.outbox import Letter
from storage.people import Person

log = structlog.get_logger()

EVERY = timedelta(seconds=5)
WAYS = ("telegram", "sms", "voice", "email")  # best first
BY_NUMBER = "/number"  # how a cause says that what went by WhatsApp goes to the number itself


class Detours:
    """Looks every five seconds for what is held up over one casebook; while letters leave as they should that is one read."""

    def __init__(self, casebook: Casebook) -> None:
        self._casebook = casebook
        self._looked: datetime | None = None

    async def turn(self, now: datetime, *, at_once: bool = False) -> int:
        """Send what has been held up by another way, and drop what it would say too late; returns how many went."""
        if not at_once and self._looked is not None and timedelta(0) <= now - self._looked < EVERY:
            return 0
        self._looked = now
        try:
            return await self._look(now)
        except Exception as fault:  # it waits, and is looked at again
            log.error("what is held up could not be passed on", fault=where(fault))
            return 0

    async def _look(self, now: datetime) -> int:
        found, out = await self._casebook.database.read(lambda tx: _held_up(tx, now))
        gone = [await self._casebook.at_desk(partial(_pass_on, held=each, out=out)) for each in found]
        if out:
            await self._casebook.database.write(lambda tx: held_up.drop_the_old(tx, out, now))
            log.warning("channels are down", channels=sorted(out), other_way=sum(gone))
        return sum(gone)


async def _held_up(tx: Tx, now: datetime) -> tuple[list[HeldUp], frozenset[str]]:
    found, out = await held_up.found(tx, now), await held_up.channels_out(tx, now)
    return found, out | {"voice"} if "sms" in out else out  # one provider carries both


async def _pass_on(desk: Desk, *, held: HeldUp, out: Collection[str]) -> bool:
    if not await held_up.passed_on(desk.tx, held.letter.id, desk.now):
        return False
    return await onward(desk, held.letter, out=out, since=held.since) is not None


async def onward(desk: Desk, letter: Letter, *, out: Collection[str] = (), since: datetime | None = None) -> str | None:
    """Send the same words by the person's next way; returns which, None where another carries them or none is left.

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
        if way == letter.channel or not _leads(desk, letter, person, way) or carried.get(way) is False:
            continue
        return None if carried.get(way) else await _send(desk, letter, person, way, since)
    log.error("no way is left for a letter", letter=letter.id, person=person.person_id)
    return None


def _leads(desk: Desk, letter: Letter, person: Person, way: str) -> bool:
    """Whether this way leads to the person and can carry this letter: a telephone rings for alerts alone."""
    if way in person.dead or person.address(way) is None:
        return False
    return way in ("telegram", "sms") or (way in desk.ways and (way != "voice" or letter.kind == "alert"))


async def _send(desk: Desk, letter: Letter, person: Person, way: str, since: datetime | None) -> str:
    address = plain(letter.address) if letter.address.startswith(WHATSAPP) else person.address(way)
    body = letter.body if way == "telegram" else await desk.by_sms(letter, person.language)
    twin = replace(
        letter, id=time_id("letter", desk.now, desk.chance), channel=way, address=str(address), edit=None, keyboard=(),
        body=wording.spoken(body) if way == "voice" else body, case_card=False, due_at=desk.now, tries=0, doubt_since=None,
    )  # fmt: skip
    await outbox.enqueue(desk.tx, twin, since or desk.now)
    return way

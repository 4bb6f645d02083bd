"""Knows what follows from a letter that will not arrive, and from all that still wait for an address that died."""

from collections.abc import Collection
from datetime import datetime

import structlog

from casework.case import Case
from casework.effects import Tell, To
from casework.events import ContactUnreachable
from casework.levels import Side
from storage import called_off, contacts, held_up, outbox
from storage.casebook import where
from storage.desk import Desk
from storage.other_ways import NOWHERE, WAYS, leads, onward
from storage.outbox import Letter
from storage.people import Person

DEAD_ADDRESS = "dead address"  # what a letter failed of that was never tried there
REPORTS_BY = ("email", "webhook")
_log = structlog.get_logger(__name__)


async def follow(desk: Desk, letter: Letter, *, dead: bool, code: str = "") -> str | None:
    """Send a letter that will not arrive by the person's other way, and let its case hear of a dead address; returns what
    `other_ways.onward` says.

    Nothing follows for a case that is over, and no other way for what was taken or answered since. Staff whose Telegram is
    dead are still asked by SMS; a parent is rung.
    """
    case = None if letter.case_id is None else await desk.case(letter.case_id)
    if case is not None and not case.open:
        return None
    await tell_unsent(desk, letter, case)
    needless = case is not None and called_off.needless(case, letter)
    way = None if needless else await onward(desk, letter)
    if dead and case is not None:
        await _tell_case(desk, case, letter, code)
    return way


async def hold_up(
    desk: Desk, letter: Letter, *, out: Collection[str] = (), since: datetime | None = None
) -> str | None:
    """A letter is held up: the same words go another way (`other_ways.onward`), and a report is a person's to send on."""
    if letter.kind == "report" and letter.channel in REPORTS_BY:
        await tell_unsent(desk, letter, None if letter.case_id is None else await desk.case(letter.case_id))
        return None
    return await onward(desk, letter, out=out, since=since)


async def pass_by(desk: Desk, person: Person, channel: str, address: str, code: str) -> None:
    """An address died: what waits for it goes another way now, each letter by the rules that hold for one.

    Where no other way leads, and beyond the first hundred, it stays and is tried there all the same. One that cannot be
    worked holds up no other.
    """
    if not any(way != channel and leads(desk, person, way, "alert") for way in WAYS):
        return
    for letter in await held_up.waiting_at(desk.tx, person.person_id, channel, address, desk.now):
        try:
            async with desk.tx.savepoint():
                if await follow(desk, letter, dead=True, code=code) != NOWHERE:
                    await outbox.failed(desk.tx, letter.id, DEAD_ADDRESS)
        except Exception as fault:
            if desk.tx.again(fault):
                raise
            _log.error("a letter for a dead address could not be passed on", letter=letter.id, fault=where(fault))


async def tell_unsent(desk: Desk, letter: Letter, case: Case | None) -> None:
    """A report that does not leave is a person's to send on: the co-ordinator hears of it."""
    if letter.kind != "report" or letter.channel not in REPORTS_BY or case is None or not case.open:
        return
    text = "C_FILE" if letter.person == "police" else "C_UNSENT"
    await desk.tell(case, Tell(to=To(kind="duty", id="coordinator"), text=text, via="quiet"))


async def _tell_case(desk: Desk, case: Case, letter: Letter, code: str) -> None:
    if letter.person is None or letter.person in case.unreachable:
        return
    reporter = case.reporter(letter.person)
    if reporter is not None and reporter.side is Side.PARENT:
        news = ContactUnreachable(
            at=desk.now, by="house", channel=letter.channel, person=letter.person, opted_out=code == contacts.OPTED_OUT
        )
        await desk.record(case.case_id, news)

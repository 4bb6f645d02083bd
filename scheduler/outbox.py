"""What became of a letter? It is written down, and it is news like any other.

A dead address sends the letter by the person's other channel at once, and the case hears that a parent can no longer be
reached. How letters leave is the postman's (`scheduler.postman`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias, assert_never

import structlog

from storage import dying, groups, held_up, outbox, undelivered
from storage.casebook import Casebook, where
from storage.database import Unusable
from storage.desk import Desk
from storage.other_ways import NOWHERE, onward
from storage.outbox import Letter

log = structlog.get_logger()

LONG_SECONDS = 60  # whoever is to wait longer is reached another way now: a rung is a few minutes


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took the letter, and calls it this. `moved_to`: its address is this one from now on."""

    provider_id: str
    moved_to: str | None = None


class Refused(Exception):
    """The provider will never deliver this letter to this address. `code` is its own word for why."""

    def __init__(self, code: str, *, dead: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.dead = dead  # the address is dead, not only this letter


class Unreachable(Exception):
    """The provider could not be reached or is busy: the letter is tried again.

    `in_doubt`: it was asked and its answer was lost, so that it may have taken the letter.
    """

    def __init__(self, code: str, retry_after_seconds: float | None = None, *, in_doubt: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        self.in_doubt = in_doubt


class Channel(Protocol):
    """One way to people. `send` returns a receipt, or raises Refused or Unreachable; nothing else."""

    @property
    def name(self) -> str: ...
    async def send(self, letter: Letter) -> Receipt: ...


Fate: TypeAlias = Receipt | Refused | Unreachable


async def write_down(casebook: Casebook, letter: Letter, fate: Fate, now: datetime) -> None:
    """Write down what became of one letter in a unit of its own. A refusal is news to its case.

    Should the case not bear it, the letter is marked all the same, and what was refused leaves by the other channel. Raises
    Unusable.
    """
    try:
        if isinstance(fate, Refused):
            await casebook.at_desk(partial(_refuse, letter=letter, fate=fate))
        else:
            await casebook.at_desk(partial(record, pairs=[(letter, fate)], now=now))
    except Unusable:
        raise
    except Exception:
        log.exception("what became of a letter could not be worked", letter=letter.id)
        await casebook.at_desk(partial(_mark, letter=letter, fate=fate, now=now))
        if isinstance(fate, Refused):
            await _by_another_way(casebook, letter)


async def _by_another_way(casebook: Casebook, letter: Letter) -> None:
    """Send on what was refused, in a unit of its own: where it cannot be composed, its letter has failed all the same."""
    try:
        _say_lost(letter, await casebook.at_desk(partial(onward, letter=letter)))
    except Unusable:
        raise
    except Exception as fault:
        log.error("what was refused goes no other way", letter=letter.id, fault=where(fault))


async def record(desk: Desk, pairs: Sequence[tuple[Letter, Fate]], now: datetime) -> None:
    """Write down letters that were taken or come later; each refusal has a unit of its own (`write_down`)."""
    for letter, fate in pairs:
        match fate:
            case Receipt():
                await outbox.sent(desk.tx, letter.id, fate.provider_id, now)
                if fate.moved_to is not None:
                    await groups.moved(desk.tx, int(letter.address), int(fate.moved_to))
                await _keep_card(desk, letter, fate)
            case Unreachable():
                await _put_back(desk, letter, fate, now)
                if (fate.retry_after_seconds or 0) > LONG_SECONDS and await held_up.passed_on(desk.tx, letter.id, now):
                    await undelivered.hold_up(desk, letter)
            case Refused():
                pass
            case _:
                assert_never(fate)


async def _refuse(desk: Desk, *, letter: Letter, fate: Refused) -> None:
    await outbox.failed(desk.tx, letter.id, fate.code)
    await refused(desk, letter, dead=fate.dead, code=fate.code)


async def _mark(desk: Desk, *, letter: Letter, fate: Fate, now: datetime) -> None:
    """What became of it and nothing that would follow from it."""
    match fate:
        case Receipt():
            await outbox.sent(desk.tx, letter.id, fate.provider_id, now)
        case Unreachable():
            await _put_back(desk, letter, fate, now)
        case Refused():
            await outbox.failed(desk.tx, letter.id, fate.code)
        case _:
            assert_never(fate)


async def _put_back(desk: Desk, letter: Letter, fate: Unreachable, now: datetime) -> None:
    await outbox.retry_later(desk.tx, letter, fate.code, now, fate.retry_after_seconds, in_doubt=fate.in_doubt)


async def _keep_card(desk: Desk, letter: Letter, receipt: Receipt) -> None:
    """Remember which message is this person's card of the case, so that the next question edits it in place."""
    if letter.case_card and letter.case_id and letter.person and receipt.provider_id.isdecimal():
        await desk.set_card(letter.case_id, letter.person, int(receipt.provider_id))


async def refused(desk: Desk, letter: Letter, *, dead: bool, code: str = "") -> None:
    """A letter will not arrive here: it goes by the person's other channel, and so does all that waits for an address which
    is dead; what else follows is `storage.undelivered`'s."""
    if dead:
        await dying.note(desk, person=letter.person, channel=letter.channel, address=letter.address, fault=code)
    _say_lost(letter, await undelivered.follow(desk, letter, dead=dead, code=code))


def _say_lost(letter: Letter, way: str | None) -> None:
    if way == NOWHERE:
        log.error("no way is left for a letter", letter=letter.id, person=letter.person)

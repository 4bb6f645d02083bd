"""What is held up? The same words go by another way (`storage.other_ways`) before it is known whether this one fails."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

import structlog

from storage import held_up, undelivered
from storage.casebook import Casebook, where
from storage.database import Tx, Unusable
from storage.desk import Desk
from storage.held_up import HeldUp
from storage.other_ways import NOWHERE

log = structlog.get_logger()

EVERY = timedelta(seconds=5)


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
        except Unusable as fault:  # it waits, and is looked at again
            log.info("what is held up could not be looked at", fault=where(fault))
            return 0
        except Exception as fault:
            log.error("what is held up could not be passed on", fault=where(fault))
            return 0

    async def _look(self, now: datetime) -> int:
        found, out = await self._casebook.database.read(lambda tx: _held_up(tx, now))
        gone = [await self._one(each, out) for each in found]
        if out:
            await self._casebook.database.write(lambda tx: held_up.drop_the_old(tx, out, now))
            log.warning("channels are down", channels=sorted(out), other_way=sum(gone))
        return sum(gone)

    async def _one(self, held: HeldUp, out: Collection[str]) -> bool:
        try:
            return await self._casebook.at_desk(partial(_pass_on, held=held, out=out))
        except Unusable:
            raise
        except Exception as fault:  # it keeps no other waiting
            log.error("a letter that is held up could not be passed on", letter=held.letter.id, fault=where(fault))
            return False


async def _held_up(tx: Tx, now: datetime) -> tuple[list[HeldUp], frozenset[str]]:
    found, out = await held_up.found(tx, now), await held_up.channels_out(tx, now)
    return found, out | {"voice"} if "sms" in out else out  # one provider carries both


async def _pass_on(desk: Desk, *, held: HeldUp, out: Collection[str]) -> bool:
    if not await held_up.passed_on(desk.tx, held.letter.id, desk.now):
        return False
    way = await undelivered.hold_up(desk, held.letter, out=out, since=held.since)
    if way == NOWHERE:  # nothing is lost: it leaves by its own way yet
        log.info("a letter waits and no other way leads", letter=held.letter.id, person=held.letter.person)
    return way not in (None, NOWHERE)

"""Who comes on duty, who did not answer, what would hurt on the night? Looked for each minute, written only where there
is something to say.

1. who comes on within half an hour is asked to take over; who does not answer is reminded, and others hear of it
2. what can be seen ahead is told: an empty shift, a person whom nothing reaches, a ladder with one person at its top
3. once a month everybody on call is asked whether they can be reached, and who does not answer is named
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import TypeAlias

import structlog

from casework.limits import LONDON
from storage import contact_round, foresight, forewarning, handing_over, handovers, shifts
from storage.casebook import Casebook, where
from storage.database import Tx, Unusable
from storage.desk import Desk
from storage.directory import Directory
from storage.foresight import Foreseen

Act: TypeAlias = Callable[[Desk], Awaitable[None]]

EVERY = timedelta(minutes=1)
AT_ONCE_SECONDS, REST = 0.2, 5.0  # what a look may work in one go; times as long as a part that it rests after it
_log = structlog.get_logger(__name__)


class DutyBell:
    """Looks after duty over one casebook. One node at a time does; what it remembers is only when it last looked."""

    def __init__(self, casebook: Casebook) -> None:
        self._casebook = casebook
        self._looked: datetime | None = None
        self._looked_ahead: datetime | None = None
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End the look that is under way; the next life looks anew."""
        self._stopped.set()

    async def ring(self, now: datetime) -> int:
        """Do what is due; returns how much that was. Looks once a minute, and at each hour ahead."""
        if self._looked is not None and timedelta(0) <= now - self._looked < EVERY:
            return 0
        done = await self._who_comes_on(now)
        if self._looked_ahead is None or _hour(now) != _hour(self._looked_ahead):
            self._looked_ahead, leisure = now, Leisure(self._pause)
            for organisation in await self._casebook.database.read(_organisations):
                done += await self._do(await self._ahead(organisation, now, leisure))
                if self._stopped.is_set():
                    break
                if self._looked is not None and self._casebook.now() - self._looked >= EVERY:  # it takes long
                    done += await self._who_comes_on(self._casebook.now())
        return done

    async def _who_comes_on(self, now: datetime) -> int:
        self._looked = now
        return await self._do(await self._casebook.database.read(lambda tx: _on_time(tx, now)))

    async def _ahead(self, organisation: str, now: datetime, leisure: "Leisure") -> list[Act]:
        """Of an organisation what would hurt, and the contact test; nothing once the house goes to sleep."""
        database, acts, found = self._casebook.database, list[Act](), list[Foreseen]()
        if await database.read(lambda tx: contact_round.due(tx, organisation, now)):
            acts.append(partial(contact_round.work, organisation=organisation))
        async for part in foresight.look_in_parts(database, organisation, now):
            found += part
            await leisure.rest()
            if self._stopped.is_set():
                return []
        before = await database.read(lambda tx: foresight.known(tx, organisation))
        if forewarning.untold(found, before, now) or {each.key for each in found} != before.keys():
            acts.append(partial(forewarning.settle, organisation=organisation, found=found))
        return acts

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def _do(self, acts: Sequence[Act]) -> int:
        """Each in a unit of work of its own: one that fails is told and does not hold up the next."""
        for act in acts:
            try:
                await self._casebook.at_desk(act)
            except Unusable:
                raise
            except Exception as fault:
                _log.error("duty could not be looked after", fault=where(fault))
        return len(acts)


class Leisure:
    """How long a look has worked. A long one rests after each part, for most of the time is others': people write, and
    deadlines ring, in the very hours at which it begins."""

    def __init__(self, pause: Callable[[float], Awaitable[None]], timer: Callable[[], float] = perf_counter) -> None:
        """`pause` for so many seconds; `timer` tells them."""
        self._pause, self._timer = pause, timer
        self._worked, self._begun = 0.0, timer()

    async def rest(self) -> None:
        """Called after each part."""
        took = self._timer() - self._begun
        self._worked += took
        if self._worked > AT_ONCE_SECONDS:
            await self._pause(took * REST)
        self._begun = self._timer()


async def _on_time(tx: Tx, now: datetime) -> list[Act]:
    """Hand-overs: who is to be asked, and who to be reminded."""
    coming = await handing_over.comings(tx, now, await shifts.scopes(tx, now))
    acts: list[Act] = [partial(handing_over.ask, coming=each) for each in coming]
    waiting = handing_over.late(await handovers.waiting(tx, now), now)
    return acts + [partial(handing_over.remind, each=each) for each in waiting]


async def _organisations(tx: Tx) -> list[str]:
    return [organisation.id for organisation in await Directory(tx).organisations()]


def _hour(now: datetime) -> datetime:
    return now.astimezone(LONDON).replace(minute=0, second=0, microsecond=0)

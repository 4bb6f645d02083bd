"""Who comes on duty, who did not answer, what would hurt on the night? Looked for each minute, written only where there
is something to say.

1. who comes on within half an hour is asked to take over; who does not answer is reminded, and others hear of it
2. what can be seen ahead is told: an empty shift, a person whom nothing reaches, a ladder with one person at its top
3. once a month everybody on call is asked whether they can be reached, and who does not answer is named
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

import structlog

from casework.limits import LONDON
from storage import contact_round, foresight, forewarning, handing_over, handovers, shifts
from storage.casebook import Casebook, where
from storage.database import Database, Tx, Unusable
from storage.desk import Desk
from storage.directory import Directory

Act: TypeAlias = Callable[[Desk], Awaitable[None]]

EVERY = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


class DutyBell:
    """Looks after duty over one casebook. One node at a time does; what it remembers is only when it last looked."""

    def __init__(self, casebook: Casebook) -> None:
        self._casebook = casebook
        self._looked: datetime | None = None
        self._looked_ahead: datetime | None = None

    async def ring(self, now: datetime) -> int:
        """Do what is due; returns how much that was. Looks once a minute, and at each hour ahead."""
        if self._looked is not None and timedelta(0) <= now - self._looked < EVERY:
            return 0
        self._looked = now
        done = await self._do(await self._casebook.database.read(lambda tx: _on_time(tx, now)))
        if self._looked_ahead is None or _hour(now) != _hour(self._looked_ahead):
            self._looked_ahead = now
            for organisation in await self._casebook.database.read(_organisations):
                done += await self._do(await _ahead(self._casebook.database, organisation, now))
        return done

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


async def _on_time(tx: Tx, now: datetime) -> list[Act]:
    """Hand-overs: who is to be asked, and who to be reminded."""
    coming = await handing_over.comings(tx, now, await shifts.scopes(tx, now))
    acts: list[Act] = [partial(handing_over.ask, coming=each) for each in coming]
    waiting = handing_over.late(await handovers.waiting(tx, now), now)
    return acts + [partial(handing_over.remind, each=each) for each in waiting]


async def _ahead(database: Database, organisation: str, now: datetime) -> list[Act]:
    """Of an organisation what would hurt, and the contact test."""
    acts: list[Act] = []
    if await database.read(lambda tx: contact_round.due(tx, organisation, now)):
        acts.append(partial(contact_round.work, organisation=organisation))
    found = await foresight.look_in_parts(database, organisation, now)
    before = await database.read(lambda tx: foresight.known(tx, organisation))
    if forewarning.untold(found, before, now) or {each.key for each in found} != before.keys():
        acts.append(partial(forewarning.settle, organisation=organisation, found=found))
    return acts


async def _organisations(tx: Tx) -> list[str]:
    return [organisation.id for organisation in await Directory(tx).organisations()]


def _hour(now: datetime) -> datetime:
    return now.astimezone(LONDON).replace(minute=0, second=0, microsecond=0)

"""Does an alert still get through? A canary flies once an hour by each real channel, and word must come back that it arrived.

It begins with a row, as a case does; its bell is rung by the clock that rings the others; its letter waits in the outbox
behind those for people, and leaves by the postman; the provider's receipt comes in by the door. Should one of them stand
still it is late, `/readyz` says so and the heartbeat stops.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from scheduler.auditor import SAID_EVERY, tell_faults
from storage import canaries
from storage.canaries import BACK_WITHIN, Flight
from storage.casebook import Casebook

EVERY = timedelta(hours=1)
LOOKED_EVERY = timedelta(seconds=5)


class CanaryBell:
    """Lets canaries fly to `places`, each a channel and an address there that belongs to no person of the register."""

    def __init__(self, casebook: Casebook, places: Sequence[tuple[str, str]]) -> None:
        self._casebook, self.places = casebook, places
        self._looked: datetime | None = None
        self._said: datetime | None = None

    async def turn(self, now: datetime, *, at_once: bool = False) -> int:
        """Let fly, ring and take back what is due; returns how much that was. An hour without a flight writes nothing."""
        if not at_once and self._looked is not None and timedelta(0) <= now - self._looked < LOOKED_EVERY:
            return 0
        self._looked = now
        read, write = self._casebook.database.read, self._casebook.database.write
        flights = await read(canaries.newest)
        waiting = [flight for flight in flights if flight.back_at is None and flight.rung_at is not None]
        back = await read(partial(canaries.arrived, flights=waiting)) if waiting else []
        rings = [flight for flight in flights if flight.rung_at is None and flight.rings_at <= now]
        begins = [place for place in self.places if _due(place, flights, now)]
        if back:
            await write(partial(canaries.note_back, flights=back, now=now))
        if rings:
            await write(partial(canaries.ring, flights=rings, now=now, book=self._casebook.parts.book("en")))
        if begins:
            await write(partial(canaries.begin, places=begins, now=now))
        await self._say(sorted({each.channel for each in flights if each.late(now) and each not in back}), now)
        return len(back) + len(rings) + len(begins)

    async def _say(self, late: Sequence[str], now: datetime) -> None:
        """Tell people on call that one did not come back, once an hour."""
        if late and (self._said is None or now - self._said >= SAID_EVERY):
            self._said = now
            await self._casebook.at_desk(partial(tell_faults, text="X_BROKEN", fault=f"canary {late[0]}"))


def _due(place: tuple[str, str], flights: Sequence[Flight], now: datetime) -> bool:
    """Once an hour; the next one sooner while the last is late, so that it is soon seen when all is well again."""
    mine = [flight for flight in flights if (flight.channel, flight.address) == place]
    if not mine:
        return True
    return now - mine[-1].begun_at >= (BACK_WITHIN if mine[-1].late(now) else EVERY)

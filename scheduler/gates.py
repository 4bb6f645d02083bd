"""Knows how many letters may leave by a channel now, and which: free slots, the provider's pace, whether it is down.

Beyond its slots each channel has a lane for the most urgent. Nothing else may take it, so that nothing delays them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.breaker import Breaker
from scheduler.outbox import Channel, Fate, Unreachable
from scheduler.pace import Pace
from storage.outbox import Letter

SLOTS = 32  # a channel's; a provider without idempotency keys may repeat as many letters as were in them at a kill
LANE = 4


@dataclass(frozen=True, slots=True)
class Room:
    """So many letters may leave of any kind, and so many more of the most urgent; none to the addresses of `but`."""

    letters: int
    lane: int
    but: Sequence[str]


class Gate:
    """One channel's. `paced`: time goes by itself, so that waiting for the provider's pace comes to an end."""

    def __init__(self, channel: Channel, *, paced: bool) -> None:
        self._pace = Pace(getattr(channel, "rates", None) if paced else None)
        self._breaker = Breaker(channel.name)
        self.flying = 0

    def room(self, now: datetime) -> Room | None:
        """What may leave now; None: nothing."""
        ordinary, urgent = self._pace.room(now)
        ordinary, urgent = min(SLOTS - self.flying, ordinary), min(SLOTS + LANE - self.flying, urgent)
        one = self._breaker.lets_through(now)
        if one is not None:
            ordinary, urgent = min(one, ordinary), min(one, urgent)
        if urgent < 1:
            return None
        letters = max(0, int(ordinary))
        return Room(letters, int(urgent) - letters, self._pace.not_now(now))

    def leaves(self, letter: Letter, now: datetime) -> Unreachable | None:
        """A letter leaves; or it need not try, for its address is closed for long."""
        self.flying += 1
        closed = self._pace.closed_for(letter.address, now)
        if closed > 0:
            return Unreachable("closed", closed)
        self._pace.took(letter.address, now)
        self._breaker.leaves(letter)
        return None

    def landed(self, letter: Letter, fate: Fate, now: datetime, *, tried: bool) -> None:
        """A letter is back. Who asked us to wait is left alone for so long."""
        self.flying -= 1
        if not tried:
            return
        self._breaker.landed(letter, fate, now)
        if isinstance(fate, Unreachable) and fate.retry_after_seconds is not None:
            self._pace.close(letter.address, now + timedelta(seconds=fate.retry_after_seconds))

    def seconds_to_next(self, now: datetime) -> float | None:
        """How long until something may leave that may not now; None where nothing is held back."""
        waits = (self._pace.seconds_to_next(now), self._breaker.seconds_to_next(now))
        return min((wait for wait in waits if wait is not None and wait > 0), default=None)

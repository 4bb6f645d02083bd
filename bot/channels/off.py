"""Knows that a way to people is not open in this house: each letter goes by the person's other one at once."""

from dataclasses import dataclass

from scheduler.outbox import Receipt, Refused
from storage.outbox import Letter


@dataclass(frozen=True, slots=True)
class OffChannel:
    """A channel for which no credentials were set."""

    name: str

    async def send(self, letter: Letter) -> Receipt:
        """Refuse the letter, not the address: that may be reached again when the channel is set up."""
        raise Refused("channel is off", dead=False)

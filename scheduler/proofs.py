"""What became of a text or a call whose receipt did not come? The provider is asked, and its answer is heard like any callback.

60 s after it was sent, and again after 180 s. A text that is still on its way then counts as not delivered where it calls
somebody: an alert that nobody took, a question that still waits, goes by the person's other channel.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Protocol, runtime_checkable

import structlog

from casework.case import Case
from scheduler.outbox import Channel, Refused, Unreachable, refused
from storage import proofs
from storage.casebook import Casebook, where
from storage.database import Unusable
from storage.desk import Desk
from storage.outbox import Letter
from storage.proofs import Unproved

AT_ONCE = 8
NO_RECEIPT = "no receipt"
log = structlog.get_logger()

# (our letter's id, the provider's id, its status, its error code or "")
Hear = Callable[[str, str, str, str], Awaitable[object]]


@runtime_checkable
class Askable(Protocol):
    """A channel whose provider can be asked what became of a letter."""

    async def word_on(self, provider_id: str) -> tuple[str, str]:
        """Its status and error code. Raises Refused or Unreachable."""
        ...


class Proofs:
    """Asks for the receipts that are late. `hear` takes what a provider says as if it had called."""

    def __init__(self, casebook: Casebook, channels: Mapping[str, Channel], hear: Hear) -> None:
        self._casebook, self._channels, self._hear = casebook, channels, hear

    async def look(self, now: datetime) -> int:
        """Ask for every receipt that is late; returns how many that were."""
        late = await self._casebook.database.read(lambda tx: proofs.unproved(tx, now))
        for first in range(0, len(late), AT_ONCE):
            await asyncio.gather(*(self._ask(each) for each in late[first : first + AT_ONCE]))
        return len(late)

    async def _ask(self, each: Unproved) -> None:
        """Ask for one. What cannot be worked holds up no other, and is not asked for again at once."""
        try:
            await self._word_on(each)
        except Unusable:
            raise
        except Exception as fault:
            log.error("a receipt could not be worked", letter=each.letter.id, fault=where(fault))
            await self._casebook.database.write(lambda tx: proofs.looked(tx, each))

    async def _word_on(self, each: Unproved) -> None:
        channel = self._channels.get(each.letter.channel)
        if isinstance(channel, Askable):
            try:
                status, code = await channel.word_on(each.provider_id)
                await self._hear(each.letter.id, each.provider_id, status, code)
            except (Refused, Unreachable) as fault:
                log.warning("a receipt cannot be had", letter=each.letter.id, code=fault.code)
        await self._casebook.at_desk(partial(_looked, each=each))


async def _looked(desk: Desk, *, each: Unproved) -> None:
    """It was asked for. Where that was the last time and it is still open, whoever it calls is called by another way."""
    await proofs.looked(desk.tx, each)
    letter = each.letter
    if not each.last or letter.case_id is None or letter.channel == "voice":  # a call that was made has rung
        return
    if not await proofs.is_open(desk.tx, letter.id):
        return
    case = await desk.case(letter.case_id)
    if case is not None and case.open and await _calls(desk, case, letter):
        await refused(desk, letter, dead=False, code=NO_RECEIPT)


async def _calls(desk: Desk, case: Case, letter: Letter) -> bool:
    """Whether a letter still waits for what its reader is to do; an alert, for as long as one of theirs that nobody took does:
    words that nobody could read are an alert, too, and no chain repeats them."""
    if letter.kind == "alert" and letter.person is not None:
        return await desk.alert_for(case.case_id, letter.person) is not None
    asked = [prompt.check for prompt in case.prompts if prompt.to == letter.person]
    return letter.kind == "question" and letter.text in asked

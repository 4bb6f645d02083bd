"""What is unsent? Letters leave in the order of their urgency, after the commit that wrote them, and what became of each
is written down before the next is taken.

The fate of a letter is news like any other: a dead address sends it by the person's other channel at once, and the case
hears that a parent can no longer be reached.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from casework.events import ContactUnreachable
from casework.levels import Side
from storage import outbox
from storage.casebook import Casebook
from storage.chance import time_id
from storage.database import Tx
from storage.desk import Desk
from storage.outbox import Letter

log = structlog.get_logger()

IN_FLIGHT = 8  # a provider without idempotency keys may repeat as many letters as were in flight at a kill
BATCHES_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took the letter, and calls it this."""

    provider_id: str


class Refused(Exception):
    """The provider will never deliver this letter to this address. `code` is its own word for why."""

    def __init__(self, code: str, *, dead: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.dead = dead  # the address is dead, not only this letter


class Unreachable(Exception):
    """The provider could not be reached or is busy: the letter is tried again."""

    def __init__(self, code: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_seconds = retry_after_seconds


class Channel(Protocol):
    """One way to people. `send` returns a receipt, or raises Refused or Unreachable; nothing else."""

    @property
    def name(self) -> str: ...
    async def send(self, letter: Letter) -> Receipt: ...


@dataclass(frozen=True, slots=True)
class Drained:
    """How many letters were tried, and how many of them were not taken."""

    sends: int = 0
    failed: int = 0


async def drain(
    casebook: Casebook, channels: Mapping[str, Channel], now: datetime, crash: Callable[[str], None] = lambda point: None
) -> Drained:
    """Send everything that is due, most urgent first.

    1. a batch is marked as being sent (crash point outbox.after_claim)
    2. its letters go out side by side (outbox.after_send)
    3. what became of each is written down (outbox.after_record), and only then the next batch is taken
    """
    total = Drained()
    for _ in range(BATCHES_AT_MOST):
        letters = await casebook.database.write(
            lambda tx: outbox.claim(tx, now, IN_FLIGHT, channels=tuple(channels))
        )
        if not letters:
            return total
        crash("outbox.after_claim")
        fates = await asyncio.gather(*(_send(channels[letter.channel], letter) for letter in letters))
        crash("outbox.after_send")
        await casebook.at_desk(partial(_record, pairs=list(zip(letters, fates, strict=True)), now=now))
        crash("outbox.after_record")
        refused = sum(not isinstance(fate, Receipt) for fate in fates)
        total = Drained(total.sends + len(letters), total.failed + refused)
    return total


Fate = Receipt | Refused | Unreachable


async def _send(channel: Channel, letter: Letter) -> Fate:
    try:
        return await channel.send(letter)
    except (Refused, Unreachable) as fate:
        log.warning("letter not taken", letter=letter.id, channel=letter.channel, code=fate.code)
        return fate
    except Exception as fault:  # a channel that breaks must not stop the others; unknown never means stop
        log.exception("channel broke", letter=letter.id, channel=letter.channel)
        return Unreachable(type(fault).__name__)


async def _record(desk: Desk, *, pairs: list[tuple[Letter, Fate]], now: datetime) -> None:
    for letter, fate in pairs:
        match fate:
            case Receipt():
                await outbox.sent(desk.tx, letter.id, fate.provider_id, now)
                await _keep_card(desk, letter, fate)
            case Refused():
                await outbox.failed(desk.tx, letter.id, fate.code)
                await refused(desk, letter, dead=fate.dead)
            case Unreachable():
                await outbox.retry_later(desk.tx, letter, fate.code, now, fate.retry_after_seconds)


async def _keep_card(desk: Desk, letter: Letter, receipt: Receipt) -> None:
    """Remember which message is this person's card of the case, so that the next question edits it in place."""
    if letter.case_card and letter.case_id and letter.person and receipt.provider_id.isdecimal():
        await desk.set_card(letter.case_id, letter.person, int(receipt.provider_id))


async def refused(desk: Desk, letter: Letter, *, dead: bool) -> None:
    """A letter will not arrive here: it goes by the person's other channel, and the case hears of a dead address."""
    await _by_other_channel(desk, letter)
    if not dead or letter.case_id is None or letter.person is None:
        return
    case = await desk.case(letter.case_id)
    reporter = case.reporter(letter.person) if case is not None else None
    if case is None or not case.open or reporter is None or reporter.side is not Side.PARENT:
        return
    if letter.person not in case.unreachable:
        news = ContactUnreachable(
            at=desk.now, by="house", channel=letter.channel, person=letter.person, opted_out=letter.channel == "sms"
        )
        await desk.record(case.case_id, news)


async def _by_other_channel(desk: Desk, letter: Letter) -> None:
    """The same words by the other channel, unless it carries them already or they hold a name (names never go by SMS)."""
    if letter.person is None or letter.kind == "reply" or letter.text == "C_TAKEN" or not letter.body:
        return
    person = await desk.directory.person(letter.person)
    if person is None:
        return
    other = "sms" if letter.channel == "telegram" else "telegram"
    address = person.mobile if other == "sms" else person.telegram_id
    if address is None or await _carried(desk.tx, letter, other):
        return
    twin = replace(
        letter, id=time_id("letter", desk.now, desk.chance), channel=other, address=str(address), edit=None, keyboard=(),
        case_card=False, due_at=desk.now, tries=0,
    )  # fmt: skip
    await outbox.enqueue(desk.tx, twin)


async def _carried(tx: Tx, letter: Letter, channel: str) -> bool:
    row = await tx.row(
        "SELECT 1 AS yes FROM outbox WHERE case_id IS ? AND person = ? AND channel = ? AND text = ? AND due_at = ?"
        " AND state <> 'failed'",
        letter.case_id, letter.person, channel, letter.text, int(letter.due_at.timestamp() * 1000),
    )  # fmt: skip
    return row is not None

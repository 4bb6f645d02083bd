"""What is unsent? Letters leave by urgency, after the commit that wrote them, and the fate of each is written down.

Each channel has so many slots, and a slot that is free takes the most urgent letter that waits: a provider that is slow
holds a slot and not the queue, one that is down holds up no other channel, and an escalation goes before ten thousand
reminders, in a lane that they may not take. Two letters to one address never fly at once, so that a person reads them in
order. How many may leave at a moment is the gate's (`scheduler.gates`).

    waits ──claim──▶ in a slot ──send──▶ landed ──┐
      ▲                                           │  one unit of work writes down what landed
      └────────────── not now ────────────────────┘  and takes what the free slots may carry
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog

from scheduler.gates import SLOTS, Gate, Room
from scheduler.outbox import Channel, Fate, Receipt, Refused, Unreachable, record, write_down
from storage import buttons, outbox_claims, quarantine
from storage.casebook import Casebook
from storage.database import Unusable
from storage.desk import Desk
from storage.outbox import Letter
from storage.outbox_claims import Unread
from storage.parts import Parts, no_crash

log = structlog.get_logger()

GATHERED = SLOTS // 2  # letters that landed are written down together, so many or after so long
GATHER_SECONDS = 0.005
SEND_SECONDS = 50  # less than a letter is held (`storage.outbox.HELD`): nobody else takes it while it is on its way


@dataclass(frozen=True, slots=True)
class Drained:
    """How many letters were tried, and how many of them were not taken."""

    sends: int = 0
    failed: int = 0


async def drain(
    casebook: Casebook, channels: Mapping[str, Channel], now: datetime, crash: Callable[[str], None] = no_crash
) -> Drained:
    """Send everything that is due, most urgent first."""
    return await Postman(casebook, channels, lambda: now, crash).drain()


class Postman:
    """Keeps the slots of each channel full. `channels` may grow while it works.

    1. one unit of work writes down what landed and marks what the free slots take as being sent
       (crash points outbox.after_record, outbox.after_claim)
    2. each of these letters goes out by itself, and lands (outbox.after_send)
    3. what a provider refused is worked in a unit of its own, for it is news to its case
    """

    def __init__(
        self, casebook: Casebook, channels: Mapping[str, Channel], now: Callable[[], datetime],
        crash: Callable[[str], None] = no_crash, *, paced: bool = False,
    ) -> None:  # fmt: skip
        """`paced`: providers' rates are kept; not on a clock that somebody moves, on which nothing can be waited for."""
        self._casebook, self._channels, self._now, self._crash = casebook, channels, now, crash
        self._paced, self._gates = paced, dict[str, Gate]()
        self._alarm: asyncio.TimerHandle | None = None
        self._flying: dict[str, tuple[Letter, asyncio.Task[None]]] = {}
        self._landed: list[tuple[Letter, Fate]] = []
        self._turns = asyncio.Lock()
        self._news = asyncio.Event()
        self._stopping = False
        self._sends = self._failed = 0

    def stir(self) -> None:
        """There may be something to send."""
        self._news.set()

    async def drain(self) -> Drained:
        """Send until nothing is due and nothing is on its way. Raises what the database raises."""
        before = Drained(self._sends, self._failed)
        while await self.turn() or self._flying or self._news.is_set():
            await self.news()
        return Drained(self._sends - before.sends, self._failed - before.failed)

    async def stop(self) -> None:
        """Take nothing more; what is on its way is waited for and written down."""
        self._stopping = True
        await self.drain()
        if self._alarm is not None:
            self._alarm.cancel()

    async def news(self) -> None:
        """Wait until a letter lands or `stir` is called."""
        await self._news.wait()

    async def turn(self) -> int:
        """Write down what landed, fill the free slots; returns how many letters were taken."""
        async with self._turns:
            self._news.clear()
            landed, self._landed = self._landed, []
            try:
                letters = await self._write_down_and_take(landed)
            except BaseException:
                self._landed += landed  # it stays known, and the next turn writes it down
                raise
            for letter in letters:
                self._send_off(letter)
            self._wake_later()
            await self._work_refusals(landed)
            return len(letters)

    # ---- one turn -----------------------------------------------------------------------------------

    async def _write_down_and_take(self, landed: list[tuple[Letter, Fate]]) -> list[Letter]:
        now = self._now()
        room = self._room(now)
        if landed:
            self._crash("outbox.after_send")
        elif not room:
            return []
        take = partial(_write_down_and_take, room=room, now=now, parts=self._casebook.parts)
        try:
            letters, told = await self._casebook.at_desk(partial(take, landed=landed))
        except Unusable:
            raise
        except Exception:  # one that cannot be worked holds up no other
            log.exception("letters that landed are written down one by one")
            for letter, fate in landed:
                await write_down(self._casebook, letter, fate, now)
            letters, told = await self._casebook.at_desk(partial(take, landed=[]))
        if landed:
            self._crash("outbox.after_record")
        if letters:
            self._crash("outbox.after_claim")
        if told:
            self.stir()
        return letters

    def _room(self, now: datetime) -> dict[str, Room]:
        """Channels by which something may leave, and how much."""
        if self._stopping:
            return {}
        rooms = {name: self._gate(name).room(now) for name in self._channels}
        return {name: room for name, room in rooms.items() if room is not None}

    def _gate(self, channel: str) -> Gate:
        if channel not in self._gates:
            self._gates[channel] = Gate(self._channels[channel], paced=self._paced)
        return self._gates[channel]

    def _wake_later(self) -> None:
        """Look again when something may leave that was held back."""
        if self._alarm is not None:
            self._alarm.cancel()
        now = self._now()
        waits = [wait for gate in self._gates.values() if (wait := gate.seconds_to_next(now)) is not None]
        self._alarm = (
            asyncio.get_running_loop().call_later(min(waits), self._news.set) if waits and self._paced else None
        )

    async def _work_refusals(self, landed: list[tuple[Letter, Fate]]) -> None:
        untaken = [(letter, fate) for letter, fate in landed if isinstance(fate, Refused)]
        working = [write_down(self._casebook, letter, fate, self._now()) for letter, fate in untaken]
        faults = await asyncio.gather(*working, return_exceptions=True)
        self._landed += [pair for pair, fault in zip(untaken, faults, strict=True) if fault is not None]
        if untaken:
            self.stir()  # it leaves by the other channel
        for fault in filter(None, faults):
            raise fault

    # ---- on its way ---------------------------------------------------------------------------------

    def _send_off(self, letter: Letter) -> None:
        held = self._gate(letter.channel).leaves(letter, self._now())
        self._flying[letter.id] = letter, asyncio.create_task(self._carry(letter, held))

    async def _carry(self, letter: Letter, held: Unreachable | None) -> None:
        fate = await _send(self._channels[letter.channel], letter) if held is None else held
        self._gate(letter.channel).landed(letter, fate, self._now(), tried=held is None)
        del self._flying[letter.id]
        self._landed.append((letter, fate))
        self._sends += 1
        self._failed += not isinstance(fate, Receipt)
        if len(self._landed) >= GATHERED or not self._flying:
            self._news.set()
        elif len(self._landed) == 1:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._news.set)


async def _write_down_and_take(
    desk: Desk, *, landed: list[tuple[Letter, Fate]], room: Mapping[str, Room], now: datetime, parts: Parts
) -> tuple[list[Letter], bool]:
    """Returns the letters taken, and whether people were told of some that cannot be read."""
    await record(desk, landed, now)
    taken, unread = list[Letter](), list[Unread]()
    for name, free in room.items():
        taken += await outbox_claims.claim(
            desk.tx, now, free.letters, channel=name, lane=free.lane, but=free.but, unread=unread
        )
    for each in unread:
        fault = f"a letter to {each.person or 'somebody'} by {each.channel}"
        await quarantine.show(desk.tx, desk.now, parts, fault, case_id=each.case_id, person=each.person)
    return await _with_cards_before(desk, taken), bool(unread)


async def _with_cards_before(desk: Desk, letters: list[Letter]) -> list[Letter]:
    """Each new card with the one it follows. That cannot change while the letter is on its way: no other goes to its chat."""
    whose = {each.id: (each.case_id, each.person) for each in letters if each.case_card and each.edit is None
             and each.case_id and each.person}  # fmt: skip
    cards = await buttons.cards_of(desk.tx, list(whose.values()))
    return [replace(each, before=cards.get(whose[each.id])) if each.id in whose else each for each in letters]


async def _send(channel: Channel, letter: Letter) -> Fate:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            return await channel.send(letter)
    except (Refused, Unreachable) as fate:
        log.warning("letter not taken", letter=letter.id, channel=letter.channel, code=fate.code)
        return fate
    except Exception as fault:  # a channel that breaks must not stop the others; unknown never means stop
        log.exception("channel broke", letter=letter.id, channel=letter.channel)
        return Unreachable(type(fault).__name__, in_doubt=isinstance(fault, TimeoutError))

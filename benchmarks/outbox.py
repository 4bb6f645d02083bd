"""What sending costs: letters that leave through the outbox, against the same clients alone with as many on their way.

Bare: 32 callers of the provider's own client, one message after another. Ours: letters that wait in the outbox are claimed,
sent by the same client, and what became of them is written down and flushed. Both in one process against one stand-in
that takes everything at once, in turns. Then ten thousand reminders wait at a provider that thinks for 20 ms, and an alert is
written: how many letters leave before it that were not on their way already?
"""

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.country import casebook_of
from benchmarks.loops import run as run_loop
from benchmarks.providers import providers
from benchmarks.rounds import FULL_SECONDS, ROUNDS, SHORT_SECONDS, Row, Told, alternate, ratio, spread
from benchmarks.scripts import script
from bot.channels.sms import SmsChannel
from bot.channels.telegram import TelegramChannel
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TOKEN
from scheduler.clock import SystemClock
from scheduler.gates import SLOTS
from scheduler.outbox import Channel, Receipt
from scheduler.postman import Postman
from storage import outbox
from storage.casebook import Casebook
from storage.database import Database
from storage.migrate import migrate
from storage.outbox import Letter

FASTEST = 6000  # letters a second that a slice may need at most
WAITING = {False: 2000, True: 10_000}  # reminders that an alert overtakes, in the short form and the long
PUBLIC, WORDS = "https://porchlight.example", "K7: where was the child last seen? 1 At home 2 At school 3 Elsewhere"
_clock = SystemClock()


def letter(number: int, channel: str, urgency: int = 43) -> Letter:
    """A question to somebody of whom there is only one."""
    return Letter(
        id=f"letter-{number:08}", case_id=None, person=None, channel=channel, address=_address(number, channel),
        text="PLAIN", body=WORDS, keyboard=(), kind="question", urgency=urgency, edit=None, protect=True, document=None,
        case_card=False, due_at=_clock.now(), expires_at=None, tries=0,
    )  # fmt: skip


def _address(number: int, channel: str) -> str:
    return f"+4477{number:08}" if channel == "sms" else str(100_000 + number)


@dataclass(slots=True)
class Desk:
    """One outbox, and the two clients that letters leave by."""

    casebook: Casebook
    sms: SmsChannel
    telegram: TelegramChannel
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def put(self, channel: str, count: int, urgency: int = 43) -> str:
        """Let so many letters wait; returns the id of the last one."""
        letters = [letter(next(self.numbers), channel, urgency) for _ in range(count)]
        await self.casebook.database.write(lambda tx: outbox.enqueue_all(tx, letters, _clock.now()))
        return letters[-1].id

    async def through_the_outbox(self, channel: Channel, seconds: float) -> float:
        """Letters a second that were claimed, sent and written down."""
        await self.casebook.database.write(
            lambda tx: tx.run("UPDATE outbox SET state = 'cancelled' WHERE state = 'queued'")
        )
        await self.put(channel.name, int(FASTEST * seconds))
        postman = Postman(self.casebook, {channel.name: channel}, _clock.now)
        begun = time.perf_counter()
        going = asyncio.create_task(postman.drain())
        await asyncio.sleep(seconds)
        await postman.stop()
        took = time.perf_counter() - begun
        return (await going).sends / took


async def _bare(send: Callable[[int], Awaitable[Any]], seconds: float) -> float:
    """Messages a second of as many callers as a channel has slots."""
    done, begun = 0, time.perf_counter()

    async def go_on() -> None:
        nonlocal done
        while time.perf_counter() - begun < seconds:
            await send(done)
            done += 1

    await asyncio.gather(*(go_on() for _ in range(SLOTS)))
    return done / (time.perf_counter() - begun)


@asynccontextmanager
async def _desk(folder: str, provider: str) -> AsyncIterator[Desk]:
    sms = SmsChannel(
        account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, api_url=provider, sender=NUMBER, service_sid="",
        public_url=PUBLIC, now=_clock.now,
    )  # fmt: skip
    telegram = TelegramChannel(token=TOKEN, api_url=provider, document=_no_document)
    async with await Database.open(f"sqlite:///{Path(folder) / 'house.db'}") as database:
        await migrate(database)
        try:
            yield Desk(casebook_of(database), sms, telegram)
        finally:
            await sms.close()
            await telegram.close()


async def _no_document(document: str) -> tuple[str, bytes]:
    raise AssertionError("no letter here carries one")


async def rates(seconds: float, rounds: int) -> dict[str, list[float]]:
    """Letters a second of both clients alone, and through the outbox."""
    with tempfile.TemporaryDirectory() as folder, providers() as provider:
        async with _desk(folder, provider) as desk:
            client, bot = desk.sms._client, desk.telegram.bot
            create = partial(
                client.messages.create_async, body=WORDS, from_=NUMBER, status_callback=f"{PUBLIC}/twilio/status?m=x"
            )
            return await alternate(
                {
                    "bare sms": partial(_bare, lambda n: create(to=_address(n, "sms"))),
                    "sms": partial(desk.through_the_outbox, desk.sms),
                    "bare telegram": partial(_bare, lambda n: bot.send_message(n + 1, WORDS, protect_content=True)),
                    "telegram": partial(desk.through_the_outbox, desk.telegram),
                },
                seconds,
                rounds,
            )


@dataclass(slots=True)
class _Watched:
    """A channel that notes when each letter is handed to it."""

    channel: Channel
    handed: list[tuple[str, float]] = field(default_factory=list)
    _one_more: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.channel.name

    async def send(self, letter: Letter) -> Receipt:
        self.handed.append((letter.id, time.perf_counter()))
        self._one_more.set()
        return await self.channel.send(letter)

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait until something is true of what was handed over."""
        while not seen():
            self._one_more.clear()
            await self._one_more.wait()


async def overtaking(waiting: int) -> tuple[int, float]:
    """How many letters were handed over between the commit of an alert and the alert; milliseconds between the two."""
    with tempfile.TemporaryDirectory() as folder, providers(0.02) as provider:
        async with _desk(folder, provider) as desk:
            channel = _Watched(desk.sms)
            await desk.put("sms", waiting)
            postman = Postman(desk.casebook, {"sms": channel}, _clock.now)
            going = asyncio.create_task(postman.drain())
            await channel.until(lambda: len(channel.handed) >= waiting // 20)
            alert = await desk.put("sms", 1, urgency=0)
            committed = time.perf_counter()
            postman.stir()
            await channel.until(lambda: any(name == alert for name, _ in channel.handed))
            await postman.stop()
            await going
    at = dict(channel.handed)[alert]
    return sum(committed < when < at for _, when in channel.handed), (at - committed) * 1000


def run(full: bool = False) -> list[Told]:
    """Rates of both channels against their clients, and what an alert waits for."""
    told = run_loop(rates(FULL_SECONDS if full else SHORT_SECONDS, ROUNDS))
    before, waited = run_loop(overtaking(WAITING[full]))
    return [
        spread("Twilio's client alone, 32 on their way", told["bare sms"], "/s"),
        spread("texts through the outbox", told["sms"], "/s"),
        ratio("texts through the outbox, of the client alone", told["sms"], told["bare sms"], must=0.5, aim=0.8),
        spread("aiogram alone, 32 on their way", told["bare telegram"], "/s"),
        spread("Telegram letters through the outbox", told["telegram"], "/s"),
        ratio("Telegram through the outbox, of aiogram alone", told["telegram"], told["bare telegram"], must=0.5, aim=0.8),
        Row(what=f"letters that leave before an alert, of {WAITING[full]:,} that wait", figure=before, unit="", must=SLOTS,
            more=False, note="those that a free slot had taken before the alert was there"),
        Row(what="an alert leaves after its commit", figure=waited, unit="ms", more=False),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(script(run))

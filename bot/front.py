"""Knows what the house opens once its bells have rung: channels, doors, the web, and what drives them.

Nothing here is imported before that. Web server and providers' libraries take a second or more to load, and a deadline that fell
due while the house was down does not wait for them.
"""

import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from bot import metrics, web
from bot.acts.performing import Performer
from bot.channels.file import FileChannel
from bot.channels.off import OffChannel
from bot.channels.opening import (
    open_email,
    open_last_resort,
    open_received,
    open_scheduled,
    open_sms,
    open_telegram,
    open_voice,
    open_webhook,
)
from bot.doors import FrontDoors, ours_of
from bot.heartbeat import Heartbeat
from bot.listening import Listening
from bot.missed import MissedTexts
from bot.proof import Proof
from bot.readiness import Asked, readiness
from bot.settings import audit_key
from bot.socket import open_hatch
from bot.workshop import Workshop
from handlers.inbox import Doors, no_answer, no_file
from scheduler.auditor import Auditor
from scheduler.canary import CanaryBell
from scheduler.dead_man import DeadMan
from scheduler.metronome import TICK_SECONDS, Metronome
from scheduler.proofs import Proofs
from storage import gauges
from storage.casebook import Answer
from storage.database import Unusable
from storage.inbox import Heard

if TYPE_CHECKING:
    from bot.app import House
    from bot.channels.telegram import TelegramChannel

NODE_TICK_SECONDS = 1  # what a node that died would have rung is seen by the others so soon


class Front:
    """The channels and doors of one house. What is opened is closed by `stack`, in the opposite order."""

    def __init__(self, house: "House", stack: AsyncExitStack) -> None:
        self._house, self._stack = house, stack
        self._telegram: TelegramChannel | None = None
        self._listening: Listening | None = None
        self._doors: FrontDoors | None = None
        self._proof: Proof | None = None
        self._missed: MissedTexts | None = None

    async def open(self, listening: socket.socket) -> None:
        """Open the ways out, then the doors, then let the clock tick."""
        doors = await self._open_channels()
        self._open_proof()
        await self._open_doors(doors, listening)
        await self._start_clock()

    def answer_for(self, heard: Heard) -> Answer:
        """What a message is answered with, when it is worked again."""
        assert self._doors is not None, "messages are worked when the doors are open"
        return self._doors.answer_for(heard)

    async def poll(self) -> int:
        """Take what waits at Telegram now, where the house asks, and what Twilio never brought; returns how many messages
        that were."""
        missed = 0 if self._missed is None else await self._missed.look()
        return missed + (0 if self._listening is None else await self._listening.poll())

    # ---- channels and doors --------------------------------------------------------------------------

    async def _open_channels(self) -> FrontDoors:
        """Letters leave as soon as the first way stands."""
        house, workshop = self._house, Workshop()
        self._stack.push_async_callback(workshop.close)
        files = FileChannel(house.database, house.shelf, house.books["en"], house.settings.var, workshop)
        house.channels["file"] = files
        house.channels["email"] = open_email(house.settings, files.papers, house.books["en"], house.clock.now)
        house.channels["webhook"] = open_webhook(house.settings, files.papers, house.clock.now, self._stack)
        house.channels["sms"] = open_sms(house.settings, house.clock.now, self._stack)
        house.channels["voice"] = open_voice(house.settings, self._stack)
        texts = open_scheduled(house.settings, house.clock.now, self._stack)
        house.work.dead_man = None if texts is None else DeadMan(house.casebook, texts)
        if not house.by_hand:
            house.work.start_post()
            self._stack.push_async_callback(house.work.stop_post)
        self._telegram = bot = await open_telegram(house.settings, files.for_people, workshop, self._stack)
        house.channels["telegram"] = bot or OffChannel("telegram")
        house.work.stir()
        doors = Doors(
            casebook=house.casebook, books=house.books, protocols=house.shelf, clock=house.clock,
            fetch_file=no_file if bot is None else bot.fetch_file,
            answer_press=no_answer if bot is None else bot.answer_press, aside=workshop,
        )  # fmt: skip
        self._doors = FrontDoors(doors, ours_of(house.settings), house.work.stir)
        house.work.proofs = Proofs(house.casebook, house.channels, self._doors.word_on)
        return self._doors

    async def _open_doors(self, doors: FrontDoors, listening: socket.socket) -> None:
        house = self._house
        site = web.Site(web.application(self._entrances(doors)))
        self._stack.push_async_callback(site.close)
        await site.open(listening)
        hatch = await open_hatch(house.settings.var, house.database.name, self._perform)
        if hatch is not None:
            self._stack.push_async_callback(hatch.close)
        self._open_missed(doors)
        if self._telegram is not None:
            self._listening = Listening(
                self._telegram, house.settings, doors, patient=not house.by_hand, leads=lambda: house.work.leading,
                now=house.clock.now, came_back=house.work.ask_again,
            )  # fmt: skip
            self._stack.push_async_callback(self._listening.stop)
            self._listening.start()

    def _open_missed(self, doors: FrontDoors) -> None:
        house = self._house
        texts = open_received(house.settings, self._stack)
        if texts is None:
            return
        self._missed = MissedTexts(texts, house.database, doors.fetched, house.clock.now, lambda: house.work.leading)
        if not house.by_hand:
            self._stack.push_async_callback(self._missed.stop)
            self._missed.start()

    def _entrances(self, doors: FrontDoors) -> web.Entrances:
        house, settings = self._house, self._house.settings
        tokens = (settings.twilio_auth_token, settings.twilio_auth_token_previous)
        return web.Entrances(
            telegram=doors.webhook, sms=doors.sms, receipts=doors.receipts, voice=doors.voice,
            gather=doors.gather, ready=self._ready,
            settle=house.settle if house.by_hand else None,
            telegram_secret=_text(settings.telegram_webhook_secret),
            twilio_tokens=tuple(t.get_secret_value() for t in tokens if t is not None),
            stumbled=self._doubt, metrics=self._metrics, metrics_token=_text(settings.metrics_token),
            public_url=settings.public_url, sandbox=None if house.sandbox is None else house.sandbox.page(),
        )  # fmt: skip

    async def _perform(self, name: str, arguments: Any) -> Any:
        """What a command asks of the running house."""
        house = self._house
        said = await Performer(house.casebook, take_telegram_ids=house.settings.loopback)(name, arguments)
        house.work.stir()
        return said

    async def _ready(self, *, chains: bool = True, write: bool = True) -> tuple[bool, dict[str, Any]]:
        """Whether every promise holds. Whoever asks has the log's chains read and the database written to."""
        house = self._house
        audit = None if self._proof is None or not house.work.leading else self._proof.auditor.last
        off = [name for name, channel in house.channels.items() if isinstance(channel, OffChannel)]
        return await readiness(
            house.database, house.clock,
            Asked(channels=house.channels, off=off, ticked=house.work.ticked, by_hand=self._moved, audit=audit,
                  canaries=house.settings.canaries, unheard=self._unheard(),
                  key=audit_key(house.settings) if chains else None, write=write),
        )  # fmt: skip

    def _unheard(self) -> dict[str, str]:
        """Why nothing comes in by a channel, where this node listens."""
        if not self._house.work.leading:
            return {}
        ears = {"telegram": self._listening, "sms": self._missed}
        return {name: ear.unheard for name, ear in ears.items() if ear is not None and ear.unheard}

    def _doubt(self) -> None:
        if self._proof is not None:
            self._proof.doubt()

    async def _metrics(self) -> bytes:
        house, proof = self._house, self._proof
        ready, facts = await self._ready(chains=False, write=False)
        heart, man = None if proof is None else proof.heartbeat, house.work.dead_man
        try:
            counted = await house.database.read(gauges.count)
        except Unusable:
            counted = None
        out_since = None if man is None else man.out_since
        lived = metrics.Lived(
            heartbeats=0 if heart is None else heart.beats, mended=0 if proof is None else proof.auditor.mended,
            texts_out_s=0 if out_since is None else int((house.clock.now() - out_since).total_seconds()),
        )  # fmt: skip
        return await metrics.told(ready, facts, counted, lived)

    # ---- proof of life -------------------------------------------------------------------------------

    @property
    def _moved(self) -> bool:
        """Whether somebody moves the clock: then nothing has an age, and the house looks after itself when that is done."""
        return self._house.by_hand or self._house.sandbox is not None

    def _faulty_texts(self) -> int | None:
        man = self._house.work.dead_man
        return None if man is None else len(man.faulty)

    def _open_proof(self) -> None:
        """Look after the house from the moment it can speak."""
        house, settings = self._house, self._house.settings
        ticked = (lambda: None) if self._moved else (lambda: house.work.ticked)
        url = None if house.sandbox is not None else settings.heartbeat_url
        self._proof = Proof(
            house.database, Auditor(house.casebook, ticked, house.work.stir, self._faulty_texts),
            lambda chains: self._ready(chains=chains, write=False), lambda: house.work.leading, house.books["en"],
            heartbeat=None if url is None else Heartbeat(url.get_secret_value()),
            last_resort=open_last_resort(settings, house.clock.now, self._stack),
        )  # fmt: skip
        house.work.look_after = self._proof.look
        if settings.canaries:
            house.work.canary = CanaryBell(house.casebook, settings.canaries)
        if not self._moved:
            self._proof.start(house.clock.now)
            self._stack.push_async_callback(self._proof.stop)

    # ---- ticking -------------------------------------------------------------------------------------

    async def _start_clock(self) -> None:
        house = self._house
        if house.by_hand:
            return
        if house.sandbox is not None:
            url = f"http://127.0.0.1:{house.port}"
            await house.sandbox.attach(
                database=house.database, tick=house.work.tick_and_post, house_url=url, public_url=url,
                police=house.settings.var / "police",
            )  # fmt: skip
            return
        metronome = Metronome(house.work.tick, NODE_TICK_SECONDS if house.database.shared else TICK_SECONDS)
        metronome.start()
        house.work.awaken = metronome.wake
        self._stack.push_async_callback(metronome.stop)


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()

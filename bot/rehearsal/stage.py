"""The stage of a rehearsal: a whole house by a clock that is moved, led to doubles of both providers, and everybody's phone."""

import base64
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Self

from bot.app import House
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TOKEN, Sandbox
from bot.settings import KEY_BYTES, Settings, load
from bot.stage import Cast, Stage
from casework.errors import NotAllowed
from storage.casebook import Casebook
from storage.contacts import dead_addresses
from storage.database import Tx
from storage.directory import Directory

PUBLIC_URL = "https://drill.invalid"  # no such name can exist: callbacks are posted to this machine


class Drill(Stage):
    """One house in a folder of its own. `fill` writes its register."""

    def __init__(self, folder: Path, start: datetime, fill: Callable[[Tx], Awaitable[None]]) -> None:
        self.folder = folder
        self.world = Sandbox(start)
        self.board = self.world.board
        self._house: House | None = None
        self._fill = fill
        self.on_call: frozenset[str] = frozenset()  # everybody who has a role on call

    async def __aenter__(self) -> Self:
        self.world.twilio.public_url = PUBLIC_URL
        await self.world.open()
        try:
            self.set_clock(self.world.clock.now())
            await self.up()
            database = self.house.database
            await database.write(self._fill)
            self.cast = await database.read(_cast)
            self.on_call = await database.read(_on_call)
            for _, channel, address in await database.read(dead_addresses):
                self.kill(channel, address)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.down()
        await self.world.close()

    @property
    def house(self) -> House:
        assert self._house is not None, "the rehearsal has begun"
        return self._house

    def kill(self, channel: str, address: str) -> None:
        """From here on nothing arrives at this address."""
        if channel == "telegram":
            self.world.telegram.deactivated.add(address)
        else:
            self.world.twilio.landlines.add(address)

    # ---- what a stage does ----

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    @property
    def casebook(self) -> Casebook | None:
        return None if self._house is None else self._house.casebook

    def set_clock(self, instant: datetime) -> None:
        self.world.clock.set(instant)
        (self.folder / "clock").write_text(self.world.clock.now().isoformat(), encoding="utf-8")

    async def up(self) -> None:
        settings = self._settings()
        if not settings.loopback:
            raise NotAllowed("a rehearsal may reach nobody but this machine")
        self._house = await House(settings, drill=True).__aenter__()
        self.world.twilio.house_url = f"http://127.0.0.1:{self._house.port}"

    async def down(self) -> None:
        if self._house is not None:
            await self._house.__aexit__(None, None, None)
        self._house = None

    async def settle(self) -> None:
        await self.house.settle()
        while await self.world.twilio.travel():
            await self.house.settle()

    async def presses(self, account: str, message_id: int, token: str) -> None:
        await self.world.telegram.presses(account, message_id, token)

    async def types(self, account: str, words: str) -> None:
        await self.world.telegram.types(account, words)

    async def texts(self, number: str, words: str) -> None:
        await self.world.twilio.texts(number, words)

    def _settings(self) -> Settings:
        """Nothing of them comes from the environment or from `.env`: no credential that was set is even read."""
        return load(
            {
                "PORCHLIGHT_MODE": "live", "DATABASE_URL": f"sqlite:///{self.folder / 'rehearsal.db'}",
                "HTTP_BIND": "127.0.0.1:0", "PUBLIC_URL": PUBLIC_URL, "TELEGRAM_MODE": "polling",
                "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": self.world.telegram_url, "TWILIO_FROM": NUMBER,
                "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
                "TWILIO_API_URL": self.world.twilio_url, "PORCHLIGHT_TEST_CLOCK": str(self.folder / "clock"),
                "PORCHLIGHT_AUDIT_KEY": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
            },
            self.folder,
        )  # fmt: skip


async def _on_call(tx: Tx) -> frozenset[str]:
    directory = Directory(tx)
    people = [person for each in await directory.organisations() for person in await directory.people(each.id)]
    return frozenset(person.person_id for person in people if person.active and person.on_call)


async def _cast(tx: Tx) -> Cast:
    directory, phones = Directory(tx), dict[str, dict[str, str]]()
    for organisation in await directory.organisations():
        for person in await directory.people(organisation.id):
            ways = {"telegram": person.telegram_id, "sms": person.mobile}
            phones[person.person_id] = {channel: str(address) for channel, address in ways.items() if address}
    return Cast(phones)

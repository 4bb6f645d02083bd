"""The stage of a rehearsal: a house that says DRILL, the people of a register, and everybody's phone."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Self

from bot.app import House
from bot.sandbox import Sandbox
from bot.settings import KEY_BYTES
from bot.stage import Cast
from bot.whole_stage import WholeStage
from casework.errors import NotAllowed
from storage.contacts import dead_addresses
from storage.database import Tx
from storage.directory import Directory

PUBLIC_URL = "https://drill.invalid"  # no such name can exist: callbacks are posted to this machine


class Drill(WholeStage):
    """One house in a folder of its own. `fill` writes its register."""

    def __init__(self, folder: Path, start: datetime, fill: Callable[[Tx], Awaitable[None]]) -> None:
        super().__init__(folder, Sandbox(start))
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

    def kill(self, channel: str, address: str) -> None:
        """From here on nothing arrives at this address."""
        if channel == "telegram":
            self.world.telegram.deactivated.add(address)
        else:
            self.world.twilio.landlines.add(address)

    async def up(self) -> None:
        """Open the house. Raises NotAllowed where its settings could reach anybody but this machine."""
        database = f"sqlite:///{self.folder / 'rehearsal.db'}"
        settings = self.settings(database, PUBLIC_URL, secrets.token_bytes(KEY_BYTES))
        if not settings.loopback:
            raise NotAllowed("a rehearsal may reach nobody but this machine")
        await self.opens(House(settings, drill=True))


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

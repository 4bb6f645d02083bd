"""Everybody's phone at one whole house: what they type, press and text goes in by the real clients, and every message
that nobody expected fails the test.

The house runs in this process in live mode, led to the doubles of both providers on loopback, by a clock that the test
moves. `reopens` closes and opens it again between every two steps, so that nothing can live in memory alone.

    async with phones(tmp_path) as all:
        await all.staff("alice").types("/absent K7 21:00")
        all.staff("alice").sees("Is K7 in danger")
        await all.staff("alice").presses("No")
        await all.later(minutes=10)
        all.parent("pat").sees_nothing()
"""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from bot.app import House
from bot.chance import ScriptedChance
from bot.sandbox import Sandbox
from bot.sandbox.switchboard import Shown
from bot.scenario import Line
from bot.stage import Cast
from bot.whole_stage import WholeStage
from storage import roster as registers
from storage.roster import Roster
from tests import databases
from tests.storage.houses import ROSTER

EVENING = datetime(2026, 6, 10, 20, 0, tzinfo=UTC)  # nine o'clock in London
PUBLIC_URL = "https://porchlight.example"


class Phones(WholeStage):
    """One house and everybody's phone. `world` holds both doubles: failures are planted there."""

    def __init__(self, folder: Path, world: Sandbox, people: Roster, *, reopens: bool = False, **settings: str) -> None:
        super().__init__(folder, world)
        self.cast = Cast.of(people)
        self._people, self._reopens, self._more = people, reopens, settings
        self._chance, self._new = ScriptedChance(), True
        self._unread: list[Line] = []

    # ---- phones ----

    def staff(self, person: str) -> "Phone":
        """The Telegram of somebody who has an account."""
        return self.phone(person, "telegram")

    def parent(self, person: str) -> "Phone":
        """The SMS of somebody who has a number."""
        return self.phone(person, "sms")

    def phone(self, person: str, channel: str = "") -> "Phone":
        """One phone; without a channel, the person's first. Raises BadScenario where there is none."""
        return Phone(self, person, *self.cast.address(person, channel))

    def unexpected(self) -> list[Line]:
        """Every message that came to a phone and that nobody has looked for yet."""
        self._unread += self.taken()
        return self._unread

    async def later(self, **time: float) -> None:
        """Let time pass, every deadline and letter at its own instant: `later(minutes=10)`."""
        await self.move_to(self.now + timedelta(**time))

    # ---- the stage ----

    async def up(self) -> None:
        """Open the house; what fell due while it was down rings before any door opens."""
        settings = self.settings(databases.url(self.folder), PUBLIC_URL, b"k" * 32, **self._more)
        await self.opens(House(settings, chance=self._chance))
        if self._new:
            self._new = False
            await self.house.database.write(lambda tx: registers.apply(tx, self._people, take_telegram_ids=True))
        await self.settle()

    async def between_steps(self) -> None:
        """Close and open again, where that was asked for."""
        if self._reopens:
            await self.down()
            await self.up()


@dataclass(frozen=True)
class Phone:
    """One person's phone on one channel."""

    all: Phones
    person: str
    channel: str
    address: str

    async def types(self, words: str) -> None:
        """Write to the house, in Telegram or by text, and let it work until nothing moves."""
        await self.all.between_steps()
        if self.channel == "telegram":
            await self.all.types(self.address, words)
        else:
            await self.all.texts(self.address, words)
        await self.all.settle()

    texts = types

    async def presses(self, label: str) -> None:
        """Press the newest button of these words; a test that finds none fails."""
        for message in reversed(self.shows()):
            for words, token in (key for row in message.buttons for key in row):
                if words == label:
                    await self.all.between_steps()
                    await self.all.presses(self.address, message.message_id, token)
                    return await self.all.settle()
        raise AssertionError(f"{self.person} has no button {label!r}, but {self.buttons()}")

    async def sends_photo(self, data: bytes | None = None, caption: str = "") -> None:
        """Send a photo."""
        await self.all.between_steps()
        await self.all.world.telegram.sends_photo(self.address, data or a_photo(), caption)
        await self.all.settle()

    async def sends_place(self, latitude: float = 51.5, longitude: float = -0.12) -> None:
        """Send a place on the map."""
        await self.all.between_steps()
        await self.all.world.telegram.sends_location(self.address, latitude, longitude)
        await self.all.settle()

    def shows(self) -> list[Shown]:
        """All that stands on this phone, the owner's own words too."""
        return list(self.all.board.phone(self.channel, self.address))

    def buttons(self) -> list[str]:
        """The words of every button that can be pressed, the newest message last."""
        return [words for message in self.shows() for row in message.buttons for words, _ in row]

    def received(self) -> list[str]:
        """Every message since the last look, now expected."""
        mine = [line for line in self.all.unexpected() if self._is_mine(line)]
        for line in mine:
            self.all.unexpected().remove(line)
        return [line.text for line in mine]

    def sees(self, words: str) -> str:
        """Expect a message that holds these words; returns the whole of it."""
        for line in self.all.unexpected():
            if self._is_mine(line) and words in line.text:
                self.all.unexpected().remove(line)
                return line.text
        unread = [line.text for line in self.all.unexpected() if self._is_mine(line)]
        raise AssertionError(f"{self.person} ({self.channel}) does not see {words!r}, but {unread}")

    def sees_nothing(self) -> None:
        """Expect that this phone is quiet."""
        assert [] == [line.text for line in self.all.unexpected() if self._is_mine(line)]

    def _is_mine(self, line: Line) -> bool:
        return (line.person, line.channel) == (self.person, self.channel)


def a_photo() -> bytes:
    """A small picture, as a camera sends it."""
    kept = io.BytesIO()
    Image.new("RGB", (120, 90), (120, 130, 140)).save(kept, "JPEG")
    return kept.getvalue()


@asynccontextmanager
async def phones(
    folder: Path, people: Roster | str = ROSTER, *, start: datetime = EVENING, reopens: bool = False, **settings: str
) -> AsyncIterator[Phones]:
    """A house with people in it. Whoever leaves it without having expected every message fails."""
    known: Any = registers.parse(people) if isinstance(people, str) else people
    assert isinstance(known, Roster), known
    world = Sandbox(start)
    world.twilio.public_url = PUBLIC_URL
    await world.open()
    all_phones = Phones(folder, world, known, reopens=reopens, **settings)
    try:
        all_phones.set_clock(start)
        await all_phones.up()
        yield all_phones
        assert [] == all_phones.unexpected(), "messages that nobody expected"
    finally:
        await all_phones.down()
        await world.close()

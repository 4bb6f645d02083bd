"""A stage with no network and a virtual clock: the real database, casebook, doors, bells and outbox of a house, and
phones in memory. What `porchlight simulate` plays nights on.
"""

import re
from contextlib import AsyncExitStack
from datetime import datetime
from tempfile import TemporaryDirectory
from typing import Self

from bot import locales
from bot.chance import ScriptedChance
from bot.crash import Crash
from bot.doors import FrontDoors
from bot.protocols import SHIPPED, Shelf
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.telegram import TelegramDouble
from bot.scenario import BadScenario, Line, Scenario
from bot.stage import Cast, Stage, play
from bot.work import Work
from handlers import sms
from handlers.inbox import Doors
from handlers.sms import Ours
from scheduler.clock import VirtualClock
from scheduler.outbox import Channel, Receipt
from storage import roster
from storage.casebook import Casebook
from storage.database import Database
from storage.migrate import migrate
from storage.outbox import Letter
from storage.roster import Roster

ROSTER = SHIPPED / "scenarios-roster.toml"
KEY = b"simulate" * 4  # it chains a log that lives as long as the night
JURISDICTIONS = ("england", "wales", "scotland", "northern-ireland")
OURS = Ours(account_sid="AC" + "0" * 32, number="+441632960200", service_sid="")
_PROTOCOL = re.compile(r'^jurisdiction = ".*"\nprotocol = ".*"$', re.MULTILINE)


class PhoneChannel:
    """A channel that puts each letter on a phone in memory, as the real one would."""

    def __init__(self, name: str, board: Switchboard) -> None:
        self.name, self._board = name, board

    async def send(self, letter: Letter) -> Receipt:
        """Show the letter; an edit changes the message it names, and a new card takes the buttons off the old one."""
        if letter.edit is not None:
            shown = self._board.edit(self.name, letter.address, letter.edit, letter.body, letter.keyboard)
            if shown is not None:
                return Receipt(provider_id=str(shown.message_id))
        new = self._board.deliver(self.name, letter.address, text=letter.body, buttons=letter.keyboard)
        old = None if letter.before is None else self._board.find(self.name, letter.address, letter.before)
        if old is not None:
            self._board.edit(self.name, letter.address, old.message_id, old.text, ())
        return Receipt(provider_id=str(new.message_id))


class NoFiles:
    """Where reports go: nowhere; that one was made is seen in the case."""

    name = "file"

    async def send(self, letter: Letter) -> Receipt:
        """Take it."""
        return Receipt(provider_id=letter.document or "")


class Rooms(Stage):
    """The rooms of a house without its wires. `reopens`: close and open them again between every two steps."""

    def __init__(
        self, database: str, people: Roster, protocols: Shelf, start: datetime, *, reopens: bool = False
    ) -> None:
        self._url, self._people, self._protocols, self._reopens = database, people, protocols, reopens
        self._new = True
        self._clock = VirtualClock(start)
        self.board = Switchboard(self._clock.now)
        self.cast = Cast.of(people)
        self._telegram = TelegramDouble("1:simulate", self.board, self._clock.now)
        self._chance = ScriptedChance()
        self._stack = AsyncExitStack()
        self._casebook: Casebook | None = None
        self._texts = 0

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.down()

    @property
    def now(self) -> datetime:
        return self._clock.now()

    @property
    def casebook(self) -> Casebook | None:
        """The casebook; None while the rooms are closed."""
        return self._casebook

    def set_clock(self, instant: datetime) -> None:
        """Move the clock."""
        self._clock.set(instant)

    # ---- opening and closing ----

    async def up(self) -> None:
        """Open the rooms; what fell due while they were closed rings before anything else."""
        database = await Database.open(self._url)
        self._stack.push_async_callback(database.close)
        await migrate(database)
        if self._new:
            self._new = False
            await database.write(lambda tx: roster.apply(tx, self._people, take_telegram_ids=True))
        books = locales.books()
        casebook = Casebook(database, self._protocols, books, self._clock.now, self._chance, audit_key=KEY)
        ways: list[Channel] = [PhoneChannel(name, self.board) for name in ("telegram", "sms")]
        channels = {each.name: each for each in (*ways, NoFiles())}
        doors = Doors(casebook=casebook, books=books, protocols=self._protocols, clock=self._clock)
        self._front = FrontDoors(doors, OURS, lambda: None)
        self._work = Work(casebook, channels, self._clock, Crash(None), self._front.answer_for)
        self._casebook = casebook
        await self._work.wake()
        await self.settle()

    async def down(self) -> None:
        """Close the rooms."""
        if self._casebook is not None:
            await self._work.sleep()
        self._casebook = None
        await self._stack.aclose()

    async def between_steps(self) -> None:
        """Close and open again, where that was asked for: nothing may live in memory alone."""
        if self._reopens:
            await self.down()
            await self.up()

    async def settle(self) -> None:
        """Work until nothing moves at this instant."""

        async def no_poll() -> int:
            return 0

        await self._work.settle(no_poll)

    # ---- people ----

    async def presses(self, account: str, message_id: int, token: str) -> None:
        """A press, as Telegram's update."""
        await self._front.update(await self._telegram.presses(account, message_id, token))

    async def types(self, account: str, words: str) -> None:
        """A message, as Telegram's update."""
        await self._front.update(await self._telegram.types(account, words))

    async def texts(self, number: str, words: str) -> None:
        """A text, as the form Twilio posts."""
        self._texts += 1
        self.board.write("sms", number, words)
        form = {"MessageSid": f"SM{self._texts:032x}", "AccountSid": OURS.account_sid, "From": number,
                "To": OURS.number, "Body": words, "NumMedia": "0"}  # fmt: skip
        await sms.hear(self._front.doors, OURS, list(form.items()))


def people_of(scenario: Scenario) -> Roster:
    """Everybody of the nights, under this night's protocol, and what the night adds."""
    there = scenario.protocol.partition("/")[0]
    jurisdiction = there if there in JURISDICTIONS else "england"
    text = _PROTOCOL.sub(
        f'jurisdiction = "{jurisdiction}"\nprotocol = "{scenario.protocol}"', ROSTER.read_text(encoding="utf-8")
    )
    return roster.parse(f"{text}\n{scenario.roster}")


async def simulated(
    scenario: Scenario, protocols: Shelf, *, database: str | None = None, reopens: bool = False
) -> list[Line]:
    """Play one night; returns its transcript. Raises BadScenario.

    `database`: the URL of one that nobody lives in; without it, a file that lives as long as the night.
    """
    if scenario.protocol not in protocols:
        raise BadScenario(f"{scenario.scenario_id}: no such protocol: {scenario.protocol}")
    with TemporaryDirectory(prefix="porchlight-") as folder:
        people, url = people_of(scenario), database or f"sqlite:///{folder}/night.db"
        async with Rooms(url, people, protocols, scenario.start, reopens=reopens) as stage:
            return await play(scenario, stage)

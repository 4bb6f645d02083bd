"""The sandbox: both providers' doubles on loopback, a clock of its own, and a page with everybody's phone.

The house in front of it is the real one, with the real clients; it cannot tell the doubles from the providers, save
that they live on this machine. Nothing said here leaves it.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path

from aiohttp import web

from bot.sandbox import phones
from bot.sandbox.clock import STEP_SECONDS, SandboxClock, Tick
from bot.sandbox.pages import Page
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.telegram import TelegramDouble
from bot.sandbox.twilio import TwilioDouble
from casework.limits import LONDON
from scheduler.clock import SystemClock
from storage.codec import ms
from storage.database import Database

SEED = Path(__file__).parent / "seed.toml"
TOKEN = "1:sandbox-bot"
ACCOUNT_SID, AUTH_TOKEN, SERVICE_SID = "AC" + "5a" * 16, "sandbox-token", "MG" + "5a" * 16
NUMBER = "+441632960200"
UPLOAD_AT_MOST_BYTES = 64 * 1024 * 1024
EVENING = time(21, 5, tzinfo=LONDON)  # K7 was due at nine


class Sandbox:
    """The doubles, the clock and the page. `attach` tells it of the house once that stands.

    `life`: larger in each life over one database, since no network gives an id twice: the house would take what is said
    in a second life for repeats of the first.
    """

    token, account_sid, auth_token, from_number, service_sid = TOKEN, ACCOUNT_SID, AUTH_TOKEN, NUMBER, SERVICE_SID

    def __init__(self, start: datetime, life: int = 0) -> None:
        self.clock = SandboxClock(start)
        self.board = Switchboard(self.clock.now)
        self.clock.moved = self.board.touch  # the page shows minutes
        self.telegram = TelegramDouble(TOKEN, self.board, self.clock.now)
        self.twilio = TwilioDouble(
            account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, number=NUMBER, board=self.board, now=self.clock.now
        )
        self.board.last_id += life
        self.telegram.updates.next_id += life
        self.twilio.life = life
        self.telegram_url = self.twilio_url = ""
        self.database: Database | None = None
        self.police = Path()
        self._runner: web.AppRunner | None = None
        self._running: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Let both doubles listen on a loopback port of their own."""
        app = web.Application(client_max_size=UPLOAD_AT_MOST_BYTES)
        app.add_routes([*self.telegram.routes(), *self.twilio.routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.telegram_url = self.twilio_url = f"http://127.0.0.1:{port}"

    async def attach(self, *, database: Database, tick: Tick, house_url: str, public_url: str, police: Path) -> None:
        """The house stands: let its clock run, and let phones reach it."""
        self.database, self.police, self.clock.tick = database, police, tick
        self.twilio.house_url, self.twilio.public_url = house_url, public_url
        for phone in await database.read(phones.phones):
            if phone.person.telegram_id is not None:
                self.telegram.names[str(phone.person.telegram_id)] = phone.person.name.split()[0]
        self._running = [asyncio.create_task(self.clock.run()), asyncio.create_task(self._deliver())]

    async def close(self) -> None:
        """Stop the clock and the doubles."""
        for task in self._running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._runner is not None:
            await self._runner.cleanup()

    def page(self) -> web.Application:
        """The page's own routes, to be mounted under /sandbox/."""
        return Page(self).application()

    async def _deliver(self) -> None:
        """Every text that was taken is on its way, and then there, a moment later."""
        while True:
            await asyncio.sleep(STEP_SECONDS)
            await self.twilio.travel()


async def start() -> Sandbox:
    """Start the doubles. It is evening there: the page's first move is a child who was due at nine."""
    now = SystemClock().now()
    evening = datetime.combine(now.astimezone(LONDON).date(), EVENING).astimezone(UTC)
    sandbox = Sandbox(evening, life=ms(now))
    await sandbox.open()
    return sandbox

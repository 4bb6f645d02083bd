"""The sandbox: both providers' doubles on loopback, a clock of its own, and a page with everybody's phone.

The house in front of it is the real one, with the real clients; it cannot tell the doubles from the providers, save that
they live on this machine. Nothing said here leaves it.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from PIL import Image

from bot.sandbox import phones
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.telegram import TelegramDouble
from bot.sandbox.twilio import TwilioDouble
from scheduler.clock import SystemClock, VirtualClock
from storage.database import Database

log = structlog.get_logger()

PAGE = Path(__file__).parent / "page"
SEED = Path(__file__).parent / "seed.toml"
TOKEN = "1:sandbox-bot"
ACCOUNT_SID, AUTH_TOKEN = "AC" + "5a" * 16, "sandbox-token"
NUMBER = "+441632960200"
STEP_SECONDS = 0.25
WATCH_SECONDS = 20
JUMPS_AT_MOST = 2000
NO_STORE = {"Cache-Control": "no-store"}
GUARDED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

Tick = Callable[[], Awaitable[datetime | None]]


class Sandbox:
    """The doubles, the clock and the page. `attach` tells it of the house once that stands."""

    token, account_sid, auth_token, from_number = TOKEN, ACCOUNT_SID, AUTH_TOKEN, NUMBER

    def __init__(self, start: datetime) -> None:
        self.clock = VirtualClock(start)
        self.board = Switchboard(self.clock.now)
        self.telegram = TelegramDouble(TOKEN, self.board, self.clock.now)
        self.twilio = TwilioDouble(
            account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, number=NUMBER, board=self.board, now=self.clock.now
        )
        self.speed = 1.0
        self.telegram_url = self.twilio_url = ""
        self._runner: web.AppRunner | None = None
        self._database: Database | None = None
        self._police = Path()
        self._tick: Tick | None = None
        self._running: list[asyncio.Task[None]] = []
        self._moving = asyncio.Lock()

    # ---- starting and stopping ----

    async def open(self) -> None:
        """Let both doubles listen on a loopback port of their own."""
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.add_routes([*self.telegram.routes(), *self.twilio.routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.telegram_url = self.twilio_url = f"http://127.0.0.1:{port}"

    async def attach(self, *, database: Database, tick: Tick, house_url: str, public_url: str, police: Path) -> None:
        """The house stands: let its clock run, and let phones reach it."""
        self._database, self._tick, self._police = database, tick, police
        self.twilio.house_url, self.twilio.public_url = house_url, public_url
        for phone in await database.read(phones.phones):
            if phone.person.telegram_id is not None:
                self.telegram.names[str(phone.person.telegram_id)] = phone.person.name
        self._running = [asyncio.create_task(self._run()), asyncio.create_task(self._report())]

    async def close(self) -> None:
        """Stop the clock and the doubles."""
        for task in self._running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._runner is not None:
            await self._runner.cleanup()

    # ---- time ----

    async def move(self, target: datetime) -> None:
        """Let time pass: every deadline and letter at its own instant, never over one."""
        async with self._moving:
            shown = self.clock.now().replace(second=0, microsecond=0)
            for _ in range(JUMPS_AT_MOST):
                due = await self._tick() if self._tick is not None else None
                if due is None or due > target:
                    break
                self.clock.set(max(due, self.clock.now()))
            self.clock.set(target)
            if self._tick is not None:
                await self._tick()
            if self.clock.now().replace(second=0, microsecond=0) != shown:
                self.board.touch()  # the page shows minutes

    async def to_next_deadline(self) -> None:
        """Let time pass up to the next instant at which the house has something to do."""
        due = await self._tick() if self._tick is not None else None
        if due is not None:
            await self.move(due)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(STEP_SECONDS)
            if self.speed:
                try:
                    await self.move(self.clock.now() + timedelta(seconds=STEP_SECONDS * self.speed))
                except Exception:
                    log.exception("the sandbox's clock stumbled")

    async def _report(self) -> None:
        """Twilio's callbacks: every text that was taken is on its way, and then there, a moment later."""
        while True:
            await asyncio.sleep(STEP_SECONDS)
            await self.twilio.travel()

    # ---- the page ----

    def page(self) -> web.Application:
        """The page's own routes, mounted under /sandbox/."""
        app = web.Application(client_max_size=64 * 1024)
        app.add_routes([
            web.get("/", self._file("index.html", "text/html")),
            web.get("/page.css", self._file("page.css", "text/css")),
            web.get("/page.js", self._file("page.js", "text/javascript")),
            web.get("/state", self._state),
            web.post("/act", self._act),
            web.post("/clock", self._clock),
            web.get("/police/{name}", self._police_file),
            web.get("/document/{address}/{message}", self._document),
        ])  # fmt: skip
        return app

    def _file(self, name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            text = (PAGE / name).read_text(encoding="utf-8")
            return web.Response(text=text, content_type=kind, headers={**GUARDED, **NO_STORE})

        return answer

    async def _state(self, request: web.Request) -> web.Response:
        seen = request.query.get("seen", "-1")
        if seen.lstrip("-").isdecimal() and int(seen) >= 0:
            await self.board.wait(int(seen), WATCH_SECONDS)
        return web.Response(text=phones.as_json(await self._look()), content_type="application/json", headers=NO_STORE)

    async def _look(self) -> dict[str, Any]:
        version, now = self.board.version, self.clock.now()
        if self._database is None:
            raise web.HTTPServiceUnavailable
        owners = await self._database.read(phones.phones)
        told = await self._database.read(lambda tx: phones.cases(tx, now))
        speed = "pause" if not self.speed else str(int(self.speed))
        local = phones.clock(now).split()
        return {
            "version": version, "now": local[1], "day": local[0], "speed": speed, "next": "",
            "phones": [phones.shown(phone, self.board) for phone in owners], "cases": told, "police": self._inbox(),
        }  # fmt: skip

    def _inbox(self) -> list[dict[str, str]]:
        if not self._police.is_dir():
            return []
        files = sorted(self._police.iterdir(), key=lambda f: (f.stat().st_mtime, f.name), reverse=True)
        says = {".pdf": "the report, to read and print", ".json": "the same report, for a machine"}
        return [{"name": f.name, "says": says[f.suffix]} for f in files if f.suffix in says]

    async def _act(self, request: web.Request) -> web.Response:
        """A person does something on a phone."""
        wish = await _wish(request)
        address, channel = str(wish.get("address", "")), wish.get("channel")
        if channel == "sms":
            await self.twilio.texts(address, str(wish.get("text", "")))
        elif channel != "telegram" or not address.isdecimal():
            raise web.HTTPBadRequest
        elif wish.get("press"):
            await self.telegram.presses(address, int(wish.get("message", 0)), str(wish["press"]))
        elif wish.get("photo"):
            await self.telegram.sends_photo(address, _picture())
        elif wish.get("place"):
            await self.telegram.sends_location(address, 51.5, -0.12)
        else:
            await self.telegram.types(address, str(wish.get("text", "")))
        return web.Response(status=204)

    async def _clock(self, request: web.Request) -> web.Response:
        """Somebody moves the clock."""
        wish = await _wish(request)
        if "jump" in wish:
            await self.move(self.clock.now() + timedelta(minutes=min(24 * 60, max(0, int(wish["jump"])))))
        elif wish.get("do") == "next":
            await self.to_next_deadline()
        else:
            self.speed = {"pause": 0.0, "1": 1.0, "60": 60.0}.get(str(wish.get("do")), self.speed)
        self.board.touch()
        return web.Response(status=204)

    async def _police_file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in {file["name"] for file in self._inbox()}:
            raise web.HTTPNotFound
        return web.FileResponse(self._police / name, headers=NO_STORE)

    async def _document(self, request: web.Request) -> web.Response:
        found = self.board.find("telegram", request.match_info["address"], int(request.match_info["message"]))
        if found is None or not found.data:
            raise web.HTTPNotFound
        return web.Response(body=found.data, content_type="application/pdf", headers=NO_STORE)


async def _wish(request: web.Request) -> dict[str, Any]:
    """What the page asks; JSON alone, so that no other site's form can ask it."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    wish = await request.json()
    if not isinstance(wish, dict):
        raise web.HTTPBadRequest
    return wish


def _picture() -> bytes:
    """A small grey photo, as a phone might send."""
    kept = io.BytesIO()
    Image.new("RGB", (120, 90), (120, 130, 140)).save(kept, "JPEG")
    return kept.getvalue()


async def start() -> Sandbox:
    """Start the doubles; the clock begins at the machine's time."""
    sandbox = Sandbox(SystemClock().now())
    await sandbox.open()
    return sandbox

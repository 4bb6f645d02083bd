"""The page's own addresses: what it shows, what a person does on a phone, the clock's keys, and the police's files.

Whatever is asked must be JSON, so that no other site's form can ask it; nothing from outside is ever loaded.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox import cases, phones
from bot.sandbox.clock import SPEEDS
from bot.sandbox.police import inbox
from casework.limits import LONDON
from storage.database import Database

if TYPE_CHECKING:
    from bot.sandbox import Sandbox

PAGE = Path(__file__).parent / "page"
WATCH_SECONDS = 20
JUMP_AT_MOST_MINUTES = 24 * 60
WORDS_AT_MOST = 4096
KINDS = {".pdf": "application/pdf", ".json": "application/json", ".jpg": "image/jpeg"}
NO_STORE = {"Cache-Control": "no-store"}
GUARDED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Page:
    """The page over one sandbox."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox, self._clock, self._board = sandbox, sandbox.clock, sandbox.board

    def application(self) -> web.Application:
        """Its routes, to be mounted under /sandbox/."""
        app = web.Application(client_max_size=64 * 1024)
        app.add_routes([
            web.get("/", _file("index.html", "text/html")),
            web.get("/page.css", _file("page.css", "text/css")),
            web.get("/page.js", _file("page.js", "text/javascript")),
            web.get("/phone.js", _file("phone.js", "text/javascript")),
            web.get("/lamp.svg", _file("lamp.svg", "image/svg+xml")),
            web.get("/state", self._state),
            web.post("/act", self._act),
            web.post("/clock", self._move),
            web.get("/police/{name}", self._police_file),
            web.get("/document/{address}/{message}", self._document),
        ])  # fmt: skip
        return app

    # ---- looking ----

    async def _state(self, request: web.Request) -> web.Response:
        """All that the page shows; with `seen`, once there is something newer than that."""
        seen = request.query.get("seen", "")
        if seen.isdecimal():
            await self._board.wait(int(seen), WATCH_SECONDS)
        return web.json_response(await self._look(), headers=NO_STORE)

    async def _look(self) -> dict[str, Any]:
        version, now, database = self._board.version, self._clock.now(), self._database()
        owners = await database.read(phones.phones)
        due = await database.read(cases.next_deadline)
        local = now.astimezone(LONDON)
        speed = next(name for name, factor in SPEEDS.items() if factor == self._clock.speed)
        return {
            "version": version, "now": f"{local:%H:%M}", "day": f"{local:%A %-d %B}", "speed": speed,
            "next": "" if due is None else _in_words(due, now),
            "phones": [phones.shown(phone, self._board) for phone in owners],
            "lately": phones.lately(owners, self._board.sent),
            "cases": await database.read(cases.told), "police": inbox(self._sandbox.police),
        }  # fmt: skip

    async def _police_file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in {file["name"] for report in inbox(self._sandbox.police) for file in report["files"]}:
            raise web.HTTPNotFound
        return web.FileResponse(self._sandbox.police / name, headers=NO_STORE)

    async def _document(self, request: web.Request) -> web.Response:
        """A file as it lies on a phone."""
        address, number = request.match_info["address"], request.match_info["message"]
        found = self._board.find("telegram", address, int(number)) if number.isdecimal() else None
        if found is None or not found.data:
            raise web.HTTPNotFound
        kind = KINDS.get(Path(found.document).suffix, "application/octet-stream")
        return web.Response(
            body=found.data, content_type=kind, headers={**NO_STORE, "X-Content-Type-Options": "nosniff"}
        )

    # ---- doing ----

    async def _act(self, request: web.Request) -> web.Response:
        """A person does something on a phone."""
        wish = await _wish(request)
        self._database()
        channel, address, words = wish.get("channel"), str(wish.get("address", "")), str(wish.get("text", ""))
        if (channel, address) not in await self._addresses() or len(words) > WORDS_AT_MOST:
            raise web.HTTPBadRequest
        telegram = self._sandbox.telegram
        if channel == "sms":
            await self._sandbox.twilio.texts(address, words)
        elif isinstance(wish.get("press"), str):
            await telegram.presses(address, _number(wish.get("message")), wish["press"])
        elif wish.get("photo"):
            await telegram.sends_photo(address, (PAGE / "photo.jpg").read_bytes())
        elif wish.get("place"):
            await telegram.sends_location(address, 51.5, -0.12)
        else:
            await telegram.types(address, words)
        return web.Response(status=204)

    async def _move(self, request: web.Request) -> web.Response:
        """Somebody moves the clock: its speed, or so many minutes, or on to the next deadline."""
        wish = await _wish(request)
        if "jump" in wish:
            minutes = min(JUMP_AT_MOST_MINUTES, _number(wish["jump"]))
            await self._clock.pass_to(self._clock.now() + timedelta(minutes=minutes))
        elif wish.get("speed") in SPEEDS:
            self._clock.speed = SPEEDS[wish["speed"]]
        elif wish.get("to") == "next":
            due = await self._database().read(cases.next_deadline)
            await self._clock.pass_to(self._clock.now() if due is None else due)
        else:
            raise web.HTTPBadRequest
        self._board.touch()
        return web.Response(status=204)

    async def _addresses(self) -> set[tuple[str, str]]:
        return {pair for phone in await self._database().read(phones.phones) for pair in phone.channels}

    def _database(self) -> Database:
        if self._sandbox.database is None:
            raise web.HTTPServiceUnavailable
        return self._sandbox.database


def _file(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        text = (PAGE / name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=kind, headers={**GUARDED, **NO_STORE})

    return answer


async def _wish(request: web.Request) -> dict[str, Any]:
    """What the page asks; 415 for what a form of another site could send, 400 for what is no wish."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        wish = await request.json()
    except ValueError:
        raise web.HTTPBadRequest from None
    if not isinstance(wish, dict):
        raise web.HTTPBadRequest
    return wish


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise web.HTTPBadRequest
    return value


def _in_words(due: datetime, now: datetime) -> str:
    """`21:15, in 10 min`."""
    minutes = max(0, round((due - now).total_seconds() / 60))
    away = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return f"{due.astimezone(LONDON):%H:%M}, in {away}"

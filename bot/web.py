"""Knows the house's web addresses and what each answers before a door is asked: methods, sizes, secrets, signatures.

A provider that hears 2xx forgets the message, so 2xx is said only after the commit; one that hears 503 comes again. A
500 would make Telegram hold back everything else that person says, so no door ever says it (A5).
"""

import asyncio
import hmac
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.metrics import CONTENT_TYPE as METRICS_TYPE
from handlers import twilio_signature

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_AT_MOST = 1024 * 1024
HEADER_AT_MOST = 32 * 1024  # a secret of 10 kB is a wrong secret, not a broken request (B003)
BODY_SECONDS = 15  # a body that trickles in holds one socket for so long and nobody else
COME_AGAIN_SECONDS = 5
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
SIGNATURE_HEADER = "X-Twilio-Signature"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A signed request of Twilio: what its address asks and every field, or None for a body that is no form."""

    query: dict[str, str]
    fields: list[tuple[str, str]] | None
    body: bytes
    fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrances:
    """What stands behind the addresses. A Twilio door returns False (the telephone's: None) for a request that is none of
    ours; the telephone's else what is done next in the call, or nothing."""

    telegram: Callable[[bytes], Awaitable[object]]
    sms: Callable[[Form], Awaitable[bool]]
    receipts: Callable[[Form], Awaitable[bool]]
    voice: Callable[[Form], Awaitable[str | None]]
    gather: Callable[[Form], Awaitable[str | None]]
    ready: Callable[[], Awaitable[tuple[bool, dict[str, Any]]]]
    settle: Callable[[], Awaitable[dict[str, int]]] | None
    telegram_secret: str | None
    twilio_tokens: tuple[str, ...]
    public_url: str
    metrics: Callable[[], Awaitable[bytes]] | None = None
    stumbled: Callable[[], None] = lambda: None  # hears of each request that could not be answered
    metrics_token: str | None = None
    sandbox: web.Application | None = None
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)


def application(entrances: Entrances) -> web.Application:
    """Build every address of the contract that this part of the house has."""
    app = web.Application(client_max_size=BODY_AT_MOST, middlewares=[_never_500(entrances.stumbled)])
    app.router.add_post("/telegram/webhook", _telegram(entrances))
    app.router.add_post("/twilio/sms", _twilio(entrances, entrances.sms))
    app.router.add_post("/twilio/sms-fallback", _twilio(entrances, entrances.sms, fallback=True))
    app.router.add_post("/twilio/status", _twilio(entrances, entrances.receipts))
    app.router.add_post("/twilio/voice", _telephone(entrances, entrances.voice))
    app.router.add_post("/twilio/gather", _telephone(entrances, entrances.gather))
    app.router.add_get("/healthz", _health)
    app.router.add_get("/readyz", _ready(entrances))
    if entrances.metrics is not None:
        app.router.add_get("/metrics", _metrics(entrances.metrics, entrances.metrics_token))
    if entrances.settle is not None:
        app.router.add_post("/_test/settle", _settle(entrances.settle))
    if entrances.sandbox is not None:
        app.router.add_get("/", _to_the_phones)
        app.add_subapp("/sandbox/", entrances.sandbox)
    return app


async def _to_the_phones(request: web.Request) -> web.Response:
    """Whoever opens the bare address of a sandbox wants its page."""
    return web.Response(status=302, headers={"Location": "/sandbox/"})


class Site:
    """A web server that listens on a socket which was bound before."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=4, auto_decompress=False, max_field_size=HEADER_AT_MOST
        )

    async def open(self, listening: socket.socket) -> None:
        """Begin to answer."""
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    async def close(self) -> None:
        """Answer what was begun, then stop."""
        await self._runner.cleanup()


# ---- doors ---------------------------------------------------------------------------------------


def _telegram(entrances: Entrances) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        if not _secret_right(request, entrances.telegram_secret):
            return web.Response(status=401)
        await entrances.telegram(await _body(request))
        return web.Response(status=200)

    return answer


def _secret_right(request: web.Request, secret: str | None) -> bool:
    """Compare in constant time, on bytes; no secret configured accepts nothing, a header sent twice is none (A4)."""
    sent = request.headers.getall(SECRET_HEADER, [])
    given = sent[0].encode("utf-8", "surrogateescape") if len(sent) == 1 else b""
    return hmac.compare_digest(given, (secret or "").encode()) and bool(secret)


def _twilio(entrances: Entrances, door: Callable[[Form], Awaitable[bool]], *, fallback: bool = False) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        form = _signed_form(entrances, request, body, fallback=fallback)
        if form is None or not await door(form):
            return web.Response(status=403)
        return web.Response(status=204)

    return answer


def _telephone(entrances: Entrances, door: Callable[[Form], Awaitable[str | None]]) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        form = _signed_form(entrances, request, await _body(request), fallback=False)
        said = None if form is None else await door(form)
        if said is None:
            return web.Response(status=403)
        return web.Response(text=said, content_type="text/xml") if said else web.Response(status=204)

    return answer


def _signed_form(entrances: Entrances, request: web.Request, body: bytes, *, fallback: bool) -> Form | None:
    """The request if Twilio signed it for our public URL; whatever goes wrong in looking means: not signed (A7)."""
    sent = request.headers.getall(SIGNATURE_HEADER, [])
    if len(sent) != 1 or not entrances.twilio_tokens:
        return None
    try:
        url = entrances.public_url.rstrip("/") + request.raw_path
        fields = twilio_signature.fields_of(body) if _is_form(request) else None
        if fields is not None:
            right = twilio_signature.signed(url, fields, sent[0], entrances.twilio_tokens)
        else:
            right = twilio_signature.body_signed(url, body, sent[0], entrances.twilio_tokens)
    except Exception:
        _log.warning("a signature could not be checked", path=request.path)
        return None
    if not right:
        _log.warning("a request to Twilio's door was not signed for PUBLIC_URL", path=request.path)
        return None
    return Form(
        query=dict(request.query) if "?" in request.raw_path else {}, fields=fields, body=body, fallback=fallback
    )


def _is_form(request: web.Request) -> bool:
    return request.content_type in ("application/x-www-form-urlencoded", "application/octet-stream")


async def _body(request: web.Request) -> bytes:
    """The body; 415 for a packed one, 413 for one over 1 MiB, before it is read, 408 for one that does not come."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType
    if (request.content_length or 0) > BODY_AT_MOST:
        raise web.HTTPRequestEntityTooLarge(BODY_AT_MOST, request.content_length or 0)
    if request.content.is_eof():  # it came with its head, as most do: there is nothing to wait for
        return await request.read()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def _never_500(stumbled: Callable[[], None]) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Answer) -> web.StreamResponse:
        """Whatever a door could not do was not kept: the sender is asked to come again (B023)."""
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:
            _log.error("a request could not be answered", path=request.path, fault=type(error).__name__)
            stumbled()
            return web.Response(status=503, headers={"Retry-After": str(COME_AGAIN_SECONDS)})

    return answer


# ---- the house about itself ------------------------------------------------------------------------


async def _health(request: web.Request) -> web.StreamResponse:
    return web.json_response({"alive": True})


def _ready(entrances: Entrances) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        kept, facts = await entrances.ready()
        return web.json_response(facts, status=200 if kept else 503)

    return answer


def _metrics(tell: Callable[[], Awaitable[bytes]], token: str | None) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        if token is not None and not _bearer_right(request, token):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        return web.Response(body=await tell(), headers={"Content-Type": METRICS_TYPE})

    return answer


def _bearer_right(request: web.Request, token: str) -> bool:
    sent = request.headers.getall("Authorization", [])
    scheme, _, given = (sent[0] if len(sent) == 1 else "").partition(" ")
    right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    return right and scheme.lower() == "bearer"


def _settle(settle: Callable[[], Awaitable[dict[str, int]]]) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(await settle())

    return answer

"""Both doubles behind a recorder, and the house's own channels in front of it: what really goes over the wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.sms import SmsChannel
from bot.channels.telegram import TelegramChannel
from bot.channels.voice import VoiceChannel
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TOKEN
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.telegram import TelegramDouble
from bot.sandbox.twilio import TwilioDouble
from storage.outbox import Letter

NOW = datetime(2026, 6, 10, 20, 0, tzinfo=UTC)
ALICE, PAT = "1001", "+447700900201"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as bytes."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes
    fields: dict[str, Any]


@dataclass
class Wire:
    """The recorder. `exchanges` are all requests so far."""

    url: str
    telegram: TelegramDouble
    twilio: TwilioDouble
    bot: TelegramChannel
    sms: SmsChannel
    voice: VoiceChannel
    exchanges: list[Exchange] = field(default_factory=list)


async def _document(name: str) -> tuple[str, bytes]:
    return "A17-v1.pdf", b"%PDF-1.7"


@asynccontextmanager
async def a_wire() -> AsyncIterator[Wire]:
    """The doubles, the recorder and the channels, closed at the end."""
    board = Switchboard(lambda: NOW)
    telegram = TelegramDouble(TOKEN, board, lambda: NOW)
    twilio = TwilioDouble(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, number=NUMBER, board=board, now=lambda: NOW)
    exchanges: list[Exchange] = []

    @web.middleware
    async def recorded(request: web.Request, handler: Any) -> web.StreamResponse:
        body = b"" if request.content_type.startswith("multipart/") else await request.read()
        answer = await handler(request)
        if isinstance(answer, web.Response) and answer.content_type == "application/json":
            fields = dict(await request.post()) if request.content_type != "application/json" else await request.json()
            exchanges.append(
                Exchange(
                    request.method, request.path, dict(request.query), dict(request.headers), body, answer.status,
                    answer.body if isinstance(answer.body, bytes) else b"", fields,
                )
            )  # fmt: skip
        return answer  # type: ignore[no-any-return]

    app = web.Application(middlewares=[recorded])
    app.add_routes([*telegram.routes(), *twilio.routes()])
    async with TestServer(app) as server:
        url = f"http://127.0.0.1:{server.port}"
        bot = TelegramChannel(token=TOKEN, api_url=url, document=_document)
        sms = SmsChannel(
            account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, api_url=url, sender=NUMBER, service_sid="",
            public_url="https://porchlight.example", now=lambda: NOW,
        )  # fmt: skip
        voice = VoiceChannel(
            account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, api_url=url, caller=NUMBER,
            public_url="https://porchlight.example",
        )  # fmt: skip
        try:
            yield Wire(url, telegram, twilio, bot, sms, voice, exchanges)
        finally:
            await bot.close()
            await sms.close()
            await voice.close()


def a_letter(**changes: Any) -> Letter:
    """A question to Alice with two buttons."""
    known: dict[str, Any] = {
        "id": "org1-1:7", "case_id": "org1-1", "person": "alice", "channel": "telegram", "address": ALICE,
        "text": "C01", "body": "A17: in danger?", "keyboard": ((("Yes", "t" * 22), ("No", "u" * 22)),),
        "kind": "question", "urgency": 3, "edit": None, "protect": True, "document": None, "case_card": True,
        "due_at": NOW, "expires_at": None, "tries": 0,
    }  # fmt: skip
    return Letter(**{**known, **changes})

"""One server that stands for each provider in turn and is in one of six moods: it takes, refuses, is busy, broken, silent,
or says yes in words that nobody can read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from bot.channels.email import EmailChannel
from bot.channels.papers import Papers
from bot.channels.sms import SmsChannel
from bot.channels.telegram import TelegramChannel
from bot.channels.voice import VoiceChannel
from bot.channels.webhook import WebhookChannel
from bot.locales import books
from scheduler.outbox import Channel
from storage.outbox import Letter
from tests.bot.mail_server import GOOD, a_mail_server
from tests.storage.houses import EVENING

Mood = Literal["takes", "refuses", "busy", "broken", "silent", "garbled"]
NUMBER, CHAT, MAILBOX, NAME = "+447700900201", "1001002003", "control@police.example", "Kai Example"
OURS = "+441632960200"
SECONDS = 0.5
TELEGRAM: Mapping[Mood, tuple[int, Any]] = {
    "takes": (200, {"ok": True, "result": {"message_id": 7, "date": 1, "chat": {"id": 1001002003, "type": "private"}}}),
    "refuses": (403, {"ok": False, "error_code": 403, "description": f"Forbidden: bot was blocked by the user {NAME}"}),
    "busy": (429, {"ok": False, "error_code": 429, "description": f"Too Many Requests: {CHAT}",
                   "parameters": {"retry_after": 7}}),
}  # fmt: skip
TWILIO: Mapping[Mood, tuple[int, Any]] = {
    "takes": (201, {"sid": "SM" + "0" * 32, "status": "queued"}),
    "refuses": (400, {"code": 21211, "message": f"The 'To' number {NUMBER} of {NAME} is not valid.", "status": 400}),
    "busy": (429, {"code": 20429, "message": f"Too many requests for {NUMBER}", "status": 429}),
}
ENDPOINT: Mapping[Mood, tuple[int, Any]] = {
    "takes": (202, {}), "refuses": (410, {"error": f"{NAME} is gone"}), "busy": (429, {"error": MAILBOX}),
}  # fmt: skip
BROKEN = (500, f"<html>{NAME} {NUMBER} {CHAT} broke us</html>")


@dataclass
class Line:
    """A channel with a provider at its other end, and a letter for it."""

    channel: Channel
    letter: Letter
    become: Callable[[Mood], None]
    arrived: Callable[[], int]


@asynccontextmanager
async def line(kind: str) -> AsyncIterator[Line]:
    """A channel of this kind, closed at the end."""
    if kind == "email":
        async with _mail() as made:
            yield made
        return
    answers = {"telegram": TELEGRAM, "webhook": ENDPOINT}.get(kind, TWILIO)
    mood: list[Mood] = ["takes"]
    came: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        came.append(request.path)
        if mood[0] == "silent":
            await asyncio.sleep(60)
        if mood[0] in ("broken", "garbled"):
            return web.Response(status=200 if mood[0] == "garbled" else BROKEN[0], text=BROKEN[1])
        status, told = answers[mood[0]]
        return web.json_response(told, status=status, headers={"Retry-After": "7"} if status == 429 else {})

    app = web.Application()
    app.router.add_post("/{anything:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    channel, letter = _over_http(kind, f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield Line(channel, letter, lambda new: mood.__setitem__(0, new), lambda: len(came))
    finally:
        await channel.close()
        await runner.cleanup()


@asynccontextmanager
async def _mail() -> AsyncIterator[Line]:
    async with a_mail_server() as server:

        def become(mood: Mood) -> None:
            server.silent, server.hangs_up = mood == "silent", mood == "broken"
            server.to_recipient = {"refuses": f"550 5.1.1 no {NAME} at {MAILBOX}", "busy": f"451 later, {NAME}"}.get(
                mood, GOOD
            )

        channel = EmailChannel(
            url=server.url, sender="porch@home.example", papers=_papers, book=books()["en"], now=lambda: EVENING,
            seconds=SECONDS,
        )  # fmt: skip
        yield Line(channel, _letter("email", MAILBOX), become, lambda: server.asked)


def _over_http(kind: str, url: str) -> tuple[Any, Letter]:
    twilio: dict[str, Any] = {
        "account_sid": "AC1",
        "auth_token": "token-of-ours",
        "api_url": url,
        "public_url": "https://porch.example",
    }
    match kind:
        case "telegram":
            telegram = TelegramChannel(token="42:" + "a" * 35, api_url=url, document=_no_document, seconds=SECONDS)
            return telegram, _letter("telegram", CHAT)
        case "sms" | "whatsapp":
            sms = SmsChannel(**twilio, sender=OURS, service_sid="", now=lambda: EVENING, seconds=SECONDS)
            return sms, _letter("sms", NUMBER if kind == "sms" else f"whatsapp:{NUMBER}")
        case "voice":
            return VoiceChannel(**twilio, caller=OURS, seconds=SECONDS), _letter("voice", NUMBER)
        case "webhook":
            webhook = WebhookChannel(key="k" * 40, papers=_papers, now=lambda: EVENING, seconds=SECONDS)
            return webhook, _letter("webhook", f"{url}/reports")
        case _:
            raise AssertionError(kind)


def _letter(channel: str, address: str) -> Letter:
    report = channel in ("email", "webhook")
    return Letter(
        id="letter-01a21", case_id="org1-01a2", person="police" if report else "pat", channel=channel, address=address,
        text="REPORT" if report else "C_ALERT", body="" if report else f"A17: {NAME}", keyboard=(),
        kind="report" if report else "alert", urgency=1, edit=None, protect=True, document="org1-01a2/1" if report else None,
        case_card=False, due_at=EVENING, expires_at=None, tries=1,
    )  # fmt: skip


async def _papers(letter: Letter) -> Papers:
    return Papers(
        ref="A17", version=1, as_at=EVENING, name="A17-v1", pdf=b"%PDF", json=b'{"child_name": "Kai Example"}'
    )


async def _no_document(name: str) -> tuple[str, bytes]:
    raise KeyError(name)

"""The sandbox's doubles on loopback, with the real clients of both providers in front of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from twilio.rest import Client

from bot.channels.sms import RebasedHttpClient
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, TOKEN, Sandbox

NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Doubles:
    """Both doubles and a real client for each."""

    sandbox: Sandbox
    bot: Bot
    twilio: Client


@asynccontextmanager
async def doubles() -> AsyncIterator[Doubles]:
    sandbox = Sandbox(NOON)
    await sandbox.open()
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(sandbox.telegram_url)))
    http = RebasedHttpClient(sandbox.twilio_url)
    try:
        yield Doubles(sandbox, bot, Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http))
    finally:
        await bot.session.close()
        if http.session is not None:
            await http.session.close()
        await sandbox.close()

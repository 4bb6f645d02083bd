"""Knows which ways to people a house has, and opens them: what is slow to import waits until the bells have rung.

A way for which nothing was set is there all the same, and sends every letter by the person's other one.
"""

import importlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING

from bot.channels.off import OffChannel
from bot.channels.papers import Papers
from bot.settings import Settings
from casework.wording import Phrasebook
from handlers.inbox import Aside
from scheduler.outbox import Channel
from storage.outbox import Letter

if TYPE_CHECKING:
    from bot.channels.last_resort import LastResort
    from bot.channels.received import ReceivedTexts
    from bot.channels.scheduled import ScheduledTexts
    from bot.channels.telegram import TelegramChannel

Document = Callable[[str], Awaitable[tuple[str, bytes]]]
Files = Callable[[Letter], Awaitable[Papers]]


def open_sms(settings: Settings, now: Callable[[], datetime], stack: AsyncExitStack) -> Channel:
    """The way by Twilio, closed with the stack."""
    if settings.twilio_auth_token is None:
        return OffChannel("sms")
    from bot.channels.sms import SmsChannel

    channel = SmsChannel(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        api_url=settings.twilio_api_url,
        sender=settings.twilio_from,
        service_sid=settings.twilio_messaging_service_sid,
        public_url=settings.public_url,
        now=now,
        a_second=settings.twilio_a_second,
    )
    stack.push_async_callback(channel.close)
    return channel


def open_scheduled(settings: Settings, now: Callable[[], datetime], stack: AsyncExitStack) -> "ScheduledTexts | None":
    """Where texts lie for the case that this house dies, closed with the stack; None without a Messaging Service."""
    if settings.twilio_auth_token is None or not settings.twilio_messaging_service_sid:
        return None
    from bot.channels.scheduled import ScheduledTexts

    texts = ScheduledTexts(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        api_url=settings.twilio_api_url,
        service_sid=settings.twilio_messaging_service_sid,
        now=now,
    )
    stack.push_async_callback(texts.close)
    return texts


def open_last_resort(settings: Settings, now: Callable[[], datetime], stack: AsyncExitStack) -> "LastResort | None":
    """How the few are told that no records can be kept, closed with the stack; None where nobody is named."""
    if settings.twilio_auth_token is None or not settings.last_resort:
        return None
    from bot.channels.last_resort import LastResort

    texts = LastResort(
        numbers=settings.last_resort,
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        api_url=settings.twilio_api_url,
        sender=settings.twilio_from,
        service_sid=settings.twilio_messaging_service_sid,
        now=now,
    )
    stack.push_async_callback(texts.close)
    return texts


def open_received(settings: Settings, stack: AsyncExitStack) -> "ReceivedTexts | None":
    """Where texts are that never came to the house, closed with the stack; None without Twilio."""
    if settings.twilio_auth_token is None:
        return None
    from bot.channels.received import ReceivedTexts

    texts = ReceivedTexts(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        api_url=settings.twilio_api_url,
        number=settings.twilio_from,
        service_sid=settings.twilio_messaging_service_sid,
    )
    stack.push_async_callback(texts.close)
    return texts


def open_voice(settings: Settings, stack: AsyncExitStack) -> Channel:
    """The way by telephone, closed with the stack: it needs a number of ours that can be shown."""
    if "voice" not in settings.ways or settings.twilio_auth_token is None:
        return OffChannel("voice")
    from bot.channels.voice import VoiceChannel

    channel = VoiceChannel(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        api_url=settings.twilio_api_url,
        caller=settings.twilio_from,
        public_url=settings.public_url,
    )
    stack.push_async_callback(channel.close)
    return channel


def open_email(settings: Settings, papers: Files, book: Phrasebook, now: Callable[[], datetime]) -> Channel:
    """The way by mail. It holds no line open between two letters."""
    if "email" not in settings.ways or settings.smtp_url is None:
        return OffChannel("email")
    from bot.channels.email import EmailChannel

    return EmailChannel(
        url=settings.smtp_url.get_secret_value(), sender=settings.mail_sender, papers=papers, book=book, now=now
    )


def open_webhook(settings: Settings, papers: Files, now: Callable[[], datetime], stack: AsyncExitStack) -> Channel:
    """The way to endpoints of forces and authorities, closed with the stack."""
    if "webhook" not in settings.ways or settings.webhook_key is None:
        return OffChannel("webhook")
    from bot.channels.webhook import WebhookChannel

    channel = WebhookChannel(
        key=settings.webhook_key.get_secret_value(), papers=papers, now=now, here_only=settings.for_test
    )
    stack.push_async_callback(channel.close)
    return channel


async def open_telegram(
    settings: Settings, document: Document, aside: Aside, stack: AsyncExitStack
) -> "TelegramChannel | None":
    """The way by Telegram, closed with the stack; None where it is off. Its library takes seconds to load, `aside`."""
    if settings.telegram_bot_token is None or settings.telegram_mode == "off":
        return None
    module = await aside(importlib.import_module, "bot.channels.telegram")
    channel: TelegramChannel = module.TelegramChannel(
        token=settings.telegram_bot_token.get_secret_value(),
        api_url=settings.telegram_api_url,
        document=document,
        a_second=settings.telegram_a_second,
    )
    stack.push_async_callback(channel.close)
    return channel

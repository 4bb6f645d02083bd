"""What the providers say when they are asked by day: who we are there, and which address of ours they would call.

Plain requests of their published addresses; none holds the doctor up for longer than a few seconds, and no token is
printed, for it is part of Telegram's URL.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urldefrag, urlsplit

import aiohttp

from bot.doctor.found import Found, Level
from bot.settings import Settings
from scheduler.clock import SystemClock
from scheduler.outbox import Refused, Unreachable

ANSWER_WITHIN_SECONDS = 8
SKEW_SECONDS = 5
PENDING_AT_MOST = 20
TRIED_AGAIN = "#rc=5&rp=all"  # Twilio then tries five times more, whatever went wrong, before it takes the fallback


async def examine(settings: Settings) -> list[Found]:
    """Ask each provider that is used; in the sandbox there is none."""
    if settings.sandbox:
        return []
    found = [_hosts(settings)]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_SECONDS)) as session:
        if settings.telegram_mode != "off" and settings.telegram_bot_token is not None:
            found += await _asked("telegram", _telegram(session, settings))
        if settings.uses_twilio:
            found += await _asked("twilio", _twilio(session, settings))
    return found + await _mail(settings)


def _hosts(settings: Settings) -> Found:
    used = [settings.telegram_api_url] * (settings.telegram_mode != "off") + [
        settings.twilio_api_url
    ] * settings.uses_twilio
    used += [] if settings.smtp_url is None else [settings.smtp_url.get_secret_value()]
    used += [] if settings.heartbeat_url is None else [settings.heartbeat_url.get_secret_value()]
    hosts = sorted({urlsplit(url).hostname or "" for url in used})
    named = "the endpoints in the roster and nothing" if "webhook" in settings.ways else "nothing"
    return Found("ok", "hosts", f"this house calls {', '.join(hosts) or 'nobody'} and {named} else")


async def _mail(settings: Settings) -> list[Found]:
    """Whether the mail server would take a report; nothing is sent."""
    if "email" not in settings.ways or settings.smtp_url is None:
        return []
    from bot.channels.email import knock

    try:
        await knock(settings.smtp_url.get_secret_value(), ANSWER_WITHIN_SECONDS)
    except (Refused, Unreachable) as fault:
        return [Found("bad", "email", f"the mail server would take no report: {fault.code}")]
    found = [Found("ok", "email", "the mail server knows us")]
    if not settings.mail_from:
        says = f"MAIL_FROM is not set: bounces go to {settings.mail_sender}, where perhaps nobody reads them"
        found.append(Found("warn", "email", says))
    return found


async def _asked(provider: str, looking: Any) -> list[Found]:
    try:
        found: list[Found] = await looking
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as fault:
        return [Found("bad", provider, f"it did not answer as it should: {type(fault).__name__}")]
    return found


async def _telegram(session: aiohttp.ClientSession, settings: Settings) -> list[Found]:
    assert settings.telegram_bot_token is not None, "asked only where there is a token"
    base = f"{settings.telegram_api_url}/bot{settings.telegram_bot_token.get_secret_value()}"
    async with session.get(f"{base}/getMe") as answer:
        skew = _skew(answer.headers.get("Date"))
        me = await answer.json()
    if not me.get("ok"):
        return [Found("bad", "telegram", f"the token is refused (code {me.get('error_code')})")]
    async with session.get(f"{base}/getWebhookInfo") as answer:
        info = (await answer.json())["result"]
    return [Found("ok", "telegram", f"the bot is @{me['result'].get('username')}"), *skew, *_webhook(settings, info)]


def _webhook(settings: Settings, info: dict[str, Any]) -> list[Found]:
    wanted = f"{settings.public_url.rstrip('/')}/telegram/webhook" if settings.telegram_mode == "webhook" else ""
    found = []
    if info.get("url", "") != wanted:
        found.append(
            Found("warn", "telegram", "its webhook is not set as this house needs it; starting the house sets it")
        )
    if info.get("pending_update_count", 0) > PENDING_AT_MOST:
        found.append(
            Found("bad", "telegram", f"{info['pending_update_count']} updates wait: it cannot reach this house")
        )
    if info.get("last_error_date"):
        when = datetime.fromtimestamp(int(info["last_error_date"]), UTC)
        found.append(Found("warn", "telegram", f"its last failed call of this house was {when:%d %b %H:%M}Z"))
    return found


def _skew(date: str | None) -> list[Found]:
    """Whether this machine's clock agrees with a stranger's; deadlines are instants, and a wrong clock moves them."""
    if date is None:
        return []
    apart = abs((SystemClock().now() - parsedate_to_datetime(date)).total_seconds())
    level: Level = "ok" if apart <= SKEW_SECONDS else "bad"
    return [Found(level, "clock", f"this machine's clock and Telegram's are {apart:.0f} s apart")]


async def _twilio(session: aiohttp.ClientSession, settings: Settings) -> list[Found]:
    assert settings.twilio_auth_token is not None, "asked only where there is a token"
    secret = settings.twilio_auth_token.get_secret_value()
    headers = {"Authorization": aiohttp.encode_basic_auth(settings.twilio_account_sid, secret)}
    url = f"{settings.twilio_api_url}/2010-04-01/Accounts/{settings.twilio_account_sid}/IncomingPhoneNumbers.json"
    async with session.get(url, params={"PhoneNumber": settings.twilio_from}, headers=headers) as answer:
        if answer.status in (401, 403):
            return [Found("bad", "twilio", "the account SID or the token is refused")]
        numbers = (await answer.json())["incoming_phone_numbers"]
    if settings.twilio_from and not numbers:
        return [Found("bad", "twilio", "the number of TWILIO_FROM is not this account's")]
    base = settings.public_url.rstrip("/")
    wanted = {"sms_url": f"{base}/twilio/sms", "sms_fallback_url": f"{base}/twilio/sms-fallback"}
    return [each for number in numbers for each in (_number(number, wanted), *_rung(number, f"{base}/twilio/voice"))]


def _rung(number: dict[str, Any], wanted: str) -> list[Found]:
    """Whether the number can ring people, and whether whoever rings it hears whom to ring instead."""
    if number.get("capabilities", {}).get("voice") is False:
        return [Found("bad", "twilio", "the number of TWILIO_FROM cannot ring anybody")]
    if number.get("voice_url", wanted) != wanted:
        return [Found("warn", "twilio", f"whoever rings the number does not reach this house: set voice_url={wanted}")]
    return []


def _number(number: dict[str, Any], wanted: dict[str, str]) -> Found:
    """Whether texts come to this house; the fallback may be another host's, which answers when this one cannot."""
    there = {name: urldefrag(number.get(name) or "") for name in wanted}
    elsewhere = urlsplit(there["sms_fallback_url"].url).hostname not in (None, urlsplit(wanted["sms_url"]).hostname)
    wrong = [n for n, url in wanted.items() if there[n].url != url and not (elsewhere and n == "sms_fallback_url")]
    if wrong:
        return Found(
            "bad", "twilio", "texts would not reach this house: set " + ", ".join(f"{n}={wanted[n]}" for n in wrong)
        )
    if "rc=" not in there["sms_url"].fragment:
        says = f"a text is brought once and no more: set sms_url={wanted['sms_url']}{TRIED_AGAIN}"
        return Found("warn", "twilio", says)
    return Found("ok", "twilio", "texts and their fallback come to this house")

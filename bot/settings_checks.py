"""Knows which settings are wrong, alone or together, and says each fault in a sentence without its value.

Every check looks at the text as it was given; none stops another, so that an operator is told everything at once.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from bot import crash
from storage.database import POSTGRES
from storage.endpoints import is_loopback, is_mailbox

Given: TypeAlias = Mapping[str, str]

TELEGRAM = "https://api.telegram.org"
TWILIO = "https://api.twilio.com"
KEY_BYTES = 32
SECRET_AT_LEAST = 32
TEST_ONLY = ("PORCHLIGHT_TEST_CLOCK", "PORCHLIGHT_TEST_CRASH", "PORCHLIGHT_TEST_SEED")
URLS = ("PUBLIC_URL", "TELEGRAM_API_URL", "TWILIO_API_URL")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")  # Telegram's own rule, and our length
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_CHAT = re.compile(r"-?\d{1,16}")
_BIND = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})")


def faults(given: Given) -> list[str]:
    """Every fault of these settings, by name."""
    return [fault for check in _CHECKS for fault in check(given)]


def is_key(text: str) -> bool:
    """Whether this is 32 bytes in base64."""
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def is_url(text: str) -> bool:
    """Whether this is an http or https URL with a host and nothing after its path."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        return False


def is_watcher(text: str) -> bool:
    """Whether this is an http or https URL with a host; what it asks for is the watcher's."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def numbers(text: str) -> list[str]:
    """Numbers with commas or spaces between them, each once."""
    return list(dict.fromkeys(text.replace(",", " ").split()))


def is_mail_server(text: str) -> bool:
    """Whether this is the URL of a mail server: a name and a password, or neither."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
        return known and bool(parts.username) == bool(parts.password) and parts.path in ("", "/") and not parts.query
    except ValueError:
        return False


def _sandbox(given: Given) -> bool:
    return given.get("PORCHLIGHT_MODE") == "sandbox"


def _addresses(given: Given) -> Iterator[str]:
    for name in URLS:
        if name in given and not is_url(given[name]):
            yield f"{name}: must be a URL that begins with http:// or https://"
    match = _BIND.fullmatch(given.get("HTTP_BIND", "127.0.0.1:8080"))
    if match is None or int(match[1]) > 65535:
        yield "HTTP_BIND: must be an address, a colon and a port"
    database = given.get("DATABASE_URL", "sqlite:///var/porchlight.db")
    if database == "sqlite:///" or not database.startswith(("sqlite:///", *POSTGRES)):
        yield "DATABASE_URL: must be sqlite:///FILE or postgresql://USER@HOST/NAME"


def _telegram(given: Given) -> Iterator[str]:
    mode, secret = given.get("TELEGRAM_MODE"), given.get("TELEGRAM_WEBHOOK_SECRET", "")
    if _sandbox(given) or mode == "off":
        return
    if not given.get("TELEGRAM_BOT_TOKEN"):
        yield "TELEGRAM_BOT_TOKEN: needed unless TELEGRAM_MODE is off"
    if mode == "webhook" and not _WEBHOOK_SECRET.fullmatch(secret):
        yield f"TELEGRAM_WEBHOOK_SECRET: a webhook needs {SECRET_AT_LEAST} to 256 characters of A-Z a-z 0-9 _ -"
    if mode == "webhook" and "PUBLIC_URL" not in given:
        yield "PUBLIC_URL: a webhook needs the address that Telegram calls"


def _twilio(given: Given) -> Iterator[str]:
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "TWILIO_MESSAGING_SERVICE_SID")
    if _sandbox(given) or not any(given.get(name) for name in names):
        return
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        if name not in given:
            yield f"{name}: needed to send and to receive texts"
    if "TWILIO_FROM" not in given and "TWILIO_MESSAGING_SERVICE_SID" not in given:
        yield "TWILIO_FROM: needed, or TWILIO_MESSAGING_SERVICE_SID"
    if "TWILIO_FROM" in given and not _NUMBER.fullmatch(given["TWILIO_FROM"]):
        yield "TWILIO_FROM: must be a number like +44…: parents answer to it"
    if "PUBLIC_URL" not in given:
        yield "PUBLIC_URL: needed, for Twilio's signatures are checked against it"


def _mail(given: Given) -> Iterator[str]:
    if "SMTP_URL" in given and not is_mail_server(given["SMTP_URL"]):
        yield "SMTP_URL: must be smtp://USER:PASSWORD@HOST:PORT or smtps://…, odd characters written as %40"
    if "MAIL_FROM" in given and not is_mailbox(given["MAIL_FROM"]):
        yield "MAIL_FROM: must be one address like porchlight@example.org"


def _webhook(given: Given) -> Iterator[str]:
    key = given.get("PORCHLIGHT_WEBHOOK_KEY")
    if key is not None and len(key) < SECRET_AT_LEAST:
        yield f"PORCHLIGHT_WEBHOOK_KEY: must have {SECRET_AT_LEAST} characters or more"


def _proof(given: Given) -> Iterator[str]:
    if "PORCHLIGHT_HEARTBEAT_URL" in given and not is_watcher(given["PORCHLIGHT_HEARTBEAT_URL"]):
        yield "PORCHLIGHT_HEARTBEAT_URL: must be a URL that begins with http:// or https://"
    last = numbers(given.get("PORCHLIGHT_LAST_RESORT", ""))
    if not all(_NUMBER.fullmatch(each) for each in last):
        yield "PORCHLIGHT_LAST_RESORT: must be numbers like +44…, with commas between them"
    if not all(
        _NUMBER.fullmatch(each) or _CHAT.fullmatch(each) for each in numbers(given.get("PORCHLIGHT_CANARY", ""))
    ):
        yield "PORCHLIGHT_CANARY: must be numbers like +44… or ids of Telegram chats, with commas between them"
    if last and not _sandbox(given) and "TWILIO_AUTH_TOKEN" not in given:
        yield "PORCHLIGHT_LAST_RESORT: needs TWILIO_AUTH_TOKEN: it is a text"


def _live(given: Given) -> Iterator[str]:
    key = given.get("PORCHLIGHT_AUDIT_KEY")
    if key is not None and not is_key(key):
        yield "PORCHLIGHT_AUDIT_KEY: must be 32 bytes in base64"
    if _sandbox(given):
        return
    if key is None and "PORCHLIGHT_TEST_CLOCK" not in given:
        yield "PORCHLIGHT_AUDIT_KEY: needed: 32 random bytes in base64, kept apart from the database"
    if not given.get("TELEGRAM_BOT_TOKEN") and not given.get("TWILIO_AUTH_TOKEN"):
        yield "TELEGRAM_BOT_TOKEN: a live house needs a way to speak: this, or TWILIO_AUTH_TOKEN"


def _test_only(given: Given) -> Iterator[str]:
    used = [name for name in TEST_ONLY if name in given]
    if used and not _sandbox(given) and not all(is_loopback(url) for url in _provider_urls(given)):
        for name in used:
            yield f"{name}: for tests alone: every provider URL must be this machine's own (127.0.0.1)"
    try:
        crash.read(given.get("PORCHLIGHT_TEST_CRASH", crash.POINTS[0]))
    except crash.BadPoint as error:
        yield f"PORCHLIGHT_TEST_CRASH: {error}"


def _provider_urls(given: Given) -> Iterator[str]:
    """Where this house would call: providers that have credentials, and every address given."""
    if given.get("TELEGRAM_MODE") != "off" or "TELEGRAM_API_URL" in given:
        yield given.get("TELEGRAM_API_URL", TELEGRAM)
    if "TWILIO_AUTH_TOKEN" in given or "TWILIO_API_URL" in given:
        yield given.get("TWILIO_API_URL", TWILIO)
    for name in ("SMTP_URL", "PORCHLIGHT_HEARTBEAT_URL"):
        if name in given:
            yield given[name]


_CHECKS: tuple[Callable[[Given], Iterator[str]], ...] = (
    _addresses, _telegram, _twilio, _mail, _webhook, _proof, _live, _test_only,
)  # fmt: skip

"""What Twilio's APIs for messages and calls refuse, with which code, and how it signs what it sends.

Codes are those of its public dictionary; its published description has none of these rules.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from storage.endpoints import WHATSAPP, plain

BODY_AT_MOST = 1600
STOP_WORDS = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
START_WORDS = {"start", "unstop", "yes"}
FINAL = ("delivered", "undelivered", "failed", "read", "canceled", "received")
_NUMBER = re.compile(r"\+[1-9]\d{7,14}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


class Refusal(Exception):
    """Twilio's error answer: HTTP status, its code, its words."""

    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words

    def answer(self) -> web.Response:
        """The refusal as it goes over the wire."""
        told = {"code": self.code, "message": self.words, "status": self.status,
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}"}  # fmt: skip
        return web.json_response(told, status=self.status)


def check_form(form: Mapping[str, str], own_number: str) -> None:
    """Look at a message to be sent, as the API does before it takes it. Raises Refusal."""
    to, sender = form.get("To", ""), form.get("From")
    if to.startswith(WHATSAPP) != (sender or to).startswith(WHATSAPP):
        raise Refusal(400, 21910, "Invalid From and To pair. From and To should be of the same channel.")
    to, sender = plain(to), None if sender is None else plain(sender)
    if not _NUMBER.fullmatch(to):
        raise Refusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if sender is None and not _SERVICE.fullmatch(form.get("MessagingServiceSid", "")):
        raise Refusal(400, 21603, "A 'From' phone number is required.")
    if sender not in (None, own_number):
        raise Refusal(400, 21606, f"The 'From' phone number {sender} is not a valid, SMS-capable inbound phone number "
                                  "or short code for your account.")  # fmt: skip
    if not form.get("Body"):
        raise Refusal(400, 21602, "Message body is required.")
    if len(form["Body"]) > BODY_AT_MOST:
        raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    callback = form.get("StatusCallback")
    if callback is not None and urlsplit(callback).scheme not in ("http", "https"):
        raise Refusal(400, 21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")


def check_call(form: Mapping[str, str], own_number: str) -> None:
    """Look at a call to be made, as the API does before it takes it. Raises Refusal."""
    to, caller, url = form.get("To", ""), form.get("From"), form.get("Url", "")
    if not to:
        raise Refusal(400, 21201, "No 'To' number is specified")
    if not _NUMBER.fullmatch(to):
        raise Refusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if not caller:
        raise Refusal(400, 21213, "'From' phone number is required")
    if caller != own_number:
        raise Refusal(400, 21210, f"The source phone number provided, {caller}, is not yet verified for your account.")
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refusal(400, 21205, f"Url is not a valid URL: {url}")


def check_account(request: web.Request, account_sid: str, auth_token: str) -> None:
    """Whether this client is who the address says, by basic auth. Raises Refusal."""
    wanted = "Basic " + base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
    given = request.headers.get("Authorization", "")
    known = hmac.compare_digest(given.encode(), wanted.encode())
    if request.match_info["account"] != account_sid or not known:
        raise Refusal(401, 20003, "Authenticate")


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """Twilio's signature: base64 of HMAC-SHA1 over the URL and the sorted names and values of the form."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()

"""A loopback double of Twilio's Messages API: what it takes, what it refuses, its signed webhooks and its callbacks."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from bot.sandbox.failures import Failures
from bot.sandbox.switchboard import Switchboard
from casework.wording import segments

BODY_AT_MOST = 1600
STOP_WORDS = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
START_WORDS = {"start", "unstop", "yes"}
STATUSES = ("queued", "sending", "sent", "delivered")
_NUMBER = re.compile(r"\+[1-9]\d{7,14}")
_BLANK = ("ToCountry", "ToState", "ToCity", "ToZip", "FromCountry", "FromState", "FromCity", "FromZip")


class Refusal(Exception):
    """Twilio's error answer: HTTP status, its code, its words."""

    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


class TwilioDouble:
    """One account with one number. `landlines`, `regions` and `opted_out` are numbers it will not text."""

    def __init__(
        self, *, account_sid: str, auth_token: str, number: str, board: Switchboard, now: Callable[[], datetime]
    ) -> None:
        self.account_sid, self.auth_token, self.number = account_sid, auth_token, number
        self.board, self.now = board, now
        self.failures = Failures()
        self.landlines: set[str] = set()
        self.abroad: set[str] = set()
        self.opted_out: set[str] = set()
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.callbacks: dict[str, str] = {}
        self.public_url = ""  # what signatures are made over
        self.house_url = ""  # where the house really listens
        self._count = 0

    def routes(self) -> list[web.RouteDef]:
        """The API's routes."""
        base = "/2010-04-01/Accounts/{account}/Messages"
        return [
            web.post(base + ".json", self._create),
            web.get(base + ".json", self._list),
            web.get(base + "/{sid}.json", self._fetch),
            web.post(base + "/{sid}.json", self._update),
        ]

    # ---- what people and the network do ----

    async def texts(self, number: str, body: str, **more: str) -> tuple[int, str]:
        """A person texts the house's number: a signed webhook; returns the status and body it answered."""
        self.board.write("sms", number, body)
        word = body.strip().lower()
        if word in STOP_WORDS:
            self.opted_out.add(number)
        elif word in START_WORDS:
            self.opted_out.discard(number)
        sid = self._sid("SM")
        form = {
            **dict.fromkeys(_BLANK, ""), "SmsMessageSid": sid, "SmsSid": sid, "MessageSid": sid, "NumMedia": "0",
            "SmsStatus": "received", "NumSegments": str(segments(body)), "AccountSid": self.account_sid, "From": number,
            "To": self.number, "Body": body, "ApiVersion": "2010-04-01", **more,
        }  # fmt: skip
        self.messages[sid] = self._resource(sid, number, self.number, body, "received", "inbound")
        return await self.post("/twilio/sms", form)

    async def report(self, sid: str, status: str, error_code: int | None = None) -> tuple[int, str] | None:
        """Tell the house what became of a message; None where it named no callback."""
        self.messages[sid].update(status=status, error_code=error_code)
        url = self.callbacks.get(sid)
        if not url:
            return None
        message = self.messages[sid]
        form = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "To": message["to"],
                "From": message["from"], "AccountSid": self.account_sid, "ApiVersion": "2010-04-01",
                **({"ErrorCode": str(error_code)} if error_code else {})}  # fmt: skip
        parts = urlsplit(url)
        return await self.post(parts.path + (f"?{parts.query}" if parts.query else ""), form)

    async def post(self, path: str, form: Mapping[str, str], signature: str | None = None) -> tuple[int, str]:
        """Post a form to the house, signed as Twilio signs."""
        signed = sign(self.auth_token, self.public_url + path, form) if signature is None else signature
        async with aiohttp.ClientSession() as client:
            async with client.post(
                self.house_url + path, data=dict(form), headers={"X-Twilio-Signature": signed}
            ) as answer:
                return answer.status, await answer.text()

    # ---- the wire ----

    async def _create(self, request: web.Request) -> web.Response:
        try:
            self._check_account(request)
            form = {k: str(v) for k, v in (await request.post()).items()}
            self.calls.append(("create", form))
            self._check(form)
        except Refusal as refusal:
            return _no(refusal)
        sid = self._sid("SM")
        self.messages[sid] = self._resource(sid, self.number, form["To"], form["Body"], "queued", "outbound-api")
        self.callbacks[sid] = form.get("StatusCallback", "")
        self.board.deliver("sms", form["To"], text=form["Body"])
        return web.json_response(self.messages[sid], status=201)

    def _check(self, form: Mapping[str, str]) -> None:
        planted = self.failures.take("create")
        if planted is not None:
            raise Refusal(planted.get("status", 400), planted.get("code", 20500), planted.get("words", "planted"))
        to = form.get("To", "")
        if not _NUMBER.fullmatch(to):
            raise Refusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
        if "From" not in form and "MessagingServiceSid" not in form:
            raise Refusal(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            raise Refusal(400, 21602, "Message body is required.")
        if len(form["Body"]) > BODY_AT_MOST:
            raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
        if to in self.opted_out:
            raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        if to in self.landlines:
            raise Refusal(400, 21614, f"'To' number: {to}, is not a valid mobile number")
        if to in self.abroad:
            raise Refusal(400, 21408, "Permission to send an SMS has not been enabled for the region")

    async def _list(self, request: web.Request) -> web.Response:
        try:
            self._check_account(request)
        except Refusal as refusal:
            return _no(refusal)
        found = [m for m in self.messages.values() if request.query.get("To") in (None, m["to"])]
        base = f"/2010-04-01/Accounts/{self.account_sid}/Messages.json?PageSize=50&Page=0"
        return web.json_response({
            "messages": found, "end": max(len(found) - 1, 0), "first_page_uri": base, "next_page_uri": None, "page": 0,
            "page_size": 50, "previous_page_uri": None, "start": 0, "uri": base,
        })  # fmt: skip

    async def _fetch(self, request: web.Request) -> web.Response:
        return await self._one(request, change=False)

    async def _update(self, request: web.Request) -> web.Response:
        return await self._one(request, change=True)

    async def _one(self, request: web.Request, *, change: bool) -> web.Response:
        try:
            self._check_account(request)
            message = self.messages.get(request.match_info["sid"])
            if message is None:
                raise Refusal(404, 20404, f"The requested resource {request.path} was not found")
        except Refusal as refusal:
            return _no(refusal)
        if change and (await request.post()).get("Body") == "":
            message["body"] = ""
        return web.json_response(message)

    def _check_account(self, request: web.Request) -> None:
        wanted = aiohttp.BasicAuth(self.account_sid, self.auth_token).encode()
        given = request.headers.get("Authorization", "")
        if request.match_info["account"] != self.account_sid or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refusal(401, 20003, "Authenticate")

    def _resource(self, sid: str, sender: str, to: str, body: str, status: str, direction: str) -> dict[str, Any]:
        when = self.now().strftime("%a, %d %b %Y %H:%M:%S +0000")
        uri = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}"
        return {
            "sid": sid, "account_sid": self.account_sid, "messaging_service_sid": None, "from": sender, "to": to,
            "body": body, "status": status, "direction": direction, "num_segments": str(segments(body)), "num_media": "0",
            "date_created": when, "date_updated": when, "date_sent": None, "price": None, "price_unit": "GBP",
            "error_code": None, "error_message": None, "api_version": "2010-04-01", "uri": uri + ".json",
            "subresource_uris": {"media": uri + "/Media.json"},
        }  # fmt: skip

    def _sid(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{hashlib.md5(f'{self.account_sid}{self._count}'.encode(), usedforsecurity=False).hexdigest()}"


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """Twilio's signature: base64 of HMAC-SHA1 over the URL and the sorted names and values of the form."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _no(refusal: Refusal) -> web.Response:
    return web.json_response(
        {"code": refusal.code, "message": refusal.words, "status": refusal.status,
         "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}"},
        status=refusal.status,
    )  # fmt: skip

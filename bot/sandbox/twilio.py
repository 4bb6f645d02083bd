"""A loopback double of Twilio's Messages API: what it takes, its signed webhooks, and its callbacks as a text travels.

Twilio does not post an inbound text twice: where the webhook fails it calls the fallback once, and then gives up.
Callbacks are posted once each, and no callback tells of the first status.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web

from bot.sandbox import twilio_rules as rules
from bot.sandbox.failures import Failures
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.twilio_calls import Telephones
from bot.sandbox.twilio_rules import Refusal
from bot.sandbox.twilio_rules import sign as sign
from bot.sandbox.twilio_scheduled import Timetable
from casework.wording import segments
from storage.endpoints import WHATSAPP

WEBHOOK_SECONDS = 15
FALLBACK, UNREACHABLE_CODE, BAD_ANSWER_CODE = "/twilio/sms-fallback", 11205, 11200
OPTED_OUT = "You have been unsubscribed and will get no more messages from this number. Reply START to resubscribe."
OPTED_IN = "You have been re-subscribed to messages from this number. Reply STOP to unsubscribe."
_BLANK = ("ToCountry", "ToState", "ToCity", "ToZip", "FromCountry", "FromState", "FromCity", "FromZip")


class TwilioDouble:
    """One account with one number. It refuses `landlines`, `abroad` and `opted_out`; `failures` are planted refusals.

    `fates` says how texts to a number end, in place of delivered: `{"+44…": ("undelivered", 30005)}`.
    """

    def __init__(
        self, *, account_sid: str, auth_token: str, number: str, board: Switchboard, now: Callable[[], datetime]
    ) -> None:
        self.account_sid, self.auth_token, self.number = account_sid, auth_token, number
        self.board, self.now = board, now
        self.failures = Failures()
        self.landlines: set[str] = set()
        self.abroad: set[str] = set()
        self.opted_out: set[str] = set()
        self.fates: dict[str, tuple[str, int]] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.callbacks: dict[str, str] = {}
        self.life = 0  # a network that starts again does not give the same message ids a second time
        self.telephones, self.timetable = Telephones(self), Timetable(now)
        self.public_url = ""  # what signatures are made over
        self.house_url = ""  # where the house really listens

    def routes(self) -> list[web.RouteDef]:
        """The API's routes."""
        base = "/2010-04-01/Accounts/{account}/Messages"
        return [
            web.post(base + ".json", self._answering(self._create)),
            web.get(base + ".json", self._answering(self._list)),
            web.get(base + "/{sid}.json", self._answering(self._fetch)),
            web.post(base + "/{sid}.json", self._answering(self._update)),
            *self.telephones.routes(),
        ]

    # ---- what people and the network do ----

    async def texts(self, number: str, body: str, **more: str) -> tuple[int, str]:
        """A person texts the house's number: a signed webhook; returns the status and body it answered."""
        self.board.write("sms", number, body)
        self._opts(number, body.strip().lower())
        sid = self._sid()
        form = {
            **dict.fromkeys(_BLANK, ""), "SmsMessageSid": sid, "SmsSid": sid, "MessageSid": sid, "NumMedia": "0",
            "SmsStatus": "received", "NumSegments": str(segments(body)), "AccountSid": self.account_sid, "From": number,
            "To": self._ours(number), "Body": body, "ApiVersion": "2010-04-01", **more,
        }  # fmt: skip
        self.messages[sid] = self._resource(sid, number, self._ours(number), body, "received", "inbound")
        status, answer = await self.post("/twilio/sms", form)
        if 200 <= status < 300:
            return status, answer
        code = BAD_ANSWER_CODE if status else UNREACHABLE_CODE
        return await self.post(FALLBACK, {**form, "ErrorCode": str(code), "ErrorUrl": f"{self.public_url}/twilio/sms"})

    def _ours(self, theirs: str) -> str:
        """Our number in the form of theirs."""
        return (WHATSAPP if theirs.startswith(WHATSAPP) else "") + self.number

    def _opts(self, number: str, word: str) -> None:
        """The network's own keywords: it keeps them for itself and answers them, and the house hears of them too."""
        if word in rules.STOP_WORDS and number not in self.opted_out:
            self.opted_out.add(number)
            self.board.announce("sms", number, OPTED_OUT)
        elif word in rules.START_WORDS and number in self.opted_out:
            self.opted_out.discard(number)
            self.board.announce("sms", number, OPTED_IN)

    async def report(self, sid: str, status: str, error_code: int | None = None) -> tuple[int, str] | None:
        """Tell the house what became of a message; None where it named no callback."""
        message = self.messages[sid]
        message.update(status=status, error_code=error_code, date_updated=self.when())
        if status == "sent":
            message["date_sent"] = self.when()
        url = self.callbacks.get(sid)
        if not url:
            return None
        form = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "To": message["to"],
                "From": message["from"], "AccountSid": self.account_sid, "ApiVersion": "2010-04-01",
                **({"ErrorCode": str(error_code)} if error_code else {})}  # fmt: skip
        parts = urlsplit(url)
        return await self.post(parts.path + (f"?{parts.query}" if parts.query else ""), form)

    async def travel(self) -> int:
        """Let every text and call that was taken go on to its end, with a callback at each step; returns how many ended."""
        for sid in self.timetable.due():
            self.messages[sid]["status"] = "queued"
            self.board.deliver("sms", self.messages[sid]["to"], text=self.messages[sid]["body"])
        waiting = [sid for sid, m in self.messages.items() if m["status"] == "queued"]
        for sid in waiting:
            status, code = self.fates.get(self.messages[sid]["to"], ("delivered", None))
            await self.report(sid, "sent")
            await self.report(sid, status, code)
        return len(waiting) + await self.telephones.ring()

    async def post(self, path: str, form: Mapping[str, str], signature: str | None = None) -> tuple[int, str]:
        """Post a form to the house, signed as Twilio signs; status 0 where nobody is there."""
        signed = sign(self.auth_token, self.public_url + path, form) if signature is None else signature
        headers, limit = {"X-Twilio-Signature": signed}, aiohttp.ClientTimeout(total=WEBHOOK_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as client,
                client.post(self.house_url + path, data=dict(form), headers=headers) as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    # ---- the wire ----

    def _answering(self, does: Callable[[web.Request, dict[str, str]], tuple[int, Any]]) -> Any:
        """One method of the API: the account is checked, a refusal is an answer."""

        async def answer(request: web.Request) -> web.Response:
            form = {name: str(value) for name, value in (await request.post()).items()}
            try:
                rules.check_account(request, self.account_sid, self.auth_token)
                status, told = does(request, form)
                return web.json_response(told, status=status)
            except Refusal as refusal:
                return refusal.answer()

        return answer

    def _create(self, request: web.Request, form: dict[str, str]) -> tuple[int, Any]:
        self.calls.append(("create", form))
        self._plant("create")
        rules.check_form(form, self.number)
        self._check_number(form["To"])
        sid, at = self._sid(), self.timetable.asked(form)
        status = "queued" if at is None else "scheduled"
        self.messages[sid] = self._resource(
            sid, self._ours(form["To"]), form["To"], form["Body"], status, "outbound-api"
        )
        self.messages[sid]["messaging_service_sid"] = form.get("MessagingServiceSid")
        self.callbacks[sid] = form.get("StatusCallback", "")
        if at is None:
            self.board.deliver("sms", form["To"], text=form["Body"])
        else:
            self.timetable.keep(sid, at)
        return 201, self.messages[sid]

    def _plant(self, call: str) -> None:
        """A refusal that a test planted for this call. Raises Refusal."""
        failure = self.failures.take(call)
        if failure is not None:
            raise Refusal(failure.get("status", 400), failure.get("code", 20500), failure.get("words", "planted"))

    def _check_number(self, to: str) -> None:
        if to == self.number:
            raise Refusal(400, 21266, "'To' and 'From' number cannot be the same.")
        if to in self.opted_out:
            raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        if to in self.landlines:
            raise Refusal(400, 21614, f"'To' number: {to}, is not a valid mobile number")
        if to in self.abroad:
            raise Refusal(400, 21408, "Permission to send an SMS has not been enabled for the region indicated by the "
                                      f"'To' number: {to}.")  # fmt: skip

    def _list(self, request: web.Request, form: dict[str, str]) -> tuple[int, Any]:
        """Messages, newest first, by To, From and the day or instant they were sent."""
        asked = request.query
        size, page = int(asked.get("PageSize", 50)), int(asked.get("Page", 0))
        found = [m for m in reversed(self.messages.values()) if _fits(m, asked)]
        shown = found[page * size : (page + 1) * size]
        wished = {name: value for name, value in asked.items() if name not in ("PageSize", "Page")}
        kept = urlencode({**wished, "PageSize": size, "Page": ""})
        base = f"/2010-04-01/Accounts/{self.account_sid}/Messages.json?{kept}"
        more = f"{base}{page + 1}" if found[(page + 1) * size :] else None
        return 200, {
            "messages": shown, "start": page * size, "end": page * size + max(len(shown) - 1, 0), "page": page,
            "page_size": size, "first_page_uri": f"{base}0", "uri": f"{base}{page}", "next_page_uri": more,
            "previous_page_uri": f"{base}{page - 1}" if page else None,
        }  # fmt: skip

    def _fetch(self, request: web.Request, form: dict[str, str]) -> tuple[int, Any]:
        sid = request.match_info["sid"]
        if sid not in self.messages:
            raise Refusal(404, 20404, f"The requested resource {request.path} was not found")
        return 200, self.messages[sid]

    def _update(self, request: web.Request, form: dict[str, str]) -> tuple[int, Any]:
        """An empty body takes the words out of a message that has come to its end; one that is yet to leave is called back."""
        status, message = self._fetch(request, form)
        if form.get("Status") == "canceled":
            self._plant("cancel")
            self.timetable.cancel(message)
        if form.get("Body") == "":
            if message["status"] not in rules.FINAL:
                raise Refusal(400, 20009, "Cannot delete this Message because it is not yet complete")
            message["body"] = ""
        return status, message

    def _resource(self, sid: str, sender: str, to: str, body: str, status: str, direction: str) -> dict[str, Any]:
        when, uri = self.when(), f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}"
        return {
            "sid": sid, "account_sid": self.account_sid, "messaging_service_sid": None, "from": sender, "to": to,
            "body": body, "status": status, "direction": direction, "num_segments": str(segments(body)),
            "num_media": "0", "date_created": when, "date_updated": when,
            "date_sent": when if direction == "inbound" else None, "price": None, "price_unit": "GBP",
            "error_code": None, "error_message": None, "api_version": "2010-04-01", "uri": uri + ".json",
            "subresource_uris": {"media": uri + "/Media.json"},
        }  # fmt: skip

    def when(self) -> str:
        """Now, as Twilio writes it."""
        return format_datetime(self.now().astimezone(UTC))

    def _sid(self) -> str:
        name = f"{self.account_sid}{self.life}.{len(self.messages)}"
        return f"SM{hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()}"


def _fits(message: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    sent = message["date_sent"] and parsedate_to_datetime(message["date_sent"])
    after, before = (_instant(asked.get(f"DateSent{sign}")) for sign in "><")
    return bool(
        asked.get("To", message["to"]) == message["to"]
        and asked.get("From", message["from"]) == message["from"]
        and (after is None or (sent and sent >= after))
        and (before is None or (sent and sent <= before))
    )


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

"""A loopback double of Twilio's Calls API: it rings, somebody answers or nobody does, and what the house says is followed.

Who answers and which keys they press is a test's to say (`answers`); a number nobody spoke for rings until it stops. What
was said stands on that phone's `voice` board, one message a sentence.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

from aiohttp import web

from bot.sandbox import twilio_rules as rules
from bot.sandbox.twilio_rules import Refusal

if TYPE_CHECKING:
    from bot.sandbox.twilio import TwilioDouble

DOCUMENTS_AT_MOST = 20  # Twilio follows more; a call of ours never needs as many
BROKEN = "We are sorry, an application error has occurred."
OVER = {"busy", "failed", "no-answer", "canceled", "completed"}


@dataclass(frozen=True, slots=True)
class Answer:
    """How a number answers: by a `human`, a `machine_start`, `fax`, `unknown`, or not at all (`busy`, `no-answer`, `failed`).

    `keys`: what is keyed each time digits are asked for; an empty one lets the time run out, and so does the end of the list.
    """

    by: str = "human"
    keys: Sequence[str] = ()


@dataclass(slots=True)
class Telephones:
    """The calls of one account."""

    account: "TwilioDouble"
    answers: dict[str, Answer] = field(default_factory=dict)
    made: dict[str, dict[str, Any]] = field(default_factory=dict)  # the resources, by sid
    forms: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # what each was asked for with
    asked: list[str] = field(default_factory=list)  # every document of ours that was fetched

    def routes(self) -> list[web.RouteDef]:
        """The API's routes."""
        base = "/2010-04-01/Accounts/{account}/Calls"
        return [
            web.post(base + ".json", self._create),
            web.get(base + ".json", self._list),
            web.get(base + "/{sid}.json", self._fetch),
            web.post(base + "/{sid}.json", self._update),
        ]

    # ---- what people and the network do ----

    async def ring(self) -> int:
        """Let every call that waits ring and come to its end; returns how many there were."""
        waiting = [sid for sid, call in self.made.items() if call["status"] == "queued"]
        for sid in waiting:
            await self._one(sid, self.answers.get(self.made[sid]["to"], Answer("no-answer")))
        return len(waiting)

    async def rings_us(self, number: str) -> list[str]:
        """Somebody rings the house's own number; returns what they heard."""
        sid = self._begin(number, self.account.number, "inbound")
        self.made[sid]["status"] = "in-progress"
        return await self._follow(sid, f"{self.account.public_url}/twilio/voice", Answer(), number)

    async def _one(self, sid: str, answer: Answer) -> None:
        call, form = self.made[sid], dict(self.forms[sid])
        if answer.by in OVER:
            await self._ended(sid, answer.by)
            return
        call.update(status="in-progress", answered_by=answer.by if "MachineDetection" in form else None)
        await self._follow(sid, form["Url"], answer, call["to"])
        await self._ended(sid, "completed")

    async def _ended(self, sid: str, status: str) -> None:
        """Tell the house how a call ended, where it wants to know."""
        call = self.made[sid]
        call.update(status=status, end_time=self.account.when(), duration="0" if status != "completed" else "20")
        url = dict(self.forms[sid]).get("StatusCallback")
        if url:
            seen = {"AnsweredBy": call["answered_by"]} if call["answered_by"] else {}
            await self._post(url, {**self._about(sid), "CallDuration": call["duration"], **seen})

    async def _follow(self, sid: str, url: str, answer: Answer, phone: str) -> list[str]:
        """Fetch a document and do what it says, and the next, until somebody hangs up; returns what was heard."""
        heard: list[str] = []
        keys, form = list(answer.keys), self._about(sid)
        if self.made[sid]["answered_by"]:
            form["AnsweredBy"] = self.made[sid]["answered_by"]
        for _ in range(DOCUMENTS_AT_MOST):
            status, text = await self._post(url, form)
            self.asked.append(urlsplit(url).path.rpartition("/")[2])
            if status != 200:
                self._hears(phone, heard, BROKEN)
                return heard
            step = self._obey(ElementTree.fromstring(text), keys, phone, heard)
            if step is None:
                return heard
            url, form = urljoin(url, step[0]), {**self._about(sid), **step[1]}
        raise AssertionError("a call without an end")

    def _obey(
        self, document: ElementTree.Element, keys: list[str], phone: str, heard: list[str]
    ) -> tuple[str, dict[str, str]] | None:
        """Do what one document says; where to go next and with which digits, or None at the end of the call."""
        for verb in document:
            match verb.tag:
                case "Say":
                    self._hears(phone, heard, verb.text or "")
                case "Pause":
                    pass
                case "Gather":
                    for said in verb:
                        self._hears(phone, heard, said.text or "")
                    digits = keys.pop(0) if keys else ""
                    if digits:
                        return verb.attrib["action"], {"Digits": digits[: int(verb.attrib["numDigits"])]}
                case "Redirect":
                    return verb.text or "", {}
                case "Hangup":
                    return None
                case _:
                    raise AssertionError(f"this telephone does not know {verb.tag}")
        return None

    def _hears(self, phone: str, heard: list[str], words: str) -> None:
        heard.append(words)
        self.account.board.deliver("voice", phone, text=words)

    def _about(self, sid: str) -> dict[str, str]:
        call = self.made[sid]
        return {
            "CallSid": sid, "AccountSid": self.account.account_sid, "From": call["from"], "To": call["to"],
            "CallStatus": call["status"], "ApiVersion": "2010-04-01", "Direction": call["direction"],
            "Called": call["to"], "Caller": call["from"], "ToCity": "", "FromCity": "",
        }  # fmt: skip

    async def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, str]:
        parts = urlsplit(url)  # what stands behind # is for Twilio itself
        return await self.account.post(parts.path + (f"?{parts.query}" if parts.query else ""), form)

    # ---- the wire ----

    async def _create(self, request: web.Request) -> web.Response:
        form = [(name, str(value)) for name, value in (await request.post()).items()]
        try:
            rules.check_account(request, self.account.account_sid, self.account.auth_token)
            failure = self.account.failures.take("call")
            if failure is not None:
                raise Refusal(failure.get("status", 400), failure.get("code", 20500), failure.get("words", "planted"))
            rules.check_call(dict(form), self.account.number)
        except Refusal as refusal:
            return refusal.answer()
        sid = self._begin(self.account.number, dict(form)["To"], "outbound-api")
        self.forms[sid] = form
        return web.json_response(self.made[sid], status=201)

    async def _list(self, request: web.Request) -> web.Response:
        asked, base = request.query, f"/2010-04-01/Accounts/{self.account.account_sid}/Calls.json"
        found = [call for call in reversed(self.made.values()) if call["to"] == asked.get("To", call["to"])]
        found = [call for call in found if call["status"] == asked.get("Status", call["status"])]
        size = int(asked.get("PageSize", 50))
        told = {
            "calls": found[:size], "start": 0, "end": max(len(found[:size]) - 1, 0), "page": 0, "page_size": size,
            "first_page_uri": base, "uri": base, "next_page_uri": None, "previous_page_uri": None,
        }  # fmt: skip
        return self._told(request, told)

    async def _fetch(self, request: web.Request) -> web.Response:
        return self._told(request, self.made.get(request.match_info["sid"]))

    async def _update(self, request: web.Request) -> web.Response:
        """A call that rings is called off, one that is spoken in is ended."""
        call, wished = self.made.get(request.match_info["sid"]), str((await request.post()).get("Status", ""))
        if call is not None and call["status"] not in OVER and wished in ("canceled", "completed"):
            call.update(status=wished)
        return self._told(request, call)

    def _told(self, request: web.Request, found: dict[str, Any] | None) -> web.Response:
        try:
            rules.check_account(request, self.account.account_sid, self.account.auth_token)
        except Refusal as refusal:
            return refusal.answer()
        if found is None:
            return Refusal(404, 20404, f"The requested resource {request.path} was not found").answer()
        return web.json_response(found)

    def _begin(self, caller: str, to: str, direction: str) -> str:
        account = self.account
        name = f"call {account.account_sid}{account.life}.{len(self.made)}"
        sid = f"CA{hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()}"
        uri, when = f"/2010-04-01/Accounts/{account.account_sid}/Calls/{sid}", account.when()
        self.made[sid] = {
            "sid": sid, "account_sid": account.account_sid, "parent_call_sid": None, "from": caller, "to": to,
            "from_formatted": caller, "to_formatted": to, "phone_number_sid": "PN" + "0" * 32, "status": "queued",
            "direction": direction, "answered_by": None, "date_created": when, "date_updated": when, "start_time": when,
            "end_time": None, "duration": None, "price": None, "price_unit": "USD", "api_version": "2010-04-01",
            "forwarded_from": None, "group_sid": None, "caller_name": "", "queue_time": "0", "trunk_sid": None,
            "uri": uri + ".json", "subresource_uris": {"events": uri + "/Events.json"},
        }  # fmt: skip
        self.forms[sid] = []
        return sid

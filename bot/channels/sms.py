"""Knows how a letter goes out by SMS: Twilio's own asynchronous client, with the limits that it lacks.

The client has no working time-out and its retries repeat a POST, so that one text goes out three times: here each
request has an end and is made once; the outbox retries. Our own letter id travels in the callback's URL, so that a
callback proves the send even if this house died before it could write the provider's id down (A8). Twilio's errors
quote numbers and the account: nothing of them leaves this file but the code.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import aiohttp
import structlog
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from scheduler.outbox import Receipt, Refused, Unreachable
from scheduler.pace import Rate, Rates, in_all
from storage.endpoints import WHATSAPP
from storage.outbox import AGAIN, Letter
from storage.verdicts import Verdict, verdict

REQUEST_SECONDS = 10
# how long the network may still deliver a text of this kind that says no time of its own; Twilio's default is ten hours (A13)
LIVES_SECONDS = {"question": 900, "alert": 3600}
LIVES_AT_MOST_SECONDS = 4 * 3600
BODY_AT_MOST = 1600
A_SECOND = 10  # a British number's; between two numbers 30 in 30 s look like a loop to Twilio (14107)
COME_AGAIN = (401, 403, 404, 408, 409, 429)  # the account, the address or the pace: not this number's fault
LOST_AT_GATEWAY = (502, 504)  # Twilio itself may have heard us
DEAD = frozenset(
    {21211, 21610, 21614, 21635, 30005, 30006}
)  # no such number, opted out, no mobile, unknown, a landline
LOOKED_THROUGH = 20  # texts to one number, newest first, among which one is looked for that may have gone out
CLOCKS_APART = timedelta(seconds=30)  # Twilio's and ours
GONE_WRONG = ("failed", "undelivered", "canceled")
FAULTS = (TwilioException, aiohttp.ClientError, TimeoutError, OSError, ValueError)  # the last: a yes that is no JSON
NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.InvalidURL)  # no line came about: nothing was said
_log = structlog.get_logger(__name__)


class RebasedHttpClient(AsyncTwilioHttpClient):
    """Twilio's client, led to `base` in place of its own host, with an end to every request."""

    def __init__(self, base: str, seconds: float = REQUEST_SECONDS) -> None:
        super().__init__()
        self._base, self._seconds = urlsplit(base), seconds

    async def request(self, method: str, url: str, *args: Any, **more: Any) -> Response:  # type: ignore[override]
        """Make one request. Raises TimeoutError when it takes too long."""
        if form := more.get("data"):
            more["data"] = urlencode(form, doseq=True).encode()  # aiohttp would first make ready for files
        path = self._base.path.rstrip("/") + urlsplit(url).path
        led = urlunsplit((self._base.scheme, self._base.netloc, path, urlsplit(url).query, ""))
        async with asyncio.timeout(self._seconds):
            return await super().request(method, led, *args, **more)

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: numbers and words of ours are no log's, and a dozen lines nobody hears are not written for each text."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Nothing, as of a request."""


class SmsChannel:
    """Sends letters through one Twilio account. Make it inside the running loop; close it at the end."""

    name = "sms"

    def __init__(
        self, *, account_sid: str, auth_token: str, api_url: str, sender: str, service_sid: str, public_url: str,
        now: Callable[[], datetime], seconds: float = REQUEST_SECONDS, a_second: float = A_SECOND,
    ) -> None:  # fmt: skip
        """`a_second`: how many texts Twilio passes on for this sender; what is more would lie in Twilio's queue, unordered."""
        self.rates = Rates(in_all(a_second), each=Rate(5, 0.4))
        self._http = RebasedHttpClient(api_url, seconds)
        self._client = Client(account_sid, auth_token, http_client=self._http)  # type: ignore[no-untyped-call]
        self._sender = {"from_": sender} if sender else {"messaging_service_sid": service_sid}
        self._callback = f"{public_url.rstrip('/')}/twilio/status?m="
        self._now = now

    async def send(self, letter: Letter) -> Receipt:
        """Hand one text over, to a number or to `whatsapp:` and a number. One that may have gone out is looked for first.

        Raises Refused for good, Unreachable for now; neither holds a number.
        """
        before = None if letter.doubt_since is None else await self._gone_out(letter, letter.doubt_since)
        if before is not None:
            return Receipt(provider_id=before)
        try:
            sent = await self._client.messages.create_async(
                to=letter.address,
                body=letter.body[:BODY_AT_MOST],
                status_callback=self._callback + quote(letter.id, safe=""),
                validity_period=self._lives(letter),
                smart_encoded=True,
                **self._from(letter.address),
            )
        except FAULTS as error:
            raise translated(error, () if letter.address.startswith(WHATSAPP) else DEAD) from None  # texts still arrive
        return Receipt(provider_id=str(sent.sid))

    async def _gone_out(self, letter: Letter, since: datetime) -> str | None:
        """Twilio's id of this very text where it has it since then; None also where it does not say."""
        try:
            texts = await self._client.messages.list_async(to=letter.address, limit=LOOKED_THROUGH)
        except FAULTS as error:
            _log.warning("Twilio does not say whether a text went out", letter=letter.id, fault=type(error).__name__)
            return None
        words = letter.body.removeprefix(AGAIN)[: BODY_AT_MOST - len(AGAIN)]
        for text in texts:
            made, body = text.date_created, (text.body or "").removeprefix(AGAIN)[: BODY_AT_MOST - len(AGAIN)]
            recent = isinstance(made, datetime) and made >= since - CLOCKS_APART
            if (
                recent
                and body == words
                and str(text.direction).startswith("outbound")
                and str(text.status) not in GONE_WRONG
            ):
                return str(text.sid)
        return None

    async def word_on(self, provider_id: str) -> tuple[str, str]:
        """What became of a text, by Twilio's id: its status and error code. Raises Refused or Unreachable."""
        try:
            text = await self._client.messages(provider_id).fetch_async()
        except FAULTS as error:
            raise translated(error) from None
        return str(text.status), str(text.error_code or "")

    def _from(self, address: str) -> dict[str, str]:
        """Who sends: by WhatsApp the same number in WhatsApp's form; a Messaging Service finds its own."""
        number = self._sender.get("from_")
        return {"from_": WHATSAPP + number} if number and address.startswith(WHATSAPP) else self._sender

    def _lives(self, letter: Letter) -> int:
        """Seconds for which the network may still deliver it: not longer than the question itself waits."""
        at_most = LIVES_SECONDS.get(letter.kind, LIVES_AT_MOST_SECONDS)
        if letter.expires_at is None:
            return at_most
        return max(1, min(at_most, int((letter.expires_at - self._now()).total_seconds())))

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()  # type: ignore[no-untyped-call]


def translated(error: Exception, dead: Collection[int] = DEAD) -> Refused | Unreachable:
    """What Twilio's answer means to the outbox: this letter never (Refused), or not now (Unreachable). `dead`: the codes
    that say so of the address and not only of the letter.

    Twilio warns against logic on its codes: an unknown one is Refused for this letter and never silences the ladder.
    """
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    if getattr(error.args[-1] if error.args else None, "status_code", None) == 401:
        status = (
            401  # of a list, whose error holds the answer; what else a list is refused for says nothing of a letter
        )
    said = verdict(code)
    if said is Verdict.FAULT or status == 401:
        _log.critical("Twilio is not set up for what was to be sent", code=code or status)
    if not isinstance(status, int) or status >= 500 or status in COME_AGAIN or said is Verdict.RETRY:
        lost = status in LOST_AT_GATEWAY if isinstance(status, int) else not isinstance(error, NEVER_LEFT)
        return Unreachable(str(code or status or type(error).__name__), in_doubt=lost)
    return Refused(str(code or status), dead=code in dead)

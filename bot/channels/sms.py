"""Knows how a letter goes out by SMS: Twilio's own asynchronous client, with the limits that it lacks.

The client has no working time-out and its retries repeat a POST, so that one text goes out three times: here each
request has an end and is made once; the outbox retries. Our own letter id travels in the callback's URL, so that a
callback proves the send even if this house died before it could write the provider's id down (A8). Twilio's errors
quote numbers and the account: nothing of them leaves this file but the code.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from scheduler.outbox import Receipt, Refused, Unreachable
from storage.endpoints import WHATSAPP
from storage.outbox import Letter

REQUEST_SECONDS = 10
LIVES_AT_MOST_SECONDS = 4 * 3600  # Twilio's own default is ten hours: "is she back?" in the morning helps nobody (A13)
BODY_AT_MOST = 1600
COME_AGAIN = (401, 403, 404, 408, 409, 429)  # the account, the address or the pace: not this number's fault
DEAD = (21211, 21610, 21614, 30005, 30006)  # no such number, opted out, no mobile, unknown, a landline
BUSY = (10004, 14107, 20429, 30001, 30022, 63018)  # codes that pass by themselves, whatever their HTTP status


class RebasedHttpClient(AsyncTwilioHttpClient):
    """Twilio's client, led to `base` in place of its own host, with an end to every request."""

    def __init__(self, base: str, seconds: float = REQUEST_SECONDS) -> None:
        super().__init__()
        self._base, self._seconds = urlsplit(base), seconds

    async def request(self, method: str, url: str, *args: Any, **more: Any) -> Response:  # type: ignore[override]
        """Make one request. Raises TimeoutError when it takes too long."""
        path = self._base.path.rstrip("/") + urlsplit(url).path
        led = urlunsplit((self._base.scheme, self._base.netloc, path, urlsplit(url).query, ""))
        async with asyncio.timeout(self._seconds):
            return await super().request(method, led, *args, **more)


class SmsChannel:
    """Sends letters through one Twilio account. Make it inside the running loop; close it at the end."""

    name = "sms"

    def __init__(
        self, *, account_sid: str, auth_token: str, api_url: str, sender: str, service_sid: str, public_url: str,
        now: Callable[[], datetime], seconds: float = REQUEST_SECONDS,
    ) -> None:  # fmt: skip
        self._http = RebasedHttpClient(api_url, seconds)
        self._client = Client(account_sid, auth_token, http_client=self._http)  # type: ignore[no-untyped-call]
        self._sender = {"from_": sender} if sender else {"messaging_service_sid": service_sid}
        self._callback = f"{public_url.rstrip('/')}/twilio/status?m="
        self._now = now

    async def send(self, letter: Letter) -> Receipt:
        """Hand one text over, to a number or to `whatsapp:` and a number. Raises Refused for good, Unreachable for now; neither
        holds a number."""
        try:
            sent = await self._client.messages.create_async(
                to=letter.address,
                body=letter.body[:BODY_AT_MOST],
                status_callback=self._callback + quote(letter.id, safe=""),
                validity_period=self._lives(letter),
                smart_encoded=True,
                **self._from(letter.address),
            )
        except (TwilioException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise translated(error, () if letter.address.startswith(WHATSAPP) else DEAD) from None  # texts still arrive
        return Receipt(provider_id=str(sent.sid))

    def _from(self, address: str) -> dict[str, str]:
        """Who sends: by WhatsApp the same number in WhatsApp's form; a Messaging Service finds its own."""
        number = self._sender.get("from_")
        return {"from_": WHATSAPP + number} if number and address.startswith(WHATSAPP) else self._sender

    def _lives(self, letter: Letter) -> int:
        """Seconds for which the network may still deliver it: not longer than the question itself waits."""
        if letter.expires_at is None:
            return LIVES_AT_MOST_SECONDS
        return max(1, min(LIVES_AT_MOST_SECONDS, int((letter.expires_at - self._now()).total_seconds())))

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()  # type: ignore[no-untyped-call]


def translated(error: Exception, dead: Collection[int] = DEAD) -> Refused | Unreachable:
    """What Twilio's answer means to the outbox: this letter never (Refused), or not now (Unreachable). `dead`: the codes
    that say so of the address and not only of the letter.

    Twilio warns against logic on its codes: an unknown one is Refused for this letter and never silences the ladder.
    """
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    if not isinstance(status, int) or status >= 500 or status in COME_AGAIN or code in BUSY:
        return Unreachable(str(code or status or type(error).__name__))
    return Refused(str(code or status), dead=code in dead)

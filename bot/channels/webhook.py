"""Knows how a missing report is posted to an endpoint of a force or an authority, signed, so that it can be believed there.

Each try is signed anew over its second and its body, with a key of that endpoint's own: who takes reports at one cannot
forge one for another, and an old request cannot be played again. The delivery's id stays the same however often it is
tried. A 2xx says that a machine took it; that the police know is said by a log number alone (P7).
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime

import aiohttp

from bot.channels.papers import Papers
from scheduler.outbox import Receipt, Refused, Unreachable
from storage.endpoints import is_loopback
from storage.outbox import Letter

SEND_SECONDS = 20
COME_AGAIN = (408, 425, 429)
WAIT_AT_MOST_SECONDS = 3600  # longer than that and whoever asked for it means "never"


class WebhookChannel:
    """Posts reports to endpoints. Make it inside the running loop; close it at the end."""

    name = "webhook"

    def __init__(
        self, *, key: str, papers: Callable[[Letter], Awaitable[Papers]], now: Callable[[], datetime],
        here_only: bool = False, seconds: float = SEND_SECONDS,
    ) -> None:  # fmt: skip
        """`papers` are the files that a letter names. `here_only`: a test's house posts to this very machine alone."""
        self._key, self._papers, self._now, self._here_only = key, papers, now, here_only
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=seconds), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def send(self, letter: Letter) -> Receipt:
        """Post one report. Raises Refused for good, Unreachable for now."""
        if self._here_only and not is_loopback(letter.address):
            raise Refused("not this machine", dead=False)
        body = _body(letter, await self._papers(letter))
        try:
            async with self._session.post(
                letter.address, data=body, headers=self._headers(letter, body), allow_redirects=False
            ) as answer:
                status, wait = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unreachable(type(error).__name__) from None
        _judge(status, wait)
        return Receipt(provider_id=letter.id)

    def _headers(self, letter: Letter, body: bytes) -> dict[str, str]:
        second = str(int(self._now().timestamp()))
        return {
            "Content-Type": "application/json",
            "Porchlight-Delivery": letter.id,
            "Porchlight-Timestamp": second,
            "Porchlight-Signature": f"v1={sign(key_of(self._key, letter.address), second, body)}",
        }

    async def close(self) -> None:
        """End the connections."""
        await self._session.close()


def key_of(key: str, endpoint: str) -> str:
    """The key that is given to whoever keeps an endpoint: 64 hex digits, made from the house's own and the URL."""
    return hmac.new(key.encode(), endpoint.encode(), hashlib.sha256).hexdigest()


def sign(key: str, second: str, body: bytes) -> str:
    """HMAC-SHA256, in hex, over the second (Unix time), a full stop and the body."""
    return hmac.new(key.encode(), f"{second}.".encode() + body, hashlib.sha256).hexdigest()


def _body(letter: Letter, papers: Papers) -> bytes:
    told = {
        "kind": "missing_report", "delivery": letter.id, "ref": papers.ref, "version": papers.version,
        "as_at": papers.as_at.isoformat(), "report": json.loads(papers.json),
        "pdf": base64.b64encode(papers.pdf).decode(),
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False).encode()


def _judge(status: int, wait: str) -> None:
    """What an answer means: taken, not now (Unreachable), or no (Refused). Nobody is followed to another address."""
    if 200 <= status < 300:
        return
    if status >= 500 or status in COME_AGAIN:
        seconds = float(wait) if wait.isascii() and wait.isdecimal() else None
        raise Unreachable(str(status), None if seconds is None else min(seconds, WAIT_AT_MOST_SECONDS))
    raise Refused(str(status), dead=status == 410)

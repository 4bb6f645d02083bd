"""Knows how a few people are told that the house can no longer keep its records: a text that needs no database.

What was said lately the provider knows, too: a house that is started again and again by its supervisor asks there, and does
not text the same people each time.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from twilio.rest import Client

from bot.channels.sms import FAULTS, LIVES_AT_MOST_SECONDS, RebasedHttpClient

AGAIN_AFTER = timedelta(minutes=15)
SECONDS = 5
LOOKED_AT = 50  # of the newest texts to a number
ALIKE = 30  # characters at the beginning that tell one kind of text from another
_log = structlog.get_logger(__name__)


class LastResort:
    """Texts to a few numbers, by Twilio. Make it inside the running loop; close it at the end."""

    def __init__(
        self, *, numbers: Sequence[str], account_sid: str, auth_token: str, api_url: str, sender: str, service_sid: str,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._http = RebasedHttpClient(api_url, SECONDS)
        self._client = Client(account_sid, auth_token, http_client=self._http)  # type: ignore[no-untyped-call]
        self._sender = {"from_": sender} if sender else {"messaging_service_sid": service_sid}
        self._numbers, self._now = numbers, now

    async def say(self, words: str) -> int:
        """Text everybody who was not told the like within a quarter of an hour; returns how many were. Raises nothing."""
        return sum([await self._say_to(number, words) for number in self._numbers])

    async def _say_to(self, number: str, words: str) -> bool:
        if await self._told(number, words):
            return False
        try:
            await self._client.messages.create_async(
                to=number, body=words, validity_period=LIVES_AT_MOST_SECONDS, smart_encoded=True, **self._sender
            )
        except FAULTS as fault:
            _log.critical("a last-resort text did not leave", code=getattr(fault, "code", type(fault).__name__))
            return False
        return True

    async def _told(self, number: str, words: str) -> bool:
        """Whether the provider remembers; one that does not answer is texted all the same."""
        since = self._now() - AGAIN_AFTER
        try:
            found = await self._client.messages.list_async(to=number, limit=LOOKED_AT, page_size=LOOKED_AT)
        except FAULTS:
            return False
        return any(
            (m.body or "").startswith(words[:ALIKE]) and m.date_created is not None and m.date_created > since
            for m in found
        )

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()  # type: ignore[no-untyped-call]

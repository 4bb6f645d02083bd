"""Knows how a text is left with Twilio until its time, and called back before it: for the case that this house dies.

Only a Messaging Service keeps texts. Asked without one, Twilio would send at once: so there is no way to ask without.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from twilio.rest import Client

from bot.channels.sms import FAULTS, LIVES_AT_MOST_SECONDS, REQUEST_SECONDS, RebasedHttpClient, translated
from scheduler.outbox import Refused, Unreachable

T = TypeVar("T")

SCHEDULED = "scheduled"
TOO_SOON = ("35114", "35115")  # the window of an account may begin at 900 s
NO_LONGER = ("30409", "20404")  # it has left, was called back before, or is known no more
SOON = timedelta(minutes=15, seconds=30)
LISTED = 100  # of the newest messages to one number


class ScheduledTexts:
    """Texts of one Twilio account that are to leave later. Make it inside the running loop; close it at the end."""

    def __init__(
        self, *, account_sid: str, auth_token: str, api_url: str, service_sid: str, now: Callable[[], datetime],
        seconds: float = REQUEST_SECONDS,
    ) -> None:  # fmt: skip
        assert service_sid, "without a Messaging Service Twilio would send at once"
        self._http = RebasedHttpClient(api_url, seconds)
        self._client = Client(account_sid, auth_token, http_client=self._http)  # type: ignore[no-untyped-call]
        self._service_sid, self._now = service_sid, now

    async def schedule(self, address: str, body: str, at: datetime) -> str:
        """Leave a text there until that instant, or a little later where the account cannot wait so short; returns Twilio's
        name for it. Raises Refused or Unreachable; neither holds a number."""
        try:
            return await self._leave(address, body, at)
        except Refused as fault:
            if fault.code not in TOO_SOON:
                raise
        return await self._leave(address, body, max(at, self._now() + SOON))

    async def _leave(self, address: str, body: str, at: datetime) -> str:
        whole = at.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=bool(at.microsecond))
        sent = await _asking(
            self._client.messages.create_async(
                to=address, body=body, messaging_service_sid=self._service_sid, schedule_type="fixed", send_at=whole,
                validity_period=LIVES_AT_MOST_SECONDS, smart_encoded=True,
            )
        )  # fmt: skip
        return str(sent.sid)

    async def call_back(self, provider_id: str) -> None:
        """Take a text back; one that has left, or was taken back before, is no fault. Raises Refused or Unreachable."""
        try:
            await _asking(self._client.messages(provider_id).update_async(status="canceled"))
        except (Refused, Unreachable) as fault:
            if fault.code not in NO_LONGER:
                raise

    async def waiting(self, address: str) -> Sequence[tuple[str, str]]:
        """What waits there for this number, newest first, as (Twilio's name, words). Raises Refused or Unreachable."""
        found = await _asking(self._client.messages.list_async(to=address, limit=LISTED, page_size=LISTED))
        return [(str(m.sid), m.body or "") for m in found if str(m.status) == SCHEDULED]

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()  # type: ignore[no-untyped-call]


async def _asking(request: Awaitable[T]) -> T:
    try:
        return await request
    except FAULTS as error:
        raise translated(error) from None

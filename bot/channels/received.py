"""Knows the texts that Twilio took for us, asked for anew: one that it could not bring to the house it brings no second time.

A list is read, newest first and no further back than asked; nothing is changed there. What comes out are the fields that the
webhook would have had, with the instant at which the text was sent.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from twilio.rest import Client

from bot.channels.sms import FAULTS, REQUEST_SECONDS, RebasedHttpClient, translated
from storage.endpoints import WHATSAPP

LISTED_AT_MOST, PAGE = 2000, 200

Fields = dict[str, str]


class ReceivedTexts:
    """Texts to one number, or to one Messaging Service. Make it inside the running loop; close it at the end."""

    def __init__(
        self, *, account_sid: str, auth_token: str, api_url: str, number: str, service_sid: str,
        seconds: float = REQUEST_SECONDS,
    ) -> None:  # fmt: skip
        """Without a `number` every text of the account is listed: what came to another service is left out, and what names none
        is ours, for Twilio names one for what was sent and need not for what came in."""
        self._http = RebasedHttpClient(api_url, seconds)
        self._client = Client(account_sid, auth_token, http_client=self._http)  # type: ignore[no-untyped-call]
        self._to, self._service = {"to": number} if number else {}, "" if number else service_sid

    async def since(self, at: datetime) -> Sequence[Fields]:
        """What people texted since then, oldest first. Raises Refused or Unreachable."""
        found = await self._list(self._to, at)
        if self._to:
            found += await self._list({"to": WHATSAPP + self._to["to"]}, at)
        return sorted(found, key=lambda each: (each["sent_at"], each["MessageSid"]))

    async def _list(self, to: Fields, at: datetime) -> list[Fields]:
        try:
            texts = await self._client.messages.list_async(
                date_sent_after=at.astimezone(UTC), limit=LISTED_AT_MOST, page_size=PAGE, **to
            )
        except FAULTS as error:
            raise translated(error) from None
        return [
            {
                "MessageSid": str(text.sid), "AccountSid": str(text.account_sid), "From": str(text.from_),
                "To": str(text.to), "Body": text.body or "", "NumMedia": str(text.num_media or 0),
                "MessagingServiceSid": str(text.messaging_service_sid or self._service), "SmsStatus": "received",
                "sent_at": (text.date_sent or at).astimezone(UTC).isoformat(),
            }
            for text in texts
            if str(text.direction) == "inbound" and self._came_here(text.messaging_service_sid)
        ]  # fmt: skip

    def _came_here(self, service_sid: object) -> bool:
        return not self._service or service_sid in (None, "", self._service)

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()  # type: ignore[no-untyped-call]

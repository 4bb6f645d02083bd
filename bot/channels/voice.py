"""Knows how a letter becomes a telephone call: Twilio rings the number, and asks this house what to say once it is answered.

The call carries nothing of the letter: what is said, and after which PIN, is the voice door's (`handlers.voice`). That Twilio
took the call says that a telephone rings, not that anybody heard it.
"""

from urllib.parse import quote

from twilio.rest import Client

from bot.channels.sms import FAULTS, REQUEST_SECONDS, RebasedHttpClient, translated
from scheduler.outbox import Receipt
from scheduler.pace import Rate, Rates
from storage.outbox import Letter

RINGS_SECONDS = 45
LASTS_AT_MOST_SECONDS = 180  # three tries at the PIN, and the alert said twice
AGAIN = "#rc=3&rp=all"  # Twilio asks three times more before it gives a call up: the house may be starting just then
MACHINES = ("machine", "fax")
DEAD = (21211, 21214, 21217)  # no such number, or none that can be rung


class VoiceChannel:
    """Rings people through one Twilio account. Make it inside the running loop; close it at the end."""

    name = "voice"
    rates = Rates(Rate(1, 1), each=Rate(2, 0.1))  # Twilio begins one call a second

    def __init__(
        self, *, account_sid: str, auth_token: str, api_url: str, caller: str, public_url: str,
        seconds: float = REQUEST_SECONDS,
    ) -> None:  # fmt: skip
        self._http = RebasedHttpClient(api_url, seconds)
        self._client = Client(account_sid, auth_token, http_client=self._http)  # type: ignore[no-untyped-call]
        self._caller, self._house = caller, f"{public_url.rstrip('/')}/twilio"

    async def send(self, letter: Letter) -> Receipt:
        """Let one telephone ring. Raises Refused for good, Unreachable for now; neither holds a number."""
        letter_id = quote(letter.id, safe="")
        try:
            call = await self._client.calls.create_async(
                to=letter.address,
                from_=self._caller,
                url=f"{self._house}/voice?m={letter_id}{AGAIN}",
                status_callback=f"{self._house}/status?m={letter_id}",
                status_callback_event=["completed"],
                machine_detection="Enable",
                timeout=RINGS_SECONDS,
                time_limit=LASTS_AT_MOST_SECONDS,
            )
        except FAULTS as error:
            raise translated(error, DEAD) from None
        return Receipt(provider_id=str(call.sid))

    async def word_on(self, provider_id: str) -> tuple[str, str]:
        """What became of a call, by Twilio's id: its status; one that a machine answered has failed. Raises Refused or
        Unreachable."""
        try:
            call = await self._client.calls(provider_id).fetch_async()
        except FAULTS as error:
            raise translated(error) from None
        machine = str(call.answered_by or "").startswith(MACHINES)
        return ("failed" if machine else str(call.status)), ""

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()  # type: ignore[no-untyped-call]

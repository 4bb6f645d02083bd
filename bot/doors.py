"""Knows which door each kind of message goes through, whether it comes by webhook, by polling or a second time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.settings import Settings
from bot.web import Form
from handlers import receipts, sms, telegram, voice
from handlers.inbox import Doors
from handlers.sms import Ours
from scheduler.outbox import refused
from storage.casebook import Answer
from storage.inbox import Heard


@dataclass(frozen=True, slots=True)
class FrontDoors:
    """The doors of one house. `stir` is called after each commit: there may be letters to send."""

    doors: Doors
    ours: Ours
    stir: Callable[[], None]

    async def webhook(self, body: bytes) -> None:
        """Take the body of Telegram's webhook."""
        await telegram.hear_body(self.doors, body)
        self.stir()

    async def update(self, raw: object) -> None:
        """Take one update that was asked for."""
        await telegram.hear(self.doors, raw)
        self.stir()

    async def sms(self, form: Form) -> bool:
        """Take a text; False where it was meant for somebody else."""
        taken = await sms.hear(self.doors, self.ours, form.fields, form.body, fallback=form.fallback)
        self.stir()
        return taken

    async def fetched(self, text: Mapping[str, str]) -> None:
        """Take a text that Twilio could not bring, and that was asked for."""
        await sms.hear(self.doors, self.ours, list(text.items()))
        self.stir()

    async def voice(self, form: Form) -> str | None:
        """Take a call that was picked up; None where it was meant for somebody else."""
        return await self._telephone(form, keyed=False)

    async def gather(self, form: Form) -> str | None:
        """Take the digits that were keyed in a call."""
        return await self._telephone(form, keyed=True)

    async def _telephone(self, form: Form, *, keyed: bool) -> str | None:
        said = await voice.hear(self.doors, self.ours, refused, form.fields, form.query, form.body, keyed=keyed)
        self.stir()
        return said

    async def receipts(self, form: Form) -> bool:
        """Take word of what became of a text of ours."""
        taken = await receipts.hear(self.doors, self.ours, refused, form.fields, form.query.get("m", ""))
        self.stir()
        return taken

    async def word_on(self, letter_id: str, sid: str, status: str, code: str) -> None:
        """Take what Twilio answered when it was asked what became of a text: as if it had called."""
        said = [("AccountSid", self.ours.account_sid), ("MessageSid", sid), ("MessageStatus", status)]
        said += [("ErrorCode", code)] if code else []
        await receipts.hear(self.doors, self.ours, refused, said, letter_id, asked=True)

    def answer_for(self, heard: Heard) -> Answer:
        """What is done about a message that is tried again."""
        if heard.source == telegram.SOURCE:
            return telegram.answer_for(self.doors, heard)
        if voice.mine(heard):
            return voice.answer_for(self.doors, refused, heard)
        if ":" in heard.external_id:
            return receipts.answer_for(heard, refused)
        return sms.answer_for(self.doors, heard)


def ours_of(settings: Settings) -> Ours:
    """What a text of Twilio's must name to be meant for this house."""
    return Ours(
        account_sid=settings.twilio_account_sid,
        number=settings.twilio_from,
        service_sid=settings.twilio_messaging_service_sid,
    )

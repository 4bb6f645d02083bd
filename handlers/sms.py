"""A text from Twilio: whose is it, was it heard before, and is it a command, a choice or an answer?

Nothing a person types raises an exception at them, and nothing they type lowers anything by itself: a number can be
forged. What cannot be read is kept, asked again once, and then put before a person.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from casework.plain import level
from casework.reading import read_command
from handlers import leavers, sms_answers, sms_commands, sms_duty
from handlers.inbox import Doors
from handlers.texter import Texter
from storage import dying
from storage.casebook import Answer
from storage.desk import Desk
from storage.endpoints import plain
from storage.inbox import Heard
from storage.texters import Texters, codes_like

SOURCE = "twilio"
SID = re.compile(r"(SM|MM)[0-9a-f]{32}")
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_SIX_DIGITS = re.compile(r"(?<!\d)\d{6}(?!\d)")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What a request must name to be meant for this house."""

    account_sid: str
    number: str
    service_sid: str

    def addressed(self, said: dict[str, str]) -> bool:
        """Whether a text came to a number of ours."""
        if self.number:
            return plain(said.get("To", "")) == self.number
        return said.get("MessagingServiceSid") == self.service_sid


async def hear(
    doors: Doors, ours: Ours, fields: Sequence[tuple[str, str]] | None, body: bytes = b"", *, fallback: bool = False
) -> bool:
    """Take one signed request; False where it was meant for somebody else. Raises only when nothing could be written.

    1. no form, no MessageSid or no Body: quarantined, for a person to look at
    2. another account or number: quarantined, the co-ordinators are told, and Twilio hears 403
    3. a MessageSid that was heard before: nothing is done again
    4. else the text is worked in one unit of work
    """
    said = dict(fields or ())
    sid = said.get("MessageSid", "")
    if fields is None or not SID.fullmatch(sid):
        await set_aside(doors, f"unread:{hashlib.sha256(body).hexdigest()[:32]}", said)
        return True
    if said.get("AccountSid") != ours.account_sid or not ours.addressed(said):
        await doors.casebook.hear(heard_of(doors, sid, said), foreign)
        return False
    if "Body" not in said or "From" not in said:
        await set_aside(doors, sid, said)
        return True
    if fallback:
        _log.warning("Twilio could not reach /twilio/sms", id=sid, code=said.get("ErrorCode", "")[:8])
    said["ours"] = ours.number
    await doors.casebook.hear(heard_of(doors, sid, said), _answer(doors, said))
    return True


def answer_for(doors: Doors, heard: Heard) -> Answer:
    """What is done at the desk about one text; also for one that is tried again."""
    return _answer(doors, json.loads(heard.raw))


def _answer(doors: Doors, said: Mapping[str, str]) -> Answer:
    async def answer(desk: Desk) -> None:
        await _work(doors, desk, said)

    return answer


def heard_of(doors: Doors, external_id: str, said: Mapping[str, str]) -> Heard:
    """A request of Twilio's as a message: every field is kept."""
    return Heard(
        source=SOURCE, external_id=external_id, received_at=doors.casebook.now(),
        raw=json.dumps(said, ensure_ascii=False, sort_keys=True),
    )  # fmt: skip


async def set_aside(doors: Doors, external_id: str, said: Mapping[str, str]) -> None:
    """Keep a request that nobody can read, for a person to look at."""

    async def quarantine(desk: Desk) -> None:
        desk.quarantine()

    await doors.casebook.hear(heard_of(doors, external_id, said), quarantine)


async def foreign(desk: Desk) -> None:
    """Signed with our token, but for another account or number: somebody must look at the settings (B077, B078)."""
    _log.error("a signed text was for another account or number")
    await desk.tell_co_ordinators("X_FOREIGN", {})
    desk.quarantine()


# ---- one text --------------------------------------------------------------------------------------


async def _work(doors: Doors, desk: Desk, said: Mapping[str, str]) -> None:
    number, bare = said["From"], plain(said["From"])
    if not NUMBER.fullmatch(bare) or bare == said.get("ours"):
        desk.ignore()  # a name or short code is nobody's; our own number would be a loop (B083, B084)
        return
    people = await desk.directory.people_by_number(bare)
    if number != bare:
        people = [person for person in people if person.texted_at == number]
        if not people:
            desk.ignore()  # WhatsApp is those people's alone who are written to there, and no parent's (B083)
            return
    for person in people:
        await dying.spoke(desk, person, "sms")
    texter = Texter(desk, doors, number, people, said["Body"], Texters(desk.tx, number, desk.now), _late(said))
    if not people:
        await _stranger(texter)
        return
    await _choice(texter)
    if await sms_duty.confirmed(texter):
        return
    command = read_command(texter.words)
    if command is None or not await sms_commands.carry_out(texter, command):
        await sms_answers.answer(texter)
    if said.get("NumMedia", "0") not in ("", "0"):
        await texter.reply("N_TEXTONLY")


def _late(said: Mapping[str, str]) -> datetime | None:
    """When a text was sent that Twilio did not bring and that was fetched from it."""
    return datetime.fromisoformat(said["sent_at"]) if "sent_at" in said else None


async def _stranger(texter: Texter) -> None:
    """A number nobody knows: one neutral answer. A code of one of our cases from it is noted with that case (B096). Of one
    who was cut off people hear (B047): the answer stays the neutral one, for a number can be forged (T3)."""
    texter.desk.ignore()
    for digits in _SIX_DIGITS.findall(texter.words)[:1]:
        for case_id, _ in (await codes_like(texter.desk.tx, digits))[:1]:
            texter.desk.outcome = "done"
            await sms_answers.code_from_elsewhere(texter, case_id)
    if former := await texter.desk.directory.former_by_number(texter.number):
        texter.desk.outcome = "done"
        await leavers.tried(texter.desk, former, texter.words, texter.doors.book(former[0].language))
    await texter.neutral()


async def _choice(texter: Texter) -> None:
    """An answer to "which child?": the words that waited are worked for that child. Other words end the waiting."""
    words_id = await texter.memory.waiting_choice()
    if words_id is None:
        return
    picked = level(texter.words).strip(" .!,'\"")
    waited = await texter.desk.words(words_id)
    if waited is not None and re.fullmatch(r"[^\W\d_]|[^\W_]*\d[^\W_]*", picked) and not re.fullmatch(r"\d+", picked):
        texter.chosen, texter.words = picked, waited
        await texter.memory.picked()
    else:
        await texter.memory.forget_choice()

"""A call that the house made: who picked up, what may be said to them, and whether they took the alert.

Nothing about a child is said before the own PIN of the very person who was called, and afterwards no more than a text may
say. A machine that answers and a call that was heard to its end take nothing: only the PIN does.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from casework import wording
from casework.case import Case
from casework.effects import Field
from casework.events import News
from casework.step import Step
from casework.wording import Phrasebook
from handlers import sms, taking, twiml
from handlers.inbox import Doors
from handlers.receipts import CALL, MACHINES, Refused, undelivered
from handlers.sms import Ours
from storage import calls, outbox, pins, proofs
from storage.casebook import Answer
from storage.codec import ms
from storage.database import Tx
from storage.desk import Desk
from storage.directory import Person
from storage.inbox import Heard
from storage.outbox import Letter

TRIES = 3
_log = structlog.get_logger(__name__)


async def hear(
    doors: Doors, ours: Ours, refused: Refused, fields: Sequence[tuple[str, str]] | None, query: Mapping[str, str],
    body: bytes = b"", *, keyed: bool = False,
) -> str | None:  # fmt: skip
    """Take one signed request about a call and say what the telephone does next; "" for a request that nobody can read,
    None for one that was meant for somebody else. Raises only when nothing could be written.

    `keyed`: digits should have come. They get no further than here: what is kept is whether they were right.
    """
    said = dict(fields or ())
    digits = said.pop("Digits", "")
    sid = said.get("CallSid", "")
    if fields is None or not CALL.fullmatch(sid):
        await sms.set_aside(doors, f"unread:{hashlib.sha256(body).hexdigest()[:32]}", said)
        return ""
    if said.get("AccountSid") != ours.account_sid or not (
        ours.number and ours.number in (said.get("From"), said.get("To"))
    ):
        await doors.casebook.hear(sms.heard_of(doors, sid, said), sms.foreign)
        return None
    turn = query.get("n", "1")
    said |= {"m": query.get("m", ""), "n": turn if turn in ("1", "2", "3") else str(TRIES + 1)}
    if keyed:
        said |= await _checked(doors, said["m"], digits)
    heard = sms.heard_of(doors, _id(sid, said), said)
    await doors.casebook.hear(heard, answer_for(doors, refused, heard))
    kept = await doors.casebook.database.read(lambda tx: calls.answer(tx, heard.external_id))
    if kept is not None:
        return kept
    later = int(said["n"]) + 1  # what stumbled is tried again, here and by whoever listens, and not for ever
    return twiml.go_on(said["m"], later) if later <= TRIES + 1 else twiml.hang_up()


def mine(heard: Heard) -> bool:
    """Whether this message is one of a call that goes on, and no word of what became of it."""
    sid, _, what = heard.external_id.partition(":")
    return CALL.fullmatch(sid) is not None and (not what or what.startswith(("ask-", "pin-")))


def answer_for(doors: Doors, refused: Refused, heard: Heard) -> Answer:
    """What is done at the desk about one request; also for one that is tried again."""
    said: dict[str, str] = json.loads(heard.raw)

    async def answer(desk: Desk) -> None:
        await calls.keep(desk.tx, heard.external_id, await _work(doors, desk, refused, said))

    return answer


def _id(sid: str, said: Mapping[str, str]) -> str:
    """The bare CallSid for the first words of a call; each later turn is a message of its own."""
    if "pin" in said:
        return f"{sid}:pin-{said['n']}"
    return sid if said["n"] == "1" else f"{sid}:ask-{said['n']}"


async def _checked(doors: Doors, letter_id: str, digits: str) -> dict[str, str]:
    """Whether these are the digits of the person who was called; looked at aside, for hashing is slow."""

    async def unit(tx: Tx) -> pins.Pin | None:
        letter = await outbox.find(tx, letter_id)
        return None if letter is None or letter.person is None else await pins.find(tx, letter.person)

    pin = await doors.casebook.database.read(unit)
    if pin is None or len(digits) != pins.DIGITS:
        return {"pin": "none"}
    right = await doors.aside(pins.matches, pin.hash, digits)
    return {"pin": "right" if right else "wrong", "pin_of": str(ms(pin.set_at))}


# ---- one request ----------------------------------------------------------------------------------------


async def _work(doors: Doors, desk: Desk, refused: Refused, said: Mapping[str, str]) -> str:
    letter = await outbox.find(desk.tx, said["m"])
    if letter is None or letter.channel != "voice" or letter.address != said.get("To"):
        return await _stranger(doors, desk, said)
    await outbox.sent(desk.tx, letter.id, said["CallSid"], desk.now)
    person = await desk.directory.person(letter.person or "")
    if person is None or not person.active:
        return twiml.hang_up()
    if said.get("AnsweredBy", "").startswith(MACHINES):
        await undelivered(desk, letter.id, said["CallSid"], "machine", refused)
        return twiml.hang_up()
    call = Call(doors, desk, letter, person, int(said["n"]))
    pin = await pins.find(desk.tx, person.person_id)
    if pin is None:
        return call.ends("voice_no_pin")
    if pin.locked(desk.now):
        return call.ends("voice_locked")
    if "pin" not in said:
        return call.asks("voice_ask" if call.turn == 1 else "voice_waiting", call.turn)
    return await call.judge(pin, said)


async def _stranger(doors: Doors, desk: Desk, said: Mapping[str, str]) -> str:
    """Somebody rings our number, or a call is none of ours: neutral words, and a person to ring."""
    desk.ignore()
    own = {person.organisation for person in await desk.directory.people_by_number(said.get("From", ""))}
    organisations = await desk.directory.organisations()
    duty = next((each.duty_number for each in organisations if each.id in own), None)
    if duty is None:
        duty = organisations[0].duty_number if organisations else "101"
    book = doors.book("en")
    words = _words(doors, desk, book, "voice_stranger", {"duty": " ".join(duty.replace("+44", "0"))})
    return twiml.speak(book.phrase["spoken_as"], words, words)


@dataclass(frozen=True, slots=True)
class Call:
    """One call to one person about one letter, at one of its turns."""

    doors: Doors
    desk: Desk
    letter: Letter
    person: Person
    turn: int

    @property
    def book(self) -> Phrasebook:
        return self.doors.book(self.person.language)

    def says(self, text: str, fields: Mapping[str, Field] = {}, code: str = "") -> str:
        """The words of a text as they are spoken."""
        return _words(self.doors, self.desk, self.book, text, fields, code)

    def ends(self, *texts: str) -> str:
        """Say this and hang up."""
        return self.spoken(*(self.says(text) for text in texts))

    def spoken(self, *words: str) -> str:
        """Say these words and hang up."""
        return twiml.speak(self.book.phrase["spoken_as"], *words)

    def asks(self, text: str, turn: int) -> str:
        """Ask for the PIN, three times at most in one call."""
        if turn > TRIES:
            return self.ends("voice_end")
        return twiml.ask(self.book.phrase["spoken_as"], self.says(text), pins.DIGITS, self.letter.id, turn)

    async def judge(self, pin: pins.Pin, said: Mapping[str, str]) -> str:
        """Digits came: theirs, somebody else's, or too few."""
        if said["pin"] == "none" or said["pin_of"] != str(ms(pin.set_at)):
            return self.asks("voice_waiting", self.turn + 1)
        right = said["pin"] == "right"
        await pins.count(self.desk.tx, pin, right=right, now=self.desk.now)
        if right:
            return await self.take()
        _log.warning("a wrong PIN on the telephone", person=self.person.person_id)
        counted = await pins.find(self.desk.tx, self.person.person_id)
        if counted is not None and counted.locked(self.desk.now):
            return self.ends("voice_locked")
        return self.asks("voice_again", self.turn + 1)

    async def record(self, case: Case, news: News) -> Step:
        """Record news of a case."""
        return await self.desk.record(case.case_id, news)

    async def take(self) -> str:
        """It is they: say the alert, and it is theirs; or who has it, or that it is over."""
        letter, desk = self.letter, self.desk
        await proofs.receipt(desk.tx, "delivered", letter_id=letter.id)
        case = None if letter.case_id is None else await desk.case(letter.case_id)
        if letter.kind != "alert" or case is None:
            return self.spoken(letter.body, letter.body, self.says("voice_heard"))
        alerts = await desk.alerts_for(case.case_id, self.person.person_id)
        if not case.open or not any(alert.state in ("live", "taken") for alert in alerts):
            return self.spoken(self.says("voice_over", code=case.code))
        day = taking.day_of(desk, case, letter.text)
        became, fields = await taking.take(desk, self.record, case, self.person.person_id, "voice", day)
        if became == taking.LATE:
            return self.spoken(self.says("voice_late", fields, case.code))
        text = {taking.MORE: "voice_more", taking.DAY: "voice_heard", taking.BACK: "voice_heard"}.get(
            became, "voice_taken"
        )
        return self.spoken(letter.body, letter.body, self.says(text, fields, case.code))


def _words(doors: Doors, desk: Desk, book: Phrasebook, text: str, fields: Mapping[str, Field], code: str = "") -> str:
    return wording.render(
        book, text, channel="voice", code=code, who="", now=desk.now, fields=fields, drill=doors.casebook.parts.drill
    )

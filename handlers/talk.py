"""Knows one exchange with one bound person on Telegram: who they are, what they may do, how they are answered.

Everything happens at one desk, in one unit of work; what must be said after the commit (the answer to a press) waits in
`toast`. Replies go to the person's own chat, also when they spoke in a group: a group may hold others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

import structlog

from casework import card, wording
from casework.asking import words_for
from casework.case import Case
from casework.deadlines import armed
from casework.effects import Field, Tell, To
from casework.levels import Side, Trust
from casework.protocol import Protocol
from casework.wording import Phrasebook
from handlers import keyboards
from handlers.inbox import Doors, Voice, concerning, is_watch, leads, may_see, side_of
from handlers.updates import Update
from storage.desk import Desk
from storage.directory import Person
from storage.keyboards import Keyboard

_REF = re.compile(r"[abefjtuvyzxp]\d{2,4}", re.IGNORECASE)
PENDING_LIVES, LONGER = timedelta(minutes=15), timedelta(minutes=1)
_log = structlog.get_logger(__name__)
_NO_CASE, _PENDING = "", "PENDING"  # where what a person was asked outside a check is kept, one a person


@dataclass(frozen=True, slots=True)
class Pending:
    """What the next words of this person are for: `risk`, `declined`, `confirm`, `note`, `pol`, `due`, `child`, `pick`;
    `detail` says more. `until`: when it is forgotten, once it is kept."""

    kind: str
    case_id: str = ""
    detail: str = ""
    until: datetime | None = None


@dataclass(slots=True)
class Talk:
    """One person speaking once. `picture` was fetched, and drawn anew, before the unit of work began."""

    doors: Doors
    desk: Desk
    person: Person
    update: Update
    picture: bytes | None = None
    toast: str = ""

    @property
    def book(self) -> Phrasebook:
        return self.doors.book(self.person.language)

    @property
    def now(self) -> datetime:
        return self.desk.now

    def protocol(self, case: Case) -> Protocol:
        return self.doors.protocol(case)

    # ---- what this person may do --------------------------------------------------------------------

    async def voice(self, case: Case) -> Voice:
        """How far they are believed in this case: bound staff and people on call are verified, others are not."""
        staff = side_of(self.person, case.home) is Side.STAFF
        return self.voice_in(case.home, led=not staff and await self.leads(case))

    def voice_in(self, home: str, *, led: bool = False) -> Voice:
        """The same for a home."""
        works = led or side_of(self.person, home) is Side.STAFF
        return Voice(
            by=self.person.person_id, channel="telegram", trust=Trust.VERIFIED if works else Trust.NONE, book=self.book
        )

    async def works(self, case: Case) -> bool:
        """Whether they are of the home's staff or lead in the case: no parent."""
        return (await self.voice(case)).trust is Trust.VERIFIED

    async def leads(self, case: Case) -> bool:
        """Whether they may take the alert, confirm and settle."""
        return await leads(self.desk, self.person, case)

    # ---- answering ----------------------------------------------------------------------------------

    async def say(
        self, text: str, fields: Mapping[str, Field] | None = None, *, case: Case | None = None,
        keyboard: Keyboard = (), document: str | None = None,
    ) -> None:  # fmt: skip
        """Answer this person in words of the catalogue."""
        await self.desk.say(
            person=self.person.person_id, channel="telegram", address=str(self.person.telegram_id), text=text,
            fields=fields or {}, keyboard=keyboard, book=self.person.language, document=document,
            case_id=None if case is None else case.case_id,
        )  # fmt: skip

    def words(self, text: str, fields: Mapping[str, Field] | None = None, case: Case | None = None) -> str:
        """The same words for a toast, which is shown after the commit."""
        code, who = ("", "") if case is None else (case.code, case.child.child_id)
        return wording.render(
            self.book, text, channel="telegram", code=code, who=who, now=self.now, fields=fields or {},
            drill=self.doors.casebook.parts.drill,
        )  # fmt: skip

    def header(self, case: Case) -> str:
        """How a case stands, in one line."""
        next_due = min(armed(case, self.protocol(case)).values(), default=None)
        return card.header(self.book, case, next_due, self.now)

    async def show(self, case: Case) -> None:
        """A fresh card: the question that waits for this person or their home, else how the case stands."""
        prompt = case.last_prompt(self.person.person_id, self.now)
        if prompt is None and case.prompts and await self.works(case):
            prompt = case.prompts[-1]
        if prompt is not None and self.protocol(case).has(prompt.check):
            await self.ask(case, prompt.check, prompt.asked_at)
        else:
            await self.say("PLAIN", {"text": self.header(case)}, case=case, keyboard=await self._menu(case))

    async def ask(self, case: Case, check: str, asked_at: datetime, *, fresh: bool = True, amend: bool = False) -> None:
        """Put a question to this person again, as their card. `amend`: it was answered, and may be answered anew."""
        fields = words_for(case, self.protocol(case), check, asked_at)
        if amend:
            fields["amend"] = "yes"
        to = To(kind="person", id=self.person.person_id)
        await self.desk.tell(case, Tell(to=to, text=check, fields=fields, question=check, fresh=fresh))

    async def _menu(self, case: Case) -> Keyboard:
        entries = []
        if await self.leads(case) and await self.desk.alert_for(case.case_id, self.person.person_id):
            entries.append(("TAKE", "take"))
        if case.open and not case.returned:
            entries += [("WORRIED", "worried"), ("HOME", "home")]
            entries += [("SCRIPT", "script")] if case.reports else []
        return await keyboards.menu(self, case, entries)

    # ---- which case? --------------------------------------------------------------------------------

    async def find(self, ref: str) -> Case | None:
        """The case of this ref if it is any of their business; otherwise they read that there is none (B046)."""
        case = await self.desk.case_by_code(ref, (self.person.organisation,))
        if case is not None and await may_see(self.desk, self.person, case):
            return case
        _log.info("asked for a case that is not theirs", person=self.person.person_id, ref=ref, there=case is not None)
        await self.say("not_found")
        return None

    async def which(self, ref: str | None, verb: str, rest: str = "", *, watches: bool = False) -> Case | None:
        """The case that is meant: by its ref, or the only one it can be; otherwise they are asked, and `verb` waits."""
        if ref is not None:
            return await self.find(ref)
        found = [c for c in await concerning(self.desk, self.person) if watches or not is_watch(c)]
        if len(found) == 1:
            return found[0]
        if not found:
            await self.say("no_open")
            return None
        await self.expect(Pending("pick", detail=f"{verb} {rest}"))
        keys = await keyboards.pick_case(self, found, verb, rest)
        await self.say("pick_case", {"list": listed([c.code for c in found])}, keyboard=keys)
        return None

    # ---- what the next words are for ------------------------------------------------------------------

    async def expect(self, pending: Pending | None) -> None:
        """Keep what the next words of this person are for; None forgets it."""
        parts: tuple[str, ...] = ()
        if pending is not None:
            until = int((self.now + PENDING_LIVES).timestamp())
            parts = (pending.kind, str(until), pending.case_id, quote(pending.detail, safe=""))
        kept = {"|".join(parts)} if parts else set()
        await self.desk.set_ticks(_NO_CASE, self.person.person_id, _PENDING, kept)

    async def expects_still(self, pending: Pending) -> None:
        """These words were not what it is for: the next ones may be. It lives longer, not by each message."""
        if pending.until is None or pending.until - self.now < PENDING_LIVES - LONGER:
            await self.expect(pending)

    async def expected(self) -> Pending | None:
        """What the next words are for, which is asked for once: whoever uses it forgets it."""
        kept = await self.desk.ticks(_NO_CASE, self.person.person_id, _PENDING)
        if not kept:
            return None
        kind, lives, case_id, detail = next(iter(kept)).split("|")
        until = datetime.fromtimestamp(int(lives), UTC)
        return None if until < self.now else Pending(kind, case_id, unquote(detail), until)


def split_ref(words: str) -> tuple[str | None, str]:
    """The case's ref if the words begin with one, in capitals, and the words after it."""
    first, _, after = words.strip().partition(" ")
    bare = first.strip(".,:;#")
    return (bare.upper(), after.strip()) if _REF.fullmatch(bare) else (None, words.strip())


def listed(codes: Sequence[str]) -> str:
    """Codes as a line shows them."""
    return ", ".join(codes)

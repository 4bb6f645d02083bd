"""Who is at this number, which cases concern them, and how they are answered outside a question.

One number may belong to several people, of several organisations; what one of them is told never shows another's child.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from casework.case import Case
from casework.effects import Field, Tell
from casework.events import News, NoteMade, WorryRaised
from casework.levels import Side, Trust
from casework.plain import level
from casework.step import Step
from casework.wording import Phrasebook, initial
from handlers.inbox import Doors, Voice, concerning, is_watch, side_of, tell_on_call
from storage.addressees import askable
from storage.desk import Desk
from storage.directory import Person
from storage.texters import Texters

HOME_COUNTRY = "+44"
CHOICES_SHOWN = 6  # more do not fit one text


@dataclass(frozen=True, slots=True)
class Concern:
    """One open case that concerns the number, and through whom."""

    person: Person
    case: Case

    @property
    def staff(self) -> bool:
        return side_of(self.person, self.case.home) is Side.STAFF

    @property
    def trusted(self) -> bool:
        """Whether they may be asked and told: on call or staff, or a parent who is verified and marked open."""
        return self.staff or askable(self.person)


@dataclass(slots=True)
class Texter:
    """The people at one number, one text of theirs, and the desk it is worked at."""

    desk: Desk
    doors: Doors
    number: str
    people: Sequence[Person]
    words: str
    memory: Texters
    sent_at: datetime | None = None  # when they sent it, where it came late
    chosen: str = ""  # the code of a child or case that was picked when we asked which
    told: set[str] = field(default_factory=set)  # people to whom the core spoke while this text was worked

    @property
    def book(self) -> Phrasebook:
        return self.doors.book(self.people[0].language if self.people else "en")

    def voice(self, person: Person, trust: Trust = Trust.NONE) -> Voice:
        """A number is a hint, never a proof: what it says is believed only where something else vouches for it."""
        return Voice(by=person.person_id, channel="sms", trust=trust, book=self.doors.book(person.language))

    # ---- cases --------------------------------------------------------------------------------------

    async def concerns(self) -> list[Concern]:
        """Every open case that concerns this number, each once, oldest first; a watch only where it asks them."""
        found: dict[str, Concern] = {}
        for person in self.people:
            for case in await concerning(self.desk, person):
                mine = case.last_prompt(person.person_id, self.desk.now) is not None
                if is_watch(case) and not mine:
                    continue
                if case.case_id not in found or case.reporter(person.person_id) is not None:
                    found[case.case_id] = Concern(person, case)
        return sorted(found.values(), key=lambda c: (c.case.opened_at, c.case.case_id))

    async def fresh(self, concern: Concern) -> Concern:
        """The same concern with the case as it stands now."""
        case = await self.desk.case(concern.case.case_id)
        assert case is not None, "a case that concerned somebody exists"
        return Concern(concern.person, case)

    # ---- news ---------------------------------------------------------------------------------------

    async def record(self, case: Case, news: News) -> Step:
        """Record news, and note to whom the core itself speaks."""
        done = await self.desk.record(case.case_id, news)
        self.told |= {e.to.id for e in done.effects if isinstance(e, Tell) and e.to.kind == "person"}
        return done

    async def note(self, concern: Concern, *, unread: bool) -> None:
        """Keep the text as evidence. `unread`: a person must look, after a return too, when no rule listens."""
        case, voice = concern.case, self.voice(concern.person)
        words = await self.keep(case)
        await self.record(
            case,
            NoteMade(at=self.desk.now, by=voice.by, channel="sms", trust=voice.trust, unread=unread, words=words),
        )
        if unread and case.returned:
            await tell_on_call(self.desk, case.case_id, "C_NOTE")

    async def worry(self, concern: Concern, flags: tuple[str, ...]) -> None:
        """Raise these flags with the text as evidence; after a return the case is open again."""
        case, voice = concern.case, self.voice(concern.person)
        words = await self.keep(case)
        await self.record(
            case,
            WorryRaised(at=self.desk.now, by=voice.by, channel="sms", trust=voice.trust, flags=flags, words=words),
        )

    async def keep(self, case: Case) -> str | None:
        """Keep the whole text with the case as evidence; returns its id."""
        if not self.words.strip():
            return None
        return await self.desk.keep(self.words, child_id=case.child.child_id, case_id=case.case_id)

    # ---- answers ------------------------------------------------------------------------------------

    async def reply(
        self, text: str, *, concern: Concern | None = None, fields: Mapping[str, Field] = {}, always: bool = False
    ) -> None:
        """Answer, unless the core already speaks to them, or five answers went to this number within the hour.

        `always`: what follows from their own right act (an alert taken) is told whatever was said before.
        """
        person = concern.person if concern is not None else self.people[0] if self.people else None
        if person is not None and person.person_id in self.told:
            return
        if not always and not await self.memory.may_be_answered():
            return
        await self.desk.say(
            person=None if person is None else person.person_id, channel="sms", address=self.number, text=text,
            fields=fields, book=self.book.language, case_id=None if concern is None else concern.case.case_id,
        )  # fmt: skip

    async def say(self, text: str, concern: Concern) -> None:
        """Answer who may be told; everybody else gets what strangers get."""
        if concern.trusted:
            await self.reply(text, concern=concern)
        else:
            await self.neutral()

    async def neutral(self) -> None:
        """The one answer that strangers and those who may not be told get alike, once in 24 hours (T3, T13)."""
        if not self.people and not self.number.startswith(HOME_COUNTRY):
            return  # a text abroad costs, and whoever pumps them wants just that (T17)
        if await self.memory.may_hear_neutral():
            duty = await self.duty_number()
            await self.desk.say(channel="sms", address=self.number, text="N_STRANGER", fields={"duty": duty})

    async def duty_number(self) -> str:
        """Whom to ring: the number of their organisation; of the first one for a stranger."""
        organisations = await self.desk.directory.organisations()
        own = {person.organisation for person in self.people}
        known = [each for each in organisations if each.id in own] or organisations
        return known[0].duty_number if known else "101"

    async def ask_which(self, options: Sequence[tuple[str, str]], alarms: Sequence[str] = ()) -> None:
        """Ask which child or case is meant, by initial and code; the words wait for the answer."""
        await self.memory.let_choose(await self.desk.keep(self.words), alarms)
        listed = ", ".join(f"{letter} {code}" for letter, code in options[:CHOICES_SHOWN])
        await self.reply("N_WHICH", fields={"list": listed}, always=True)

    async def initial_of(self, child_id: str) -> str:
        """What a child is called by SMS."""
        child = await self.desk.directory.child(child_id)
        return "" if child is None else initial(child.first_name)

    def names(self, letter: str, code: str) -> bool:
        """Whether the choice that was made is this one."""
        return bool(self.chosen) and self.chosen in (level(letter), level(code))

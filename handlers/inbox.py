"""Who spoke, and what did they mean? What every door needs to turn words into news, whatever channel they came by.

A door decides nothing about a child. It finds the person and the case, reads the words, and hands in news; what follows
is the core's to say. Whatever cannot be read is kept and never lowers anything (P10).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from typing import Protocol as Shape

from casework import reading
from casework.approved import approved
from casework.case import Case
from casework.effects import Tell, To
from casework.events import (
    CheckAnswered,
    News,
    NoteMade,
    WhereaboutsGiven,
    WorryRaised,
)
from casework.levels import Side, Status, Trust
from casework.protocol import Protocol
from casework.protocol_parts import Check
from casework.wording import Phrasebook, labels
from storage import register, rota
from storage.casebook import Casebook
from storage.desk import Desk
from storage.directory import Person

T = TypeVar("T")


class Clock(Shape):
    """Tells the instant, UTC."""

    def now(self) -> datetime: ...


class Aside(Shape):
    """Does what would hold up everybody somewhere else, and gives back what it gives."""

    async def __call__(self, work: Callable[..., T], /, *arguments: Any) -> T: ...


async def at_once(work: Callable[..., T], /, *arguments: Any) -> T:
    """Nobody waits for this loop: it is done here."""
    return work(*arguments)


async def no_file(_file_id: str) -> bytes:
    """No channel can fetch files: pictures are kept by name alone."""
    raise OSError("no channel fetches files")


async def no_answer(_press_id: str, _words: str) -> None:
    """No channel answers presses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What a door may use. `fetch_file` and `answer_press` are the channel's, called outside any unit of work, as
    `aside` is."""

    casebook: Casebook
    books: Mapping[str, Phrasebook]
    protocols: Mapping[str, Protocol]
    clock: Clock
    fetch_file: Callable[[str], Awaitable[bytes]] = no_file
    answer_press: Callable[[str, str], Awaitable[None]] = no_answer
    aside: Aside = at_once

    def book(self, language: str) -> Phrasebook:
        """The words of a language; English where it has none."""
        return self.books.get(language) or self.books["en"]

    def protocol(self, case: Case) -> Protocol:
        """The protocol the case was opened under."""
        return self.protocols[case.protocol]


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Somebody speaking: who, by which channel, how far they are believed, in which language."""

    by: str
    channel: str
    trust: Trust
    book: Phrasebook


# ---- whom a case concerns ------------------------------------------------------------------------


def everywhere(person: Person) -> bool:
    """Whether this person's roles put them on call for every home: co-ordinators, deputies, owners."""
    return person.is_coordinator or person.is_deputy or "owner" in person.roles


def answers_for(person: Person, home: str) -> bool:
    """Whether this person's roles put them on call for this home: for every one, or as its own manager."""
    return everywhere(person) or person.is_manager(home)


def side_of(person: Person, home: str) -> Side:
    """Whose checks this person is asked for a child of this home."""
    return Side.STAFF if person.is_staff(home) or answers_for(person, home) else Side.PARENT


def signs(person: Person, case: Case) -> bool:
    """Whether this person signs the end of the case: the home's manager; the co-ordinator for a child at home."""
    return person.is_manager(case.home) or (case.child.at_home and person.is_coordinator)


async def leads(desk: Desk, person: Person, case: Case) -> bool:
    """Whether they may take, confirm and settle: by their roles as they stand now (T4), since they were alerted, or since the
    rota has put them there tonight."""
    if not person.active or person.organisation != case.organisation:
        return False
    if answers_for(person, case.home) or await desk.alerts_for(case.case_id, person.person_id):
        return True
    return person.on_call and await rota.stands_in(
        desk.directory, case.organisation, case.home, person.person_id, desk.now
    )


async def may_see(desk: Desk, person: Person, case: Case) -> bool:
    """Whether the case is this person's business: their home, their child, or they lead in it."""
    if not person.active or person.organisation != case.organisation:
        return False
    own = side_of(person, case.home) is Side.STAFF or case.child.child_id in person.parent_of
    return own or await leads(desk, person, case)


async def visible(desk: Desk, person: Person) -> list[Case]:
    """Every open case or watch this person may see, oldest first."""
    organisation = person.organisation
    if everywhere(person):
        found = await desk.open_cases(organisation=organisation)
    else:  # who is not on call for every home is not made to wait for every home's cases
        homes, children = person.homes, person.parent_of
        found = await desk.open_around(organisation, homes=homes, children=children, person=person.person_id)
    return [case for case in found if await may_see(desk, person, case)]


async def concerning(desk: Desk, person: Person) -> list[Case]:
    """The cases a person may mean who names none: those they reported or are alerted of, else all they may see; and of
    these the children who are out, else those who are back."""
    seen = await visible(desk, person)
    if len(seen) < 2:
        return seen
    own = {case.case_id for case in await desk.open_cases(person=person.person_id)}
    found = [case for case in seen if case.case_id in own] or seen
    return [case for case in found if not case.returned] or found


# ---- words into news -----------------------------------------------------------------------------


def chosen(check: str, values: tuple[str, ...], voice: Voice, now: datetime) -> CheckAnswered:
    """Options that were pressed or typed, as news."""
    return CheckAnswered(at=now, by=voice.by, channel=voice.channel, trust=voice.trust, check=check, values=values)


async def read_news(desk: Desk, case: Case, check: Check, words: str, voice: Voice) -> News | None:
    """What these words answer to this check, as news; None when a person must look. Free words are kept apart by id."""
    base: dict[str, Any] = {"at": desk.now, "by": voice.by, "channel": voice.channel, "trust": voice.trust}
    if check.kind == "time":
        time = reading.read_time(words, desk.now)
        if time is None and not reading.unknown(words, voice.book):
            return None
        kept = await kept_apart(desk, case, words)
        values = reading.UNKNOWN if time is None else (time.kind,)
        instant = None if time is None else time.instant
        return CheckAnswered(**base, check=check.id, values=values, instant=instant, words=kept)
    if check.kind == "whereabouts":
        where = reading.read_whereabouts(words, desk.now)
        if where is None:
            return None
        kept = await kept_apart(desk, case, words)
        return WhereaboutsGiven(
            **base, check=check.id, place=where.place, adult=where.adult, back_at=where.back_at, words=kept,
            approved=await _approved(desk, case, where),
        )  # fmt: skip
    values_read = reading.read_answer(words, check, voice.book)
    if values_read is None:
        return None
    bare = _is_label(words, check, voice.book)
    return CheckAnswered(
        **base, check=check.id, values=values_read, words=None if bare else await kept_apart(desk, case, words)
    )


async def _approved(desk: Desk, case: Case, where: reading.Whereabouts) -> bool | None:
    """Whether the child is with people of the register's approved list; None without a list, and where nobody and no place
    was named. The names stay here: the log holds the answer alone."""
    child = await desk.directory.child(case.child.child_id)
    listed = None if child is None else register.approved_people(child)
    if listed is None or not (where.place or where.company):
        return None
    return where.adult and approved(where.company, listed)


def _is_label(words: str, check: Check, book: Phrasebook) -> bool:
    """Whether the words are nothing but an option's digit or label, so that there is nothing more to keep."""
    said = words.strip().casefold()
    return said.isdigit() or said in {label.casefold() for _, label in labels(book, check)}


async def kept_apart(desk: Desk, case: Case, words: str) -> str:
    """Keep free words of a case apart from its log; returns their id."""
    return await desk.keep(words, child_id=case.child.child_id, case_id=case.case_id)


async def raise_worry(desk: Desk, case: Case, words: str, voice: Voice, flags: tuple[str, ...] = ("R16",)) -> None:
    """Raise the alarm; anybody may, after a return too: the case is then open again. The words are kept as evidence."""
    kept = await kept_apart(desk, case, words) if words.strip() else None
    await desk.record(
        case.case_id,
        WorryRaised(at=desk.now, by=voice.by, channel=voice.channel, trust=voice.trust, flags=flags, words=kept),
    )


async def note(
    desk: Desk, case: Case, words: str, voice: Voice, *, acted: bool = False, unread: bool = False,
    media: str | None = None,
) -> None:  # fmt: skip
    """Keep words as evidence. `acted`: somebody on call did something. `unread`: a person must look."""
    kept = await kept_apart(desk, case, words) if words.strip() else None
    await desk.record(
        case.case_id,
        NoteMade(at=desk.now, by=voice.by, channel=voice.channel, trust=voice.trust, words=kept, acted=acted,
                 unread=unread, media=media),
    )  # fmt: skip


async def tell_on_call(desk: Desk, case_id: str, text: str) -> None:
    """Tell the co-ordinator on duty something the core could not decide."""
    case = await desk.case(case_id)
    assert case is not None, "a case that was just worked exists"
    await desk.tell(case, Tell(to=To(kind="duty", id="coordinator"), text=text, via="both", alert=1))


def was_watch(case: Case) -> bool:
    """Whether this is a watch that ended because the child was seen."""
    return case.closed_by == "watch"


def is_watch(case: Case) -> bool:
    """Whether this is a watch that has not become a case."""
    return case.status is Status.WATCHING

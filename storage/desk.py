"""Knows what a door may look at and do while it answers one message: one open unit of work.

Everything done at a desk is committed together or not at all; letters go to the outbox when the desk is cleared.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from casework.case import Case
from casework.effects import Field, Tell
from casework.errors import NotAllowed
from casework.events import AbsenceReported, Child, News, WatchSet
from casework.protocol import Protocol
from casework.step import Step
from casework.wording import Phrasebook, is_drill
from storage import alerts, buttons, cases, words
from storage.addressees import Addressees
from storage.alerts import AlertRow
from storage.buttons import Button
from storage.cases import Held
from storage.chance import Chance, time_id
from storage.database import Tx
from storage.directory import Directory
from storage.keyboards import Keyboard
from storage.known import Known
from storage.letters import Post, Reply
from storage.outbox import Letter
from storage.parts import Parts
from storage.recording import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a new case is opened with: its id and code, and the child as the register knows them now."""

    case_id: str
    code: str
    organisation: str
    home: str
    child: Child
    protocol: str


class Desk:
    """One open unit of work. `now` stands still while it is open."""

    def __init__(self, tx: Tx, now: datetime, parts: Parts) -> None:
        self.tx = tx
        self.now = now
        self.directory: Directory = Known(tx, parts.memory, kept=False)
        self.outcome = "done"
        self._parts = parts
        self._addressees = Addressees(tx, now, Known(tx, parts.memory), parts.ways, parts.protocols)
        self._post = Post(tx, now, parts, self._addressees)
        self._recorder = Recorder(tx, now, parts, self._post)

    @property
    def chance(self) -> Chance:
        """Where random choices come from."""
        return self._parts.chance

    @property
    def ways(self) -> Collection[str]:
        """The channels beyond the usual ones that were set up in this house."""
        return self._parts.ways

    def book(self, language: str) -> Phrasebook:
        """The words of a language."""
        return self._parts.book(language)

    # ---- cases ------------------------------------------------------------------------------------

    async def case(self, case_id: str) -> Case | None:
        """One case as it stands now, or None."""
        held = await self.held(case_id)
        return None if held is None else held.case

    async def case_by_code(self, code: str, organisations: Collection[str]) -> Case | None:
        """The case people call by this code, open or closed for less than 30 days, in these organisations. A drill's ref means
        nothing to a real house."""
        if not self._parts.drill and is_drill(code):
            return None
        return await cases.by_code(self.tx, code, organisations, self.now, self._parts.recent)

    async def open_cases(
        self, *, organisation: str | None = None, home: str | None = None, child: str | None = None,
        person: str | None = None,
    ) -> list[Case]:  # fmt: skip
        """Open cases and watches, oldest first; `person`: who reported it, or holds an alert of it."""
        return await cases.open_cases(
            self.tx, self._parts.recent, organisation=organisation, home=home, child=child, person=person
        )

    async def open_around(
        self, organisation: str, *, homes: Collection[str], children: Collection[str], person: str
    ) -> list[Case]:
        """Open cases and watches of these homes, of these children, and those of which this person was ever alerted."""
        return await cases.open_around(
            self.tx, self._parts.recent, organisation, homes=homes, children=children, person=person
        )

    async def opening(self, child_id: str) -> Opening:
        """What a new case of this child is opened with. Raises NotAllowed for an unknown child."""
        directory = Known(self.tx, self._parts.memory)
        child = await directory.child(child_id)
        home = None if child is None else await directory.home(child.home)
        organisation = None if home is None else await directory.organisation(home.organisation)
        if child is None or home is None or organisation is None:
            raise NotAllowed("there is no such child")
        return Opening(
            case_id=time_id(organisation.id, self.now, self.chance),
            code=await cases.free_code(self.tx, self.chance, self.now, drill=self._parts.drill),
            organisation=organisation.id, home=child.home, child=await directory.snapshot(child_id, self.now),
            protocol=organisation.protocol,
        )  # fmt: skip

    async def open(self, news: AbsenceReported | WatchSet) -> str:
        """Open a case or watch; returns its id. A child who has an open one keeps it, and its id is returned."""
        return await self._recorder.open(news)

    async def record(self, case_id: str, news: News) -> Step:
        """Record one piece of news in a case. Raises NotAllowed when there is none."""
        return await self._recorder.record(case_id, news)

    async def held(self, case_id: str) -> Held | None:
        """One case with what stands beside it, or None; nobody else changes it until the commit."""
        return await cases.find(self.tx, case_id, self._parts.recent)

    async def note(self, held: Held, news: News) -> Step:
        """Record one piece of news in a case that was held just now."""
        return await self._recorder.note(held, news)

    def protocol(self, case: Case) -> Protocol:
        """What this case was opened under."""
        return self._parts.protocols[case.protocol]

    # ---- words and pictures -------------------------------------------------------------------------

    async def keep(self, text: str, *, child_id: str | None = None, case_id: str | None = None) -> str:
        """Keep free text apart from the log; returns the id that an event carries as `words`."""
        return await words.keep(self.tx, text, self.now, self.chance, child_id=child_id, case_id=case_id)

    async def words(self, words_id: str) -> str | None:
        """The text of an id, or None."""
        return await words.read(self.tx, words_id)

    async def keep_media(self, case_id: str, kind: str, file_id: str, mime: str, data: bytes | None) -> str:
        """Keep a picture or a location; returns its id."""
        return await words.keep_media(self.tx, case_id, kind, file_id, mime, data, self.now, self.chance)

    # ---- what was put into people's hands -----------------------------------------------------------

    async def button(self, token: str) -> Button | None:
        """What a pressed button means, or None for a token that is none of ours."""
        return await buttons.find(self.tx, token)

    async def make_button(
        self, *, case_id: str | None, person: str, action: str, check: str = "", value: str = ""
    ) -> str:
        """Make a button; returns its token."""
        drawer = buttons.Drawer(self.chance)
        token = drawer.make(case_id, person, action, check, value, now=self.now)
        await drawer.put(self.tx)
        return token

    async def use_button(self, token: str, person: str) -> bool:
        """Spend a button; False if it was spent before."""
        return await buttons.use(self.tx, token, person, self.now)

    async def ticks(self, case_id: str, person: str, check: str) -> frozenset[str]:
        """What this person ticked in a list and did not send off yet."""
        return await buttons.ticks(self.tx, case_id, person, check)

    async def set_ticks(self, case_id: str, person: str, check: str, ticked: Collection[str]) -> None:
        """Keep what this person ticked."""
        await buttons.set_ticks(self.tx, case_id, person, check, ticked)

    async def card(self, case_id: str, person: str) -> int | None:
        """The Telegram message that is this person's card of the case."""
        return await buttons.card(self.tx, case_id, person)

    async def set_card(self, case_id: str, person: str, message_id: int) -> None:
        """Remember which message that is."""
        await buttons.set_card(self.tx, case_id, person, message_id)

    async def alert_for(self, case_id: str, person: str) -> AlertRow | None:
        """The newest live alert of this case to this person; its `digits` are those of every live one they hold."""
        return await alerts.newest(self.tx, case_id, person)

    async def alerts_for(self, case_id: str, person: str) -> list[AlertRow]:
        """Every alert of this case that ever went to this person, newest first."""
        return await alerts.ever(self.tx, case_id, person)

    async def code_is_right(self, case_id: str, person: str, digits: str) -> bool:
        """Whether a parent's BACK carried their own six digits; five wrong ones lock it for 15 minutes."""
        return await buttons.try_code(self.tx, case_id, person, digits, self.now)

    # ---- what is said outside the core's decisions --------------------------------------------------

    async def say(
        self, *, channel: str, address: str, text: str, person: str | None = None, fields: Mapping[str, Field] = {},
        keyboard: Keyboard = (), book: str = "en", edit: int | None = None, case_id: str | None = None,
        document: str | None = None,
    ) -> None:  # fmt: skip
        """Answer one person at once: help, a list, "not found". `PLAIN` says `fields["text"]` as it is; `document` is
        `CASE_ID/VERSION` of a report, composed when it goes."""
        await self._post.reply(
            Reply(person=person, channel=channel, address=address, text=text, fields=fields, keyboard=keyboard,
                  book=book, edit=edit, case=None if case_id is None else await self.case(case_id), document=document)
        )  # fmt: skip

    def ask_below(self) -> None:
        """Somebody typed: the next question stands in a new message below their words, not in the old card."""
        self._post.in_place = False

    async def tell(self, case: Case, effect: Tell) -> None:
        """Tell people of a case something the core did not decide, through the same post."""
        await self._post.tell(case, effect, aside=True)

    async def by_sms(self, letter: Letter, language: str) -> str:
        """The words of a letter as they go by SMS, also where Telegram had buttons for them."""
        case = None if letter.case_id is None else await self.case(letter.case_id)
        return letter.body if case is None else await self._post.by_sms(case, letter, language)

    async def tell_co_ordinators(self, text: str, fields: Mapping[str, Field]) -> None:
        """Tell the co-ordinators on duty of every organisation of something that belongs to no case."""
        for to in await self._addressees.co_ordinators():
            await self._post.reply(
                Reply(person=to.person, channel=to.channel, address=to.address, text=text, fields=fields, keyboard=(),
                      book=to.language, edit=None, case=None)
            )  # fmt: skip

    def ignore(self) -> None:
        """Mark this message as one that is none of ours: kept, nothing done."""
        self.outcome = "ignored"

    def quarantine(self) -> None:
        """Mark this message as one that cannot be worked: kept for a human to look at."""
        self.outcome = "quarantined"

    async def clear(self) -> None:
        """Write all letters to the outbox: the last act before the commit."""
        await self._post.send(self._parts.protocols)

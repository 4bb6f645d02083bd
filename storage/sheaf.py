"""Knows how the drafts of one unit of work become letters: words, buttons, alert rows; each table is written once.

An alert to everybody on call is a dozen letters. Written one by one, with what each needs looked up anew, they would
cost a hundred statements, and behind a wire every statement is a journey.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from casework import card, speech, wording
from casework.case import Case
from casework.deadlines import armed
from casework.effects import Field, Tell
from casework.protocol import Protocol
from casework.wording import Phrasebook
from storage import alerts, buttons, enough, outbox
from storage.addressees import Addressee, Addressees
from storage.buttons import Drawer
from storage.chance import time_id
from storage.codec import ms
from storage.database import Tx, Value
from storage.keyboards import Keyboard, keyboard
from storage.outbox import Letter
from storage.parts import Parts
from storage.words import clean

REPLY_CODE_TEXT = "P00b"
TAKEN_TEXT = "O_TAKEN"  # tells the adult who waits who was paged
BESIDE_THE_CARD = frozenset(
    {"O_NOREF", "O_DECLINED", "R_REV", "R_NEWS"}
)  # the check that waits on the card keeps its buttons


@dataclass(slots=True, kw_only=True)
class Draft:
    """One letter that this unit of work wants sent; its step counts the records of the unit."""

    case: Case
    tell: Tell
    to: Addressee
    step: int
    alert_state: str = "live"
    aside: bool = False  # called forth by nothing in the log: a door may say it twice

    @property
    def person(self) -> str:
        return self.to.person

    @property
    def channel(self) -> str:
        return self.to.channel

    @property
    def text(self) -> str:
        return self.tell.text

    @property
    def not_before(self) -> datetime | None:
        return self.tell.not_before


@dataclass(slots=True)
class Sheaf:
    """The letters of one unit with what goes with them, until `bind` writes them. `in_place`: a card may be edited."""

    tx: Tx
    now: datetime
    parts: Parts
    addressees: Addressees
    in_place: bool
    drawer: Drawer
    next_due: dict[
        str, tuple[Case, datetime | None]
    ]  # by case, as far as it is known: how it stands, its next deadline
    letters: list[Letter] = field(default_factory=list)
    alerts: list[Sequence[Value]] = field(default_factory=list)
    _digits: dict[str, dict[str, str]] = field(default_factory=dict)  # case: person: of their live alert
    _made: dict[str, dict[str, list[int]]] = field(default_factory=dict)  # case: person: when, in the last hour
    _cards: dict[str, dict[str, int]] = field(default_factory=dict)

    async def add(self, draft: Draft, due_at: datetime, protocol: Protocol) -> None:
        """Make a letter of a draft. It may go from `due_at` on."""
        case, tell, to = draft.case, draft.tell, draft.to
        letter_id = time_id("letter", self.now, self.parts.chance, case.case_id)
        digits = "" if tell.alert is None else await self._alert(draft, tell.alert, letter_id)
        book, telegram = self.parts.book(to.language), to.channel == "telegram"
        body = self._body(draft, book, await self._fields(draft, digits), protocol, due_at)
        keys: Keyboard = ()
        edit: int | None = None
        if telegram:
            keys = await keyboard(self.tx, self.drawer, case, tell, to.person, book, protocol, due_at)
            edit = None if tell.fresh or not self.in_place else await self._card(case.case_id, to.person)
        self.letters.append(
            Letter(
                id=letter_id, case_id=case.case_id, person=to.person, channel=to.channel, address=to.address, text=tell.text,
                body=clean(body), keyboard=keys, kind=_kind(tell), urgency=speech.urgency(tell.text, case.level), edit=edit,
                protect=True, document=None,
                case_card=telegram and tell.question is not None and tell.text not in BESIDE_THE_CARD
                and not tell.text.startswith("T_"),
                due_at=due_at, expires_at=tell.expires_at, tries=0,
                cause=None if draft.aside else f"{case.seq}.{tell.text}.{ms(due_at)}",
            )
        )  # fmt: skip

    async def bind(self) -> None:
        """Write them: letters, alerts, buttons."""
        letters, rows = self.letters, self.alerts
        if rows:
            letters, rows = await enough.within(self.tx, letters, rows, self._made, self.now)
        await outbox.enqueue_all(self.tx, letters, self.now)
        if rows:
            await alerts.keep(self.tx, rows)
        await self.drawer.put(self.tx)

    def _body(
        self, draft: Draft, book: Phrasebook, fields: Mapping[str, Field], protocol: Protocol, due_at: datetime
    ) -> str:  # fmt: skip
        """The words of a letter; on Telegram a question stands under the header of its case."""
        case, tell, to = draft.case, draft.tell, draft.to
        body = wording.render(
            book, tell.text, channel=to.channel, code=case.code, who=to.who, now=due_at, fields=fields, repeat=tell.repeat,
            drill=self.parts.drill,
        )  # fmt: skip
        if tell.question is None or to.channel != "telegram":
            return body
        return f"{card.header(book, case, self._due(case, protocol), due_at)}\n{body}"

    def _due(self, case: Case, protocol: Protocol) -> datetime | None:
        known = self.next_due.get(case.case_id)
        if known is None or known[0] is not case:
            known = self.next_due[case.case_id] = case, min(armed(case, protocol).values(), default=None)
        return known[1]

    async def _alert(self, draft: Draft, rung: int, letter_id: str) -> str:
        """The alert row of this letter. Returns the digits it carries: every live alert in one person's hands has the same, so
        that each text counts; new ones where none is live."""
        case_id, person = draft.case.case_id, draft.to.person
        if case_id not in self._digits:
            self._digits[case_id], self._made[case_id] = await alerts.live(self.tx, case_id, self.now - enough.AN_HOUR)
        live = self._digits[case_id]
        digits = live.get(person) or self.parts.chance.digits(4)
        if draft.alert_state == "live":
            live[person] = digits
        self.alerts.append(
            alerts.row(
                case_id=case_id, letter_id=letter_id, rung=rung, person=person, channel=draft.to.channel,
                digits=digits, state=draft.alert_state, now=self.now, chance=self.parts.chance,
            )
        )  # fmt: skip
        return digits

    async def _fields(self, draft: Draft, digits: str) -> Mapping[str, Field]:
        """What fills the words; names of people on duty reach bound Telegram accounts only."""
        tell = draft.tell
        if not digits and "name" not in tell.fields and tell.text != REPLY_CODE_TEXT:
            return tell.fields
        fields = dict(tell.fields)
        if digits:
            fields["digits"] = digits
        if "name" in fields:
            named = draft.to.channel == "telegram" and isinstance(fields["name"], str)
            fields["name"] = await self.addressees.name(str(fields["name"])) if named else None
        if tell.text == TAKEN_TEXT and fields.get("name"):
            fields["told"] = await self.addressees.told(draft.case, but=str(tell.fields["name"]))
        if tell.text == REPLY_CODE_TEXT:
            fields["reply_code"] = await buttons.reply_code(
                self.tx, draft.case.case_id, draft.to.person, self.parts.chance
            )
        return fields

    async def _card(self, case_id: str, person: str) -> int | None:
        """The message that is this person's card of the case."""
        if case_id not in self._cards:
            self._cards[case_id] = await buttons.cards(self.tx, case_id)
        return self._cards[case_id].get(person)


def _kind(tell: Tell) -> str:
    if tell.alert is not None:
        return "alert"
    return "notice" if tell.question is None else "question"

"""Knows how what the core wants told becomes letters: to whom, by which channel, in which words, with which buttons.

All that one unit of work has to say is gathered in a `Post` and sent together at its end, so that nobody gets two texts
of one case at once: the weightiest goes now, the next a minute later (`casework.speech`). Sending here means: written
to the outbox in the same transaction. Nothing leaves the house before the commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from casework import speech, wording
from casework.asking import words_for
from casework.case import Case
from casework.effects import CallOff, Field, MarkAlerts, Tell, To, Withdraw
from casework.protocol import Protocol
from storage import alerts, called_off, empty_rungs, groups, outbox
from storage.addressees import Addressee, Addressees
from storage.buttons import Drawer
from storage.chance import time_id
from storage.database import Tx
from storage.keyboards import Keyboard
from storage.parts import Parts
from storage.sheaf import Draft, Sheaf
from storage.words import clean

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a door to one person, in words of the catalogue; it waits for nothing and nothing waits for it."""

    person: str | None
    channel: str
    address: str
    text: str
    fields: Mapping[str, Field]
    keyboard: Keyboard
    book: str
    edit: int | None
    case: Case | None
    document: str | None = None


@dataclass(slots=True)
class Post:
    """The letters of one unit of work."""

    tx: Tx
    now: datetime
    parts: Parts
    addressees: Addressees
    in_place: bool = True  # False: somebody typed, so the next question stands below their words, not in the old card
    drafts: list[Draft] = field(default_factory=list)
    said: list[tuple[Case, Tell]] = field(default_factory=list)  # what groups hear too, whoever else does
    steps: int = 0
    _reports: list[outbox.Letter] = field(default_factory=list)
    _next_due: dict[str, tuple[Case, datetime | None]] = field(default_factory=dict)

    def next_step(self, mark: str | None) -> None:
        """From here on, drafts belong to the next piece of news; the register bears this mark now, if that is known."""
        self.steps += 1
        self.addressees.stands(mark)

    def stands(self, case: Case, next_due: datetime | None) -> None:
        """Say how a case stands after this piece of news, and when it moves next: its letters say so, too."""
        self._next_due[case.case_id] = case, next_due

    async def tell(self, case: Case, effect: Tell, *, aside: bool = False) -> None:
        """Draft one letter a person and channel. An alert whose rung nobody holds goes to the next ones at once.

        `aside`: nothing in the log called it forth.
        """
        found = await self.addressees.of(case, effect)
        if effect.text in groups.SAID:
            self.said.append((case, effect))
        if effect.alert is not None:
            beyond = await empty_rungs.passed_over(self.addressees, case, effect, self.parts.protocols[case.protocol])
            for to in beyond:
                found += [each for each in await self.addressees.of(case, replace(effect, to=to)) if each not in found]
            if beyond:
                await self._say_empty(case, effect.to.id)
            if not found:
                _log.critical("an alert reaches nobody", case=case.case_id, role=effect.to.id or effect.to.kind)
        self.drafts += [Draft(case=case, tell=effect, to=to, step=self.steps, aside=aside) for to in found]

    async def look_at_ladder(self, case: Case) -> None:
        """A case opens: where nobody is on the first rung it is said now, and not only when an alert needs them (HZ04)."""
        role = await empty_rungs.empty_first(self.addressees, case, self.parts.protocols[case.protocol])
        if role:
            await self._say_empty(case, role, "X_NOBODY")

    async def _say_empty(self, case: Case, role: str, text: str = "X_EMPTY") -> None:
        """Say that nobody holds a rung: an alert that others got in their place would hide it."""
        _log.error("nobody holds a rung", case=case.case_id, role=role)
        for effect in await empty_rungs.to_say(self.tx, case, role, text, self.addressees):
            await self.tell(case, effect)

    async def report(self, case: Case, version: int) -> None:
        """Send a version of the missing report wherever reports go; the document is composed when it leaves."""
        places = await self.addressees.of_report(case, self.parts.ways)
        for to in places:
            letter = outbox.Letter(
                id=time_id("letter", self.now, self.parts.chance, case.case_id), case_id=case.case_id, person=to.person,
                channel=to.channel, address=to.address, text="REPORT", body="", keyboard=(), kind="report",
                urgency=0, edit=None, protect=True, document=f"{case.case_id}/{version}", case_card=False,
                due_at=self.now, expires_at=None, tries=0, cause=f"report.{version}",
            )  # fmt: skip
            self._reports.append(letter)
        sent = any(to.person == "police" and to.channel != "file" for to in places)
        await self._tell_of_report(case, version, sent=sent)

    async def _tell_of_report(self, case: Case, version: int, *, sent: bool) -> None:
        """The co-ordinator gets the document itself where the organisation wants it in Telegram; else they are told, once,
        where it was not sent to the police: a report that lies on a server has told nobody."""
        organisation = await self.addressees.directory.organisation(case.organisation)
        wanted = organisation is not None and organisation.report_in_telegram
        if not wanted and (sent or version > 1):
            return
        tell = Tell(to=To(kind="duty", id="coordinator"), text="C_FILE", via="quiet")
        for to in await self.addressees.of(case, tell):
            if wanted and to.channel == "telegram":
                self._send_document(case, version, to)
            elif version == 1 and not sent:
                self.drafts.append(Draft(case=case, tell=tell, to=to, step=self.steps))

    def _send_document(self, case: Case, version: int, to: Addressee) -> None:
        body = wording.render(
            self.parts.book(to.language), "report_caption", channel=to.channel, code=case.code, who=to.who, now=self.now,
            fields={"number": str(version)}, drill=self.parts.drill,
        )  # fmt: skip
        letter = outbox.Letter(
            id=time_id("letter", self.now, self.parts.chance, case.case_id), case_id=case.case_id, person=to.person,
            channel=to.channel,
            address=to.address, text="report_caption", body=body, keyboard=(), kind="report",
            urgency=speech.rank("C_FILE"), edit=None, protect=True, document=f"{case.case_id}/{version}", case_card=False,
            due_at=self.now, expires_at=None, tries=0, cause=f"report.{version}",
        )  # fmt: skip
        self._reports.append(letter)

    async def withdraw(self, case: Case, effect: Withdraw) -> None:
        """Cancel what was not sent yet: this person's questions, or all letters of the case but those of this step."""
        await outbox.withdraw(self.tx, case.case_id, person=effect.person, now=self.now)
        self.drafts = [d for d in self.drafts if d.step == self.steps or not _withdrawn(d, case, effect)]

    async def call_off(self, case: Case, effect: CallOff) -> None:
        """What would still wake others for an alert that was taken is not sent; what this very step says stays."""
        await called_off.call_off(self.tx, case.case_id, effect.but, self.now)
        self.drafts = [
            d for d in self.drafts if d.step == self.steps or d.case.case_id != case.case_id
            or d.person == effect.but or d.text not in called_off.CHAIN
        ]  # fmt: skip

    async def mark(self, case: Case, effect: MarkAlerts) -> None:
        """Mark the alerts of the case, those still in this unit's hands too."""
        await alerts.mark(self.tx, case.case_id, effect, self.now)
        self.drafts = [
            replace(d, alert_state=effect.state)
            if d.case.case_id == case.case_id and d.step < self.steps and effect.reaches(d.tell.alert) else d
            for d in self.drafts
        ]  # fmt: skip

    async def send(self, protocols: Mapping[str, Protocol]) -> None:
        """Write every draft to the outbox, one text a person, channel and case at a time."""
        if not self.drafts and not self.said and not self._reports:
            return
        sheaf = Sheaf(
            self.tx, self.now, self.parts, self.addressees, self.in_place, Drawer(self.parts.chance), self._next_due,
            letters=self._reports,
        )  # fmt: skip
        cases = {case.case_id: case for case in (*(d.case for d in self.drafts), *(case for case, _ in self.said))}
        for case_id, case in cases.items():
            mine = [d for d in self.drafts if d.case.case_id == case_id]
            for draft, due_at in speech.one_each(mine, self.now):
                await sheaf.add(draft, due_at, protocols[draft.case.protocol])
            await groups.speak(sheaf, case, mine, [tell for of, tell in self.said if of.case_id == case_id])
        await sheaf.bind()
        self.drafts, self.said, self._reports = [], [], []

    async def reply(self, reply: Reply) -> None:
        """Write one answer to the outbox at once."""
        case = reply.case
        who = "" if case is None else await self.addressees.who(case, reply.channel)
        body = wording.render(
            self.parts.book(reply.book), reply.text, channel=reply.channel, code="" if case is None else case.code,
            who=who, now=self.now, fields=reply.fields, drill=self.parts.drill,
        )  # fmt: skip
        letter = outbox.Letter(
            id=time_id("letter", self.now, self.parts.chance), case_id=None if case is None else case.case_id,
            person=reply.person, channel=reply.channel, address=reply.address, text=reply.text, body=clean(body),
            keyboard=reply.keyboard, kind="reply", urgency=speech.rank(reply.text), edit=reply.edit, protect=True,
            document=reply.document, case_card=False, due_at=self.now, expires_at=None, tries=0,
        )  # fmt: skip
        await outbox.enqueue(self.tx, letter, self.now)

    async def by_sms(self, case: Case, letter: outbox.Letter, language: str) -> str:
        """The words of a letter that was written for Telegram as SMS has them: what staff press there is typed here."""
        protocol = self.parts.protocols[case.protocol]
        if not protocol.has(letter.text) or protocol.find(letter.text).side != "staff":
            return letter.body
        book = self.parts.book(language)
        fields, who = words_for(case, protocol, letter.text, letter.due_at), await self.addressees.who(case, "sms")
        return wording.render(
            book, letter.text, channel="sms", code=case.code, who=who, now=self.now, fields=fields,
            repeat=book.phrase["repeat"] in letter.body, drill=self.parts.drill,
        )  # fmt: skip


def _withdrawn(draft: Draft, case: Case, effect: Withdraw) -> bool:
    if draft.case.case_id != case.case_id:
        return False
    return effect.person is None or (draft.person == effect.person and draft.tell.question is not None)

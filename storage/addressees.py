"""Knows which people a letter is for and by which channel each is reached."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from casework.case import Case
from casework.effects import Tell
from casework.protocol import Protocol
from casework.wording import initial
from storage import alerts, rota
from storage.database import Tx
from storage.directory import Person
from storage.known import Known
from storage.register import SERVICES_EMAIL
from storage.rota import Held

ESCALATION_ROLES = ("coordinator", "second_coordinator", "deputy", "manager", "owner")
LAST_ROLE = "owner"


class Addressee(NamedTuple):
    """One person by one channel. `who` is what the child is called there: the code on Telegram, an initial by SMS."""

    person: str
    channel: str
    address: str
    language: str
    who: str


@dataclass(slots=True)
class Addressees:
    """Finds the people behind a `To`, as the directory and the rota stand now. `ways`: channels beyond the usual ones.

    `_held`: who holds which role (organisation, home, role), as far as it was worked out since the last call of `stands`.
    """

    tx: Tx
    now: datetime
    directory: Known
    ways: Collection[str] = ()
    protocols: Mapping[str, Protocol] = field(default_factory=dict)
    _held: dict[tuple[str, str, str], Held] = field(default_factory=dict)

    def stands(self, mark: str | None) -> None:
        """Say which mark the register bears now, where that is known: who there is may have changed."""
        self.directory.stands(mark)
        self._held.clear()

    async def of(self, case: Case, tell: Tell) -> list[Addressee]:
        """Everyone this letter is for, once a person and channel."""
        found, rings, who = [], self._rings(case, tell), dict[str, str]()
        for person in _once(await self._people(case, tell)):
            for channel in _channels(case, tell, person, rings=rings, ways=self.ways):
                if channel not in who:
                    who[channel] = await self.who(case, channel)
                found.append(_addressee(person, channel, who[channel]))
        return found

    async def who(self, case: Case, channel: str) -> str:
        """What the child is called on this channel."""
        if channel == "telegram":
            return case.child.child_id
        child = await self.directory.child(case.child.child_id)
        return "" if child is None else initial(child.first_name)

    def _rings(self, case: Case, tell: Tell) -> bool:
        """Whether the telephone rings beside the letters: the rung of this alert says so."""
        if tell.alert is None or "voice" not in self.ways:
            return False
        rungs = self.protocols[case.protocol].rungs_after(tell.alert - 1)
        return bool(rungs) and "voice" in rungs[0].via

    async def co_ordinators(self) -> list[Addressee]:
        """The co-ordinators on duty of every organisation, by every channel they have."""
        found = []
        for organisation in await self.directory.organisations():
            for person in await self.directory.on_duty(organisation.id, "coordinator", "", self.now):
                found += [_addressee(person, channel, "") for channel in _able(person, self.ways)]
        return found

    async def name(self, person_id: str) -> str | None:
        """The name of a person, for those who may read it."""
        person = await self.directory.person(person_id)
        return None if person is None else person.name

    async def told(self, case: Case, *, but: str) -> tuple[str, ...]:
        """The names of everybody else who was alerted of this case, first told first."""
        told = [each for each in await alerts.told(self.tx, case.case_id) if each != but]
        await self.directory.persons(told)
        return tuple([name for each in told if (name := await self.name(each)) is not None])

    async def on_duty(self, case: Case, role: str) -> list[Person]:
        """Who holds a role for this case now; the organisation's last name where nobody does."""
        held = await self.held(case, role)
        if not held.people and role != LAST_ROLE:
            held = await self.held(case, LAST_ROLE)
        return list(held.people)

    async def held(self, case: Case, role: str) -> Held:
        """Who holds a role for this case now, and why."""
        asked = (case.organisation, case.home, role)
        if asked not in self._held:
            self._held[asked] = await rota.on_duty(self.directory, case.organisation, role, case.home, self.now)
        return self._held[asked]

    async def _people(self, case: Case, tell: Tell) -> list[Person]:
        to = tell.to
        match to.kind:
            case "person":
                person = await self.directory.person(to.id)
                return [] if person is None else [person]
            case "duty":
                return await self.on_duty(case, to.id)
            case "all_duty":
                return await self._everybody(case)
            case "home_staff":
                staff = await self.directory.staff_of(case.home)
                return [p for p in staff if p.telegram_id is not None and p.person_id != to.id]
            case "other_parents":
                parents = await self.directory.parents_of(case.child.child_id)
                return [p for p in parents if askable(p) and p.person_id != to.id]
            case "told":
                told = await alerts.told(self.tx, case.case_id)
                await self.directory.persons(told)
                people = [await self.directory.person(each) for each in told]
                return [p for p in people if p is not None and p.person_id != to.id]
            case _:
                raise AssertionError(f"no such addressee: {to.kind}")

    async def _everybody(self, case: Case) -> list[Person]:
        """Every escalation contact (E4): who is on duty first, then all who hold a role, on duty or not."""
        on_duty = [p for role in ESCALATION_ROLES for p in await self.on_duty(case, role)]
        on_call = await self.directory.on_call(case.organisation, case.home, self.now)
        return [*on_duty, *(p for role in ESCALATION_ROLES for p in on_call.holders(role))]

    async def of_report(self, case: Case, ways: Collection[str]) -> list[Addressee]:
        """Where the organisation's reports go, by the ways that this house has: always to the police's folder; to the
        police's own address and endpoint; and to those of children's services, the child's own before the home's."""
        organisation = await self.directory.organisation(case.organisation)
        child = await self.directory.child(case.child.child_id) if "email" in ways else None
        places: list[tuple[str, str, str | None]] = [("police", "file", "")]
        if organisation is not None:
            services = (child.profile.get(SERVICES_EMAIL) if child else None) or organisation.services_email
            places += [
                ("police", "email", organisation.police_email), ("police", "webhook", organisation.police_webhook),
                ("services", "email", services), ("services", "webhook", organisation.services_webhook),
            ]  # fmt: skip
        return [
            Addressee(person=whose, channel=channel, address=address or "", language="en", who=case.code)
            for whose, channel, address in places
            if channel == "file" or (address and channel in ways)
        ]


def askable(person: Person) -> bool:
    """Whether a parent may be asked and told: verified, and marked `open` by a manager."""
    return person.active and person.verified and person.contact == "open"


def _once(people: Iterable[Person]) -> list[Person]:
    return list({p.person_id: p for p in people if p.active}.values())


def _channels(case: Case, tell: Tell, person: Person, *, rings: bool, ways: Collection[str]) -> tuple[str, ...]:
    able = _able(person, ways)
    if tell.via == "both":
        return (*able, "voice") if rings and "voice" not in able and _can_be_rung(person) else able
    if tell.via == "own" and len(able) > 1:
        reporter = case.reporter(person.person_id)
        if reporter is not None and reporter.channel in able:
            return (reporter.channel,)
    return able[:1]


def _able(person: Person, ways: Collection[str]) -> tuple[str, ...]:
    """The channels this person can be reached by, best first. Where nothing they read arrives, who is on call is rung; and
    where nothing is left, what is known is tried all the same."""
    if person.written_by:
        return person.written_by
    if "voice" in ways and person.on_call and _can_be_rung(person):
        return ("voice",)
    return person.known_by


def _can_be_rung(person: Person) -> bool:
    return person.rung_at is not None and "voice" not in person.dead


def _addressee(person: Person, channel: str, who: str) -> Addressee:
    address = person.address(channel)
    return Addressee(person=person.person_id, channel=channel, address=str(address), language=person.language, who=who)

"""Knows what would hurt on the night and can be seen by day: an empty shift, somebody whom nothing reaches, a ladder that
ends in fewer than two people, a duty that nobody took over, a contact test that nobody answered.

What is found is kept until it is mended and told once; `doctor` and `/readyz` show it for as long as it stands.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from casework.rota import Plan, Span
from casework.wording import LONDON
from storage import bulk, contacts, handovers, rota, shifts
from storage.codec import instant, ms
from storage.database import Database, Tx
from storage.directory import Directory
from storage.known import Known
from storage.people import Home, Person
from storage.shifts import Scope

AHEAD = timedelta(days=7)
AT_ONCE = 20  # rotas or homes looked at in one go
CONTACTS_AT_THE_TOP = 2  # the last rung goes to everybody: one phone must not be everybody (T25)
NOT_TAKEN_AFTER = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One thing that would hurt. `kind`: empty_shift, no_channel, dead_address, short_ladder, open_handover or no_answer.

    `about` tells it from others of its kind, for as long as it lasts. `span` and `times`: when first, and how often, nobody
    is on an empty shift within the coming week. `count`: how many people a short ladder reaches.
    """

    organisation: str
    kind: str
    about: str
    role: str = ""
    home: str = ""
    person: str = ""
    span: Span | None = None
    times: int = 1
    count: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is told from others by."""
        return self.organisation, self.kind, self.about


async def look(tx: Tx, organisation: str, now: datetime) -> list[Foreseen]:
    """Everything that would hurt in an organisation, as it stands now; of a large one `look_in_parts` holds nobody up."""
    return [
        *await of_people(tx, organisation, now),
        *await of_rotas(tx, await shifts.scopes(tx, now, organisation=organisation), now),
        *await of_ladders(tx, await Directory(tx).homes(organisation), now),
    ]


async def look_in_parts(database: Database, organisation: str, now: datetime) -> AsyncIterator[list[Foreseen]]:
    """The same, a few homes at a time: whoever else reads has their turn between."""
    yield await database.read(lambda tx: of_people(tx, organisation, now))
    scopes = await database.read(lambda tx: shifts.scopes(tx, now, organisation=organisation))
    for first in range(0, len(scopes), AT_ONCE):
        yield await database.read(partial(of_rotas, scopes=scopes[first : first + AT_ONCE], now=now))
    homes = await database.read(lambda tx: Directory(tx).homes(organisation))
    for first in range(0, len(homes), AT_ONCE):
        yield await database.read(partial(of_ladders, homes=homes[first : first + AT_ONCE], now=now))


# ---- each kind -------------------------------------------------------------------------------------------


async def of_people(tx: Tx, organisation: str, now: datetime) -> list[Foreseen]:
    """Who is on call and cannot be reached, has not taken over, or has not answered the contact test."""
    people = [person for person in await Directory(tx).people(organisation) if person.active]
    dead = await contacts.dead_addresses(tx)
    lost = {person.person_id for person in people if not _reached(person, dead)}
    found = [
        Foreseen(organisation=organisation, kind="no_channel", about=each, person=each)
        for each in sorted(lost & await _needed(tx, organisation, people, now))
    ]
    ids = {person.person_id for person in people} - {each.person for each in found}
    found += [
        Foreseen(organisation=organisation, kind="dead_address", about=f"{who}/{channel}", person=who)
        for who, channel, _ in sorted(dead)
        if who in ids
    ]
    found += [
        Foreseen(
            organisation=organisation, kind="open_handover", about=each.handover_id, role=each.role, home=each.home,
            person=each.person, span=Span(each.begins_at, each.until_at),
        )
        for each in await handovers.waiting(tx, now)
        if each.organisation == organisation and each.begins_at + NOT_TAKEN_AFTER <= now
    ]  # fmt: skip
    silent = await contacts.unanswered(tx, organisation, now)
    return found + [Foreseen(organisation=organisation, kind="no_answer", about=p, person=p) for p in silent]


async def of_rotas(tx: Tx, scopes: Iterable[Scope], now: datetime) -> list[Foreseen]:
    """Where nobody stands on one of these rotas within the week; each weekday and hour is a warning of its own."""
    found: list[Foreseen] = []
    for organisation, home, role in scopes:
        its_rota = await shifts.rota(tx, organisation, home, now)
        people = await Directory(tx).persons(sorted(its_rota.people))
        reached = {person.person_id for person in people if person.active and person.reachable}
        plan = Plan(its_rota.of(role), now, now + AHEAD, its_rota.people - reached)
        gaps = list(plan.gaps()) if its_rota.shifts.get(role) else []
        found += [
            Foreseen(
                organisation=organisation, kind="empty_shift", about=f"{role}/{home}/{_when(gap, now)}", role=role,
                home=home, span=gap, times=len(gaps),
            )
            for gap in gaps
        ]  # fmt: skip
    return found


def _when(gap: Span, now: datetime) -> str:
    """The weekday and hour at which it begins, or that it has begun; the same next week is the same gap."""
    return "now" if gap.begins <= now else f"{gap.begins.astimezone(LONDON):%a %H:%M}"


def _reached(person: Person, dead: Collection[tuple[str, str, str]]) -> bool:
    """Whether there is an address of theirs at which something arrives."""
    return any((person.person_id, *address) not in dead for address in addresses(person))


def addresses(person: Person) -> list[tuple[str, str]]:
    """Every channel of a person with the address there."""
    ways = (("telegram", person.telegram_id), ("sms", person.mobile))
    return [(channel, str(address)) for channel, address in ways if address is not None]


async def _needed(tx: Tx, organisation: str, people: Sequence[Person], now: datetime) -> frozenset[str]:
    """Those who are alerted: who has a role on call, and who stands on a rota."""
    on_rota = {line.shift.person for line in await shifts.lines(tx, organisation, now)}
    return frozenset(p.person_id for p in people if p.on_call or p.person_id in on_rota)


async def of_ladders(tx: Tx, homes: Iterable[Home], now: datetime) -> list[Foreseen]:
    """Of these homes those whose last rung, everybody, is fewer than two people."""
    directory, dead, found = Known(tx), await contacts.dead_addresses(tx), list[Foreseen]()
    for home in homes:
        on_call = await directory.on_call(home.organisation, home.id, now)
        people = [person for role in rota.ROLES for person in on_call.holders(role)]
        for role in rota.ROLES:
            people += (await rota.on_duty(directory, home.organisation, role, home.id, now)).people
        count = len({person.person_id for person in people if _reached(person, dead)})
        if count < CONTACTS_AT_THE_TOP:
            found.append(
                Foreseen(
                    organisation=home.organisation, kind="short_ladder", about=home.id, home=home.id, count=count
                )
            )  # fmt: skip
    return found


# ---- what was told ---------------------------------------------------------------------------------------


async def known(tx: Tx, organisation: str) -> dict[tuple[str, str, str], datetime | None]:
    """What was found before, and when it was told."""
    rows = await tx.rows("SELECT * FROM duty_warning WHERE organisation = ?", organisation)
    return {
        (row["organisation"], row["kind"], row["about"]): None if row["told_at"] is None else instant(row["told_at"])
        for row in rows
    }


async def keep(tx: Tx, organisation: str, found: Sequence[Foreseen], now: datetime) -> None:
    """Keep what was found, and forget what was mended."""
    before, there = await known(tx, organisation), {warning.key for warning in found}
    for gone in before.keys() - there:
        await tx.run("DELETE FROM duty_warning WHERE organisation = ? AND kind = ? AND about = ?", *gone)
    new = dict.fromkeys(warning.key for warning in found if warning.key not in before)
    await bulk.insert(tx, "duty_warning (organisation, kind, about, since)", [(*key, ms(now)) for key in new])


async def told(tx: Tx, warnings: Iterable[Foreseen], now: datetime) -> None:
    """Note that people were told."""
    for warning in warnings:
        await tx.run(
            "INSERT INTO duty_warning (organisation, kind, about, since, told_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (organisation, kind, about) DO UPDATE SET told_at = excluded.told_at",
            *warning.key, ms(now), ms(now),
        )  # fmt: skip


async def standing(tx: Tx) -> dict[str, int]:
    """How many warnings stand, by kind, as they were last looked for."""
    rows = await tx.rows("SELECT kind, COUNT(*) AS n FROM duty_warning GROUP BY kind ORDER BY kind")
    return {row["kind"]: int(row["n"]) for row in rows}

"""Knows what would hurt on the night and can be seen by day: an empty shift, somebody whom nothing reaches, a ladder that
ends in fewer than two people, a duty that nobody took over, a contact test that nobody answered.

What is found is kept until it is mended and told once; `doctor` and `/readyz` show it for as long as it stands.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.rota import Plan, Span
from casework.wording import LONDON
from storage import contacts, handovers, rota, shifts
from storage.codec import instant, ms
from storage.database import Tx
from storage.directory import Directory
from storage.known import Known
from storage.people import Home, Person

AHEAD = timedelta(days=7)
CONTACTS_AT_THE_TOP = 2  # the last rung goes to everybody: one phone must not be everybody (T25)
NOT_TAKEN_AFTER = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One thing that would hurt. `kind`: empty_shift, no_channel, short_ladder, open_handover or no_answer.

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
    """Everything that would hurt in an organisation, as it stands now."""
    directory = Known(tx)
    people = [person for person in await directory.people(organisation) if person.active]
    homes = await directory.homes(organisation)
    lost = await _without_channel(tx, people)
    found = await _empty_shifts(tx, organisation, people, now)
    found += [
        Foreseen(organisation=organisation, kind="no_channel", about=each, person=each)
        for each in sorted(lost & await _needed(tx, organisation, people, now))
    ]
    found += [warning for home in homes for warning in await _short_ladder(directory, home, lost, now)]
    for each in await handovers.waiting(tx, now):
        if each.organisation == organisation and each.begins_at + NOT_TAKEN_AFTER <= now:
            found.append(
                Foreseen(
                    organisation=organisation, kind="open_handover", about=each.handover_id, role=each.role,
                    home=each.home, person=each.person, span=Span(each.begins_at, each.until_at),
                )
            )  # fmt: skip
    silent = await contacts.unanswered(tx, organisation, now)
    return found + [Foreseen(organisation=organisation, kind="no_answer", about=p, person=p) for p in silent]


# ---- each kind -------------------------------------------------------------------------------------------


async def _empty_shifts(tx: Tx, organisation: str, people: Sequence[Person], now: datetime) -> list[Foreseen]:
    """Where a rota is in use and nobody stands on it within the week; each weekday and hour is a warning of its own."""
    reached = {person.person_id for person in people if person.reachable}
    found: list[Foreseen] = []
    for of, home, role in await shifts.scopes(tx, now):
        if of != organisation:
            continue
        its_rota = await shifts.rota(tx, organisation, home, now)
        if not its_rota.shifts.get(role):
            continue
        plan = Plan(its_rota.of(role), now, now + AHEAD, its_rota.people - reached)
        gaps = list(plan.gaps())
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


async def _without_channel(tx: Tx, people: Sequence[Person]) -> frozenset[str]:
    """Those who have no address, or only such as nothing arrives at any more."""
    dead = await contacts.dead_addresses(tx)
    return frozenset(p.person_id for p in people if not [a for a in addresses(p) if (p.person_id, *a) not in dead])


def addresses(person: Person) -> list[tuple[str, str]]:
    """Every channel of a person with the address there."""
    ways = (("telegram", person.telegram_id), ("sms", person.mobile))
    return [(channel, str(address)) for channel, address in ways if address is not None]


async def _needed(tx: Tx, organisation: str, people: Sequence[Person], now: datetime) -> frozenset[str]:
    """Those who are alerted: who has a role on call, and who stands on a rota."""
    on_rota = {line.shift.person for line in await shifts.lines(tx, organisation, now)}
    return frozenset(p.person_id for p in people if p.on_call or p.person_id in on_rota)


async def _short_ladder(directory: Directory, home: Home, lost: Collection[str], now: datetime) -> list[Foreseen]:
    on_call = await directory.on_call(home.organisation, home.id, now)
    reached = {
        person.person_id
        for role in rota.ROLES
        for person in (*on_call.holders(role), *(await rota.on_duty(directory, home.organisation, role, home.id, now)).people)
        if person.reachable and person.person_id not in lost
    }  # fmt: skip
    if len(reached) >= CONTACTS_AT_THE_TOP:
        return []
    return [
        Foreseen(
            organisation=home.organisation, kind="short_ladder", about=home.id, home=home.id, count=len(reached)
        )
    ]  # fmt: skip


# ---- what was told ---------------------------------------------------------------------------------------


async def known(tx: Tx, organisation: str) -> dict[tuple[str, str, str], datetime | None]:
    """What was found before, and when it was told."""
    rows = await tx.rows("SELECT * FROM duty_warning WHERE organisation = ?", organisation)
    return {
        (row["organisation"], row["kind"], row["about"]): None if row["told_at"] is None else instant(row["told_at"])
        for row in rows
    }


async def keep(tx: Tx, organisation: str, found: Sequence[Foreseen], told: Collection[Foreseen], now: datetime) -> None:
    """Keep what was found, note what is told now, and forget what was mended."""
    before, there = await known(tx, organisation), {warning.key for warning in found}
    for gone in before.keys() - there:
        await tx.run("DELETE FROM duty_warning WHERE organisation = ? AND kind = ? AND about = ?", *gone)
    for warning in found:
        if warning.key not in before:
            await tx.run(
                "INSERT INTO duty_warning (organisation, kind, about, since) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                *warning.key, ms(now),
            )  # fmt: skip
    for warning in told:
        await tx.run(
            "UPDATE duty_warning SET told_at = ? WHERE organisation = ? AND kind = ? AND about = ?",
            ms(now),
            *warning.key,
        )


async def standing(tx: Tx) -> dict[str, int]:
    """How many warnings stand, by kind, as they were last looked for."""
    rows = await tx.rows("SELECT kind, COUNT(*) AS n FROM duty_warning GROUP BY kind ORDER BY kind")
    return {row["kind"]: int(row["n"]) for row in rows}

"""Knows who hears of what would hurt on the night: once each, by day, and at once where it is near."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeAlias

from casework.effects import Field
from casework.limits import LONDON
from storage import foresight, handing_over, notices, shifts
from storage.desk import Desk
from storage.directory import Person
from storage.foresight import Foreseen
from storage.planning import Changed
from storage.shifts import Scope

Before: TypeAlias = Mapping[tuple[str, str, str], datetime | None]  # what was found before, and when it was told

NEAR = timedelta(hours=12)
BY_DAY = range(9, 20)  # hours of the wall clock at which somebody may be told what can wait
LETTERS_AT_ONCE = 10  # to one person, of one look
TOLD = ("empty_shift", "no_channel", "short_ladder")  # of the others people hear where they are found


async def after_change(desk: Desk, changed: Changed, by: Person) -> None:
    """The rota was changed: who comes on by it is asked, whom else it concerns is told, and so is what it leaves empty."""
    scopes = await _scopes(desk, changed, by.organisation)
    coming = await handing_over.comings(desk.tx, desk.now, scopes)
    for each in coming:
        await handing_over.ask(desk, each)
    asked = {by.person_id, *(each.person for each in coming)}
    concerned = await desk.directory.persons([each for each in changed.people if each not in asked])
    await notices.tell(desk, concerned, "C_ROTA", {})
    found = await foresight.of_rotas(desk.tx, scopes, desk.now)
    await _tell_new(desk, found, await foresight.known(desk.tx, by.organisation))


async def _scopes(desk: Desk, changed: Changed, organisation: str) -> list[Scope]:
    """The rotas that a change bears on; leave bears on all where somebody is named."""
    found = dict.fromkeys(Scope(organisation, line.home, line.role) for line in changed.lines if line.role)
    for line in changed.lines:
        if not line.role:
            named = await shifts.scopes(desk.tx, desk.now, organisation=organisation, person=line.shift.person)
            found |= dict.fromkeys(named)
    return list(found)


async def settle(desk: Desk, organisation: str, found: Sequence[Foreseen]) -> None:
    """Keep what was found of a whole organisation, tell what is new and may be told now, forget what was mended."""
    before = await foresight.known(desk.tx, organisation)
    await foresight.keep(desk.tx, organisation, found, desk.now)
    await _tell_new(desk, found, before)


async def _tell_new(desk: Desk, found: Sequence[Foreseen], before: Before) -> None:
    """Tell what nobody was told of, like with like in one letter; who has heard enough hears the rest an hour later."""
    heard = Counter[str]()
    new = untold(found, before, desk.now)
    for _, alike in groupby(new, key=lambda each: (each.kind, each.role, each.home, each.person)):
        warnings = list(alike)
        people = [p for p in await _who_hears(desk, warnings[0]) if heard[p.person_id] < LETTERS_AT_ONCE]
        if not people:
            continue
        heard.update(person.person_id for person in people)
        await _tell(desk, warnings[0], people)
        await foresight.told(desk.tx, warnings, desk.now)


def untold(found: Sequence[Foreseen], before: Before, now: datetime) -> list[Foreseen]:
    """What nobody was told of, and may be told now."""
    return [each for each in found if each.kind in TOLD and before.get(each.key) is None and _may_tell(each, now)]


def _may_tell(each: Foreseen, now: datetime) -> bool:
    near = each.span is not None and each.span.begins - now <= NEAR
    return near or now.astimezone(LONDON).hour in BY_DAY


async def _who_hears(desk: Desk, each: Foreseen) -> list[Person]:
    people = await handing_over.keepers(desk, each.organisation, each.home)
    if each.kind != "empty_shift":
        people += await handing_over.keepers(desk, each.organisation, "")
    person = await desk.directory.person(each.person) if each.person else None
    for home in () if person is None else person.homes:
        people += await handing_over.keepers(desk, each.organisation, home)
    return list({p.person_id: p for p in people if p.person_id != each.person}.values())


async def _tell(desk: Desk, each: Foreseen, people: Sequence[Person]) -> None:
    match each.kind:
        case "empty_shift":
            assert each.span is not None, "an empty shift has its hours"
            fields: dict[str, Field] = {"at": each.span.begins, "until": each.span.ends, "count": each.times}
            await notices.tell(desk, people, "C_GAP", fields, role=each.role, home=each.home)
        case "short_ladder":
            await notices.tell(desk, people, "C_SHORT", {"count": each.count}, home=each.home)
        case _:
            person = await desk.directory.person(each.person)
            await notices.tell(desk, people, "C_NOCHANNEL", {"name": None if person is None else person.name})

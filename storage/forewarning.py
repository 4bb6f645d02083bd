"""Knows who hears of what would hurt on the night: once each, by day, and at once where it is near."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from casework.effects import Field
from casework.limits import LONDON
from storage import foresight, handing_over, notices
from storage.database import Tx
from storage.desk import Desk
from storage.directory import Person
from storage.foresight import Foreseen
from storage.planning import Changed

NEAR = timedelta(hours=12)
BY_DAY = range(9, 20)  # hours of the wall clock at which somebody may be told what can wait
TOLD = ("empty_shift", "no_channel", "short_ladder")  # of the others people hear where they are found


async def after_change(desk: Desk, changed: Changed, by: Person) -> None:
    """The rota was changed: who comes on by it is asked, whom else it concerns is told, and so is what it leaves empty."""
    coming = await handing_over.comings(desk.tx, desk.now, by.organisation)
    for each in coming:
        await handing_over.ask(desk, each)
    asked = {by.person_id, *(each.person for each in coming)}
    concerned = await desk.directory.persons([each for each in changed.people if each not in asked])
    await notices.tell(desk, concerned, "C_ROTA", {})
    await refresh(desk, by.organisation)


async def refresh(desk: Desk, organisation: str) -> None:
    """Look ahead, tell what is new and may be told now, and forget what was mended."""
    found = await foresight.look(desk.tx, organisation, desk.now)
    before = await foresight.known(desk.tx, organisation)
    new = _untold(found, before, desk.now)
    for _, alike in groupby(new, key=lambda each: (each.kind, each.role, each.home, each.person)):
        await _tell(desk, next(iter(alike)))
    await foresight.keep(desk.tx, organisation, found, new, desk.now)


async def due(tx: Tx, organisation: str, now: datetime) -> bool:
    """Whether `refresh` has anything to write or to tell: a look that changes nothing."""
    found, before = await foresight.look(tx, organisation, now), await foresight.known(tx, organisation)
    return bool(_untold(found, before, now)) or {each.key for each in found} != before.keys()


def _untold(
    found: Sequence[Foreseen], before: Mapping[tuple[str, str, str], datetime | None], now: datetime
) -> list[Foreseen]:
    """What nobody was told of, and may be told now."""
    return [each for each in found if each.kind in TOLD and before.get(each.key) is None and _may_tell(each, now)]


def _may_tell(each: Foreseen, now: datetime) -> bool:
    near = each.span is not None and each.span.begins - now <= NEAR
    return near or now.astimezone(LONDON).hour in BY_DAY


async def _tell(desk: Desk, each: Foreseen) -> None:
    match each.kind:
        case "empty_shift":
            assert each.span is not None, "an empty shift has its hours"
            fields: dict[str, Field] = {"at": each.span.begins, "until": each.span.ends, "count": each.times}
            people = await handing_over.keepers(desk, each.organisation, each.home)
            await notices.tell(desk, people, "C_GAP", fields, role=each.role, home=each.home)
        case "short_ladder":
            people = [
                *await handing_over.keepers(desk, each.organisation, each.home),
                *await handing_over.keepers(desk, each.organisation, ""),
            ]
            await notices.tell(desk, people, "C_SHORT", {"count": each.count}, home=each.home)
        case _:
            person = await desk.directory.person(each.person)
            people = [p for p in await _who_answers_for(desk, person) if p.person_id != each.person]
            await notices.tell(desk, people, "C_NOCHANNEL", {"name": None if person is None else person.name})


async def _who_answers_for(desk: Desk, person: Person | None) -> list[Person]:
    """The managers of somebody's homes, the co-ordinators on duty, and the owner."""
    assert person is not None, "who is warned of is known"
    found = await handing_over.keepers(desk, person.organisation, "")
    for home in person.homes:
        found += await handing_over.keepers(desk, person.organisation, home)
    return found

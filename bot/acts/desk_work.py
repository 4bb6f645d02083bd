"""What every act of the command line begins and ends with: who asks, about which case, and what is said back.

An act names its author; what they may do is decided here by their roles, never by the channel they came through.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from casework.case import Case
from casework.errors import NotAllowed
from casework.times import read_time
from storage import views
from storage.desk import Desk
from storage.directory import Person

Arguments: TypeAlias = Mapping[str, Any]
CHANNEL = "cli"
FINE, FINDINGS, USAGE, REFUSED = 0, 1, 2, 3
YESTERDAY_COUNTS = timedelta(hours=12)  # a bare `23:40` typed after midnight means the evening before


@dataclass(frozen=True, slots=True)
class Said:
    """What an act answers: an exit code, lines for a person, data for a program."""

    code: int
    lines: tuple[str, ...]
    data: Any = None


Act: TypeAlias = Callable[[Desk, Arguments], Awaitable[Said]]


class BadUsage(Exception):
    """What was typed cannot be read; the text says how it should look."""


async def author(desk: Desk, arguments: Arguments) -> Person:
    """Who does this. Raises NotAllowed for a person who is not known or no longer active."""
    return await somebody(desk, str(arguments["by"]))


async def somebody(desk: Desk, person_id: str) -> Person:
    """An active person by id. Raises NotAllowed."""
    person = await desk.directory.person(person_id)
    if person is None or not person.active:
        raise NotAllowed(f"nobody active has the id {person_id}; `porchlight person list` shows who has")
    return person


async def the_case(desk: Desk, arguments: Arguments, by: Person) -> Case:
    """The case named by id or code, in the author's organisation; NotAllowed for none, or one that is closed."""
    named = str(arguments["case"])
    case_id = await views.case_id(desk.tx, named)
    case = None if case_id is None else await desk.case(case_id)
    if case is None or case.organisation != by.organisation:
        raise NotAllowed(f"there is no case {named} in {by.organisation}")
    if not case.open:
        raise NotAllowed(f"{case.code} is closed")
    return case


async def standing(desk: Desk, case_id: str, *lines: str, code: int = FINE) -> Said:
    """Say where the case stands now, in a line and as its row of `v_case`."""
    found = await views.rows(desk.tx, "v_case", id=case_id)
    row = found[0] if found else {"id": case_id}
    told = f"{row.get('code', case_id)}: {row.get('state', 'watching')}, level {row.get('level', 'unassessed')}"
    due = row.get("next_due")
    return Said(code, (*lines, told + (f", next due {due}" if due else "")), row)


def works(person: Person, home: str) -> bool:
    """Whether this person belongs to the home's staff or is on call for it."""
    return person.is_staff(home) or decides(person, home)


def decides(person: Person, home: str) -> bool:
    """Whether this person may confirm a return: the home's manager, a co-ordinator or a deputy."""
    return person.is_manager(home) or person.is_coordinator or person.is_deputy


def time_of(words: str, now: datetime) -> datetime:
    """The instant `HH:MM` or `YDAY HH:MM` means, the latest one gone by. Raises BadUsage."""
    read = read_time(words, now)
    if read is None:
        read = read_time(f"YDAY {words}", now)
        if read is not None and read.instant < now - YESTERDAY_COUNTS:
            read = None
    if read is None:
        raise BadUsage(f"{words!r} is no time gone by: write 21:00, or YDAY 21:00")
    return min(read.instant.astimezone(UTC), now)

"""Knows what a missing report is made of: the log, and what no log holds: names, numbers, words, the profile."""

from dataclasses import dataclass

from casework.case import Case
from casework.events import Event
from casework.report_log import Register
from casework.wording import Phrasebook, local
from storage import cases, log, words
from storage.codec import instant, ms
from storage.database import Tx
from storage.directory import Directory

MADE_BY = "Porchlight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One case, its whole log, and the register that gives it names."""

    case: Case
    log: tuple[Event, ...]
    register: Register
    pictures: tuple[
        bytes | None, ...
    ] = ()  # every photo sent in, in the order it came; None: its file could not be kept


async def dossier(tx: Tx, case_id: str, book: Phrasebook) -> Dossier | None:
    """Everything about one case that a report may print; None where there is no such case or child."""
    held = await cases.find(tx, case_id)
    if held is None:
        return None
    case, directory = held.case, Directory(tx)
    child = await directory.child(case.child.child_id)
    if child is None:
        return None
    home, organisation = await directory.home(case.home), await directory.organisation(case.organisation)
    people = await directory.people(case.organisation)
    register = Register(
        book=book, first_name=child.first_name, family_name=child.family_name, born=child.born,
        home="" if home is None else home.name, town="" if home is None else home.town,
        organisation="" if organisation is None else organisation.name, profile=child.profile,
        names={p.person_id: p.name for p in people}, phones={p.person_id: p.mobile for p in people if p.mobile},
        cannot_speak=frozenset(p.person_id for p in people if not p.voice_ok),
        words=await words.of_case(tx, case_id), photo=await _photo(tx, case_id, book),
        history=await _history(tx, case, book), made_by=MADE_BY,
    )  # fmt: skip
    pictures = await tx.rows("SELECT data FROM media WHERE case_id = ? AND kind = 'photo' ORDER BY media_id", case_id)
    return Dossier(
        case=case, log=tuple(await log.events(tx, case_id)), register=register,
        pictures=tuple(row["data"] for row in pictures),
    )  # fmt: skip


async def _photo(tx: Tx, case_id: str, book: Phrasebook) -> str:
    """When the latest photo of the case came in, or an empty string."""
    row = await tx.row(
        "SELECT made_at, (SELECT opened_at FROM case_row WHERE case_id = ?) AS then_at FROM media"
        " WHERE case_id = ? AND kind = 'photo' ORDER BY made_at DESC LIMIT 1", case_id, case_id,
    )  # fmt: skip
    return "" if row is None else local(book, instant(row["made_at"]), instant(row["then_at"]))


async def _history(tx: Tx, case: Case, book: Phrasebook) -> tuple[str, ...]:
    """Earlier episodes of the child, oldest first: when, and how risky it was."""
    rows = await tx.rows(
        "SELECT opened_at, level FROM case_row WHERE child_id = ? AND watch = 0 AND opened_at < ? ORDER BY opened_at",
        case.child.child_id, ms(case.opened_at),
    )  # fmt: skip
    return tuple(f"{local(book, instant(row['opened_at']), case.opened_at)} {row['level']}" for row in rows)

"""Knows who hears of what the house cannot work and has set aside: a message, a letter, a case whose deadline fails.

Whoever is on call for the case; where there is none, where it is over or cannot even be read, the co-ordinators of its
organisation, or of the person's; where nobody can say whose it is, those of every one. A fault in telling stops nothing.
"""

from datetime import datetime

import structlog

from casework.effects import Tell, To
from storage import notices
from storage.database import Tx
from storage.desk import Desk
from storage.parts import Parts

TEXT = "X_QUARANTINE"
_log = structlog.get_logger(__name__)


async def show(
    tx: Tx, now: datetime, parts: Parts, fault: str, *, case_id: str | None = None, person: str | None = None
) -> None:  # fmt: skip
    """Tell people on call of a fault, in words that quote nobody. Raises only what has the whole unit run again."""
    for tell in (_those_of_the_case, _those_of_the_organisation, _everybody):
        try:
            async with tx.savepoint():
                desk = Desk(tx, now, parts)
                if await tell(desk, fault, case_id, person):
                    await desk.clear()
                    return
        except Exception as error:
            if tx.again(error):
                raise
            _log.critical("people could not be told of what was set aside", case=case_id, fault=type(error).__name__)


async def _those_of_the_case(desk: Desk, fault: str, case_id: str | None, person: str | None) -> bool:
    case = None if case_id is None else await desk.case(case_id)
    if case is None or not case.open:
        return False
    await desk.tell(case, Tell(to=To(kind="all_duty"), text=TEXT, fields={"fault": fault}))
    return True


async def _those_of_the_organisation(desk: Desk, fault: str, case_id: str | None, person: str | None) -> bool:
    row = None if case_id is None else await desk.tx.row("SELECT organisation FROM case_row WHERE case_id = ?", case_id)
    known = None if person is None else await desk.directory.person(person)
    organisation = row["organisation"] if row is not None else None if known is None else known.organisation
    if organisation is None:
        return False
    people = await desk.directory.on_duty(organisation, "coordinator", "", desk.now)
    await notices.tell(desk, people, TEXT, {"fault": fault})
    return bool(people)


async def _everybody(desk: Desk, fault: str, case_id: str | None, person: str | None) -> bool:
    await desk.tell_co_ordinators(TEXT, {"fault": fault})
    return True

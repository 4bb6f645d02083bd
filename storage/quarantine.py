"""Knows who hears of what the house cannot work and has set aside: a message, a letter, a case whose deadline fails.

Whoever is on call for the case; where there is none, where it is over, or where it cannot even be read, the co-ordinators
of every organisation. A fault in telling stops nothing else.
"""

from datetime import datetime

import structlog

from casework.effects import Tell, To
from storage.database import Tx
from storage.desk import Desk
from storage.parts import Parts

TEXT = "X_QUARANTINE"
_log = structlog.get_logger(__name__)


async def show(tx: Tx, now: datetime, parts: Parts, fault: str, case_id: str | None = None) -> None:
    """Tell people on call of a fault, in words that quote nobody. Raises only what has the whole unit run again."""
    for whose in (None,) if case_id is None else (case_id, None):
        try:
            async with tx.savepoint():
                if await _told(Desk(tx, now, parts), fault, whose):
                    return
        except Exception as error:
            if tx.again(error):
                raise
            _log.critical("nobody could be told of what was set aside", case=whose, fault=type(error).__name__)


async def _told(desk: Desk, fault: str, case_id: str | None) -> bool:
    case = None if case_id is None else await desk.case(case_id)
    if case is not None and case.open:
        await desk.tell(case, Tell(to=To(kind="all_duty"), text=TEXT, fields={"fault": fault}))
    elif case_id is None:
        await desk.tell_co_ordinators(TEXT, {"fault": fault})
    else:
        return False
    await desk.clear()
    return True

"""The first line of a person's card of a case on Telegram: which case, which child, how it stands, when it moves next.

It is the one line that is true at a glance: nobody has to scroll to learn whether the bot still watches, and until when
nothing will happen.
"""

from datetime import datetime

from casework.case import Case
from casework.levels import Located, Status
from casework.wording import Phrasebook, local

SEPARATOR = " · "


def header(book: Phrasebook, case: Case, next_due: datetime | None, now: datetime) -> str:
    """`A17 · K7 · checks running · next 21:35`. `next_due`: the earliest live deadline of the case."""
    parts = [case.code, case.child.child_id, book.phrase[f"status_{status_of(case)}"]]
    if next_due is not None and case.open:
        parts.append(f"{book.phrase['next']} {local(book, max(next_due, now), now)}")
    return SEPARATOR.join(parts)


def status_of(case: Case) -> str:
    """How the case stands, in the words staff need: `reported` only with a confirmed number, never before (HZ01)."""
    match case.status:
        case Status.ABSENT if case.located is Located.SAFE:
            return "away"
        case Status.MISSING if case.reported:
            return "reported"
        case Status.MISSING if case.welfare:
            return "welfare"
        case status:
            return status.value

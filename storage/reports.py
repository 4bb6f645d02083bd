"""Knows which versions of the missing report a case has, and which police log number answers them.

The document itself is composed after the commit from the log; here stands only that a version exists and why.
"""

from datetime import datetime

from casework.case import Case
from casework.effects import File
from storage.codec import canonical, ms
from storage.database import Tx
from storage.words import clean


async def file(tx: Tx, case: Case, effect: File, now: datetime) -> None:
    """Write one version; a second of the same number is refused by the schema (P5)."""
    await tx.run(
        "INSERT INTO report (case_id, version, made_at, reasons) VALUES (?, ?, ?, ?)",
        case.case_id, effect.version, ms(now), canonical(list(effect.reasons)),
    )  # fmt: skip


async def note_reference(tx: Tx, case: Case, before: Case | None) -> None:
    """Put the log number on every version that has none, once a verified person confirmed it; a told one waits (P7)."""
    news = before is None or not before.reported or before.reports != case.reports
    if case.reported and news:
        await tx.run(
            "UPDATE report SET police_ref = ?, police_ref_by = ? WHERE case_id = ? AND police_ref IS NULL",
            clean(case.police.number or ""), case.police.confirmed_by, case.case_id,
        )  # fmt: skip

"""Knows what must be true of a whole database, and says where it is not.

Each check is one promise; a finding names it and the row. It only looks, so it runs beside a living house.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from casework import deadlines as armed_by
from casework.case import Case
from casework.errors import NotAllowed, OurMistake
from casework.evolve import replay
from casework.protocol import Protocol
from storage import log
from storage.codec import case_from, ms
from storage.database import Database, Tx, Unreadable


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise: which, where, and what was seen."""

    promise: str
    subject: str
    says: str


async def verify(database: Database, protocols: Mapping[str, Protocol], audit_key: bytes) -> list[Finding]:
    """Check every promise over the whole database, on one snapshot; an empty list is a clean house."""

    async def unit(tx: Tx) -> list[Finding]:
        found = [each for check in CHECKS for each in await _all(check(tx), "database")]
        for row in await tx.rows("SELECT case_id FROM case_row ORDER BY case_id"):
            found += await _all(_case(tx, row["case_id"], protocols, audit_key), row["case_id"])
        return found

    return await database.read(unit)


async def _all(findings: AsyncIterator[Finding], subject: str) -> list[Finding]:
    """Every finding of a check; a row that stops it is one, too, and stops no other check."""
    found = list[Finding]()
    try:
        async for each in findings:
            found.append(each)
    except Unreadable:
        found.append(Finding("storage", subject, "a row cannot be read: it was broken on the disk"))
    return found


async def _case(tx: Tx, case_id: str, protocols: Mapping[str, Protocol], audit_key: bytes) -> AsyncIterator[Finding]:
    """The chain is whole, the folded case is what its log says, and its deadlines are those that follow from it."""
    for flaw in await log.flaws(tx, audit_key, case_id):
        yield Finding("P12 history", str(flaw.seq), flaw.says)
    row = await tx.row("SELECT folded, protocol FROM case_row WHERE case_id = ?", case_id)
    assert row is not None
    try:
        case = case_from(row["folded"])
        replayed = replay(await log.events(tx, case_id))
    except (OurMistake, NotAllowed, ValueError, TypeError, KeyError) as error:
        yield Finding("P15 replay", case_id, f"the log cannot be replayed: {type(error).__name__}")
        return
    if case != replayed:
        differs = ", ".join(_differs(case, replayed))
        yield Finding("P15 replay", case_id, f"the stored case differs from its log in {differs}")
    if row["protocol"] not in protocols:
        yield Finding("P15 replay", case_id, f"the protocol {row['protocol']} is not installed")
        return
    wanted = {key: ms(due) for key, due in armed_by.armed(case, protocols[row["protocol"]]).items()}
    rows = await tx.rows("SELECT key, due_at FROM deadline WHERE case_id = ?", case_id)
    if wanted != {each["key"]: each["due_at"] for each in rows}:
        yield Finding("P1 deadlines", case_id, "the armed deadlines are not those that follow from the case")


def _differs(one: Case, two: Case) -> list[str]:
    return [name for name in Case.__dataclass_fields__ if getattr(one, name) != getattr(two, name)]


def _sql(promise: str, says: str, query: str) -> Callable[[Tx], AsyncIterator[Finding]]:
    """A check that is one query: every row it returns is a finding about its first column."""

    async def check(tx: Tx) -> AsyncIterator[Finding]:
        for row in await tx.rows(query):
            yield Finding(promise, str(row[0]), says)

    return check


async def _integrity(tx: Tx) -> AsyncIterator[Finding]:
    """What SQLite can say of its own file; PostgreSQL checks each page as it reads it."""
    if tx.engine != "sqlite":
        return
    for row in await tx.rows("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield Finding("storage", "database", str(row[0]))
    for row in await tx.rows("PRAGMA foreign_key_check"):
        yield Finding("storage", str(row[0]), f"row {row[1]} points to a row of {row[2]} that is not there")


CHECKS: tuple[Callable[[Tx], AsyncIterator[Finding]], ...] = (
    _integrity,
    _sql(
        "P1 deadlines", "an open case has no live deadline",
        "SELECT case_id FROM case_row WHERE status <> 'closed'"
        " AND NOT EXISTS (SELECT 1 FROM deadline WHERE deadline.case_id = case_row.case_id)",
    ),
    _sql(
        "P1 deadlines", "next_due is not the earliest deadline",
        "SELECT case_id FROM case_row WHERE next_due IS DISTINCT FROM"
        " (SELECT MIN(due_at) FROM deadline WHERE deadline.case_id = case_row.case_id)",
    ),
    _sql(
        "P4 once", "a message was worked though it still waits, or waits after its last try",
        "SELECT source || ':' || external_id FROM inbox WHERE state = 'new' AND (tries >= 3 OR case_id IS NOT NULL)",
    ),
    _sql(
        "P4 once", "a message is written down twice",
        "SELECT source || ':' || external_id FROM inbox GROUP BY source, external_id HAVING COUNT(*) > 1",
    ),
    _sql(
        "P5 one report", "versions of the report are missing or doubled",
        "SELECT case_id FROM report GROUP BY case_id HAVING COUNT(*) <> MAX(version) OR MIN(version) <> 1",
    ),
    _sql(
        "P5 one report", "the number of reports is not what the log says",
        "SELECT case_id FROM case_row WHERE (SELECT COUNT(*) FROM report WHERE report.case_id = case_row.case_id)"
        " <> (SELECT COUNT(*) FROM event WHERE event.case_id = case_row.case_id AND kind = 'ReportMade')",
    ),
    _sql(
        "P5 one case", "a child is out in two cases",
        "SELECT child_id FROM case_row WHERE status NOT IN ('returned', 'closed')"
        " GROUP BY child_id HAVING COUNT(*) > 1",
    ),
    _sql(
        "P6 alerts", "an alert of a closed case still runs",
        "SELECT alert_id FROM alert JOIN case_row USING (case_id)"
        " WHERE status = 'closed' AND alert.state IN ('live', 'taken')",
    ),
    _sql(
        "P6 alerts", "an alert has no letter",
        "SELECT alert_id FROM alert LEFT JOIN outbox ON outbox.id = alert.letter_id WHERE outbox.id IS NULL",
    ),
    _sql(
        "P7 police", "reported is said without a number from a verified person",
        "SELECT case_id FROM case_row WHERE reported_ref IS NOT NULL AND NOT EXISTS (SELECT 1 FROM event WHERE"
        " event.case_id = case_row.case_id AND kind = 'PoliceLogged' AND trust IN ('verified', 'two_person'))",
    ),
    _sql(
        "P7 police", "words that the police know were sent before a number was confirmed",
        "SELECT outbox.id FROM outbox WHERE text IN ('R_NEWS', 'O_POL') AND NOT EXISTS (SELECT 1 FROM event WHERE"
        " event.case_id = outbox.case_id AND kind = 'PoliceLogged' AND trust IN ('verified', 'two_person')"
        " AND recorded_at <= outbox.created_at)",
    ),
    _sql(
        "P8 close", "a letter went out about a case after it was closed",
        "SELECT id FROM (SELECT id, case_id, closed_at, CASE WHEN outbox.state IN ('queued', 'sending') THEN due_at"
        "  ELSE created_at END AS goes_at FROM outbox JOIN case_row USING (case_id) WHERE status = 'closed'"
        "  AND outbox.kind <> 'reply') AS letter WHERE goes_at > closed_at AND goes_at > coalesce((SELECT max(recorded_at)"
        "  FROM event WHERE event.case_id = letter.case_id AND position <= (SELECT max(position) FROM event AS ends"
        "  WHERE ends.case_id = letter.case_id AND ends.kind = 'CaseClosed')), closed_at)",  # whose node's clock was ahead
    ),
)  # fmt: skip

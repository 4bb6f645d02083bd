"""Knows the row of a case: the folded case, what the views show of it, and how it is found by code, child or person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework import deadlines, limits
from casework.case import Case
from casework.errors import NotAllowed
from casework.levels import Status
from casework.protocol import Protocol
from storage import chance as chances
from storage.chance import Chance
from storage.codec import case_from, case_text, ms
from storage.database import Conflict, Row, Tx, Value
from storage.log import Head
from storage.words import clean

CODE_KEPT = timedelta(days=30)
CODE_DIGITS = (2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4)  # longer only where the short ones are taken


@dataclass(frozen=True, slots=True)
class Held:
    """A case as it stands in the database: folded, with the head of its log and its version."""

    case: Case
    head: Head
    version: int


async def find(tx: Tx, case_id: str) -> Held | None:
    """One case by id, or None; a unit that writes holds it until its commit, so that nodes take turns."""
    row = await tx.row(f"SELECT folded, events, head, version FROM case_row WHERE case_id = ?{tx.hold}", case_id)
    return None if row is None else _held(row)


async def open_of_child(tx: Tx, child_id: str) -> Held | None:
    """The case or watch of a child who is not back: there is never more than one. A returned child's case waits for its
    end only, and a new absence is a new case."""
    row = await tx.row(
        "SELECT folded, events, head, version FROM case_row WHERE child_id = ?"
        f" AND status NOT IN ('returned', 'closed'){tx.hold}",
        child_id,
    )
    return None if row is None else _held(row)


async def by_code(tx: Tx, code: str, organisations: Collection[str], now: datetime) -> Case | None:
    """The open case of this code, or one closed within 30 days, in one of these organisations; any spelling of case."""
    row = await tx.row(
        "SELECT folded, events, head, version, organisation FROM case_row"
        " WHERE code = ? AND code_kept = 1 AND (status <> 'closed' OR closed_at > ?)",
        code.strip().upper(), ms(now - CODE_KEPT),
    )  # fmt: skip
    return None if row is None or row["organisation"] not in organisations else _held(row).case


async def open_cases(
    tx: Tx, *, organisation: str | None = None, home: str | None = None, child: str | None = None,
    person: str | None = None,
) -> list[Case]:  # fmt: skip
    """Open cases and watches, oldest first; `person`: who reported it, or holds an alert of it."""
    where, values = ["status <> 'closed'"], list[Value]()
    for column, value in (("organisation", organisation), ("home", home), ("child_id", child)):
        if value is not None:
            where.append(f"{column} = ?")
            values.append(value)
    if person is not None:
        where.append(
            "case_id IN (SELECT case_id FROM case_reporter WHERE person = ?"
            " UNION SELECT case_id FROM alert WHERE person = ? AND state IN ('live', 'taken'))"
        )
        values += [person, person]
    rows = await tx.rows(f"SELECT folded FROM case_row WHERE {' AND '.join(where)} ORDER BY case_id", *values)
    return [case_from(row["folded"]) for row in rows]


def _held(row: Row) -> Held:
    return Held(case_from(row["folded"]), Head(row["events"], row["head"]), row["version"])


async def free_code(tx: Tx, chance: Chance, now: datetime, *, drill: bool) -> str:
    """A code no case holds; of cases closed for 30 days they are given back first. Raises NotAllowed at the end."""
    await tx.run(
        "UPDATE case_row SET code_kept = 0 WHERE code_kept = 1 AND status = 'closed' AND closed_at <= ?",
        ms(now - CODE_KEPT),
    )
    for digits in CODE_DIGITS:
        code = chances.code(chance, digits=digits, drill=drill)
        if not await code_taken(tx, code):
            return code
    raise NotAllowed("no free case code was found")


async def code_taken(tx: Tx, code: str) -> bool:
    """Whether a case holds this code."""
    return await tx.row("SELECT 1 FROM case_row WHERE code = ? AND code_kept = 1", code) is not None


def row_of(case: Case, protocol: Protocol, before: Case | None, armed: Mapping[str, datetime]) -> dict[str, Value]:
    """What the row shows of a case; `armed` are its live deadlines."""
    watch = case.status is Status.WATCHING or (
        case.status is Status.CLOSED and before is not None and before.status is Status.WATCHING
    )
    return {
        "code": case.code,
        "organisation": case.organisation,
        "home": case.home,
        "child_id": case.child.child_id,
        "watch": int(watch),
        "status": case.status.value,
        "level": case.level.shown,
        "located": case.located.value,
        "protocol": case.protocol,
        "severity": deadlines.severity(case),
        "opened_at": ms(case.opened_at),
        "t0": ms(case.t0),
        "limit_at": None if watch else ms(limits.limit(case, protocol)),
        "next_due": min((ms(due) for due in armed.values()), default=None),
        "reported_ref": clean(case.police.number or "") if case.reported else None,
        "closed_at": None if case.closed_at is None else ms(case.closed_at),
        "closed_by": case.closed_by,
        "folded": case_text(case),
    }


async def insert(tx: Tx, case_id: str, row: Mapping[str, Value], head: Head) -> None:
    """Write the row of a new case."""
    columns = {"case_id": case_id, "version": 1, "events": head.length, "head": head.hash, **row}
    marks = ", ".join("?" * len(columns))
    await tx.run(f"INSERT INTO case_row ({', '.join(columns)}) VALUES ({marks})", *columns.values())


async def update(tx: Tx, case_id: str, row: Mapping[str, Value], head: Head, held: Held, version: int) -> None:
    """Write the row of a known case. Raises Conflict if somebody else changed it since it was read."""
    columns = {"version": version, "events": head.length, "head": head.hash, **row}
    changed = await tx.run(
        f"UPDATE case_row SET {', '.join(f'{name} = ?' for name in columns)} WHERE case_id = ? AND events = ?",
        *columns.values(), case_id, held.head.length,
    )  # fmt: skip
    if changed != 1:
        raise Conflict("a case changed while it was being worked")


async def note_reporters(tx: Tx, case: Case, before: Case | None) -> None:
    """Keep who reported the case where it can be looked up."""
    if before is not None and before.reporters == case.reporters:
        return
    for reporter in case.reporters:
        await tx.run(
            "INSERT INTO case_reporter (case_id, person) VALUES (?, ?) ON CONFLICT DO NOTHING",
            case.case_id, reporter.person,
        )  # fmt: skip


async def note_tasks(tx: Tx, case: Case, before: Case | None) -> None:
    """Keep the tasks of the case where they can be listed."""
    known = before.tasks if before is not None else ()
    for position, task in enumerate(case.tasks, start=1):
        if position <= len(known) and known[position - 1] == task:
            continue
        await tx.run(
            "INSERT INTO task (case_id, position, kind, owner_role, due_at, done_at, done_by, outcome)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (case_id, position) DO UPDATE SET due_at = excluded.due_at,"
            " owner_role = excluded.owner_role, done_at = excluded.done_at, done_by = excluded.done_by,"
            " outcome = excluded.outcome",
            case.case_id, position, task.task, task.owner_role, ms(task.due_at),
            None if task.done_at is None else ms(task.done_at), task.done_by, task.outcome,
        )  # fmt: skip

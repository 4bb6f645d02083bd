"""Knows the row of a case: the folded case, what the views show of it, and how it is found by code, child or person."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import compress
from operator import ne
from typing import NamedTuple

from casework import deadlines, limits
from casework.case import Case
from casework.errors import NotAllowed
from casework.levels import Status
from casework.protocol import Protocol
from storage import bulk, unreadable
from storage import chance as chances
from storage.chance import Chance
from storage.codec import Written, case_from, ms, read_case
from storage.database import Row, Tx, Value
from storage.log import Head
from storage.people_rows import MARK
from storage.recent import Kept, Recent
from storage.words import clean

CODE_KEPT = timedelta(days=30)
CODE_DIGITS = (2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4)  # longer only where the short ones are taken


SHOWN = (
    "code", "organisation", "home", "child_id", "watch", "status", "level", "located", "protocol", "severity",
    "opened_at", "t0", "limit_at", "next_due", "reported_ref", "closed_at", "closed_by",
)  # fmt: skip
_ALL = f"{', '.join(SHOWN)}, case_id, events, head, version, {MARK} AS mark, "
_BY_ID = f"SELECT {_ALL} CASE WHEN head = ? THEN '' ELSE folded END AS folded FROM case_row WHERE case_id = ?"


class Held(NamedTuple):
    """A case as it stands in the database: folded, with the head of its log, its version, what its row shows, and its
    deadlines where they are known without a look (milliseconds UTC by key)."""

    written: Written
    head: Head
    version: int
    row: Row  # begins with the columns of `SHOWN`; `mark` is that of the register
    deadlines: Mapping[str, int] | None

    @property
    def case(self) -> Case:
        return self.written.case


async def find(tx: Tx, case_id: str, recent: Recent | None = None) -> Held | None:
    """One case by id, or None; a unit that writes holds it until its commit, so that nodes take turns.

    One that was worked a moment ago is not unfolded again, if it still stands as then.
    """
    kept = None if recent is None else recent.of(case_id)
    row = await tx.row(
        _BY_ID + tx.hold,
        "" if kept is None else kept.head, case_id,
    )  # fmt: skip
    return None if row is None else _held(row, kept)


async def open_of_child(tx: Tx, child_id: str, recent: Recent) -> Held | None:
    """The case or watch of a child who is not back: there is never more than one. A returned child's case waits for its
    end only, and a new absence is a new case."""
    row = await tx.row(
        f"SELECT {_ALL} folded FROM case_row WHERE child_id = ? AND status NOT IN ('returned', 'closed'){tx.hold}",
        child_id,
    )
    return None if row is None else _held(row, recent.of(row["case_id"]))


async def by_code(
    tx: Tx, code: str, organisations: Collection[str], now: datetime, recent: Recent
) -> Case | None:  # fmt: skip
    """The open case of this code, or one closed within 30 days, in one of these organisations; any spelling of case."""
    row = await tx.row(
        "SELECT case_id, organisation, head, folded FROM case_row"
        " WHERE code = ? AND code_kept = 1 AND (status <> 'closed' OR closed_at > ?)",
        code.strip().upper(), ms(now - CODE_KEPT),
    )  # fmt: skip
    return None if row is None or row["organisation"] not in organisations else _case(row, recent)


async def open_cases(
    tx: Tx, recent: Recent, *, organisation: str | None = None, home: str | None = None, child: str | None = None,
    person: str | None = None, but: str | None = None, lost: list[str] | None = None,
) -> list[Case]:  # fmt: skip
    """Open cases and watches, oldest first; `person`: who reported it, or holds an alert of it; `but`: not this case. `lost`
    takes the ids of those that cannot be read; without it that raises."""
    where, values = ["status <> 'closed'"], list[Value]()
    for column, value in (
        ("organisation =", organisation),
        ("home =", home),
        ("child_id =", child),
        ("case_id <>", but),
    ):
        if value is not None:
            where.append(f"{column} ?")
            values.append(value)
    if person is not None:
        where.append(
            "case_id IN (SELECT case_id FROM case_reporter WHERE person = ?"
            " UNION SELECT case_id FROM alert WHERE person = ? AND state IN ('live', 'taken'))"
        )
        values += [person, person]
    which = f"WHERE {' AND '.join(where)} ORDER BY case_id"
    if lost is not None:
        return await _readable(tx, recent, which, values, lost)
    return [_case(row, recent) for row in await tx.rows(f"SELECT case_id, head, folded FROM case_row {which}", *values)]


async def _readable(tx: Tx, recent: Recent, which: str, values: Sequence[Value], lost: list[str]) -> list[Case]:
    rows, ids = await unreadable.rows(tx, "case_row", "case_id", which, *values, columns="case_id, head, folded")
    found = list[Case]()
    for row in rows:
        try:
            found.append(_case(row, recent))
        except Exception:  # whatever it is, it is that case's alone
            ids.append(row["case_id"])
    lost += ids
    return found


# An alert of a case that is older than the oldest open one is of a closed case: years of them are not looked through.
_ALERTED = (
    "SELECT case_id FROM alert WHERE person = ? AND case_id >="
    " (SELECT min(case_id) FROM case_row WHERE status <> 'closed' AND organisation = ?)"
)


async def open_around(
    tx: Tx, recent: Recent, organisation: str, *, homes: Collection[str], children: Collection[str], person: str
) -> list[Case]:
    """Open cases and watches of these homes, of these children, and those of which this person was ever alerted, oldest
    first. Found by their own keys: what else is open in the organisation costs nothing."""
    ways, values = [_ALERTED], list[Value]([person, organisation])
    if homes:
        ways.append(
            "SELECT case_id FROM case_row WHERE status <> 'closed' AND organisation = ?"
            f" AND home IN ({', '.join('?' * len(homes))})"
        )
        values += [organisation, *homes]
    if children:
        ways.append(f"SELECT case_id FROM case_row WHERE child_id IN ({', '.join('?' * len(children))})")
        values += children
    rows = await tx.rows(
        f"SELECT case_id, head, folded FROM case_row WHERE case_id IN ({' UNION '.join(ways)})"
        " AND status <> 'closed' AND organisation = ? ORDER BY case_id",
        *values, organisation,
    )  # fmt: skip
    return [_case(row, recent) for row in rows]


def _held(row: Row, kept: Kept | None) -> Held:
    head = Head(row["events"], row["head"])
    if kept is not None and kept.head == head.hash:
        return Held(kept.written, head, row["version"], row, kept.deadlines)
    return Held(read_case(row["folded"]), head, row["version"], row, None)


def _case(row: Row, recent: Recent) -> Case:
    kept = recent.of(row["case_id"])
    return kept.written.case if kept is not None and kept.head == row["head"] else case_from(row["folded"])


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


def row_of(case: Case, protocol: Protocol, before: Case | None, next_due: int | None) -> dict[str, Value]:
    """What the row shows of a case, by the names of `SHOWN` and in their order."""
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
        "next_due": next_due,
        "reported_ref": clean(case.police.number or "") if case.reported else None,
        "closed_at": None if case.closed_at is None else ms(case.closed_at),
        "closed_by": case.closed_by,
    }


async def insert(tx: Tx, written: Written, shown: Mapping[str, Value], head: Head) -> None:
    """Write the row of a new case."""
    columns = {
        **shown, "case_id": written.case.case_id, "version": 1, "events": head.length, "head": head.hash,
        "folded": written.text,
    }  # fmt: skip
    await tx.run(
        f"INSERT INTO case_row ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", *columns.values()
    )


async def update(tx: Tx, held: Held, written: Written, shown: Mapping[str, Value], head: Head, version: int) -> None:
    """Write what changed in the row of a known case: a column that is left out costs no index its entry.

    Raises Conflict if somebody else changed it since it was read.
    """
    columns = dict(compress(shown.items(), map(ne, held.row, shown.values())))
    columns |= {"version": version, "events": head.length, "head": head.hash, "folded": written.text}
    await tx.later("case_row", _changing(tuple(columns)), *columns.values(), written.case.case_id, held.head.length)


@lru_cache(maxsize=256)
def _changing(columns: tuple[str, ...]) -> str:
    return f"UPDATE case_row SET {', '.join(f'{name} = ?' for name in columns)} WHERE case_id = ? AND events = ?"


async def note_reporters(tx: Tx, case: Case, before: Case | None) -> None:
    """Keep who reported the case where it can be looked up; nobody is ever taken off."""
    known = before.reporters if before is not None else ()
    new = [(case.case_id, reporter.person) for reporter in case.reporters if reporter not in known]
    await bulk.insert(tx, "case_reporter (case_id, person)", new, "ON CONFLICT DO NOTHING")


async def note_tasks(tx: Tx, case: Case, before: Case | None) -> None:
    """Keep the tasks of the case where they can be listed."""
    known = before.tasks if before is not None else ()
    rows = [
        (
            case.case_id, position, task.task, task.owner_role, ms(task.due_at),
            None if task.done_at is None else ms(task.done_at), task.done_by, task.outcome,
        )
        for position, task in enumerate(case.tasks, start=1)
        if position > len(known) or known[position - 1] != task
    ]  # fmt: skip
    await bulk.insert(tx, "task (case_id, position, kind, owner_role, due_at, done_at, done_by, outcome)", rows, _AGAIN)


_AGAIN = (
    "ON CONFLICT (case_id, position) DO UPDATE SET due_at = excluded.due_at, owner_role = excluded.owner_role,"
    " done_at = excluded.done_at, done_by = excluded.done_by, outcome = excluded.outcome"
)

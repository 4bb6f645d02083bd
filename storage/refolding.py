"""Knows by which fold the cases of a database stand, and folds them anew from their logs where it was another.

A case is kept folded beside its log. A program with another fold would go on from what the one before it made: a deadline
that follows from a new field would be armed nowhere. So the database notes the fold (`casework.evolve.FOLD`), and whoever
opens it with another one makes every case what its log says, before anything rings. The log is only read, and nothing is
sent: what ought to have rung meanwhile is due, and rings at the next tick.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from casework import deadlines as armed_by
from casework.case import Case, replace
from casework.errors import NotAllowed, OurMistake
from casework.evolve import FOLD, replay
from casework.levels import Status
from casework.protocol import Protocol
from storage import cases, deadlines, log, unreadable
from storage.codec import ms, write_case
from storage.database import Database, Tx, Unusable
from storage.parts import no_crash

# Keys of `meta`: by which fold stand the cases of which somebody may still speak by their code, and those that are over.
FOLDED, ARCHIVED = "fold", "fold:archive"
_WHICH = {FOLDED: "code_kept = 1", ARCHIVED: "code_kept = 0"}
LEFT = "unfolded:"  # and the id of a case: it could not be folded, and is tried again each time
UNDER_WAY = "under way"  # no program's fold: whoever comes next, also an older one, begins anew
BATCH = 32
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """A case that could not be folded and stands as it was. `why` quotes nobody."""

    case_id: str
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Refolded:
    """How many cases were folded anew, how many of them came to stand otherwise, and which could not be."""

    looked_at: int = 0
    changed: int = 0
    left: tuple[Left, ...] = ()


async def refold(
    database: Database, protocols: Mapping[str, Protocol], audit_key: bytes, *, archive: bool = False,
    crash: Callable[[str], None] = no_crash,
) -> Refolded:  # fmt: skip
    """Fold anew what stands by another fold; may be broken off anywhere and run again. Raises Unusable.

    1. nothing to do: one look at the notes, and that is all
    2. the note is taken away, so that whoever finds a half of it begins anew
    3. each case in a transaction of its own, the worst first (crash point `refold.batch`); one that cannot be folded is
       left as it was and named, and holds up no other
    4. the fold is noted, and what was left

    `archive`: also the cases of which nobody can speak by their code any more; there may be years of them.
    """
    passes = (FOLDED, ARCHIVED) if archive else (FOLDED,)
    if await database.read(partial(_nothing_to_do, passes=passes)):
        return Refolded()
    todo = await database.write(partial(_begin, passes=passes))
    changed, left = 0, list[Left]()
    for first in range(0, len(todo), BATCH):
        batch = todo[first : first + BATCH]
        units = [
            database.write(partial(_anew, case_id=case_id, protocols=protocols, key=audit_key)) for case_id, _ in batch
        ]
        for (case_id, code), made in zip(batch, await asyncio.gather(*units, return_exceptions=True), strict=True):
            if isinstance(made, bool):
                changed += made
            elif isinstance(made, Unusable) or not isinstance(made, Exception):
                raise made
            else:
                left.append(_left(case_id, code, made))
        crash("refold.batch")
    await database.write(partial(_end, passes=passes, left=left))
    return Refolded(len(todo), changed, tuple(left))


async def stands_by(tx: Tx) -> str:
    """The fold that the living cases of a database stand by; empty where none was ever noted."""
    row = await tx.row("SELECT value FROM meta WHERE key = ?", FOLDED)
    return "" if row is None else str(row["value"])


async def unfolded(tx: Tx) -> list[str]:
    """Ids of cases that could not be folded."""
    rows = await tx.rows(f"SELECT key FROM meta WHERE key LIKE '{LEFT}%' ORDER BY key")
    return [row["key"].removeprefix(LEFT) for row in rows]


def _left(case_id: str, code: str, fault: Exception) -> Left:
    why = str(fault) if isinstance(fault, NotAllowed | OurMistake) else type(fault).__name__
    _log.critical("a case could not be folded anew and stands as it was", case=case_id, code=code, fault=why)
    return Left(case_id, code, why)


# ---- the notes -----------------------------------------------------------------------------------------


async def _stale(tx: Tx, passes: Sequence[str]) -> list[str]:
    held = {row["key"]: row["value"] for row in await tx.rows("SELECT key, value FROM meta WHERE key LIKE 'fold%'")}
    return [key for key in passes if held.get(key) != FOLD]


async def _nothing_to_do(tx: Tx, *, passes: Sequence[str]) -> bool:
    return not await _stale(tx, passes) and not await unfolded(tx)


async def _begin(tx: Tx, *, passes: Sequence[str]) -> list[tuple[str, str]]:
    """Ids and codes of the cases to be folded, the worst first."""
    stale, again = await _stale(tx, passes), await unfolded(tx)
    for key in stale:
        await _note(tx, key, UNDER_WAY)
    which = [_WHICH[key] for key in stale] + [f"case_id IN ({', '.join('?' * len(again))})"] * bool(again)
    worst_first = f"WHERE {' OR '.join(which)} ORDER BY code_kept DESC, severity DESC, case_id"
    rows, lost = await unreadable.rows(tx, "case_row", "case_id", worst_first, *again, columns="case_id, code")
    return [*((row["case_id"], row["code"]) for row in rows), *((case_id, "?") for case_id in lost)]


async def _end(tx: Tx, *, passes: Sequence[str], left: Sequence[Left]) -> None:
    await tx.run(f"DELETE FROM meta WHERE key LIKE '{LEFT}%'")
    for each in left:
        await _note(tx, LEFT + each.case_id, FOLD)
    for key in passes:
        await _note(tx, key, FOLD)


async def born(tx: Tx) -> None:
    """A database in which no case stands yet stands by this fold."""
    for key in _WHICH:
        await _note(tx, key, FOLD)


async def _note(tx: Tx, key: str, value: str) -> None:
    await tx.run(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value
    )


# ---- one case ------------------------------------------------------------------------------------------


async def _anew(tx: Tx, *, case_id: str, protocols: Mapping[str, Protocol], key: bytes) -> bool:
    """Make a case what its log says, as `recording` would have written it; returns whether it stood otherwise.

    Raises OurMistake or NotAllowed, and whatever a broken log raises, before anything is written.
    """
    row = await tx.row(f"SELECT {', '.join(cases.SHOWN)} FROM case_row WHERE case_id = ?{tx.hold}", case_id)
    assert row is not None, "no case is ever deleted"
    if await log.flaws(tx, key, case_id):
        raise OurMistake("its log is not whole")
    case = replay(await log.events(tx, case_id))
    if case.protocol not in protocols:
        raise NotAllowed(f"the protocol {case.protocol} is not installed")
    protocol = protocols[case.protocol]
    wanted = {name: ms(due) for name, due in armed_by.armed(case, protocol).items()}
    if row["status"] != Status.CLOSED.value and not wanted:
        raise OurMistake("it is open, and would have no deadline any more")
    shown = cases.row_of(case, protocol, _before(case, watch=bool(row["watch"])), min(wanted.values(), default=None))
    held = await deadlines.armed(tx, case_id)
    text = write_case(case).text
    columns = {name: value for name, value in shown.items() if row[name] != value} | {"folded": text}
    same = await tx.row("SELECT 1 AS yes FROM case_row WHERE case_id = ? AND folded = ?", case_id, text) is not None
    same = same and len(columns) == 1 and wanted == held
    if not same:
        sets = ", ".join(f"{name} = ?" for name in columns)
        await tx.run(f"UPDATE case_row SET {sets} WHERE case_id = ?", *columns.values(), case_id)
    await deadlines.arrange(tx, case_id, wanted, held)
    await tx.run("DELETE FROM task WHERE case_id = ? AND position > ?", case_id, len(case.tasks))
    await cases.note_tasks(tx, case, None)
    await cases.note_reporters(tx, case, None)
    return not same


def _before(case: Case, *, watch: bool) -> Case | None:
    """What a watch that is over was before its end: its row goes on saying that it never became a case."""
    return replace(case, status=Status.WATCHING) if watch and not case.open else None

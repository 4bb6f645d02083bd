"""Knows how a whole house moves from one database to another, is proved to have arrived, and goes on after a break.

Both databases carry the mark of the move. A table is copied in batches by its key; each batch and the note how far it
came are one transaction, so that a move that was broken off goes on where it stopped. While it is under way no house
starts on either database, and afterwards none starts on the one that was left: two casebooks of one child would
be two truths.
"""

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from casework.errors import NotAllowed
from storage.database import Database, Row, Tx, Value
from storage.migrate import migrate, migrations, schema_version
from storage.parts import no_crash

# Every table with its key, in an order in which a row never points to one that is not there yet.
TABLES: Mapping[str, tuple[str, ...]] = {
    "organisation": ("id",), "home": ("id",), "child": ("id",), "past_episode": ("child", "started"),
    "person": ("id",), "role": ("person", "role", "scope"), "duty": ("organisation", "position"),
    "invite": ("token_hash",), "case_row": ("case_id",), "case_reporter": ("case_id", "person"), "event": ("seq",),
    "words": ("words_id",), "media": ("media_id",), "deadline": ("case_id", "key"), "task": ("case_id", "position"),
    "report": ("case_id", "version"), "alert": ("alert_id",), "keyboard": ("token",), "pressed": ("token",),
    "tick": ("case_id", "person", "check_id"), "card": ("case_id", "person"), "inbox": ("rowid",),
    "reply_code": ("case_id", "person"), "outbox": ("id",), "texter_mark": ("number", "kind", "about", "at"),
    "texter_choice": ("number",), "shift": ("shift_id",), "handover": ("handover_id",),
    "contact_test": ("person", "asked_at"), "group_chat": ("organisation", "home"),
    "dead_channel": ("person", "channel"), "duty_warning": ("organisation", "kind", "about"),
    "empty_rung": ("case_id", "role"), "pin": ("person",), "call_answer": ("external_id",),
    "dead_man": ("case_id", "person", "address", "due_at"), "canary": ("flight_id",),
}  # fmt: skip
WITHOUT_KEY = frozenset({"texter_mark"})  # small, and copied whole
LEAVING, ARRIVING, ARRIVED, LEFT = (
    "leaving",
    "arriving",
    "arrived",
    "left",
)  # keys of `meta`, each with the move's ticket
COPIED = "copied:"  # and a table: how far it came
BATCH_ROWS = 500  # of at most 28 columns: either engine takes some 32,000 values in one statement


@dataclass(frozen=True, slots=True)
class Proof:
    """What was counted on both sides: rows of each table, cases, and one hash over everything."""

    rows: Mapping[str, int]
    cases: int
    digest: str


async def refuse_if_moving(tx: Tx) -> None:
    """Raises NotAllowed for a database that a house is moving to or from, or has left."""
    marks = await _marks(tx)
    if LEFT in marks:
        raise NotAllowed("this house has moved to another database: name that one in DATABASE_URL")
    if LEAVING in marks or ARRIVING in marks:
        raise NotAllowed("this house is in the middle of a move: run `porchlight migrate-database` again to finish it")


async def move(source: Database, target: Database, crash: Callable[[str], None] = no_crash) -> Proof:
    """Move everything from one database to the other, or finish a move that was broken off; returns the proof.

    1. the target gets this program's schema and must be empty, or half-way through this very move
    2. both are marked, then every table is copied, crash point `move.batch` after each batch
    3. both are read whole and compared: number of rows, and a hash over every value of every row
    4. only then the target is opened for houses, and the source closed

    Raises NotAllowed when the source is older than this program, is not there, or the target holds something else;
    and when the two differ at the end: then nothing was opened or closed.
    """
    await _see_that_it_may(source, target)
    await migrate(target)
    ticket = await _mark(source, target)
    if await target.read(lambda tx: _has(tx, ARRIVED, ticket)):  # it broke off between opening and closing
        await source.write(lambda tx: _close(tx, ticket))
        return await target.read(prove)
    for table in TABLES:
        while await _copy_some(source, target, table):
            crash("move.batch")
    notes = {key: value for key, value in (await source.read(_marks)).items() if _moves(key)}
    await target.write(lambda tx: _settle(tx, notes))
    here, there = await source.read(prove), await target.read(prove)
    if here != there:
        unlike = [table for table in TABLES if here.rows[table] != there.rows[table]] or ["what stands in the rows"]
        raise NotAllowed(f"the two databases differ in {', '.join(unlike)}: nothing was opened or closed")
    await target.write(lambda tx: _open(tx, ticket))
    crash("move.opened")
    await source.write(lambda tx: _close(tx, ticket))
    return there


async def abandon(source: Database) -> None:
    """Let the house stay where it is; what was copied so far is worth nothing. Raises NotAllowed when it has moved."""

    async def unit(tx: Tx) -> None:
        if LEFT in await _marks(tx):
            raise NotAllowed("this house has moved already")
        await tx.run("DELETE FROM meta WHERE key = ?", LEAVING)

    await source.write(unit)


async def prove(tx: Tx) -> Proof:
    """Count and hash everything in this database, whatever engine holds it."""
    rows, hashed = dict[str, int](), hashlib.sha256()
    for table in TABLES:
        rows[table], after = 0, None
        while batch := await _batch(tx, table, after):
            rows[table] += len(batch)
            for row in batch:
                hashed.update(_plain(row).encode())
            if table in WITHOUT_KEY:
                break
            after = _place(table, batch[-1])
    for key, value in sorted((await _marks(tx)).items()):
        if _moves(key):
            hashed.update(f"{key}={value}\n".encode())
    return Proof(rows, rows["case_row"], hashed.hexdigest())


# ---- may it? -------------------------------------------------------------------------------------------


async def _see_that_it_may(source: Database, target: Database) -> None:
    if source.name == target.name:
        raise NotAllowed("a house cannot move to where it is")
    version, newest = await source.read(schema_version), migrations()[-1].number
    if version != newest:
        raise NotAllowed(
            f"the house to be moved has schema {version}, this program {newest}: `porchlight migrate` first"
        )
    if not await source.leads():
        raise NotAllowed("a house is running on the database to be moved: stop it first")


async def _mark(source: Database, target: Database) -> str:
    """Mark both with one ticket; one that both carry already is a move that was broken off."""
    here, there = await source.read(_marks), await target.read(_marks)
    if LEFT in here:
        raise NotAllowed("this house has moved already")
    if LEAVING in here and here[LEAVING] in (there.get(ARRIVING), there.get(ARRIVED)):
        return here[LEAVING]
    if ARRIVING in here:
        raise NotAllowed("the house to be moved has not arrived itself: finish that move first")
    if await target.read(_anything):
        raise NotAllowed("the database to move to is not empty")
    ticket = here.get(LEAVING) or secrets.token_hex(16)
    await source.write(lambda tx: _note(tx, LEAVING, ticket))
    await target.write(lambda tx: _note(tx, ARRIVING, ticket))
    return ticket


async def _anything(tx: Tx) -> bool:
    for table in TABLES:
        if await tx.row(f"SELECT 1 FROM {table} LIMIT 1") is not None:
            return True
    return False


async def _note(tx: Tx, key: str, value: str) -> None:
    await tx.run(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value
    )


async def _marks(tx: Tx) -> dict[str, str]:
    return {row["key"]: row["value"] for row in await tx.rows("SELECT key, value FROM meta")}


async def _has(tx: Tx, key: str, value: str) -> bool:
    return (await _marks(tx)).get(key) == value


def _moves(key: str) -> bool:
    """Whether a note of `meta` belongs to the house and not to its database."""
    return key not in (LEAVING, ARRIVING, ARRIVED, LEFT, "schema", "register") and not key.startswith(COPIED)


# ---- copying -------------------------------------------------------------------------------------------


async def _copy_some(source: Database, target: Database, table: str) -> bool:
    """Copy the next batch of a table; False when there is no more."""
    note = (await target.read(_marks)).get(COPIED + table)
    if note is not None and table in WITHOUT_KEY:
        return False
    batch = await source.read(lambda tx: _batch(tx, table, None if note is None else json.loads(note)))
    if not batch:
        return False
    await target.write(_writing(table, batch))
    return True


def _writing(table: str, batch: Sequence[Row]) -> Callable[[Tx], Awaitable[None]]:
    columns = list(batch[0].keys())
    marks = f"({', '.join('?' * len(columns))})"

    async def unit(tx: Tx) -> None:
        await tx.run(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * len(batch))}",
            *(row[name] for row in batch for name in columns),
        )
        await _note(tx, COPIED + table, json.dumps(_place(table, batch[-1])))

    return unit


async def _batch(tx: Tx, table: str, after: list[Value] | None) -> list[Row]:
    """The next rows of a table behind a place, in the order of its key; all of one that has none."""
    key = ", ".join(TABLES[table])
    every = "rowid, *" if table == "inbox" and tx.engine == "sqlite" else "*"
    if table in WITHOUT_KEY:
        return await tx.rows(f"SELECT {every} FROM {table} ORDER BY {key}")
    behind = "" if after is None else f"WHERE ({key}) > ({', '.join('?' * len(after))})"
    return await tx.rows(f"SELECT {every} FROM {table} {behind} ORDER BY {key} LIMIT {BATCH_ROWS}", *(after or ()))


def _place(table: str, row: Row) -> list[Value]:
    return [row[name] for name in TABLES[table]]


def _plain(row: Row) -> str:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118  # iterating a row gives its values
    return json.dumps(values, sort_keys=True, default=lambda data: hashlib.sha256(data).hexdigest()) + "\n"


# ---- the end -------------------------------------------------------------------------------------------


async def _settle(tx: Tx, notes: Mapping[str, str]) -> None:
    """The house's own notes come along, none of the new database's stays, and rows are numbered on from the last one that was
    copied."""
    for key in await _marks(tx):
        if _moves(key) and key not in notes:
            await tx.run("DELETE FROM meta WHERE key = ?", key)
    for key, value in notes.items():
        await _note(tx, key, value)
    if tx.engine == "postgresql":
        for table, column in (("event", "seq"), ("inbox", "rowid")):
            await tx.rows(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}"
                f" HAVING max({column}) IS NOT NULL"
            )


async def _open(tx: Tx, ticket: str) -> None:
    await tx.run(f"DELETE FROM meta WHERE key = ? OR key LIKE '{COPIED}%'", ARRIVING)
    await _note(tx, ARRIVED, ticket)


async def _close(tx: Tx, ticket: str) -> None:
    await tx.run("DELETE FROM meta WHERE key = ?", LEAVING)
    await _note(tx, LEFT, ticket)

"""Knows how a database is brought to the schema of this program: numbered SQL files, forward only.

Each file is one transaction together with the note that it was applied, so that a kill at any moment leaves the
database at one of the numbered versions, and running it again goes on from there.
"""

import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from casework.errors import NotAllowed
from storage import refolding
from storage.database import Database, Tx
from storage.dialect import spoken

FOLDER = Path(__file__).parent / "migrations"
_META = {
    "sqlite": "SELECT 1 FROM sqlite_schema WHERE name = 'meta'",
    "postgresql": "SELECT 1 FROM pg_tables WHERE tablename = 'meta' AND schemaname = ANY (current_schemas(false))",
}
_LOCK = {"sqlite": None, "postgresql": "SELECT pg_advisory_xact_lock(8101817412190036839)"}  # nodes that begin at once
_NAME = re.compile(r"(\d{4})_[a-z_]+\.sql")


class NewerSchema(NotAllowed):
    """The database was written by a newer program; an older one must not touch it."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """Every migration this program knows, in order."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise NotAllowed(f"{path.name} is no name of a migration")
        found.append(Migration(int(match[1]), path.stem, path.read_text(encoding="utf-8")))
    return found


async def migrate(
    database: Database, crash: Callable[[str], None] = lambda point: None, folder: Path = FOLDER
) -> list[str]:
    """Apply what is missing, in order; returns the names applied. Raises NewerSchema.

    1. read the version noted in `meta`
    2. refuse a version this program does not know
    3. each later file: its statements and the note in one transaction, then crash point `migrate.each`
    """
    known = migrations(folder)
    version = await database.write(_prepare)
    if version > max((each.number for each in known), default=0):
        raise NewerSchema(f"the database has schema {version}, newer than this program")
    applied = []
    for each in known:
        if each.number > version:
            if await database.write(_applying(each)):
                applied.append(each.name)
            crash("migrate.each")
    return applied


async def schema_version(tx: Tx) -> int:
    """The number of the last migration applied, 0 for an empty database."""
    if await tx.row(_META[tx.engine]) is None:
        return 0
    row = await tx.row("SELECT value FROM meta WHERE key = 'schema'")
    return 0 if row is None else int(row["value"])


async def _prepare(tx: Tx) -> int:
    await _one_at_a_time(tx)
    await tx.run(
        spoken("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;", tx.engine)
    )
    version = await schema_version(tx)
    if not version:
        await refolding.born(tx)
    return version


async def _one_at_a_time(tx: Tx) -> None:
    """Nodes that begin at once wait for each other, until the commit."""
    lock = _LOCK[tx.engine]
    if lock is not None:
        await tx.row(lock)


def _applying(migration: Migration) -> Callable[[Tx], Awaitable[bool]]:
    async def unit(tx: Tx) -> bool:
        await _one_at_a_time(tx)
        if await schema_version(tx) >= migration.number:
            return False  # another node was first
        for statement in statements(spoken(migration.sql, tx.engine)):
            await tx.run(statement)
        await tx.run(
            "INSERT INTO meta (key, value) VALUES ('schema', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            str(migration.number),
        )
        return True

    return unit


def statements(sql: str) -> Iterator[str]:
    """Split a script into its statements; a trigger's own semicolons do not end it."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        if not statement and (not line.strip() or line.lstrip().startswith("--")):
            continue
        statement += line
        if _complete(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise NotAllowed("a migration ends in the middle of a statement")


def _complete(statement: str) -> bool:
    """SQLite's triggers end with END; those of PostgreSQL call a function, and are for this question no triggers."""
    return sqlite3.complete_statement(statement if "BEGIN" in statement else statement.replace("TRIGGER", "RULE"))

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
from storage.database import Database, Tx

FOLDER = Path(__file__).parent / "migrations"
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
            await database.write(_applying(each))
            applied.append(each.name)
            crash("migrate.each")
    return applied


async def schema_version(tx: Tx) -> int:
    """The number of the last migration applied, 0 for an empty database."""
    if await tx.row("SELECT 1 FROM sqlite_schema WHERE name = 'meta'") is None:
        return 0
    row = await tx.row("SELECT value FROM meta WHERE key = 'schema'")
    return 0 if row is None else int(row["value"])


async def _prepare(tx: Tx) -> int:
    await tx.run("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
    return await schema_version(tx)


def _applying(migration: Migration) -> Callable[[Tx], Awaitable[None]]:
    async def unit(tx: Tx) -> None:
        for statement in statements(migration.sql):
            await tx.run(statement)
        await tx.run(
            "INSERT INTO meta (key, value) VALUES ('schema', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            str(migration.number),
        )

    return unit


def statements(sql: str) -> Iterator[str]:
    """Split a script into its statements; a trigger's own semicolons do not end it."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        if not statement and (not line.strip() or line.lstrip().startswith("--")):
            continue
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise NotAllowed("a migration ends in the middle of a statement")

"""A database goes forward through its migrations, whatever happens on the way."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casework.errors import NotAllowed
from storage.database import Database
from storage.migrate import FOLDER, NewerSchema, migrate, migrations, schema_version, statements
from tests import databases
from tests.databases import ON_BOTH
from tests.storage import schemas
from tests.storage.houses import a_database

pytestmark = ON_BOTH


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with a_database(tmp_path, empty=True) as opened:
        yield opened


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    """P15: migrations run twice safely."""
    assert [each.name for each in migrations()] == await migrate(database)
    assert [] == await migrate(database)
    assert migrations()[-1].number == await database.read(schema_version)


def test_migrations_are_numbered_without_a_gap() -> None:
    """Forward only, each numbered: no number is missing or used twice."""
    assert list(range(1, len(migrations()) + 1)) == [each.number for each in migrations()]


async def test_an_older_program_leaves_a_newer_database_alone(database: Database) -> None:
    """A program that does not know the schema must not write to it."""
    await migrate(database)
    await database.write(lambda tx: tx.run("UPDATE meta SET value = '9999' WHERE key = 'schema'"))
    with pytest.raises(NewerSchema):
        await migrate(database)


async def test_a_migration_is_whole_or_not_there(database: Database, tmp_path: Path) -> None:
    """Each file is one transaction with its note: a broken one leaves the version before it."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("CREATE TABLE one (id INTEGER);\n")
    (folder / "0002_second.sql").write_text("CREATE TABLE two (id INTEGER);\nCREATE TABLE one (id INTEGER);\n")
    with pytest.raises(Exception, match="already exists"):
        await migrate(database, folder=folder)
    assert {"meta", "one"} == await database.read(schemas.tables)
    assert 1 == await database.read(schema_version)


KILLED = """
import asyncio, os, sys
from storage.database import Database
from storage.migrate import migrate

left = int(sys.argv[2])

def crash(point):
    global left
    left -= 1
    if left == 0:
        os._exit(137)

async def main():
    database = await Database.open(sys.argv[1])
    await migrate(database, crash)
    await database.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("after", range(1, len(migrations()) + 1))
async def test_a_kill_after_any_migration_is_made_good_by_running_it_again(tmp_path: Path, after: int) -> None:
    """P15: killed at crash point `migrate.each`, the database stands at that version and goes on from there."""
    url = databases.url(tmp_path, empty=True)
    command = [sys.executable, "-c", KILLED, url, str(after)]
    ended = await asyncio.to_thread(subprocess.run, command, check=False, env={**os.environ})
    assert 137 == ended.returncode
    async with a_database(tmp_path) as database:
        assert after == await database.read(schema_version)
        assert [each.name for each in migrations()[after:]] == await migrate(database)


def test_a_trigger_is_one_statement() -> None:
    """The semicolons inside a trigger do not end it; comments between statements are no statements."""
    script = "-- words\nCREATE TRIGGER t BEFORE UPDATE ON e\nBEGIN SELECT 1; SELECT 2; END;\n\nSELECT 3;\n"
    assert 2 == len(list(statements(script)))
    with pytest.raises(NotAllowed):
        list(statements("SELECT 1"))


def test_every_file_of_the_folder_is_a_migration(tmp_path: Path) -> None:
    """A misnamed file would be skipped in silence: refused."""
    assert FOLDER.is_dir()
    (tmp_path / "new.sql").write_text("SELECT 1;")
    with pytest.raises(NotAllowed):
        migrations(tmp_path)

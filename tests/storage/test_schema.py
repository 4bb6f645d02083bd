"""One schema on two engines: what stands in it is the same, whichever the house chose."""

from pathlib import Path
from typing import Any

from storage.database import Database, Tx
from storage.migrate import migrate
from tests import databases
from tests.databases import ENGINES, ON_POSTGRESQL
from tests.storage import schemas

# SQLite numbers the rows of every table by itself; PostgreSQL needs a column for the order of coming, and a key to number by.
ORDER_OF_COMING = ("rowid", "inbox_rowid")
NUMBERED_BY = ("", 1, 0, "seq")

pytestmark = ON_POSTGRESQL


async def written_down(folder: Path, engine: str) -> dict[str, Any]:
    """Everything that `schemas` knows of a migrated database."""

    async def unit(tx: Tx) -> dict[str, Any]:
        found: dict[str, Any] = {"views": {view: await names(tx, view) for view in await schemas.views(tx)}}
        for table in await schemas.tables(tx):
            found[table] = {
                "columns": await schemas.columns(tx, table),
                "indexes": await schemas.indexes(tx, table),
                "pointers": await schemas.pointers(tx, table),
            }
        return found

    async with await Database.open(databases.url(folder, on=engine, empty=True)) as database:
        await migrate(database)
        return await database.read(unit)


async def names(tx: Tx, view: str) -> list[str]:
    return [column.name for column in await schemas.columns(tx, view)]


async def test_both_engines_have_the_same_schema(tmp_path: Path) -> None:
    """Tables, columns in their order, what may be empty, keys, indexes, references and views are one set of SQL."""
    here, there = [await written_down(tmp_path, each) for each in ENGINES]
    column, index = ORDER_OF_COMING
    inbox = there["inbox"]
    assert [column] == [each.name for each in inbox["columns"] if each not in here["inbox"]["columns"]]
    inbox["columns"] = [each for each in inbox["columns"] if each.name != column]
    inbox["indexes"] = {each for each in inbox["indexes"] if each[0] != index}
    there["event"]["indexes"].remove(NUMBERED_BY)
    assert here.keys() == there.keys()
    for name in here:
        assert here[name] == there[name], name
    assert len(here) > 20

"""Units of work that a test can hold in the middle, on either engine, over two tables that refer to each other."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.database import Database, Tx
from storage.dialect import spoken
from tests.storage.houses import a_database

TABLES = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, said TEXT NOT NULL DEFAULT '') STRICT;",
    "CREATE TABLE child (id INTEGER PRIMARY KEY,"
    " parent INTEGER NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED) STRICT;",
    "CREATE TABLE coming (number INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL) STRICT;",
)


class Gate:
    """A unit stops here until the test lets it go on: SQLite's on its own thread, PostgreSQL's in the loop."""

    def __init__(self) -> None:
        self._came, self._open = threading.Event(), threading.Event()

    async def wait(self, tx: Tx) -> None:
        """Within a unit: wait to be let through."""
        self.arrive()
        if tx.engine == "sqlite":
            assert self._open.wait(10)
        else:
            assert await asyncio.to_thread(self._open.wait, 10)

    def arrive(self) -> None:
        self._came.set()

    async def reached(self) -> None:
        """Within a test: wait until the unit stands at the gate."""
        assert await asyncio.to_thread(self._came.wait, 10)

    def open(self) -> None:
        self._open.set()


@asynccontextmanager
async def two_tables(place: Path | str) -> AsyncIterator[Database]:
    """A database with nothing in it but parents and children."""

    async def make(tx: Tx) -> None:
        for statement in TABLES:
            await tx.run(spoken(statement, tx.engine))

    async with a_database(place, empty=True) as database:
        await database.write(make)
        yield database


async def put(tx: Tx, number: int) -> None:
    """Write a parent down."""
    await tx.run("INSERT INTO parent (id) VALUES (?)", number)
    await tx.run("INSERT INTO coming (id) VALUES (?)", number)


async def put_child(tx: Tx, number: int, parent: int) -> None:
    """Write a child down; whether its parent is there is looked at when the unit is committed."""
    await tx.run("INSERT INTO child (id, parent) VALUES (?, ?)", number, parent)


async def ids(database: Database) -> list[int]:
    """The parents that were committed."""
    return await database.read(lambda tx: _numbers(tx, "SELECT id FROM parent ORDER BY id"))


async def in_order(database: Database) -> list[int]:
    """The same, as they came."""
    return await database.read(lambda tx: _numbers(tx, "SELECT id FROM coming ORDER BY number"))


async def _numbers(tx: Tx, sql: str) -> list[int]:
    return [row["id"] for row in await tx.rows(sql)]

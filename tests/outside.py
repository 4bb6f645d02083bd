"""The house as the outside sees it: a process, two webhooks, a clock in a file, a database to read. Nothing inside is used.

The providers' doubles live in the test; the house is started with `PORCHLIGHT_MODE=live` and loopback providers.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TOKEN, Sandbox
from bot.sandbox.twilio import sign
from tests import databases
from tests.warm import Forked, forge

ROOT = Path(__file__).parents[1]
ROSTER = ROOT / "bot" / "sandbox" / "seed.toml"
SECRET = "outside-secret-that-is-long-enough-0123"
PUBLIC = "https://porchlight.example"
READY_SECONDS = 60
ANSWER_SECONDS = 30
STAFF = {"alice": 1001, "mo": 1002, "cass": 1003, "dee": 1004, "ben": 1005}
NUMBERS = {"pat": "+447700900201", "cass": "+447700900301"}


@dataclass(slots=True)
class Outside:
    """One house in a folder of its own, driven through its public contract."""

    folder: Path
    sandbox: Sandbox
    client: aiohttp.ClientSession
    seed: str = "1"
    crash: str = ""
    empty: bool = False  # on another database, in which nothing is
    on: str | None = None  # an engine; else the one under test
    warm: bool = False  # its processes need not load the program
    more: dict[str, str] = field(default_factory=dict)  # settings beyond the usual ones
    port: int = 0
    process: asyncio.subprocess.Process | Forked | None = None
    now: datetime = field(default_factory=lambda: datetime.fromisoformat("2026-06-15T19:00:00+00:00"))
    _count: int = 1000

    @property
    def database(self) -> str:
        """Its URL."""
        name = "var/empty.db" if self.empty else "var/porchlight.db"
        return databases.url(self.folder, name, self.on, empty=self.empty)

    def environment(self) -> dict[str, str]:
        """The settings of the contract; nothing of the tester's own environment that could leak in."""
        mine = {k: v for k, v in os.environ.items() if not k.startswith(("TELEGRAM_", "TWILIO_", "PORCHLIGHT_"))}
        return mine | {
            "PORCHLIGHT_MODE": "live", "HTTP_BIND": "127.0.0.1:0", "PUBLIC_URL": PUBLIC, "TELEGRAM_BOT_TOKEN": TOKEN,
            "DATABASE_URL": self.database,
            "TELEGRAM_API_URL": self.sandbox.telegram_url, "TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": SECRET,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_FROM": NUMBER,
            "TWILIO_API_URL": self.sandbox.twilio_url, "PORCHLIGHT_TEST_CLOCK": str(self.folder / "clock"),
            "PORCHLIGHT_TEST_SEED": self.seed, "PYTHONPATH": str(ROOT),
            **({"PORCHLIGHT_TEST_CRASH": self.crash} if self.crash else {}), **self.more,
        }  # fmt: skip

    # ---- life and death ----

    async def start(self) -> None:
        """Start the process and wait for its ready line."""
        with (self.folder / "house.log").open("ab") as log:
            self.process = await self._begin(("run",), log.fileno())
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), READY_SECONDS)
        assert line, (self.folder / "house.log").read_text()[-3000:]
        self.port = json.loads(line)["port"]

    async def kill(self) -> None:
        """kill -9."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
        self.process = None

    async def command(self, *words: str) -> tuple[int, str]:
        """Run `porchlight WORDS`; returns its exit code and what it printed."""
        process = await self._begin(words, subprocess.STDOUT)
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    async def _begin(self, words: Sequence[str], stderr: int) -> asyncio.subprocess.Process | Forked:
        if self.warm:
            return await forge().start(words, self.folder, self.environment(), stderr)
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *words, cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE,
            stderr=stderr,
        )  # fmt: skip

    # ---- what the outside does ----

    def set_clock(self, instant: datetime) -> None:
        """The clock belongs to the tester."""
        self.now = max(self.now, instant)
        self.sandbox.clock.set(self.now)
        (self.folder / "clock").write_text(self.now.isoformat())

    async def settle(self) -> dict[str, int]:
        """Let the house work until nothing moves at this instant."""
        async with self.client.post(f"http://127.0.0.1:{self.port}/_test/settle") as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    def typed(self, person: str, text: str) -> dict[str, Any]:
        """A Telegram message as an update; the same update may be posted twice."""
        self._count += 1
        user = {"id": STAFF[person], "is_bot": False, "first_name": person}
        message: dict[str, Any] = {
            "message_id": self._count, "date": int(self.now.timestamp()), "chat": {"id": user["id"], "type": "private"},
            "from": user, "text": text,
        }  # fmt: skip
        if text.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]
        return {"update_id": self._count, "message": message}

    def texted(self, person: str, body: str) -> dict[str, str]:
        """An SMS as Twilio's form, with its blank fields."""
        self._count += 1
        sid = f"SM{self._count:032x}"
        return {"MessageSid": sid, "SmsSid": sid, "AccountSid": ACCOUNT_SID, "From": NUMBERS[person], "To": NUMBER,
                "Body": body, "NumMedia": "0", "FromCity": "", "ToCity": "", "ApiVersion": "2010-04-01"}  # fmt: skip

    async def post_telegram(self, update: dict[str, Any]) -> int:
        """Post an update with the secret; returns the status."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        url = f"http://127.0.0.1:{self.port}/telegram/webhook"
        async with self.client.post(url, json=update, headers=headers) as answer:
            return answer.status

    async def post_sms(self, form: dict[str, str]) -> int:
        """Post a text, signed for the public address; returns the status."""
        signed = {"X-Twilio-Signature": sign(AUTH_TOKEN, f"{PUBLIC}/twilio/sms", form)}
        url = f"http://127.0.0.1:{self.port}/twilio/sms"
        async with self.client.post(url, data=form, headers=signed) as answer:
            return answer.status

    async def types(self, person: str, text: str) -> None:
        assert await self.post_telegram(self.typed(person, text)) == 200
        await self.settle()

    async def texts(self, person: str, body: str) -> None:
        assert await self.post_sms(self.texted(person, body)) == 204
        await self.settle()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Read the contract's views, beside the running house."""
        return databases.rows(self.database, sql)

    def phone(self, person: str, channel: str = "telegram") -> list[str]:
        """Every text this phone shows, oldest first."""
        address = str(STAFF[person]) if channel == "telegram" else NUMBERS[person]
        return [m.text for m in self.sandbox.board.phone(channel, address) if not m.mine]


@asynccontextmanager
async def outside(
    folder: Path,
    *,
    seed: str = "1",
    start: str = "2026-06-15T19:00:00+00:00",
    on: str | None = None,
    warm: bool = False,
) -> AsyncIterator[Outside]:
    """A house with the sandbox's people, imported by its own command, not started yet. `on`: as for `databases.url`;
    `warm`: its processes need not load the program."""
    folder.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(datetime.fromisoformat(start))
    await sandbox.open()
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        house = Outside(folder, sandbox, client, seed=seed, on=on, warm=warm, now=datetime.fromisoformat(start))
        house.set_clock(house.now)
        try:
            code, said = await house.command("import", str(ROSTER))
            assert code == 0, said
            yield house
        finally:
            await house.kill()
            await sandbox.close()

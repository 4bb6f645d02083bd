"""A whole house in this process: live, a clock that the test moves, real clients, the doubles of both providers."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.app import House
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TOKEN, Sandbox
from bot.settings import load
from handlers.twilio_signature import sign
from storage import roster
from tests import databases
from tests.storage.houses import ROSTER

EVENING = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
PUBLIC_URL = "https://porch.example"
SECRET = "s" * 40
PAT, CASS = "+447700900201", "+447700900301"


@dataclass
class Living:
    """A house that lives, and the world around it."""

    house: House
    world: Sandbox
    folder: Path
    client: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.house.port}"

    def now(self, instant: datetime) -> None:
        """Set the clock."""
        set_clock(self.folder, instant)

    async def settle(self) -> dict[str, int]:
        async with self.client.post(f"{self.url}/_test/settle") as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, int] = await answer.json()
            return found

    async def text(self, number: str, body: str, **more: str) -> int:
        """A parent texts; returns what Twilio hears."""
        status, _ = await self.world.twilio.texts(number, body, **more)
        return status

    async def update(self, update: Mapping[str, Any], secret: str | None = SECRET) -> int:
        """Telegram calls the webhook."""
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with self.client.post(f"{self.url}/telegram/webhook", json=update, headers=headers) as answer:
            return answer.status

    async def says(self, number: int, user: int, text: str) -> int:
        """Somebody types to the bot."""
        message = {
            "message_id": number, "date": int(self.house.clock.now().timestamp()), "text": text,
            "chat": {"id": user, "type": "private"}, "from": {"id": user, "is_bot": False, "first_name": "x"},
        }  # fmt: skip
        return await self.update({"update_id": number, "message": message})

    async def signed(
        self, path: str, fields: Mapping[str, str], *, method: str = "POST", **how: Any
    ) -> tuple[int, str]:
        """A request that Twilio signed for the public URL; `signature`, `headers` and `data` may be given."""
        said = "".join(name + value for name, value in sorted(set(fields.items())))
        signature = how.pop("signature", sign(PUBLIC_URL + path + said, AUTH_TOKEN))
        headers = {**({} if signature is None else {"X-Twilio-Signature": signature}), **how.pop("headers", {})}
        data = how.pop("data", dict(fields))
        async with self.client.request(method, self.url + path, data=data, headers=headers, **how) as answer:
            return answer.status, await answer.text()

    def phone(self, number: str, channel: str = "sms") -> list[str]:
        """What a phone shows."""
        return [shown.text for shown in self.world.board.phone(channel, number) if not shown.mine]

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        async def unit(tx: Any) -> list[dict[str, Any]]:
            return [dict(row) for row in await tx.rows(sql)]

        return await self.house.database.read(unit)


def set_clock(folder: Path, instant: datetime) -> None:
    (folder / "clock").write_text(instant.isoformat())


def environ(folder: Path, world: Sandbox) -> dict[str, str]:
    """The settings of a live house whose every provider is this machine."""
    return {
        "PORCHLIGHT_MODE": "live", "DATABASE_URL": databases.url(folder), "HTTP_BIND": "127.0.0.1:0",
        "PUBLIC_URL": PUBLIC_URL, "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": world.telegram_url,
        "TELEGRAM_WEBHOOK_SECRET": SECRET, "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_API_URL": world.twilio_url, "TWILIO_FROM": NUMBER, "PORCHLIGHT_TEST_CLOCK": str(folder / "clock"),
        "PORCHLIGHT_TEST_SEED": "7", "PORCHLIGHT_AUDIT_KEY": base64.b64encode(b"k" * 32).decode(),
    }  # fmt: skip


@asynccontextmanager
async def a_world() -> AsyncIterator[Sandbox]:
    """The doubles of both providers; they outlive a house."""
    world = Sandbox(EVENING)
    await world.open()
    try:
        yield world
    finally:
        await world.close()


@asynccontextmanager
async def living(folder: Path, world: Sandbox, **more: str) -> AsyncIterator[Living]:
    """Wake a house in this folder, with Alice, Mo, Pat, Cass and Dee; the clock stands where it stood."""
    if not (folder / "clock").exists():
        set_clock(folder, EVENING)
    async with House(load({**environ(folder, world), **more}, folder)) as house:
        people = roster.parse(ROSTER)
        assert isinstance(people, roster.Roster)
        await house.database.write(lambda tx: roster.apply(tx, people, take_telegram_ids=True))
        world.twilio.house_url, world.twilio.public_url = f"http://127.0.0.1:{house.port}", PUBLIC_URL
        async with aiohttp.ClientSession() as client:
            yield Living(house, world, folder, client)


def after(**time: float) -> datetime:
    return EVENING + timedelta(**time)

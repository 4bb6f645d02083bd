"""A canary through a whole house: the real clients, the signed callback that brings it back, and what is said when it is late."""

from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import Sandbox
from tests.bot.living import CASS, Living, a_world, after, living
from tests.databases import ON_BOTH

pytestmark = ON_BOTH
NUMBER, CHAT = "+447700900500", "4242"
WITH = {"PORCHLIGHT_CANARY": f"{NUMBER}, {CHAT}"}
CASES = ("v_case", "v_event", "v_deadline", "v_report", "v_alert", "v_task", "v_pattern")


@pytest.fixture
async def world():
    async with a_world() as world:
        yield world


async def facts(life: Living) -> tuple[int, dict[str, Any]]:
    async with life.client.get(f"{life.url}/readyz") as answer:
        return answer.status, await answer.json()


async def go(life: Living, world: Sandbox, *, travels: bool = True, **time: float) -> None:
    """Time goes on for the house and for the network, whose receipts come in."""
    life.now(after(**time))
    world.clock.set(after(**time))
    await life.settle()
    if travels:
        await world.twilio.travel()
        await life.settle()


async def test_it_flies_once_an_hour_by_each_channel_and_comes_back(tmp_path: Path, world: Sandbox) -> None:
    """Its bell rings half a minute after it began; nothing of it is in a view of cases or counted as one."""
    async with living(tmp_path, world, **WITH) as life:
        await go(life, world, seconds=0)
        assert not life.phone(NUMBER)
        for minutes in (1, 30, 59, 60, 61, 90):
            await go(life, world, minutes=minutes)
            assert (await facts(life))[1]["canary"] == {"sms": True, "telegram": True}
        for phone, channel in ((NUMBER, "sms"), (CHAT, "telegram")):
            told = life.phone(phone, channel)
            assert len(told) == 2 and all("No child is missing" in text for text in told)
        flights = await life.rows("SELECT back_at FROM canary")
        assert len(flights) == 4 and all(flight["back_at"] for flight in flights)
        for view in CASES:
            assert not await life.rows(f"SELECT 1 AS yes FROM {view}")
        async with life.client.get(f"{life.url}/metrics") as answer:
            assert "porchlight_cases_open 0.0" in await answer.text()


async def test_one_that_does_not_come_back_in_time_is_no_longer_ready(tmp_path: Path, world: Sandbox) -> None:
    """The provider took it and it never arrived: 503 after ten minutes, and people on call hear of it once. The next one that
    comes back makes it good."""
    world.twilio.fates[NUMBER] = ("undelivered", 30003)
    async with living(tmp_path, world, **WITH) as life:
        for minutes in (0, 1, 9):
            await go(life, world, minutes=minutes)
        assert (await facts(life))[0] == 200
        for minutes in (10, 11, 20):
            await go(life, world, minutes=minutes)
            status, found = await facts(life)
            assert status == 503 and found["canary"] == {"sms": False, "telegram": True}
        assert len([text for text in life.phone(CASS) if "canary sms" in text]) == 1
        world.twilio.fates.clear()
        for minutes in (21, 22, 31, 32):
            await go(life, world, minutes=minutes)
        assert (await facts(life))[1]["canary"] == {"sms": True, "telegram": True}
        assert (await facts(life))[0] == 200


async def test_a_bell_that_does_not_ring_shows_as_well(tmp_path: Path, world: Sandbox) -> None:
    """Nothing leaves without it, so nothing comes back."""
    async with living(tmp_path, world, **WITH) as life:
        await go(life, world, seconds=0)
        await life.house.database.write(lambda tx: tx.run("UPDATE canary SET rings_at = 9000000000000"))
        await go(life, world, minutes=10)
        assert (await facts(life))[0] == 503


async def test_without_a_place_to_fly_to_there_is_none(tmp_path: Path, world: Sandbox) -> None:
    """An idle house writes nothing for it; nor is a place of a channel that is off one."""
    async with living(tmp_path, world, PORCHLIGHT_CANARY=CHAT, TELEGRAM_MODE="off") as life:
        await go(life, world, minutes=1)
        assert (await facts(life))[1]["canary"] == {} and not await life.rows("SELECT 1 AS yes FROM canary")

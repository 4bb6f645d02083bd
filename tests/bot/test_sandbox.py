"""The sandbox: its clock, what its page is told, and what the page may not be made to do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.app import House
from bot.sandbox.clock import SandboxClock
from bot.sandbox.police import inbox
from bot.settings import load
from tests import databases
from tests.databases import ON_BOTH

pytestmark = ON_BOTH

NINE = datetime(2026, 6, 10, 21, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


@asynccontextmanager
async def a_page(folder: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, House]]:
    """A house as `make run` starts it, and somebody in front of its page."""
    told = {
        "PORCHLIGHT_MODE": "sandbox",
        "HTTP_BIND": "127.0.0.1:0",
        "DATABASE_URL": databases.url(folder),
    }
    async with (
        House(load(told, folder)) as house,
        aiohttp.ClientSession(f"http://127.0.0.1:{house.port}/sandbox/") as client,
    ):
        yield client, house


async def look(client: aiohttp.ClientSession, seen: int | None = None) -> dict[str, Any]:
    async with client.get("state" if seen is None else f"state?seen={seen}") as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def until(client: aiohttp.ClientSession, *words: str) -> dict[str, Any]:
    """Watch as the page does, until it says all of this; the page is told of every change, so nothing is waited for in vain."""
    told = await look(client)
    async with asyncio.timeout(30):
        while not all(each in json.dumps(told, ensure_ascii=False) for each in words):
            told = await look(client, told["version"])
    return told


# ---- the clock ----


async def test_a_jump_goes_over_no_deadline():
    """What is due at five past and at half past rings at five past and at half past, in one jump of an hour."""
    clock = SandboxClock(NINE)
    waiting, rung = [at(5), at(30), at(90)], []

    async def tick() -> datetime | None:
        while waiting and waiting[0] <= clock.now():
            rung.append((waiting.pop(0), clock.now()))
        return waiting[0] if waiting else None

    clock.tick = tick
    await clock.pass_to(at(60))
    assert (rung, clock.now()) == ([(at(5), at(5)), (at(30), at(30))], at(60))


async def test_time_never_goes_back_and_the_page_hears_of_each_minute():
    """An earlier instant is ignored; a second within the minute is not worth a word."""
    heard: list[datetime] = []
    clock = SandboxClock(NINE, lambda: heard.append(NINE))
    await clock.pass_to(at(0.5))
    await clock.pass_to(at(-10))
    assert (clock.now(), len(heard)) == (at(0.5), 0)
    await clock.pass_to(at(1))
    assert len(heard) == 1


async def test_two_who_move_the_clock_at_once_move_it_one_after_the_other():
    """A jump while another is on its way does not ring a deadline twice."""
    clock, waiting = SandboxClock(NINE), [at(5)]
    rung = []

    async def tick() -> datetime | None:
        await asyncio.sleep(0)
        if waiting and waiting[0] <= clock.now():
            rung.append(waiting.pop(0))
        return waiting[0] if waiting else None

    clock.tick = tick
    await asyncio.gather(clock.pass_to(at(10)), clock.pass_to(at(20)))
    assert (rung, clock.now()) == ([at(5)], at(20))


# ---- the page ----


async def test_a_visitor_sees_everybody_and_plays_a_first_move(tmp_path):
    """Seven phones, the front row first; what Alice types is answered on her phone, and told in plain words."""
    async with a_page(tmp_path) as (client, _):
        told = await look(client)
        assert [phone["id"] for phone in told["phones"]][:3] == ["alice", "pat", "cass"]
        assert len(told["phones"]) == 7 and told["cases"] == told["lately"] == told["police"] == []
        await client.post("clock", json={"speed": "pause"})
        await client.post("act", json={"channel": "telegram", "address": "1001", "text": "/absent K7 21:00"})
        told = await until(client, "Is K7 in danger right now")
        (case,) = told["cases"]
        assert (case["child"], case["state_says"], told["speed"]) == ("K7", "checks are running", "pause")
        assert told["lately"][0]["name"] == "Alice Archer" and "in 5 min" in told["next"]


async def test_a_sandbox_that_starts_again_is_listened_to(tmp_path):
    """What is said in a second life over one database is no repeat of the first, in Telegram nor by text."""
    for _ in range(2):
        async with a_page(tmp_path) as (client, _):
            await client.post("act", json={"channel": "telegram", "address": "1001", "text": "/help"})
            await client.post("act", json={"channel": "sms", "address": "+447700900201", "text": "HELP"})
            await until(client, "Words: MISSING", "a child is not where they should be")


async def test_the_clock_moves_to_the_next_deadline_and_by_minutes(tmp_path):
    """Nobody answers at 21:10: the question comes again."""
    async with a_page(tmp_path) as (client, house):
        await client.post("clock", json={"speed": "pause"})
        await client.post("act", json={"channel": "telegram", "address": "1001", "text": "/absent K7 21:00"})
        await until(client, "Is K7 in danger right now")
        await client.post("clock", json={"to": "next"})
        told = await until(client, "REPEAT")
        assert told["now"] == "21:10"
        before = house.clock.now()
        await client.post("clock", json={"jump": 5})
        assert house.clock.now() - before == timedelta(minutes=5)


async def test_what_is_no_wish_of_the_page_is_refused(tmp_path):
    """No form of another site (415), no nonsense and no phone that nobody has (400), nothing outside the inbox (404)."""
    async with a_page(tmp_path) as (client, _):
        for path in ("act", "clock"):
            assert (await client.post(path, data={"channel": "sms"})).status == 415
            json_header = {"Content-Type": "application/json"}
            assert (await client.post(path, data="{", headers=json_header)).status == 400
            assert (await client.post(path, json=[])).status == 400
            assert (await client.post(path, json={})).status == 400
        for wish in (
            {"channel": "telegram", "address": "9", "text": "x"}, {"channel": "sms", "address": "+1", "text": "x"},
            {"channel": "telegram", "address": "1001", "text": "x" * 5000},
            {"channel": "telegram", "address": "1001", "press": "t", "message": "x"},
        ):  # fmt: skip
            assert (await client.post("act", json=wish)).status == 400, wish
        for wish in ({"jump": "soon"}, {"jump": -5}, {"speed": "1000"}):
            assert (await client.post("clock", json=wish)).status == 400, wish
        for path in ("police/..%2F..%2Fporchlight.db", "police/audit.key", "document/1001/1", "document/1001/x"):
            assert (await client.get(path)).status == 404, path


async def test_the_page_may_load_nothing_from_elsewhere(tmp_path):
    """Its policy says so, and it cannot be framed."""
    async with a_page(tmp_path) as (client, _):
        policy = (await client.get("")).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "http" not in policy


def test_the_police_see_each_version_with_its_two_files(tmp_path):
    """Newest first; what is no report is not shown."""
    for name in ("A17_org1-1_v1.json", "A17_org1-1_v1.pdf", "A17_org1-1_v2.pdf", ".A17_org1-1_v2.json.7", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    told = {(report["ref"], report["version"]): [f["says"] for f in report["files"]] for report in inbox(tmp_path)}
    assert told == {("A17", 1): ["PDF", "JSON"], ("A17", 2): ["PDF"]}
    assert inbox(tmp_path / "nothing") == []

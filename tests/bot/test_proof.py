"""The proof of life of a whole house: a watcher outside, the few who are the last resort, and what /readyz says of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.heartbeat import Heartbeat
from bot.proof import Proof, can_write, has_room
from bot.sandbox import Sandbox
from casework.events import WorryRaised
from scheduler.auditor import Auditor
from storage.database import Damaged, Unusable
from tests.bot.living import EVENING, PAT, Living, a_world, after, living
from tests.databases import ON_BOTH
from tests.storage.houses import opening

pytestmark = ON_BOTH
FEW = ("+447700900401", "+447700900402")
WITH = {"PORCHLIGHT_LAST_RESORT": ", ".join(FEW)}


@dataclass
class Watcher:
    """A watcher outside, who hears every beat."""

    url: str = ""
    heard: list[str] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append(request.path_qs)
        return web.Response(text="OK")


@asynccontextmanager
async def a_watcher() -> AsyncIterator[Watcher]:
    watcher = Watcher()
    app = web.Application()
    app.router.add_get("/ping/{name}", watcher.hear)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    watcher.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping/secret-name?x=1"
    try:
        yield watcher
    finally:
        await runner.cleanup()


@pytest.fixture
async def world():
    async with a_world() as world:
        yield world


async def facts(life: Living) -> tuple[int, dict[str, Any]]:
    async with life.client.get(f"{life.url}/readyz") as answer:
        return answer.status, await answer.json()


async def go(life: Living, **time: float) -> None:
    """Time goes on, and the house works and looks after itself."""
    life.now(after(**time))
    await life.settle()


async def test_a_beat_is_heard_every_15_seconds_while_every_promise_holds(tmp_path: Path, world: Sandbox) -> None:
    """Not more often, and none from a house that sleeps."""
    async with a_watcher() as watcher:
        async with living(tmp_path, world, PORCHLIGHT_HEARTBEAT_URL=watcher.url) as life:
            for seconds in (0, 1, 14, 15, 29, 30):
                await go(life, seconds=seconds)
            assert watcher.heard == ["/ping/secret-name?x=1"] * 3
            assert (await facts(life))[1]["self_check"] == {"age_s": 0, "found": {}, "lasting": []}
        assert len(watcher.heard) == 3


async def test_a_broken_promise_stops_the_heart_within_a_minute(tmp_path: Path, world: Sandbox) -> None:
    """One altered entry of the log is enough."""
    from tests.storage import schemas

    async with a_watcher() as watcher, living(tmp_path, world, PORCHLIGHT_HEARTBEAT_URL=watcher.url) as life:
        await life.text(PAT, "MISSING")
        await go(life, seconds=1)
        assert len(watcher.heard) == 1
        await life.house.database.write(schemas.unguard)
        await life.house.database.write(lambda tx: tx.run("UPDATE event SET body = replace(body, 'pat', 'tap')"))
        for seconds in range(15, 61, 15):
            await go(life, seconds=1 + seconds)
        heard = len(watcher.heard)
        await go(life, seconds=61 + 60)
        assert heard <= 4 and len(watcher.heard) <= heard + 1


async def test_with_both_ways_out_the_heart_stops_within_a_minute(tmp_path: Path, world: Sandbox) -> None:
    """`/readyz` says so as well; when one of them takes letters again, it beats again."""
    async with a_watcher() as watcher, living(tmp_path, world, PORCHLIGHT_HEARTBEAT_URL=watcher.url) as life:
        world.twilio.failures.plant("create", times=1000, status=503, code=20503)
        world.telegram.failures.plant("sendMessage", times=1000, code=502, description="Bad Gateway")
        await life.says(1, 1001, "/absent K8 20:55")
        await life.text(PAT, "MISSING 20:55")
        for seconds in (0, 15, 30, 45, 60):
            await go(life, seconds=seconds)
        assert (await facts(life))[0] == 503
        heard = len(watcher.heard)
        await go(life, seconds=75)
        assert len(watcher.heard) == heard
        world.twilio.failures.waiting.clear()
        world.telegram.failures.waiting.clear()
        for seconds in (600, 615, 630):
            await go(life, seconds=seconds)
        assert len(watcher.heard) > heard


async def test_with_one_way_out_the_heart_beats_on(tmp_path: Path, world: Sandbox) -> None:
    """P11: or for hours nobody would learn that the house is dead as well. What waits goes by text, and `/readyz` says so."""
    async with a_watcher() as watcher, living(tmp_path, world, PORCHLIGHT_HEARTBEAT_URL=watcher.url) as life:
        await go(life, seconds=0)
        world.telegram.failures.plant("*", times=10_000, code=502, description="Bad Gateway")
        case_id = await life.house.casebook.at_desk(opening("K7"))
        news = WorryRaised(at=life.house.clock.now(), by="alice", channel="telegram", flags=("R16",))
        await life.house.casebook.record(case_id, news)
        for seconds in range(15, 901, 15):
            await go(life, seconds=seconds)
        status, said = await facts(life)
        assert (status, said["channels"]["telegram"], said["channels"]["sms"]) == (200, False, True)
        assert len(watcher.heard) == 61 and said["self_check"]["found"] == {}


@pytest.mark.parametrize(("mode", "why"), [("polling", "401"), ("polling", "409"), ("webhook", "401")])
async def test_a_house_that_telegram_turns_away_says_so_and_its_heart_stops(
    tmp_path: Path, world: Sandbox, mode: str, why: str
) -> None:
    """B060, B061: our token is known no more, or another house asks with it and gets what people press. Texts go on, deadlines
    ring, and whoever runs the house is called; once it is set right the heart beats again."""
    async with (
        a_watcher() as watcher,
        living(tmp_path, world, PORCHLIGHT_HEARTBEAT_URL=watcher.url, TELEGRAM_MODE=mode) as life,
    ):
        await go(life, seconds=0)
        token = world.telegram.token
        if why == "401":
            world.telegram.token = "42:" + "z" * 35
        else:
            world.telegram.failures.plant("getUpdates", times=1000, code=409, description="Conflict: terminated")
        await life.house.casebook.at_desk(opening("K7"))
        for seconds in (15, 30, 45):
            await go(life, seconds=seconds)
        status, said = await facts(life)
        assert (status, said["unheard"], said["channels"]["telegram"]) == (503, {"telegram": why}, False)
        assert said["channels"]["sms"] and len(watcher.heard) == 1
        world.telegram.token = token
        world.telegram.failures.waiting.clear()
        for seconds in (60, 600, 630):
            await go(life, seconds=seconds)
        assert (await facts(life))[1]["unheard"] == {} and len(watcher.heard) > 1


def sent_to(world: Sandbox, number: str) -> list[str]:
    return [m.text for m in world.board.phone("sms", number)]


async def test_when_nothing_can_be_written_the_few_are_told_and_the_heart_stops(
    tmp_path: Path, world: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P18: a path that needs no database. Once in a quarter of an hour, and once when it is over."""
    async with (
        a_watcher() as watcher,
        living(tmp_path, world, **WITH, PORCHLIGHT_HEARTBEAT_URL=watcher.url) as life,
    ):
        await go(life, seconds=0)

        async def full(unit: object) -> None:
            raise Unusable("disk full")

        with monkeypatch.context() as broken:
            broken.setattr(life.house.database, "write", full)
            for minutes in (1, 2, 10, 17):
                world.clock.set(after(minutes=minutes))
                life.now(after(minutes=minutes))
                async with life.client.post(f"{life.url}/_test/settle") as answer:
                    assert answer.status == 503
                await world.twilio.travel()
            assert len(watcher.heard) == 1 and (await facts(life))[0] == 503
        for number in FEW:
            assert [text.split(":")[0] for text in sent_to(world, number)] == ["Porchlight has failed"] * 2
        await go(life, minutes=18)
        assert sent_to(world, FEW[0])[-1].startswith("Porchlight can keep its records again")
        assert len(watcher.heard) == 2


async def test_a_house_that_cannot_open_its_records_tells_the_few_once_however_often_it_is_started(
    tmp_path: Path, world: Sandbox, engine: str
) -> None:
    """The provider remembers what was said; nothing here can."""
    if engine == "sqlite":
        (tmp_path / "house.db").write_bytes(b"this is no database" * 1000)
        broken = {**WITH}
    else:
        broken = {**WITH, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}
    for _ in range(3):
        with pytest.raises((Damaged, Unusable)):
            async with living(tmp_path, world, **broken):
                pass
    assert [text.split(":")[0] for text in sent_to(world, FEW[0])] == ["Porchlight has failed"]
    world.clock.set(EVENING + timedelta(minutes=16))
    (tmp_path / "clock").write_text(world.clock.now().isoformat())
    with pytest.raises((Damaged, Unusable)):
        async with living(tmp_path, world, **broken):
            pass
    assert len(sent_to(world, FEW[0])) == 2


async def test_a_second_house_on_one_database_is_no_emergency(tmp_path: Path, world: Sandbox, engine: str) -> None:
    """It does not start; the first one lives."""
    if engine != "sqlite":
        return  # where the database is made for several, it is another node of the same house
    async with living(tmp_path, world, **WITH):
        with pytest.raises(Exception, match="another process"):
            async with living(tmp_path, world, **WITH):
                pass
        assert not sent_to(world, FEW[0])


async def test_a_write_is_kept_before_a_deadline_or_when_something_could_not_be_kept(
    tmp_path: Path, world: Sandbox
) -> None:
    """A disk may refuse to keep what it lets one begin."""

    async def beaten(life: Living) -> list[dict[str, Any]]:
        return await life.rows("SELECT value FROM meta WHERE key = 'last_alive'")

    async with living(tmp_path, world) as life:
        database = life.house.database
        await can_write(database, after(minutes=1), keep=True)
        kept = await beaten(life)
        await can_write(database, after(minutes=2))
        assert await beaten(life) == kept
        await life.text(PAT, "MISSING 20:55")
        await can_write(database, after(minutes=3))
        near = await beaten(life)
        assert near != kept, "a deadline is near"
        await database.write(lambda tx: tx.run("UPDATE case_row SET next_due = next_due + 86400000"))
        await can_write(database, after(minutes=4))
        assert await beaten(life) == near, "with a day to the next deadline an idle house writes nothing"


async def test_a_message_that_could_not_be_kept_puts_the_house_in_doubt(
    tmp_path: Path, world: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered 503, and the next look writes in earnest: there is no heartbeat for what cannot be kept."""
    async with (
        a_watcher() as watcher,
        living(tmp_path, world, **WITH, PORCHLIGHT_HEARTBEAT_URL=watcher.url) as life,
    ):
        await go(life, seconds=0)
        database, write = life.house.database, life.house.database.write

        async def refuses_to_keep(unit: Any) -> Any:
            await write(unit)  # raises what undoes itself; all else the disk does not keep
            raise Unusable("the disk keeps nothing")

        with monkeypatch.context() as broken:
            broken.setattr(database, "write", refuses_to_keep)
            assert await can_write(database, after(seconds=1))
            assert await life.text(PAT, "hello") == 503
            for seconds in (15, 30):
                life.now(after(seconds=seconds))
                await life.client.post(f"{life.url}/_test/settle")
            assert len(watcher.heard) == 1 and len(sent_to(world, FEW[0])) == 1


def test_a_disk_that_is_nearly_full_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before the first message is lost; what a server has is the server's to watch."""
    import shutil

    usage = type(shutil.disk_usage(tmp_path))
    for free, room in ((10**9, True), (10**6, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(10**10, 10**10 - free, free))
        assert has_room(str(tmp_path / "house.db")) is room
        assert has_room("postgresql://db:5432/porch")


async def test_a_way_that_was_never_set_up_is_not_the_one_that_is_left(tmp_path: Path, world: Sandbox) -> None:
    """Telegram off and Twilio out is silence."""
    async with living(tmp_path, world, TELEGRAM_MODE="off") as life:
        assert (await facts(life))[0] == 200
        world.twilio.failures.plant("create", times=1000, status=503, code=20503)
        await life.text(PAT, "MISSING 20:55")
        for seconds in (0, 15, 30, 46):
            await go(life, seconds=seconds)
        assert (await facts(life))[0] == 503


async def test_a_look_leaves_no_trace_on_the_disk(tmp_path: Path, world: Sandbox, engine: str) -> None:
    """An idle house writes nothing: what is written to try is undone before the disk hears of it."""
    async with living(tmp_path, world) as life:
        await go(life, seconds=0)
        before = await life.rows("SELECT key, value FROM meta ORDER BY key")
        files = {path: path.stat().st_size for path in tmp_path.glob("house.db*")}
        for _ in range(10):
            assert await can_write(life.house.database, life.house.clock.now())
        assert before == await life.rows("SELECT key, value FROM meta ORDER BY key")
        assert {path: path.stat().st_size for path in tmp_path.glob("house.db*")} == files
        assert bool(files) is (engine == "sqlite")


async def test_a_node_that_does_not_lead_neither_audits_nor_beats(tmp_path: Path, world: Sandbox) -> None:
    """The one that leads does. That nothing can be written each node sees for itself."""
    async with a_watcher() as watcher, living(tmp_path, world, PORCHLIGHT_HEARTBEAT_URL=watcher.url) as life:
        audited: list[bool] = []

        async def ready(chains: bool) -> tuple[bool, dict[str, Any]]:
            audited.append(chains)
            return True, {}

        leads = [False]
        proof = Proof(
            life.house.database, Auditor(life.house.casebook), ready, lambda: leads[0], life.house.books["en"],
            heartbeat=Heartbeat(watcher.url),
        )  # fmt: skip
        await proof.look(EVENING)
        assert (proof.auditor.last, audited, watcher.heard) == (None, [], [])
        leads[0] = True
        await proof.look(after(seconds=15))
        assert proof.auditor.last is not None and audited == [True] and len(watcher.heard) == 1

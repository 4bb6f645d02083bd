"""The whole house: bells before doors, a commit before each answer, nothing by itself under a test clock."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import House
from bot.sandbox import Sandbox
from bot.settings import load
from storage.database import AlreadyOpen
from storage.pulse import AnotherMode
from tests.bot.living import CASS, EVENING, PAT, a_world, after, environ, living, set_clock
from tests.databases import ON_BOTH

pytestmark = ON_BOTH

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def world() -> AsyncIterator[Sandbox]:
    async with a_world() as made:
        yield made


async def test_a_parents_night_from_the_first_word_to_a_confirmed_log_number(tmp_path: Path, world: Sandbox) -> None:
    """Through webhooks alone, both real clients on the path: MISSING, danger, the alert, the number, confirmed."""
    async with living(tmp_path, world) as life:
        assert await life.text(PAT, "MISSING 20:55") == 204
        assert life.phone(PAT) == [], "nothing leaves before settle"
        assert (await life.settle())["sends"] == 1
        assert life.phone(PAT)[-1].startswith("Absence check")
        await life.text(PAT, "1")
        await life.settle()
        await life.text(PAT, "1")
        await life.settle()
        assert "RING 999 NOW" in life.phone(PAT)[-1]
        assert life.phone(CASS)[-1].startswith("ESC ")
        assert any("ESC " in text for text in life.phone("1003", "telegram"))
        await life.text(PAT, "POL 2290")
        (case,) = await life.rows("SELECT * FROM v_case")
        assert case["reported_ref"] is None and case["level"] == "high"
        assert await life.says(1, 1003, f"/pol {case['code']} 2290") == 200
        await life.settle()
        (case,) = await life.rows("SELECT * FROM v_case")
        assert case["reported_ref"] == "2290"
        assert sorted(p.suffix for p in (tmp_path / "var" / "police").iterdir())[:2] == [".json", ".json"]


async def test_what_fell_due_while_the_house_was_down_rings_before_any_door_opens(
    tmp_path: Path, world: Sandbox
) -> None:
    """Late, never lost; and those who were left waiting hear that the house was down."""
    async with living(tmp_path, world) as life:
        await life.text(PAT, "MISSING 20:55")
        await life.text(PAT, "1")
        await life.settle()
    set_clock(tmp_path, after(hours=3))
    async with living(tmp_path, world) as life:
        before = await life.rows("SELECT kind FROM v_event WHERE kind = 'DeadlinePassed'")
        assert len(before) == 1, "rung at start, once, before ready"
        await life.settle()
        assert [text for text in life.phone(PAT) if "we were down to" in text]
        assert await life.rows("SELECT kind FROM v_event WHERE kind = 'DeadlinePassed'") == before


async def test_a_short_gap_is_no_outage(tmp_path: Path, world: Sandbox) -> None:
    """A restart within the minute says nothing of itself: what is due is asked as ever."""
    async with living(tmp_path, world) as life:
        await life.text(PAT, "MISSING 20:55")
        await life.settle()
    set_clock(tmp_path, after(seconds=59))
    async with living(tmp_path, world) as life:
        life.now(after(minutes=12))
        await life.settle()
        assert not [text for text in life.phone(PAT) if "we were down" in text]


async def test_nothing_rings_or_leaves_but_in_settle(tmp_path: Path, world: Sandbox) -> None:
    """Under a test clock the clock's owner decides when: a jump alone does nothing."""
    async with living(tmp_path, world) as life:
        await life.text(PAT, "MISSING 20:55")
        life.now(after(minutes=40))
        await asyncio.sleep(0)
        assert not await life.rows("SELECT 1 FROM v_event WHERE kind = 'DeadlinePassed'")
        done = await life.settle()
        assert done["deadlines"] >= 1 and done["sends"] >= 1
        assert await life.settle() == {"inputs": 0, "deadlines": 0, "sends": 0, "failed_sends": 0}


async def test_a_refused_text_is_counted_and_told(tmp_path: Path, world: Sandbox) -> None:
    """P10: Pat's phone has opted out; the letter fails for good and people on call are told to ring."""
    world.twilio.opted_out.add(PAT)
    async with living(tmp_path, world) as life:
        await life.text(PAT, "MISSING 20:55")
        done = await life.settle()
        assert done["failed_sends"] == 1
        assert any("stopped our texts" in text for text in life.phone(CASS))


async def test_a_callback_proves_a_text_that_was_never_written_down(tmp_path: Path, world: Sandbox) -> None:
    """A8: the letter's own id stands in the callback's address."""
    async with living(tmp_path, world) as life:
        await life.text(PAT, "MISSING 20:55")
        await life.settle()
        (sid,) = [s for s, m in world.twilio.messages.items() if m["direction"] == "outbound-api"]
        await life.house.database.write(
            lambda tx: tx.run("UPDATE outbox SET state = 'sending', provider_id = NULL, sent_at = NULL")
        )
        for status in ("delivered", "sent", "queued", "delivered"):
            assert (await world.twilio.report(sid, status) or (0, ""))[0] == 204
        (row,) = await life.rows("SELECT state, provider_id, sent_at FROM v_outbox")
        assert (row["state"], row["provider_id"]) == ("delivered", sid) and row["sent_at"]
        heard = await life.rows("SELECT external_id FROM v_inbox WHERE external_id LIKE '%:%'")
        assert {r["external_id"] for r in heard} == {f"{sid}:delivered", f"{sid}:sent", f"{sid}:queued"}


async def test_an_undelivered_text_is_known_to_people_on_call(tmp_path: Path, world: Sandbox) -> None:
    """A number where no text will ever arrive is as good as silence, and is told at once."""
    async with living(tmp_path, world) as life:
        await life.text(PAT, "MISSING 20:55")
        await life.settle()
        (sid,) = [s for s, m in world.twilio.messages.items() if m["direction"] == "outbound-api"]
        await world.twilio.report(sid, "undelivered", 30005)
        await world.twilio.report(sid, "delivered")
        await life.settle()
        (row,) = await life.rows("SELECT state FROM v_outbox WHERE provider_id IS NOT NULL AND case_id IS NOT NULL"
                                 " AND person = 'pat'")  # fmt: skip
        assert row["state"] == "failed"
        assert any("dead or wrong" in text for text in life.phone(CASS))


async def test_two_houses_never_act_on_one_file(tmp_path: Path, world: Sandbox, engine: str) -> None:
    """P19: the second refuses to start. Where the database is made for several, it is another node of the same house."""
    async with living(tmp_path, world) as life:
        second = House(load(environ(tmp_path, world), tmp_path))
        if engine == "sqlite":
            with pytest.raises(AlreadyOpen):
                await second.__aenter__()
            return
        async with second:
            for port in (life.house.port, second.port):
                world.twilio.house_url = f"http://127.0.0.1:{port}"
                await life.text(PAT, "MISSING 20:55", MessageSid="SM" + "7" * 32)
                await second.settle()
            assert 1 == len(await life.rows("SELECT id FROM v_case"))
            assert 1 == len(await life.rows("SELECT external_id FROM v_inbox"))
            assert 1 == len([text for text in life.phone(PAT) if text.startswith("Absence check")])


async def test_a_database_of_the_sandbox_is_never_taken_live(tmp_path: Path, world: Sandbox) -> None:
    """Made-up people must not be mistaken for real ones, nor the other way round."""
    given = environ(tmp_path, world)
    set_clock(tmp_path, EVENING)
    async with House(load({**given, "PORCHLIGHT_MODE": "sandbox"}, tmp_path)) as house:
        assert house.sandbox is not None
    with pytest.raises(AnotherMode):
        async with House(load(given, tmp_path)):
            pass


async def test_telegram_off_sends_everything_by_text(tmp_path: Path, world: Sandbox) -> None:
    """A way that is not open must not swallow an alert: Cass has both, and reads it once, by SMS."""
    async with living(tmp_path, world, TELEGRAM_MODE="off") as life:
        await life.text(PAT, "MISSING 20:55")
        await life.text(PAT, "WORRIED")
        await life.settle()
        assert len([text for text in life.phone(CASS) if text.startswith("ESC ")]) == 1
        assert not await life.rows(
            "SELECT 1 FROM v_outbox WHERE channel = 'telegram' AND state = 'queued' AND kind = 'alert'"
        )


async def test_polling_hears_what_was_typed(tmp_path: Path, world: Sandbox) -> None:
    """Where no webhook can reach the house it asks; settle takes what waits there."""
    async with living(tmp_path, world, TELEGRAM_MODE="polling") as life:
        await world.telegram.types("1001", "/absent K7 20:55")
        for _ in range(200):
            await life.settle()
            if await life.rows("SELECT 1 FROM v_case"):
                break
        assert await life.rows("SELECT 1 FROM v_case")


@pytest.mark.slow
def test_the_sandbox_says_ready_on_stdout_and_sleeps_when_told(tmp_path: Path) -> None:
    """One line on stdout, the log on stderr, and SIGTERM ends it with 0."""
    env = {"PATH": os.environ["PATH"], "HTTP_BIND": "127.0.0.1:0", "PYTHONPATH": str(ROOT), "PORCHLIGHT_LOG": "json"}
    command = [sys.executable, "-m", "bot", "run"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as p:
        assert p.stdout is not None
        line = p.stdout.readline()
        p.send_signal(signal.SIGTERM)
        rest, log = p.communicate(timeout=30)
    assert json.loads(line)["ready"] is True and rest == "" and p.returncode == 0
    assert all(json.loads(each) for each in log.splitlines())

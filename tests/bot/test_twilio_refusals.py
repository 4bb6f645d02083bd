"""Each way in which Twilio refuses a text, at once or later, in a whole house: what arrives instead, when, and who is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from tests.bot.living import EVENING, Living, a_world, living
from tests.databases import ON_BOTH

pytestmark = ON_BOTH

ALICE, MO, ALICE_TEXTED = "1001", "1002", "+447700900101"
ASKED = "in danger"


@pytest.fixture
async def world() -> AsyncIterator[Sandbox]:
    async with a_world() as made:
        yield made


async def reports(life: Living) -> None:
    """Alice reports by text, so that she is asked by text; she has Telegram, too."""
    await life.text(ALICE_TEXTED, "MISSING K7 20:30")
    await life.settle()
    await life.world.twilio.travel()
    await life.settle()


def asked(life: Living, number: str, channel: str) -> int:
    return sum(ASKED in text for text in life.phone(number, channel))


async def lost(life: Living) -> list[str]:
    return [text for text in life.phone(MO, "telegram") if "nothing of ours arrives by text" in text]


async def dead(life: Living) -> bool:
    return {"person": "alice"} in await life.rows("SELECT person FROM dead_channel WHERE channel = 'sms'")


@pytest.mark.parametrize("code", [21211, 21614, 21635])
async def test_a_number_that_is_refused_as_dead(tmp_path: Path, world: Sandbox, code: int) -> None:
    """P10: the question stands on Telegram in the same moment; Mo hears that the number is dead, by name."""
    async with living(tmp_path, world) as life:
        world.twilio.failures.plant("create", times=9, status=400, code=code)
        await reports(life)
        assert asked(life, ALICE, "telegram") == 1 and await dead(life) and await lost(life)


@pytest.mark.parametrize("code", [30005, 30006])
async def test_a_number_that_proves_dead_later(tmp_path: Path, world: Sandbox, code: int) -> None:
    """The callback says so: the same, in the moment in which it comes."""
    async with living(tmp_path, world) as life:
        world.twilio.fates[ALICE_TEXTED] = ("undelivered", code)
        await reports(life)
        assert asked(life, ALICE, "telegram") == 1 and await dead(life) and await lost(life)


@pytest.mark.parametrize("code", [21408, 21606, 99999])
async def test_a_text_that_is_refused_for_another_reason(tmp_path: Path, world: Sandbox, code: int) -> None:
    """Our own set-up, or a code nobody listed: another way in the same moment; her number is not taken for dead."""
    async with living(tmp_path, world) as life:
        world.twilio.failures.plant("create", times=9, status=400, code=code)
        await reports(life)
        assert asked(life, ALICE, "telegram") == 1 and not await dead(life)


@pytest.mark.parametrize(
    ("status", "code"), [("undelivered", 30004), ("undelivered", 30007), ("failed", 99999), ("failed", 0)]
)
async def test_a_text_that_was_not_delivered_for_another_reason(
    tmp_path: Path, world: Sandbox, status: str, code: int
) -> None:
    """Blocked, filtered, unknown, no code at all: another way in the moment in which it is known, once."""
    async with living(tmp_path, world) as life:
        world.twilio.fates[ALICE_TEXTED] = (status, code)
        await reports(life)
        assert asked(life, ALICE, "telegram") == 1 and not await dead(life)
        assert asked(life, ALICE_TEXTED, "sms") == 1


@pytest.mark.parametrize("code", [30001, 30003, 30008])
async def test_a_phone_that_could_not_be_reached_just_now(tmp_path: Path, world: Sandbox, code: int) -> None:
    """Another way at once, and the same text again after 15 seconds: a phone that is off is on again."""
    async with living(tmp_path, world) as life:
        world.twilio.fates[ALICE_TEXTED] = ("undelivered", code)
        await reports(life)
        assert (asked(life, ALICE, "telegram"), asked(life, ALICE_TEXTED, "sms")) == (1, 1)
        del world.twilio.fates[ALICE_TEXTED]
        life.now(EVENING + timedelta(seconds=15))
        await life.settle()
        assert (asked(life, ALICE, "telegram"), asked(life, ALICE_TEXTED, "sms")) == (1, 2)


async def test_a_text_that_outlived_its_use_on_the_way(tmp_path: Path, world: Sandbox) -> None:
    """30036: it is expired and not failed; whoever is to act has the words another way."""
    async with living(tmp_path, world) as life:
        world.twilio.fates[ALICE_TEXTED] = ("undelivered", 30036)
        await reports(life)
        states = await life.rows("SELECT state FROM outbox WHERE channel = 'sms' AND person = 'alice' AND text = 'C01'")
        assert states == [{"state": "expired"}] and asked(life, ALICE, "telegram") == 1


@pytest.mark.parametrize(
    ("status", "code"), [(429, 20429), (400, 14107), (500, 20500), (503, 0), (401, 20003), (404, 20404)]
)
async def test_what_passes_by_itself_is_tried_again(tmp_path: Path, world: Sandbox, status: int, code: int) -> None:
    """Busy, broken or badly set up: five seconds later, by text; it is no repeat, for it was plainly not taken."""
    async with living(tmp_path, world) as life:
        world.twilio.failures.plant("create", status=status, code=code)
        await reports(life)
        assert asked(life, ALICE_TEXTED, "sms") == 0
        life.now(EVENING + timedelta(seconds=5))
        await life.settle()
        assert (asked(life, ALICE_TEXTED, "sms"), asked(life, ALICE, "telegram")) == (1, 0)
        assert not any(text.startswith("REPEAT") for text in life.phone(ALICE_TEXTED))

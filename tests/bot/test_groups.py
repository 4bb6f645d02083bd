"""A group chat through the real client: it hears beside everybody's own alert, it moves, it shuts the bot out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import Sandbox
from tests.bot.living import CASS, Living, a_world, after, living
from tests.databases import ON_BOTH

pytestmark = ON_BOTH

GROUP, SUPERGROUP = -5001, -1009000
MO, CASS_HERE = 1002, "1003"


@pytest.fixture
async def world() -> AsyncIterator[Sandbox]:
    async with a_world() as made:
        yield made


@asynccontextmanager
async def bound(folder: Path, world: Sandbox) -> AsyncIterator[Living]:
    """Mo bound the group of Oak House."""
    async with living(folder, world) as life:
        message: dict[str, Any] = {
            "message_id": 1, "date": int(life.house.clock.now().timestamp()), "text": "/bind oak",
            "chat": {"id": GROUP, "type": "group", "title": "Oak"},
            "from": {"id": MO, "is_bot": False, "first_name": "Mo"},
        }  # fmt: skip
        assert await life.update({"update_id": 1, "message": message}) == 200
        await life.settle()
        yield life


async def an_alert(life: Living) -> None:
    """Alice is worried about Kai."""
    await life.says(2, 1001, "/absent K7 20:30")
    await life.says(3, 1001, "/worried")
    await life.settle()


async def test_a_group_hears_beside_everybodys_own_alert(tmp_path: Path, world: Sandbox) -> None:
    """Codes alone there; Cass is alerted on both channels as ever."""
    async with bound(tmp_path, world) as life:
        await an_alert(life)
        heard = life.phone(str(GROUP), "telegram")
        assert "codes alone" in heard[0] and heard[1].endswith("/ack " + heard[1][:3]), heard
        assert "Kai" not in heard[1] and "K7" not in heard[1]
        assert any(text.startswith("ESC ") for text in life.phone(CASS_HERE, "telegram"))
        assert any(text.startswith("ESC ") for text in life.phone(CASS))


async def test_a_group_does_not_read_of_an_alert_that_was_taken_meanwhile(tmp_path: Path, world: Sandbox) -> None:
    """Telegram was down; Cass took it by text. When it is back the group reads who has it, and no call to take it."""
    async with bound(tmp_path, world) as life:
        before = len(life.phone(str(GROUP), "telegram"))
        await life.says(2, 1001, "/absent K7 20:30")
        world.telegram.failures.plant("*", times=10_000, code=502, description="Bad Gateway")
        await life.says(3, 1001, "/worried")
        await life.settle()
        digits = life.phone(CASS)[-1].partition("ACK ")[2].split(".")[0]
        assert await life.text(CASS, f"ACK {digits}") == 204
        await life.settle()
        world.telegram.failures.waiting.clear()
        life.now(after(minutes=1))
        await life.settle()
        (read,) = life.phone(str(GROUP), "telegram")[before:]
        assert "taken" in read


async def test_a_group_that_became_a_supergroup_gets_the_same_alert_once(tmp_path: Path, world: Sandbox) -> None:
    """B051: the refusal names the new number; the letter goes there at once, and so does every other from now on."""
    async with bound(tmp_path, world) as life:
        world.telegram.moved[str(GROUP)] = SUPERGROUP
        await an_alert(life)
        assert len(life.phone(str(SUPERGROUP), "telegram")) == 1
        assert await life.rows("SELECT chat_id FROM group_chat") == [{"chat_id": SUPERGROUP}]
        asked = len([name for name, fields in world.telegram.calls if str(fields.get("chat_id")) == str(GROUP)])
        life.now(after(minutes=1))
        await life.says(4, MO, "/ack")
        await life.settle()
        assert len(life.phone(str(SUPERGROUP), "telegram")) == 2
        assert asked == len([name for name, fields in world.telegram.calls if str(fields.get("chat_id")) == str(GROUP)])


async def test_a_group_that_shut_the_bot_out_costs_nobody_their_alert(tmp_path: Path, world: Sandbox) -> None:
    """B052: Cass is alerted at the same instant; Mo, who answers for the home, hears that the group is lost, once."""
    async with bound(tmp_path, world) as life:
        world.telegram.left.add(str(GROUP))
        await an_alert(life)
        await life.settle()
        assert any(text.startswith("ESC ") for text in life.phone(CASS_HERE, "telegram"))
        lost = [text for text in life.phone(str(MO), "telegram") if "takes our alerts no more" in text]
        assert len(lost) == 1
        assert (await life.rows("SELECT fault FROM group_chat WHERE dead_at IS NOT NULL"))[0][
            "fault"
        ] == "403 bot was kicked"

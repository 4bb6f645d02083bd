"""Each way in which Telegram refuses, in a whole house: what arrives instead, when, and who is told."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from tests.bot.living import EVENING, Living, a_world, living
from tests.databases import ON_BOTH

pytestmark = ON_BOTH

ALICE, MO, CASS, ALICE_TEXTED, CASS_TEXTED = "1001", "1002", "1003", "+447700900101", "+447700900301"


@pytest.fixture
async def world() -> AsyncIterator[Sandbox]:
    async with a_world() as made:
        yield made


async def an_alert(life: Living) -> None:
    """Alice is worried about Kai; Cass is to hear of it at once."""
    await life.says(2, 1001, "/absent K7 20:30")
    await life.says(3, 1001, "/worried")
    await life.settle()


def blocked(world: Sandbox, chat: str) -> None:
    world.telegram.blocked.add(chat)


def deactivated(world: Sandbox, chat: str) -> None:
    world.telegram.deactivated.add(chat)


def not_found(world: Sandbox, chat: str) -> None:
    world.telegram.unknown.add(chat)


@pytest.mark.parametrize("dead", [blocked, deactivated, not_found])
async def test_an_account_where_nothing_arrives(
    tmp_path: Path, world: Sandbox, dead: Callable[[Sandbox, str], None]
) -> None:
    """B050, B059: the same words by text in the same moment; who answers for the home hears so by name, on Telegram alone."""
    async with living(tmp_path, world) as life:
        dead(world, ALICE)
        await an_alert(life)
        texted = life.phone(ALICE_TEXTED)
        assert any("RING 101 NOW" in text for text in texted) and any("is K in danger now" in text for text in texted)
        assert [
            text for text in life.phone(MO, "telegram") if text.startswith("Alice Example: nothing of ours arrives")
        ]
        assert await life.rows("SELECT person, channel FROM dead_channel") == [
            {"person": "alice", "channel": "telegram"}
        ]
        life.now(EVENING + timedelta(minutes=15))
        await life.settle()
        assert len(life.phone(ALICE_TEXTED)) > len(texted) and calls(world, ALICE) == 1  # not tried there again


async def test_who_shuts_the_bot_out_while_letters_wait(tmp_path: Path, world: Sandbox) -> None:
    """Telegram says so before anything is refused: each of them goes by text, once, and nothing is tried there at all."""
    async with living(tmp_path, world) as life:
        dead = {"id": 1001, "is_bot": False, "first_name": "x"}
        await life.says(2, 1001, "/absent K7 20:30")
        blocked(world, ALICE)
        await life.update(
            {"update_id": 3, "my_chat_member": {
                "chat": {"id": 1001, "type": "private"}, "from": dead, "date": 1,
                "old_chat_member": {"status": "member", "user": dead},
                "new_chat_member": {"status": "kicked", "user": dead, "until_date": 0},
            }}
        )  # fmt: skip
        for minutes in (0, 1, 2):
            life.now(EVENING + timedelta(minutes=minutes))
            await life.settle()
        assert calls(world, ALICE) == 0
        assert len([text for text in life.phone(ALICE_TEXTED) if "is K in danger now" in text]) == 1


@pytest.mark.parametrize("code", [500, 502, 503])
async def test_a_telegram_that_stumbles_is_tried_again(tmp_path: Path, world: Sandbox, code: int) -> None:
    """B054: five seconds later, on Telegram; nobody is told, for nothing is lost."""
    async with living(tmp_path, world) as life:
        world.telegram.failures.plant("sendMessage", code=code, description="Bad Gateway")
        await life.says(2, 1001, "/absent K7 20:30")
        await life.settle()
        before = len(life.phone(ALICE, "telegram"))
        life.now(EVENING + timedelta(seconds=5))
        await life.settle()
        assert len(life.phone(ALICE, "telegram")) > before and life.phone(ALICE_TEXTED) == []


async def test_a_wait_of_a_quarter_of_an_hour_is_no_wait(tmp_path: Path, world: Sandbox) -> None:
    """B053: retry_after 900 on Alice's chat. Her question is texted in the same moment; Cass is alerted as ever."""
    async with living(tmp_path, world) as life:
        world.telegram.failures.plant("sendMessage", code=429, description="Too Many Requests", retry_after=900)
        await life.says(2, 1001, "/absent K7 20:30")
        await life.settle()
        assert any("is K in danger now" in text for text in life.phone(ALICE_TEXTED))
        await life.says(3, 1001, "/worried")
        await life.settle()
        assert any("RING 101 NOW" in text for text in life.phone(ALICE_TEXTED))
        assert any(text.startswith("ESC ") for text in life.phone(CASS, "telegram"))
        assert calls(world, ALICE) == 1  # the chat was left alone


async def test_a_short_wait_is_kept_and_nobody_elses(tmp_path: Path, world: Sandbox) -> None:
    """retry_after 20 on Cass's chat: she is texted at once, as ever, and her card comes then; Alice does not wait for it."""
    async with living(tmp_path, world) as life:
        world.telegram.failures.plant("sendMessage", code=429, description="Too Many Requests", retry_after=20)
        await an_alert(life)
        assert any("RING 101 NOW" in text for text in life.phone(ALICE, "telegram"))
        assert any(text.startswith("ESC ") for text in life.phone(CASS_TEXTED))
        for second in (0, 19, 20):
            life.now(EVENING + timedelta(seconds=second))
            await life.settle()
            assert (calls(world, CASS), len(life.phone(CASS, "telegram"))) == ((1, 0) if second < 20 else (2, 1))


@pytest.mark.parametrize("words", ["can't parse entities: at byte 7", "BUTTON_DATA_INVALID"])
async def test_markup_that_is_refused_costs_the_buttons_and_not_the_words(
    tmp_path: Path, world: Sandbox, words: str
) -> None:
    """B057: in the same moment, plain; the typed form of each button still works."""
    async with living(tmp_path, world) as life:
        world.telegram.failures.plant("sendMessage", code=400, description=f"Bad Request: {words}")
        await life.says(2, 1001, "/absent K7 20:30")
        await life.settle()
        (asked,) = world.board.phone("telegram", ALICE)
        assert "in danger right now" in asked.text and asked.buttons == ()
        await life.says(3, 1001, "No")
        await life.settle()
        assert "CheckAnswered" in [row["kind"] for row in await life.rows("SELECT kind FROM v_event")]


@pytest.mark.parametrize("description", ["Bad Request: message is too long", "Bad Request: a word of tomorrow"])
async def test_a_letter_that_is_refused_for_itself_goes_another_way(
    tmp_path: Path, world: Sandbox, description: str
) -> None:
    """Unknown never means stop: by text in the same moment, and the account is not taken for dead."""
    async with living(tmp_path, world) as life:
        world.telegram.failures.plant("sendMessage", code=400, description=description)
        await life.says(2, 1001, "/absent K7 20:30")
        await life.settle()
        assert any("is K in danger now" in text for text in life.phone(ALICE_TEXTED))
        assert await life.rows("SELECT person FROM dead_channel") == []


async def test_a_chat_that_is_closed_to_us_just_now_is_not_dead(tmp_path: Path, world: Sandbox) -> None:
    """A 403 of another kind: by text in the same moment, and Telegram is tried again."""
    async with living(tmp_path, world) as life:
        words = "Forbidden: bot can't initiate conversation with a user"
        world.telegram.failures.plant("sendMessage", code=403, description=words)
        await life.says(2, 1001, "/absent K7 20:30")
        await life.settle()
        assert any("is K in danger now" in text for text in life.phone(ALICE_TEXTED))
        assert await life.rows("SELECT person FROM dead_channel") == []
        life.now(EVENING + timedelta(seconds=300))
        await life.settle()
        assert life.phone(ALICE, "telegram")


async def test_a_token_that_was_revoked_is_everybodys_other_way(tmp_path: Path, world: Sandbox) -> None:
    """B060: nothing leaves by Telegram. Whoever has a mobile is texted within a minute."""
    async with living(tmp_path, world) as life:
        world.telegram.token = "42:" + "z" * 35
        await an_alert(life)
        assert any(text.startswith("ESC ") for text in life.phone(CASS_TEXTED))
        for second in (5, 20, 50, 60):
            life.now(EVENING + timedelta(seconds=second))
            await life.settle()
        assert any("RING 101 NOW" in text for text in life.phone(ALICE_TEXTED))


def calls(world: Sandbox, chat: str) -> int:
    """How often the bot tried to write there."""
    return sum(name == "sendMessage" and str(fields["chat_id"]) == chat for name, fields in world.telegram.calls)


async def presses(life: Living, number: int) -> None:
    """Alice presses "No" on her newest card; Telegram has forgotten the press by the time it is answered."""
    card = life.world.board.phone("telegram", ALICE)[-1]
    token = next(token for row in card.buttons for label, token in row if label == "No")
    press = {
        "id": f"older than 150 s {number}", "chat_instance": "1", "data": token,
        "from": {"id": 1001, "is_bot": False, "first_name": "x"},
        "message": {"message_id": card.message_id, "date": 1, "chat": {"id": 1001, "type": "private"}, "text": "x"},
    }  # fmt: skip
    assert await life.update({"update_id": number, "callback_query": press}) == 200
    await life.settle()


async def test_a_press_whose_answer_comes_too_late_counts(tmp_path: Path, world: Sandbox) -> None:
    """B036: `query is too old` is about the spinner. What was pressed is recorded, and the card moves on."""
    async with living(tmp_path, world) as life:
        await life.says(2, 1001, "/absent K7 20:30")
        await life.settle()
        await presses(life, 9)
        assert "answerCallbackQuery" in [name for name, _ in world.telegram.calls] and world.telegram.toasts == {}
        assert "CheckAnswered" in [row["kind"] for row in await life.rows("SELECT kind FROM v_event")]
        assert "in danger right now" not in world.board.phone("telegram", ALICE)[-1].text


@pytest.mark.parametrize(
    ("words", "cards"),
    [
        ("message is not modified: specified new message content is exactly the same", 1),
        ("message to edit not found", 2), ("message can't be edited", 2), ("BUTTON_DATA_INVALID", 2),
    ],
)  # fmt: skip
async def test_a_card_that_cannot_be_changed(tmp_path: Path, world: Sandbox, words: str, cards: int) -> None:
    """B058: `message is not modified` is success; whatever else is wrong with the card, the question is sent anew in the
    same moment, on Telegram."""
    async with living(tmp_path, world) as life:
        await life.says(2, 1001, "/absent K7 20:30")
        await life.settle()
        world.telegram.failures.plant("editMessageText", code=400, description=f"Bad Request: {words}")
        await presses(life, 9)
        assert world.telegram.failures.waiting["editMessageText"] == []
        assert len(world.board.phone("telegram", ALICE)) == cards and life.phone(ALICE_TEXTED) == []
        states = await life.rows("SELECT state FROM outbox WHERE person = 'alice' AND channel = 'telegram'")
        assert {row["state"] for row in states} == {"sent"}

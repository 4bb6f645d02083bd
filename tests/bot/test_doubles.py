"""Each refusal of the doubles, triggered through the real aiogram and Twilio clients over HTTP."""

import asyncio
from datetime import timedelta

import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup
from twilio.base.exceptions import TwilioRestException

from bot.sandbox import NUMBER
from bot.sandbox.twilio import sign
from tests.bot.doubles import doubles

ALICE, PAT = 1001, "+447700900201"


def a_keyboard(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Yes", callback_data=data)]])


async def test_a_message_arrives_with_its_buttons():
    """What is sent stands on the phone, protected, with its keyboard."""
    async with doubles() as d:
        sent = await d.bot.send_message(ALICE, "Back?", reply_markup=a_keyboard("t1"), protect_content=True)
        (shown,) = d.sandbox.board.phone("telegram", "1001")
        assert (shown.message_id, shown.text, shown.buttons, shown.protected) == (
            sent.message_id, "Back?", ((("Yes", "t1"),),), True,
        )  # fmt: skip


async def test_markup_that_does_not_parse_is_refused():
    """A name like `<b` in HTML mode loses the whole alert."""
    async with doubles() as d:
        for text in ("<b>open", "</b>", "a < b", "<script>x</script>"):
            with pytest.raises(TelegramBadRequest, match="can't parse entities"):
                await d.bot.send_message(ALICE, text, parse_mode="HTML")
        assert (await d.bot.send_message(ALICE, "<b>fine</b> &lt;x", parse_mode="HTML")).text == "fine <x"


async def test_callback_data_is_one_to_sixty_four_bytes():
    """Bytes, not characters."""
    async with doubles() as d:
        await d.bot.send_message(ALICE, "x", reply_markup=a_keyboard("a" * 64))
        for data in ("a" * 65, "é" * 33):
            with pytest.raises(TelegramBadRequest, match="BUTTON_DATA_INVALID"):
                await d.bot.send_message(ALICE, "x", reply_markup=a_keyboard(data))


async def test_a_text_is_at_most_4096_characters():
    """4,096 go, 4,097 do not, and nothing at all does not."""
    async with doubles() as d:
        await d.bot.send_message(ALICE, "x" * 4096)
        with pytest.raises(TelegramBadRequest, match="message is too long"):
            await d.bot.send_message(ALICE, "x" * 4097)
        with pytest.raises(TelegramBadRequest, match="message text is empty"):
            await d.bot.send_message(ALICE, "  ")


async def test_chats_that_cannot_be_written_to():
    """Blocked and deactivated are 403; a chat nobody knows is 400."""
    async with doubles() as d:
        telegram = d.sandbox.telegram
        telegram.blocked.add("1"), telegram.deactivated.add("2"), telegram.unknown.add("3")
        with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
            await d.bot.send_message(1, "x")
        with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
            await d.bot.send_message(2, "x")
        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await d.bot.send_message(3, "x")


async def test_too_many_requests_says_when_to_come_again():
    """429 carries retry_after; the next call goes."""
    async with doubles() as d:
        d.sandbox.telegram.failures.plant("sendMessage", code=429, description="Too Many Requests", retry_after=3)
        with pytest.raises(TelegramRetryAfter) as refused:
            await d.bot.send_message(ALICE, "x")
        assert refused.value.retry_after == 3
        await d.bot.send_message(ALICE, "x")


async def test_a_wrong_token_is_unauthorized():
    """401, whatever the method."""
    async with doubles() as d:
        d.sandbox.telegram.token = "2:other"
        with pytest.raises(TelegramUnauthorizedError):
            await d.bot.get_me()


async def test_edits():
    """An edit that changes nothing is refused in Telegram's words, and so is one of no message."""
    async with doubles() as d:
        sent = await d.bot.send_message(ALICE, "one")
        await d.bot.edit_message_text("two", chat_id=ALICE, message_id=sent.message_id)
        with pytest.raises(TelegramBadRequest, match="message is not modified"):
            await d.bot.edit_message_text("two", chat_id=ALICE, message_id=sent.message_id)
        with pytest.raises(TelegramBadRequest, match="message to edit not found"):
            await d.bot.edit_message_text("x", chat_id=ALICE, message_id=9999)
        await d.bot.delete_message(ALICE, sent.message_id)
        assert d.sandbox.board.phone("telegram", "1001") == []


async def test_a_press_lives_150_seconds():
    """Answering it later is refused; the press itself was heard."""
    async with doubles() as d:
        sent = await d.bot.send_message(ALICE, "x", reply_markup=a_keyboard("t"))
        update = await d.sandbox.telegram.presses("1001", sent.message_id, "t")
        press = update["callback_query"]["id"]
        await d.bot.answer_callback_query(press, text="Recorded")
        d.sandbox.clock.set(d.sandbox.clock.now() + timedelta(seconds=151))
        with pytest.raises(TelegramBadRequest, match="query is too old"):
            await d.bot.answer_callback_query(press)


async def test_polling_confirms_only_what_the_offset_passes():
    """What was not confirmed comes again; a poll waits for what is to come."""
    async with doubles() as d:
        await d.sandbox.telegram.types("1001", "/help")
        (first,) = await d.bot.get_updates(timeout=0)
        (again,) = await d.bot.get_updates(timeout=0)
        assert (first.update_id, first.message.text) == (again.update_id, "/help")
        waiting = asyncio.create_task(d.bot.get_updates(offset=first.update_id + 1, timeout=20))
        await asyncio.sleep(0)
        await d.sandbox.telegram.types("1001", "hello")
        (second,) = await waiting
        assert second.message.text == "hello"


async def test_polling_and_a_webhook_exclude_each_other():
    """409 while a webhook is set."""
    async with doubles() as d:
        await d.bot.set_webhook("http://127.0.0.1:1/telegram/webhook", secret_token="s" * 40)
        with pytest.raises(TelegramConflictError):
            await d.bot.get_updates(timeout=0)


async def test_documents_and_files():
    """A PDF goes out as a document; a photo comes in by getFile."""
    async with doubles() as d:
        await d.bot.send_document(ALICE, BufferedInputFile(b"%PDF-", "A17.pdf"), caption="Report", protect_content=True)
        (shown,) = d.sandbox.board.phone("telegram", "1001")
        assert (shown.document, shown.data, shown.text, shown.protected) == ("A17.pdf", b"%PDF-", "Report", True)
        update = await d.sandbox.telegram.sends_photo("1001", b"jpeg")
        file = await d.bot.get_file(update["message"]["photo"][0]["file_id"])
        got = await d.bot.download_file(file.file_path)
        assert got.read() == b"jpeg"
        with pytest.raises(TelegramBadRequest, match="wrong file_id"):
            await d.bot.get_file("nothing")


async def test_a_text_is_taken_and_stands_on_the_phone():
    """201 with the message's resource."""
    async with doubles() as d:
        sent = await d.twilio.messages.create_async(to=PAT, from_=NUMBER, body="A17 Q1.")
        assert (sent.status, sent.direction) == ("queued", "outbound-api")
        assert [m.text for m in d.sandbox.board.phone("sms", PAT)] == ["A17 Q1."]
        assert (await d.twilio.messages(sent.sid).fetch_async()).body == "A17 Q1."


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"to": "hello", "from_": NUMBER, "body": "x"}, 21211),
        ({"to": PAT, "body": "x"}, 21603),
        ({"to": PAT, "from_": NUMBER, "body": ""}, 21602),
        ({"to": PAT, "from_": NUMBER, "body": "x" * 1601}, 21617),
    ],
)
async def test_texts_that_twilio_refuses(message, code):
    """Each with its own code."""
    async with doubles() as d:
        with pytest.raises(TwilioRestException) as refused:
            await d.twilio.messages.create_async(**message)
        assert refused.value.code == code


async def test_numbers_that_twilio_will_not_text():
    """Opted out, landline, a region that is not enabled."""
    async with doubles() as d:
        double = d.sandbox.twilio
        double.opted_out.add("+447700900111"), double.landlines.add("+447700900112"), double.abroad.add("+447700900113")
        for number, code in (("+447700900111", 21610), ("+447700900112", 21614), ("+447700900113", 21408)):
            with pytest.raises(TwilioRestException) as refused:
                await d.twilio.messages.create_async(to=number, from_=NUMBER, body="x")
            assert refused.value.code == code


async def test_twilio_is_busy_or_does_not_know_us():
    """429 with 20429; 401 with 20003."""
    async with doubles() as d:
        d.sandbox.twilio.failures.plant("create", status=429, code=20429, words="Too Many Requests")
        with pytest.raises(TwilioRestException) as busy:
            await d.twilio.messages.create_async(to=PAT, from_=NUMBER, body="x")
        assert (busy.value.status, busy.value.code) == (429, 20429)
        d.sandbox.twilio.auth_token = "other"
        with pytest.raises(TwilioRestException) as unknown:
            await d.twilio.messages.create_async(to=PAT, from_=NUMBER, body="x")
        assert (unknown.value.status, unknown.value.code) == (401, 20003)


def test_the_signature_is_twilios():
    """The library's own validator accepts what the double signs, blanks and all."""
    from twilio.request_validator import RequestValidator

    form = {"Body": "", "From": PAT, "ToCity": "", "MessageSid": "SM1"}
    url = "https://porchlight.example/twilio/sms"
    assert RequestValidator("secret").validate(url, form, sign("secret", url, form))

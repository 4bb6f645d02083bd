"""What the doubles send to a house: Telegram's webhook with its tries, Twilio's signed forms and callbacks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError, TelegramForbiddenError
from aiogram.types import BotCommand, BufferedInputFile, Update
from aiohttp import web
from aiohttp.test_utils import TestServer
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from bot.sandbox import AUTH_TOKEN, NUMBER
from tests.bot.doubles import doubles

ALICE, PAT = 1001, "+447700900201"
PUBLIC, SECRET = "https://porchlight.example", "s" * 40


@dataclass
class Listener:
    """A house that only listens. `answers` are the statuses of its next answers; then it says 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    retry_after: str = ""
    updates: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    forms: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            self.updates.append(await request.json())
            self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        else:
            form = {name: str(value) for name, value in (await request.post()).items()}
            self.forms.append((str(request.rel_url), form, request.headers["X-Twilio-Signature"]))
        headers = {"Retry-After": self.retry_after} if self.retry_after else {}
        return web.Response(status=self.answers.pop(0) if self.answers else 204, headers=headers)

    def words(self) -> list[str]:
        return [update["message"]["text"] for update in self.updates if "message" in update]


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Any, Listener]]:
    """Both doubles, led to a listener."""
    house = Listener()
    app = web.Application()
    app.router.add_post("/{path:.*}", house.hear)
    async with TestServer(app) as server, doubles() as d:
        house.url = f"http://127.0.0.1:{server.port}"
        d.sandbox.telegram.updates.house_url = d.sandbox.twilio.house_url = house.url
        d.sandbox.twilio.public_url = PUBLIC
        yield d, house


def later(d: Any, **time: float) -> None:
    d.sandbox.clock.set(d.sandbox.clock.now() + timedelta(**time))


# ---- Telegram ----


async def test_an_update_reaches_the_webhook_with_its_secret():
    """The header proves that it is Telegram."""
    async with listening() as (d, house):
        await d.bot.set_webhook(f"{PUBLIC}/telegram/webhook", secret_token=SECRET)
        await d.sandbox.telegram.types("1001", "/help")
        assert (house.words(), house.secrets) == (["/help"], [SECRET])
        assert (await d.bot.get_webhook_info()).pending_update_count == 0


async def test_a_webhook_that_fails_is_tried_at_once_then_after_2_4_8_seconds():
    """Until it says yes; the same update each time."""
    async with listening() as (d, house):
        updates = d.sandbox.telegram.updates
        await d.bot.set_webhook(f"{PUBLIC}/telegram/webhook", secret_token=SECRET)
        house.answers = [500, 500, 500, 204]
        await d.sandbox.telegram.types("1001", "hello")
        await updates.push()
        await updates.push()
        assert len(house.updates) == 2, "not before two seconds are over"
        later(d, seconds=2)
        await updates.push()
        later(d, seconds=4)
        assert await updates.push() == 1
        assert len({update["update_id"] for update in house.updates}) == 1
        info = await d.bot.get_webhook_info()
        assert (info.pending_update_count, "500" in (info.last_error_message or "")) == (0, True)


async def test_retry_after_is_honoured():
    """503 with Retry-After: 5 is not tried before five seconds are over."""
    async with listening() as (d, house):
        await d.bot.set_webhook(f"{PUBLIC}/telegram/webhook", secret_token=SECRET)
        house.answers, house.retry_after = [503], "5"
        await d.sandbox.telegram.types("1001", "hello")
        later(d, seconds=4)
        assert await d.sandbox.telegram.updates.push() == 0
        later(d, seconds=1)
        assert await d.sandbox.telegram.updates.push() == 1


async def test_one_persons_poison_holds_up_that_person_and_that_kind_alone():
    """A5: updates queue per person and kind; a press overtakes a text that is stuck."""
    async with listening() as (d, house):
        await d.bot.set_webhook(f"{PUBLIC}/telegram/webhook", secret_token=SECRET)
        sent = await d.bot.send_message(ALICE, "Back?")
        house.answers = [500]
        await d.sandbox.telegram.types("1001", "poison")
        house.answers = [500]  # it is tried again at once, and fails again: now it waits two seconds
        await d.sandbox.telegram.types("1001", "behind it")
        await d.sandbox.telegram.types("1005", "from Ben")
        await d.sandbox.telegram.presses("1001", sent.message_id, "t")
        assert house.words() == ["poison", "poison", "from Ben"]
        assert "callback_query" in house.updates[-1]
        later(d, seconds=2)
        await d.sandbox.telegram.updates.push()
        assert house.words()[3:] == ["poison", "behind it"]


async def test_updates_die_after_a_day_and_presses_after_150_seconds():
    """What was not taken by then is gone without a word."""
    async with doubles() as d:
        sent = await d.bot.send_message(ALICE, "Back?")
        await d.sandbox.telegram.types("1001", "hello")
        await d.sandbox.telegram.presses("1001", sent.message_id, "t")
        later(d, seconds=150)
        assert [u.event_type for u in await d.bot.get_updates(timeout=0)] == ["message"]
        later(d, hours=24)
        assert await d.bot.get_updates(timeout=0) == []


async def test_two_houses_cannot_poll_one_bot():
    """409 for the one that asked first."""
    async with doubles() as d:
        first = asyncio.create_task(d.bot.get_updates(timeout=20))
        while not d.sandbox.telegram.calls:  # noqa: ASYNC110  # a double keeps no event for a call that came
            await asyncio.sleep(0)
        second = asyncio.create_task(d.bot.get_updates(timeout=20))
        with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
            await first
        await d.sandbox.telegram.types("1001", "hello")
        assert [u.message and u.message.text for u in await second] == ["hello"]


async def test_only_the_kinds_that_were_asked_for_come():
    """allowed_updates; whoever never asked gets all but the rare ones."""
    async with doubles() as d:
        assert await d.bot.get_updates(timeout=0, allowed_updates=["message"]) == []
        await d.sandbox.telegram.blocks("1005")
        await d.sandbox.telegram.types("1001", "hello")
        assert [u.event_type for u in await d.bot.get_updates(timeout=0)] == ["message"]


async def test_who_blocks_the_bot_is_told_of_and_not_reached():
    """my_chat_member, then 403."""
    async with doubles() as d:
        await d.sandbox.telegram.blocks("1001")
        (update,) = await d.bot.get_updates(timeout=0)
        assert update.my_chat_member is not None
        assert update.my_chat_member.new_chat_member.status == "kicked"
        with pytest.raises(TelegramForbiddenError):
            await d.bot.send_message(ALICE, "x")


async def test_an_edit_of_ones_own_words_is_an_update_of_its_own():
    """edited_message, with the new words and the old message's number."""
    async with doubles() as d:
        first = await d.sandbox.telegram.types("1001", "no")
        await d.sandbox.telegram.edits("1001", first["message"]["message_id"], "yes")
        edited = (await d.bot.get_updates(timeout=0))[1].edited_message
        assert edited is not None
        assert (edited.message_id, edited.text) == (first["message"]["message_id"], "yes")


async def test_webhooks_files_commands_and_old_messages_that_are_refused():
    """Each in Telegram's own words."""
    async with doubles() as d:
        with pytest.raises(TelegramBadRequest, match="HTTPS URL must be provided"):
            await d.bot.set_webhook("http://porchlight.example/x", secret_token=SECRET)
        with pytest.raises(TelegramBadRequest, match="secret token contains unallowed characters"):
            await d.bot.set_webhook(f"{PUBLIC}/x", secret_token="no spaces please")
        with pytest.raises(TelegramBadRequest, match="message caption is too long"):
            await d.bot.send_document(ALICE, BufferedInputFile(b"%PDF-", "A17.pdf"), caption="x" * 1025)
        with pytest.raises(TelegramBadRequest, match="unsupported parse_mode"):
            await d.bot.send_message(ALICE, "x", parse_mode="MarkdownV2")
        with pytest.raises(TelegramBadRequest, match="BOT_COMMAND_INVALID"):
            await d.bot.set_my_commands([BotCommand(command="Not a word", description="x")])
        await d.bot.set_my_commands([BotCommand(command="absent", description="Report a child")])
        sent = await d.bot.send_message(ALICE, "x")
        later(d, hours=49)
        with pytest.raises(TelegramBadRequest, match="can't be deleted"):
            await d.bot.delete_message(ALICE, sent.message_id)
        photo = await d.bot.send_photo(ALICE, BufferedInputFile(b"jpeg", "x.jpg"), caption="c")
        assert photo.photo is not None
        assert (await d.bot.get_file(photo.photo[0].file_id)).file_size == 4


async def test_every_update_is_read_by_aiograms_models():
    """What a house gets is what Telegram would send."""
    async with doubles() as d:
        people = d.sandbox.telegram
        sent = await d.bot.send_message(ALICE, "Back?")
        updates = [
            await people.types("1001", "/absent K7"), await people.presses("1001", sent.message_id, "t"),
            await people.sends_photo("1001", b"jpeg", "at the gate"), await people.sends_location("1001", 51.5, -0.1),
            await people.blocks("1001"),
        ]  # fmt: skip
        assert [Update.model_validate(u).event_type for u in updates] == [
            "message", "callback_query", "message", "message", "my_chat_member",
        ]  # fmt: skip


# ---- Twilio ----


async def test_a_text_comes_signed_for_the_public_address_with_its_blank_fields():
    """The library's own validator accepts it, and refuses it once a blank field is dropped."""
    async with listening() as (d, house):
        assert (204, "") == await d.sandbox.twilio.texts(PAT, "MISSING")
        ((path, form, signature),) = house.forms
        validator = RequestValidator(AUTH_TOKEN)
        assert (path, form["Body"], form["FromCity"]) == ("/twilio/sms", "MISSING", "")
        assert validator.validate(f"{PUBLIC}{path}", form, signature)
        assert not validator.validate(f"{PUBLIC}{path}", {k: v for k, v in form.items() if v}, signature)


async def test_a_text_that_is_not_taken_goes_to_the_fallback_once():
    """No retries: one call of the fallback, with what went wrong, and then silence."""
    async with listening() as (d, house):
        house.answers = [503, 204]
        await d.sandbox.twilio.texts(PAT, "MISSING")
        (_, _, _), (path, form, _) = house.forms
        assert (path, form["ErrorCode"], form["ErrorUrl"]) == ("/twilio/sms-fallback", "11200", f"{PUBLIC}/twilio/sms")
        d.sandbox.twilio.house_url = "http://127.0.0.1:1"
        assert (0, "") == await d.sandbox.twilio.texts(PAT, "MISSING")


async def test_callbacks_tell_sent_then_how_it_ended():
    """No callback for `queued`; each is signed over its own address, query and all."""
    async with listening() as (d, house):
        d.sandbox.twilio.fates["+447700900202"] = ("undelivered", 30005)
        for number in (PAT, "+447700900202"):
            await d.twilio.messages.create_async(
                to=number, from_=NUMBER, body="x", status_callback=f"{PUBLIC}/twilio/status?m=7"
            )
        assert await d.sandbox.twilio.travel() == 2
        assert await d.sandbox.twilio.travel() == 0
        told = [(form["MessageStatus"], form.get("ErrorCode")) for _, form, _ in house.forms]
        assert told == [("sent", None), ("delivered", None), ("sent", None), ("undelivered", "30005")]
        for path, form, signature in house.forms:
            assert path == "/twilio/status?m=7"
            assert RequestValidator(AUTH_TOKEN).validate(f"{PUBLIC}{path}", form, signature)


async def test_stop_mutes_the_number_and_start_opens_it_again():
    """The network answers for itself, and the house hears of both words."""
    async with listening() as (d, house):
        for word, muted in (("STOP", True), ("start", False)):
            await d.sandbox.twilio.texts(PAT, word)
            assert (PAT in d.sandbox.twilio.opted_out) is muted
            if muted:
                with pytest.raises(TwilioRestException) as refused:
                    await d.twilio.messages.create_async(to=PAT, from_=NUMBER, body="x")
                assert refused.value.code == 21610
        await d.twilio.messages.create_async(to=PAT, from_=NUMBER, body="x")
        assert [form["Body"] for _, form, _ in house.forms] == ["STOP", "start"]


async def test_messages_are_listed_newest_first_and_page_by_page():
    """As a house does that was down: everything to our number since then."""
    async with listening() as (d, _):
        for number in range(5):
            await d.sandbox.twilio.texts(PAT, str(number))
            later(d, minutes=1)
        since = d.sandbox.clock.now() - timedelta(minutes=3)
        found = await d.twilio.messages.list_async(to=NUMBER, date_sent_after=since, page_size=2)
        assert [m.body for m in found] == ["4", "3", "2"]


async def test_words_can_be_taken_out_of_a_message_that_has_ended():
    """Not before: 20009."""
    async with listening() as (d, _):
        sent = await d.twilio.messages.create_async(to=PAT, from_=NUMBER, body="x")
        with pytest.raises(TwilioRestException) as refused:
            await d.twilio.messages(sent.sid).update_async(body="")
        assert refused.value.code == 20009
        await d.sandbox.twilio.travel()
        assert (await d.twilio.messages(sent.sid).update_async(body="")).body == ""


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"to": PAT, "from_": "+447700900999", "body": "x"}, 21606),
        ({"to": NUMBER, "from_": NUMBER, "body": "x"}, 21266),
        ({"to": PAT, "from_": NUMBER, "body": "x", "status_callback": "nowhere"}, 21609),
        ({"to": PAT, "messaging_service_sid": "MG1", "body": "x"}, 21603),
    ],
)
async def test_senders_and_addresses_that_twilio_refuses(message, code):
    """Each with its own code."""
    async with doubles() as d:
        with pytest.raises(TwilioRestException) as refused:
            await d.twilio.messages.create_async(**message)
        assert refused.value.code == code

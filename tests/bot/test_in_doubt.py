"""A text that may have gone out: Twilio is asked before it goes again, and then it says that it is a repeat."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bot.channels.sms import SmsChannel
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, Sandbox
from scheduler.postman import drain
from storage import outbox, outbox_claims
from storage.outbox import Letter
from tests.bot.living import a_world
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import A_LETTER, put, states
from tests.storage.houses import EVENING, House, a_house

pytestmark = ON_BOTH

PAT = "+447700900201"
A_TEXT = replace(A_LETTER, channel="sms", person="pat", address=PAT)


@asynccontextmanager
async def a_line(folder: Path) -> AsyncIterator[tuple[House, Sandbox, SmsChannel]]:
    async with a_world() as world, a_house(folder) as h:
        channel = SmsChannel(
            account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, api_url=world.twilio_url, sender=NUMBER, service_sid="",
            public_url="https://porch.example", now=h.clock.now,
        )  # fmt: skip
        try:
            yield h, world, channel
        finally:
            await channel.close()


async def taken(h: House) -> Letter:
    """The letter in the hands of a house that is about to die."""
    (letter,) = await h.database.write(lambda tx: outbox_claims.claim(tx, EVENING, 8, channel="sms"))
    return letter


async def a_new_life(h: House, channel: SmsChannel) -> None:
    await h.database.write(outbox.recover)
    await drain(h.casebook, {"sms": channel}, EVENING)


def phone(world: Sandbox) -> list[str]:
    return [shown.text for shown in world.board.phone("sms", PAT)]


async def test_a_text_that_went_out_before_the_crash_is_found_and_not_sent_again(tmp_path: Path) -> None:
    """The house died between sending and writing it down."""
    async with a_line(tmp_path) as (h, world, channel):
        await put(h, A_TEXT)
        receipt = await channel.send(await taken(h))
        await a_new_life(h, channel)
        assert (phone(world), await states(h)) == (["hello"], {"letter-1": "sent"})
        rows = await h.database.read(lambda tx: tx.rows("SELECT provider_id FROM v_outbox"))
        assert [row["provider_id"] for row in rows] == [receipt.provider_id]


async def test_a_text_that_never_went_out_goes_as_a_repeat(tmp_path: Path) -> None:
    """Twilio does not know it; it may not know it yet, so that it says what it may be."""
    async with a_line(tmp_path) as (h, world, channel):
        await put(h, A_TEXT)
        await taken(h)
        await a_new_life(h, channel)
        assert phone(world) == ["REPEAT: hello"]


async def test_the_same_words_of_an_earlier_letter_are_not_taken_for_this_one(tmp_path: Path) -> None:
    """An alert is said again every five minutes; the one before it proves nothing."""
    async with a_line(tmp_path) as (h, world, channel):
        await channel.send(replace(A_TEXT, id="letter-0"))
        later = h.clock.after(minutes=5)
        world.clock.set(later)
        await put(h, A_TEXT)
        await h.database.write(lambda tx: outbox_claims.claim(tx, later, 8, channel="sms"))
        await a_new_life(h, channel)
        assert phone(world) == ["hello", "REPEAT: hello"]


async def test_a_copy_that_came_to_nothing_does_not_count(tmp_path: Path) -> None:
    """Twilio had it and could not deliver it: it goes again."""
    async with a_line(tmp_path) as (h, world, channel):
        await put(h, A_TEXT)
        receipt = await channel.send(await taken(h))
        world.twilio.messages[receipt.provider_id]["status"] = "failed"
        await a_new_life(h, channel)
        assert phone(world) == ["hello", "REPEAT: hello"]


async def test_a_callback_alone_proves_a_send_that_was_never_written_down(tmp_path: Path) -> None:
    """Our own id stands in its address: nothing goes again, and Twilio need not even be asked."""
    async with a_line(tmp_path) as (h, world, channel):
        await put(h, A_TEXT)
        receipt = await channel.send(await taken(h))
        await h.database.write(outbox.recover)
        await h.database.write(lambda tx: outbox.sent(tx, "letter-1", receipt.provider_id, EVENING, heard=True))
        await drain(h.casebook, {"sms": channel}, EVENING)
        assert (phone(world), await states(h)) == (["hello"], {"letter-1": "sent"})

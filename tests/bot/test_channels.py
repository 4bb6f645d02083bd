"""What every channel must do alike: one file with one method, that takes a letter or says why not, and tells nobody's name.

A new channel stands in `KINDS`, and its provider in `provider.line`.
"""

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot import logs
from scheduler.outbox import Receipt, Refused, Unreachable
from tests.bot.provider import CHAT, MAILBOX, NAME, NUMBER, Line, Mood, line

KINDS = ("telegram", "sms", "whatsapp", "voice", "email", "webhook")
FILES = Path(__file__).parents[2] / "bot" / "channels"
NO_PROVIDER = {"file", "off"}
BESIDE = {
    "__init__", "opening", "papers", "long_text", "telegram_methods", "room", "scheduled", "last_resort", "received",
}  # fmt: skip


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the house writes to its log, libraries and all; not what the mail server at the other end writes to its own."""
    before, kept, level = structlog.get_config(), list(logging.getLogger().handlers), logging.getLogger().level
    stream = io.StringIO()
    logs.set_up("json", (), stream)
    logging.getLogger("mail.log").propagate = False
    yield stream
    logging.getLogger("mail.log").propagate = True
    structlog.configure(**before)
    logging.getLogger().handlers[:] = kept
    logging.getLogger().setLevel(level)


def test_every_channel_that_there_is_is_tried_here() -> None:
    """A file that nobody tries is a channel that nobody knows."""
    there = {path.stem for path in FILES.glob("*.py")} - BESIDE - NO_PROVIDER
    assert there == set(KINDS) - {"whatsapp"}


@pytest.mark.parametrize("kind", KINDS)
async def test_it_takes_a_letter(kind: str) -> None:
    """One request, and the provider's name for it; `name` is the letter's channel."""
    async with line(kind) as made:
        receipt = await made.channel.send(made.letter)
        assert isinstance(receipt, Receipt) and receipt.provider_id
        assert (made.arrived(), made.channel.name) == (1, made.letter.channel)


@pytest.mark.parametrize("kind", KINDS)
async def test_it_refuses_for_ever(kind: str) -> None:
    """The provider will not: said once, for good, with whether the address is dead. WhatsApp's says nothing of the number."""
    async with line(kind) as made:
        made.become("refuses")
        with pytest.raises(Refused) as caught:
            await made.channel.send(made.letter)
        assert (made.arrived(), caught.value.dead) == (1, kind != "whatsapp")


@pytest.mark.parametrize("kind", ["telegram", "sms", "whatsapp", "voice"])
async def test_a_yes_that_nobody_can_read_leaves_a_doubt(kind: str) -> None:
    """It was perhaps taken: it goes again as a repeat, or is looked for first. What an endpoint says is its own."""
    async with line(kind) as made:
        made.become("garbled")
        with pytest.raises(Unreachable) as caught:
            await made.channel.send(made.letter)
        assert caught.value.in_doubt and made.arrived() == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mood", ["busy", "broken"])
async def test_it_comes_again_and_not_by_itself(kind: str, mood: Mood) -> None:
    """Busy or broken is not now; only the outbox tries again, so that nothing goes out three times; and then it is taken."""
    async with line(kind) as made:
        made.become(mood)
        with pytest.raises(Unreachable) as caught:
            await made.channel.send(made.letter)
        assert made.arrived() == 1
        if mood == "busy" and kind in ("telegram", "webhook"):  # the others do not say how long
            assert caught.value.retry_after_seconds == 7
        made.become("takes")
        assert isinstance(await made.channel.send(made.letter), Receipt)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_silent_provider_does_not_hold_the_post(kind: str) -> None:
    """A real time-out, of the channel's own, and the next letter goes."""
    async with line(kind) as made:
        made.become("silent")
        async with asyncio.timeout(10):
            with pytest.raises(Unreachable):
                await made.channel.send(made.letter)
        made.become("takes")
        assert isinstance(await made.channel.send(made.letter), Receipt)


@pytest.mark.parametrize("kind", KINDS)
async def test_letters_side_by_side_do_not_wait_for_each_other(kind: str) -> None:
    """Eight at once are eight requests."""
    async with line(kind) as made:
        taken = await asyncio.gather(*(made.channel.send(made.letter) for _ in range(8)))
        assert (len(taken), made.arrived()) == (8, 8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mood", ["takes", "refuses", "busy", "broken", "silent"])
async def test_it_never_tells_the_log_whom_it_wrote_to(kind: str, mood: Mood, log: io.StringIO) -> None:
    """Providers quote names, numbers and addresses in what they answer: neither the fault nor anything behind it does."""
    async with line(kind) as made:
        made.become(mood)
        fault = await _fate(made)
    assert (fault is None) == (mood == "takes")
    told = "".join(traceback.format_exception(fault)) if fault else ""  # the log scrubs numbers, this does not
    assert bool(log.getvalue()) == (mood != "takes")
    for secret in (NAME, NUMBER, NUMBER[1:], CHAT, MAILBOX, "token-of-ours", "a" * 35):
        assert secret not in log.getvalue() + told + repr(fault), secret


async def _fate(made: Line) -> Exception | None:
    """Send as the postman does, and write a fault down with all that hangs behind it."""
    try:
        await made.channel.send(made.letter)
    except (Refused, Unreachable) as fault:
        structlog.get_logger().exception("letter not taken", code=fault.code)
        return fault
    return None

"""Twilio's double and texts that are to leave later, with the real client in front of it."""

from datetime import timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.bot.doubles import NOON, Doubles, doubles

PAT = "+447700900201"
SERVICE = "MG" + "5a" * 16
LATER = {"to": PAT, "body": "A17", "messaging_service_sid": SERVICE, "schedule_type": "fixed"}


def shown(d: Doubles) -> list[str]:
    return [m.text for m in d.sandbox.board.phone("sms", PAT)]


async def test_it_leaves_at_its_time_on_the_networks_clock():
    """Not a moment before, once, and whether or not a house is there."""
    async with doubles() as d:
        sent = await d.twilio.messages.create_async(**LATER, send_at=NOON + timedelta(minutes=5))
        assert (sent.status, sent.messaging_service_sid) == ("scheduled", SERVICE)
        d.sandbox.clock.set(NOON + timedelta(minutes=4, seconds=59))
        assert await d.sandbox.twilio.travel() == 0 and shown(d) == []
        d.sandbox.clock.set(NOON + timedelta(minutes=5))
        assert await d.sandbox.twilio.travel() == 1 and shown(d) == ["A17"]
        assert await d.sandbox.twilio.travel() == 0
        assert (await d.twilio.messages(sent.sid).fetch_async()).status == "delivered"


async def test_one_that_was_called_back_never_leaves():
    """Calling back one that is called back, has left, or never waited is refused: 30409."""
    async with doubles() as d:
        sent = await d.twilio.messages.create_async(**LATER, send_at=NOON + timedelta(minutes=5))
        assert (await d.twilio.messages(sent.sid).update_async(status="canceled")).status == "canceled"
        d.sandbox.clock.set(NOON + timedelta(days=1))
        await d.sandbox.twilio.travel()
        assert shown(d) == []
        with pytest.raises(TwilioRestException) as refused:
            await d.twilio.messages(sent.sid).update_async(status="canceled")
        assert refused.value.code == 30409


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        ({"send_at": NOON + timedelta(seconds=299)}, 35114),
        ({"send_at": NOON + timedelta(days=35, seconds=1)}, 35114),
        ({}, 35111),
        ({"send_at": NOON + timedelta(hours=1), "messaging_service_sid": None, "from_": "+441632960200"}, 35118),
    ],
)
async def test_what_cannot_be_scheduled(ask: dict[str, Any], code: int):
    """Too soon, too far ahead, without an instant, outside a Messaging Service."""
    async with doubles() as d:
        with pytest.raises(TwilioRestException) as refused:
            await d.twilio.messages.create_async(**(LATER | ask))
        assert refused.value.code == code and not d.sandbox.twilio.timetable.standing()

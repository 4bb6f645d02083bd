"""The real Twilio client over HTTP: what is sent, how long it lives, and what each refusal means to the outbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from bot.channels.last_resort import LastResort
from bot.channels.off import OffChannel
from bot.channels.sms import SmsChannel
from scheduler.outbox import Refused, Unreachable
from storage.outbox import AGAIN, Letter

NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
PAT = "+447700900201"
LETTER = Letter(
    id="letter-1/a&b", case_id="org1-1", person="pat", channel="sms", address=PAT, text="P04", body="A17 Q4. Siân?",
    keyboard=(), kind="question", urgency=3, edit=None, protect=True, document=None, case_card=False, due_at=NOW,
    expires_at=NOW + timedelta(minutes=10), tries=1,
)  # fmt: skip


class Twilio:
    """A server that answers as it is told and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.status = 201
        self.answer: dict[str, object] = {"sid": "SM" + "0" * 32, "status": "queued"}
        self.silent = False
        self.garbled = False  # it says yes, and no JSON
        self.list_status = 200
        self.url = ""

    async def create(self, request: web.Request) -> web.Response:
        fields = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        self.heard.append((request.path, fields))
        if self.silent:
            await asyncio.sleep(60)
        return web.Response(text="<html>") if self.garbled else web.json_response(self.answer, status=self.status)

    async def list(self, request: web.Request) -> web.Response:
        """What came so far, as Twilio lists it."""
        told = [
            {"sid": "SM" + "0" * 32, "body": fields["Body"], "to": fields["To"], "status": "queued",
             "direction": "outbound-api", "date_created": format_datetime(NOW)}
            for _, fields in self.heard if fields["To"] == request.query["To"]
        ]  # fmt: skip
        return web.json_response({"messages": told, "next_page_uri": None}, status=self.list_status)

    async def fetch(self, request: web.Request) -> web.Response:
        return web.json_response({"sid": request.match_info["sid"], "status": "undelivered", "error_code": 30005})

    def refuses(self, status: int, code: int) -> None:
        self.status = status
        self.answer = {"code": code, "message": f"The number {PAT} is odd", "status": str(status)}


@asynccontextmanager
async def a_line(seconds: float = 5, service: str = "") -> AsyncIterator[tuple[Twilio, SmsChannel]]:
    double = Twilio()
    app = web.Application()
    app.router.add_post("/base/2010-04-01/Accounts/AC1/Messages.json", double.create)
    app.router.add_get("/base/2010-04-01/Accounts/AC1/Messages.json", double.list)
    app.router.add_get("/base/2010-04-01/Accounts/AC1/Messages/{sid}.json", double.fetch)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}/base/"
    channel = SmsChannel(
        account_sid="AC1", auth_token="t", api_url=double.url,
        sender="" if service else "+441632960200", service_sid=service, public_url="https://porch.example/",
        now=lambda: NOW, seconds=seconds,
    )  # fmt: skip
    try:
        yield double, channel
    finally:
        await channel.close()
        await runner.cleanup()


async def test_a_letter_goes_out_as_one_request() -> None:
    """Its words, its sender, our own id in the callback, and no longer life than the question itself."""
    async with a_line() as (double, channel):
        receipt = await channel.send(LETTER)
        ((_, fields),) = double.heard
        assert receipt.provider_id == "SM" + "0" * 32
        assert (fields["To"], fields["From"], fields["Body"]) == (PAT, "+441632960200", LETTER.body)
        assert fields["StatusCallback"] == "https://porch.example/twilio/status?m=letter-1%2Fa%26b"
        assert fields["ValidityPeriod"] == "600"


@pytest.mark.parametrize(
    ("kind", "expires", "seconds"),
    [
        ("question", None, 900), ("question", timedelta(minutes=7), 420), ("question", timedelta(days=1), 900),
        ("alert", None, 3600), ("notice", None, 14400), ("reply", timedelta(0), 1), ("alert", timedelta(hours=-1), 1),
    ],
)  # fmt: skip
async def test_no_text_arrives_long_after_its_time(kind: str, expires: timedelta | None, seconds: int) -> None:
    """A13: Twilio's own ten hours would bring tonight's question tomorrow."""
    async with a_line() as (double, channel):
        await channel.send(replace(LETTER, kind=kind, expires_at=None if expires is None else NOW + expires))
        assert double.heard[0][1]["ValidityPeriod"] == str(seconds)


async def test_a_messaging_service_sends_where_no_number_is_set() -> None:
    """One of the two is enough."""
    async with a_line(service="MG1") as (double, channel):
        await channel.send(LETTER)
        assert double.heard[0][1]["MessagingServiceSid"] == "MG1" and "From" not in double.heard[0][1]


@pytest.mark.parametrize(
    ("code", "dead"), [(21211, True), (21610, True), (21614, True), (21408, False), (99999, False)]
)
async def test_a_refusal_is_for_good_and_says_whether_the_number_is_dead(code: int, dead: bool) -> None:
    """P10: routed around at once; an unknown code concerns this letter alone."""
    async with a_line() as (double, channel):
        double.refuses(400, code)
        with pytest.raises(Refused) as caught:
            await channel.send(LETTER)
        assert (caught.value.code, caught.value.dead) == (str(code), dead)


@pytest.mark.parametrize(
    ("status", "code"), [(429, 20429), (500, 20500), (503, 0), (401, 20003), (404, 20404), (400, 14107)]
)
async def test_what_passes_by_itself_is_tried_again_by_the_outbox_alone(status: int, code: int) -> None:
    """A8: busy, broken or badly set up is nobody's number; and the client itself never repeats a POST."""
    async with a_line() as (double, channel):
        double.refuses(status, code)
        with pytest.raises(Unreachable):
            await channel.send(LETTER)
        assert len(double.heard) == 1


async def test_a_silent_server_does_not_hold_the_post() -> None:
    """The library's own time-out does nothing: ours ends the request."""
    async with a_line(seconds=0.2) as (double, channel):
        double.silent = True
        async with asyncio.timeout(5):
            with pytest.raises(Unreachable):
                await channel.send(LETTER)


async def test_a_text_whose_answer_was_lost_is_looked_for_before_it_goes_again() -> None:
    """B055: Twilio took it, and the line was cut before it could say so."""
    async with a_line(seconds=0.2) as (double, channel):
        double.silent = True
        with pytest.raises(Unreachable) as lost:
            await channel.send(LETTER)
        assert lost.value.in_doubt
        double.silent = False
        again = replace(LETTER, body=f"{AGAIN}{LETTER.body}", doubt_since=NOW)
        assert (await channel.send(again)).provider_id == "SM" + "0" * 32
        assert len(double.heard) == 1


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_where_twilio_does_not_know_or_does_not_say_it_goes_again(status: int) -> None:
    """Asking must never be what keeps a letter back."""
    async with a_line() as (double, channel):
        double.list_status = status
        await channel.send(replace(LETTER, body=f"{AGAIN}{LETTER.body}", doubt_since=NOW))
        assert [fields["Body"] for _, fields in double.heard] == [f"{AGAIN}{LETTER.body}"]


@pytest.mark.parametrize(("status", "doubt"), [(500, False), (503, False), (429, False), (502, True), (504, True)])
async def test_only_an_answer_that_was_lost_leaves_a_doubt(status: int, doubt: bool) -> None:
    """Twilio's own no is a no: through two hours of outage, nobody's first text calls itself a repeat."""
    async with a_line() as (double, channel):
        double.refuses(status, 0)
        with pytest.raises(Unreachable) as late:
            await channel.send(LETTER)
        assert late.value.in_doubt is doubt


async def test_what_became_of_a_text_can_be_asked() -> None:
    """Its status and its code, as a callback would have said."""
    async with a_line() as (_, channel):
        assert await channel.word_on("SM" + "0" * 32) == ("undelivered", "30005")


async def test_a_dead_line_is_unreachable() -> None:
    """Nobody listens at that address: nothing was said, and there is no doubt."""
    async with a_line() as (_, channel):
        await channel.send(LETTER)
    dead = SmsChannel(account_sid="AC1", auth_token="t", api_url="http://127.0.0.1:1", sender="+441632960200",
                      service_sid="", public_url="https://porch.example", now=lambda: NOW)  # fmt: skip
    with pytest.raises(Unreachable) as unheard:
        await dead.send(LETTER)
    assert not unheard.value.in_doubt
    await dead.close()


async def test_the_last_resort_goes_on_to_the_next_number_whatever_is_answered() -> None:
    """P18: a page in place of an answer to the first text must not keep the second from leaving."""
    async with a_line() as (double, _):
        double.garbled = True
        few = LastResort(
            numbers=[PAT, "+447700900202"], account_sid="AC1", auth_token="t", api_url=double.url, sender="+441632960200",
            service_sid="", now=lambda: NOW,
        )  # fmt: skip
        assert await few.say("Porchlight has failed") == 0
        await few.close()
        assert [fields["To"] for _, fields in double.heard] == [PAT, "+447700900202"]


async def test_no_fault_quotes_a_number() -> None:
    """Twilio's errors name the recipient; ours name a code, also in what hangs behind them."""
    async with a_line() as (double, channel):
        for status in (400, 500):
            double.refuses(status, 21610)
            with pytest.raises((Refused, Unreachable)) as caught:
                await channel.send(LETTER)
            assert PAT not in repr(caught.value) and caught.value.__cause__ is None
            assert caught.value.__suppress_context__


async def test_a_channel_that_is_off_refuses_the_letter_and_not_the_address() -> None:
    """The person is reached by their other way, and by this one again once it is set up."""
    with pytest.raises(Refused) as caught:
        await OffChannel("sms").send(LETTER)
    assert not caught.value.dead

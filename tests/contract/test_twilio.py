"""What our channel asks of Twilio, and what the double answers, against Twilio's published OpenAPI description."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from twilio.rest import Client

from bot.channels.last_resort import LastResort
from bot.channels.scheduled import ScheduledTexts
from bot.channels.sms import RebasedHttpClient
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER, SERVICE_SID
from bot.sandbox.twilio_calls import Answer
from tests.contract.specs import TWILIO, description
from tests.contract.wire import PAT, Exchange, Wire, a_letter, a_wire

HOST = "https://api.twilio.com"
CASS = "+447700900301"
NUMBERS = re.compile(r"\+[1-9]\d{7,14}")


def described() -> OpenAPI:
    """Twilio's description, with the one format of its own that it names without saying what it is."""
    formats = Config(
        extra_format_validators={"phone-number": lambda text: NUMBERS.fullmatch(str(text)) is not None},
        extra_format_unmarshallers={"phone-number": str},
    )
    return OpenAPI.from_dict(description(TWILIO), config=formats)


async def a_night(wire: Wire) -> None:
    """The channel's own text, and every other call of the Messages API, by the real client."""
    await wire.sms.send(
        a_letter(channel="sms", address=PAT, keyboard=(), body="A17 Q1. Is K in danger now? 1 Yes 2 No")
    )
    await wire.twilio.texts(PAT, "2")
    await wire.twilio.travel()
    http = RebasedHttpClient(wire.url)
    client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http)
    try:
        (newest, *_) = await client.messages.list_async(to=PAT, page_size=20)
        assert newest.sid is not None
        await client.messages(newest.sid).fetch_async()
        await client.messages(newest.sid).update_async(body="")
        await client.messages.create_async(to=PAT, body="x", messaging_service_sid="MG" + "0" * 32)
        await client.messages.list_async(to=NUMBER, page_size=20)
    finally:
        await http.close()


async def a_death(wire: Wire) -> None:
    """Texts that outlive the house are left there, moved and looked up, and the few who are the last resort are told."""
    account: dict[str, Any] = {
        "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "api_url": wire.url, "service_sid": SERVICE_SID,
        "now": wire.twilio.now,
    }  # fmt: skip
    texts, few = ScheduledTexts(**account), LastResort(**account, numbers=[PAT], sender="")
    try:
        sid = await texts.schedule(PAT, "A17: we may be down", wire.twilio.now() + timedelta(minutes=10))
        assert await texts.waiting(PAT) == [(sid, "A17: we may be down")]
        await texts.call_back(sid)
        assert await few.say("Porchlight has failed") == 1 and await few.say("Porchlight has failed") == 0
    finally:
        await texts.close()
        await few.close()


async def some_calls(wire: Wire) -> None:
    """The channel's own call, and every other call of the Calls API, by the real client."""
    await wire.voice.send(a_letter(channel="voice", address=CASS, keyboard=(), body="Case A17"))
    wire.twilio.telephones.answers[CASS] = Answer("human")
    await wire.twilio.travel()
    http = RebasedHttpClient(wire.url)
    client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http)
    try:
        (newest, *_) = await client.calls.list_async(to=CASS, status="completed", page_size=20)
        assert newest.sid is not None
        await client.calls(newest.sid).fetch_async()
        await client.calls(newest.sid).update_async(status="completed")
    finally:
        await http.close()


def request_of(exchange: Exchange) -> MockRequest:
    """A request as it went over the wire, under Twilio's own host."""
    return MockRequest(
        HOST, exchange.method.lower(), exchange.path, args=exchange.query, data=exchange.body,
        headers={"Authorization": exchange.headers["Authorization"]},
        content_type=exchange.headers.get("Content-Type", "application/json").partition(";")[0],
    )  # fmt: skip


def request_faults(api: OpenAPI, exchange: Exchange) -> list[Any]:
    return list(api.unmarshal_request(request_of(exchange)).errors)


def answer_faults(api: OpenAPI, exchange: Exchange) -> list[Any]:
    answer = MockResponse(exchange.answer, status_code=exchange.status)
    return list(api.unmarshal_response(request_of(exchange), answer).errors)


async def test_every_request_and_every_answer_fit_the_description():
    """Paths, authorisation, forms and resources of create, list, fetch and update."""
    api = described()
    async with a_wire() as wire:
        await a_night(wire)
    assert [each.method for each in wire.exchanges] == ["POST", "GET", "GET", "POST", "POST", "GET"]
    for each in wire.exchanges:
        assert ([], []) == (request_faults(api, each), answer_faults(api, each)), each.path


async def test_every_field_of_a_form_is_one_that_twilio_knows():
    """The description lets unknown fields pass, so they are looked at one by one."""
    whole = description(TWILIO)
    async with a_wire() as wire:
        await a_night(wire)
    create = wire.exchanges[0]
    post = whole["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    known = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert set(create.fields) <= set(known)
    assert {"To", "Body", "From", "StatusCallback", "ValidityPeriod"} <= set(create.fields)


async def test_every_call_and_every_answer_about_one_fits_the_description():
    """The same of create, list, fetch and update of calls; no field that Twilio does not know."""
    api, whole = described(), description(TWILIO)
    async with a_wire() as wire:
        await some_calls(wire)
    assert [each.method for each in wire.exchanges] == ["POST", "GET", "GET", "POST"]
    for each in wire.exchanges:
        assert ([], []) == (request_faults(api, each), answer_faults(api, each)), each.path
    post = whole["paths"]["/2010-04-01/Accounts/{AccountSid}/Calls.json"]["post"]
    known = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    asked = set(wire.exchanges[0].fields)
    assert asked <= set(known)
    assert {"To", "From", "Url", "StatusCallback", "MachineDetection", "Timeout"} <= asked


async def test_every_text_that_outlives_the_house_fits_the_description():
    """Leaving, taking back and looking up; in a Messaging Service, at an instant, with no field that Twilio does not know."""
    api, whole = described(), description(TWILIO)
    async with a_wire() as wire:
        await a_death(wire)
    assert [each.method for each in wire.exchanges] == ["POST", "GET", "POST", "GET", "POST", "GET"]
    for each in wire.exchanges:
        assert ([], []) == (request_faults(api, each), answer_faults(api, each)), each.path
    post = whole["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    known = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    asked = set(wire.exchanges[0].fields)
    assert asked <= set(known) and {"MessagingServiceSid", "ScheduleType", "SendAt", "Body", "To"} <= asked


async def test_the_check_of_calls_can_fail():
    """A status that does not exist and a form without `From` are caught."""
    api = described()
    async with a_wire() as wire:
        await some_calls(wire)
    create = wire.exchanges[0]
    assert answer_faults(api, replace(create, answer=create.answer.replace(b'"queued"', b'"dialling"')))
    assert request_faults(api, replace(create, body=create.body.replace(b"From=", b"Frum=")))


async def test_the_check_can_fail():
    """A status that does not exist, a form without `To` and a request without authorisation are caught."""
    api = described()
    async with a_wire() as wire:
        await a_night(wire)
    create = wire.exchanges[0]
    assert answer_faults(api, replace(create, answer=create.answer.replace(b'"queued"', b'"flying"')))
    assert request_faults(api, replace(create, body=create.body.replace(b"To=", b"Too=")))
    assert request_faults(api, replace(create, headers={**create.headers, "Authorization": ""}))

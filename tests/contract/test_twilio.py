"""What our client asks of Twilio, and what the double answers, against Twilio's published OpenAPI description."""

import json
from typing import Any

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from bot.sandbox import ACCOUNT_SID, NUMBER
from tests.bot.doubles import doubles
from tests.contract.specs import TWILIO, description

PAT = "+447700900201"
PATH = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages"


async def test_what_we_send_and_what_the_double_answers_fit_the_description():
    """The form of each create, and the resource that comes back."""
    whole = description(TWILIO)
    api = OpenAPI.from_dict(whole)
    known = _form_fields(whole)
    async with doubles() as d:
        await d.twilio.messages.create_async(
            to=PAT, from_=NUMBER, body="A17 Q1.", status_callback="https://porchlight.example/twilio/status?m=1",
            validity_period=600, smart_encoded=True,
        )  # fmt: skip
        _, form = d.sandbox.twilio.calls[-1]
        (resource,) = d.sandbox.twilio.messages.values()
    assert set(form) <= known, set(form) - known
    assert {"To", "Body", "From", "StatusCallback", "ValidityPeriod"} <= set(form)
    assert _errors(api, "post", resource, 201) == []
    listed = {"messages": [resource], "end": 0, "first_page_uri": "x", "next_page_uri": None, "page": 0, "page_size": 50,
              "previous_page_uri": None, "start": 0, "uri": "x"}  # fmt: skip
    assert _errors(api, "get", listed, 200) == []


async def test_the_description_would_refuse_a_status_that_does_not_exist():
    """The check can fail: a double that answered `flying` would be caught."""
    api = OpenAPI.from_dict(description(TWILIO))
    async with doubles() as d:
        await d.twilio.messages.create_async(to=PAT, from_=NUMBER, body="x")
        (resource,) = d.sandbox.twilio.messages.values()
    wrong = {**resource, "status": "flying"}
    assert _errors(api, "post", wrong, 201) != []


def _form_fields(whole: Any) -> set[str]:
    post = whole["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    schema = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    return set(schema["properties"])


def _errors(api: OpenAPI, method: str, answer: Any, status: int) -> list[Any]:
    request = MockRequest("https://api.twilio.com", method, f"{PATH}.json")
    return list(api.unmarshal_response(request, MockResponse(json.dumps(answer).encode(), status_code=status)).errors)

"""Reports to an endpoint, over HTTP: the signature as a receiver checks it, and what each answer means."""

import base64
import hashlib
import hmac
import json
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.papers import Papers
from bot.channels.webhook import WebhookChannel, key_of
from scheduler.outbox import Refused, Unreachable
from storage.outbox import Letter

NOW = datetime(2026, 11, 25, 23, 1, tzinfo=UTC)
KEY = "k" * 40
LETTER = Letter(
    id="letter-1", case_id="org1-1", person="police", channel="webhook", address="", text="REPORT", body="",
    keyboard=(), kind="report", urgency=0, edit=None, protect=True, document="org1-1/2", case_card=False, due_at=NOW,
    expires_at=None, tries=1,
)  # fmt: skip
PAPERS = Papers(ref="A17", version=2, as_at=NOW, name="A17-v2", pdf=b"%PDF-1.7", json='{"child_name": "Siân"}'.encode())


@dataclass
class Endpoint:
    """A receiver that answers as it is told and keeps what came."""

    url: str = ""
    status: int = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    came: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    now: datetime = NOW

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((request.headers, await request.read()))
        return web.Response(status=self.status, headers=dict(self.headers))

    def letter(self) -> Letter:
        return replace(LETTER, address=self.url)


async def papers(letter: Letter) -> Papers:
    return PAPERS


@asynccontextmanager
async def a_line(*, here_only: bool = False) -> AsyncIterator[tuple[Endpoint, WebhookChannel]]:
    made, app = Endpoint(), web.Application()
    app.router.add_post("/reports", made.take)
    app.router.add_post("/elsewhere", made.take)
    async with TestServer(app) as server:
        made.url = f"http://127.0.0.1:{server.port}/reports"
        channel = WebhookChannel(key=KEY, papers=papers, now=lambda: made.now, here_only=here_only)
        try:
            yield made, channel
        finally:
            await channel.close()


def signed(key: str, headers: Mapping[str, str], body: bytes) -> bool:
    """As the page for receivers says it is checked."""
    wanted = hmac.new(key.encode(), f"{headers['Porchlight-Timestamp']}.".encode() + body, hashlib.sha256).hexdigest()
    return headers["Porchlight-Signature"] == f"v1={wanted}"


async def test_a_report_arrives_whole_and_signed() -> None:
    """The twin, the PDF, who it is about by ref, and a signature over the second and the very bytes."""
    async with a_line() as (endpoint, channel):
        receipt = await channel.send(endpoint.letter())
        ((headers, body),) = endpoint.came
    told = json.loads(body)
    assert (told["kind"], told["ref"], told["version"], told["delivery"]) == ("missing_report", "A17", 2, "letter-1")
    assert told["report"] == {"child_name": "Siân"} and base64.b64decode(told["pdf"]) == PAPERS.pdf
    assert headers["Porchlight-Timestamp"] == str(int(NOW.timestamp()))
    assert signed(key_of(KEY, endpoint.url), headers, body)
    assert headers["Porchlight-Delivery"] == receipt.provider_id == "letter-1"


async def test_a_changed_body_or_second_is_not_signed() -> None:
    """What a receiver relies on."""
    async with a_line() as (endpoint, channel):
        await channel.send(endpoint.letter())
        ((headers, body),) = endpoint.came
    key = key_of(KEY, endpoint.url)
    assert not signed(key, headers, body.replace(b'"version": 2', b'"version": 3'))
    assert not signed(key, {**headers, "Porchlight-Timestamp": "1"}, body)


async def test_each_try_has_its_own_second_and_the_same_delivery() -> None:
    """A receiver may refuse what is old, and knows a repeat."""
    async with a_line() as (endpoint, channel):
        await channel.send(endpoint.letter())
        endpoint.now += timedelta(seconds=45)
        await channel.send(endpoint.letter())
        (first, _), (again, body) = endpoint.came
    assert int(again["Porchlight-Timestamp"]) - int(first["Porchlight-Timestamp"]) == 45
    assert first["Porchlight-Delivery"] == again["Porchlight-Delivery"]
    assert first["Porchlight-Signature"] != again["Porchlight-Signature"] and signed(
        key_of(KEY, endpoint.url), again, body
    )


def test_whoever_keeps_one_endpoint_has_no_key_of_another() -> None:
    """Each has its own, and an operator makes it with what every machine has."""
    one, other = "https://one.example/r", "https://other.example/r"
    assert key_of(KEY, one) != key_of(KEY, other)
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", KEY], input=one.encode(), check=True, capture_output=True
    )
    assert made.stdout.decode().split()[-1] == key_of(KEY, one)


@pytest.mark.parametrize(("status", "dead"), [(400, False), (401, False), (404, False), (410, True), (302, False)])
async def test_a_no_is_for_good_and_nobody_is_followed_elsewhere(status: int, dead: bool) -> None:
    """A person hears of it at once; a redirection would take a child's report to an address that nobody agreed to."""
    async with a_line() as (endpoint, channel):
        endpoint.status, endpoint.headers = status, {"Location": "/elsewhere"}
        with pytest.raises(Refused) as caught:
            await channel.send(endpoint.letter())
        assert (caught.value.code, caught.value.dead, len(endpoint.came)) == (str(status), dead, 1)


@pytest.mark.parametrize(("said", "waits"), [("30", 30.0), ("99999999", 3600.0), ("Wed, 25 Nov", None), ("", None)])
async def test_a_busy_endpoint_says_how_long(said: str, waits: float | None) -> None:
    """429 and 503 come again, after the time they name, within reason."""
    async with a_line() as (endpoint, channel):
        endpoint.headers = {"Retry-After": said} if said else {}
        for endpoint.status in (429, 503):
            with pytest.raises(Unreachable) as caught:
                await channel.send(endpoint.letter())
            assert caught.value.retry_after_seconds == waits


async def test_a_tests_house_posts_to_this_machine_alone() -> None:
    """Whatever stands in its roster."""
    async with a_line(here_only=True) as (endpoint, channel):
        with pytest.raises(Refused):
            await channel.send(replace(LETTER, address="https://force.example/reports"))
        await channel.send(endpoint.letter())

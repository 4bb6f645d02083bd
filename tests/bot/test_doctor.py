"""The doctor finds by day what would fail on the night."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.doctor import proof, providers
from bot.doctor.found import Found
from bot.settings import load
from tests.bot.commands import ROSTER, Terminal, terminal
from tests.bot.mail_server import a_mail_server
from tests.databases import ON_BOTH

pytestmark = ON_BOTH

TOKEN = "777000:" + "A" * 35
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def says(findings: list[dict[str, Any]], level: str) -> list[str]:
    return [each["says"] for each in findings if each["level"] == level]


def test_a_sound_house_has_no_bad_finding(tmp_path: Path) -> None:
    """Exit 0; a draft protocol and a missing deputy are told all the same."""
    house = terminal(tmp_path)
    found = house.fine("doctor")
    assert says(found, "bad") == []
    assert any("is a draft" in each for each in says(found, "warn"))
    assert any("is deputy" in each for each in says(found, "warn"))


def test_a_home_with_nobody_on_call_is_found(tmp_path: Path) -> None:
    """T25: an alert to nobody; exit 1."""
    house = terminal(tmp_path, ROSTER.partition('[[person]]\nid = "mo"')[0])
    ran = house.run("doctor", "--json")
    assert ran.code == 1
    assert any("nobody who can be reached is coordinator" in each for each in says(ran.json, "bad"))
    assert any("the last rung reaches 0 people" in each for each in says(ran.json, "bad"))


def test_a_file_that_others_can_read_is_found(tmp_path: Path) -> None:
    """T19: secrets, database and reports are their owner's alone."""
    house = terminal(tmp_path)
    (tmp_path / "var" / "audit.key").chmod(0o644)
    ran = house.run("doctor", "--json")
    assert ran.code == 1
    assert any("audit.key can be read by others" in each for each in says(ran.json, "bad"))


def test_a_house_without_a_database_is_told_what_to_do(tmp_path: Path) -> None:
    """A finding, not a traceback."""
    house = Terminal(tmp_path, empty=True)
    house.at("2026-06-10T20:35:00Z")
    ran = house.run("doctor")
    assert ran.code == 1
    assert "porchlight migrate" in ran.out


class Providers:
    """Both providers' answers, as a test sets them."""

    def __init__(self) -> None:
        self.webhook: dict[str, Any] = {"url": "", "pending_update_count": 0}
        self.numbers: list[dict[str, Any]] = []
        self.token = TOKEN

    async def telegram(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return web.json_response({"ok": False, "error_code": 401}, status=401)
        asked = request.match_info["method"]
        return web.json_response(
            {"ok": True, "result": {"username": "porch_bot"} if asked == "getMe" else self.webhook}
        )

    async def twilio(self, request: web.Request) -> web.Response:
        return web.json_response({"incoming_phone_numbers": self.numbers})


SMS = "https://porch.example/twilio/sms"


@pytest.fixture
async def outside() -> AsyncIterator[tuple[Providers, str]]:
    answers, app = Providers(), web.Application()
    app.router.add_get("/bot{token}/{method}", answers.telegram)
    app.router.add_get("/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json", answers.twilio)
    async with TestServer(app) as server:
        yield answers, str(server.make_url("/")).rstrip("/")


async def asked(url: str, folder: Path, **more: str) -> list[Found]:
    settings = load(
        {
            "PORCHLIGHT_MODE": "live", "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": url, "TELEGRAM_MODE": "polling",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "secret-token", "TWILIO_API_URL": url,
            "TWILIO_FROM": "+441632960100", "PUBLIC_URL": "https://porch.example", "PORCHLIGHT_AUDIT_KEY": KEY,
            **more,
        },
        folder,
    )  # fmt: skip
    return await providers.examine(settings)


async def test_providers_that_know_this_house_are_well(outside: tuple[Providers, str], tmp_path: Path) -> None:
    """The bot's name, both clocks, and the addresses that Twilio would call."""
    answers, url = outside
    answers.numbers = [
        {"sms_url": f"{SMS}#rc=5&rp=all", "sms_fallback_url": f"{SMS}-fallback"},
        {"sms_url": f"{SMS}#rc=5&rp=all", "sms_fallback_url": "https://handler.twilio.example/EH1"},
    ]
    found = await asked(url, tmp_path)
    assert {each.level for each in found} == {"ok"}
    assert any("@porch_bot" in each.says for each in found)
    assert any("127.0.0.1" in each.says for each in found)


async def test_what_would_keep_messages_away_is_found(outside: tuple[Providers, str], tmp_path: Path) -> None:
    """Updates that wait, and a number whose texts go elsewhere."""
    answers, url = outside
    answers.webhook["pending_update_count"] = 400
    answers.numbers = [{"sms_url": "https://elsewhere.example", "sms_fallback_url": ""}]
    bad = [each.says for each in await asked(url, tmp_path) if each.level == "bad"]
    assert len(bad) == 2
    assert "sms_url=https://porch.example/twilio/sms" in bad[1]


async def test_a_text_that_would_be_brought_once_and_no_more_is_a_warning(
    outside: tuple[Providers, str], tmp_path: Path
) -> None:
    """Twilio tries again only where the address itself says so."""
    answers, url = outside
    answers.numbers = [{"sms_url": SMS, "sms_fallback_url": f"{SMS}-fallback"}]
    (warning,) = [each.says for each in await asked(url, tmp_path) if each.level == "warn"]
    assert f"{SMS}#rc=5&rp=all" in warning


async def test_a_number_that_nobody_can_be_rung_from_is_found(outside: tuple[Providers, str], tmp_path: Path) -> None:
    """And one whose callers would hear somebody else."""
    answers, url = outside
    answers.numbers = [
        {"capabilities": {"voice": False}},
        {"capabilities": {"voice": True}, "voice_url": "https://x.example"},
    ]
    found = [(each.level, each.says) for each in await asked(url, tmp_path)]
    assert ("bad", "the number of TWILIO_FROM cannot ring anybody") in found
    assert any(level == "warn" and "voice_url=https://porch.example/twilio/voice" in says for level, says in found)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_mail_server_that_would_take_no_report_is_found(outside: tuple[Providers, str], tmp_path: Path) -> None:
    """A password that was changed, or nobody there; nothing is sent by day."""
    _, url = outside
    async with a_mail_server(login=True) as server:
        at = f"127.0.0.1:{server.port}"
        right = await asked(url, tmp_path, SMTP_URL=f"smtp://porch:p%3Aw%40d@{at}")
        wrong = await asked(url, tmp_path, SMTP_URL=f"smtp://porch:wrong-word@{at}")
    gone = await asked(url, tmp_path, SMTP_URL="smtp://127.0.0.1:1", MAIL_FROM="duty@home.example")
    assert [each.level for each in right if each.what == "email"] == ["ok", "warn"]
    assert [each.says for each in wrong if each.what == "email"] == ["the mail server would take no report: 535"]
    assert [each.level for each in gone if each.what == "email"] == ["bad"]
    assert server.taken == [] and not [each for each in wrong if "wrong-word" in each.says]


async def test_a_refused_token_is_said_and_never_shown(outside: tuple[Providers, str], tmp_path: Path) -> None:
    """T20: the token is part of Telegram's URL."""
    answers, url = outside
    answers.token = "another"
    found = await asked(url, tmp_path)
    assert any("refused" in each.says for each in found if each.level == "bad")
    assert not any(TOKEN in each.says for each in found)


async def test_a_provider_that_is_away_is_a_finding(tmp_path: Path) -> None:
    """Nothing listens there; the doctor goes on."""
    bad = [each for each in await asked("http://127.0.0.1:9", tmp_path) if each.level == "bad"]
    assert [each.what for each in bad] == ["telegram", "twilio"]


def test_who_would_learn_of_a_death_is_looked_at(tmp_path: Path) -> None:
    """Each way that is not set up is told, and what for; in the sandbox nobody is to learn anything."""
    house = {"PORCHLIGHT_AUDIT_KEY": KEY, "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+441632960200",
             "PUBLIC_URL": "https://porch.example"}  # fmt: skip
    proved = {"PORCHLIGHT_HEARTBEAT_URL": "https://watch.example/x", "TWILIO_MESSAGING_SERVICE_SID": "MG" + "5a" * 16,
              "PORCHLIGHT_LAST_RESORT": "+447700900401", "PORCHLIGHT_CANARY": "+447700900500"}  # fmt: skip
    assert [each.level for each in proof.examine(load(house, tmp_path))] == ["warn"] * 4
    for name in proved:
        (warned,) = [
            each for each in proof.examine(load({**house, **proved, name: ""}, tmp_path)) if each.level == "warn"
        ]
        assert warned.says.startswith(f"{name} is not set")
    assert not list(proof.examine(load({}, tmp_path)))

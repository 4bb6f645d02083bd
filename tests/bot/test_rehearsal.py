"""A rehearsal of one night: what was planted is named and costs points, and nothing of it can touch a real house."""

import asyncio
import json
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pypdf import PdfReader

from bot.app import House
from bot.cli.rehearse import _apply
from bot.rehearsal.night import Night, adult_of
from bot.rehearsal.score import Point, Readiness
from bot.rehearsal.stage import Drill
from bot.sandbox import TOKEN
from bot.sandbox.switchboard import Sent
from bot.settings import load
from casework.report_script import NO_CHILD
from storage import roster
from storage.database import Tx
from storage.desk import Desk
from storage.pulse import AnotherMode
from tests.bot.commands import ROSTER, Ran, Terminal, terminal
from tests.databases import ON_BOTH
from tests.storage.houses import a_house

pytestmark = ON_BOTH

EVENING = datetime(2026, 6, 10, 21, 0, tzinfo=UTC)
DUTY_OF_THE_MANAGER = '\n[[duty]]\norganisation = "org1"\nrole = "manager"\nperson = "mo"\n'
READY = f"""{ROSTER}
[[person]]
id = "dee"
organisation = "org1"
name = "Dee Example"
roles = ["deputy"]
mobile = "+447700900302"
telegram_id = 1004

[[person]]
id = "ola"
organisation = "org1"
name = "Ola Example"
roles = ["owner"]
mobile = "+447700900303"
{DUTY_OF_THE_MANAGER}"""
EMPTY = READY.replace('roles = ["manager:oak"]', 'roles = ["staff:oak"]').replace(DUTY_OF_THE_MANAGER, "")
DEAD, SILENT = ("--dead", "+447700900303"), ("--silent", "dee")
PLANTED = {
    "an empty rung": (EMPTY, (), ["nobody holds the rung manager"]),
    "a dead number": (READY, DEAD, ["nothing arrives at sms of ola", "no alert reaches ola"]),
    "a person who never answers": (READY, SILENT, ["dee never answers"]),
}


@cache  # nobody's house has a part in it, so that it is the same on every engine
def rehearse(people: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Rehearse with these people and nobody's house; returns the exit code and what was answered."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "people.toml").write_text(people, encoding="utf-8")
        made = Terminal(folder)
        made.at("2026-06-10T20:35:00Z")
        ran = made.run("rehearse", "--roster", str(folder / "people.toml"), "--json", *more)
        assert list((folder / "var" / "drill").iterdir()) == [], "nothing is left behind"
        return ran.code, ran.json


def test_with_nothing_planted_the_score_is_full() -> None:
    code, said = rehearse(READY)
    assert (code, said["score"], said["findings"]) == (0, 100, [])


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_is_named_and_costs_points(what: str) -> None:
    people, more, named = PLANTED[what]
    code, said = rehearse(people, *more)
    assert code == 1
    assert sorted(each["says"] for each in said["findings"]) == sorted(named)
    assert said["score"] < 100


def test_everything_planted_at_once_is_named() -> None:
    """One does not hide another, and the score falls for each."""
    _, said = rehearse(EMPTY, *DEAD, *SILENT)
    expected = [says for _, _, named in PLANTED.values() for says in named]
    assert sorted(each["says"] for each in said["findings"]) == sorted(expected)
    assert said["score"] < min(rehearse(people, *more)[1]["score"] for people, more, _ in PLANTED.values())


def test_one_point_less_is_never_full() -> None:
    """A score is rounded down: of a thousand points one that is not good still shows."""
    points = [Point("person", str(number)) for number in range(1000)]
    assert Readiness(points).score == 100
    assert Readiness([*points[1:], Point("person", "x", "x never answers")]).score == 99


# ---- every message says DRILL ----------------------------------------------------------------------


async def _night(folder: Path, people: str, silent: Sequence[str] = ()) -> tuple[list[Sent], str]:
    parsed = roster.parse(people)
    assert isinstance(parsed, roster.Roster)

    async def fill(tx: Tx) -> None:
        await _apply(tx, parsed)

    async with Drill(folder, EVENING, fill) as stage:
        adult = await stage.house.database.read(lambda tx: adult_of(tx, "org1", "oak", "K7"))
        night = Night(stage, adult, silent)
        await night.play()
        return list(stage.board.sent), night.code


def test_every_message_says_drill_and_every_ref_is_a_drills(tmp_path: Path) -> None:
    sent, code = asyncio.run(_night(tmp_path, READY))
    assert re.fullmatch(r"X\d{2,4}", code)
    assert len(sent) > 20
    assert [each.message.text for each in sent if "DRILL" not in each.message.text] == []
    texts = [each.message.text for each in sent if each.channel == "sms"]
    assert texts and all(text.startswith("DRILL ") for text in texts)


def test_every_page_of_a_report_that_a_rehearsal_makes_says_drill(tmp_path: Path) -> None:
    """The police's copy, its twin, and what a co-ordinator opens in Telegram."""
    people = READY.replace('name = "Northfield Care"', 'name = "Northfield Care"\nreport_in_telegram = true')
    sent, code = asyncio.run(_night(tmp_path, people))
    files = [each.read_bytes() for each in tmp_path.rglob(f"{code}*.pdf")]
    handed = [each.message.data for each in sent if each.message.document]
    assert files and handed
    pages = [page.extract_text() for each in (*files, *handed) for page in PdfReader(BytesIO(each)).pages]
    assert pages and [] == [page for page in pages if NO_CHILD not in page]
    twins = [json.loads(each.read_text(encoding="utf-8")) for each in tmp_path.rglob(f"{code}*.json")]
    assert twins and all(twin["category"].startswith("DRILL") and twin["script"].startswith(NO_CHILD) for twin in twins)


# ---- drill and live never touch ---------------------------------------------------------------------


def test_no_credential_that_was_set_is_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of the environment, nor of the `.env` that a house would read."""
    real = {"TELEGRAM_BOT_TOKEN": "42:real", "TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "real",
            "TELEGRAM_API_URL": "https://api.telegram.org", "SMTP_URL": "smtps://a:b@mail.example",
            "DATABASE_URL": "sqlite:///real.db", "PORCHLIGHT_LAST_RESORT": "+447700900999",
            "PORCHLIGHT_HEARTBEAT_URL": "https://watch.example/x"}  # fmt: skip
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    seen: list[House] = []

    async def look() -> None:
        async with Drill(tmp_path, EVENING, _nobody) as stage:
            seen.append(stage.house)
            assert stage.house.settings.loopback
            assert stage.house.settings.telegram_bot_token.get_secret_value() == TOKEN  # type: ignore[union-attr]
            assert not set(real.values()) & set(stage.house.settings.secrets())
            assert stage.house.settings.database_url.endswith(f"{tmp_path}/rehearsal.db")
            assert stage.house.settings.last_resort == ()

    asyncio.run(look())
    assert seen and not Path("real.db").exists()


async def _nobody(tx: Tx) -> None:
    """A register with nobody in it."""


@pytest.mark.parametrize("mode", ["live", "sandbox"])
def test_no_other_house_opens_the_file_of_a_drill(tmp_path: Path, mode: str) -> None:
    asyncio.run(_night(tmp_path, READY))
    key = "a" * 43 + "="
    told = {"PORCHLIGHT_MODE": mode, "DATABASE_URL": f"sqlite:///{tmp_path}/rehearsal.db", "HTTP_BIND": "127.0.0.1:0",
            "PORCHLIGHT_AUDIT_KEY": key, "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_MODE": "polling",
            "TELEGRAM_API_URL": "http://127.0.0.1:9"}  # fmt: skip

    async def opens() -> None:
        async with House(load(told, tmp_path)):
            pytest.fail("it opened")

    with pytest.raises(AnotherMode):
        asyncio.run(opens())


def test_a_command_that_writes_refuses_the_file_of_a_drill(tmp_path: Path) -> None:
    asyncio.run(_night(tmp_path, READY))
    made = Terminal(tmp_path)
    made.at("2026-06-11T20:35:00Z")
    ran: Ran = made.run("case", "open", "K7", "--by", "alice", DATABASE_URL=f"sqlite:///{tmp_path}/rehearsal.db")
    assert ran.code == 3 and "drill mode" in ran.err


async def test_a_real_house_knows_no_ref_of_a_drill(tmp_path: Path) -> None:
    """Not even where a case of that ref should stand in it: whoever types one means the rehearsal."""
    async with a_house(tmp_path) as house:
        case_id = await house.opens()
        await house.database.write(lambda tx: tx.run("UPDATE case_row SET code = 'X17' WHERE case_id = ?", case_id))

        async def named(desk: Desk) -> Any:
            return await desk.case_by_code("x17", ["org1"])

        assert await house.casebook.at_desk(named) is None


# ---- the people of a house -------------------------------------------------------------------------


def test_the_rehearsal_is_with_the_houses_own_people_and_without_the_childrens_names(tmp_path: Path) -> None:
    """Who is on duty is copied, a number that is known to be dead and a contact test that was left unanswered, too."""
    house = terminal(tmp_path, READY)
    before = house.rows("SELECT COUNT(*) AS n FROM event") + house.rows("SELECT COUNT(*) AS n FROM outbox")
    assert house.fine("rehearse")["score"] == 100
    asyncio.run(_left_unanswered(house))
    ran = house.run("rehearse", "--keep", "--json")
    assert ran.code == 1
    assert sorted(each["says"] for each in ran.json["findings"]) == [
        "cass never answers",
        "nothing arrives at sms of dee",
    ]
    (kept,) = (tmp_path / "var" / "drill").glob("*/rehearsal.db")
    assert b"Kai" not in b"".join(each.read_bytes() for each in kept.parent.glob("rehearsal.db*"))
    after = house.rows("SELECT COUNT(*) AS n FROM event") + house.rows("SELECT COUNT(*) AS n FROM outbox")
    assert before == after, "the house itself was only looked at"
    shutil.rmtree(tmp_path / "var" / "drill")


async def _left_unanswered(house: Terminal) -> None:
    from storage.database import Database

    database = await Database.open(house.environment()["DATABASE_URL"])

    async def unit(tx: Tx) -> None:
        await tx.run(
            "INSERT INTO contact_test (organisation, person, asked_at, digits) VALUES ('org1', 'cass', 1, '1234')"
        )
        await tx.run(
            "INSERT INTO dead_channel (person, channel, address, since, fault) VALUES ('dee', 'sms', '+447700900302', 1, 'gone')"
        )

    await database.write(unit)
    await database.close()


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (("--home", "nowhere"), 3, "no home nowhere"),
        (("--at", "tonight"), 2, "--at is a date and a time"),
        (("--dead", "Dee"), 2, "neither a mobile number nor a Telegram account"),
    ],
)
def test_what_cannot_be_rehearsed_is_said(tmp_path: Path, more: tuple[str, ...], code: int, says: str) -> None:
    (tmp_path / "people.toml").write_text(READY, encoding="utf-8")
    made = Terminal(tmp_path)
    made.at("2026-06-10T20:35:00Z")
    ran = made.run("rehearse", "--roster", str(tmp_path / "people.toml"), *more)
    assert ran.code == code and says in ran.err


def test_a_roster_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    made = Terminal(tmp_path)
    made.at("2026-06-10T20:35:00Z")
    assert made.run("rehearse", "--roster", str(tmp_path / "none.toml")).code == 2

"""A missing report leaves a living house: to whom, which copy, and who hears of it when it does not arrive."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from casework.events import WorryRaised
from storage import roster
from tests.bot.living import EVENING, Living, a_world, after, living
from tests.bot.mail_server import MailServer, a_mail_server
from tests.databases import ON_BOTH
from tests.storage.houses import ROSTER, opening

pytestmark = ON_BOTH

POLICE, SERVICES, OWN = "control@police.example", "mash@council.example", "edt@other.example"
CASS = "1003"


@dataclass
class Force:
    """An endpoint of the police."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    came: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.came.append(await request.json())
        return web.Response(status=self.status, headers=self.headers)


@dataclass
class Night:
    """A house that mails and posts, a case in it, and what came out."""

    house: Living
    mail: MailServer
    force: Force
    case_id: str = ""
    at: datetime = EVENING

    async def opens(self, child: str = "K7") -> None:
        """A case that is HIGH at once, with its first report."""
        self.case_id = await self.house.house.casebook.at_desk(opening(child))
        await self.worries("R16")

    async def later(self, seconds: int, *, step: int = 15) -> None:
        """Time goes on, step by step."""
        for second in range(step, seconds + 1, step):
            self.house.now(self.at + timedelta(seconds=second))
            await self.house.settle()
        self.at += timedelta(seconds=seconds)

    async def worries(self, flag: str) -> None:
        now = self.house.house.clock.now()
        news = WorryRaised(at=now, by="alice", channel="telegram", flags=(flag,))
        await self.house.house.casebook.record(self.case_id, news)
        await self.house.settle()

    def told(self) -> list[str]:
        """What the co-ordinator read about reports."""
        return [
            t for t in self.house.phone(CASS, "telegram") if "report is ready but" in t or "children's services" in t
        ]

    async def letters(self) -> list[tuple[str, str, str]]:
        rows = await self.house.rows("SELECT channel, person, state FROM outbox WHERE kind = 'report' ORDER BY id")
        return sorted((row["channel"], row["person"], row["state"]) for row in rows)


@asynccontextmanager
async def a_night(folder: Path, *, profile: str = "", mails: bool = True, posts: bool = True) -> AsyncIterator[Night]:
    force, app = Force(), web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/reports", force.take)
    async with a_mail_server() as mail, TestServer(app) as server, a_world() as world:
        more = {"SMTP_URL": mail.url, "MAIL_FROM": "porch@northfield.example"} if mails else {}
        more |= {"PORCHLIGHT_WEBHOOK_KEY": "k" * 40} if posts else {}
        url = f"http://127.0.0.1:{server.port}/reports"
        lines = f'police_email = "{POLICE}"\nservices_email = "{SERVICES}"\npolice_webhook = "{url}"'
        text = ROSTER.replace(f'police_email = "{POLICE}"', lines, 1).replace(
            'family_name = "Example"', f'family_name = "Example"\nprofile = {{ associates = "Ash" {profile} }}', 1
        )
        async with living(folder, world, **more) as house:
            people = roster.parse(text)
            await house.house.database.write(lambda tx: roster.apply(tx, people, take_telegram_ids=True))
            yield Night(house, mail, force)


def twin(message: EmailMessage) -> dict[str, Any]:
    (found,) = [part for part in message.iter_attachments() if part.get_content_subtype() == "json"]
    made: dict[str, Any] = json.loads(found.get_content())
    return made


async def test_a_report_goes_to_the_police_and_to_childrens_services_each_their_copy(tmp_path: Path) -> None:
    """Third parties stand on the police's copy only; and nobody is told to send on what was sent."""
    async with a_night(tmp_path) as night:
        await night.opens()
        copies = {message["To"]: twin(message) for message in night.mail.taken}
        assert set(copies) == {POLICE, SERVICES}
        assert "Ash" in json.dumps(copies[POLICE]) and "Ash" not in json.dumps(copies[SERVICES])
        assert copies[POLICE]["police_copy"] and not copies[SERVICES]["police_copy"]
        assert [post["report"] for post in night.force.came] == [copies[POLICE]]
        lies = next((tmp_path / "var" / "police").glob("*.json"))
        assert json.loads(lies.read_bytes()) == copies[POLICE]
        assert night.told() == []
        assert await night.letters() == [
            ("email", "police", "sent"), ("email", "services", "sent"), ("file", "police", "sent"),
            ("webhook", "police", "sent"),
        ]  # fmt: skip


async def test_a_childs_own_authority_gets_its_report_in_place_of_the_homes(tmp_path: Path) -> None:
    """Children of many authorities live in one home, and a report is no other authority's business."""
    async with a_night(tmp_path, profile=f', services_email = "{OWN}"') as night:
        await night.opens()
        assert {message["To"] for message in night.mail.taken} == {POLICE, OWN}


async def test_a_mailbox_that_is_not_there_is_a_persons_task_at_once(tmp_path: Path) -> None:
    """P10: the co-ordinator sends the report on; each address for itself."""
    async with a_night(tmp_path, posts=False) as night:
        night.mail.to_recipient = "550 5.1.1 no such user"
        await night.opens()
        said = night.told()
        assert len(said) == 2
        assert any("NOT e-mailed" in t for t in said) and any("did NOT reach children's services" in t for t in said)
        assert ("email", "police", "failed") in await night.letters()


async def test_a_mail_server_that_stays_away_is_told_within_two_minutes_and_tried_on(tmp_path: Path) -> None:
    """Told once; and when the server is back, the report arrives all the same."""
    async with a_night(tmp_path, posts=False) as night:
        night.mail.to_data = "451 4.3.0 disk full"
        await night.opens()
        assert night.told() == []
        for second in (6, 22, 68, 119):
            night.house.now(after(seconds=second))
            await night.house.settle()
        assert len([t for t in night.told() if "NOT e-mailed" in t]) == 1
        night.mail.to_data = MailServer.to_data
        night.house.now(after(seconds=600))
        await night.house.settle()
        assert {message["To"] for message in night.mail.taken} >= {POLICE, SERVICES}


async def test_an_endpoint_that_is_to_be_left_alone_for_an_hour_is_told_at_once(tmp_path: Path) -> None:
    """Nobody waits an hour for a report, and four hours for the fourth try; it is told once, and still tried."""
    async with a_night(tmp_path, mails=False) as night:
        night.force.status, night.force.headers = 429, {"Retry-After": "3600"}
        await night.opens()
        await night.later(90)
        assert len([t for t in night.told() if "NOT e-mailed" in t]) == 1
        night.force.status = 200
        await night.later(3600, step=600)
        assert [post["version"] for post in night.force.came].count(1) == 2


async def test_a_report_behind_others_that_fail_is_told_as_soon_as_they_were(tmp_path: Path) -> None:
    """The server is down, and one mail at a time tries whether it is back: this one has not been tried at all."""
    async with a_night(tmp_path, posts=False) as night:
        night.mail.to_data = "451 4.3.0 disk full"
        await night.opens()
        for flag in ("R02", "R03", "R04", "R05"):
            await night.worries(flag)
        await night.later(900, step=60)
        await night.opens("K8")
        (code,) = await night.house.rows(f"SELECT code FROM v_case WHERE id = '{night.case_id}'")
        await night.later(120)
        assert len([t for t in night.told() if code["code"] in t and "NOT e-mailed" in t]) == 1


async def test_an_endpoint_that_says_no_is_told(tmp_path: Path) -> None:
    """The same for a force's own system."""
    async with a_night(tmp_path, mails=False) as night:
        night.force.status = 404
        await night.opens()
        assert any("NOT e-mailed" in t for t in night.told())


async def test_without_a_mail_server_a_person_sends_it_on(tmp_path: Path) -> None:
    """As ever: it lies in the police's folder, and the co-ordinator hears so, once."""
    async with a_night(tmp_path, mails=False, posts=False) as night:
        await night.opens()
        await night.worries("R02")
        night.house.now(after(minutes=2))
        await night.house.settle()
        assert (len(night.told()), len(night.mail.taken), night.force.came) == (1, 0, [])
        assert {channel for channel, _, _ in await night.letters()} == {"file"}


async def test_a_taken_mail_is_no_log_number(tmp_path: Path) -> None:
    """P7: sent is not delivered, delivered is not known. The chase goes on, and only a number ends it."""
    async with a_night(tmp_path) as night:
        await night.opens()
        (case,) = await night.house.rows("SELECT state, reported_ref FROM v_case")
        assert (case["state"], case["reported_ref"]) == ("missing", None)
        kinds = {row["kind"] for row in await night.house.rows("SELECT kind FROM v_deadline")}
        assert "reference" in kinds and "rung" in kinds
        assert not [row for row in await night.letters() if row[2] == "delivered"]

"""A provider is down for hours: by which other way an alert comes, how soon, and what is said once it is back.

Through the real clients against the doubles of both providers and a real mail server, on a clock that the test moves.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from casework.events import WorryRaised
from storage import roster
from tests.bot.living import CASS, EVENING, Living, a_world, living
from tests.bot.mail_server import MailServer, a_mail_server
from tests.databases import ON_BOTH
from tests.storage.houses import ROSTER, opening

pytestmark = ON_BOTH

STEP = timedelta(seconds=30)  # the house itself looks every five
OUT = 100_000  # refusals: more than a night asks for


@dataclass
class Night:
    """A house, its mail server, and when each alert about a case was made and first reached somebody."""

    house: Living
    mail: MailServer
    at: datetime = EVENING
    cases: list[str] = field(default_factory=list)

    async def opens(self, child: str = "K7") -> str:
        """A child's case at HIGH."""
        case_id: str = await self.house.house.casebook.at_desk(opening(child))
        news = WorryRaised(at=self.house.house.clock.now(), by="alice", channel="telegram", flags=("R01",))
        await self.house.house.casebook.record(case_id, news)
        self.cases.append(case_id)
        return case_id

    async def later(self, **time: float) -> None:
        """Time goes on, step by step."""
        until = self.at + timedelta(**time)
        while self.at < until:
            self.at += STEP
            self.house.now(self.at)
            self.house.world.clock.set(self.at)
            await self.house.settle()

    def telegram_is_out(self) -> None:
        self.house.world.telegram.failures.plant("*", times=OUT, code=502, description="Bad Gateway")

    def twilio_is_out(self) -> None:
        for call in ("create", "call"):
            self.house.world.twilio.failures.plant(call, times=OUT, status=503, code=20500)

    def all_is_back(self) -> None:
        self.house.world.telegram.failures.waiting.clear()
        self.house.world.twilio.failures.waiting.clear()

    def read(self, who: str, channel: str) -> list[str]:
        return self.house.phone(who, channel)

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        return await self.house.rows(sql)

    async def unreached(self, within: timedelta) -> list[dict[str, Any]]:
        """Alerts that were made so long ago and that came to their person by no way within that time."""
        rows = await self.rows(
            "SELECT first.text, first.person, first.created_at AS made, (SELECT MIN(sent_at) FROM outbox AS any_way"
            " WHERE any_way.case_id = first.case_id AND any_way.cause = first.cause AND any_way.person = first.person) AS got"
            " FROM outbox AS first WHERE first.kind = 'alert' AND first.state <> 'cancelled'"
        )
        now = int(self.at.timestamp() * 1000)
        limit = int(within.total_seconds() * 1000)
        return [row for row in rows if (row["got"] or now) - row["made"] > limit]


@asynccontextmanager
async def a_night(folder: Path) -> AsyncIterator[Night]:
    """Everybody on call has a mailbox; Dee has no mobile."""
    async with a_mail_server() as mail, a_world() as world:
        more = {"SMTP_URL": mail.url, "MAIL_FROM": "porch@northfield.example"}
        async with living(folder, world, **more) as house:
            text = ROSTER
            for number, name in ((CASS, "cass"), ("+447700900302", "dee"), ("+447700900102", "mo")):
                mobile = "" if name == "dee" else f'mobile = "{number}"\n'
                text = text.replace(f'mobile = "{number}"', f'{mobile}email = "{name}@northfield.example"')
            people = roster.parse(text)
            await house.house.database.write(lambda tx: roster.apply(tx, people, take_telegram_ids=True))
            yield Night(house, mail)


async def test_telegram_is_out_for_two_hours(tmp_path: Path) -> None:
    """P10, B054: every alert reaches its person within 120 s, by text; who has no mobile reads it in the mail."""
    async with a_night(tmp_path) as night:
        night.telegram_is_out()
        await night.opens()
        await night.later(hours=2)
        assert await night.unreached(timedelta(seconds=120)) == []
        assert len(night.read(CASS, "sms")) > 10
        assert {str(m["To"]) for m in night.mail.taken if m["Subject"].startswith("Porchlight")} == {
            "dee@northfield.example"
        }
        asked = [text for text in night.read("+447700900101", "sms") if "1 Yes" in text]
        assert asked  # and so did the question that staff have on Telegram


async def test_what_waited_for_telegram_says_how_it_stands_and_not_how_it_stood(tmp_path: Path) -> None:
    """Two hours of alerts wait for Telegram; when it is back each person reads the newest, not twenty of them."""
    async with a_night(tmp_path) as night:
        night.telegram_is_out()
        await night.opens()
        await night.later(hours=2)
        before = len(night.read("1003", "telegram"))
        night.all_is_back()
        await night.later(minutes=6)
        read = night.read("1003", "telegram")[before:]
        assert 1 <= len([text for text in read if "HIGH" in text]) <= 4
        rows = await night.rows("SELECT COUNT(*) AS n FROM outbox WHERE state = 'queued' AND channel = 'telegram'")
        assert rows[0]["n"] == 0
        dropped = await night.rows(
            "SELECT COUNT(*) AS n FROM alert JOIN outbox ON outbox.id = letter_id"
            " WHERE outbox.state = 'cancelled' AND alert.state = 'live'"
        )
        assert dropped[0]["n"] == 0


async def test_twilio_is_out_for_two_hours(tmp_path: Path) -> None:
    """Everybody who has Telegram reads every alert there; a parent's co-ordinator is not left without one."""
    async with a_night(tmp_path) as night:
        night.twilio_is_out()
        await night.opens()
        await night.later(hours=2)
        assert await night.unreached(timedelta(seconds=120)) == []
        assert len(night.read("1003", "telegram")) > 10


async def test_both_are_out(tmp_path: Path) -> None:
    """Each alert is mailed within 120 s, /readyz says that nothing speaks, and nothing is lost: what still matters comes when
    they are back, and the first words are of the child in most danger."""
    async with a_night(tmp_path) as night:
        night.telegram_is_out()
        night.twilio_is_out()
        mild = await night.house.house.casebook.at_desk(opening("K8"))
        await night.later(minutes=30)  # nobody could answer: an alert waits for that child, too
        grave = await night.opens()
        await night.later(hours=1)
        assert await night.unreached(timedelta(seconds=120)) == []
        mailed = {str(m["To"]) for m in night.mail.taken if m["Subject"].startswith("Porchlight")}
        assert mailed == {f"{name}@northfield.example" for name in ("cass", "dee", "mo")}
        async with night.house.client.get(f"{night.house.url}/readyz") as answer:
            facts = await answer.json()
            assert answer.status == 503 and not facts["channels"]["telegram"] and not facts["channels"]["sms"]
            assert facts["channels"]["email"]
        night.all_is_back()
        await night.later(minutes=6)
        levels = {row["id"]: row["level"] for row in await night.rows("SELECT id, level FROM v_case")}
        assert levels == {mild: "medium", grave: "high"}
        codes = {row["id"]: row["code"] for row in await night.rows("SELECT id, code FROM v_case")}
        assert night.read("1003", "telegram")[0].startswith(codes[grave])
        assert night.read(CASS, "sms")[0].startswith(codes[grave])
        assert any(text.startswith(codes[mild]) for text in night.read("1003", "telegram"))
        left = await night.rows("SELECT text FROM outbox WHERE state IN ('queued', 'failed') AND person IS NOT NULL")
        assert left == []

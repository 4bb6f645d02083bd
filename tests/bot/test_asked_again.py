"""After an outage in which presses may have been lost, what waits for an answer on Telegram is asked once more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channels.telegram import TelegramChannel
from bot.polling import Outage, Poller
from bot.webhook_watch import WebhookWatch
from casework.events import CheckAnswered, WorryRaised
from scheduler.outbox import Unreachable
from storage.asking_again import ask_again
from storage.database import Unusable
from tests.bot.living import EVENING, Living, a_world, after, living
from tests.databases import ON_BOTH
from tests.storage.houses import opening

pytestmark = ON_BOTH

ALICE = "1001"


async def nothing(*_: Any) -> None:
    """Nothing follows."""


@asynccontextmanager
async def down_for(folder: Path, **time: float) -> AsyncIterator[Living]:
    """A house that asks Alice the first check of K7, is down for so long, and is up again."""
    async with a_world() as world:
        async with living(folder, world) as house:
            await house.house.casebook.at_desk(opening("K7"))
            await house.settle()
            assert len(house.phone(ALICE, "telegram")) == 1
        (folder / "clock").write_text(after(**time).isoformat())
        async with living(folder, world) as again:
            await again.settle()
            yield again


async def test_a_house_that_was_down_asks_again(tmp_path: Path) -> None:
    """B037: the press that came meanwhile is gone, the question stands below, marked as a repeat, and can be answered."""
    async with down_for(tmp_path, seconds=151) as house:
        first, again = house.phone(ALICE, "telegram")
        assert "REPEAT: " in again and again.endswith(first.splitlines()[-1])
        shown = house.world.board.phone("telegram", ALICE)[-1]
        assert [label for row in shown.buttons for label, _ in row][:3] == ["Yes", "No", "Not sure"]


async def test_a_short_outage_loses_no_press(tmp_path: Path) -> None:
    """Telegram keeps it for 150 seconds, and brings it."""
    async with down_for(tmp_path, seconds=149) as house:
        assert len(house.phone(ALICE, "telegram")) == 1


async def asked(house: Living) -> list[dict[str, Any]]:
    return await house.rows(
        "SELECT case_id, person, channel, text FROM outbox WHERE body LIKE '%REPEAT: %' ORDER BY urgency, id"
    )


async def test_the_most_severe_case_is_asked_about_first_and_what_was_answered_is_not(tmp_path: Path) -> None:
    """One question a person and case: the last that was asked of them. Nothing in the log changes."""
    async with a_world() as world, living(tmp_path, world) as house:
        casebook = house.house.casebook
        mild = await casebook.at_desk(opening("K8"))
        house.now(after(seconds=5))
        grave = await casebook.at_desk(opening("K7"))
        now = house.house.clock.now()
        news = WorryRaised(at=now, by="alice", channel="telegram", flags=("R01",))
        await casebook.record(grave, news)
        answer = CheckAnswered(at=now, by="alice", channel="telegram", check="C01", values=("no",))
        await casebook.record(mild, answer)
        house.now(after(minutes=3))
        await house.settle()
        before = await house.rows("SELECT COUNT(*) AS n FROM event")
        assert await ask_again(casebook, house.house.clock.now()) == len(await asked(house)) > 0
        again = await asked(house)
        assert [row["case_id"] for row in again][:1] == [grave]
        assert ("C01", mild) not in [(row["text"], row["case_id"]) for row in again]
        assert await house.rows("SELECT COUNT(*) AS n FROM event") == before


async def test_who_is_asked_by_text_is_not_asked_again(tmp_path: Path) -> None:
    """No text is lost: what Twilio could not bring is fetched."""
    async with a_world() as world, living(tmp_path, world) as house:
        assert await house.text("+447700900201", "MISSING 20:55") == 204
        house.now(after(minutes=3))
        await house.settle()
        assert await ask_again(house.house.casebook, house.house.clock.now()) == 0


# ---- who notices ------------------------------------------------------------------------------------------


@dataclass
class Source:
    """Telegram, out of reach for a while."""

    out: bool = False
    now: datetime = EVENING
    failed: datetime | None = None
    came_back: list[datetime] = field(default_factory=list)
    says: list[dict[str, Any]] = field(default_factory=list)

    async def updates(self, offset: int | None, wait_seconds: int) -> list[dict[str, Any]]:
        if self.out:
            raise Unreachable("502")
        return self.says

    async def last_failed_call(self) -> datetime | None:
        return self.failed

    async def back(self) -> None:
        self.came_back.append(self.now)


@pytest.mark.parametrize(("seconds", "noticed"), [(149, 0), (150, 1)])
async def test_polling_that_failed_for_so_long_is_noticed_when_it_is_back(seconds: int, noticed: int) -> None:
    """From the first failure on; once."""
    source = Source()
    poller = Poller(source, nothing, patient=False, outage=Outage(lambda: source.now, source.back))
    await poller.once()
    source.out = True
    for later in (60, 60 + seconds - 1):
        source.now = EVENING + timedelta(seconds=later)
        with pytest.raises(Unreachable):
            await poller.once()
    source.out, source.now = False, EVENING + timedelta(seconds=60 + seconds)
    await poller.once()
    await poller.once()
    assert len(source.came_back) == noticed


async def test_what_could_not_be_kept_for_so_long_is_an_outage_too() -> None:
    """The database was down: Telegram answered, and its presses ran out all the same. What then fails is done next time."""
    source, faults = Source(says=[{"update_id": 1}]), [Unusable("disk full")] * 2
    back = [Unusable("disk full")]

    async def hear(_: dict[str, Any]) -> None:
        if faults:
            raise faults.pop()

    async def came_back() -> None:
        if back:
            raise back.pop()
        await source.back()

    poller = Poller(source, hear, patient=False, outage=Outage(lambda: source.now, came_back))
    for seconds in (0, 149, 150):
        source.now = EVENING + timedelta(seconds=seconds)
        with pytest.raises(Unusable):
            await poller.once()
    for _ in range(2):
        await poller.once()
    assert source.came_back == [source.now]


async def test_a_webhook_that_telegram_did_not_reach_is_noticed_when_it_does(tmp_path: Path) -> None:
    """Through the real client: Telegram alone knows. One call that failed is no outage, and an old one is none of ours."""
    async with a_world() as world, living(tmp_path, world) as house:
        source, bot = Source(), house.house.channels["telegram"]
        assert isinstance(bot, TelegramChannel)
        watch = WebhookWatch(bot, lambda: source.now, source.back)

        async def minute(number: int, *, fails: bool) -> None:
            source.now = EVENING + timedelta(minutes=number)
            if fails:
                world.telegram.updates.last_error = source.now - timedelta(seconds=10), "Connection refused"
            await watch.look()

        world.telegram.updates.last_error = EVENING - timedelta(hours=1), "Connection refused"
        await minute(0, fails=False)
        await minute(1, fails=True)
        for number in range(2, 8):
            await minute(number, fails=False)
        assert source.came_back == [] and not watch.unreached
        for number in range(8, 12):
            await minute(number, fails=True)
        assert watch.unreached
        for number in range(12, 20):
            await minute(number, fails=False)
        assert source.came_back == [EVENING + timedelta(minutes=14)] and not watch.unreached

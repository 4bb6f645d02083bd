"""A text that Twilio could not bring: it is fetched, worked once, and read as of the moment at which it was sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bot.living import CASS, EVENING, PAT, Living, a_world, after, living
from tests.databases import ON_BOTH

pytestmark = ON_BOTH

NOWHERE = "http://127.0.0.1:9"
SERVICE = "MG" + "0" * 32


@asynccontextmanager
async def a_night(folder: Path, service: str = "") -> AsyncIterator[Living]:
    """A house to which Pat has texted once. `service`: the house has a Messaging Service and no number of its own."""
    named = {"TWILIO_FROM": "", "TWILIO_MESSAGING_SERVICE_SID": service} if service else {}
    told = {"MessagingServiceSid": service} if service else {}
    async with a_world() as world, living(folder, world, **named) as house:
        await moves(house, seconds=0)
        assert await house.text(PAT, "MISSING 20:55", **told) == 204
        await house.settle()
        yield house


async def moves(house: Living, **time: float) -> None:
    """Time goes on, here and at Twilio."""
    house.now(after(**time))
    house.world.clock.set(after(**time))
    await house.settle()


async def lost(house: Living, body: str) -> str:
    """Pat texts while nothing reaches the house; returns the MessageSid."""
    url, house.world.twilio.house_url = house.world.twilio.house_url, NOWHERE
    assert await house.text(PAT, body) == 0
    house.world.twilio.house_url = url
    return next(reversed(house.world.twilio.messages))


async def test_a_text_that_reached_neither_address_is_fetched_and_worked_once(tmp_path: Path) -> None:
    """B082: words of danger raise the case a minute later; brought after all, they change nothing."""
    async with a_night(tmp_path) as house:
        sid = await lost(house, "she texted that she wants to die")
        await moves(house, seconds=31)
        assert not await house.rows("SELECT 1 AS yes FROM v_event WHERE kind = 'WorryRaised'")
        await moves(house, seconds=61)
        assert [row["level"] for row in await house.rows("SELECT level FROM v_case")] == ["high"]
        before = await house.rows("SELECT seq FROM v_event ORDER BY seq")
        text = house.world.twilio.messages[sid]
        form = {
            "MessageSid": sid,
            "AccountSid": text["account_sid"],
            "From": PAT,
            "To": text["to"],
            "Body": text["body"],
        }
        assert (await house.signed("/twilio/sms", form))[0] == 204
        await moves(house, seconds=121)
        assert await house.rows("SELECT seq FROM v_event ORDER BY seq") == before
        assert await house.rows(f"SELECT state FROM v_inbox WHERE external_id = '{sid}'") == [{"state": "done"}]


async def test_what_was_texted_while_the_house_was_down_is_fetched_at_its_start(tmp_path: Path) -> None:
    """Hours later too, and before anybody is asked for it."""
    async with a_world() as world:
        async with living(tmp_path, world) as house:
            await moves(house, seconds=0)
            assert await house.text(PAT, "MISSING 20:55") == 204
            await house.settle()
        await lost(house, "WORRIED she has taken her tablets")
        async with living(tmp_path, world) as again:
            await moves(again, hours=5)
            raised = await again.rows("SELECT actor FROM v_event WHERE kind = 'WorryRaised'")
            assert [row["actor"] for row in raised] == ["pat"]


async def test_a_late_digit_answers_nothing_that_was_asked_after_it(tmp_path: Path) -> None:
    """P9: "2" was meant for another question; a person looks, and the question stays open."""
    async with a_night(tmp_path) as house:
        first = house.phone(PAT)[-1]
        await moves(house, seconds=10)
        await lost(house, "1")
        await moves(house, seconds=20)
        assert await house.text(PAT, "1") == 204
        await moves(house, seconds=40)
        assert house.phone(PAT)[-1] != first
        answers = await house.rows("SELECT COUNT(*) AS n FROM v_event WHERE kind = 'CheckAnswered'")
        await moves(house, seconds=101)
        assert await house.rows("SELECT COUNT(*) AS n FROM v_event WHERE kind = 'CheckAnswered'") == answers
        (note,) = await house.rows("SELECT actor FROM v_event WHERE kind = 'NoteMade'")
        assert note["actor"] == "pat"


async def unheard(house: Living) -> tuple[int, dict[str, str]]:
    async with house.client.get(f"{house.url}/readyz") as answer:
        said: dict[str, str] = (await answer.json())["unheard"]
        return answer.status, said


async def test_twilio_that_does_not_say_holds_up_nothing(tmp_path: Path) -> None:
    """What cannot be asked now is asked a minute later, back to where it was last known. A token that Twilio does not know signs
    no text either: nothing that parents say comes in, and whoever runs the house is called."""
    async with a_night(tmp_path) as house:
        await lost(house, "WORRIED")
        token, house.world.twilio.auth_token = house.world.twilio.auth_token, "another"
        await moves(house, seconds=61)
        house.world.twilio.auth_token = token
        assert not await house.rows("SELECT 1 AS yes FROM v_event WHERE kind = 'WorryRaised'")
        assert await unheard(house) == (503, {"sms": "401"})
        await moves(house, seconds=122)
        assert await house.rows("SELECT actor FROM v_event WHERE kind = 'WorryRaised'") == [{"actor": "pat"}]
        assert await unheard(house) == (200, {})


async def test_an_idle_house_asks_once_a_minute_and_writes_nothing(tmp_path: Path) -> None:
    """What is known is told apart by one read."""
    async with a_night(tmp_path) as house:
        await moves(house, seconds=61)
        before = await house.rows("SELECT * FROM meta WHERE key LIKE 'texts fetched%'")
        conflicts = await house.rows("SELECT SUM(conflicts) AS n FROM inbox")
        await moves(house, seconds=122)
        assert await house.rows("SELECT * FROM meta WHERE key LIKE 'texts fetched%'") == before
        assert await house.rows("SELECT SUM(conflicts) AS n FROM inbox") == conflicts
        assert EVENING + timedelta(seconds=122) == house.house.clock.now()


async def test_a_text_that_comes_to_the_fallback_is_worked_once(tmp_path: Path) -> None:
    """B081, B082: the first address was too slow, the second was called as well; then the list names it, too."""
    async with a_night(tmp_path) as house:
        sid = await lost(house, "she texted that she wants to die")
        text = house.world.twilio.messages[sid]
        form = {
            "MessageSid": sid,
            "AccountSid": text["account_sid"],
            "From": PAT,
            "To": text["to"],
            "Body": text["body"],
        }
        wrong = {"ErrorCode": "11205", "ErrorUrl": "https://porch.example/twilio/sms"}
        assert (await house.signed("/twilio/sms-fallback", {**form, **wrong}))[0] == 204
        assert (await house.signed("/twilio/sms", form))[0] == 204
        await moves(house, seconds=61)
        raised = await house.rows("SELECT actor FROM v_event WHERE kind = 'WorryRaised'")
        assert raised == [{"actor": "pat"}]


@pytest.mark.parametrize(("named", "raised"), [(None, ["pat"]), (SERVICE, ["pat"]), ("MG" + "9" * 32, [])])
async def test_a_house_without_a_number_of_its_own_fetches_what_came_to_its_service(
    tmp_path: Path, named: str | None, raised: list[str]
) -> None:
    """Twilio lists what came to any service of the account, and does not always say to which. What came to another is none of
    ours, and nobody is alarmed that it was for another number."""
    async with a_night(tmp_path, SERVICE) as house:
        sid = await lost(house, "she texted that she wants to die")
        house.world.twilio.messages[sid]["messaging_service_sid"] = named
        await moves(house, seconds=61)
        rows = await house.rows("SELECT actor FROM v_event WHERE kind = 'WorryRaised'")
        assert [row["actor"] for row in rows] == raised
        assert not [text for text in house.phone(CASS) if "Twilio account" in text]

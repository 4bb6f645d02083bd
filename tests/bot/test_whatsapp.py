"""WhatsApp is another form of a number: who is written to there, who is heard there, and what when it does not arrive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from casework.events import WorryRaised
from storage import roster
from tests.bot.living import CASS, PAT, Living, a_world, after, living
from tests.databases import ON_BOTH
from tests.storage.houses import ROSTER, opening

pytestmark = ON_BOTH
CASS_THERE, PAT_THERE = f"whatsapp:{CASS}", f"whatsapp:{PAT}"


@asynccontextmanager
async def a_night(folder: Path) -> AsyncIterator[Living]:
    """Cass and Pat both use WhatsApp; Pat is a parent."""
    text = ROSTER
    for number in (CASS, PAT):
        text = text.replace(f'mobile = "{number}"', f'mobile = "{number}"\nwhatsapp = true')
    async with a_world() as world, living(folder, world) as house:
        people = roster.parse(text)
        await house.house.database.write(lambda tx: roster.apply(tx, people, take_telegram_ids=True))
        yield house


async def alerted(house: Living) -> None:
    """A case that alerts Cass."""
    case_id = await house.house.casebook.at_desk(opening("K7"))
    now = house.house.clock.now()
    await house.house.casebook.record(case_id, WorryRaised(at=now, by="alice", channel="telegram", flags=("R16",)))
    await house.settle()


async def test_an_alert_goes_by_whatsapp_and_is_taken_there(tmp_path: Path) -> None:
    """From our number in WhatsApp's form, to theirs; the words and the digits are those of a text."""
    async with a_night(tmp_path) as house:
        await alerted(house)
        (said,) = house.phone(CASS_THERE)
        assert house.phone(CASS) == [] and " ACK " in said
        sent = house.world.twilio.messages[next(iter(house.world.twilio.messages))]
        assert sent["from"] == f"whatsapp:{house.world.twilio.number}"
        digits = said.partition(" ACK ")[2].split(".")[0]
        assert await house.text(CASS_THERE, f"ACK {digits}") == 204
        await house.settle()
        assert "yours until" in house.phone(CASS_THERE)[-1]
        (news,) = await house.rows("SELECT actor, channel, trust FROM v_event WHERE kind = 'AlertAcknowledged'")
        assert news == {"actor": "cass", "channel": "sms", "trust": "code"}


@pytest.mark.parametrize("code", [63003, 63016, 63024, 21211, 99999])
async def test_what_whatsapp_refuses_goes_to_the_number_at_once(tmp_path: Path, code: int) -> None:
    """P10: free words are taken there only where somebody wrote within a day (63016), and not everybody is there (63003)."""
    async with a_night(tmp_path) as house:
        house.world.twilio.failures.plant("create", code=code)
        await alerted(house)
        (said,) = house.phone(CASS)
        assert " ACK " in said and house.phone(CASS_THERE) == []
        assert await house.rows("SELECT * FROM dead_channel") == []


@pytest.mark.parametrize("code", [63016, 63018])
async def test_what_whatsapp_took_and_did_not_deliver_goes_to_the_number(tmp_path: Path, code: int) -> None:
    """Said by a callback, a while later; once, also where it would pass by itself: nobody is texted one alert time and again."""
    async with a_night(tmp_path) as house:
        house.world.twilio.fates[CASS_THERE] = ("undelivered", code)
        await alerted(house)
        for seconds in (1, 20, 80):
            house.now(after(seconds=seconds))
            await house.world.twilio.travel()
            await house.settle()
            assert (len(house.phone(CASS_THERE)), len(house.phone(CASS))) == (1, 1)


async def test_a_parent_is_texted_and_never_matched_there(tmp_path: Path) -> None:
    """B083: whatever the roster says; what they write by WhatsApp changes nothing and tells them nothing."""
    async with a_night(tmp_path) as house:
        await house.text(PAT, "MISSING")
        await house.settle()
        assert house.phone(PAT) and house.phone(PAT_THERE) == []
        before = await house.rows("SELECT count(*) AS n FROM event")
        for words in ("1", "BACK", "MISSING"):
            assert await house.text(PAT_THERE, words) == 204
        await house.settle()
        assert before == await house.rows("SELECT count(*) AS n FROM event") and house.phone(PAT_THERE) == []


async def test_who_is_not_written_to_there_is_not_heard_there(tmp_path: Path) -> None:
    """Dee has no WhatsApp in the register, and a stranger none at all; our own number would be a loop."""
    async with a_night(tmp_path) as house:
        for number in ("+447700900302", "+447700900999", house.world.twilio.number):
            assert await house.text(f"whatsapp:{number}", "ACK A17 4821") == 204
        await house.settle()
        states = {row["state"] for row in await house.rows("SELECT state FROM inbox")}
        assert states == {"ignored"} and not house.phone("whatsapp:+447700900302")

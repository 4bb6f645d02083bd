"""STOP is a gap in safety: through the real clients, what is sent instead, who is told, and that the case goes on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.sandbox.twilio_calls import Answer
from casework.events import WorryRaised
from storage import pins
from tests.bot.living import CASS, PAT, Living, a_world, after, living
from tests.databases import ON_BOTH
from tests.storage.houses import opening

pytestmark = ON_BOTH

DEE_ON_TELEGRAM = "1004"
PIN = "482913"


@asynccontextmanager
async def a_night(folder: Path) -> AsyncIterator[Living]:
    """Cass has a mobile, a PIN and no Telegram."""
    async with a_world() as world, living(folder, world) as house:
        database, now = house.house.database, house.house.clock.now()
        await database.write(lambda tx: tx.run("UPDATE person SET telegram_id = NULL WHERE id = 'cass'"))
        await database.write(lambda tx: pins.set_pin(tx, "cass", pins.hashed(PIN), now))
        yield house


async def alerted(house: Living) -> str:
    """A case that alerts Cass."""
    case_id: str = await house.house.casebook.at_desk(opening("K7"))
    now = house.house.clock.now()
    await house.house.casebook.record(case_id, WorryRaised(at=now, by="alice", channel="telegram", flags=("R01",)))
    await house.settle()
    return case_id


async def test_who_is_on_call_and_texts_stop_is_rung_and_takes_the_alert_by_telephone(tmp_path: Path) -> None:
    """B092: Dee hears at once that Cass is not texted any more; the alert rings Cass in the moment it is made."""
    async with a_night(tmp_path) as house:
        assert await house.text(CASS, "STOP") == 204
        await house.settle()
        assert any("Cass Example has texted STOP" in text for text in house.phone(DEE_ON_TELEGRAM, "telegram"))
        before = len(house.phone(CASS))
        await alerted(house)
        house.world.twilio.telephones.answers[CASS] = Answer(keys=(PIN,))
        await house.world.twilio.travel()
        await house.settle()
        assert any("HIGH" in words for words in house.phone(CASS, "voice"))
        assert len(house.phone(CASS)) == before
        taken = await house.rows("SELECT actor, channel FROM v_event WHERE kind = 'AlertAcknowledged'")
        assert taken == [{"actor": "cass", "channel": "voice"}]
        tasks = await house.rows("SELECT kind, done_at FROM v_task WHERE id = 'mend:cass:sms'")
        assert tasks == [{"kind": "MEND", "done_at": None}]


async def test_an_opt_out_that_only_twilio_knows_rings_in_the_same_moment(tmp_path: Path) -> None:
    """21610: the text is refused, the telephone rings, without a second on the clock."""
    async with a_night(tmp_path) as house:
        house.world.twilio.opted_out.add(CASS)
        await alerted(house)
        rung = await house.rows("SELECT address, state FROM outbox WHERE channel = 'voice' AND person = 'cass'")
        assert {(row["address"], row["state"]) for row in rung} == {(CASS, "sent")}
        assert any("Cass Example has texted STOP" in text for text in house.phone(DEE_ON_TELEGRAM, "telegram"))


async def test_start_brings_the_texts_back(tmp_path: Path) -> None:
    """B093: the next alert is texted, and rings nobody."""
    async with a_night(tmp_path) as house:
        for words in ("STOP", "START"):
            assert await house.text(CASS, words) == 204
            await house.settle()
        await alerted(house)
        assert any(" ACK " in text for text in house.phone(CASS))
        assert await house.rows("SELECT 1 AS yes FROM outbox WHERE channel = 'voice'") == []
        assert await house.rows("SELECT 1 AS yes FROM v_task WHERE kind = 'MEND'") == []


async def test_a_parent_who_texts_stop_does_not_end_the_case(tmp_path: Path) -> None:
    """The co-ordinator is told to ring them, no deadline moves, and the ladder climbs without them."""
    async with a_night(tmp_path) as house:
        assert await house.text(PAT, "MISSING 20:55") == 204
        await house.settle()
        due = await house.rows("SELECT kind, due_at FROM v_deadline ORDER BY kind")
        assert await house.text(PAT, "END") == 204
        await house.settle()
        assert any("has stopped our texts" in text for text in house.phone(CASS))
        left = {(row["kind"], row["due_at"]) for row in await house.rows("SELECT kind, due_at FROM v_deadline")}
        assert {(row["kind"], row["due_at"]) for row in due} & left
        house.now(after(minutes=40))
        await house.settle()
        (case,) = await house.rows("SELECT state, closed_at FROM v_case")
        assert case["closed_at"] is None and case["state"] in ("absent", "missing")

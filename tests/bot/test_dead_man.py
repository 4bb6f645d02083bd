"""What lies at Twilio for the case that the house dies: a whole house, the real client, the network's own clock."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import House
from bot.sandbox import SERVICE_SID, Sandbox
from bot.settings import load
from storage import roster
from tests import databases
from tests.bot.living import CASS, PAT, Living, a_world, after, living
from tests.databases import ON_BOTH
from tests.storage.houses import ROSTER, opening

pytestmark = ON_BOTH
ALICE, ALICE_ID, CASS_ID, MO_ID = "+447700900101", 1001, 1003, 1002
WITH = {"TWILIO_MESSAGING_SERVICE_SID": SERVICE_SID}
CHILDREN = 40


@pytest.fixture
async def world():
    async with a_world() as world:
        yield world


def standing(world: Sandbox) -> dict[tuple[str, str], datetime]:
    """Every text that lies at the network, by number and ref, with its time; never two for one person and case."""
    lying = [(world.twilio.messages[sid], at) for sid, at in world.twilio.timetable.standing().items()]
    found = {(message["to"], message["body"].partition(":")[0]): at for message, at in lying}
    assert len(found) == len(lying), "two texts for one person and case"
    return found


async def case(life: Living) -> tuple[str, datetime]:
    (row,) = await life.rows("SELECT code, next_due FROM v_case")
    return row["code"], datetime.fromisoformat(row["next_due"])


async def seen(life: Living, ref: str) -> None:
    """The manager has the child before them."""
    await life.says(2, MO_ID, f"/back {ref}")
    await life.says(3, MO_ID, f"/confirm {ref}")
    await life.settle()


async def go(life: Living, world: Sandbox, at: datetime) -> None:
    """Time goes on for the house and for the network."""
    life.now(at)
    world.clock.set(at)
    await life.settle()


async def test_a_text_lies_ten_minutes_after_the_next_deadline_for_who_reported_and_who_is_alerted_first(
    tmp_path: Path, world: Sandbox
) -> None:
    """P11. Each step moves it: the one before is called back."""
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        await life.settle()
        ref, due = await case(life)
        lies = standing(world)
        assert lies == {(ALICE, ref): due + timedelta(minutes=10), (CASS, ref): due + timedelta(minutes=10)}
        await go(life, world, due)
        moved = (await case(life))[1]
        assert moved > due
        assert standing(world) == dict.fromkeys(lies, moved + timedelta(minutes=10))
        await life.settle()
        calls = len(world.twilio.calls)
        await go(life, world, due + timedelta(seconds=10))
        assert len(world.twilio.calls) == calls, "where nothing moved the provider is asked nothing"


async def test_a_parent_reads_no_managers_word_and_one_with_no_leave_reads_nothing(
    tmp_path: Path, world: Sandbox
) -> None:
    """What an open parent reads names the child by an initial; whoever may not be told of the child gets none."""
    async with living(tmp_path, world, **WITH) as life:
        await life.text(PAT, "MISSING 20:55")
        await life.settle()
        (body,) = [m["body"] for m in world.twilio.messages.values() if m["status"] == "scheduled" and m["to"] == PAT]
        assert "Treat K as missing: ring 101 now" in body and "manager" not in body and "Kai" not in body
        restricted = roster.parse(ROSTER.replace('contact = "open"', 'contact = "restricted"'))
        assert isinstance(restricted, roster.Roster)
        await life.house.database.write(lambda tx: roster.apply(tx, restricted, take_telegram_ids=True))
        await go(life, world, after(minutes=2))
        assert [to for to, _ in standing(world)] == [CASS]


async def test_a_confirmed_return_leaves_none(tmp_path: Path, world: Sandbox) -> None:
    """Nor does the end of the case that follows."""
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        await life.settle()
        ref, _ = await case(life)
        assert len(standing(world)) == 2
        await seen(life, ref)
        assert [row["state"] for row in await life.rows("SELECT state FROM v_case")] == ["returned"]
        assert standing(world) == {} and not await life.rows("SELECT 1 FROM dead_man")


async def test_a_watch_lies_there_for_who_set_it(tmp_path: Path, world: Sandbox) -> None:
    """A house that dies before the child is due would never ask; nobody else is troubled for it yet."""
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/watch K7 22:00")
        await life.settle()
        (row,) = await life.rows("SELECT code, next_due FROM case_row")
        due = datetime.fromtimestamp(row["next_due"] / 1000, tz=after().tzinfo)
        assert standing(world) == {(ALICE, row["code"]): due + timedelta(minutes=10)}


async def test_what_cannot_be_moved_stays_and_is_tried_again(tmp_path: Path, world: Sandbox) -> None:
    """A false alarm is the safe side. Once the provider can be reached all lies as it ought to."""
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        await life.settle()
        before, (_, due) = standing(world), await case(life)
        world.twilio.failures.plant("create", times=100, status=503, code=20503)
        await go(life, world, due)
        assert standing(world) == before
        world.twilio.failures.waiting.clear()
        await go(life, world, due + timedelta(seconds=16))
        assert standing(world) == dict.fromkeys(before, (await case(life))[1] + timedelta(minutes=10))


async def test_what_cannot_be_called_back_is_called_back_later(tmp_path: Path, world: Sandbox) -> None:
    """The next one stands already: for a moment two do, never none."""
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        await life.settle()
        ref, _ = await case(life)
        world.twilio.failures.plant("cancel", times=100, status=503, code=20503)
        await seen(life, ref)
        assert len(standing(world)) == 2
        world.twilio.failures.waiting.clear()
        await go(life, world, after(seconds=16))
        assert standing(world) == {}


async def test_a_text_that_twilio_will_not_call_back_is_not_forgotten(tmp_path: Path, world: Sandbox) -> None:
    """An answer nobody knows never means that it is gone: it is asked for again each minute, until it has left."""
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        await life.settle()
        ref, _ = await case(life)
        world.twilio.failures.plant("cancel", times=2, status=400, code=99999)
        await seen(life, ref)
        assert len(standing(world)) == 2
        calls = len(world.twilio.calls)
        await go(life, world, after(seconds=20))
        assert len(world.twilio.calls) == calls, "not at each look"
        await go(life, world, after(seconds=90))
        assert standing(world) == {}
        assert await life.rows("SELECT * FROM dead_man") == []


async def test_what_left_and_cannot_be_called_back_is_forgotten(tmp_path: Path, world: Sandbox) -> None:
    """Nothing is asked for ever."""
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        await life.settle()
        ref, _ = await case(life)
        world.twilio.failures.plant("cancel", times=100, status=400, code=99999)
        await seen(life, ref)
        await go(life, world, after(minutes=60))
        await go(life, world, after(minutes=62))
        assert await life.rows("SELECT * FROM dead_man") == []


async def test_an_account_that_takes_nothing_within_a_quarter_of_an_hour_gets_it_a_little_later(
    tmp_path: Path, world: Sandbox
) -> None:
    """Rather a few minutes late than never."""
    async with living(tmp_path, world, **WITH) as life:
        world.twilio.failures.plant("create", times=2, status=400, code=35114)
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        await life.settle()
        assert {to for to, _ in standing(world)} == {ALICE, CASS}


async def test_a_number_that_is_refused_is_not_asked_for_again_and_again(tmp_path: Path, world: Sandbox) -> None:
    """It has opted out; the other still has theirs, and the next deadline asks anew."""
    world.twilio.opted_out.add(ALICE)
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        for _ in range(3):
            await life.settle()
        asked = [form for _, form in world.twilio.calls if form["To"] == ALICE and "SendAt" in form]
        assert len(asked) == 1 and [to for to, _ in standing(world)] == [CASS]


async def test_a_house_that_stops_for_good_leaves_a_text_for_each_case_and_person(
    tmp_path: Path, world: Sandbox
) -> None:
    """The bar: forty open cases, one text for each of them and each person; they arrive with nobody there."""
    more = "".join(
        f'[[child]]\nid = "Z{n}"\nhome = "oak"\nfirst_name = "Kit"\nfamily_name = "Example"\nborn = 2011-02-03\n'
        for n in range(CHILDREN)
    )
    async with living(tmp_path, world, **WITH) as life:
        forty = roster.parse(ROSTER + more)
        assert isinstance(forty, roster.Roster)
        await life.house.database.write(lambda tx: roster.apply(tx, forty, take_telegram_ids=True))
        for n in range(CHILDREN):
            await life.says(n + 1, ALICE_ID, f"/absent Z{n} 20:55")
        await life.settle()
        cases = {row["code"]: row["next_due"] for row in await life.rows("SELECT code, next_due FROM v_case")}
    assert len(cases) == CHILDREN
    assert standing(world) == {
        (to, ref): datetime.fromisoformat(due) + timedelta(minutes=10)
        for ref, due in cases.items()
        for to in (ALICE, CASS)
    }
    world.clock.set(after(days=1))
    await world.twilio.travel()
    for phone in (ALICE, CASS):
        told = Counter(m.text.partition(":")[0] for m in world.board.phone("sms", phone) if "we may be down" in m.text)
        assert told == Counter(cases.keys())


async def test_a_house_that_lives_again_moves_what_lay_there(tmp_path: Path, world: Sandbox) -> None:
    """It rings what fell due, and nobody is alarmed for a deadline that it still kept."""
    async with living(tmp_path, world, **WITH) as life:
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        await life.settle()
        _, due = await case(life)
    at = due + timedelta(minutes=5)
    world.clock.set(at)
    (tmp_path / "clock").write_text(at.isoformat())
    async with living(tmp_path, world, **WITH) as life:
        await life.settle()
        ref, moved = await case(life)
        assert standing(world) == dict.fromkeys([(ALICE, ref), (CASS, ref)], moved + timedelta(minutes=10))


async def test_in_the_sandbox_none_leaves_while_the_house_lives_however_time_is_moved(tmp_path: Path) -> None:
    """Two hours go by in a blink and nobody answers; each deadline moves the text before time goes on."""
    told = {"PORCHLIGHT_MODE": "sandbox", "HTTP_BIND": "127.0.0.1:0", "DATABASE_URL": databases.url(tmp_path)}
    async with House(load(told, tmp_path)) as house:
        sandbox = house.sandbox
        assert sandbox is not None
        sandbox.clock.speed = 0
        await house.casebook.at_desk(opening("K7"))
        for _ in range(4):
            await sandbox.clock.pass_to(sandbox.clock.now() + timedelta(minutes=30))
            await sandbox.twilio.travel()
        assert standing(sandbox) and not [sent for sent in sandbox.board.sent if "we may be down" in sent.message.text]


async def test_a_case_that_has_no_text_is_a_broken_promise(tmp_path: Path, world: Sandbox) -> None:
    """Every number is refused: `/readyz` says so, and those on call are told; once one stands all is well."""
    async with living(tmp_path, world, **WITH) as life:
        world.twilio.failures.plant("create", times=100, status=400, code=21610)
        await life.says(1, ALICE_ID, "/absent K7 20:55")
        for seconds in (0, 61, 76):
            await go(life, world, after(seconds=seconds))
        check = await self_check(life)
        assert check["found"] == {"no_dead_man_text": 1} and check["lasting"] == ["no_dead_man_text"]
        assert await life.rows("SELECT 1 FROM outbox WHERE text = 'X_BROKEN' AND person = 'cass'")
        assert not await life.rows("SELECT 1 FROM outbox WHERE text = 'X_MENDED'")
        world.twilio.failures.waiting.clear()
        for seconds in (140, 155):
            await go(life, world, after(seconds=seconds))
        assert standing(world) and (await self_check(life))["found"] == {}


async def self_check(life: Living) -> dict[str, Any]:
    """What the house's own check says of itself."""
    async with life.client.get(f"{life.url}/readyz") as answer:
        found: dict[str, Any] = (await answer.json())["self_check"]
    return found

"""Who there is, who is on duty and why, and what a case copies of a child."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from storage import rota
from storage.directory import Directory
from storage.people import Person
from storage.register import age_on
from tests.storage.houses import EVENING, ROSTER
from tests.storage.test_roster import a_directory

DAY = timedelta(days=1)


async def look(database, ask):
    return await database.read(lambda tx: ask(Directory(tx)))


@pytest.fixture
async def database(tmp_path):
    opened = await a_directory(tmp_path)
    yield opened
    await opened.close()


async def test_people_are_found_by_account_and_by_number(database):
    """An account is one person's; a number may be shared."""
    alice = await look(database, lambda d: d.person_by_telegram(1001))
    assert isinstance(alice, Person) and alice.is_staff("oak") and not alice.on_call
    assert [p.person_id for p in await look(database, lambda d: d.people_by_number("+447700900101"))] == ["alice"]
    assert await look(database, lambda d: d.person_by_telegram(9)) is None


async def test_a_child_is_found_whatever_the_case_of_its_code(database):
    """People type k7."""
    assert (await look(database, lambda d: d.child("k7"))).id == "K7"


async def test_the_duty_line_holds_and_without_one_everybody_with_the_role(database):
    """Who and why."""
    held = await database.read(lambda tx: rota.on_duty(Directory(tx), "org1", "coordinator", "oak", EVENING))
    assert held.people and held.why
    manager = await database.read(lambda tx: rota.on_duty(Directory(tx), "org1", "manager", "oak", EVENING))
    assert [p.person_id for p in manager.people] == ["mo"]


async def test_a_duty_line_runs_from_its_beginning_to_its_end(tmp_path):
    """The end is not part of it."""
    text = ROSTER + '\n[[duty]]\norganisation = "org1"\nrole = "owner"\nperson = "mo"\n' + (
        "from = 2026-11-25T20:00:00Z\nuntil = 2026-11-25T22:00:00Z\n"
    )
    database = await a_directory(tmp_path, text)
    try:
        for hour, on in ((19, False), (20, True), (21, True), (22, False)):
            when = datetime(2026, 11, 25, hour, tzinfo=UTC)
            held = await database.read(lambda tx, w=when: rota.on_duty(Directory(tx), "org1", "owner", "oak", w))
            assert ("mo" in [p.person_id for p in held.people]) is on
    finally:
        await database.close()


async def test_an_invite_works_once_and_for_a_day(database):
    """Used, expired and unknown are told apart to us, and never to a stranger."""
    token = hashlib.sha256(b"secret").hexdigest()
    await database.write(lambda tx: Directory(tx).make_invite("alice", token, EVENING + DAY))

    async def redeem(at):
        return await database.write(lambda tx: Directory(tx).redeem_invite(token, at))

    assert await redeem(EVENING + DAY + timedelta(seconds=1)) == "expired"
    assert (await redeem(EVENING)).person_id == "alice"
    assert await redeem(EVENING) == "used"
    unknown = await database.write(lambda tx: Directory(tx).redeem_invite("nothing", EVENING))
    assert unknown == "unknown"


async def test_one_account_is_one_person(database):
    """B049: the second claim is refused."""
    assert not await database.write(lambda tx: Directory(tx).bind_telegram("mo", 1001))
    assert await database.write(lambda tx: Directory(tx).bind_telegram("mo", 2002))


async def test_deactivating_cuts_everything_at_once(database):
    """T4: account, invites and roles' effect."""
    await database.write(lambda tx: Directory(tx).deactivate("alice"))
    assert await look(database, lambda d: d.person_by_telegram(1001)) is None
    assert "alice" not in [p.person_id for p in await look(database, lambda d: d.staff_of("oak"))]


async def test_the_snapshot_holds_what_rules_need(tmp_path):
    """Age on the day, flags, register factors, the medicine's next time, the plan's own limit."""
    text = ROSTER.replace(
        'born = 2011-02-03\n',
        'born = 2011-02-03\nflags = ["medical"]\nprofile = { placement_start = "2026-11-20", la_host = "A",'
        ' la_responsible = "B", school_status = "excluded", substance_notes = "x", mental_health = "y",'
        ' medicine_due = "20:30", plan = "ring first", limit_minutes = "45" }\n', 1,
    ) + '\n[[episode]]\nchild = "K7"\nstart = 2026-11-01T20:00:00Z\n'  # fmt: skip
    database = await a_directory(tmp_path, text)
    try:
        child = await look(database, lambda d: d.snapshot("K7", EVENING))
        assert (child.age, child.flags, child.at_home) == (15, ("medical",), False)
        assert child.register_factors == ("K07", "K08", "K09", "K10", "K12")
        assert child.medicine_due_at == datetime(2026, 11, 26, 20, 30, tzinfo=UTC)  # 20:30 has passed today
        assert (child.has_plan, child.plan_limit_minutes, child.episodes_90_days) == (True, 45, 1)
    finally:
        await database.close()


def test_age_counts_the_local_birthday():
    """Half past midnight in June is the birthday in London, though not in UTC."""
    born = datetime(2011, 6, 10).date()
    assert age_on(born, datetime(2026, 6, 9, 23, 30, tzinfo=UTC)) == 15
    assert age_on(born, datetime(2026, 6, 9, 22, 30, tzinfo=UTC)) == 14

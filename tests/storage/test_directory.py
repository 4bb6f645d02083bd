"""Who there is, who is on duty and why, and what a case copies of a child."""

import hashlib
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from storage import roster, rota
from storage.database import Database
from storage.directory import Directory
from storage.people import Person
from storage.register import age_on
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, ROSTER
from tests.storage.test_roster import a_directory

pytestmark = ON_BOTH

DAY = timedelta(days=1)


async def look(database, ask):
    return await database.read(lambda tx: ask(Directory(tx)))


def person(person_id: str, role: str) -> str:
    return (
        f'\n[[person]]\nid = "{person_id}"\norganisation = "org1"\nname = "{person_id.title()} Example"\n'
        f'roles = ["{role}"]\nmobile = "+447700900399"\n'
    )


def duty(role: str, person_id: str, more: str = "") -> str:
    return f'\n[[duty]]\norganisation = "org1"\nrole = "{role}"\nperson = "{person_id}"\n{more}\n'


@asynccontextmanager
async def people(folder, more: str, roster: str = ROSTER):
    """The usual people and some more; closed whatever a test does."""
    with TemporaryDirectory(dir=folder) as its_own:
        opened = await a_directory(Path(its_own), roster + more)
        try:
            yield opened
        finally:
            await opened.close()


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


async def held(database: Database, role: str, home: str = "oak", at: datetime = EVENING) -> rota.Held:
    return await database.read(lambda tx: rota.on_duty(Directory(tx), "org1", role, home, at))


def ids(answer: rota.Held) -> list[str]:
    return [person.person_id for person in answer.people]


async def test_the_duty_line_holds_and_without_one_everybody_with_the_role(database):
    """Who and why."""
    on = await held(database, "coordinator")
    assert (ids(on), on.why) == (["cass"], "duty line of coordinator")
    on = await held(database, "manager")
    assert (ids(on), on.why) == (["mo"], "no duty line: everybody who is manager")


async def test_a_duty_line_runs_from_its_beginning_to_its_end(tmp_path):
    """The end is not part of it."""
    async with people(tmp_path, duty("owner", "mo", "from = 2026-11-25T20:00:00Z\nuntil = 2026-11-25T22:00:00Z")) as d:
        for hour, on in ((19, False), (20, True), (21, True), (22, False)):
            assert ("mo" in ids(await held(d, "owner", at=datetime(2026, 11, 25, hour, tzinfo=UTC)))) is on


async def test_the_earliest_line_that_runs_holds_and_the_second_is_second_in_line(tmp_path):
    """Earlier lines first; a line for another home does not count."""
    lines = person("cat", "coordinator") + duty("coordinator", "cat")
    async with people(tmp_path, lines) as d:
        assert ids(await held(d, "coordinator")) == ["cass"]
        second = await held(d, "second_coordinator")
        assert (ids(second), second.why) == (["cat"], "second duty line of coordinator")


async def test_another_co_ordinator_is_second_and_without_one_a_deputy_stands_in(tmp_path):
    """And the answer says which."""
    async with people(tmp_path, person("cat", "coordinator")) as d:
        assert ids(await held(d, "second_coordinator")) == ["cat"]
    async with people(tmp_path, "") as d:
        second = await held(d, "second_coordinator")
        assert (ids(second), second.stand_in) == (["dee"], "deputy")
        assert second.why == "there is no second co-ordinator; in their place, duty line of deputy"


async def test_where_nobody_holds_a_role_a_deputy_or_the_owner_stands_in(tmp_path):
    """An alert to nobody is the worst answer."""
    async with people(tmp_path, person("ola", "owner")) as d:
        for role, expected in (("coordinator", ["dee"]), ("manager", ["ola"])):
            await d.write(lambda tx: Directory(tx).deactivate("cass"))
            await d.write(lambda tx: Directory(tx).deactivate("mo"))
            assert ids(await held(d, role)) == expected
        await d.write(lambda tx: Directory(tx).deactivate("dee"))
        last = await held(d, "coordinator")
        assert (ids(last), last.stand_in) == (["ola"], "owner")


async def test_a_person_whom_no_channel_reaches_is_passed_over_and_named(tmp_path):
    """On duty, but without a number or an account."""
    lost = ROSTER.replace('mobile = "+447700900301"\ntelegram_id = 1003\n', "")
    async with people(tmp_path, person("cat", "coordinator") + duty("coordinator", "cat"), lost) as d:
        on = await held(d, "coordinator")
        assert (ids(on), on.why) == (["cat"], "duty line of coordinator (cass cannot be reached)")


async def test_the_manager_of_a_family_home_is_the_co_ordinator(tmp_path):
    """6.1: nobody manages a family."""
    family = '[[home]]\nid = "elm"\norganisation = "org1"\nkind = "family"\nname = "Elm Road"\ntown = "Exampleton"\n'
    async with people(tmp_path, family) as d:
        on = await held(d, "manager", home="elm")
        assert ids(on) == ["cass"]
        assert "a family home has no manager" in on.why


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


async def test_who_was_cut_off_is_known_again_by_account_and_number(database):
    """B047: whatever number or account they come by; who is active is no former anything."""
    assert await look(database, lambda d: d.former_by_telegram(1001)) == []
    assert await look(database, lambda d: d.former_by_number("+447700900101")) == []
    for _ in range(2):  # cut off twice, the account is still known
        await database.write(lambda tx: Directory(tx).deactivate("alice"))
    for known in (
        await look(database, lambda d: d.former_by_telegram(1001)),
        await look(database, lambda d: d.former_by_number("+447700900101")),
    ):
        assert [(p.person_id, p.active, p.homes) for p in known] == [("alice", False, ("oak",))]


async def test_an_attempt_of_theirs_is_noted_once_in_a_while(database):
    """Who hammers at the door wakes nobody each time."""

    async def knocks(at):
        return await database.write(lambda tx: Directory(tx).knocks("alice", at, timedelta(hours=1)))

    hour = timedelta(hours=1)
    assert [await knocks(EVENING + n * hour / 2) for n in range(4)] == [True, False, True, False]


def with_profile(words: str, flags: str = '"medical"') -> str:
    return ROSTER.replace("born = 2011-02-03\n", f"born = 2011-02-03\nflags = [{flags}]\nprofile = {{ {words} }}\n", 1)


async def test_the_snapshot_holds_what_rules_need(tmp_path):
    """Age on the day, flags, register factors, the medicine's next time, the plan's own limit, earlier episodes."""
    roster = with_profile(
        'placement_start = "2026-11-20", host_authority = "A", placing_authority = "B", school_status = "excluded",'
        ' substances = "x", mental_health = "y", medicine_due = "20:30", plan = "ring first", limit_minutes = 45'
    )
    episodes = '\n[[episode]]\nchild = "K7"\nstart = 2026-11-01T20:00:00Z\n'
    async with people(tmp_path, episodes, roster) as d:
        child = await look(d, lambda r: r.snapshot("K7", EVENING))
        assert (child.age, child.flags, child.at_home, child.looked_after) == (15, ("medical",), False, True)
        assert child.register_factors == ("K07", "K08", "K09", "K10", "K12")
        assert child.medicine_due_at == datetime(2026, 11, 26, 20, 30, tzinfo=UTC)  # 20:30 has passed today
        assert (child.has_plan, child.plan_limit_minutes, child.episodes_90_days) == (True, 45, 1)
        assert child.parents == ("pat",)


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("21:00", datetime(2026, 11, 25, 21, tzinfo=UTC)), ("9:05", datetime(2026, 11, 26, 9, 5, tzinfo=UTC)),
        ("2026-11-27T08:00:00Z", datetime(2026, 11, 27, 8, tzinfo=UTC)),
        ("2026-06-01 08:00", datetime(2026, 6, 1, 7, tzinfo=UTC)), ("25:99", None), ("ab:cd", None), ("²²:00", None),
        ("after supper", None), ("", None),
    ],
)  # fmt: skip
async def test_no_medicine_time_can_stop_a_case_from_opening(tmp_path, words, due):
    """Where none can be read the flag alone raises R03 as the case opens."""
    async with people(tmp_path, "", with_profile(f'medicine_due = "{words}"')) as d:
        assert (await look(d, lambda r: r.snapshot("K7", EVENING))).medicine_due_at == due


async def test_what_lies_around_the_home_is_copied_into_the_case(tmp_path):
    """R15; a newer file that leaves it out takes it away again."""
    near = ROSTER.replace('name = "Oak House"\n', 'name = "Oak House"\nsurroundings = ["water", "remote"]\n')
    async with people(tmp_path, "", near) as d:
        assert (await look(d, lambda r: r.snapshot("K7", EVENING))).surroundings == ("water", "remote")
        await d.write(lambda tx: roster.apply(tx, roster.parse(ROSTER), take_telegram_ids=True))
        assert (await look(d, lambda r: r.snapshot("K7", EVENING))).surroundings == ()


async def test_who_texts_999_is_copied_into_the_case(tmp_path):
    """Only who cannot speak *and* has a registered phone: an unregistered one would text 999 in vain. Parents of another
    child and staff of another home are not this case's business."""
    cannot, may = "voice_ok = false\n", "voice_ok = false\ntext_999 = true\n"
    words = ROSTER
    for person, keys in (("alice", may), ("mo", cannot), ("pat", may), ("cass", may)):
        words = words.replace(f'id = "{person}"\n', f'id = "{person}"\n{keys}', 1)
    async with people(tmp_path, "", words) as d:
        assert (await look(d, lambda r: r.snapshot("K7", EVENING))).text_999 == ("alice", "pat")
        assert (await look(d, lambda r: r.snapshot("K8", EVENING))).text_999 == ("alice",)
        mo, dee = [await look(d, lambda r, who=who: r.person(who)) for who in ("mo", "dee")]
        assert (mo.voice_ok, mo.text_999, dee.voice_ok, dee.text_999) == (False, False, True, False)


async def test_factors_fade_and_old_names_are_read(tmp_path):
    """K07 for 14 days in a placement and 30 after a move; K08 only where two authorities are known and differ."""
    words = 'placement_start = "2026-11-01", last_move = "2026-11-01", la_host = "a", la_responsible = "A"'
    async with people(tmp_path, "", with_profile(words, "")) as d:
        assert (await look(d, lambda r: r.snapshot("K7", EVENING))).register_factors == ("K07",)
        assert (await look(d, lambda r: r.snapshot("K7", EVENING + 10 * DAY))).register_factors == ()


async def test_a_parent_who_is_not_open_or_not_verified_is_not_asked(tmp_path):
    """Restricted is the default."""
    for words in (ROSTER.replace('contact = "open"\n', ""), ROSTER.replace('contact = "open"', 'contact = "none"')):
        async with people(tmp_path, "", words) as d:
            assert (await look(d, lambda r: r.snapshot("K7", EVENING))).parents == ()


def test_age_counts_the_local_birthday():
    """Half past midnight in June is the birthday in London, though not in UTC."""
    born = date(2011, 6, 10)
    assert age_on(born, datetime(2026, 6, 9, 23, 30, tzinfo=UTC)) == 15
    assert age_on(born, datetime(2026, 6, 9, 22, 30, tzinfo=UTC)) == 14

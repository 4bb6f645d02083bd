"""The roster file: taken whole or not at all, every fault with its line."""

import pytest

from storage import roster
from storage.database import Database
from storage.directory import Directory
from storage.migrate import migrate
from storage.numbers import e164, is_mobile
from storage.people import Person
from tests import databases
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, ROSTER

pytestmark = ON_BOTH

TABLES = ("organisation", "home", "child", "person", "role", "duty", "past_episode")
PLACES = ROSTER.partition("[[person]]")[0]


async def a_directory(tmp_path, text: str = ROSTER, *, take: bool = True) -> Database:
    database = await Database.open(databases.url(tmp_path))
    await migrate(database)
    await database.write(lambda tx: roster.apply(tx, roster.parse(text), take_telegram_ids=take, now=EVENING))
    return database


async def a_person(database: Database, person_id: str) -> Person:
    found = await database.read(lambda tx: Directory(tx).person(person_id))
    assert found is not None
    return found


async def how_many(database: Database, table: str) -> int:
    return len(await database.read(lambda tx: tx.rows(f"SELECT * FROM {table}")))


def faults(text: str) -> list[str]:
    with pytest.raises(roster.BadRoster) as bad:
        roster.parse(text)
    return [str(f) for f in bad.value.faults]


def test_every_fault_is_told_at_once_with_its_line():
    """Three mistakes, three lines."""
    text = (
        ROSTER.replace('kind = "children"', 'kind = "castle"')
        .replace("+447700900101", "+44770090010")
        .replace("born = 2011-02-03", 'born = "soon"', 1)
    )
    told = faults(text)
    assert len(told) == 3
    assert all(t.startswith("line ") for t in told)
    assert "castle" in told[0] and "born" in told[1] and "mobile" in told[2]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('roles = ["staff:oak"]', 'roles = ["staff:elm"]', "none of oak"),
        ('roles = ["staff:oak"]', 'roles = ["king"]', "'king'"),
        ("telegram_id = 1002", "telegram_id = 1001", "alice's already"),
        ("telegram_id = 1002", "telegram_id = -5", "positive whole number"),
        ('jurisdiction = "england"', 'jurisdiction = "france"', "'france'"),
        ('id = "K8"', 'id = "K7"', "stands twice"),
        ('id = "K8"', 'id = "Kim Example"', "never a name"),
        ('duty_number = "+441632960100"', 'duty_number = "none"', "no telephone number"),
        ("born = 2011-02-03", 'born = 2011-02-03\nflags = ["brave"]', "'brave'"),
        ('name = "Oak House"', 'name = "Oak House"\nroof = "red"', "`roof` is not known"),
        ('name = "Oak House"\n', "", "`name` is missing"),
    ],
)
def test_each_kind_of_fault_is_named(before, after, says):
    """What is wrong stands in the sentence."""
    assert any(says in f for f in faults(ROSTER.replace(before, after, 1)))


def test_a_file_that_is_no_toml_says_where():
    """The line of the first character that cannot be read."""
    assert faults("[[organisation]]\nid = ")[0].startswith("line 2: not readable")


def test_a_fault_stands_on_the_line_of_its_key():
    """Not only on that of its entry."""
    text = ROSTER.replace("telegram_id = 1002", "telegram_id = 1001")
    first, second = (n for n, line in enumerate(text.splitlines(), 1) if line == "telegram_id = 1001")
    assert first < second
    assert faults(text)[0].startswith(f"line {second}: ")


def test_a_missing_key_does_not_hide_other_faults():
    """All at once: nobody mends a file ten times."""
    text = ROSTER.replace('name = "Oak House"\n', "").replace("born = 2011-02-03", 'born = "soon"', 1)
    assert len(faults(text)) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PLACES + '[duty]\nrole = "owner"', "`duty` must be entries, each under [[duty]]"),
        ("person = 5\n" + PLACES, "`person` must be entries"),
        ("person = [1]\n" + PLACES, "`person` must be entries"),
        (PLACES + '[[dutty]]\nrole = "owner"', "`dutty` is not a table of the roster"),
        ('duty = [{ organisation = "org1", role = "king", person = "mo" }]\n' + PLACES, "'king' is none of"),
        (PLACES + "[[home]]\nid = 5\norganisation = []\nkind = {}", "`organisation` [] is none of org1"),
    ],
)
def test_nothing_is_passed_over_in_silence(text, says):
    """A duty line that is read by nobody would leave the night without anyone on duty."""
    assert any(says in told for told in faults(text))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('home = "oack"', "`home` 'oack' is none of oak"),
        ("from = 2026-06-10T20:00:00", "`from` must be an instant with its zone"),
        ("from = 2026-06-11T08:00:00Z\nuntil = 2026-06-10T20:00:00Z", "`until` is not after `from`"),
    ],
)
def test_a_duty_line_that_could_never_run_is_a_fault(line, says):
    """Nobody would notice until the night."""
    assert any(says in told for told in faults(ROSTER + line + "\n"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('services_email = "mash.example"', "`services_email` must be one mail address"),
        ('services_email = "a@x.example, b@x.example"', "`services_email` must be one mail address"),
        ('police_webhook = "http://force.example/r"', "`police_webhook` must be a URL that begins with https://"),
        ('police_webhook = "https://porch:secret@force.example/r"', "without a name or password"),
        ('services_webhook = "ftp://127.0.0.1/r"', "`services_webhook` must be a URL"),
    ],
)
def test_an_address_that_a_childs_report_must_not_go_to_is_a_fault(line, says):
    """In the clear, to nobody, or to more than one."""
    text = ROSTER.replace('police_email = "control@police.example"', line, 1)
    assert any(says in told for told in faults(text)), faults(text)
    good = 'services_email = "mash@council.example"\npolice_webhook = "https://force.example/r?of=org1"'
    roster.parse(ROSTER.replace('police_email = "control@police.example"', good, 1))


def test_a_childs_own_authority_has_one_address():
    """A mistyped one would be found out on the night."""
    text = ROSTER.replace("born = 2011-02-03", 'born = 2011-02-03\nprofile = { services_email = "edt" }', 1)
    assert any("services_email must be one mail address" in told for told in faults(text))


def test_a_plans_limit_that_is_no_number_is_a_fault():
    """Unread, the laxer general limit would hold."""
    text = ROSTER.replace("born = 2011-02-03", 'born = 2011-02-03\nprofile = { limit_minutes = "an hour" }', 1)
    assert any("limit_minutes must be a whole number" in told for told in faults(text))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("born = 2011-02-03", 'born = 2011-02-03\nprofile = { shoe_size = "8" }', "K7: `shoe_size` is no field"),
        ("born = 2011-02-03", 'born = 2011-02-03\nprofile = { last_move = "in May" }', "K7: `last_move` is no day"),
        ("born = 2011-02-03", 'born = 2011-02-03\nprofile = { medicine_due = "20:30" }', "only with the flag medical"),
        ("born = 2011-02-03", 'born = 2011-02-03\nflags = ["medical"]\nprofile = { medicine_due = "25:99" }',
         "K7: `medicine_due` is no time"),
        ('mobile = "+447700900101"', 'mobile = "01632 960101"', "alice: a landline"),
        ('name = "Pat Example"', 'name = "Pat Example"\nvoice_ok = false', "pat: cannot ring 999, and their phone is not"),
        ('name = "Pat Example"', 'name = "Pat Example"\nwhatsapp = true', "pat: a parent is texted all the same"),
        ('role = "deputy"\nperson = "dee"', 'role = "deputy"\nperson = "mo"', "mo: on duty as deputy without"),
    ],
)  # fmt: skip
def test_what_may_be_meant_otherwise_is_noted_and_taken(before, after, says):
    """A note stops nothing."""
    assert any(says in str(note) for note in roster.parse(ROSTER.replace(before, after, 1)).notes)
    assert roster.parse(ROSTER).notes == []


async def take(database: Database, text: str, **how) -> None:
    await database.write(lambda tx: roster.apply(tx, roster.parse(text), **{"take_telegram_ids": True, **how}))


async def test_two_people_may_swap_accounts_in_one_file(tmp_path):
    """Each account is somebody's all the while."""
    database = await a_directory(tmp_path)
    try:
        swapped = ROSTER.replace("= 1001", "= 9999").replace("= 1002", "= 1001").replace("= 9999", "= 1002")
        await take(database, swapped)
        alice = await database.read(lambda tx: Directory(tx).person_by_telegram(1002))
        assert alice is not None and alice.person_id == "alice"
    finally:
        await database.close()


async def test_an_account_of_somebody_who_is_not_in_the_file_is_a_fault(tmp_path):
    """Refused with its line, and nothing is changed."""
    database = await a_directory(tmp_path)
    try:
        text = ROSTER.replace('id = "alice"', 'id = "anna"').replace("Oak House", "Ash House")
        with pytest.raises(roster.BadRoster) as bad:
            await take(database, text)
        assert str(bad.value).endswith("person: `telegram_id` is alice's already")
        assert bad.value.faults[0].line == text.splitlines().index("telegram_id = 1001") + 1
        home = await database.read(lambda tx: Directory(tx).home("oak"))
        assert home is not None and home.name == "Oak House"
    finally:
        await database.close()


async def test_who_is_left_out_stays_and_who_was_cut_off_stays_cut_off(tmp_path):
    """Both are told; only `person deactivate` cuts somebody off, and no file brings a leaver back."""
    database = await a_directory(tmp_path)
    try:
        await database.write(lambda tx: Directory(tx).deactivate("alice"))
        parsed = roster.parse(ROSTER.replace('id = "pat"', 'id = "paul"'))
        told = await database.write(lambda tx: roster.standing(tx, parsed))
        await database.write(lambda tx: roster.apply(tx, parsed, take_telegram_ids=True))
        alice = await a_person(database, "alice")
        pat = await a_person(database, "pat")
        assert [words.partition(" ")[0] for words in told] == ["alice", "pat"]
        assert (alice.active, alice.telegram_id) == (False, None)
        assert pat.active
    finally:
        await database.close()


async def test_duty_lines_are_those_of_the_newest_file(tmp_path):
    """Also where it has none: then everybody who has the role is on duty."""
    database = await a_directory(tmp_path)
    try:
        await take(database, ROSTER.partition("[[duty]]")[0])
        assert await database.read(lambda tx: tx.rows("SELECT * FROM duty")) == []
    finally:
        await database.close()


async def test_a_profile_is_kept_as_words(tmp_path):
    """Numbers, days, lists and truth values print as a reader wants them."""
    profile = 'profile = { height = 170, places = ["the park", "gran"], glasses = true, placement_start = 2026-11-20 }'
    database = await a_directory(tmp_path, ROSTER.replace("born = 2011-02-03", f"born = 2011-02-03\n{profile}", 1))
    try:
        child = await database.read(lambda tx: Directory(tx).child("K7"))
        assert child is not None
        assert child.profile == {
            "height": "170", "places": "the park; gran", "glasses": "yes", "placement_start": "2026-11-20",
        }  # fmt: skip
    finally:
        await database.close()


async def test_taking_a_roster_twice_changes_nothing_more(tmp_path):
    """Repeatable: the same people, once each."""
    database = await a_directory(tmp_path)
    try:
        counts = []
        for _ in range(2):
            await database.write(lambda tx: roster.apply(tx, roster.parse(ROSTER), take_telegram_ids=True, now=EVENING))
            counts.append([await how_many(database, table) for table in TABLES])
        assert counts[0] == counts[1]
    finally:
        await database.close()


async def test_accounts_are_bound_by_the_roster_only_where_providers_are_pretend(tmp_path):
    """In live use an invite alone binds, and a parent's number is not verified by being written down."""
    for take in (True, False):
        folder = tmp_path / str(take)
        folder.mkdir()
        database = await a_directory(folder, take=take)
        try:
            alice = await a_person(database, "alice")
            pat = await a_person(database, "pat")
            assert (alice.telegram_id is not None) is take
            assert pat.verified is (take and pat.contact == "open")
        finally:
            await database.close()


async def test_a_changed_number_has_to_be_shown_again(tmp_path):
    """T16: a new mobile is not the verified one."""
    database = await a_directory(tmp_path)
    try:
        changed = ROSTER.replace("+447700900201", "+447700900202")
        await database.write(lambda tx: roster.apply(tx, roster.parse(changed), take_telegram_ids=False, now=EVENING))
        pat = await a_person(database, "pat")
        assert (pat.mobile, pat.verified) == ("+447700900202", False)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("07700 900101", "+447700900101"), ("+44 7700 900 101", "+447700900101"), ("01632 960100", "+441632960100"),
        ("0770090010", None), ("hello", None), ("", None), ("+44770090010", None),
    ],
)  # fmt: skip
def test_a_number_is_whole_or_it_is_none(words, number):
    """One digit short is refused, though a library calls it possible."""
    assert e164(words) == number


def test_a_mobile_is_447_and_nine_digits():
    """A landline is none."""
    assert is_mobile("+447700900101") and not is_mobile("+441632960100")

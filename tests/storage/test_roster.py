"""The roster file: taken whole or not at all, every fault with its line."""

import pytest

from storage import roster
from storage.database import Database
from storage.directory import Directory
from storage.migrate import migrate
from storage.numbers import e164, is_mobile
from tests.storage.houses import EVENING, ROSTER


async def a_directory(tmp_path, text: str = ROSTER, *, take: bool = True) -> Database:
    database = await Database.open(f"sqlite:///{tmp_path}/house.db")
    await migrate(database)
    await database.write(lambda tx: roster.apply(tx, roster.parse(text), take_telegram_ids=take, now=EVENING))
    return database


def faults(text: str) -> list[str]:
    with pytest.raises(roster.BadRoster) as bad:
        roster.parse(text)
    return [str(f) for f in bad.value.faults]


def test_every_fault_is_told_at_once_with_its_line():
    """Three mistakes, three lines."""
    text = ROSTER.replace('kind = "children"', 'kind = "castle"').replace("+447700900101", "+44770090010").replace(
        "born = 2011-02-03", 'born = "soon"', 1
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


async def test_taking_a_roster_twice_changes_nothing_more(tmp_path):
    """Repeatable: the same people, once each."""
    database = await a_directory(tmp_path)
    try:
        counts = []
        for _ in range(2):
            await database.write(lambda tx: roster.apply(tx, roster.parse(ROSTER), take_telegram_ids=True, now=EVENING))
            rows = await database.read(lambda tx: tx.rows("SELECT (SELECT count(*) FROM person) AS p,"
                                                          " (SELECT count(*) FROM role) AS r, (SELECT count(*) FROM duty) AS d"))  # fmt: skip
            counts.append(tuple(rows[0][k] for k in ("p", "r", "d")))
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
            alice = await database.read(lambda tx: Directory(tx).person("alice"))
            pat = await database.read(lambda tx: Directory(tx).person("pat"))
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
        pat = await database.read(lambda tx: Directory(tx).person("pat"))
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

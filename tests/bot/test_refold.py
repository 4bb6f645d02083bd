"""A new program with another fold is put in place while a child is out, as an operator does it."""

import asyncio
from pathlib import Path

from bot.app import House
from bot.settings import load
from casework.evolve import FOLD
from storage.database import Database, Unit
from storage.refolding import FOLDED, stands_by
from tests.bot.commands import Terminal, terminal
from tests.databases import ON_BOTH

pytestmark = ON_BOTH


def of_another_fold(house: Terminal, folded: str = "replace(folded, '\"seq\":', '\"mood\":')") -> None:
    """The case stands as this program cannot even read it, and would ring in ten days."""
    _say(
        house, f"UPDATE meta SET value = 'older' WHERE key = '{FOLDED}'",
        f"UPDATE case_row SET folded = {folded}, next_due = next_due + 864000000",
        "UPDATE deadline SET due_at = due_at + 864000000",
    )  # fmt: skip


def _say(house: Terminal, *statements: str) -> None:
    async def unit() -> None:
        async with await Database.open(house.environment()["DATABASE_URL"]) as database:
            for sql in statements:
                await database.write(_unit(sql))

    asyncio.run(unit())


def _unit(sql: str) -> Unit[int]:
    return lambda tx: tx.run(sql)


def opened(folder: Path) -> Terminal:
    house = terminal(folder)
    house.fine("case", "open", "K7", "--by", "alice", "--due", "21:00")
    return house


def test_migrate_folds_open_cases_anew(tmp_path: Path) -> None:
    """Before it the doctor and `verify` complain, after it neither does; run again there is nothing to do."""
    house = opened(tmp_path)
    assert house.fine("migrate") == {"applied": [], "folded": {"looked_at": 0, "changed": 0, "left": []}}
    of_another_fold(house)
    assert house.run("verify").code == 1 and "as another program left them" in house.run("doctor").out
    ran = house.run("migrate")
    assert (ran.code, ran.out) == (0, "1 cases folded anew from their logs, 1 of them stood otherwise\n")
    assert house.run("verify").code == 0 and "as another program left them" not in house.run("doctor").out
    assert "nothing to do" in house.run("migrate").out


def test_a_case_that_cannot_be_folded_is_named_by_its_code(tmp_path: Path) -> None:
    """Exit 1 for as long as it stands, and the doctor says so too; commands that work on other cases go on."""
    house = opened(tmp_path)
    (case,) = house.fine("case", "list")
    of_another_fold(house, "folded")
    _say(house, "UPDATE case_row SET events = events + 1")
    for _ in range(2):
        ran = house.run("migrate")
        assert ran.code == 1
        assert f"{case['code']} ({case['id']}) could not be folded and stands as it was" in ran.out
    assert case["id"] in house.run("doctor").out
    assert house.run("child", "list").code == 0


def test_a_command_that_opens_the_database_folds_first(tmp_path: Path) -> None:
    """A note to a case that stood by another fold is decided on what its log says."""
    house = opened(tmp_path)
    of_another_fold(house)
    (case,) = house.fine("case", "list")
    assert house.run("case", "note", case["code"], "a word", "--by", "alice").code == 0
    assert house.run("verify").code == 0


def test_a_house_that_starts_folds_before_it_rings(tmp_path: Path) -> None:
    """As it brings an older schema up to date by itself: what the older fold would have left silent rings at start."""
    house = opened(tmp_path)
    of_another_fold(house)
    house.at("2026-06-10T21:35:00Z")
    kept = len(house.rows("SELECT * FROM event"))

    async def starts() -> str:
        settings = load({**house.environment(), "HTTP_BIND": "127.0.0.1:0"}, tmp_path)
        async with House(settings) as living:
            return await living.database.read(stands_by)

    assert FOLD == asyncio.run(starts())
    assert kept < len(house.rows("SELECT * FROM event"))
    assert house.run("verify").code == 0


def test_a_house_that_moved_away_is_not_touched(tmp_path: Path) -> None:
    """Two casebooks of one child would be two truths."""
    house = opened(tmp_path)
    of_another_fold(house)
    _say(house, "INSERT INTO meta (key, value) VALUES ('left', 'x')")
    assert house.run("migrate").code == 3
    assert house.rows(f"SELECT value FROM meta WHERE key = '{FOLDED}'") == [{"value": "older"}]

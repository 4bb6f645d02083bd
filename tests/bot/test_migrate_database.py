"""`porchlight migrate-database`, as an operator types it."""

from pathlib import Path

from tests import databases
from tests.bot.commands import terminal
from tests.databases import ON_BOTH

pytestmark = ON_BOTH


def test_a_house_moves_from_the_terminal(tmp_path: Path) -> None:
    """It says what it counted; the new database has the case, the old one opens no more and says why."""
    house = terminal(tmp_path)
    code = house.fine("case", "open", "K7", "--by", "alice", "--due", "19:00")["code"]
    to = databases.url(tmp_path, "moved.db", on="postgresql")
    moved = house.fine("migrate-database", to)
    assert moved["cases"] == 1
    assert moved["rows"]["event"] > 3
    assert house.run("migrate-database", to).code == 3
    refused = house.run("case", "note", code, "rang", "--by", "cass", "--call")
    assert refused.code == 3
    assert "has moved to another database" in refused.err
    there = house.run("case", "list", "--json", DATABASE_URL=to)
    assert [code] == [row["code"] for row in there.json]
    assert house.run("verify", DATABASE_URL=to).code == 0
    assert house.run("ack", code, "--by", "cass", DATABASE_URL=to).code == 0


def test_what_cannot_be_moved_is_a_sentence(tmp_path: Path) -> None:
    """No target, a scheme that is none, both words at once, a house that does not exist; nothing is marked by it."""
    house = terminal(tmp_path)
    assert house.run("migrate-database").code == 2
    assert house.run("migrate-database", "sqlite:///x.db", "--cancel").code == 2
    for to in ("mysql://elsewhere/x", "postgresql://nobody@127.0.0.1:1/x", house.environment()["DATABASE_URL"]):
        ran = house.run("migrate-database", to)
        assert ran.code == 3
        assert len(ran.err.splitlines()) == 1
        assert "Traceback" not in ran.err
    assert house.run("migrate-database", "--cancel").code == 0
    house.fine("case", "open", "K7", "--by", "alice", "--due", "19:00")

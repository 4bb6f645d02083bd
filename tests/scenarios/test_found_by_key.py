"""What the house asks while it works a night is found by a key: among years of cases as among ten.

Every statement of the written nights is asked of SQLite once more, for its plan. A table that grows with the years may be
walked along an index of a part of it alone, or from its newest row.
"""

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.cli.simulate import everything
from bot.protocols import shelf
from bot.simulate import simulated
from storage import buttons
from storage.database import Database, Row, Value, insertion
from storage.sqlite_units import SqliteTx

GROWS = {
    "alert", "call_answer", "card", "case_reporter", "case_row", "dead_man", "deadline", "event", "inbox", "keyboard", "media",
    "outbox", "past_episode", "pressed", "reply_code", "report", "task", "texter_mark", "tick", "words",
}  # fmt: skip
OF_A_PART = re.compile(r"USING (?:COVERING )?INDEX (outbox_next|outbox_in_hand|inbox_waiting|case_row_open_in_home)$")
NEWEST = re.compile(r"ORDER BY (seq|rowid) DESC LIMIT 1$")
OF_THE_STAGE = (
    "SELECT case_id FROM case_row ORDER BY opened_at DESC, case_id DESC LIMIT 1"  # which case the night is about
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every statement that is said from now on."""
    found = set[str]()
    rows, row, run, insert = SqliteTx.rows, SqliteTx.row, SqliteTx.run, SqliteTx.insert

    async def its_rows(self: SqliteTx, sql: str, *values: Value) -> list[Row]:
        found.add(sql)
        return await rows(self, sql, *values)

    async def its_row(self: SqliteTx, sql: str, *values: Value) -> Row | None:
        found.add(sql)
        return await row(self, sql, *values)

    async def it_runs(self: SqliteTx, sql: str, *values: Value) -> int:
        found.add(sql)
        return await run(self, sql, *values)

    async def it_inserts(self: SqliteTx, into: str, rows: Sequence[Sequence[Value]], end: str = "") -> None:
        if rows:
            found.add(insertion(into, 1, len(rows[0]), end))
        await insert(self, into, rows, end)

    for name, instead in (("rows", its_rows), ("row", its_row), ("run", it_runs), ("insert", it_inserts)):
        monkeypatch.setattr(SqliteTx, name, instead)
    return found


def walks(database: Path, sql: str) -> list[str]:
    """The tables that grow and that this statement walks through from end to end, with how."""
    with sqlite3.connect(database) as line:
        plan = [row[3] for row in line.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?"))]
    line.close()
    walked = [step for step in plan if step.startswith("SCAN") and GROWS & set(step.split()[1:2])]
    return [step for step in walked if not OF_A_PART.search(step) and not NEWEST.search(sql)]


async def test_what_a_night_asks_is_found_by_a_key(tmp_path: Path, said: set[str]) -> None:
    """In every written night, and where several letters leave at once."""
    database = tmp_path
    for found in everything():
        database = tmp_path / f"{found.scenario.scenario_id}.db"
        await simulated(found.scenario, shelf(None), database=f"sqlite:///{database}", reopens=False)
    async with await Database.open(f"sqlite:///{database}") as opened:
        await opened.read(lambda tx: buttons.cards_of(tx, [("a", "alice"), ("b", "ben")]))
    asked = [
        sql for sql in said - {OF_THE_STAGE} if re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)(?! sqlite_schema)", sql)
    ]
    assert len(asked) > 100
    found_by_walking = {sql: steps for sql in asked if (steps := walks(database, sql))}
    assert not found_by_walking

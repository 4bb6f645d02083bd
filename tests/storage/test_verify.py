"""`verify` finds what is broken: each test breaks one promise behind the house's back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from casework.events import CheckAnswered, ChildSeen, CloseAsked, InterviewRecorded
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, House, a_house

pytestmark = ON_BOTH

BREAKS = {
    "P1 deadlines": [
        "DELETE FROM deadline WHERE key = 'rung'",
        "UPDATE deadline SET due_at = due_at + 1",
        "UPDATE case_row SET next_due = next_due + 1",
        "DELETE FROM deadline",
    ],
    "P4 once": [
        "INSERT INTO inbox (source, external_id, received_at, raw, state, tries) VALUES ('x', '1', 0, '', 'new', 3)"
    ],
    "P5 one report": ["DELETE FROM report WHERE version = 1", "UPDATE report SET version = version + 1"],
    "P6 alerts": ["UPDATE alert SET letter_id = 'none' WHERE rung = 1"],
    "P7 police": [
        "UPDATE case_row SET reported_ref = '2290'",
        "UPDATE outbox SET text = 'R_NEWS' WHERE kind = 'question'",
    ],
    "P12 history": ["UPDATE case_row SET events = events + 1", "UPDATE case_row SET head = 'x'"],
    "P15 replay": [
        "UPDATE case_row SET folded = replace(folded, '\"reports\":', '\"reports\":4')",
        "UPDATE case_row SET folded = '{}'",
    ],
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        await opened.opens()
        await opened.silence(EVENING + timedelta(minutes=50))
        yield opened


@pytest.mark.parametrize(("promise", "statement"), [(p, s) for p, each in BREAKS.items() for s in each])
async def test_a_broken_promise_is_named(house: House, promise: str, statement: str) -> None:
    """A finding says which promise is broken."""
    assert [] == await house.findings()
    assert await house.database.write(lambda tx: tx.run(statement))
    assert promise in {finding.promise for finding in await house.findings()}


async def test_a_letter_after_the_close_is_found(house: House) -> None:
    """P8: no letter goes out about a case after it is closed."""
    for statement in (
        "DELETE FROM deadline",
        "UPDATE case_row SET status = 'closed', next_due = NULL, closed_at = 0",
    ):
        await house.database.write(lambda tx, sql=statement: tx.run(sql))  # type: ignore[misc]
    assert "P8 close" in {finding.promise for finding in await house.findings()}


async def test_a_letter_of_a_node_whose_clock_is_a_little_ahead_went_out_before_the_close(house: House) -> None:
    """P8: what counts is the order of the log. One node worked the case, another whose clock is a second behind closed it."""
    (row,) = await house.rows("SELECT case_id FROM case_row")
    for kind, fields in (
        (ChildSeen, {"via": "staff", "seen_at": house.clock.now()}),
        (CheckAnswered, {"check": "B_WELL", "values": ("no",)}),
        (InterviewRecorded, {"by": "mo", "outcome": "done"}),
    ):
        await house.record(row["case_id"], kind, **fields)
    behind = house.clock.now()
    house.clock.after(seconds=1)
    await house.record(row["case_id"], CheckAnswered, check="B_WELL", values=("yes",))
    house.clock.instant = behind
    closed = await house.record(row["case_id"], CloseAsked, by="mo")
    assert not closed.case.open
    late = "SELECT id FROM outbox WHERE created_at > (SELECT closed_at FROM case_row)"
    assert await house.rows(late)
    assert [] == await house.findings()
    await house.database.write(
        lambda tx: tx.run(f"UPDATE outbox SET created_at = created_at + 1, kind = 'notice' WHERE id IN ({late})")
    )
    assert {"P8 close"} == {finding.promise for finding in await house.findings()}

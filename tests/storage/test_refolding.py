"""A program with another fold finds open cases: each is made what its log says before anything goes on from what stood."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from casework.evolve import FOLD
from storage import moving
from storage.database import Database
from storage.refolding import ARCHIVED, FOLDED, UNDER_WAY, Refolded, refold, stands_by, unfolded
from tests import databases
from tests.builders import BASE, the_protocol
from tests.databases import ON_BOTH
from tests.storage import schemas
from tests.storage.houses import EVENING, KEY, House, a_house

pytestmark = ON_BOTH

SHELF = {BASE: the_protocol()}
FOLLOWS = (
    "SELECT * FROM case_row ORDER BY case_id", "SELECT * FROM deadline ORDER BY case_id, key",
    "SELECT * FROM task ORDER BY case_id, position", "SELECT * FROM case_reporter ORDER BY case_id, person",
)  # fmt: skip
STANDS = (
    "SELECT * FROM event ORDER BY seq",
    "SELECT * FROM outbox ORDER BY id",
    "SELECT * FROM alert ORDER BY alert_id",
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        yield opened


class Stopped(Exception):
    """It is broken off here."""


async def a_missing_child(house: House) -> str:
    """K7 is missing, with tasks, alerts and reports; nobody answers."""
    case_id = await house.opens("K7")
    await house.answers(case_id, "C01", "yes")
    await house.silence(EVENING + timedelta(hours=2))
    return case_id


async def run(house: House, sql: str, *values: Any) -> None:
    await house.database.write(lambda tx: tx.run(sql, *values))


async def of_another_fold(house: House, *case_ids: str) -> None:
    """As an older program would have left them: it knew no alert and no tasks, and one field that is gone."""
    await run(house, "UPDATE meta SET value = 'older' WHERE key IN (?, ?)", FOLDED, ARCHIVED)
    for case_id in case_ids:
        row = await house.row("SELECT folded FROM case_row WHERE case_id = ?", case_id)
        older = {**json.loads(row["folded"]), "mood": "fine"}
        del older["alert"], older["tasks"]
        late = "UPDATE case_row SET folded = ?, next_due = next_due + 864000000, severity = 0 WHERE case_id = ?"
        await run(house, late, json.dumps(older), case_id)
        await run(house, "UPDATE deadline SET due_at = due_at + 864000000 WHERE case_id = ?", case_id)
        await run(house, "UPDATE task SET kind = 'other', position = position + 7 WHERE case_id = ?", case_id)
        await run(house, "DELETE FROM case_reporter WHERE case_id = ?", case_id)


async def rows(house: House, *queries: str) -> list[Any]:
    return [await house.rows(sql) for sql in queries]


async def folds(house: House, **how: Any) -> Refolded:
    return await refold(house.database, SHELF, KEY, **how)


async def test_a_new_database_stands_by_this_fold_and_there_is_nothing_to_do(house: House) -> None:
    """It is born with the note; opening it costs one look."""
    await a_missing_child(house)
    before = await rows(house, *FOLLOWS, *STANDS, "SELECT * FROM meta ORDER BY key")
    assert await folds(house, archive=True) == Refolded()
    assert before == await rows(house, *FOLLOWS, *STANDS, "SELECT * FROM meta ORDER BY key")
    assert await house.database.read(stands_by) == FOLD


async def test_open_cases_of_another_fold_are_made_what_their_logs_say(house: House) -> None:
    """Row, deadlines, tasks and reporters are what recording would have written; the log, letters and alerts stay."""
    missing, watched = await a_missing_child(house), await house.watches("K8", EVENING + timedelta(hours=3))
    follows, stands = await rows(house, *FOLLOWS), await rows(house, *STANDS)
    await of_another_fold(house, missing, watched)
    assert {"P15 replay"} <= {each.promise for each in await house.findings()}
    assert await folds(house) == Refolded(2, 2)
    assert [] == await house.findings()
    assert follows == await rows(house, *FOLLOWS) and stands == await rows(house, *STANDS)
    assert await folds(house) == Refolded()


async def test_a_database_that_never_noted_its_fold_is_folded_anew(house: House) -> None:
    """Those of before there was a note: nobody knows what made their cases, and what stands right is left alone."""
    await a_missing_child(house)
    before = await rows(house, *FOLLOWS)
    await run(house, "DELETE FROM meta WHERE key LIKE 'fold%'")
    assert await folds(house) == Refolded(1, 0)
    assert before == await rows(house, *FOLLOWS)


async def test_what_ought_to_have_rung_by_this_fold_rings_at_the_next_tick(house: House) -> None:
    """The older fold would have been silent for ten days: a deadline that is armed by now is due, and not lost."""
    case_id = await a_missing_child(house)
    await of_another_fold(house, case_id)
    house.clock.after(hours=1)
    assert 0 == await house.casebook.ring()
    await folds(house)
    assert 0 < await house.casebook.ring()
    assert [] == await house.findings()


async def test_a_case_that_cannot_be_folded_is_left_as_it_was_and_named_and_stops_no_other(house: House) -> None:
    """Its old deadlines go on standing; it is tried again each time, and only it."""
    broken, other = await a_missing_child(house), await house.opens("K8")
    await of_another_fold(house, broken, other)
    await house.database.write(schemas.unguard)
    await run(house, "UPDATE event SET body = replace(body, '\"C01\"', '\"C02\"') WHERE case_id = ?", broken)
    before = await rows(house, *(sql.replace(" ORDER", f" WHERE case_id = '{broken}' ORDER") for sql in FOLLOWS))
    code = (await house.row("SELECT code FROM case_row WHERE case_id = ?", broken))["code"]
    made = await folds(house)
    assert (2, 1) == (made.looked_at, made.changed)
    assert [(broken, code, "its log is not whole")] == [(each.case_id, each.code, each.why) for each in made.left]
    assert before == await rows(
        house, *(sql.replace(" ORDER", f" WHERE case_id = '{broken}' ORDER") for sql in FOLLOWS)
    )
    assert [broken] == await house.database.read(unfolded)
    assert (1, [broken]) == ((again := await folds(house)).looked_at, [each.case_id for each in again.left])
    await run(house, "UPDATE event SET body = replace(body, '\"C02\"', '\"C01\"') WHERE case_id = ?", broken)
    assert await folds(house) == Refolded(1, 1)
    assert [] == await house.findings() and [] == await house.database.read(unfolded)


@pytest.mark.parametrize("broken", ["folded", "code"])
async def test_a_row_that_was_broken_on_the_disk_stops_no_other(house: House, engine: str, broken: str) -> None:
    """What follows from the log is written anew; what cannot even be read is left, and the house starts all the same."""
    if engine == "postgresql":
        return  # it lets no such text in
    case_id = await a_missing_child(house)
    await of_another_fold(house, case_id, await house.opens("K8"))
    await run(house, f"UPDATE case_row SET {broken} = CAST(x'ff' AS TEXT) WHERE case_id = ?", case_id)
    made = await folds(house)
    if broken == "folded":
        assert made == Refolded(2, 2) and [] == await house.findings()
    else:
        assert (2, 1, [(case_id, "?")]) == (
            made.looked_at,
            made.changed,
            [(each.case_id, each.code) for each in made.left],
        )


async def test_no_fold_ends_a_case(house: House) -> None:
    """Only people do. A fold by which an open case had no deadline any more leaves it as it was, with the one it has."""
    watched = await house.watches("K7", EVENING + timedelta(hours=1))
    await house.answers(watched, "W_BACK", "seen")
    assert {"status": "closed", "watch": 1} == await house.row("SELECT status, watch FROM case_row")
    await of_another_fold(house)
    await run(house, "UPDATE case_row SET status = 'watching', next_due = 5")
    made = await folds(house)
    assert ["it is open, and would have no deadline any more"] == [each.why for each in made.left]
    assert {"status": "watching", "next_due": 5} == await house.row("SELECT status, next_due FROM case_row")


async def test_a_case_under_a_protocol_that_is_not_there_is_left(house: House) -> None:
    """As it is when news comes for it: nobody knows by which rules its deadlines follow."""
    await of_another_fold(house, await a_missing_child(house))
    made = await refold(house.database, {}, KEY)
    assert [f"the protocol {BASE} is not installed"] == [each.why for each in made.left]


async def test_it_may_be_broken_off_and_run_again(house: House) -> None:
    """Half of it is no fold at all: neither this program nor the one before it takes the note for done."""

    def stop(point: str) -> None:
        assert point == "refold.batch"
        raise Stopped

    await of_another_fold(house, await a_missing_child(house), await house.opens("K8"))
    with pytest.raises(Stopped):
        await folds(house, crash=stop)
    assert UNDER_WAY == await house.database.read(stands_by)
    assert (2, 0) == ((made := await folds(house)).looked_at, made.changed)
    assert FOLD == await house.database.read(stands_by)
    assert [] == await house.findings()


async def test_two_nodes_that_begin_at_once_do_it_side_by_side(house: House, tmp_path: Path, engine: str) -> None:
    """Each case is held while it is folded; what the other did is found as it ought to be."""
    if engine == "sqlite":
        return  # one process at a time
    await of_another_fold(house, await a_missing_child(house), await house.opens("K8"))
    async with await Database.open(databases.url(tmp_path)) as other:
        made = await asyncio.gather(folds(house), refold(other, SHELF, KEY))
    assert 2 == sum(each.changed for each in made) and not any(each.left for each in made)
    assert [] == await house.findings()


async def test_a_case_that_is_over_is_folded_while_it_is_spoken_of_and_the_others_on_demand(house: House) -> None:
    """A code is given back after 30 days; years of cases are folded by `porchlight migrate` alone, not before bells ring."""
    watched = await house.watches("K7", EVENING + timedelta(hours=1))
    await house.answers(watched, "W_BACK", "seen")
    before = await rows(house, *FOLLOWS)
    await of_another_fold(house, watched)
    assert await folds(house) == Refolded(1, 1)
    assert before == await rows(house, *FOLLOWS)
    await of_another_fold(house, watched)
    await run(house, "UPDATE case_row SET code_kept = 0")
    assert await folds(house) == Refolded(0, 0)
    assert {"P15 replay"} == {each.promise for each in await house.findings()}
    assert await folds(house, archive=True) == Refolded(1, 1)
    assert [] == await house.findings()


@pytest.mark.parametrize("noted", ["older", None])
async def test_a_house_that_moves_takes_the_note_along(
    house: House, tmp_path: Path, engine: str, noted: str | None
) -> None:
    """The new database was born with this program's fold; its cases were not."""
    await of_another_fold(house, await a_missing_child(house))
    if noted is None:
        await run(house, "DELETE FROM meta WHERE key LIKE 'fold%'")
    there = databases.url(tmp_path, "other.db", on={"sqlite": "postgresql", "postgresql": "sqlite"}[engine])
    async with await Database.open(there) as target:
        await moving.move(house.database, target)
        assert (noted or "") == await target.read(stands_by)
        assert await refold(target, SHELF, KEY) == Refolded(1, 1)

"""Bells at scale: batches, turns, and what one node leaves to another."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from casework.events import AbsenceReported
from casework.levels import Side
from storage import deadlines
from storage.database import Tx
from storage.deadlines import BATCH
from storage.desk import Desk
from tests.databases import ON_BOTH
from tests.storage.houses import House, a_house

pytestmark = ON_BOTH

MANY = BATCH + 5


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        yield opened


async def a_case(house: House, number: int, *, organisation: str = "org1", home: str = "oak") -> str:
    """A case of one of many children, who need not stand in the register."""

    async def act(desk: Desk) -> str:
        o = await desk.opening("K7")
        child = replace(o.child, child_id=f"N{number}", parents=())
        news = AbsenceReported(
            at=desk.now, by="alice", channel="telegram", case_id=o.case_id, code=o.code, organisation=organisation,
            home=home, child=child, protocol=o.protocol, t0=desk.now, t0_kind="due", opened_at=desk.now,
            side=Side.STAFF, reporter="alice", reporter_channel="telegram",
        )  # fmt: skip
        return await desk.open(news)

    return await house.casebook.at_desk(act)


async def rung(house: House) -> list[str]:
    rows = await house.rows("SELECT case_id FROM v_event WHERE kind = 'DeadlinePassed' ORDER BY seq")
    return [row["case_id"] for row in rows]


async def test_more_than_a_batch_is_rung_once_each(house: House) -> None:
    """Every case that is due rings once, however many batches it takes, and the books are whole."""
    cases = {await a_case(house, number) for number in range(MANY)}
    house.clock.after(hours=1)
    await house.casebook.ring()
    assert MANY == len(await rung(house))
    assert cases == set(await rung(house))
    assert 0 == await house.casebook.ring()
    assert [] == await house.findings()


async def test_a_flood_of_one_home_waits_for_the_turn_of_another(house: House) -> None:
    """Equally severe: each organisation in its turn, and within it each home, whoever is longest overdue."""
    flood = [await a_case(house, number) for number in range(MANY)]
    house.clock.after(minutes=1)
    elm = await a_case(house, 900, home="elm")
    other = await a_case(house, 901, organisation="org2", home="fir")
    now = house.clock.after(hours=1)
    due = await house.database.read(lambda tx: deadlines.due_cases(tx, now, MANY + 2))
    assert due[0] in flood
    assert [other, elm] == due[1:3]
    assert sorted([*flood, elm, other]) == sorted(due)


async def test_a_worse_case_goes_before_every_turn(house: House) -> None:
    """P2: turns are taken among equally severe cases only."""
    for number in range(BATCH):
        await a_case(house, number)
    await a_case(house, 901, organisation="org2", home="fir")
    worst = await a_case(house, 902)
    await house.answers(worst, "C01", "yes")
    house.clock.after(hours=1)
    await house.casebook.ring()
    assert worst == (await rung(house))[0]


async def test_a_case_that_fails_in_a_batch_is_undone_alone(house: House) -> None:
    """P17: the other thirty-one keep what they did, and nothing of the broken one stands."""
    cases = [await a_case(house, number) for number in range(5)]

    async def unlog(tx: Tx) -> None:
        await tx.run("UPDATE case_row SET events = events - 1 WHERE case_id = ?", cases[2])

    before = await house.row("SELECT count(*) AS n FROM event WHERE case_id = ?", cases[2])
    await house.database.write(unlog)
    house.clock.after(hours=1)
    await house.casebook.ring()
    assert {*cases[:2], *cases[3:]} == set(await rung(house))
    assert 4 == len(await rung(house))
    assert before == await house.row("SELECT count(*) AS n FROM event WHERE case_id = ?", cases[2])


async def two_who_are_out(folder: Path, at_once: int) -> list[dict[str, object]]:
    """The log of two children of a home, one MEDIUM in a while and said to be out with the other, rung so many at once."""
    async with a_house(folder) as house:
        late = house.clock.now() - timedelta(minutes=119)
        for child_id in ("K7", "K8"):
            case_id = await house.opens(child_id, t0=late)
            if child_id == "K7":
                await house.answers(case_id, "C09", "yes_12_or_over")
        house.clock.after(hours=1)
        while await house.casebook.ring(limit=at_once):
            pass
        assert [] == await house.findings()
        return await house.rows("SELECT case_id, kind, body FROM event ORDER BY case_id, position")


async def test_a_case_that_rang_before_may_move_the_deadlines_of_one_in_the_same_batch(tmp_path: Path) -> None:
    """What was read of a case when its batch was claimed counts no more once a linked case has raised it."""
    for each in ("one", "batch"):
        (tmp_path / each).mkdir()
    one_by_one, in_a_batch = (
        await two_who_are_out(tmp_path / "one", 1),
        await two_who_are_out(tmp_path / "batch", BATCH),
    )
    assert one_by_one == in_a_batch
    assert "CompanionRaised" in [row["kind"] for row in in_a_batch], "the one that rang first raised the other"


async def test_what_another_node_holds_is_passed_over(house: House, engine: str) -> None:
    """A node that works a case holds it: the other rings the rest meanwhile, and that one later, once."""
    if engine == "sqlite":
        assert not house.database.shared  # there is no other node
        return
    first, second = await a_case(house, 1), await a_case(house, 2)
    now = house.clock.after(hours=1)

    async def unit(tx: Tx) -> list[str]:
        held = await deadlines.claim(tx, [first], now)
        await house.casebook.ring()
        return list(held)

    assert [first] == await house.database.write(unit)
    assert [second] == await rung(house)
    await house.casebook.ring()
    assert [second, first] == await rung(house)


async def test_the_plan_is_bounded(house: House) -> None:
    """What is held in memory is bounded, whatever is due."""
    for number in range(BATCH):
        await a_case(house, number)
    house.clock.after(hours=1)
    await house.casebook.ring(limit=3)
    assert 3 == len(await rung(house))
    assert timedelta(0) < house.clock.now() - (await house.casebook.next_due() or house.clock.now())

"""An alert whose rung nobody holds: whoever is next hears at once, and it is said to who can mend it."""

from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from casework.events import AlertAcknowledged, WorryRaised
from storage import planning, roster
from storage.database import Tx
from storage.desk import Desk
from storage.directory import Directory
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, ROSTER, House, a_house
from tests.storage.test_directory import person

pytestmark = ON_BOTH

MINUTE = timedelta(minutes=1)
OWNER = person("ola", "owner")


async def cut_off(who: str, tx: Tx) -> None:
    await Directory(tx).deactivate(who)


@asynccontextmanager
async def without(folder: Path, *gone: str, more: str = OWNER):
    """A house from which these people are gone, with an owner."""
    async with a_house(folder) as house:
        taken = roster.parse(ROSTER + more)
        await house.database.write(lambda tx: roster.apply(tx, taken, take_telegram_ids=True))
        for who in gone:
            await house.database.write(partial(cut_off, who))
        yield house


async def a_worry(house: House) -> str:
    case_id = await house.opens("K7")
    await house.record(case_id, WorryRaised, flags=("R16",))
    return case_id


async def alerted(house: House, since: int = 0) -> list[tuple[int, str]]:
    """Rung and person of each alert, from one on."""
    rows = await house.rows("SELECT DISTINCT rung, person, made_at FROM alert ORDER BY made_at, rung, person")
    return [(row["rung"], row["person"]) for row in rows][since:]


async def said(house: House) -> set[tuple[str, str]]:
    rows = await house.rows("SELECT person, body FROM outbox WHERE text = 'X_EMPTY'")
    return {(row["person"], row["body"]) for row in rows}


async def test_without_a_co_ordinator_the_deputy_is_alerted_at_once_and_it_is_said(tmp_path: Path) -> None:
    """At the first moment, not after five minutes of nobody."""
    async with without(tmp_path, "cass") as house:
        case_id = await a_worry(house)
        code = (await house.case(case_id)).code
        assert await alerted(house) == [(1, "dee")]
        words = f"{code}: nobody could be alerted as co-ordinator. Whoever is next was alerted at once."
        assert {who for who, _ in await said(house)} == {"ola", "mo"}
        assert all(words in body for _, body in await said(house))


async def test_when_a_case_opens_with_nobody_on_the_first_rung_it_is_said_then(tmp_path: Path) -> None:
    """HZ04: before an alert needs them; a full ladder says nothing."""
    async with without(tmp_path, "cass") as house:
        await house.opens("K7")
        rows = await house.rows("SELECT person, body FROM outbox WHERE text = 'X_NOBODY'")
        assert {row["person"] for row in rows} == {"ola", "mo"}
        assert "nobody is on duty as co-ordinator. An alert would go to whoever is next." in rows[0]["body"]
    async with without(tmp_path / "full") as house:
        await house.opens("K7")
        assert await house.rows("SELECT id FROM outbox WHERE text = 'X_NOBODY'") == []


async def test_an_empty_rung_in_the_middle_costs_no_minute(tmp_path: Path) -> None:
    """No deputy: at five minutes the manager hears, as well as the owner who stands in."""
    async with without(tmp_path, "dee") as house:
        await a_worry(house)
        assert await alerted(house) == [(1, "cass")] and await said(house) == set()
        await house.silence(EVENING + 5 * MINUTE)
        assert await alerted(house, 1) == [(2, "mo"), (2, "ola")]
        assert {who for who, _ in await said(house)} == {"ola", "mo", "cass"}


async def test_two_empty_rungs_lead_to_everybody_who_is_left(tmp_path: Path) -> None:
    """And the last rung still repeats."""
    async with without(tmp_path, "cass", "dee", "mo") as house:
        await a_worry(house)
        assert await alerted(house) == [(1, "ola")]
        await house.silence(EVENING + 16 * MINUTE)
        assert [rung for rung, _ in await alerted(house)] == [1, 2, 3, 4]


async def test_an_empty_rung_is_said_once_in_a_case(tmp_path: Path) -> None:
    """The alert repeats for ever; that somebody is missing need not."""
    async with without(tmp_path, "dee") as house:
        case_id = await a_worry(house)
        await house.silence(EVENING + 6 * MINUTE)
        before = len(await house.rows("SELECT id FROM outbox WHERE text = 'X_EMPTY'"))
        await house.record(case_id, AlertAcknowledged, by="mo")
        await house.silence(EVENING + 60 * MINUTE)
        assert len(await house.rows("SELECT id FROM outbox WHERE text = 'X_EMPTY'")) == before


async def test_a_full_ladder_goes_as_ever_and_nothing_is_said(tmp_path: Path) -> None:
    """One rung at a time."""
    async with without(tmp_path) as house:
        await a_worry(house)
        await house.silence(EVENING + 11 * MINUTE)
        assert await alerted(house) == [(1, "cass"), (2, "dee"), (3, "mo")]
        assert await said(house) == set()


async def test_with_nobody_on_call_at_all_the_case_goes_on(tmp_path: Path) -> None:
    """Nobody is there to be told; nothing breaks, and the reporter hears that nobody answered."""
    async with without(tmp_path, "cass", "dee", "mo", more="") as house:
        case_id = await a_worry(house)
        await house.silence(EVENING + 20 * MINUTE)
        assert (await house.case(case_id)).open and await alerted(house) == []
        assert await house.rows("SELECT id FROM outbox WHERE text IN ('R_NOACK', 'O_HIGH')") != []


async def test_a_rung_whose_only_holder_is_on_leave_is_passed_over_and_it_is_said(tmp_path: Path) -> None:
    """They are alerted for want of anybody else, and so is whoever is next, at the same moment."""
    async with without(tmp_path) as house:

        async def away(desk: Desk) -> None:
            ola = await desk.directory.person("ola")
            assert ola is not None
            await planning.leave(desk, ola, "cass", EVENING - MINUTE, EVENING + 600 * MINUTE)

        await house.casebook.at_desk(away)
        await a_worry(house)
        assert await alerted(house) == [(1, "cass"), (1, "dee")]
        assert "ola" in {who for who, _ in await said(house)}
        held = await house.casebook.at_desk(lambda desk: desk.directory.on_duty("org1", "coordinator", "oak", desk.now))
        assert ["cass"] == [each.person_id for each in held]

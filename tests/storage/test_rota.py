"""Who holds a role when there is a rota, and why: shifts before the roster, leave, and duties that were not taken over."""

from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from casework.rota import Shift
from storage import handovers, rota, shifts
from storage.database import Database, Tx
from storage.directory import Directory
from storage.shifts import Line
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, ROSTER
from tests.storage.test_directory import duty, ids, people, person

pytestmark = ON_BOTH

HOUR = timedelta(hours=1)
WEEK = frozenset(range(1, 8))
MORE = person("cat", "coordinator") + person("ola", "owner")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with people(tmp_path, MORE) as opened:
        yield opened


async def puts(database: Database, shift_id: str, who: str, role: str = "coordinator", home: str = "", **more) -> None:
    """Write a line of the rota, as it was made an hour ago."""
    shift = Shift(shift_id=shift_id, person=who, **more)
    line = Line(shift=shift, organisation="org1", role=role, home=home, made_at=EVENING - HOUR, made_by="mo")
    await database.write(lambda tx: shifts.add(tx, line))


async def takes_over(database: Database, who: str, at: datetime, role: str = "coordinator", home: str = "") -> None:
    async def unit(tx: Tx) -> None:
        made = await handovers.ask(tx, "org1", role, home, who, at, at + HOUR, "4821", at)
        assert made is not None
        await handovers.accept(tx, made, at)

    await database.write(unit)


async def held(database: Database, role: str = "coordinator", home: str = "oak", at: datetime = EVENING) -> rota.Held:
    return await database.read(lambda tx: rota.on_duty(Directory(tx), "org1", role, home, at))


async def test_a_shift_comes_before_the_roster_and_says_until_when(database: Database) -> None:
    """And until it is taken over, whom the roster names is alerted too."""
    await puts(database, "1", "cat", days=WEEK, begins=time(20), ends=time(8))
    on = await held(database)
    assert (ids(on), on.why) == (
        ["cat", "cass"],
        "shift of coordinator until Thu 08:00; not taken over yet, so cass too",
    )
    await takes_over(database, "cat", EVENING - HOUR)
    on = await held(database)
    assert (ids(on), on.why) == (["cat"], "shift of coordinator until Thu 08:00")
    assert ids(await held(database, at=EVENING + 12 * HOUR)) == ["cass"]


async def test_the_hours_of_a_shift_are_those_of_the_wall_clock(database: Database) -> None:
    """20:00 in London is 20:00Z in winter and 19:00Z in summer."""
    await puts(database, "1", "cat", days=WEEK, begins=time(20), ends=time(8))
    for instant, on in (("2027-07-01T18:59", False), ("2027-07-01T19:00", True), ("2026-12-01T19:30", False)):
        assert ("cat" in ids(await held(database, at=datetime.fromisoformat(instant + "+00:00")))) is on, instant


async def test_the_homes_own_rota_comes_before_that_of_all_homes(database: Database) -> None:
    """And counts for that home alone."""
    await puts(database, "1", "cat", home="oak", from_at=EVENING - HOUR, until_at=EVENING + HOUR)
    assert ids(await held(database))[0] == "cat"
    assert ids(await held(database, home="")) == ["cass"]


async def test_an_override_takes_the_shift_and_leave_leaves_it(database: Database) -> None:
    """One on leave is passed over, on the rota and on the roster; where nobody is left, the role is everybody's."""
    await puts(database, "1", "cat", from_at=EVENING - HOUR, until_at=EVENING + HOUR)
    await puts(database, "2", "dee", kind="override", from_at=EVENING, until_at=EVENING + HOUR, instead_of="cat")
    assert ids(await held(database))[0] == "dee"
    await puts(database, "3", "dee", "", kind="leave", from_at=EVENING, until_at=EVENING + HOUR)
    assert ids(await held(database))[0] == "cat"
    await puts(database, "4", "cat", "", kind="leave", from_at=EVENING, until_at=EVENING + HOUR)
    assert ids(await held(database)) == ["cass"]
    await puts(database, "5", "cass", "", kind="leave", from_at=EVENING, until_at=EVENING + HOUR)
    on = await held(database)
    assert (ids(on), on.why) == (
        ["cass", "cat"],
        "no shift and no duty line: everybody who is coordinator, all on leave",
    )


async def test_leave_alone_moves_the_roster_to_the_next_line(tmp_path: Path) -> None:
    """With no rota but the roster file's."""
    async with people(tmp_path, MORE + duty("coordinator", "cat")) as database:
        await puts(database, "1", "cass", "", kind="leave", from_at=EVENING, until_at=EVENING + HOUR)
        on = await held(database)
        assert (ids(on), on.why) == (["cat"], "duty line of coordinator")
        assert ids(await held(database, at=EVENING + HOUR)) == ["cass"]


async def test_who_cannot_be_reached_is_passed_over_on_the_rota_too(tmp_path: Path) -> None:
    """The next line has it then."""
    lost = person("len", "coordinator").replace('mobile = "+447700900399"\n', "")
    async with people(tmp_path, MORE + lost) as database:
        await puts(database, "1", "len", from_at=EVENING - HOUR, until_at=EVENING + HOUR)
        await puts(database, "2", "cat", line=(1, 2), from_at=EVENING - HOUR, until_at=EVENING + HOUR)
        assert ids(await held(database))[0] == "cat"
        await database.write(lambda tx: Directory(tx).deactivate("cat"))
        assert ids(await held(database)) == ["cass"]


async def test_the_second_line_of_the_rota_is_second_in_line(database: Database) -> None:
    """For a child at home; without one it is another co-ordinator."""
    await puts(database, "1", "cat", from_at=EVENING - HOUR, until_at=EVENING + HOUR)
    await takes_over(database, "cat", EVENING - HOUR)
    second = await held(database, "second_coordinator")
    assert (ids(second), second.why) == (["cass"], "second line of coordinator")
    await puts(database, "2", "dee", line=(1, 2), from_at=EVENING - HOUR, until_at=EVENING + HOUR)
    assert ids(await held(database, "second_coordinator")) == ["dee"]


async def test_a_line_that_was_cut_short_holds_until_then_and_stays_on_record(database: Database) -> None:
    """Who has not been relieved still hears of it; the past can be answered for."""
    await puts(database, "1", "cat", role="owner", from_at=EVENING - HOUR, until_at=EVENING + HOUR)
    await puts(database, "2", "dee", role="owner", from_at=EVENING, until_at=EVENING + HOUR)
    await takes_over(database, "cat", EVENING - HOUR, "owner")
    await database.write(lambda tx: shifts.cut(tx, "1", "mo", EVENING))
    assert ids(await held(database, "owner")) == ["dee", "cat"]
    assert ids(await held(database, "owner", at=EVENING - HOUR / 2)) == ["cat"]
    left = await database.read(lambda tx: shifts.lines(tx, "org1", EVENING))
    assert [line.shift.shift_id for line in left] == ["2"]


async def test_a_shift_of_another_organisation_is_none_of_ours(tmp_path: Path) -> None:
    """The roster names who belongs where."""
    other = ROSTER.partition("[[home]]")[0].replace('"org1"', '"org2"')
    async with people(tmp_path, MORE + other) as database:
        shift = Shift(shift_id="1", person="cat", from_at=EVENING - HOUR, until_at=EVENING + HOUR)
        line = Line(shift=shift, organisation="org2", role="coordinator", home="", made_at=EVENING, made_by="mo")
        await database.write(lambda tx: shifts.add(tx, line))
        assert ids(await held(database)) == ["cass"]

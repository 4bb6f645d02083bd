"""Every crash point: the process ends itself there, and the house that starts again loses nothing and doubles nothing."""

from datetime import timedelta
from typing import Any

import pytest

from bot.crash import KILLED, POINTS
from casework.evolve import FOLD
from storage.database import Database
from tests.crash.nights import inputs
from tests.crash.test_kills import do
from tests.databases import ON_BOTH
from tests.outside import Outside, outside

pytestmark = [ON_BOTH, pytest.mark.slow]

STEPS = 40  # of the scripted night: by then every point but those of the close was passed
EVENTS = "SELECT at, actor, channel, kind, trust FROM v_event ORDER BY seq"


async def a_night(house: Outside) -> list[dict[str, Any]]:
    """The first steps of the night, then a child who is home at once and whose case is signed; started again when it dies."""
    await _alive(house)
    for at, kind, what in inputs(house)[:STEPS]:
        house.set_clock(at)
        await _until_done(house, kind, what)
    house.set_clock(house.now + timedelta(minutes=1))
    await _types(house, "ben", "/absent B2 19:50")
    code = house.rows("SELECT code FROM v_case WHERE child = 'B2'")[0]["code"]
    for words in (f"/back {code}", "Yes, I can see the child myself", "No"):
        await _types(house, "ben", words)
    await _types(house, "mo", f"/close {code} home safe")
    return house.rows(EVENTS)


async def _types(house: Outside, who: str, words: str) -> None:
    await _until_done(house, "telegram", house.typed(who, words))
    await _until_done(house, "settle", None)


async def _until_done(house: Outside, kind: str, what: Any) -> None:
    for _ in range(3):
        if await do(house, kind, what):
            return
        await _alive(house)
    raise AssertionError(f"{kind} was never answered")


async def _alive(house: Outside) -> None:
    """Start the house, or start it again after it ended itself: then without the setting that ended it."""
    if house.process is not None:
        assert await house.process.wait() == KILLED
        house.process, house.crash = None, ""
    await house.start()


async def test_a_kill_at_every_point_leaves_the_log_of_an_undisturbed_night(tmp_path):
    """P3, P4, P5: at each point the process died once, and in the end the log is the same, event by event."""
    async with outside(tmp_path / "whole", warm=True) as house:
        expected = await a_night(house)
        assert {"CaseClosed", "ReportMade", "RungClimbed"} <= {e["kind"] for e in expected}
    for point in (p for p in POINTS if not p.startswith(("migrate.", "refold.", "move."))):
        async with outside(tmp_path / point, warm=True) as house:
            house.crash = point
            found = await a_night(house)
            assert house.crash == "", f"{point} was never passed"
            assert found == expected, point
            assert (await house.command("verify"))[0] == 0, point


async def test_a_kill_after_each_migration_is_gone_on_from(tmp_path):
    """The schema is at one of its numbered versions, and the next run goes on from there."""
    async with outside(tmp_path, warm=True) as house:
        house.empty = True
        deaths = 0
        for _ in range(20):
            house.crash = "migrate.each"
            code, _ = await house.command("migrate")
            deaths += code == KILLED
            if code == 0:
                break
        assert deaths >= 3
        house.crash = ""
        assert (await house.command("migrate"))[0] == 0


async def test_a_kill_while_cases_are_folded_anew_is_gone_on_from(tmp_path):
    """A new program with another fold dies in the middle of an upgrade: the next start finds half of it, and does the whole."""
    async with outside(tmp_path, warm=True) as house:
        await house.start()
        await house.types("alice", "/absent K7 19:00")
        await house.kill()
        async with await Database.open(house.database) as database:
            await database.write(lambda tx: tx.run("UPDATE meta SET value = 'older' WHERE key = 'fold'"))
            await database.write(lambda tx: tx.run("UPDATE deadline SET due_at = due_at + 864000000"))
        house.crash = "refold.batch"
        assert KILLED == (await house.command("migrate"))[0]
        assert [{"value": "under way"}] == house.rows("SELECT value FROM meta WHERE key = 'fold'")
        house.crash = ""
        await house.start()
        assert [{"value": FOLD}] == house.rows("SELECT value FROM meta WHERE key = 'fold'")
        assert (await house.command("verify"))[0] == 0

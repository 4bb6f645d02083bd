"""kill -9 at moments drawn from a printed seed, over one night with both channels: nothing acknowledged is lost.

After each kill `verify` is clean; at the end the log is, event by event, that of a night in which nobody was killed.
"""

import asyncio
import os
import random
import sys
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from tests.crash.nights import inputs
from tests.databases import ON_BOTH
from tests.outside import Outside, outside

pytestmark = [ON_BOTH, pytest.mark.slow]

KILLS = int(os.environ.get("PORCHLIGHT_KILLS", "50"))
SIDE_BY_SIDE = 2
WITHIN_SECONDS = 0.06
# So long before each instant it is seen alive: less than an outage, and nothing of this night falls due then.
ALIVE_UNTIL = timedelta(seconds=30)
EVENTS = "SELECT case_id, at, actor, channel, kind, trust FROM v_event ORDER BY seq"
REPORTS = (  # ids are drawn anew in each night: a case is known by its child
    "SELECT child, v_report.version, reasons FROM v_report JOIN v_case ON v_case.id = case_id ORDER BY child, v_report.version"
)


async def do(house: Outside, kind: str, what: Any) -> bool:
    """One step; True where the house answered 2xx."""
    try:
        if kind == "settle":
            await house.settle()
            return True
        status = await (house.post_sms(what) if kind == "sms" else house.post_telegram(what))
        return 200 <= status < 300
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        return False


async def a_night(house: Outside, kills: int, chance: random.Random) -> list[str]:
    """Play the night; at drawn steps the process is killed while it works, started again, and the step is repeated as a
    provider would repeat it. Returns what `verify` found and which acknowledged message was lost."""
    steps = inputs(house)
    doomed = {index: kills // len(steps) for index in range(len(steps))}
    for index in chance.sample(range(len(steps)), kills % len(steps)):
        doomed[index] += 1
    flaws: list[str] = []
    acked: set[str] = set()
    await house.start()
    for index, (at, kind, what) in enumerate(steps):
        await _live_until(house, at)
        for _ in range(doomed[index]):
            flaws += await _killed(house, kind, what, chance, acked)
        for _ in range(3):
            if await do(house, kind, what):
                break
        else:
            flaws.append(f"step {index} was never answered")
        if kind != "settle":
            acked.add(_id(what))
    lost = acked - {
        r["external_id"] for r in house.rows("SELECT external_id FROM v_inbox WHERE state IN ('done', 'ignored')")
    }
    flaws += [f"acknowledged and lost: {each}" for each in lost]
    return flaws


async def _live_until(house: Outside, at: datetime) -> None:
    """Move the clock on, with the house seen alive shortly before: one that is killed before it notes that it lives would else
    believe that it had been down since the last step, and rightly say so to those it left waiting."""
    if house.now < at - ALIVE_UNTIL:
        house.set_clock(at - ALIVE_UNTIL)
        assert await do(house, "settle", None)
    house.set_clock(at)


def _id(what: Any) -> str:
    return str(what.get("MessageSid") or what.get("update_id"))


async def _killed(house: Outside, kind: str, what: Any, chance: random.Random, acked: set[str]) -> list[str]:
    working = asyncio.create_task(do(house, kind, what))
    await asyncio.sleep(chance.random() * WITHIN_SECONDS)
    await house.kill()
    if await working and kind != "settle":
        acked.add(_id(what))
    await house.start()
    code, said = await house.command("verify")
    return [] if code == 0 else [f"after a kill in {kind}: {said.strip()[:500]}"]


async def test_fifty_kills_lose_nothing_and_do_nothing_twice(tmp_path):
    """P1, P3, P4, P5: every message answered 2xx is in the log once, no deadline is skipped, no second report is made."""
    seed = os.environ.get("PORCHLIGHT_KILL_SEED", str(random.SystemRandom().randrange(10**9)))
    print(f"\nkill seed {seed}: PORCHLIGHT_KILL_SEED={seed} repeats it", file=sys.stderr)
    async with outside(tmp_path / "whole", warm=True) as whole:
        assert await a_night(whole, 0, random.Random(seed)) == []
        expected = [{k: r[k] for k in r if k != "case_id"} for r in whole.rows(EVENTS)]
        reports = whole.rows(REPORTS)
    assert len(expected) > 100

    async def one(number: int) -> None:
        async with outside(tmp_path / f"killed{number}", warm=True) as house:
            flaws = await a_night(house, KILLS // SIDE_BY_SIDE, random.Random(f"{seed}-{number}"))
            assert flaws == []
            assert [{k: r[k] for k in r if k != "case_id"} for r in house.rows(EVENTS)] == expected
            assert house.rows(REPORTS) == reports

    async with asyncio.TaskGroup() as side_by_side:  # where one fails, the other's house ends with it
        for number in range(SIDE_BY_SIDE):
            side_by_side.create_task(one(number))

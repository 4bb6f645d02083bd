"""What a timer costs: 64 callers who add deadlines and cancel them, against schedulers and queues that keep them durably.

Ours is the `deadline` table, one row a unit of work, through the same commits in groups that everything goes through.
In the house nobody arms a deadline by itself: it comes with a record, so the record is measured beside it.
"""

import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from benchmarks.country import Country
from benchmarks.loops import run as run_loop
from benchmarks.peer_apscheduler import ApScheduler
from benchmarks.peer_queues import NoDriver, PgQueuer, Procrastinate
from benchmarks.peers import CALLERS, Keeper, Peer
from benchmarks.rounds import FULL_SECONDS, NotRun, Told, alternate, ratio, spread
from benchmarks.scripts import script
from benchmarks.server import NoServer, a_server
from storage.codec import ms
from storage.database import Database, Tx

CHILDREN = 6_000
SLICE_SECONDS = 0.2  # of the short form: seven sides take turns
OURS, ON_POSTGRESQL, RECORDS = "our table", "our table on PostgreSQL", "whole records, each arming its case"
Rates: TypeAlias = dict[str, list[tuple[float, float]]]


class Deadlines(Keeper):
    """The house's own table, of one case that was opened for it."""

    def __init__(self, database: Database, name: str, case_id: str) -> None:
        super().__init__()
        self.name, self._database, self._case_id = name, database, case_id

    async def add(self, number: int, at: datetime) -> object:
        key, due_at = f"measured:{number}", ms(at)

        async def unit(tx: Tx) -> None:
            await tx.run("INSERT INTO deadline (case_id, key, due_at) VALUES (?, ?, ?)", self._case_id, key, due_at)

        await self._database.write(unit)
        return key

    async def cancel(self, timer: object) -> None:
        key = str(timer)

        async def unit(tx: Tx) -> None:
            await tx.run("DELETE FROM deadline WHERE case_id = ? AND key = ?", self._case_id, key)

        await self._database.write(unit)


async def measure(seconds: float, without: dict[str, str]) -> Rates:
    """Adds and cancels a second of everybody, in turns. `without` is told who could not take part, and why."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        country, keepers = await ours(f"sqlite:///{folder / 'house.db'}", OURS, stack)
        keepers += await _peers(folder, stack, without)
        sides: dict[str, Callable[[float], Awaitable[tuple[float, float]]]] = {
            keeper.name: keeper.adds_and_cancels for keeper in keepers
        }

        async def records(seconds: float) -> tuple[float, float]:
            rate = await country.tells(CALLERS, seconds)
            return rate, rate

        return await alternate({**sides, RECORDS: records}, seconds)


async def ours(url: str, name: str, stack: AsyncExitStack) -> tuple[Country, list[Keeper]]:
    """Our keeper on a database, and the people who tell it records."""
    database = await stack.enter_async_context(await Database.open(url))
    country = await Country.settled(database, CHILDREN)
    await country.spread_out(CALLERS)
    return country, [Deadlines(database, name, country.waiting[0].case_id)]


async def _peers(folder: Path, stack: AsyncExitStack, without: dict[str, str]) -> list[Keeper]:
    peers: list[Peer] = [ApScheduler(folder, tuned=False), ApScheduler(folder, tuned=True)]
    keepers: list[Keeper] = []
    try:
        url = stack.enter_context(a_server())
    except NoServer as fault:
        without |= dict.fromkeys((ON_POSTGRESQL, Procrastinate.name, PgQueuer.name), str(fault))
    else:
        _, keepers = await ours(url, ON_POSTGRESQL, stack)
        peers.append(PgQueuer(url))
        try:
            peers.append(Procrastinate(url))
        except NoDriver as fault:
            without[Procrastinate.name] = str(fault)
    for peer in peers:
        await peer.begin()
        stack.push_async_callback(peer.end)
    return [*keepers, *peers]


def run(full: bool = False) -> list[Told]:
    """Rates of everybody, and ours as ratios to APScheduler's better one."""
    without: dict[str, str] = {}
    rates = run_loop(measure(FULL_SECONDS if full else SLICE_SECONDS, without))
    adds = {name: [add for add, _ in pairs] for name, pairs in rates.items()}
    cancels = {name: [cancel for _, cancel in pairs] for name, pairs in rates.items()}
    best = ApScheduler.TUNED
    rows: list[Told] = [spread(f"adds: {name}", figures, "/s") for name, figures in adds.items()]
    rows += [spread(f"cancels: {name}", figures, "/s") for name, figures in cancels.items() if name != RECORDS]
    rows += [
        ratio("adds, of APScheduler's tuned store", adds[OURS], adds[best], must=20, aim=50),
        ratio("cancels, of APScheduler's tuned store", cancels[OURS], cancels[best], must=15, aim=30),
        ratio("whole records, of APScheduler's bare adds", adds[RECORDS], adds[best]),
    ]
    return rows + [NotRun(what=f"adds and cancels: {name}", why=why) for name, why in without.items()]


if __name__ == "__main__":
    sys.exit(script(run))

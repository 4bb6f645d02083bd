"""Two nodes on one PostgreSQL, one of which is killed or stopped in each round, at moments drawn from a printed seed.

Whatever is due when it falls still rings on the other one; nothing is rung, reported or heard twice; and what a stopped
node had in hand when its lease ran out is never written. `PORCHLIGHT_NODE_ROUNDS=1000` is the long form.
"""

import asyncio
import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scheduler.clock import PROMPT
from storage.codec import instant, ms
from storage.database import Database, Row
from storage.postgres import PostgresDatabase
from storage.verify import verify
from tests import databases
from tests.builders import BASE, the_protocol
from tests.crash.nodes import FACTOR, LEASE, FastClock, Setup
from tests.crash.pair import NAMES, Pair, two_nodes
from tests.databases import ON_POSTGRESQL
from tests.properties.nights import WHAT, WHO
from tests.storage.houses import KEY, people_of

pytestmark = [pytest.mark.slow, *ON_POSTGRESQL]

ROUNDS = int(os.environ.get("PORCHLIGHT_NODE_ROUNDS", "25"))
LONG = ROUNDS >= 1000
BOUND_SECONDS = 10 if LONG else 30  # of a takeover; CI's machines are slow and shared
LOOK_EVERY = 25 if LONG else 5  # rounds; the whole of `verify` comes at the end
CHILDREN, SENDERS, PAUSE_SECONDS = 40, 2, 0.2
TRIES = 60
POINTS = (
    "inbox.before_commit", "inbox.after_commit", "deadline.before_commit", "deadline.before_commit", "ladder.before_next",
    "ladder.before_next", "deadline.after_commit", "report.before_commit", "report.after_commit", "close.before_commit",
)  # fmt: skip
HALF_SECOND = 0.5
# A warning of a node that wakes after 150 s of the house's time, as it should.
STOOD_STILL = "open questions are asked again"

PATIENCE_SECONDS = 1.0  # for a node to come to its point
DUE = "SELECT case_id, key, due_at FROM deadline WHERE due_at <= ?"
BROKEN = {
    "second reports": "SELECT case_id FROM report GROUP BY case_id, version HAVING count(*) > 1 UNION ALL"
    " SELECT case_id FROM case_row WHERE (SELECT count(*) FROM report WHERE report.case_id = case_row.case_id)"
    " <> (SELECT count(*) FROM event WHERE event.case_id = case_row.case_id AND kind = 'ReportMade')",
    "lost deadlines": "SELECT case_id FROM case_row WHERE status <> 'closed' AND next_due IS DISTINCT FROM"
    " (SELECT min(due_at) FROM deadline WHERE deadline.case_id = case_row.case_id)",
    "rung twice": "SELECT case_id FROM event WHERE kind = 'DeadlinePassed'"
    " GROUP BY case_id, body::json #>> '{says,kinds}', body::json #>> '{says,due}' HAVING count(*) > 1",
    "heard twice": "SELECT body::json #>> '{says,words}' FROM event WHERE body::json #>> '{says,words}' IS NOT NULL"
    " GROUP BY 1 HAVING count(*) > 1",
    "fenced writes": "SELECT case_id FROM event GROUP BY case_id HAVING count(*) <> max(position) OR min(position) <> 1",
    "deadlines that stumbled": "SELECT id FROM outbox WHERE text = 'X_QUARANTINE'",
}
HELD = (  # a unit that waits for its node, in the middle of a statement or between two
    "SELECT pid FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND wait_event_type = 'Client'"
    " AND state_change < now() - interval '400 ms'"
)
OUTLIVED = (
    "SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    f" AND state_change < now() - interval '{LEASE.total_seconds() + 0.4} s'"
)


@dataclass(slots=True)
class Town:
    """Children who go missing, adults who write, and what was seen of the nodes that watch over them."""

    pair: Pair
    database: Database
    clock: FastClock
    chance: random.Random
    seed: str
    acked: set[str] = field(default_factory=set)
    took_seconds: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    over: bool = False

    async def rows(self, sql: str, *values: int | str) -> list[Row]:
        return await self.database.read(lambda tx: tx.rows(sql, *values))

    # ---- people -------------------------------------------------------------------------------------

    async def people(self, number: int) -> None:
        """One of those who write, to either node; what is not answered goes to the other, as a balancer would send it."""
        chance = random.Random(f"{self.seed}-{number}")
        for count in itertools.count():
            if self.over:
                return
            said: dict[str, Any] = {
                "id": f"m{number}-{count}", "child": f"N{chance.randrange(CHILDREN)}", "who": chance.choice(WHO),
                "what": chance.choice((*WHAT, "worry", "end", "end")), "choice": chance.randrange(60),
            }  # fmt: skip
            outcome = await self._hand_in(said, chance.randrange(2))
            assert outcome in ("done", "ignored", "repeat"), (said, outcome)
            self.acked.add(said["id"])
            await asyncio.sleep(chance.random() * PAUSE_SECONDS)

    async def _hand_in(self, said: dict[str, Any], first: int) -> str:
        for attempt in range(TRIES):
            outcome = await self.pair.ask(NAMES[(first + attempt) % 2], said)
            if outcome:
                return outcome
            self.counts["sent again"] += 1
            await asyncio.sleep(0.05)
        raise AssertionError(f"no node took {said}")

    # ---- rounds -------------------------------------------------------------------------------------

    async def round(self) -> None:
        """One node is killed, or stopped for longer than its lease; what was due then is waited for; it comes back."""
        name, stops = self.chance.choice(NAMES), self.chance.random() < 0.5
        point = self.chance.choice(POINTS) if self.chance.random() < 0.6 else ""
        number = signal.SIGSTOP if stops else signal.SIGKILL
        patience = PATIENCE_SECONDS if point else self.chance.random() / 4
        at_point = await self.pair.harm(name, number, point, patience)
        fell = time.monotonic()
        self.counts["pauses" if stops else "kills"] += 1
        self.counts["of these at a crash point"] += at_point
        if stops:
            await asyncio.gather(self._taken_over(fell), self._stands(fell))
            await self.pair.wake(name)
        else:
            await self._taken_over(fell)
            await self.pair.start(name)

    async def _stands(self, fell: float) -> None:
        """A node stands still: the server cuts off the unit that it was in the middle of."""
        await asyncio.sleep(HALF_SECOND)
        self.counts["pauses in the middle of a unit"] += bool(await self.rows(HELD))
        await asyncio.sleep(max(0.0, fell + LEASE.total_seconds() + HALF_SECOND - time.monotonic()))
        assert [] == await self.rows(OUTLIVED), "a unit outlived its lease"

    async def _taken_over(self, fell: float) -> None:
        """Wait until all that is due now has rung, or is no longer due. Fails after the bound."""
        now = ms(self.clock.now())
        left = due = {tuple(row[name] for name in ("case_id", "key", "due_at")) for row in await self.rows(DUE, now)}
        while left:
            assert time.monotonic() - fell < BOUND_SECONDS, f"{len(left)} of {len(due)} deadlines wait for the dead"
            await asyncio.sleep(0.01)
            left = left & {tuple(row[n] for n in ("case_id", "key", "due_at")) for row in await self.rows(DUE, now)}
        if due:
            self.took_seconds.append(time.monotonic() - fell)
            self.counts["due when a node fell"] += len(due)

    # ---- what must hold -----------------------------------------------------------------------------

    async def look(self) -> None:
        """What must hold at any time."""
        for promise, sql in BROKEN.items():
            assert [] == [row[0] for row in await self.rows(sql)], promise
        (latest,) = await self.rows("SELECT max(recorded_at) AS at FROM event")
        ahead = instant(latest["at"]) - self.clock.now()
        assert ahead < PROMPT * FACTOR, f"a node whose machine's clock is ahead wrote {ahead} too early"

    async def figures(self) -> list[tuple[str, object]]:
        """The table that is printed at the end."""
        (seen,) = await self.rows(
            "SELECT count(DISTINCT case_id) AS cases, count(*) AS events, count(*) FILTER (WHERE kind = 'DeadlinePassed')"
            " AS rung, count(*) FILTER (WHERE kind = 'RungClimbed') AS climbed, count(*) FILTER (WHERE kind = 'ReportMade')"
            " AS reports FROM event"
        )  # fmt: skip
        took = sorted(self.took_seconds)
        at = {"p50": len(took) // 2, "p99": len(took) * 99 // 100, "max": -1}
        return [
            ("rounds", ROUNDS), *sorted(self.counts.items()), ("messages answered", len(self.acked)), ("cases", seen["cases"]),
            ("events", seen["events"]), ("deadlines rung", seen["rung"]), ("rungs climbed", seen["climbed"]),
            ("reports", seen["reports"]), *((each, 0) for each in BROKEN), ("rounds with something due", len(took)),
            *((f"takeover {name}, s", f"{took[place]:.2f}") for name, place in at.items() if took),
        ]  # fmt: skip

    async def look_back(self) -> None:
        """What must hold in the end: the books are whole, and every message that was answered is in the log once."""
        await self.look()
        assert [] == await verify(self.database, {BASE: the_protocol()}, KEY)
        states = {row["external_id"]: row["state"] for row in await self.rows("SELECT external_id, state FROM inbox")}
        assert self.acked <= states.keys()
        assert set(states.values()) <= {"done", "ignored"}
        logged = await self.rows(
            "SELECT body::json #>> '{says,words}' AS id FROM event WHERE body LIKE '%words\":\"m%'"
        )
        assert sorted(row["id"] for row in logged) == sorted(i for i, state in states.items() if state == "done")
        told = (line for line in self.pair.setup.log.read_text().splitlines() if '"level": "info"' not in line)
        assert not [line for line in told if STOOD_STILL not in line]


@asynccontextmanager
async def a_town(folder: Path, seed: str) -> AsyncIterator[Town]:
    """Two nodes in an empty database with the people of `houses`."""
    async with await PostgresDatabase.begin(databases.url(folder)) as database:
        await people_of(database)
        began = await database.now()
        assert began is not None
        clock = FastClock(began)
        await clock.begin(database.now)
        async with two_nodes(Setup(folder, databases.url(folder), began)) as pair:
            yield Town(pair, database, clock, random.Random(seed), seed)


async def a_long_night(town: Town) -> None:
    """So many rounds, while people write."""
    try:
        for number in range(1, ROUNDS + 1):
            await town.round()
            if number % LOOK_EVERY == 0:
                await town.look()
    finally:
        town.over = True


async def test_what_a_dead_node_leaves_rings_on_the_other_and_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """P1, P4, P5, P19: no second report, no lost deadline, no write of a node whose lease ran out; takeover in time."""
    seed = os.environ.get("PORCHLIGHT_NODE_SEED", str(random.SystemRandom().randrange(10**9)))
    with capsys.disabled():
        print(f"\nnode seed {seed}: PORCHLIGHT_NODE_SEED={seed} draws the same moments")
    async with a_town(tmp_path, seed) as town:
        async with asyncio.TaskGroup() as group:
            for number in range(SENDERS):
                group.create_task(town.people(number))
            group.create_task(a_long_night(town))
        await town.look_back()
        assert town.took_seconds, "nothing was due in any round: this proves nothing"
        figures = await town.figures()
    with capsys.disabled():
        print("\n".join(f"{name:32} {value}" for name, value in figures))

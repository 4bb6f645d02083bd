"""What a message costs from its provider's request to the answer: signature, whole casework, commit, 204.

The house is a process of its own, live, and 32 kept-alive connections of another one talk to it: each is a parent who
texts through a night, or somebody of a home's staff who types through one, so that all points of a night are told at once.
Bare: aiohttp that answers and does nothing, on one core as the house is; aiogram with MemoryStorage and a handler that does
nothing, and with fifty. All are asked by the same caller, in turns; the house stands still while others have theirs.
Letters leave meanwhile through a stand-in that thinks as long as a provider does.
"""

import sqlite3
import sys
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path

from benchmarks import requests, tables
from benchmarks.bare import HANDLERS, bare
from benchmarks.callers import Called, Talk, call
from benchmarks.house import House, a_house, settle
from benchmarks.loops import run as run_loop
from benchmarks.providers import providers
from benchmarks.rounds import FULL_SECONDS, ROUNDS, SHORT_SECONDS, Row, Told, alternate, ratio, spread
from benchmarks.scripts import script

CONNECTIONS = 32
HOMES = {False: 1_200, True: 6_400}  # in the short form and the long; one half texts, the other types
SECONDS = {False: 0.5, True: 3.0}
THINKS_SECONDS = 0.1
PATIENCE_SECONDS = 60.0
FASTEST, BARE_FASTEST = 2_500, 40_000  # requests a second that a slice may need at most
BARE, SMS, TELEGRAM = "bare", "sms", "telegram"


@dataclass(slots=True)
class Evening:
    """The people of one door, and what is left of the talks that were begun."""

    house: House
    talk_of: Callable[[int], Talk]
    homes: "deque[int]"
    answered: int = 0
    _begun: list[Talk] = field(default_factory=list)

    def spread_out(self) -> None:
        """Bring as many talks as there are connections each to another point of its night."""
        talks = [self.talk_of(self.homes.popleft()) for _ in range(CONNECTIONS)]
        told = [1 + number % (len(talk) - 1) for number, talk in enumerate(talks)]
        self._call([talk[:said] for talk, said in zip(talks, told, strict=True)], PATIENCE_SECONDS)
        self._begun = [talk[said:] for talk, said in zip(talks, told, strict=True)]

    async def tell(self, seconds: float) -> Called:
        """Go on with the talks for so long."""
        more = islice(self.homes, int(FASTEST * seconds / len(self.talk_of(self.homes[0]))))
        talks = [*self._begun, *(self.talk_of(home) for home in more)]
        before = self.house.worked()
        called = self._call(talks, seconds)
        busy = (self.house.worked() - before) * 1000 / called.answered
        assert called.talks < len(talks), "nobody may run out of words"
        for _ in range(called.talks - len(self._begun)):
            self.homes.popleft()
        self._begun = [talks[place][-left:] for place, left in called.left.items()]
        return replace(called, busy=busy)

    def _call(self, talks: Sequence[Talk], seconds: float) -> Called:
        called = call(self.house.port, talks, seconds, CONNECTIONS)
        assert not called.refused, called
        self.answered += called.answered
        return called


async def _of_others(house: House, port: int, talk: Talk, seconds: float) -> Called:
    """The same caller at a door that keeps nothing: it may hear the same words again and again."""
    again = int(BARE_FASTEST * seconds / CONNECTIONS / len(talk))
    with house.frozen():
        called = call(port, [list(talk) * again] * CONNECTIONS, seconds, CONNECTIONS)
    assert not called.refused and len(called.left) == CONNECTIONS, called
    return called


async def measure(folder: Path, homes: int, seconds: float, rounds: int) -> dict[str, list[Called]]:
    """What came of every side's slices. What our house answered stands in its database."""
    await settle(folder, homes)
    with providers(THINKS_SECONDS) as provider, bare() as port, a_house(folder, provider) as house:
        parents = Evening(house, requests.parents_night, deque(range(homes // 2)))
        staff = Evening(house, requests.staffs_night, deque(range(homes // 2, homes)))
        house.until_quiet()
        for evening in (parents, staff):
            evening.spread_out()
        sides: dict[str, Callable[[float], Awaitable[Called]]] = {SMS: parents.tell, TELEGRAM: staff.tell}
        sides[BARE] = partial(_of_others, house, port, requests.parents_night(0))
        for path in HANDLERS:
            sides[path] = partial(_of_others, house, port, requests.staffs_night(0, path))
        called = await alternate(sides, seconds, rounds)
        assert _worked(house.database) == parents.answered + staff.answered
    return called


def _worked(database: Path) -> int:
    """How many messages were worked to their end."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as line:
        (worked,) = line.execute("SELECT count(*) FROM inbox WHERE state = 'done'").fetchone()
    line.close()
    return int(worked)


def run(full: bool = False) -> list[Told]:
    """Both doors of the house as shares of bare aiohttp, how long an answer takes, and what handlers cost."""
    with tempfile.TemporaryDirectory() as name:
        called = run_loop(measure(Path(name), HOMES[full], SECONDS[full], ROUNDS))
    with tempfile.TemporaryDirectory() as name:
        of_table = run_loop(tables.measure(Path(name), FULL_SECONDS if full else SHORT_SECONDS, ROUNDS))
    rates = {side: [each.rate for each in slices] for side, slices in called.items()}
    few, many = HANDLERS
    what = f"{CONNECTIONS} connections"
    return [
        spread(f"bare aiohttp, {what}", rates[BARE], "/s"),
        *_door("SMS", called[SMS], rates[BARE], must=8, aim=15),
        _times("SMS", called[SMS]),
        *_door("Telegram", called[TELEGRAM], rates[BARE], must=5, aim=10),
        spread("Telegram: p99", [each.p99 for each in called[TELEGRAM]], "ms", must=40, more=False),
        spread("aiogram, MemoryStorage, a handler that does nothing", rates[few], "/s"),
        ratio("Telegram: ours with all its work, of that", rates[TELEGRAM], rates[few]),
        ratio("aiogram: an update beside 50 handlers, against one", rates[few], rates[many], more=False),
        ratio("ours: an update beside 50 commands, against one", *of_table.values(), must=1.5, more=False),
    ]


def _door(door: str, called: Sequence[Called], bare: Sequence[float], must: float, aim: float) -> list[Told]:
    rates = [each.rate for each in called]
    share = [100 * ours / theirs for ours, theirs in zip(rates, bare, strict=True)]
    return [
        spread(f"{door}: told, worked, kept and answered", rates, "/s"),
        spread(f"{door}: of bare aiohttp", share, "%", must=must, aim=aim),
        spread(f"{door}: processor time each", [each.busy for each in called], "ms", more=False),
        spread(f"{door}: p50", [each.p50 for each in called], "ms", more=False),
    ]


def _times(door: str, called: Sequence[Called]) -> Row:
    return ratio(
        f"{door}: p99 of p50", [each.p99 for each in called], [each.p50 for each in called], must=3, more=False
    )


if __name__ == "__main__":
    sys.exit(script(run))

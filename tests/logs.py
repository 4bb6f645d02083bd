"""Logs of cases that are kept as they were written, so that whoever changes the fold sees what becomes of them.

They are never changed, only added to: events like these stand in people's databases, also such as nobody writes any more.
`python -m tests.logs` plays written and random nights, mixes them, and keeps those logs in which the fold, or what is armed,
does what no kept log shows yet.
"""

import asyncio
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from casework import events as e
from casework import evolve
from casework.case import Case
from casework.deadlines import armed
from casework.levels import Located, Side
from casework.protocol import Protocol
from storage.codec import canonical, case_text, event_data, event_from
from tests.builders import Night, the_protocol
from tests.choices import Choice, Watched
from tests.properties import nights

FILE = Path(__file__).parent / "casework" / "kept_logs.jsonl"
RANDOM_NIGHTS = 600


@cache
def kept() -> tuple[tuple[e.Event, ...], ...]:
    """Every kept log."""
    return tuple(tuple(map(event_from, json.loads(line))) for line in FILE.read_text(encoding="ascii").splitlines())


def folded(log: Sequence[e.Event]) -> Iterator[tuple[Case, Protocol]]:
    """The case after each event of a log, and what it was opened under."""
    case: Case | None = None
    for event in log:
        case = evolve.evolve(case, event)
        yield case, the_protocol(case.protocol)


def shown(log: Sequence[e.Event]) -> set[tuple[Any, ...]]:
    """What this log shows of the fold: how its choices come out, which parts of a case an event changes in which status, and
    what is armed then."""
    seen, before = set[tuple[Any, ...]](_choices(log)), dict[str, Any]()
    for event, (case, protocol) in zip(log, folded(log), strict=True):
        after = json.loads(case_text(case))
        changed = [name for name in after if name != "seq" and before.get(name) != after[name]]
        seen |= {(type(event).__name__, name) for name in changed}
        seen.add((type(event).__name__, "in", before.get("status", "")))
        seen |= {("armed", case.status.value, key.partition(":")[0]) for key in armed(case, protocol)}
        before = after
    return seen


def _choices(log: Sequence[e.Event]) -> set[Choice]:
    watched = the_fold()
    watched.seen.clear()
    watched.within["replay"](log)
    return set(watched.seen)


@cache
def the_fold() -> Watched:
    """The fold, as its choices are watched."""
    return Watched(evolve)


def main() -> None:
    """Keep what is missing."""
    seen = set[tuple[Any, ...]]().union(*map(shown, kept() if FILE.exists() else ()))
    played = [*asyncio.run(_written()), *map(_random, range(RANDOM_NIGHTS)), _rare()]
    found = [(log, shown(log)) for log in [*played, *(_mixed(played, seed) for seed in range(RANDOM_NIGHTS))]]
    with FILE.open("a", encoding="ascii") as file:
        while True:
            log, new = max(found, key=lambda each: len(each[1] - seen) / len(each[0]))
            if new <= seen:
                break
            seen |= new
            file.write(canonical([event_data(event) for event in log]) + "\n")


async def _written() -> list[list[e.Event]]:
    """The logs of the written nights."""
    from bot.cli.simulate import everything
    from bot.protocols import shelf
    from bot.simulate import simulated
    from storage import log, views
    from storage.database import Database

    logs = []
    with tempfile.TemporaryDirectory() as folder:
        for number, found in enumerate(everything()):
            url = f"sqlite:///{folder}/{number}.db"
            await simulated(found.scenario, shelf(None), database=url)
            async with await Database.open(url, read_only=True) as database:
                every = await database.read(views.case_ids)
                logs += [await database.read(partial(log.events, case_id=case_id)) for case_id in every]
    return logs


def _random(seed: int) -> list[e.Event]:
    """The log of a random night."""
    chance = random.Random(seed)
    child = e.Child(
        child_id="K7", age=chance.choice((None, 9, 12, 15, 17)),
        flags=tuple(chance.sample(nights.FLAGS, chance.choice((0, 0, 1)))),
        at_home=chance.random() < 0.3, episodes_90_days=chance.randrange(4), parents=chance.choice(((), ("pat",))),
        surroundings=chance.choice(((), ("water",))),
    )  # fmt: skip
    start = chance.choice(nights.STARTS)
    if chance.random() < 0.2:
        night = Night(the_protocol(), start, replays=False)
        night.watches(child, start + timedelta(hours=1))
    else:
        night = nights.opened(the_protocol(), child, start, chance.choice((0, 5, 16, 70)), parent=chance.random() < 0.3)
    acts = [
        nights.Act(
            chance.choice((0, 1, 3, 20, 61)),
            chance.choice(nights.WHO),
            chance.choice(nights.WHAT),
            chance.randrange(60),
        )
        for _ in range(chance.randrange(4, 22))
    ]
    return nights.play(night, acts).log


def _mixed(played: Sequence[Sequence[e.Event]], seed: int) -> list[e.Event]:
    """What no night brings, but a fold must bear: events of many nights in any order."""
    chance = random.Random(seed)
    first = chance.choice(played)[0]
    return [first, *(chance.choice(chance.choice(played)[1:] or [first]) for _ in range(chance.randrange(5, 40)))]


def _rare() -> list[e.Event]:
    """What the other nights do not bring: an alert that two must answer and one presses twice, a chase and a task that are
    ended, refusals without a time, two doubts, a place that is good for longer, somebody who joins and knows no time."""
    night = nights.opened(the_protocol(), e.Child(child_id="K7", age=9), nights.STARTS[0], 0, parent=False)
    night.until(night.now + timedelta(hours=3))
    told: dict[str, Any] = {"at": night.now, "channel": "telegram"}
    assert night.case is not None
    watch = e.WatchSet(
        **told, by="alice", case_id="org1-1", code="A17", organisation="org1", home="oak", child=night.case.child,
        protocol=night.protocol.name, due_at=night.now,
    )  # fmt: skip
    for news in (watch, e.ChaseClosed(**told, by="cass"), e.TaskDone(**told, by="cass", task="E5", outcome="told")):
        night.hear(news)
    rung = e.RungClimbed(at=night.now, rung=2, next_at=night.now + timedelta(minutes=5), answers=2)
    acks = [e.AlertAcknowledged(**told, by=who) for who in ("cass", "cass", "dee", "dee")]
    later = night.now + timedelta(hours=1)
    refusals = [e.PoliceDeclined(**told, by="cass", review_at=at) for at in (None, later, None)]
    doubts = [e.UnsureRaised(at=night.now, check=check, until=later) for check in ("C04", "C05")]
    places = [
        e.LocationDecided(at=night.now, located=located, agreed_until=later, extended=extended)
        for located in (Located.SAFE, Located.NO) for extended in (True, False)
    ]  # fmt: skip
    joins = e.ReporterJoined(**told, by="ben", side=Side.STAFF)
    return [*night.log, rung, *acks, *refusals, *doubts, e.UnsureClimbed(at=night.now, check="C05"), *places, joins]


if __name__ == "__main__":
    main()

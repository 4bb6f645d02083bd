"""What becomes of a burst of timers, and of timers that are overdue at start, with the schedulers and queues others use."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.herd import spread_over
from benchmarks.loops import run as run_loop
from benchmarks.peer_apscheduler import ApScheduler
from benchmarks.peer_queues import NoDriver, PgQueuer, Procrastinate
from benchmarks.peers import Peer
from benchmarks.rounds import NotRun, Row, Told
from benchmarks.server import NoServer, a_server
from benchmarks.witness import Lateness, Rang, stall

LOADED = timedelta(seconds=3)  # in which a peer is loaded before the first of its timers is due


async def _peer(make: Callable[[], Peer], dues: Callable[[], Sequence[datetime]]) -> tuple[Peer, Rang]:
    """Load a peer with timers, let it fire, and see what ran."""
    peer = make()
    await peer.begin()
    try:
        wanted = dues()
        await peer.load(wanted)
        async with stall() as stalled:
            took = await peer.until_fired(len(wanted))
        return peer, Rang(Lateness(peer.late, len(wanted) - len(peer.late)), stalled.longest, took)
    finally:
        await peer.end()


def _soon(timers: int) -> Callable[[], list[datetime]]:
    """All due within a second that begins when they are loaded."""
    return lambda: spread_over(1, timers, datetime.now(UTC) + LOADED)


def _long_ago(timers: int) -> Callable[[], list[datetime]]:
    return lambda: spread_over(1, timers, datetime.now(UTC) - timedelta(hours=3))


def run(folder: Path, timers: int, late: int) -> list[Told]:
    """What became of their timers: of a burst, and of what was overdue at start."""
    rows: list[Told] = []
    for tuned in (False, True):
        for what, dues in ((f"burst of {timers:,}", _soon(timers)), (f"{late:,} overdue", _long_ago(late))):
            place = folder / f"{tuned}-{what}"
            place.mkdir()
            rows += _told(what, *run_loop(_peer(partial(ApScheduler, place, tuned=tuned), dues)))
    try:
        for kind in (PgQueuer, Procrastinate):
            with a_server() as url:
                rows += _told(f"burst of {timers:,}", *run_loop(_peer(partial(kind, url), _soon(timers))))
    except (NoServer, NoDriver) as fault:
        rows.append(NotRun(what="bursts: queues on PostgreSQL", why=str(fault)))
    return rows


def _told(what: str, peer: Peer, rang: Rang) -> list[Told]:
    rows: list[Told] = [Row(what=f"{peer.name}, {what}: never ran", figure=rang.lateness.lost, unit="", more=False)]
    if rang.lateness.late:
        rows.append(Row(what=f"{peer.name}, {what}: p99 late", figure=rang.lateness.p99 / 1000, unit="s", more=False))
    return [*rows, Row(what=f"{peer.name}, {what}: loop stood", figure=rang.stalled, unit="ms", more=False)]

"""Knows how one node lives in these tests: a casebook, its bells, and a door in a Unix socket, on a clock that runs fast.

`python -m tests.crash.nodes` imports everything once and forks a node for each line on its stdin, so that a start costs
milliseconds. What a node shall do to itself, and where, lies in a file beside its socket (`Harm`).
"""

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bot.chance import Chance
from bot.crash import Crash
from bot.locales import books
from bot.work import Work
from casework import events as e
from casework.case import Case
from casework.events import Child
from scheduler.clock import SharedClock, SystemClock
from storage.casebook import Casebook
from storage.database import Unusable
from storage.desk import Desk
from storage.inbox import Heard
from storage.postgres import PostgresDatabase
from tests.builders import BASE, Night, the_protocol
from tests.properties.nights import Act, told
from tests.storage.houses import EVENING, KEY, opening

LEASE = timedelta(seconds=2)
FACTOR = 120  # seconds of the house in one of ours
LOOKS_EVERY_SECONDS = 0.05
SOURCE = "nodes"
_log = structlog.get_logger(__name__)


class FastClock(SharedClock):
    """The house's time in these tests: it began at `EVENING` when the database's clock said `began`, and runs fast.

    `wrong`: by how much this node's own machine is wrong, which must not matter.
    """

    def __init__(self, began: datetime, wrong: timedelta = timedelta()) -> None:
        machine = SystemClock()
        super().__init__(lambda: machine.now() + wrong)
        self._began = began

    def now(self) -> datetime:
        return EVENING + (super().now() - self._began) * FACTOR


class Harm(Crash):
    """Sends this node a signal at the crash point that the file names, once."""

    def __init__(self, order: Path) -> None:
        super().__init__()
        self._order = order

    def __call__(self, point: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            wanted, number = self._order.read_text().split()
            if point == wanted:
                self._order.unlink()
                os.kill(os.getpid(), int(number))


@dataclass(frozen=True, slots=True)
class Setup:
    """What the nodes of one test have in common: the folder of their sockets, the database, and when its time began."""

    folder: Path
    url: str
    began: datetime

    def socket(self, name: str) -> Path:
        return self.folder / f"{name}.sock"

    def order(self, name: str) -> Path:
        return self.folder / f"{name}.order"

    @property
    def log(self) -> Path:
        return self.folder / "nodes.log"


# ---- what a message does ---------------------------------------------------------------------------


def answer_for(heard: Heard) -> partial[Any]:
    """What is done at the desk about a message: open a case of the child, end it, or what `tests.properties` thinks up.

    The news carries the message's id as its `words`, so that the log shows that it was taken once.
    """
    return partial(_answer, said=json.loads(heard.raw))


async def _answer(desk: Desk, *, said: dict[str, Any]) -> None:
    open_cases = await desk.open_cases(child=said["child"])
    if not open_cases:
        await opening("K7", child=Child(child_id=said["child"], age=15, parents=("pat",)), words=said["id"])(desk)
        return
    case = open_cases[-1]
    news = list(_ending(case, desk.now)) if said["what"] == "end" else list(_told(case, desk.now, said))
    if not news:
        desk.ignore()
    for each in news[:-1]:
        await desk.record(case.case_id, each)
    for last in news[-1:]:
        await desk.record(case.case_id, replace(last, words=said["id"]))


def _told(case: Case, now: datetime, said: dict[str, Any]) -> Iterator[e.News]:
    news = told(Night(the_protocol(), now, case=case), Act(0, said["who"], said["what"], said["choice"]))
    if news is not None:
        yield news


def _ending(case: Case, now: datetime) -> Iterator[e.News]:
    """The child is seen, and seen by a second person; all that the end needs is said, and the manager signs it."""
    base: dict[str, Any] = {"at": now, "channel": "telegram"}
    yield e.ChildSeen(**base, by="alice", via="staff", seen_at=now)
    yield e.ChildSeen(**base, by="cass", via="callback", seen_at=now)
    yield e.CheckAnswered(**base, by="alice", check="B_WELL", values=("no",))
    yield e.CheckAnswered(**base, by="alice", check="B_POL", values=("done",))
    yield e.InterviewRecorded(**base, by="mo", outcome="done")
    yield e.CloseAsked(**base, by="mo")


# ---- a node ----------------------------------------------------------------------------------------


async def live(setup: Setup, name: str, wrong: timedelta) -> None:
    """Live until the parent is gone."""
    parent = os.getppid()
    harm = Harm(setup.order(name))
    database = await PostgresDatabase.begin(setup.url, lease=LEASE)
    clock = FastClock(setup.began, wrong)
    await clock.begin(database.now)
    casebook = Casebook(
        database, {BASE: the_protocol()}, books(), clock.now, Chance(), audit_key=KEY, crash=harm
    )  # fmt: skip
    work = Work(casebook, {}, clock, harm, answer_for)
    await _whole(work.wake())
    await asyncio.start_unix_server(partial(_door, casebook), setup.socket(name))
    while os.getppid() == parent:
        await _whole(work.tick())
        await asyncio.sleep(LOOKS_EVERY_SECONDS)


async def _whole(working: Any) -> bool:
    """Whether it ended; False where the database was in the way. Anything else is told, and turns the test red."""
    try:
        await working
        return True
    except Unusable as fault:
        _log.info("the database was in the way", fault=str(fault))
    except Exception:
        _log.exception("a node broke")
    return False


async def _door(casebook: Casebook, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One line in: a message, or nothing but the question whether this node lives. One word out, when it is kept."""

    async def take() -> None:
        raw = (await reader.readline()).decode()
        said = json.loads(raw)
        heard = Heard(source=SOURCE, external_id=said["id"], received_at=casebook.now(), raw=raw)
        outcome = await casebook.hear(heard, answer_for(heard)) if said["id"] else "alive"
        with contextlib.suppress(ConnectionError):  # who asked may have gone to the other node meanwhile
            writer.write(outcome.encode() + b"\n")
            await writer.drain()

    try:
        await _whole(take())
    finally:
        writer.close()


def main() -> None:
    """Import, then fork a node for each `NAME SECONDS_WRONG` on stdin; its process id is printed."""
    folder, url, began = sys.argv[1:]
    setup = Setup(Path(folder), url, datetime.fromisoformat(began))
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer()],
        logger_factory=structlog.WriteLoggerFactory(setup.log.open("a")),
    )  # fmt: skip
    the_protocol(), books()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are not waited for
    for line in sys.stdin:
        name, wrong = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                asyncio.run(live(setup, name, timedelta(seconds=float(wrong))))
            finally:
                os._exit(1)  # whatever ended it, this is no second parent
        print(pid, flush=True)


if __name__ == "__main__":
    main()

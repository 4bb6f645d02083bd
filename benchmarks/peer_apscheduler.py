"""APScheduler 3 with its own SQL job store, as a peer: with its defaults, and tuned as well as its settings allow.

Tuned: no limit on how late a job may be (`misfire_grace_time=None`), and SQLite in WAL instead of a rollback journal.
Both are as durable as the house (`synchronous=FULL` is SQLite's default).
"""

import logging
import pickle
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import create_engine, event, insert

from benchmarks.peers import Peer

_running: dict[str, Peer] = {}  # a job store keeps a function by its name, so it finds its peer by its own


async def note(peer: str, due: float) -> None:
    """The job: say that it ran."""
    _running[peer].ran(due)


class ApScheduler(Peer):
    """One scheduler over one SQLite file of its own."""

    DEFAULT, TUNED = "APScheduler's store", "APScheduler's store, tuned"

    def __init__(self, folder: Path, *, tuned: bool) -> None:
        super().__init__()
        self.name = self.TUNED if tuned else self.DEFAULT
        self._engine = create_engine(f"sqlite:///{folder / f'apscheduler-{tuned}.db'}")
        if tuned:
            event.listen(self._engine, "connect", lambda line, _: line.execute("PRAGMA journal_mode = WAL"))
        defaults = {"misfire_grace_time": None} if tuned else {}
        self._store: Any = SQLAlchemyJobStore(engine=self._engine)
        self._scheduler = AsyncIOScheduler(timezone="UTC", job_defaults=defaults, jobstores={"default": self._store})
        _running[self.name] = self
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # thousands of missed jobs are told by us

    async def begin(self) -> None:
        self._scheduler.start(paused=True)

    async def end(self) -> None:
        self._scheduler.shutdown(wait=False)
        self._engine.dispose()

    async def add(self, number: int, at: datetime) -> object:
        self._job(number, at)
        return str(number)

    async def cancel(self, timer: object) -> None:
        self._scheduler.remove_job(timer)

    async def load(self, dues: Sequence[datetime]) -> None:
        rows = [self._row(number, due) for number, due in enumerate(dues)]
        with self._engine.begin() as line:
            line.execute(insert(self._store.jobs_t), rows)

    async def fire(self) -> None:
        self._scheduler.resume()

    def _job(self, number: int, due: datetime) -> None:
        self._scheduler.add_job(note, "date", run_date=due, args=[self.name, due.timestamp()], id=str(number))

    def _row(self, number: int, due: datetime) -> dict[str, Any]:
        """What its store would write for such a job."""
        job = Job(self._scheduler, id=str(number))
        job._modify(
            func=note, args=(self.name, due.timestamp()), kwargs={}, name="note", executor="default",
            trigger=self._scheduler._create_trigger("date", {"run_date": due}), coalesce=True, max_instances=1,
            next_run_time=due.astimezone(UTC), misfire_grace_time=self._scheduler._job_defaults["misfire_grace_time"],
        )  # fmt: skip
        return {"id": job.id, "next_run_time": due.timestamp(), "job_state": pickle.dumps(job.__getstate__())}

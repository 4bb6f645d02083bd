"""procrastinate and pgqueuer, two job queues on PostgreSQL, as peers on the same server as the house's own deadlines.

Both are set as fast as their settings allow without giving up durability: 32 jobs at once, looked for ten times a second.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import JobId
from procrastinate.types import JSONDict

from benchmarks.peers import Peer

LINES = 32
POLL_SECONDS = 0.1
BATCH = 32


class NoDriver(Exception):
    """A peer's own driver does not load here: it is not run."""


class Procrastinate(Peer):
    """procrastinate through its psycopg connector."""

    name = "procrastinate"

    def __init__(self, url: str) -> None:
        super().__init__()
        try:
            import procrastinate
        except ImportError as fault:
            raise NoDriver(f"procrastinate's driver does not load here: {fault}") from fault
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=url, min_size=4, max_size=LINES)
        )
        self._note = self._app.task(name="note")(self._run)
        self._worker: asyncio.Task[None] | None = None

    async def _run(self, due: float) -> None:
        self.ran(due)

    async def begin(self) -> None:
        await self._app.open_async()
        await self._app.schema_manager.apply_schema_async()

    async def end(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        await self._app.close_async()

    async def add(self, number: int, at: datetime) -> object:
        return await self._note.configure(schedule_at=at).defer_async(due=at.timestamp())

    async def cancel(self, timer: object) -> None:
        await self._app.job_manager.cancel_job_by_id_async(cast(int, timer), delete_job=True)

    async def load(self, dues: Sequence[datetime]) -> None:
        for at, together in Counter(dues).items():
            jobs: list[JSONDict] = [{"due": at.timestamp()}] * together
            await self._note.configure(schedule_at=at).batch_defer_async(*jobs)

    async def fire(self) -> None:
        work = self._app.run_worker_async(
            concurrency=BATCH, fetch_job_polling_interval=POLL_SECONDS, install_signal_handlers=False
        )
        self._worker = asyncio.create_task(work)


class PgQueuer(Peer):
    """pgqueuer through a pool of asyncpg."""

    name = "pgqueuer"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)
        self._worker: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._pool: Any = await asyncpg.create_pool(self._url, min_size=4, max_size=LINES)
        self._queries = Queries(AsyncpgPoolDriver(self._pool))
        await self._queries.install()
        self._manager = QueueManager(self._queries)

        @self._manager.entrypoint("note")
        async def note(job: Job) -> None:
            self.ran(float((job.payload or b"0").decode()))

    async def end(self) -> None:
        self._manager.shutdown.set()
        if self._worker is not None:
            await self._worker
        await self._pool.close()

    async def add(self, number: int, at: datetime) -> object:
        (timer,) = await self._queries.enqueue("note", _payload(at), execute_after=at - datetime.now(UTC))
        return timer

    async def cancel(self, timer: object) -> None:
        await self._queries.mark_job_as_cancelled([cast(JobId, timer)])

    async def load(self, dues: Sequence[datetime]) -> None:
        waits: list[timedelta | None] = [due - datetime.now(UTC) for due in dues]
        await self._queries.enqueue(["note"] * len(dues), [_payload(due) for due in dues], [0] * len(dues), waits)

    async def fire(self) -> None:
        work = self._manager.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=POLL_SECONDS))
        self._worker = asyncio.create_task(work)


def _payload(due: datetime) -> bytes:
    return str(due.timestamp()).encode()

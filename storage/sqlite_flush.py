"""Knows when what SQLite committed is on the disk: the log is flushed beside the writer, which goes on meanwhile.

SQLite itself writes the log at a commit and flushes it only before a checkpoint (`synchronous = NORMAL`). Whoever waits
for a unit is answered after a flush that began when its commit was in the log, so nothing is promised that a power cut
could take; but while the disk turns, the next group is worked. Frames of a group that was not flushed whole have no valid
end, and SQLite passes over them when it opens the file: what is kept is always a beginning of what was committed.
"""

import asyncio
import errno
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from storage.database import Unusable
from storage.sqlite_units import Job

_log = structlog.get_logger(__name__)
_FAULT = "the disk did not keep what was written: the house must be started again"


class Flusher:
    """Answers waiters once their units are on the disk. After a fault of the disk nothing is believed any more."""

    def __init__(self, path: Path) -> None:
        self._log_path = f"{path}-wal"
        self._log: int | None = None  # opened when there is one; the file is SQLite's, and only ever flushed here
        self._one_at_a_time = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flush")
        self._committed: list[Job[Any]] = []
        self._going: asyncio.Task[None] | None = None
        self.broken = False

    def flush(self) -> None:
        """Have the disk keep every commit that was made. Raises OSError where it does not, and from then on always: the
        system tells of a page that was lost once, and the next flush would succeed without it."""
        with self._one_at_a_time:
            if self.broken:
                raise OSError(errno.EIO, "the disk failed before")
            try:
                if self._log is None:
                    self._log = os.open(self._log_path, os.O_RDONLY | os.O_CLOEXEC)
                os.fdatasync(self._log)
            except OSError:
                self.broken = True
                raise

    def take(self, jobs: Sequence[Job[Any]]) -> None:
        """These units are committed: flush them beside the writer, with whatever else was committed when that begins."""
        self._committed += jobs
        if self._going is None:
            self._going = asyncio.get_running_loop().create_task(self._flush_all())

    async def _flush_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._committed:
            jobs, self._committed = self._committed, []
            try:
                await loop.run_in_executor(self._thread, self.flush)
            except OSError as fault:
                self.fail(jobs, fault)
            answer(jobs)
        self._going = None

    def fail(self, jobs: Sequence[Job[Any]], fault: OSError) -> None:
        """The disk may or may not have kept these units: nobody may be told that it did, now or by a later flush."""
        _log.critical(_FAULT, fault=os.strerror(fault.errno or 0))
        for job in jobs:
            job.fail(Unusable(_FAULT))

    def refuse(self) -> None:
        """Raises Unusable where the disk failed before."""
        if self.broken:
            raise Unusable(_FAULT)

    async def close(self) -> None:
        """Wait until everybody was answered."""
        if self._going is not None:
            await asyncio.shield(self._going)
        self._thread.shutdown()
        if self._log is not None:
            os.close(self._log)
            self._log = None


def answer(jobs: Sequence[Job[Any]]) -> None:
    """These units are on the disk, or failed: run what waits for their commit and tell who waits for them."""
    for job in jobs:
        try:
            job.committed()
        except BaseException as fault:
            job.fail(fault)
        job.tell()

"""Knows where what would hold up the house is done: a few threads of its own, so that neither a door nor a bell waits.

A picture drawn anew, a report printed and written, a library loaded: each may take seconds. They have threads of their
own and not the loop's default pool, which looks up the names of hosts: a night of reports must not stop the letters.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

THREADS = 2  # a picture of fifty million points takes some 300 MB while it is drawn


class Workshop:
    """Does one thing a thread, the rest in the order they came. Close it at the end, inside the loop."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="workshop")
        self._begun: set[Future[Any]] = set()

    async def __call__(self, work: Callable[..., T], /, *arguments: Any) -> T:
        """Do `work` on a thread. Raises what it raises. Whoever no longer waits does not end what was begun."""
        doing = self._threads.submit(work, *arguments)
        self._begun.add(doing)
        doing.add_done_callback(self._begun.discard)
        return await asyncio.wrap_future(doing)

    async def close(self) -> None:
        """End what was begun, whole; nothing new is taken."""
        await asyncio.gather(*map(asyncio.wrap_future, list(self._begun)), return_exceptions=True)
        self._threads.shutdown()

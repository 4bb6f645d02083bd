"""Knows on which event loop the house runs: uvloop's where it is installed, Python's own elsewhere.

Only a house that stays runs on it: a command that looks and goes is over before uvloop would be loaded.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T], *, stays: bool) -> T:
    """Run this to its end and return what it returns."""
    with asyncio.Runner(loop_factory=_fast() if stays else None) as runner:
        return runner.run(work)


def _fast() -> Any:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop

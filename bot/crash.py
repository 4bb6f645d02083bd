"""Knows the places where a test may end this process, as a power cut would: nothing is flushed, nothing is said.

`PORCHLIGHT_TEST_CRASH=point` or `point:n` ends it at the n-th pass since start. Without the setting a pass costs one
comparison.
"""

import os
from collections.abc import Callable

POINTS = (
    "inbox.before_commit", "inbox.after_commit", "deadline.before_commit", "deadline.after_commit",
    "outbox.after_claim", "outbox.after_send", "outbox.after_record", "ladder.before_next", "report.before_commit",
    "report.after_commit", "close.before_commit", "close.after_commit", "migrate.each",
    "refold.batch", "move.batch", "move.opened",
)  # fmt: skip
KILLED = 137


class BadPoint(ValueError):
    """PORCHLIGHT_TEST_CRASH names no crash point, or its number is no positive whole number."""


def read(wish: str) -> tuple[str, int]:
    """Return the point and the pass a setting names. Raises BadPoint."""
    point, _, number = wish.partition(":")
    if point not in POINTS or (number and (not number.isdecimal() or int(number) < 1)):
        raise BadPoint("must be a crash point, or a crash point, a colon and a number from 1")
    return point, int(number or 1)


class Crash:
    """Counts passes and ends the process at the one that was asked for. `end` takes the exit code."""

    def __init__(self, wish: str | None = None, end: Callable[[int], object] = os._exit) -> None:
        self._point, self._left = read(wish) if wish else ("", 0)
        self._end = end

    def __call__(self, point: str) -> None:
        """Pass a point."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            self._end(KILLED)

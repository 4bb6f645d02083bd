"""The one place where the wall clock is read; and the clocks that stand in for it where time is somebody else's to move."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog

log = structlog.get_logger()


class Clock(Protocol):
    """Tells the instant, UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock; one that is set back is a fault, and the largest instant seen stays in force (T24)."""

    def __init__(self, read: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._read = read
        self._seen = read()

    def now(self) -> datetime:
        self._seen = max(self._seen, self._read())
        return self._seen


class BadClock(ValueError):
    """The file of a test clock holds no instant."""


class TestClock:
    """A file that holds one ISO-8601 UTC instant and belongs to the tester; read afresh at each look."""

    __test__ = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._read()

    def now(self) -> datetime:
        """The file's instant. A file that goes back is a fault: the largest instant seen stays in force."""
        try:
            found = self._read()
        except BadClock:
            log.warning("test clock unreadable, the last instant stays in force")
            return self._seen
        if found < self._seen:
            log.warning("test clock went back, the largest instant seen stays in force")
        self._seen = max(self._seen, found)
        return self._seen

    def _read(self) -> datetime:
        try:
            instant = datetime.fromisoformat(self._path.read_text(encoding="utf-8").strip())
        except (OSError, ValueError) as fault:
            raise BadClock(f"{self._path.name} holds no ISO-8601 instant") from fault
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


class VirtualClock:
    """A clock that stands until it is moved, and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        """Move on to an instant; an earlier one is ignored."""
        self._now = max(self._now, instant)

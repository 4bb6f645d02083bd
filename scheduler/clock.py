"""The one place where the wall clock is read, and the clocks that stand in for it where time is for others to move."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Protocol

import structlog

PROMPT = timedelta(seconds=1)  # an answer about the time that took longer tells nothing
ASKS_AT_FIRST = 5
SET_BACK = timedelta(seconds=30)  # less is a clock being put right, and no fault
log = structlog.get_logger()


class Clock(Protocol):
    """Tells the instant, UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock. One that is set back is a fault: time goes on from the largest instant seen (T24).

    It goes on by the machine's own count of seconds, which nobody sets: were the largest instant only held, a clock set
    wrongly ahead and then put right would stop every deadline until it is caught up with.
    """

    def __init__(
        self, read: Callable[[], datetime] = lambda: datetime.now(UTC), count: Callable[[], float] = monotonic
    ) -> None:
        self._read, self._count = read, count
        self._seen, self._counted = read(), count()
        self._behind = False

    def now(self) -> datetime:
        found, counted = self._read(), self._count()
        passed = self._seen + timedelta(seconds=counted - self._counted)
        if found < self._seen - SET_BACK and not self._behind:
            log.error("the machine's clock was set back; time goes on from the largest instant seen")
        self._behind = found < self._seen - SET_BACK
        self._seen, self._counted = (found if found >= self._seen else passed), counted
        return self._seen


class SharedClock(SystemClock):
    """The clock of the database's server, by which all its nodes go; between two answers, this machine's count of seconds.

    A node whose own clock is wrong by an hour, or is set while it lives, rings no deadline an hour early or late: its own
    clock is looked at only until the server is first heard.
    """

    def __init__(
        self, own: Callable[[], datetime] = lambda: datetime.now(UTC), count: Callable[[], float] = monotonic
    ) -> None:
        self._own = own
        self._answer: tuple[datetime, float] | None = None  # the server's instant, and our count of seconds then
        super().__init__(self._theirs, count)

    @property
    def heard(self) -> bool:
        """Whether the server ever told its time."""
        return self._answer is not None

    def _theirs(self) -> datetime:
        if self._answer is None:
            return self._own()
        said, counted = self._answer
        return said + timedelta(seconds=self._count() - counted)

    async def begin(self, ask: Callable[[], Awaitable[datetime | None]]) -> None:
        """Ask a server that may be slow at first until it is heard, a few times; then it is this machine's own clock."""
        for _ in range(ASKS_AT_FIRST):
            if not self.heard:
                await self.listen(ask)

    async def listen(self, ask: Callable[[], Awaitable[datetime | None]]) -> None:
        """Ask the server for its time; an answer that took too long to mean anything is left."""
        asked = self._count()
        theirs = await ask()
        took_seconds = self._count() - asked
        if theirs is None or took_seconds > PROMPT.total_seconds():
            return
        first = self._answer is None
        self._answer = theirs, asked + took_seconds / 2
        if first:  # what this machine's own clock said before is no instant that time must go on from
            self._seen, self._counted = self._theirs(), self._count()


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

"""Knows when a channel is down: so many letters failed and none left. Then one letter at a time tries whether it is back."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from scheduler.outbox import Fate, Unreachable
from storage.outbox import Letter

FAILURES = 5  # different letters, one after another: one that is odd in itself opens nothing
TRIES_AFTER_SECONDS = (5, 15, 45, 60)
log = structlog.get_logger()


@dataclass(slots=True)
class Breaker:
    """One channel's. While it is open nobody is kept waiting for time-outs, and the provider is not hammered."""

    channel: str
    _failed: set[str] = field(default_factory=set)
    _tries: int = 0
    _tried_by: str | None = None
    _open_until: datetime | None = None

    def lets_through(self, now: datetime) -> int | None:
        """How many letters may try now; None: as many as there are."""
        if self._open_until is None:
            return None
        return 1 if self._tried_by is None and now >= self._open_until else 0

    def leaves(self, letter: Letter) -> None:
        """A letter leaves. Where the breaker is open it is the one that tries, and no other follows until it has landed."""
        if self._open_until is not None:
            self._tried_by = letter.id

    def landed(self, letter: Letter, fate: Fate, now: datetime) -> None:
        """What became of a letter. A refusal, and a provider that names a time to come again, are answers of one that works."""
        if not isinstance(fate, Unreachable) or fate.retry_after_seconds is not None:
            if self._open_until is not None:
                log.warning("a channel is back", channel=self.channel)
            self._failed, self._tries, self._tried_by, self._open_until = set(), 0, None, None
            return
        self._failed.add(letter.id)
        if self._open_until is None and len(self._failed) >= FAILURES:
            log.error("a channel is down", channel=self.channel, code=fate.code)
            self._wait(now)
        elif letter.id == self._tried_by:
            self._wait(now)

    def seconds_to_next(self, now: datetime) -> float | None:
        """How long until a letter may try again; None: one may now, or one is trying."""
        if self._open_until is None or self._tried_by is not None or now >= self._open_until:
            return None
        return (self._open_until - now).total_seconds()

    def _wait(self, now: datetime) -> None:
        wait = TRIES_AFTER_SECONDS[min(self._tries, len(TRIES_AFTER_SECONDS) - 1)]
        self._tries, self._tried_by, self._open_until = self._tries + 1, None, now + timedelta(seconds=wait)

"""Knows whether Telegram reaches the house at its webhook: only Telegram can say that it did not.

It tries a call again after two minutes at most, so that three minutes without a new failure mean that it gets through. Where it
did not for a while, presses that people made meanwhile are gone, and what they were asked is asked again.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from scheduler.outbox import Refused, Unreachable

LOOKS_SECONDS = 60
GETS_THROUGH_AFTER = timedelta(minutes=3)
LOSES_PRESSES_AFTER = timedelta(
    seconds=60
)  # between the first and the last failure that were seen, a minute apart or more
_log = structlog.get_logger(__name__)


class Webhook(Protocol):
    """What Telegram says of our webhook."""

    async def last_failed_call(self) -> datetime | None: ...


class WebhookWatch:
    """Asks Telegram, and calls `came_back` once calls get through again after some that did not."""

    def __init__(
        self, webhook: Webhook, now: Callable[[], datetime], came_back: Callable[[], Awaitable[object]]
    ) -> None:
        self._webhook, self._now, self._came_back = webhook, now, came_back
        self._first: datetime | None = None  # failed call of the outage that lasts
        self._last: datetime | None = None

    @property
    def unreached(self) -> bool:
        """Whether Telegram fails to reach us, and has for so long that presses were lost."""
        if self._first is None or self._last is None:
            return False
        return self._last - self._first >= LOSES_PRESSES_AFTER

    async def look(self) -> None:
        """Ask once. Raises nothing: what cannot be asked now is asked in a minute."""
        try:
            failed = await self._webhook.last_failed_call()
        except (Refused, Unreachable) as fault:
            _log.warning("Telegram does not say whether it reaches us", code=fault.code)
            return
        now = self._now()
        if failed is not None and now - failed < GETS_THROUGH_AFTER:
            self._first, self._last = self._first or failed, failed
        elif self._first is not None and self._last is not None:
            lost = self.unreached
            self._first = self._last = None
            if lost:
                await self._came_back()

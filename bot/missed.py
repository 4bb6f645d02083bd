"""Knows how texts that never came to the house are fetched: Twilio brings a text once, to the fallback address once more, and
then never again. So what came is compared with what Twilio took, at each start and every minute.

A text that is fetched goes through the same door as one that is brought, once by its MessageSid, whichever was first.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.channels.received import Fields, ReceivedTexts
from handlers.sms import SOURCE
from scheduler.outbox import Refused, Unreachable
from storage import missed
from storage.casebook import where
from storage.database import Database

EVERY = timedelta(minutes=1)
OVERLAP = timedelta(hours=1)  # a text may be listed late, and the clocks may differ
ON_ITS_WAY = timedelta(seconds=30)  # so long a text may still be brought: 15 s, and as long to the fallback address
LOOKS_SECONDS = 5
UNKNOWN = "401"
_log = structlog.get_logger(__name__)


class MissedTexts:
    """Fetches what was missed. `hear` is the door of a signed text; `leads`: whether this node asks."""

    def __init__(
        self, texts: ReceivedTexts, database: Database, hear: Callable[[Fields], Awaitable[object]],
        now: Callable[[], datetime], leads: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._texts, self._database, self._hear, self._now, self._leads = texts, database, hear, now, leads
        self._asked: datetime | None = None
        self._until: datetime | None = None  # everything up to then was asked for
        self._noted: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self.unheard = ""  # why no text comes in until somebody sets it right: Twilio does not know our token

    def start(self) -> None:
        """Begin to look every minute."""
        self._task = asyncio.create_task(self._keep_looking())

    async def stop(self) -> None:
        """Look no more; a text that was begun is worked whole or fetched again."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep_looking(self) -> None:
        while True:
            if self._leads():
                await self.look()
            await asyncio.sleep(LOOKS_SECONDS)

    async def look(self) -> int:
        """Fetch what was missed, if it is time; returns how many texts that were. What cannot be asked is asked again."""
        now = self._now()
        if self._asked is not None and timedelta(0) <= now - self._asked < EVERY:
            return 0
        self._asked = now
        try:
            found = await self._fetch(now)
            self.unheard = ""
            return found
        except (Refused, Unreachable) as fault:
            self.unheard = fault.code if fault.code == UNKNOWN else self.unheard
            _log.warning("Twilio does not say what it took for us", code=fault.code)
        except Exception as fault:
            _log.error("what Twilio took could not be compared", fault=where(fault))
        return 0

    async def _fetch(self, now: datetime) -> int:
        if self._until is None:
            self._until = self._noted = await self._database.read(missed.fetched_until)
        texts = await self._texts.since((self._until or now) - OVERLAP)
        new = await self._database.read(lambda tx: missed.unheard(tx, SOURCE, [each["MessageSid"] for each in texts]))
        brought = (now - ON_ITS_WAY).isoformat()
        found = [each for each in texts if each["MessageSid"] in new and each["sent_at"] <= brought]
        for text in found:
            _log.error("a text never came to the house", id=text["MessageSid"], sent=text["sent_at"])
            await self._hear(text)
        self._until = now
        if self._noted is None or found or now - self._noted >= missed.NOTED_EVERY:
            self._noted = now
            await self._database.write(lambda tx: missed.note_fetched(tx, now))
        return len(found)

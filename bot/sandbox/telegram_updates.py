"""How what people do reaches a bot: asked for by polling, or pushed to its webhook until that says yes.

Telegram keeps an update for a day and a press for 150 seconds, and then drops it without a word. Updates of one person
and kind queue behind each other: one that the webhook refuses holds up the rest of its queue, and no other (A5).
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.sandbox.telegram_rules import Refusal

LIVES = timedelta(hours=24)
PRESS_LIVES = timedelta(seconds=150)
POLL_AT_MOST_SECONDS = 50
WEBHOOK_SECONDS = 60
RETRY_AT_MOST_SECONDS, ASKED_AT_MOST_SECONDS = 60, 3600
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}  # sent only to those who ask for them


@dataclass(slots=True)
class Waiting:
    """One update on its way."""

    update: dict[str, Any]
    kind: str
    person: str
    dies_at: datetime
    tries: int = 0
    again_at: datetime | None = None


@dataclass(slots=True)
class Updates:
    """The updates of one bot. `house_url`: where its webhook's public address really leads on this machine."""

    now: Callable[[], datetime]
    url: str = ""
    secret: str = ""
    house_url: str = ""
    waiting: list[Waiting] = field(default_factory=list)
    last_error: tuple[datetime, str] | None = None
    _allowed: tuple[str, ...] = ()
    next_id: int = 1
    _poll: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Send these kinds alone from now on; None leaves it as it was, an empty list means all but the rare ones."""
        if kinds is not None:
            self._allowed = tuple(kinds)

    async def add(
        self, kind: str, person: str, payload: Mapping[str, Any], *, asked_or_not: bool = False
    ) -> dict[str, Any]:
        """Number an update and hand it to the bot: at once to a webhook, else to whoever asks. Returns the update."""
        update = {"update_id": self.next_id, kind: dict(payload)}
        self.next_id += 1
        wished = kind in self._allowed if self._allowed else kind not in UNASKED
        if wished or asked_or_not:
            lives = PRESS_LIVES if kind == "callback_query" else LIVES
            self.waiting.append(Waiting(update, kind, person, self.now() + lives))
            if self.url:
                await self.push()
            else:
                self._arrived.set()
        return update

    # ---- polling ----

    async def asked(self, offset: int, limit: int, wait_seconds: float) -> list[dict[str, Any]]:
        """What waits from `offset` on; everything below it is confirmed and gone. Raises Refusal (409)."""
        if self.url:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to "
                               "delete the webhook first")  # fmt: skip
        self._poll += 1
        mine = self._poll
        self._arrived.set()  # whoever asked before is sent away
        self._drop(offset)
        if not self.waiting:
            self._arrived = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait_seconds, POLL_AT_MOST_SECONDS)):
                    await self._arrived.wait()
            if mine != self._poll:
                raise Refusal(409, "Conflict: terminated by other getUpdates request; make sure that only one bot "
                                   "instance is running")  # fmt: skip
        return [each.update for each in self.waiting[:limit]]

    def _drop(self, offset: int = 0) -> None:
        now = self.now()
        self.waiting = [w for w in self.waiting if w.update["update_id"] >= offset and w.dies_at > now]

    # ---- the webhook ----

    async def push(self) -> int:
        """Try once what is due for the webhook, each queue in its order; returns how many were taken."""
        self._drop()
        held: set[tuple[str, str]] = set()
        taken = 0
        for each in list(self.waiting):
            queue = (each.kind, each.person)
            if queue in held:
                continue
            if (each.again_at or self.now()) <= self.now() and await self._taken(each):
                self.waiting.remove(each)
                taken += 1
            else:
                held.add(queue)
        return taken

    async def _taken(self, each: Waiting) -> bool:
        status, asked = await self.post(each.update)
        if 200 <= status < 300:
            return True
        seconds = min(asked, ASKED_AT_MOST_SECONDS) if asked else _backoff(each.tries)
        each.tries += 1
        each.again_at = self.now() + timedelta(seconds=seconds)
        self.last_error = (self.now(), f"Wrong response from the webhook: {status}" if status else "Connection refused")
        return False

    async def post(self, update: Mapping[str, Any]) -> tuple[int, int]:
        """Post one update with its secret; returns the status (0: nobody there) and the Retry-After, in seconds."""
        url = self.house_url + urlsplit(self.url).path if self.house_url else self.url
        limit = aiohttp.ClientTimeout(total=WEBHOOK_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as client,
                client.post(url, json=update, headers={SECRET_HEADER: self.secret}) as answer,
            ):
                asked = answer.headers.get("Retry-After", "")
                return answer.status, int(asked) if asked.isdecimal() else 0
        except (aiohttp.ClientError, TimeoutError):
            return 0, 0


def _backoff(tries: int) -> int:
    """Seconds until the next try: at once, then 2, 4, 8 … a minute."""
    return 0 if tries == 0 else int(min(2**tries, RETRY_AT_MOST_SECONDS))

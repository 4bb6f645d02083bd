"""Knows how the house hears Telegram: it is called at a webhook, or it asks, and tries again where neither works."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from bot.doors import FrontDoors
from bot.polling import Outage, Poller
from bot.settings import Settings
from bot.webhook_watch import LOOKS_SECONDS, WebhookWatch
from scheduler.outbox import Refused, Unreachable

if TYPE_CHECKING:
    from bot.channels.telegram import TelegramChannel

LISTEN_AGAIN_SECONDS = 30
_log = structlog.get_logger(__name__)


class Listening:
    """One bot that is listened to. Telegram may be out of reach just now: the house wakes all the same."""

    def __init__(
        self, bot: "TelegramChannel", settings: Settings, front: FrontDoors, *, patient: bool,
        leads: Callable[[], bool], now: Callable[[], datetime], came_back: Callable[[], Awaitable[object]],
    ) -> None:  # fmt: skip
        """`came_back` is called once Telegram gets through after presses may have been lost."""
        self._bot, self._settings = bot, settings
        polls = settings.telegram_mode == "polling"
        self._poller = (
            Poller(bot, front.update, patient=patient, may=leads, outage=Outage(now, came_back)) if polls else None
        )
        self._watch = WebhookWatch(bot, now, came_back) if patient and not polls else None
        self._leads = leads
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._keep_listening())

    async def stop(self) -> None:
        """Stop; an update that was begun is worked whole or asked for again."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def poll(self) -> int:
        """Take what waits at Telegram now, where the house asks; returns how many updates that were. Where Telegram does not
        answer, all else goes on."""
        try:
            return 0 if self._poller is None else await self._poller.once()
        except (Refused, Unreachable) as fault:
            _log.warning("updates cannot be taken", code=fault.code)
            return 0

    @property
    def unheard(self) -> str:
        """Why nothing that people say on Telegram comes here, and will not until somebody sets it right; else empty."""
        why = "".join(sorted(self._bot.turned_away)[:1])
        return why or ("unreached" if self._watch is not None and self._watch.unreached else "")

    async def _keep_listening(self) -> None:
        while True:
            try:
                await self._listen()
                return
            except Exception as fault:
                _log.warning("Telegram does not listen to us yet", fault=type(fault).__name__)
                await asyncio.sleep(LISTEN_AGAIN_SECONDS)

    async def _listen(self) -> None:
        secret = self._settings.telegram_webhook_secret
        if self._poller is not None:
            await self._bot.listen_by_polling()
            await self._poller.run()
        elif secret is not None:
            url = f"{self._settings.public_url.rstrip('/')}/telegram/webhook"
            await self._bot.listen_at(url, secret.get_secret_value())
            await self._keep_watching()

    async def _keep_watching(self) -> None:
        while self._watch is not None:
            await asyncio.sleep(LOOKS_SECONDS)
            if self._leads():
                await self._watch.look()

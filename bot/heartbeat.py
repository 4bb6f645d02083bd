"""Knows how a watcher outside is told that the house lives: a request to one URL, only ever while every promise holds.

Silence is the alarm: whoever watches calls people when no request came for a minute. Nothing is told but that.
"""

import aiohttp
import structlog

SECONDS = 5
_log = structlog.get_logger(__name__)


class Heartbeat:
    """Beats at one URL. It holds no line open between two beats."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.beats = 0
        self._heard = True

    async def beat(self) -> bool:
        """Let the watcher hear of us; returns whether it did. Raises nothing, and logs no URL: it is a secret."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
                session.get(self._url, allow_redirects=False) as answer,
            ):
                heard, fault = answer.status < 400, str(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            heard, fault = False, type(error).__name__
        if not heard and self._heard:
            _log.error("the watcher outside did not hear the heartbeat", fault=fault)
        self._heard = heard
        self.beats += heard
        return heard

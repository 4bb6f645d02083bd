"""What Twilio's double does with texts that are to leave later: it keeps them until their time on its own clock, and lets
them be called back until then. They leave whether or not the house still lives: that is what they are for.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.sandbox.twilio_rules import Refusal

AHEAD_AT_LEAST, AHEAD_AT_MOST = timedelta(seconds=300), timedelta(days=35)


class Timetable:
    """Which messages leave when. `now` is the network's clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._leaves: dict[str, datetime] = {}

    def asked(self, form: Mapping[str, str]) -> datetime | None:
        """When this message is to leave; None for one that leaves at once. Raises Refusal."""
        if "ScheduleType" not in form:
            return None
        if "MessagingServiceSid" not in form:
            raise Refusal(400, 35118, "MessagingServiceSid is required to schedule a message")
        if "SendAt" not in form:
            raise Refusal(400, 35111, "SendAt timestamp is missing")
        at = _instant(form["SendAt"])
        if at is None or not AHEAD_AT_LEAST <= at - self._now() <= AHEAD_AT_MOST:
            raise Refusal(400, 35114, "Scheduling does not support this timestamp")
        return at

    def keep(self, sid: str, at: datetime) -> None:
        """Let a message leave then."""
        self._leaves[sid] = at

    def cancel(self, message: dict[str, Any]) -> None:
        """Call a message back. Raises Refusal for one that is on its way, or never was scheduled."""
        if self._leaves.pop(message["sid"], None) is None:
            raise Refusal(400, 30409, "This message cannot be canceled")
        message["status"] = "canceled"

    def standing(self) -> dict[str, datetime]:
        """Every message that still waits, and when it leaves."""
        return dict(self._leaves)

    def due(self) -> list[str]:
        """Messages whose time has come, earliest first; each is named once."""
        came = sorted((at, sid) for sid, at in self._leaves.items() if at <= self._now())
        for _, sid in came:
            del self._leaves[sid]
        return [sid for _, sid in came]


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)

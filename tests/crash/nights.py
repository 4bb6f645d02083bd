"""One scripted night with both channels, as inputs from outside: what arrives when, and nothing of what answers."""

from datetime import datetime, timedelta
from typing import Any

from tests.outside import Outside

START = datetime.fromisoformat("2026-06-15T19:00:00+00:00")  # 20:00 in London
# (minutes after the start, who, what they write): staff by Telegram, a parent by SMS
SCRIPT: tuple[tuple[int, str, str], ...] = (
    (0, "alice", "/absent K7 19:50"), (0, "pat", "MISSING 19:40"), (1, "alice", "No"), (1, "pat", "1"), (1, "pat", "2"),
    (2, "alice", "Off or voicemail"), (2, "pat", "3"), (3, "pat", "1"), (4, "alice", "/worried he said he was scared"),
    (5, "pat", "2"), (6, "cass", "/ack"), (6, "pat", "3"), (9, "alice", "On hold"), (10, "pat", "2"), (11, "pat", "2"),
    (12, "alice", "/pol 7781"), (13, "pat", "2"), (21, "mo", "/open"), (26, "pat", "3"), (40, "pat", "3"),
    (41, "pat", "WORRIED he has her"), (46, "pat", "POL 2290"), (47, "cass", "/open"), (60, "pat", "BACK"),
    (61, "pat", "1"), (70, "alice", "/back"), (71, "alice", "/help"), (90, "mo", "/help"),
)  # fmt: skip
STOPS = (0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 15, 16, 20, 21, 25, 26, 30, 35, 40, 41, 46, 47, 51, 55, 60, 61, 65, 70, 71,
         76, 81, 90, 100)  # fmt: skip


def inputs(house: Outside) -> list[tuple[datetime, str, Any]]:
    """Every step of the night in order: a message with its provider's id, or a settle at an instant."""
    steps: list[tuple[datetime, str, Any]] = []
    for stop in STOPS:
        at = START + timedelta(minutes=stop)
        house.now = at
        steps.append((at, "settle", None))
        for minute, who, words in SCRIPT:
            if minute == stop:
                sms = who == "pat"
                steps.append(
                    (at, "sms" if sms else "telegram", house.texted(who, words) if sms else house.typed(who, words))
                )
                steps.append((at, "settle", None))
    house.now = START
    return steps

"""Knows how /readyz is answered: which promises hold at this moment, in numbers, and never a word about anybody."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog

from scheduler.clock import Clock
from storage import foresight, health, pulse
from storage.database import Database

TICK_AT_MOST_SECONDS = 15  # three sweeps of the metronome
OUTBOX_AT_MOST_SECONDS = 120  # P10: a channel that fails is routed around within two minutes
_log = structlog.get_logger(__name__)


async def readiness(
    database: Database,
    clock: Clock,
    audit_key: bytes,
    channels: Iterable[str],
    ticked: datetime | None,
    *,
    by_hand: bool,
) -> tuple[bool, dict[str, Any]]:
    """Whether every promise holds, and the facts. `by_hand`: a tester moves the clock, so that a tick has no age."""
    now = clock.now()
    facts: dict[str, Any] = {
        "db_writable": await _writable(database, now),
        "tick_age_s": None if ticked is None else 0 if by_hand else _seconds(now, ticked),
        "overdue": None, "open_without_deadline": None, "outbox_oldest_s": None, "channels": {}, "audit_ok": False,
        "duty_warnings": {},
    }  # fmt: skip
    try:
        found = await database.read(lambda tx: health.look(tx, now, audit_key))
        foreseen = await database.read(foresight.standing)
    except Exception as fault:
        _log.error("the database cannot be read", fault=type(fault).__name__)
        return False, facts
    waits = {name: found.failing.get(name) for name in channels}
    facts |= {
        "overdue": found.overdue,
        "open_without_deadline": found.open_without_deadline,
        "outbox_oldest_s": 0 if found.outbox_oldest is None else _seconds(now, found.outbox_oldest),
        "channels": {n: s is None or _seconds(now, s) <= OUTBOX_AT_MOST_SECONDS for n, s in waits.items()},
        "audit_ok": found.chain_whole,
        "duty_warnings": foreseen,  # what would hurt on a night to come breaks no promise tonight
    }
    return _kept(facts), facts


def _kept(facts: dict[str, Any]) -> bool:
    speaking = [works for name, works in facts["channels"].items() if name in ("telegram", "sms")]
    return (
        facts["db_writable"]
        and facts["audit_ok"]
        and facts["tick_age_s"] is not None
        and facts["tick_age_s"] <= TICK_AT_MOST_SECONDS
        and not facts["overdue"]
        and not facts["open_without_deadline"]
        and facts["outbox_oldest_s"] <= OUTBOX_AT_MOST_SECONDS
        and any(speaking)
    )


def _seconds(now: datetime, then: datetime) -> int:
    return max(0, int((now - then).total_seconds()))


async def _writable(database: Database, now: datetime) -> bool:
    try:
        await database.write(lambda tx: pulse.try_to_write(tx, now))
    except Exception as fault:
        _log.error("the database cannot be written", fault=type(fault).__name__)
        return False
    return True

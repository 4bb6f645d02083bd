"""Knows how /readyz is answered: which promises hold at this moment, in numbers, and never a word about anybody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from scheduler.auditor import Audit
from scheduler.clock import Clock
from storage import canaries, foresight, health, pulse
from storage.database import Database

TICK_AT_MOST_SECONDS = 15  # three sweeps of the metronome
AUDIT_AT_MOST_SECONDS = 60  # four looks of the auditor
OUTBOX_AT_MOST_SECONDS = 120  # P10: a channel that fails is routed around within two minutes
SPEAKING = ("telegram", "sms")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked. `channels`: every way there is; `off`: those for which nothing was set. `unheard`: why nothing comes in by
    a channel, until somebody sets it right. `by_hand`: a tester moves the clock, so that nothing has an age. `audit`: the last
    look of the house's own check, where this node takes it. `canaries`: where they fly. `key`: of the log's chains; None leaves
    them unread, as `write` = False leaves the database unwritten."""

    channels: Collection[str]
    off: Collection[str] = ()
    unheard: Mapping[str, str] = field(default_factory=dict)
    ticked: datetime | None
    by_hand: bool
    audit: Audit | None = None
    canaries: Collection[tuple[str, str]] = ()
    key: bytes | None = None
    write: bool = True


async def readiness(database: Database, clock: Clock, asked: Asked) -> tuple[bool, dict[str, Any]]:
    """Whether every promise holds, and the facts."""
    now = clock.now()
    facts: dict[str, Any] = {
        "db_writable": not asked.write or await _writable(database, now),
        "tick_age_s": None if asked.ticked is None else 0 if asked.by_hand else _seconds(now, asked.ticked),
        "overdue": None, "open_without_deadline": None, "outbox_oldest_s": None, "channels": {}, "audit_ok": False,
        "duty_warnings": {}, "self_check": _told(asked, now), "canary": {}, "unheard": dict(asked.unheard),
    }  # fmt: skip
    try:
        found = await database.read(lambda tx: health.look(tx, now, asked.key))
        foreseen = await database.read(foresight.standing)
        flown = await database.read(lambda tx: canaries.back(tx, now, asked.canaries)) if asked.canaries else {}
    except Exception as fault:
        _log.error("the database cannot be read", fault=type(fault).__name__)
        return False, facts
    facts |= {
        "overdue": found.overdue,
        "open_without_deadline": found.open_without_deadline,
        "outbox_oldest_s": 0 if found.outbox_oldest is None else _seconds(now, found.outbox_oldest),
        "channels": {name: name not in found.out and name not in asked.unheard for name in asked.channels},
        "audit_ok": found.chain_whole,
        "canary": flown,
        "duty_warnings": foreseen,  # what would hurt on a night to come breaks no promise tonight
    }
    speaking = [each for each in SPEAKING if facts["channels"].get(each) and each not in asked.off]
    return _kept(facts) and bool(speaking), facts


def _told(asked: Asked, now: datetime) -> dict[str, Any] | None:
    """What the house's own check found last."""
    if asked.audit is None:
        return None
    age = 0 if asked.by_hand else _seconds(now, asked.audit.at)
    return {"age_s": age, "found": dict(asked.audit.found), "lasting": sorted(asked.audit.lasting)}


def _kept(facts: dict[str, Any]) -> bool:
    check = facts["self_check"]
    return (
        facts["db_writable"]
        and facts["audit_ok"]
        and facts["tick_age_s"] is not None
        and facts["tick_age_s"] <= TICK_AT_MOST_SECONDS
        and not facts["overdue"]
        and not facts["open_without_deadline"]
        and facts["outbox_oldest_s"] <= OUTBOX_AT_MOST_SECONDS
        and all(facts["canary"].values())
        and not facts["unheard"]
        and (check is None or (check["age_s"] <= AUDIT_AT_MOST_SECONDS and not check["lasting"]))
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

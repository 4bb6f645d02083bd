"""Knows who was alerted of a case, through which letter, with which four digits, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.effects import MarkAlerts
from storage import bulk
from storage.chance import Chance, time_id
from storage.codec import ms
from storage.database import Row, Tx, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert to one person by one channel. An ACK by SMS counts only with its own `digits`."""

    alert_id: str
    case_id: str
    rung: int
    person: str
    channel: str
    digits: str
    state: str


def row(
    *, case_id: str, letter_id: str, rung: int, person: str, channel: str, digits: str, state: str, now: datetime,
    chance: Chance,
) -> tuple[Value, ...]:  # fmt: skip
    """One alert beside its letter, as `keep` writes it."""
    return (time_id("alert", now, chance, case_id), case_id, letter_id, rung, person, channel, digits, state, ms(now))


async def keep(tx: Tx, rows: Sequence[Sequence[Value]]) -> None:
    """Write down alerts."""
    await bulk.insert(tx, "alert (alert_id, case_id, letter_id, rung, person, channel, digits, state, made_at)", rows)


async def live(tx: Tx, case_id: str, since: datetime) -> tuple[dict[str, str], dict[str, list[int]]]:
    """Of each person who has a live alert: the digits of the newest, and when those since then were made (ms)."""
    rows = await tx.rows(
        "SELECT person, digits, made_at FROM alert WHERE case_id = ? AND state = 'live' ORDER BY made_at, alert_id",
        case_id,
    )
    made: dict[str, list[int]] = {}
    for each in rows:
        lately = made.setdefault(each["person"], [])
        if each["made_at"] > ms(since):
            lately.append(each["made_at"])
    return {each["person"]: each["digits"] for each in rows}, made


async def mark(tx: Tx, case_id: str, effect: MarkAlerts, now: datetime) -> None:
    """Every alert of the case on these rungs that still runs becomes taken (by whom, until when), lapsed or ended."""
    until = None if effect.until is None else ms(effect.until)
    if effect.state == "taken":
        await tx.run(
            "UPDATE alert SET acked_at = CASE WHEN acked_by IS NOT DISTINCT FROM ? THEN acked_at ELSE ? END, acked_by = ?,"
            " expires_at = ?, state = 'taken' WHERE case_id = ? AND state IN ('live', 'taken') AND rung BETWEEN ? AND ?",
            effect.by, ms(now), effect.by, until, case_id, *effect.rungs,
        )  # fmt: skip
    else:
        await tx.run(
            "UPDATE alert SET state = ? WHERE case_id = ? AND state IN ('live', 'taken') AND rung BETWEEN ? AND ?",
            effect.state, case_id, *effect.rungs,
        )  # fmt: skip


async def newest(tx: Tx, case_id: str, person: str) -> AlertRow | None:
    """The newest alert of this case to this person that nobody took and that did not end."""
    found = await tx.row(
        "SELECT * FROM alert WHERE case_id = ? AND person = ? AND state = 'live' ORDER BY made_at DESC, alert_id DESC",
        case_id, person,
    )  # fmt: skip
    return None if found is None else _alert(found)


async def ever(tx: Tx, case_id: str, person: str) -> list[AlertRow]:
    """Every alert of this case that went to this person, newest first."""
    rows = await tx.rows(
        "SELECT * FROM alert WHERE case_id = ? AND person = ? ORDER BY made_at DESC, alert_id DESC", case_id, person
    )
    return [_alert(each) for each in rows]


async def told(tx: Tx, case_id: str) -> list[str]:
    """Ids of all people who were alerted of this case, first told first."""
    rows = await tx.rows(
        "SELECT person FROM alert WHERE case_id = ? GROUP BY person ORDER BY MIN(made_at), person", case_id
    )
    return [each["person"] for each in rows]


def _alert(found: Row) -> AlertRow:
    return AlertRow(
        alert_id=found["alert_id"], case_id=found["case_id"], rung=found["rung"], person=found["person"],
        channel=found["channel"], digits=found["digits"], state=found["state"],
    )  # fmt: skip

"""Knows the letters that do not leave: which channels are down, what waits behind them, by which ways the same words went.

Nothing of this is looked at while letters leave as they should.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.codec import instant, ms
from storage.database import Tx
from storage.outbox import MADE_BEFORE, Letter, letters

AFTER = timedelta(seconds=45)  # with two tries and a sweep on top, another way has it within a minute
AT_ONCE = 100
_GOES = ("queued", "sending", "sent", "delivered")
_WORDS = "(kind IN ('alert', 'question', 'notice') OR kind = 'report' AND channel IN ('email', 'webhook'))"


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A letter that ought to have left. `since`: when its words were first to go."""

    letter: Letter
    since: datetime


async def ways_of(tx: Tx, letter: Letter) -> dict[str, bool]:
    """By which channels the same words of the same cause or moment went to this person, and whether they still may arrive.

    What waits and was passed on, waits for a channel that is down: it carries nothing now.
    """
    rows = await tx.rows(
        "SELECT channel, state, passed_on FROM outbox WHERE id > ? AND case_id IS NOT DISTINCT FROM ? AND person = ? AND text = ?"
        " AND (cause IN (?, ?) OR due_at = ?)",
        _made_after(letter.due_at), letter.case_id, letter.person, letter.text, letter.cause, _first_cause(letter),
        ms(letter.due_at),
    )  # fmt: skip
    stays = [row["state"] == "queued" and row["passed_on"] is not None for row in rows]
    going = {row["channel"] for row, stay in zip(rows, stays, strict=True) if row["state"] in _GOES and not stay}
    return {row["channel"]: row["channel"] in going for row in rows}


async def channels_out(tx: Tx, now: datetime) -> frozenset[str]:
    """Channels that have held a letter up for so long, and took none since."""
    rows = await tx.rows(
        "SELECT channel, MIN(created_at) AS since FROM outbox WHERE state = 'queued' AND tries > 0 AND created_at <= ?"
        " GROUP BY channel", ms(now - AFTER),
    )  # fmt: skip
    return frozenset([row["channel"] for row in rows if not await _takes(tx, row["channel"], now)])


async def _takes(tx: Tx, channel: str, now: datetime) -> bool:
    row = await tx.row(
        "SELECT 1 AS yes FROM outbox WHERE id > ? AND channel = ? AND sent_at > ? AND state IN ('sent', 'delivered') LIMIT 1",
        _made_after(now), channel, ms(now - AFTER),
    )  # fmt: skip
    return row is not None


async def found(tx: Tx, now: datetime) -> list[HeldUp]:
    """Words for people, and reports for others, that ought to have left and were not looked at yet, most urgent first."""
    late = ms(now - AFTER)
    waiting = await letters(
        tx, f"WHERE state = 'queued' AND {_WORDS} AND person IS NOT NULL AND passed_on IS NULL"
        " AND (due_at <= ? OR (tries > 0 AND created_at <= ?)) AND (expires_at IS NULL OR expires_at > ?)"
        " ORDER BY urgency, created_at, id LIMIT ?", late, late, ms(now), AT_ONCE,
    )  # fmt: skip
    return [HeldUp(letter, instant(row["created_at"])) for row, letter in waiting]


async def passed_on(tx: Tx, letter_id: str, now: datetime) -> bool:
    """Note that a letter was looked at; False where another node did, it left after all, or was called off on its way."""
    changed = await tx.run(
        "UPDATE outbox SET passed_on = ? WHERE id = ? AND state = 'queued' AND passed_on IS NULL"
        " AND (expires_at IS NULL OR expires_at > ?)", ms(now), letter_id, ms(now),
    )  # fmt: skip
    return changed == 1


async def waiting_at(tx: Tx, person: str, channel: str, address: str, now: datetime) -> list[Letter]:
    """What waits for one address of a person and is still of use, most urgent first; nobody takes it meanwhile."""
    waiting = await letters(
        tx, "WHERE state = 'queued' AND channel = ? AND person = ? AND address = ?"
        f" AND (expires_at IS NULL OR expires_at > ?) ORDER BY urgency, created_at, id LIMIT ?{tx.hold_free}",
        channel, person, address, ms(now), AT_ONCE,
    )  # fmt: skip
    return [letter for _, letter in waiting]


async def drop_the_old(tx: Tx, channels: Collection[str], now: datetime) -> int:
    """Of what waits for these channels, drop what a newer letter says anew, and what another way has told: when the channel
    is back, people read how it stands, and not how it stood. A newer letter that is to go later says nothing yet, and an alert
    stays until it was passed on. Returns how many."""
    names = ", ".join("?" * len(channels))
    newer = (
        "SELECT 1 FROM outbox AS newer WHERE newer.case_id = outbox.case_id AND newer.person = outbox.person"
        " AND newer.channel = outbox.channel AND newer.text = outbox.text AND newer.state = 'queued'"
        f" AND newer.created_at > outbox.created_at AND newer.due_at <= {ms(now)}"
    )
    told = (
        "SELECT 1 FROM outbox AS told WHERE told.case_id = outbox.case_id AND told.person = outbox.person"
        " AND told.cause = outbox.cause AND told.channel <> outbox.channel AND told.state IN ('sent', 'delivered')"
    )
    which = (
        f"state = 'queued' AND channel IN ({names}) AND person IS NOT NULL AND case_id IS NOT NULL"
        f" AND ((kind = 'question' OR kind = 'alert' AND passed_on IS NOT NULL) AND EXISTS ({newer})"
        f" OR (kind = 'notice' AND passed_on IS NOT NULL AND EXISTS ({told})))"
    )
    await tx.run(
        f"UPDATE alert SET state = 'ended' WHERE state = 'live' AND letter_id IN (SELECT id FROM outbox WHERE {which})",
        *channels,
    )
    return await tx.run(f"UPDATE outbox SET state = 'cancelled' WHERE {which}", *channels)


def _first_cause(letter: Letter) -> str:
    """What called its words forth: a text that is tried anew, or goes past WhatsApp, says so behind a stroke."""
    return (letter.cause or "").partition("/")[0]


def _made_after(at: datetime) -> str:
    """The least id of letters that may have been made for this instant."""
    return f"letter-{ms(at - MADE_BEFORE):012x}"

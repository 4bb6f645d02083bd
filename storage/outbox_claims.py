"""Knows how letters are taken from the outbox to be sent: the most urgent first, one at a time to an address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from storage import unreadable
from storage.codec import ms
from storage.database import Tx, Unreadable
from storage.letter_states import may_become
from storage.outbox import HELD, URGENT, Letter, failed, letter_of

EVERYTHING = 1000  # of any urgency
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Unread:
    """A letter that could not be read and was set aside: nobody gets it."""

    id: str
    case_id: str | None
    person: str | None
    channel: str


async def claim(
    tx: Tx, now: datetime, limit: int, *, channel: str, lane: int = 0, but: Sequence[str] = (),
    unread: list[Unread] | None = None,
) -> list[Letter]:  # fmt: skip
    """Take what is due, most urgent first, then oldest, and mark it as being sent; what ran out is marked expired.

    A letter that outlived its use (`expires_at`) is not sent: an old question would be answered as if it were new. One
    to an address to which another is on its way waits until that has landed, one to an address among `but` for another time.
    `lane`: so many of the most urgent, beyond the limit. `unread` takes those that cannot be read: they have failed, and
    hold up no other.
    """
    taken: list[Letter] = []
    others = f" AND address NOT IN ({', '.join('?' * len(but))})" if but else ""
    while (wanted := limit + lane - len(taken)) > 0:
        at_most = EVERYTHING if len(taken) < limit else URGENT
        which = f"{_WAITING.format(others)}{tx.hold_free}"
        rows, lost = await unreadable.rows(tx, "outbox", "id", which, channel, ms(now), at_most, *but, wanted)
        met, spent, live, addressed, left = len(rows) + len(lost), list[str](), dict[str, Letter](), set[str](), False
        for row in rows:
            if row["expires_at"] is not None and row["expires_at"] <= ms(now):
                spent.append(row["id"])
            elif row["urgency"] > URGENT and len(taken) + len(live) >= limit:
                left = True
                break
            elif row["address"] not in addressed:
                try:
                    live[row["id"]] = letter_of(row, row["tries"] + 1)
                    addressed.add(row["address"])
                except Exception:  # whatever it is, it is this letter's alone
                    lost.append(row["id"])
        await _move(tx, "expired", spent)
        await _move(tx, "sending", list(live), ms(now + HELD), more=", tries = tries + 1, held_until = ?")
        taken += live.values()
        for letter_id in lost:
            found = await _set_aside(tx, str(letter_id), channel)
            (unread if unread is not None else []).append(found)
        if left or met < wanted:
            break
    return taken


async def _set_aside(tx: Tx, letter_id: str, channel: str) -> Unread:
    await failed(tx, letter_id, unreadable.FAULT)
    try:
        row = await tx.row("SELECT case_id, person FROM outbox WHERE id = ?", letter_id)
    except Unreadable:
        row = None
    found = Unread(letter_id, None if row is None else row["case_id"], None if row is None else row["person"], channel)
    _log.critical(
        "a letter cannot be read and was set aside", letter=letter_id, case=found.case_id, person=found.person
    )
    return found


_WAITING = (
    "WHERE state = 'queued' AND channel = ? AND due_at <= ? AND urgency <= ?{} AND NOT EXISTS"
    " (SELECT 1 FROM outbox AS flying WHERE flying.state = 'sending' AND flying.channel = outbox.channel"
    " AND flying.address = outbox.address)"
    " ORDER BY urgency, created_at, id LIMIT ?"
)


async def _move(tx: Tx, to: str, ids: Sequence[str], *values: int, more: str = "") -> None:
    if ids:
        await tx.run(
            f"UPDATE outbox SET state = '{to}'{more} WHERE id IN ({', '.join('?' * len(ids))}) AND {may_become(to)}",
            *values, *ids,
        )  # fmt: skip

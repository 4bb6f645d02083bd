"""Knows every message that ever came in: each is taken once, worked once, and a poisonous one is set aside.

A repeat of (source, external id) finds its row and does nothing. A message whose casework fails stays as `new` and
is tried again; after `MAX_TRIES` it is quarantined and a human is told (P4, P17).
"""

from dataclasses import dataclass
from datetime import datetime

from storage import unreadable
from storage.codec import instant, ms
from storage.database import Row, Tx
from storage.words import clean

MAX_TRIES = 3
_READ = "rowid, source, external_id, received_at, raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message as it came: `source` is telegram or twilio, `raw` the body as JSON text."""

    source: str
    external_id: str
    received_at: datetime
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """What became of a message."""

    heard: Heard
    state: str
    tries: int
    fault: str


async def take(tx: Tx, heard: Heard, case_id: str | None = None) -> bool:
    """Write the message down as worked, which the rest of the unit is to make true (`mark`, `stumbled`: where it is not);
    False if it was taken before. A repeat with another body is counted, the first stands."""
    taken = await tx.run(
        "INSERT INTO inbox (source, external_id, received_at, raw, state, case_id) VALUES (?, ?, ?, ?, 'done', ?)"
        " ON CONFLICT (source, external_id) DO NOTHING",
        heard.source, clean(heard.external_id), ms(heard.received_at), clean(heard.raw), case_id,
    )  # fmt: skip
    if not taken:
        await tx.run(
            "UPDATE inbox SET conflicts = conflicts + 1 WHERE source = ? AND external_id = ? AND raw <> ?",
            heard.source, clean(heard.external_id), clean(heard.raw),
        )  # fmt: skip
    return taken == 1


async def mark(tx: Tx, heard: Heard, state: str, *, case_id: str | None = None) -> None:
    """Note what became of a message: `done`, `ignored` or `quarantined`; and the one case it was about, if so."""
    await tx.run(
        "UPDATE inbox SET state = ?, case_id = ? WHERE source = ? AND external_id = ?",
        state, case_id, heard.source, clean(heard.external_id),
    )  # fmt: skip


async def case_of(tx: Tx, heard: Heard) -> str:
    """The case that a message taken before was about; empty if it was about none."""
    row = await tx.row(
        "SELECT case_id FROM inbox WHERE source = ? AND external_id = ?", heard.source, clean(heard.external_id)
    )
    return "" if row is None or row["case_id"] is None else str(row["case_id"])


async def stumbled(tx: Tx, heard: Heard, fault: str) -> str:
    """Count a failed try; returns the state it leaves: `new`, or `quarantined` after the last."""
    row = await tx.row(
        "UPDATE inbox SET tries = tries + 1, fault = ?,"
        " state = CASE WHEN tries + 1 >= ? THEN 'quarantined' ELSE 'new' END"
        " WHERE source = ? AND external_id = ? RETURNING state",
        fault, MAX_TRIES, heard.source, clean(heard.external_id),
    )  # fmt: skip
    assert row is not None, "a message that stumbled was taken"
    return str(row["state"])


async def waiting(tx: Tx, limit: int = 200) -> tuple[list[Heard], list[int]]:
    """Messages that are still to be worked, oldest first; and the numbers of those that cannot be read (`set_aside`)."""
    which = "WHERE state = 'new' ORDER BY received_at, rowid LIMIT ?"
    rows, lost = await unreadable.rows(tx, "inbox", "rowid", which, limit, columns=_READ)
    heard = list[Heard]()
    for row in rows:
        try:
            heard.append(_heard(row))
        except Exception:  # whatever it is, it is this message's alone
            lost.append(row["rowid"])
    return heard, lost


async def set_aside(tx: Tx, row_id: int) -> bool:
    """Quarantine a message that cannot be read; False where that was done."""
    return 1 == await tx.run(
        "UPDATE inbox SET state = 'quarantined', fault = ? WHERE rowid = ? AND state = 'new'", unreadable.FAULT, row_id
    )


async def find(tx: Tx, source: str, external_id: str) -> InboxRow | None:
    """One message, or None; held by a unit that writes, so that two nodes never work it both."""
    row = await tx.row(f"SELECT * FROM inbox WHERE source = ? AND external_id = ?{tx.hold}", source, clean(external_id))
    return None if row is None else InboxRow(
        heard=_heard(row), state=row["state"], tries=row["tries"], fault=row["fault"]
    )  # fmt: skip


async def again(tx: Tx, source: str, external_id: str) -> bool:
    """Give a quarantined message three new tries; False if there is none."""
    return 1 == await tx.run(
        "UPDATE inbox SET state = 'new', tries = 0 WHERE source = ? AND external_id = ? AND state = 'quarantined'",
        source, clean(external_id),
    )  # fmt: skip


def _heard(row: Row) -> Heard:
    return Heard(
        source=row["source"], external_id=row["external_id"], received_at=instant(row["received_at"]), raw=row["raw"]
    )

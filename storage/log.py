"""Knows the log of a case: append-only entries, each signed over the one before it.

One HMAC-SHA256 chain a case: `hash = HMAC(audit_key, prev_hash ‖ canonical JSON)`. The JSON holds the event, when it
was written, its place, and which news caused it; the columns beside it only repeat parts of it for queries, and
`findings` compares them. The head and the length stand in the case's row, so that a cut tail shows.
"""

import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from casework.events import Event, News
from storage import bulk
from storage.codec import event_from, event_text, ms, quoted
from storage.database import Row, Tx

START = "0" * 64
_COLUMNS = "event (case_id, position, at, recorded_at, actor, channel, trust, kind, body, prev_hash, hash)"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a case's chain ends: its length and last hash."""

    length: int = 0
    hash: str = START


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as written."""

    seq: int
    event: Event
    recorded_at: int
    cause: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one entry of the log."""

    seq: int
    says: str


async def append(tx: Tx, key: bytes, case_id: str, head: Head, entries: Sequence[Event], recorded_at: datetime) -> Head:
    """Write a piece of news and the decisions it caused, chained behind `head`; returns the new head."""
    cause, written_at, last, rows = head.length + 1, ms(recorded_at), head.hash, []
    for position, event in enumerate(entries, start=cause):
        body = _body(case_id, position, cause, written_at, event)
        signed = sign(key, last, body)
        by, channel, trust = _author(event)
        rows.append(
            (case_id, position, ms(event.at), written_at, by, channel, trust, type(event).__name__, body, last, signed)
        )
        last = signed
    await bulk.insert(tx, _COLUMNS, rows)
    return Head(head.length + len(rows), last)


def _body(case_id: str, position: int, cause: int, recorded_at: int, event: Event) -> str:
    """What is signed: canonical JSON, its names in order."""
    return (
        f'{{"case":{quoted(case_id)},"cause":{cause},"position":{position},"recorded_at":{recorded_at},'
        f'"says":{event_text(event)}}}'
    )


def sign(key: bytes, prev_hash: str, body: str) -> str:
    """The hash of one entry, hex."""
    signed = _begun(key).copy()
    signed.update((prev_hash + body).encode())
    return signed.hexdigest()


@lru_cache(maxsize=4)
def _begun(key: bytes) -> hmac.HMAC:
    """HMAC-SHA256 that has taken in the key alone, to be copied: to begin anew costs more than an entry does."""
    return hmac.new(key, digestmod="sha256")


def _author(event: Event) -> tuple[str, str, str]:
    if isinstance(event, News):
        return event.by, event.channel, event.trust.value
    return "house", "", ""  # decisions are ours: nobody's trust stands behind them


async def read(tx: Tx, case_id: str) -> list[Entry]:
    """Every entry of a case's log, in order."""
    rows = await tx.rows("SELECT seq, body FROM event WHERE case_id = ? ORDER BY position", case_id)
    return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    body = json.loads(row["body"])
    return Entry(row["seq"], event_from(body["says"]), body["recorded_at"], body["cause"])


async def events(tx: Tx, case_id: str) -> list[Event]:
    """The events of a case, in order: what `replay` folds."""
    return [entry.event for entry in await read(tx, case_id)]


async def flaws(tx: Tx, key: bytes, case_id: str) -> list[Flaw]:
    """Everything that shows that a case's log was changed: a changed, missing, moved or cut entry."""
    rows = await tx.rows("SELECT * FROM event WHERE case_id = ? ORDER BY position", case_id)
    found = list(_walk(key, case_id, rows))
    head = await tx.row("SELECT events, head FROM case_row WHERE case_id = ?", case_id)
    last = rows[-1]["seq"] if rows else 0
    if head is None:
        found.append(Flaw(last, f"{case_id}: a log without its case"))
    elif head["events"] != len(rows) or (rows and head["head"] != rows[-1]["hash"]):
        found.append(Flaw(last, f"{case_id}: the case says {head['events']} entries, the log ends at {len(rows)}"))
    return found


def _walk(key: bytes, case_id: str, rows: Sequence[Row]) -> Iterator[Flaw]:
    prev_hash = START
    for position, row in enumerate(rows, start=1):
        says = _flaw_of(key, case_id, row, position, prev_hash)
        if says:
            yield Flaw(row["seq"], f"{case_id}: entry {position} {says}")
        prev_hash = row["hash"]


def _flaw_of(key: bytes, case_id: str, row: Row, position: int, prev_hash: str) -> str:
    if row["position"] != position or row["prev_hash"] != prev_hash:
        return "does not follow the one before it"
    if not hmac.compare_digest(sign(key, prev_hash, row["body"]).encode(), row["hash"].encode()):
        return "was changed after it was written"
    return "" if _columns_agree(row, case_id) else "says something else than the columns beside it"


def _columns_agree(row: Row, case_id: str) -> bool:
    body = json.loads(row["body"])
    event = event_from(body["says"])
    kind = type(event).__name__
    said = (body["case"], body["position"], body["recorded_at"], ms(event.at), *_author(event), kind)
    beside = ("position", "recorded_at", "at", "actor", "channel", "trust", "kind")
    return said == (case_id, *(row[name] for name in beside))

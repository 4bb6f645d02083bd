"""Knows the raw rate: one event as seven statements in one transaction, on sqlite3 alone, with nothing of the house in it.

It is the disk's and the engine's own speed at what an event needs at least: the message is written down, its case read
and updated under its version, one entry appended to the log, one deadline disarmed and one armed, one letter queued.
`synchronous=FULL` and WAL as in the house. Rows are as small as they can honestly be; it decides nothing and signs nothing.
"""

import sqlite3
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

CASES = 1000
SAYS = "x" * 400  # an entry of the log, a folded case, a letter
SCHEMA = """
CREATE TABLE inbox (source TEXT, external_id TEXT, received_at INTEGER, raw TEXT, state TEXT,
  PRIMARY KEY (source, external_id)) STRICT;
CREATE TABLE case_row (case_id TEXT PRIMARY KEY, version INTEGER, next_due INTEGER, folded TEXT) STRICT;
CREATE INDEX case_row_due ON case_row (next_due);
CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT, position INTEGER, at INTEGER, body TEXT,
  UNIQUE (case_id, position)) STRICT;
CREATE TABLE deadline (case_id TEXT, key TEXT, due_at INTEGER, PRIMARY KEY (case_id, key)) STRICT;
CREATE INDEX deadline_due ON deadline (due_at);
CREATE TABLE outbox (id TEXT PRIMARY KEY, case_id TEXT, state TEXT, due_at INTEGER, body TEXT) STRICT;
CREATE INDEX outbox_unsent ON outbox (due_at) WHERE state = 'queued';
"""
EVENT = (
    "INSERT INTO inbox VALUES ('raw', ?, ?, ?, 'done')",
    "SELECT version, folded FROM case_row WHERE case_id = ?",
    "UPDATE case_row SET version = version + 1, next_due = ?, folded = ? WHERE case_id = ? AND version = ?",
    "INSERT INTO event (case_id, position, at, body) VALUES (?, ?, ?, ?)",
    "DELETE FROM deadline WHERE case_id = ? AND key = 'answer'",
    "INSERT INTO deadline VALUES (?, 'answer', ?)",
    "INSERT INTO outbox VALUES (?, ?, 'queued', ?, ?)",
)


class Raw:
    """A database of its own in a folder, and events on it one after another."""

    def __init__(self, folder: Path) -> None:
        self.connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self.connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
        self.connection.execute("BEGIN")
        self.connection.executemany(
            "INSERT INTO case_row VALUES (?, 1, 0, ?)", ((_case(number), SAYS) for number in range(CASES))
        )
        self.connection.executemany(
            "INSERT INTO deadline VALUES (?, 'answer', 0)", ((_case(number),) for number in range(CASES))
        )
        self.connection.execute("COMMIT")
        self._numbers: Iterator[int] = count()

    async def one_by_one(self, seconds: float) -> float:
        """Events a second, each with a commit of its own: the raw rate."""
        return self._work(seconds, group=1)

    async def in_groups(self, seconds: float) -> float:
        """Events a second, 64 to a commit."""
        return self._work(seconds, group=64)

    def _work(self, seconds: float, group: int) -> float:
        done, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds:
            self.connection.execute("BEGIN IMMEDIATE")
            for _ in range(group):
                self._event(next(self._numbers))
            self.connection.execute("COMMIT")
            done += group
        return done / (time.perf_counter() - begun)

    def _event(self, number: int) -> None:
        case_id, at, run = _case(number % CASES), 1_700_000_000_000 + number, self.connection.execute
        run(EVENT[0], (f"m{number:012}", at, SAYS))
        version, _ = run(EVENT[1], (case_id,)).fetchone()
        assert run(EVENT[2], (at, SAYS, case_id, version)).rowcount == 1
        run(EVENT[3], (case_id, version, at, SAYS))
        run(EVENT[4], (case_id,))
        run(EVENT[5], (case_id, at + 600_000))
        run(EVENT[6], (f"l{number:012}", case_id, at, SAYS))

    def close(self) -> None:
        self.connection.close()


def _case(number: int) -> str:
    return f"org1-{number:012x}"

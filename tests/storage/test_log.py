"""Nobody changes what was written without its being seen: the laws of the chain (P12)."""

import hmac
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from casework.events import CheckAnswered, Event
from casework.evolve import evolve
from storage import log
from storage.codec import case_text, ms, settled
from storage.database import Database, Tx, Violated
from storage.log import Head
from storage.migrate import migrate
from tests.databases import ON_BOTH
from tests.storage import schemas
from tests.storage.houses import a_database
from tests.storage.test_codec import NOW, an_absence

pytestmark = ON_BOTH

KEY = b"k" * 32
CASE = "org1-1"
COLUMNS = ("at", "recorded_at", "actor", "channel", "kind", "trust", "body", "prev_hash", "hash", "position")


def a_night() -> list[Event]:
    """Twelve entries of one case."""
    answers = [
        CheckAnswered(at=NOW + timedelta(minutes=n), by="alice", channel="telegram", check=f"C{n:02}", values=("no",))
        for n in range(11)
    ]
    return [settled(each) for each in (an_absence(), *answers)]


async def written(tx: Tx, case_id: str = CASE) -> Head:
    """Write the night, entry by entry, and the row of its case with the head."""
    head = Head()
    for event in a_night():
        head = await log.append(tx, KEY, case_id, head, [event], NOW)
    case = evolve(None, a_night()[0])
    await tx.run(
        "INSERT INTO case_row (case_id, code, organisation, home, child_id, watch, status, level, located, protocol,"
        " severity, opened_at, t0, next_due, version, events, head, folded)"
        " VALUES (?, ?, 'org1', 'oak', ?, 0, 'checking', 'unassessed', 'no', 'p', 1, ?, ?, ?, 1, ?, ?, ?)",
        case_id, case_id, case_id, ms(NOW), ms(NOW), ms(NOW), head.length, head.hash, case_text(case),
    )  # fmt: skip
    return head


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with a_database(tmp_path) as opened:
        await migrate(opened)
        await opened.write(written)
        yield opened


async def flaws(tx: Tx) -> list[log.Flaw]:
    return await log.flaws(tx, KEY, CASE)


async def test_an_untouched_log_is_whole(database: Database) -> None:
    """A clean chain has no flaw, and gives back the events that were written, in order."""
    assert [] == await database.read(flaws)
    assert a_night() == await database.read(lambda tx: log.events(tx, CASE))


async def test_the_schema_refuses_to_change_or_delete_an_entry(database: Database) -> None:
    """The log is append-only, whoever holds the connection."""
    for statement in ("UPDATE event SET actor = 'mo'", "DELETE FROM event WHERE position = 12"):
        with pytest.raises(Violated, match="append-only"):
            await database.write(lambda tx, sql=statement: tx.run(sql))  # type: ignore[misc]


async def mutated(database: Database, *statements: tuple[str, tuple[object, ...]]) -> list[log.Flaw]:
    """What the chain says after somebody who has the file took the triggers away and did this; undone after."""
    found: list[log.Flaw] = []

    async def unit(tx: Tx) -> None:
        await schemas.unguard(tx)
        for sql, values in statements:
            await tx.run(sql, *values)  # type: ignore[arg-type]
        found.extend(await flaws(tx))
        raise UndoneError

    with pytest.raises(UndoneError):
        await database.write(unit)
    return found


class UndoneError(Exception):
    """Ends a unit that was only meant to be looked at."""


async def test_a_thousand_mutations_are_a_thousand_findings(database: Database) -> None:
    """P12: any one-letter edit of any column of any entry shows, 1,000 of 1,000."""
    chance = random.Random(12)

    async def rows(tx: Tx) -> list[dict[str, object]]:
        return [dict(row) for row in await tx.rows("SELECT * FROM event ORDER BY position")]

    entries = await database.read(rows)
    for _ in range(1000):
        entry, column = chance.choice(entries), chance.choice(COLUMNS)
        value = _one_bit_off(entry[column], chance)
        sql = f"UPDATE event SET {column} = ? WHERE seq = ?"
        assert await mutated(database, (sql, (value, entry["seq"]))), (column, value)


def _one_bit_off(value: object, chance: random.Random) -> object:
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(20, 40))
    letters = list(str(value) or " ")
    place = chance.randrange(len(letters))
    letters[place] = chr(ord(letters[place]) ^ (1 << chance.randrange(5)) or 33)
    return "".join(letters)


@pytest.mark.parametrize("position", range(1, 13))
async def test_a_deleted_entry_shows(database: Database, position: int) -> None:
    """P12: an entry taken out of the middle breaks the chain; the last one is missed by the case's head."""
    assert await mutated(database, ("DELETE FROM event WHERE position = ?", (position,)))


async def test_two_entries_that_changed_places_show(database: Database) -> None:
    """P12: the order is part of what is signed."""
    swap = [
        ("UPDATE event SET position = 99 WHERE position = 4", ()),
        ("UPDATE event SET position = 4 WHERE position = 5", ()),
        ("UPDATE event SET position = 5 WHERE position = 99", ()),
    ]
    assert await mutated(database, *swap)


async def test_an_entry_moved_to_another_case_shows(database: Database) -> None:
    """P12: the case is part of what is signed."""
    await database.write(lambda tx: written(tx, "org1-2"))
    assert [] == await database.read(lambda tx: log.flaws(tx, KEY, "org1-2"))

    async def unit(tx: Tx) -> list[log.Flaw]:
        await schemas.unguard(tx)
        for case_id, to in ((CASE, "aside"), ("org1-2", CASE), ("aside", "org1-2")):
            await tx.run("UPDATE event SET case_id = ? WHERE case_id = ?", to, case_id)
        return await log.flaws(tx, KEY, CASE)

    assert await database.write(unit)


async def test_a_log_rewritten_without_the_key_shows(database: Database) -> None:
    """P12: who has the file but not the audit key cannot make a chain that holds."""
    assert 12 <= len(await database.read(lambda tx: log.flaws(tx, b"another key", CASE)))


@pytest.mark.parametrize("key", [b"", b"k", b"k" * 64, b"k" * 65, b"k" * 200])
def test_an_entry_is_signed_as_the_standard_has_it(key: bytes) -> None:
    """An inquiry proves the chain with any program that knows HMAC-SHA256 (RFC 2104)."""
    for body in ("", "{}", "x" * 1000, "\N{SNOWMAN}"):
        standard = hmac.digest(key, (log.START + body).encode(), "sha256").hex()
        assert [standard] * 2 == [log.sign(key, log.START, body), log.sign(key, log.START, body)]

"""Knows when this house last lived, how often it began, and whose it is: the sandbox's or the real one.

A house that was down must say so to those it left waiting; it can only know from what it wrote while it lived. And a
database in which the sandbox's made-up people live must never be taken for a real one, or a real one for the sandbox's.
"""

from datetime import datetime

from casework.errors import NotAllowed
from storage.codec import instant, ms
from storage.database import Database, Tx
from storage.moving import refuse_if_moving

MODE, STARTS, LAST_ALIVE = "mode", "starts", "last_alive"


class AnotherMode(NotAllowed):
    """The database belongs to the sandbox and the house is live, or the other way round."""


async def begin(tx: Tx, mode: str) -> int:
    """Note that a house of this mode begins; returns how many began on this database. Raises AnotherMode."""
    starts = await knock(tx, mode)
    await _write(tx, MODE, mode)
    return starts


async def knock(tx: Tx, mode: str) -> int:
    """Note that a command opens the database by itself; it counts as a start, settles no mode.

    Raises AnotherMode; NotAllowed while a house moves to or from it.
    """
    await refuse_if_moving(tx)
    before = await _read(tx, MODE)
    if before not in (None, mode):
        raise AnotherMode(f"this database was used in {before} mode: name another one in DATABASE_URL")
    starts = int(await _read(tx, STARTS) or 0) + 1
    await _write(tx, STARTS, str(starts))
    return starts


async def beat(database: Database, now: datetime) -> None:
    """Note that the house lives now; nothing is written to a database that lies idle, where there is another way."""
    if not database.touch(now):
        await database.write(lambda tx: try_to_write(tx, now))


async def try_to_write(tx: Tx, now: datetime) -> None:
    """Write that the house lives now: the smallest thing that shows that the database can be written."""
    await _write(tx, LAST_ALIVE, str(ms(now)))


async def last_alive(database: Database) -> datetime | None:
    """When the house last lived, or None for one that never did: its last beat, or anything it heard or wrote since."""
    wrote = await database.read(_last_written)
    return max((each for each in (wrote, database.touched) if each is not None), default=None)


async def _last_written(tx: Tx) -> datetime | None:
    beaten = await _read(tx, LAST_ALIVE)
    heard = await tx.row("SELECT received_at AS at FROM inbox ORDER BY rowid DESC LIMIT 1")
    wrote = await tx.row("SELECT recorded_at AS at FROM event ORDER BY seq DESC LIMIT 1")
    times = [int(row["at"]) for row in (heard, wrote) if row is not None]
    times += [] if beaten is None else [int(beaten)]
    return instant(max(times)) if times else None


async def _read(tx: Tx, key: str) -> str | None:
    row = await tx.row("SELECT value FROM meta WHERE key = ?", key)
    return None if row is None else str(row["value"])


async def _write(tx: Tx, key: str, value: str) -> None:
    await tx.run(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value
    )

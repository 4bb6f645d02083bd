"""Nobody is answered before the disk has kept it, the writer waits for no flush, a disk that fails is believed no more."""

import asyncio
import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from storage.database import Database, Tx, Unusable
from storage.sqlite import GROUP_AT_MOST, SqliteDatabase
from tests.storage.units import Gate, ids, put, two_tables

HOUSE = "house.db"


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Groups of so many, however slow this machine is."""
    monkeypatch.setattr(SqliteDatabase, "count", staticmethod(lambda: 0.0))
    async with two_tables(f"sqlite:///{tmp_path / HOUSE}") as opened:
        yield opened


class Disk:
    """The disk of a test: it keeps what it is told to, holds a flush up, or fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._truly: Callable[[int], None] = os.fdatasync
        self.flushes, self.fault, self.fails_once, self.kept = 0, False, False, b""
        self._came, self._go = threading.Event(), threading.Event()
        self._go.set()
        monkeypatch.setattr(os, "fdatasync", self._flush)

    def _flush(self, file: int) -> None:
        assert Path(f"/proc/self/fd/{file}").readlink().name == f"{HOUSE}-wal", (
            "only SQLite's log is flushed by our own hand"
        )
        self.flushes += 1
        written = Path(f"/proc/self/fd/{file}").read_bytes()
        self._came.set()
        assert self._go.wait(10)
        fails, self.fails_once = self.fault or self.fails_once, False
        if fails:
            raise OSError(errno.EIO, "the disk is broken")
        self._truly(file)
        self.kept = written

    def turns(self) -> None:
        """From here on a flush lasts until `comes_to_rest`."""
        self._came.clear()
        self._go.clear()

    async def is_asked(self) -> None:
        assert await asyncio.to_thread(self._came.wait, 10)

    def comes_to_rest(self) -> None:
        self._go.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, database: Database) -> Disk:
    return Disk(monkeypatch)


async def commits(database: Database, *numbers: int) -> "list[asyncio.Task[None]]":
    """Have units wait while the writer is busy, so that they are committed behind its back; returns who waits for them."""
    gate = Gate()

    async def busy(tx: Tx) -> None:
        await gate.wait(tx)

    holding = asyncio.create_task(database.write(busy))
    await gate.reached()
    waiting = [asyncio.create_task(database.write(lambda tx, n=n: put(tx, n))) for n in numbers]  # type: ignore[misc]
    await asyncio.sleep(0)
    gate.open()
    return [holding, *waiting]


async def test_every_unit_alone_is_flushed_before_it_is_answered(database: Database, disk: Disk) -> None:
    disk.turns()
    waiting = asyncio.create_task(database.write(lambda tx: put(tx, 1)))
    await disk.is_asked()
    assert [1] == await ids(database), "it is committed"
    assert not waiting.done()
    disk.comes_to_rest()
    await waiting
    await database.write(lambda tx: put(tx, 2))
    assert 2 == disk.flushes


async def test_the_writer_works_on_while_the_disk_turns(database: Database, disk: Disk) -> None:
    """And one flush answers all that was committed when it began."""
    disk.turns()
    waiting = await commits(database, *range(3 * GROUP_AT_MOST))
    await disk.is_asked()
    for _ in range(1000):
        if 2 * GROUP_AT_MOST <= len(await ids(database)):
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the writer waited for the disk")
    assert not any(each.done() for each in waiting)
    disk.comes_to_rest()
    await asyncio.gather(*waiting)
    assert disk.flushes < 4, "not a flush a group"


async def test_whoever_was_answered_survives_a_power_cut(database: Database, disk: Disk, tmp_path: Path) -> None:
    """A model of one: the log as it was when the last flush that ended began, and the file beside it as it always was."""
    answered, cuts = list[int](), list[tuple[list[int], bytes]]()

    async def caller(first: int) -> None:
        for number in range(first, first + 10):
            await database.write(lambda tx, n=number: put(tx, n))  # type: ignore[misc]
            answered.append(number)
            cuts.append((list(answered), disk.kept))

    await asyncio.gather(*(caller(100 * each) for each in range(2 * GROUP_AT_MOST)))
    assert 1 < disk.flushes < len(cuts), "many were answered by one flush"
    for place, (promised, log) in enumerate(cuts[:: len(cuts) // 20]):
        house = tmp_path / f"cut-{place}" / HOUSE
        house.parent.mkdir()
        shutil.copy(tmp_path / HOUSE, house)
        house.with_name(f"{HOUSE}-wal").write_bytes(log)
        with sqlite3.connect(house) as connection:
            found = {number for (number,) in connection.execute("SELECT id FROM parent")}
        connection.close()
        assert found >= set(promised)


async def test_a_flush_that_succeeds_after_one_that_failed_proves_nothing(database: Database, disk: Disk) -> None:
    """The system tells of a lost page once: who was committed behind it must not be told that it was kept."""
    disk.fails_once = True
    disk.turns()
    waiting = await commits(database, *range(3 * GROUP_AT_MOST))
    await disk.is_asked()
    for _ in range(1000):
        if 2 * GROUP_AT_MOST <= len(await ids(database)):
            break
        await asyncio.sleep(0.01)
    disk.comes_to_rest()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [each for each in answers if not isinstance(each, Unusable)] == []


@pytest.mark.parametrize("many", [1, 2 * GROUP_AT_MOST])
async def test_a_disk_that_fails_is_believed_no_more(database: Database, disk: Disk, many: int) -> None:
    """It may have kept it or not; a flush that succeeds later proves nothing, so nothing is promised until a new start."""
    disk.fault = True
    answers = await asyncio.gather(*await commits(database, *range(many)), return_exceptions=True)
    failed = [each for each in answers if isinstance(each, Unusable)]
    assert failed and answers[-1] in failed
    disk.fault = False
    with pytest.raises(Unusable):
        await database.write(lambda tx: put(tx, 999))
    assert 999 not in await ids(database)


async def test_a_repeat_waits_for_what_it_repeats(database: Database, disk: Disk) -> None:
    """Who comes a second time while the first is not yet kept is not told that it was done."""
    disk.turns()
    first = asyncio.create_task(database.write(lambda tx: put(tx, 1)))
    await disk.is_asked()
    looks = asyncio.create_task(database.write(lambda tx: tx.rows("SELECT id FROM parent")))
    await asyncio.sleep(0.05)
    assert not first.done() and not looks.done()
    disk.comes_to_rest()
    await first
    assert 1 == len(await looks)

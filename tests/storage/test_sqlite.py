"""What is SQLite's own: one writer, units that share a commit, one process to a file."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import aiosqlite
import pytest

from casework.errors import NotAllowed, OurMistake
from storage.database import AlreadyOpen, Database, Tx, Unit, Unusable, Violated, insertion
from storage.letter_states import MOVES, becomes, may_become
from storage.migrate import migrate
from storage.sqlite import GROUP_AT_MOST, GROUP_SECONDS, SqliteDatabase
from storage.sqlite_units import SqliteTx
from tests.storage.houses import a_database
from tests.storage.units import Gate, ids, in_order, put, put_child, two_tables


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """No time passes for its groups: a slow machine must not part them."""
    monkeypatch.setattr(SqliteDatabase, "count", staticmethod(lambda: 0.0))
    async with two_tables(f"sqlite:///{tmp_path / 'house.db'}") as opened:
        yield opened


class Group:
    """Units that come while the writer is busy; what SQLite is told while they are worked is written down."""

    def __init__(self, database: Database) -> None:
        self.said: list[str] = []
        self.answers: list[asyncio.Task[object]] = []
        self._database, self._gate = database, Gate()
        self._busy = asyncio.create_task(database.write(self._hold))

    async def _hold(self, tx: Tx) -> None:
        assert isinstance(tx, SqliteTx)
        await self._gate.wait(tx)
        tx._connection.set_trace_callback(self.said.append)

    async def comes(self, *units: object) -> None:
        """Hand these units over, in this order."""
        await self._gate.reached()
        self.answers += [asyncio.create_task(self._database.write(unit)) for unit in units]  # type: ignore[arg-type]
        await asyncio.sleep(0)

    async def ends(self) -> list[object]:
        """Let the writer go on; returns what each waiter was answered, or the fault."""
        self._gate.open()
        await self._busy
        return await asyncio.gather(*self.answers, return_exceptions=True)

    @property
    def commits(self) -> int:
        """How often the disk was asked, after the unit that kept the writer busy."""
        return self.said.count("COMMIT") - 1


def puts(*numbers: int) -> list[object]:
    return [lambda tx, n=n: put(tx, n) for n in numbers]


# ---- units that share a commit -------------------------------------------------------------------


async def test_units_that_wait_together_are_committed_together_and_in_order(database: Database) -> None:
    """One flush of the disk answers every waiter; first come, first done."""
    group, numbers = Group(database), list(range(GROUP_AT_MOST, 0, -1))
    await group.comes(*puts(*numbers))
    assert [None] * GROUP_AT_MOST == await group.ends()
    assert 1 == group.commits
    assert numbers == await in_order(database)


async def test_a_group_is_bounded(database: Database) -> None:
    """However many wait, who comes next waits for so many and no more."""
    group = Group(database)
    await group.comes(*puts(*range(GROUP_AT_MOST + 1)))
    await group.ends()
    assert 2 == group.commits
    assert GROUP_AT_MOST + 1 == len(await ids(database))


async def test_a_group_lasts_only_so_long(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Units that take long are parted sooner, so that a newcomer waits no longer for them."""
    clock = count(0, 0.6 * GROUP_SECONDS)
    monkeypatch.setattr(SqliteDatabase, "count", staticmethod(lambda: next(clock)))
    group = Group(database)
    await group.comes(*puts(*range(6)))
    assert [None] * 6 == await group.ends()
    assert 3 == group.commits
    assert list(range(6)) == await in_order(database)


async def test_a_writer_that_is_gone_fails_who_waits_and_does_not_go_round(database: Database) -> None:
    """Everybody is told, each once."""
    assert isinstance(database, SqliteDatabase) and database._writer is not None
    await database._writer.close()

    async def writes(number: int) -> None:
        await database.write(lambda tx: put(tx, number))

    answers = await asyncio.gather(*map(writes, range(3)), return_exceptions=True)
    assert all(isinstance(each, Exception) for each in answers)


async def test_a_unit_alone_waits_for_no_group(database: Database) -> None:
    """The writer commits what is there at once."""
    group = Group(database)
    await group.comes(*puts(1))
    await group.ends()
    assert 1 == group.commits
    assert not any(said.startswith("SAVEPOINT") for said in group.said)


@pytest.mark.parametrize("fault", [RuntimeError, asyncio.CancelledError])
async def test_a_unit_that_fails_in_a_group_is_undone_alone(database: Database, fault: type[BaseException]) -> None:
    """The others were done and stay done; each waiter hears of its own."""

    async def broken(tx: Tx) -> None:
        await put(tx, 2)
        raise fault

    group = Group(database)
    await group.comes(*puts(1), broken, *puts(3))
    first, second, third = await group.ends()
    assert first is None and third is None and isinstance(second, fault)
    assert [1, 3] == await ids(database)
    assert 1 == group.commits


async def test_a_promise_broken_at_the_commit_is_that_units_alone(database: Database) -> None:
    """A reference that is looked at only when the group is committed fails the unit that made it, and no other."""
    group = Group(database)
    await group.comes(*puts(1), lambda tx: put_child(tx, 9, parent=99), *puts(2))
    first, second, third = await group.ends()
    assert first is None and third is None and isinstance(second, Violated)
    assert [1, 2] == await in_order(database)
    assert [] == await database.read(lambda tx: tx.rows("SELECT id FROM child"))


async def test_a_full_disk_fails_who_met_it_and_no_other(database: Database) -> None:
    """SQLite may end the whole transaction then: what the others of the group did is done again."""

    async def too_much(tx: Tx) -> None:
        pages = await tx.row("PRAGMA page_count")
        assert pages is not None
        await tx.row(f"PRAGMA max_page_count = {pages[0] + 1}")
        await tx.run("INSERT INTO parent (id, said) VALUES (2, ?)", "x" * 1_000_000)

    async def room_again(tx: Tx) -> None:
        await tx.row("PRAGMA max_page_count = 1000000")
        await put(tx, 3)

    group = Group(database)
    await group.comes(*puts(1), too_much, room_again)
    first, second, third = await group.ends()
    assert first is None and third is None and isinstance(second, Unusable)
    assert [1, 3] == await ids(database)


async def test_the_hooks_of_a_group_are_called_after_its_commit(database: Database) -> None:
    """What is told on is told when it is on the disk, and nothing is told of a unit that was undone."""
    told: list[str] = []

    def tells(number: int, *, fails: bool = False) -> object:
        async def unit(tx: Tx) -> None:
            await put(tx, number)
            tx.before_commit.append(lambda: told.append(f"{number} is done"))
            tx.after_commit.append(lambda: told.append(f"{number} is kept"))
            if fails:
                raise RuntimeError

        return unit

    group = Group(database)
    await group.comes(tells(1), tells(2, fails=True), tells(3))
    await group.ends()
    assert ["1 is done", "3 is done", "1 is kept", "3 is kept"] == told


async def test_a_unit_whose_waiter_went_away_is_done_with_its_group(database: Database) -> None:
    """A9, 35: who was handed over is done whole, and a waiter that is gone troubles nobody who still waits."""
    group = Group(database)
    await group.comes(*puts(1, 2, 3))
    group.answers[1].cancel()
    first, second, third = await group.ends()
    assert first is None and third is None and isinstance(second, asyncio.CancelledError)
    assert [1, 2, 3] == await ids(database)


async def test_a_unit_may_wait_for_nothing_but_its_own_statements(database: Database) -> None:
    """A unit that awaits the network would hold the only writer: refused, and undone."""

    async def unit(tx: Tx) -> None:
        await put(tx, 1)
        await asyncio.sleep(0)

    with pytest.raises(OurMistake):
        await database.write(unit)
    assert [] == await ids(database)


# ---- one file, one house -------------------------------------------------------------------------


async def test_the_connection_is_as_careful_as_promised(database: Database) -> None:
    """P3: WAL, foreign keys checked, the schema not trusted with code; flushed by `storage.sqlite_flush`."""

    async def unit(tx: Tx) -> dict[str, object]:
        found = {}
        for name in ("journal_mode", "foreign_keys", "trusted_schema", "synchronous"):
            row = await tx.row(f"PRAGMA {name}")
            assert row is not None
            found[name] = row[0]
        return found

    expected = {"journal_mode": "wal", "foreign_keys": 1, "trusted_schema": 0, "synchronous": 1}
    assert expected == await database.write(unit)


async def test_a_second_house_is_refused(database: Database) -> None:
    """P19: two processes never act on one casebook; the lock is the system's, so a kill frees it."""
    program = (
        "import asyncio, sys\n"
        "from storage.database import AlreadyOpen, Database\n"
        "try:\n"
        "    asyncio.run(Database.open(sys.argv[1]))\n"
        "except AlreadyOpen:\n"
        "    sys.exit(42)\n"
    )
    url = f"sqlite:///{database.name}"
    with pytest.raises(AlreadyOpen):
        await Database.open(url)
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program, url], check=False)
    assert 42 == ended.returncode


async def test_there_is_one_node_and_it_leads_by_its_own_clock(database: Database) -> None:
    """Nothing is asked of the database that one machine knows by itself."""
    assert not database.shared
    assert await database.leads()
    assert await database.now() is None


async def test_the_file_is_nobody_elses(tmp_path: Path) -> None:
    """P13: it is never readable for others, not even in the moment in which it is made."""
    async with a_database(f"sqlite:///{tmp_path / 'house.db'}"):
        assert {0o600} == {file.stat().st_mode & 0o777 for file in tmp_path.glob("house.db*")}


async def test_what_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    """A file that is not there when only reading, and one that holds something else."""
    with pytest.raises(NotAllowed):
        await Database.open(f"sqlite:///{tmp_path / 'none.db'}", read_only=True)
    (tmp_path / "letter.db").write_text("Dear Cass, " * 1000)
    with pytest.raises(NotAllowed):
        await Database.open(f"sqlite:///{tmp_path / 'letter.db'}")


def test_the_one_private_call_is_still_what_we_think() -> None:
    """`aiosqlite.Connection._execute(fn, *args)` runs a function on the connection's thread; a change shows here."""
    assert ["self", "fn", "args", "kwargs"] == list(inspect.signature(aiosqlite.Connection._execute).parameters)
    assert isinstance(inspect.getattr_static(aiosqlite.Connection, "_conn"), property)


def _opcodes(sql: str) -> Unit[list[str]]:
    """What SQLite does for a statement, step by step."""

    async def unit(tx: Tx) -> list[str]:
        return [row["opcode"] for row in await tx.rows(f"EXPLAIN {sql}", *[None] * sql.count("?"))]

    return unit


@pytest.mark.parametrize("table", ["inbox", "outbox", "alert", "event", "keyboard", "deadline"])
async def test_a_row_is_checked_without_a_table_in_memory(tmp_path: Path, table: str) -> None:
    """SQLite makes one for a CHECK that a value is `IN` a list of more than two, at every row (migration 0026)."""
    async with a_database(f"sqlite:///{tmp_path / 'house.db'}") as database:
        await migrate(database)
        columns = [row["name"] for row in await database.read(lambda tx: tx.rows(f"PRAGMA table_info({table})"))]
        opcodes = await database.read(_opcodes(insertion(table, 1, len(columns), "")))
        sound = await database.read(lambda tx: tx.row("PRAGMA integrity_check"))
    assert sound is not None and sound[0] == "ok"
    assert "Insert" in opcodes
    assert "OpenEphemeral" not in opcodes


@pytest.mark.parametrize("state", sorted(MOVES))
async def test_a_letter_is_moved_without_a_table_in_memory(tmp_path: Path, state: str) -> None:
    """So it is with the states from which it may come there."""
    async with a_database(f"sqlite:///{tmp_path / 'house.db'}") as database:
        await migrate(database)
        opcodes = await database.read(
            _opcodes(f"UPDATE outbox SET {becomes(state)} WHERE id = ? AND {may_become(state)}")
        )
    assert "OpenEphemeral" not in opcodes

"""A house that moves arrives whole, can be stopped on the way, and never lives in two places."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.chance import Chance
from bot.locales import books
from casework.errors import NotAllowed
from casework.events import NoteMade
from storage import moving, pulse
from storage.casebook import Casebook
from storage.database import Database, Tx
from storage.migrate import migrate
from storage.verify import verify
from tests import databases
from tests.builders import BASE, the_protocol
from tests.databases import ON_BOTH
from tests.storage import schemas
from tests.storage.houses import EVENING, KEY, House, a_house, opening
from tests.storage.test_casebook import a_message

pytestmark = ON_BOTH

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


class Stopped(Exception):
    """The move is broken off here."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def another(folder: Path, engine: str) -> AsyncIterator[Database]:
    async with await Database.open(databases.url(folder, "other.db", on=engine)) as database:
        yield database


async def a_night(house: House) -> str:
    """Two cases with letters, alerts, a report, a picture, messages that came in, and marks of a number."""
    await house.database.write(lambda tx: pulse.begin(tx, "live"))
    await house.casebook.hear(a_message(1), opening("K7"))
    second = await house.opens("K8")
    await house.answers(second, "C01", "yes")
    await house.silence(EVENING + timedelta(hours=2))

    async def more(tx: Tx) -> None:
        await tx.run("INSERT INTO media (media_id, case_id, kind, file_id, mime, made_at, data)"
                     " VALUES ('m1', ?, 'photo', 'f', 'image/jpeg', 1, ?)", second, b"\x00\xff\x89")  # fmt: skip
        for at in (5, 5, 6):
            await tx.run("INSERT INTO texter_mark (number, kind, about, at) VALUES ('+44', 'reply', '', ?)", at)

    await house.database.write(more)
    return second


async def test_every_table_of_the_schema_moves(house: House) -> None:
    """A table that is new one day and forgotten here would be left behind in silence."""
    assert set(moving.TABLES) == await house.database.read(schemas.tables) - {"meta"}


async def test_a_house_moves_to_the_other_engine_and_lives_on(house: House, tmp_path: Path, engine: str) -> None:
    """Counts, chains, folded cases: the same, and the next event of the old case is chained behind the last."""
    case_id = await a_night(house)
    before = await house.database.read(moving.prove)
    async with another(tmp_path, OTHER[engine]) as target:
        proof = await moving.move(house.database, target)
        assert (before.rows, before.digest) == (proof.rows, proof.digest)
        assert 2 == proof.cases and proof.rows["event"] > 10 and proof.rows["report"] >= 1 and proof.rows["media"] == 1
        assert [] == await verify(target, {BASE: the_protocol()}, KEY)
        casebook = Casebook(target, {BASE: the_protocol()}, books(), house.clock.now, Chance("9"), audit_key=KEY)
        await target.write(lambda tx: pulse.begin(tx, "live"))
        await casebook.record(case_id, NoteMade(at=house.clock.now(), by="alice", channel="telegram"))
        assert "repeat" == await casebook.hear(a_message(1), opening("K7"))
        house.clock.after(hours=1)
        assert 0 < await casebook.ring()
        assert [] == await verify(target, {BASE: the_protocol()}, KEY)


async def test_and_back_again(house: House, tmp_path: Path, engine: str) -> None:
    """There and back, the same to the last value."""
    await a_night(house)
    before = await house.database.read(moving.prove)
    async with another(tmp_path, OTHER[engine]) as there, another(tmp_path / "back", engine) as back:
        await moving.move(house.database, there)
        proof = await moving.move(there, back)
    assert before == proof


@pytest.mark.parametrize("point", ["move.batch", "move.opened"])
async def test_a_move_that_was_broken_off_goes_on(house: House, tmp_path: Path, engine: str, point: str) -> None:
    """However often it is stopped, no house starts half-way, and in the end everything is there once."""
    await a_night(house)
    before = await house.database.read(moving.prove)
    stops, proof = 0, None

    def crash(passed: str) -> None:
        nonlocal stops
        if passed == point:
            stops += 1
            raise Stopped

    async with another(tmp_path, OTHER[engine]) as target:
        for _ in range(200):
            try:
                proof = await moving.move(house.database, target, crash)
                break
            except Stopped:
                with pytest.raises(NotAllowed):
                    await house.database.write(lambda tx: pulse.begin(tx, "live"))
                if point == "move.batch":
                    with pytest.raises(NotAllowed):
                        await target.write(lambda tx: pulse.begin(tx, "live"))
        assert stops > (10 if point == "move.batch" else 0)
        assert before == proof
        await target.write(lambda tx: pulse.begin(tx, "live"))


async def test_the_house_that_was_left_opens_no_more(house: House, tmp_path: Path, engine: str) -> None:
    """Two casebooks of one child would be two truths."""
    await a_night(house)
    async with another(tmp_path, OTHER[engine]) as target:
        await moving.move(house.database, target)
        with pytest.raises(NotAllowed, match="moved to another"):
            await house.database.write(lambda tx: pulse.begin(tx, "live"))
        with pytest.raises(NotAllowed, match="moved already"):
            await moving.move(house.database, target)
        with pytest.raises(NotAllowed, match="moved already"):
            await moving.abandon(house.database)


async def test_a_move_can_be_given_up(house: House, tmp_path: Path, engine: str) -> None:
    """The house stays, and the half copy is no house."""
    await a_night(house)

    def crash(passed: str) -> None:
        raise Stopped

    async with another(tmp_path, OTHER[engine]) as target:
        with pytest.raises(Stopped):
            await moving.move(house.database, target, crash)
        await moving.abandon(house.database)
        await house.database.write(lambda tx: pulse.begin(tx, "live"))
        with pytest.raises(NotAllowed, match="middle of a move"):
            await target.write(lambda tx: pulse.begin(tx, "live"))
        with pytest.raises(NotAllowed, match="not empty"):
            await moving.move(house.database, target)


async def test_a_database_that_holds_something_is_not_moved_into(house: House, tmp_path: Path, engine: str) -> None:
    """Nor is a house moved to where it is."""
    await a_night(house)
    async with a_house(tmp_path / "elsewhere") as elsewhere:
        with pytest.raises(NotAllowed, match="not empty"):
            await moving.move(house.database, elsewhere.database)
    with pytest.raises(NotAllowed, match="to where it is"):
        await moving.move(house.database, house.database)


async def test_a_copy_that_differs_opens_nothing(house: House, tmp_path: Path, engine: str) -> None:
    """One changed character is seen, and the old house may still be used."""
    await a_night(house)

    async with another(tmp_path, OTHER[engine]) as target:
        done = 0

        def crash(passed: str) -> None:
            nonlocal done
            done += 1
            if done > 14:
                raise Stopped

        with pytest.raises(Stopped):
            await moving.move(house.database, target, crash)
        await target.write(lambda tx: tx.run("UPDATE person SET name = name || '.' WHERE id = 'alice'"))
        with pytest.raises(NotAllowed, match="differ"):
            await moving.move(house.database, target)
        with pytest.raises(NotAllowed, match="middle of a move"):
            await target.write(lambda tx: pulse.begin(tx, "live"))
        await moving.abandon(house.database)
        await house.database.write(lambda tx: pulse.begin(tx, "live"))


async def test_an_older_house_is_brought_up_to_date_first(tmp_path: Path, engine: str) -> None:
    """A table that this program does not know could not be moved."""
    async with await Database.open(databases.url(tmp_path)) as old, another(tmp_path, OTHER[engine]) as target:
        await migrate(old)
        await old.write(lambda tx: tx.run("UPDATE meta SET value = '3' WHERE key = 'schema'"))
        with pytest.raises(NotAllowed, match="migrate"):
            await moving.move(old, target)

"""A house that was down knows since when, and one that lies idle writes nothing to find that out."""

from datetime import timedelta
from pathlib import Path

from storage import pulse
from storage.database import Tx
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, a_database, a_house, opening, people_of
from tests.storage.test_casebook import a_message

pytestmark = ON_BOTH


async def test_a_house_that_never_lived_knows_no_last_moment(tmp_path: Path) -> None:
    """The file of the lock is new: its own time says nothing."""
    async with a_database(tmp_path) as database:
        await people_of(database)
        assert await pulse.last_alive(database) is None


async def test_a_beat_survives_to_the_next_life(tmp_path: Path) -> None:
    """The house's own time, to the millisecond, not the machine's."""
    last = EVENING + timedelta(milliseconds=7)
    async with a_database(tmp_path) as database:
        await people_of(database)
        await pulse.beat(database, EVENING)
        await pulse.beat(database, last)
    async with a_database(tmp_path) as database:
        assert last == await pulse.last_alive(database)


async def test_what_was_written_after_the_last_beat_counts(tmp_path: Path) -> None:
    """A house that is killed between two beats lived at least until it last wrote."""
    async with a_house(tmp_path) as house:
        await pulse.beat(house.database, EVENING)
        heard = house.clock.after(minutes=3)
        await house.casebook.hear(a_message(1), opening("K7"))
    async with a_database(tmp_path) as database:
        assert heard == await pulse.last_alive(database)


async def test_a_beat_of_an_idle_house_writes_nothing_to_sqlite(tmp_path: Path, engine: str) -> None:
    """Idle means idle: on one machine no page is written; nodes have only the database to tell each other by."""

    async def pages(tx: Tx) -> object:
        row = await tx.row("SELECT value FROM meta WHERE key = 'last_alive'")
        return None if row is None else row["value"]

    async with a_database(tmp_path) as database:
        await people_of(database)
        await pulse.beat(database, EVENING)
        assert (await database.read(pages) is None) == (engine == "sqlite")

"""A PIN's tries are counted alike on both engines; what was said in a call is kept once."""

from pathlib import Path

import pytest

from storage import calls, pins
from storage.database import Tx
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, a_database, people_of

pytestmark = ON_BOTH


@pytest.mark.parametrize("tries", [4, 5, 9, 10])
async def test_wrong_ones_are_counted_alike_on_both_databases(tmp_path: Path, tries: int) -> None:
    """Five lock it for a quarter of an hour, ten for good."""
    async with a_database(tmp_path) as database:
        await people_of(database)
        await database.write(lambda tx: pins.set_pin(tx, "cass", "scrypt$x", EVENING))

        async def all_wrong(tx: Tx) -> pins.Pin:
            for _ in range(tries):
                pin = await pins.find(tx, "cass")
                assert pin is not None
                await pins.count(tx, pin, right=False, now=EVENING)
            found = await pins.find(tx, "cass")
            assert found is not None
            return found

        pin = await database.write(all_wrong)
        assert pin.locked(EVENING) == (tries in (5, 10)) and pin.spent == (tries == 10)
        await database.write(lambda tx: pins.count(tx, pin, right=True, now=EVENING))
        again = await database.read(lambda tx: pins.find(tx, "cass"))
        assert again is not None and (again.wrong, again.locked_until) == (0, None)


async def test_the_first_answer_to_a_request_stands(tmp_path: Path) -> None:
    """Whoever asks twice hears the same."""
    async with a_database(tmp_path) as database:
        await people_of(database)
        await database.write(lambda tx: calls.keep(tx, "CA1:pin-1", "first"))
        await database.write(lambda tx: calls.keep(tx, "CA1:pin-1", "second"))
        assert await database.read(lambda tx: calls.answer(tx, "CA1:pin-1")) == "first"
        assert await database.read(lambda tx: calls.answer(tx, "CA1")) is None


def test_a_pin_is_never_what_anybody_would_guess() -> None:
    """Nor letters, nor digits of another script."""
    assert [
        each
        for each in ("482913", "000000", "123456", "210987", "12345", "abcdef", "４８２９１３")
        if pins.is_pin(each)
    ] == ["482913"]

"""The read-only views are the contract's, column for column."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage.views import COLUMNS
from tests.databases import ON_BOTH
from tests.storage import schemas
from tests.storage.houses import EVENING, House, a_house

pytestmark = ON_BOTH

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("view", COLUMNS)
async def test_a_view_has_exactly_the_columns_of_the_contract(house: House, view: str) -> None:
    """Tools from outside rely on these names."""
    columns = await house.database.read(lambda tx: schemas.columns(tx, view))
    assert list(COLUMNS[view]) == [column.name for column in columns]


async def test_instants_in_views_are_iso_utc_with_milliseconds(house: House) -> None:
    """Every instant that is there reads YYYY-MM-DDTHH:MM:SS.mmmZ."""
    house.clock.after(milliseconds=7)
    await house.opens()
    await house.silence(EVENING + timedelta(hours=2))
    seen = 0
    for view, columns in COLUMNS.items():
        for row in await house.rows(f"SELECT * FROM {view}"):
            for name in (c for c in columns if c.endswith(("_at", "next_due")) or c in ("at", "t0")):
                assert row[name] is None or INSTANT.fullmatch(row[name]), (view, name, row[name])
                seen += row[name] is not None
    assert seen > 20
    assert (await house.row("SELECT opened_at FROM v_case"))["opened_at"].endswith("21:00:00.007Z")


async def test_no_view_holds_a_name_or_a_number_of_a_person(house: House) -> None:
    """Ids, never names."""
    await house.opens()
    await house.silence(EVENING + timedelta(hours=2))
    for view in COLUMNS:
        text = repr(await house.rows(f"SELECT * FROM {view}"))
        assert not any(secret in text for secret in ("Kai", "Alice", "Cass", "+4477")), view

"""Reports in the police's folder: one pair of files a version, as it stood when it was made, never written again."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.channels.file import FileChannel
from bot.locales import books
from casework.events import WorryRaised
from scheduler.outbox import Refused
from storage.outbox import Letter
from tests.builders import BASE, the_protocol
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, House, a_house

pytestmark = ON_BOTH

LETTER = Letter(
    id="l", case_id="", person="police", channel="file", address="", text="REPORT", body="", keyboard=(), kind="report",
    urgency=0, edit=None, protect=True, document=None, case_card=False, due_at=EVENING, expires_at=None, tries=1,
)  # fmt: skip


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as made:
        yield made


async def reported(house: House) -> str:
    """A case with two versions of its report."""
    case_id = await house.opens()
    await house.record(case_id, WorryRaised, flags=("R16",))
    house.clock.after(minutes=5)
    await house.record(case_id, WorryRaised, flags=("R02",))
    assert (await house.case(case_id)).reports >= 2
    return case_id


def channel(house: House, var: Path) -> FileChannel:
    return FileChannel(house.database, {BASE: the_protocol()}, books()["en"], var)


async def test_a_version_becomes_a_pdf_and_its_twin_for_the_police_and_for_us(house: House, tmp_path: Path) -> None:
    """In var/police and var/reports, readable by their owner alone."""
    case_id = await reported(house)
    receipt = await channel(house, tmp_path).send(replace(LETTER, document=f"{case_id}/1"))
    for folder in ("police", "reports"):
        found = sorted((tmp_path / folder).iterdir())
        assert [each.suffix for each in found] == [".json", ".pdf"]
        assert all(each.stem == receipt.provider_id and each.stat().st_mode & 0o077 == 0 for each in found)
        assert "Kai" in json.loads(found[0].read_bytes())["child_name"]
        assert found[1].read_bytes().startswith(b"%PDF")


async def test_an_earlier_version_is_as_it_was(house: House, tmp_path: Path) -> None:
    """Composed late, it still holds nothing that was learnt after it."""
    case_id = await reported(house)
    first = await channel(house, tmp_path).compose(f"{case_id}/1")
    second = await channel(house, tmp_path).compose(f"{case_id}/2")
    assert first is not None and second is not None
    assert first.version == 1 and "R02" not in {r.rule for r in first.reasons}
    assert second.version == 2 and "R02" in {r.rule for r in second.reasons}


async def test_a_version_that_lies_there_is_never_written_again(house: House, tmp_path: Path) -> None:
    """Sent twice after a crash, or with the register changed since: who holds a copy finds the same bytes."""
    case_id = await reported(house)
    letter = replace(LETTER, document=f"{case_id}/1")
    await channel(house, tmp_path).send(letter)
    before = {path: path.read_bytes() for path in (tmp_path / "police").iterdir()}
    await house.database.write(lambda tx: tx.run("UPDATE child SET first_name = 'Other'"))
    await channel(house, tmp_path).send(letter)
    assert {path: path.read_bytes() for path in (tmp_path / "police").iterdir()} == before


async def test_a_copy_for_people_on_call_has_no_name_on_its_cover(house: House, tmp_path: Path) -> None:
    """A file name stands in a chat list; third parties are held back."""
    case_id = await reported(house)
    name, data = await channel(house, tmp_path).for_people(f"{case_id}/1")
    code = (await house.case(case_id)).code
    assert name == f"{code}-v1.pdf" and data.startswith(b"%PDF")


@pytest.mark.parametrize("document", ["", "nothing", "org1-0/1", "{}/0", "{}/99", "{}/x", "{}/-1", "{}/١"])
async def test_a_version_that_never_was_is_refused(house: House, tmp_path: Path, document: str) -> None:
    """For good: there is nothing to try again."""
    case_id = await reported(house)
    with pytest.raises(Refused):
        await channel(house, tmp_path).send(replace(LETTER, document=document.format(case_id)))
    with pytest.raises(Refused):
        await channel(house, tmp_path).for_people(document.format(case_id))

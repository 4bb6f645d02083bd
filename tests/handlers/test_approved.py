"""Whom the child is said to be with is matched with the register's list at either door, and only the answer is logged (K11)."""

import json
from pathlib import Path

import pytest

from casework.case import Case
from tests.databases import ON_BOTH
from tests.handlers import sms_phones, telegram_phones
from tests.storage.houses import House

pytestmark = ON_BOTH


async def a_list(house: House, approved: str | None) -> None:
    """What the roster file said of K7."""
    profile = json.dumps({} if approved is None else {"approved": approved})
    await house.database.write(lambda tx: tx.run("UPDATE child SET profile = ? WHERE id = 'K7'", profile))


async def told_on_telegram(folder: Path, approved: str | None, words: str) -> tuple[Case, list[str]]:
    async with telegram_phones.phones(folder) as home:
        await a_list(home.house, approved)
        await home.types("alice", "/absent K7 20:45")
        for label in ("No", "Spoke", "Yes"):
            await home.presses("alice", label)
        await home.reads("alice")
        await home.types("alice", words)
        log = [row["body"] for row in await home.house.rows("SELECT body FROM event")]
        assert not any("gran" in body.casefold() for body in log)
        return await home.case(), await home.reads("alice")


async def told_by_sms(folder: Path, approved: str | None, words: str) -> tuple[Case, list[str]]:
    async with sms_phones.phones(folder) as phones:
        await a_list(phones.house, approved)
        for text in ("MISSING 20:55", "1", "2", "1", "1"):
            await phones.texts("pat", text)
        read = await phones.texts("pat", words)
        return await phones.case(), read


@pytest.mark.parametrize("told", [told_on_telegram, told_by_sms])
@pytest.mark.parametrize(
    ("listed", "words", "approved"),
    [
        ("Gran; Auntie Jo", "gran's, gran, 22:30", True),
        ("Gran; Auntie Jo", "gran's, gran and Dave, 22:30", False),
        ("Gran; Auntie Jo", "gran's, 22:30", False),
        ("Gran; Auntie Jo", "?", None),
        ("", "gran's, gran, 22:30", False),
        (None, "gran's, gran, 22:30", None),
    ],
)
async def test_a_named_person_is_matched_with_the_list(tmp_path, told, listed, words, approved):
    """K11 counts unless everybody named is on the list; without a list nothing is known. Whether the place is safe is asked
    all the same: a list is no answer."""
    case, read = await told(tmp_path, listed, words)
    (answer,) = case.answers.get("C06") or case.answers["P06c"]
    assert (answer.approved, "K11" in case.factors) == (approved, approved is False)
    assert any("place" in text and "person" in text for text in read)

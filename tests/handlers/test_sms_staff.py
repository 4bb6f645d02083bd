"""Staff who text: they are asked what staff are asked, see every answer with its digit, and answer by digits."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from casework.wording import is_gsm7, segments
from storage.codec import instant
from tests.databases import ON_BOTH
from tests.handlers.sms_phones import Phones, phones

pytestmark = ON_BOTH


@pytest.fixture
async def all_phones(tmp_path: Path) -> AsyncIterator[Phones]:
    async with phones(tmp_path) as made:
        yield made


GATE = (
    ("C01", "2", ("no",)),
    ("C04", "3", ("off",)),
    ("C03", "1 2 3 4 5 6 7 8", ("bedroom", "all_rooms", "bathrooms", "loft", "garden", "sheds", "vehicles", "grounds")),
    ("C08", "1", ("nobody_knows",)),
    ("C09", "1", ("nobody",)),
    ("C10", "2", ("no",)),
    ("C11", "6, 20", ("row", "move")),
    ("C12", "1", ("not_worried",)),
)


async def test_the_gate_is_answered_by_digits_from_the_first_text_to_the_decision(all_phones: Phones) -> None:
    """Every text is one segment, shows its digits, and the digit is recorded as the button would be."""
    asked = await all_phones.texts("alice", "MISSING K7 20:55")
    for check, digits, values in GATE:
        (text,) = asked
        assert (True, 1) == (is_gsm7(text), segments(text)), text
        for digit in re.findall(r"\d+", digits):
            assert re.search(rf"(?<!\S){digit} [A-Z]", text), (check, text)
        asked = await all_phones.texts("alice", digits)
        assert values == (await all_phones.case()).answers[check][0].values
    assert "absence logged 21:00" in asked[0]


async def test_digits_run_together_are_asked_again_and_not_guessed(all_phones: Phones) -> None:
    """`13` is no thirteenth option, least of all `none of these`."""
    await all_phones.texts("alice", "MISSING K7 20:55")
    for _, digits, _ in GATE[:6]:
        await all_phones.texts("alice", digits)
    told, again = await all_phones.texts("alice", "13")
    assert "only the numbers that fit, like 1 3" in told and again.startswith("REPEAT: ")
    assert "C11" not in (await all_phones.case()).answers
    await all_phones.texts("alice", "1 3")
    assert {"R02", "R10"} <= set((await all_phones.case()).flags)


async def test_who_named_no_time_is_asked_for_one_beside_the_checks(all_phones: Phones) -> None:
    """C00: the clock runs from the text until a time is known; digits go on answering the check."""
    now = all_phones.house.clock.now()
    first, *_ = await all_phones.texts("alice", "MISSING K7")
    before = await all_phones.case()
    assert "in danger now" in first and (now, "reported") == (before.t0, before.t0_kind)
    row = await all_phones.house.row("SELECT due_at, body FROM outbox WHERE text = 'C00'")
    assert "last certainly here? Reply like 18:40" in row["body"]
    assert now + timedelta(minutes=1) == instant(row["due_at"])
    assert "clock starts at 20:15" in (await all_phones.texts("alice", "SEEN 20:15"))[0]
    await all_phones.texts("alice", "2")
    after = await all_phones.case()
    assert (now - timedelta(minutes=45), "seen") == (after.t0, after.t0_kind)
    assert ("no",) == after.answers["C01"][0].values


async def test_who_named_a_time_is_not_asked_for_one(all_phones: Phones) -> None:
    """One question at a time, and none that was answered."""
    await all_phones.texts("alice", "MISSING K7 20:55")
    assert [] == await all_phones.house.rows("SELECT * FROM outbox WHERE text = 'C00'")
    before = (await all_phones.case()).t0
    await all_phones.texts("alice", "20:15")
    assert before == (await all_phones.case()).t0


async def test_a_worry_beside_a_time_is_raised(all_phones: Phones) -> None:
    """Words of danger are heard wherever they stand."""
    await all_phones.texts("alice", "MISSING K7")
    await all_phones.texts("alice", "20:15, he has a knife")
    assert "R10" in (await all_phones.case()).flags


async def test_a_time_from_a_parent_sets_no_clock_beside_a_question(all_phones: Phones) -> None:
    """Parents have P02 for it: a time elsewhere is words for a person, and lowers nothing."""
    await all_phones.texts("pat", "MISSING")
    before = (await all_phones.case()).t0
    await all_phones.texts("pat", "20:15")
    assert (before, "reported") == ((await all_phones.case()).t0, (await all_phones.case()).t0_kind)

"""What digits prove by SMS, and what people on call may do with them: a number alone proves nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casework.events import AlertAcknowledged, NoteMade, PoliceLogged
from casework.levels import Status, Trust
from storage import invites
from tests.databases import ON_BOTH
from tests.handlers.sms_phones import Phones, phones

pytestmark = ON_BOTH


@pytest.fixture
async def all_phones(tmp_path: Path) -> AsyncIterator[Phones]:
    async with phones(tmp_path) as made:
        yield made


async def at_low(phones: Phones) -> str:
    """Pat reported, and the mild answers were given: the level is LOW, no flag stands; returns Pat's code."""
    await phones.texts("pat", "MISSING 20:55")
    for answer in ("1", "2", "3", "1", "2", "3", "2", "2", "1"):
        await phones.texts("pat", answer)
    case = await phones.case()
    assert case.status is Status.ABSENT and not case.flags, case
    return await phones.code()


async def alerted(phones: Phones) -> str:
    """Pat is worried, so that Cass is alerted; returns the four digits."""
    await phones.texts("pat", "MISSING 20:55")
    await phones.texts("pat", "WORRIED")
    return await phones.digits()


# ---- a parent's six ------------------------------------------------------------------------------


async def test_the_code_comes_once_by_text(all_phones: Phones) -> None:
    """P00b: a minute after the first answer, six digits and what to do with them."""
    await all_phones.texts("pat", "MISSING")
    await all_phones.texts("pat", "1")
    code = await all_phones.code()
    rows = await all_phones.house.rows("SELECT body FROM outbox WHERE text = 'P00b'")
    assert len(code) == 6 and code.isdecimal()
    assert len(rows) == 1 and f"BACK {code}" in rows[0]["body"]


async def test_the_right_code_is_enough_below_medium(all_phones: Phones) -> None:
    """Verified number, own code, never above LOW, no flag: returned, and well-being is asked."""
    code = await at_low(all_phones)
    answers = await all_phones.texts("pat", f"back {code}")
    case = await all_phones.case()
    assert case.status is Status.RETURNED and case.back.claim_trust is Trust.CODE
    assert any("hurt, unwell or upset" in text for text in answers)


async def test_the_right_code_is_no_more_than_a_claim_where_a_flag_stands(all_phones: Phones) -> None:
    """P8: at MEDIUM and above only a verified sighting ends the search."""
    code = await at_low(all_phones)
    await all_phones.texts("pat", "WORRIED")
    await all_phones.texts("pat", f"IN {code}")
    assert (await all_phones.case()).status is Status.RETURN_CLAIMED


async def test_a_wrong_code_still_claims(all_phones: Phones) -> None:
    """A mistyped digit must not hide that somebody says the child is back; it just proves nothing."""
    code = await at_low(all_phones)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    await all_phones.texts("pat", f"BACK {wrong}")
    case = await all_phones.case()
    assert case.status is Status.RETURN_CLAIMED and case.back.claim_trust is Trust.NONE


async def test_five_wrong_codes_lock_codes_and_no_words(all_phones: Phones) -> None:
    """B098: for fifteen minutes even the right one proves nothing; a worry still raises."""
    code = await at_low(all_phones)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    read: list[str] = []
    for _ in range(5):
        read += await all_phones.texts("pat", f"BACK {wrong}")
    assert any("Too many wrong codes" in text for text in read)
    await all_phones.texts("pat", f"BACK {code}")
    assert (await all_phones.case()).status is Status.RETURN_CLAIMED
    await all_phones.texts("pat", "WORRIED")
    assert "R16" in (await all_phones.case()).flags


async def test_a_code_is_right_again_after_a_quarter_of_an_hour(all_phones: Phones) -> None:
    """The lock ends by itself."""
    code = await at_low(all_phones)
    for _ in range(5):
        await all_phones.texts("pat", f"BACK {(int(code) + 1) % 1_000_000:06d}")
    all_phones.house.clock.after(minutes=15, seconds=1)
    await all_phones.texts("pat", f"BACK {code}")
    assert (await all_phones.case()).back.claim_trust is Trust.CODE


async def test_the_right_code_from_another_phone_is_noted_and_told_the_second_time(all_phones: Phones) -> None:
    """B096: whoever holds the code without the phone learns nothing, changes nothing, and is noticed."""
    code = await at_low(all_phones)
    before = (await all_phones.case()).status
    (answer,) = await all_phones.texts("stranger", f"BACK {code}")
    assert "people we know" in answer and (await all_phones.case()).status is before
    assert "C_NOTE" not in await all_phones.alerts()
    assert await all_phones.texts("stranger", f"BACK {code}") == []
    assert "C_NOTE" in await all_phones.alerts() and (await all_phones.case()).status is before
    assert [e.by for e in await all_phones.log() if isinstance(e, NoteMade)] == ["unknown", "unknown"]


async def test_the_code_of_a_case_that_is_over_touches_no_new_one(all_phones: Phones) -> None:
    """B097."""
    code = await at_low(all_phones)
    await all_phones.texts("pat", f"BACK {code}")
    old = await all_phones.case()
    await all_phones.texts("pat", "1")
    await all_phones.house.database.write(lambda tx: tx.run("UPDATE case_row SET status = 'closed'"))
    all_phones.house.clock.after(minutes=1)
    await all_phones.texts("pat", "MISSING 20:55")
    (answer,) = await all_phones.texts("pat", f"BACK {code}")
    assert "check is over" in answer
    new = await all_phones.case()
    assert new.case_id != old.case_id and new.status is Status.CHECKING


async def test_bare_digits_are_asked_about(all_phones: Phones) -> None:
    """B088: `482193` alone could mean anything, so nothing happens."""
    code = await at_low(all_phones)
    before = await all_phones.kinds()
    (answer,) = await all_phones.texts("pat", code)
    assert "BACK and the code" in answer and await all_phones.kinds() == before


async def test_bare_digits_answer_a_question_for_a_time(all_phones: Phones) -> None:
    """`2030` to "when was K due back?" is a time."""
    await all_phones.texts("pat", "MISSING")
    await all_phones.texts("pat", "1")
    await all_phones.texts("pat", "2")
    await all_phones.texts("pat", "2030")
    assert (await all_phones.case()).t0_kind == "due"


async def test_six_digits_texted_back_verify_a_number(all_phones: Phones) -> None:
    """In live use an open parent's number counts once the digits of `person invite` come back from it."""
    house = all_phones.house
    await house.database.write(lambda tx: tx.run("UPDATE person SET verified_at = NULL WHERE id = 'pat'"))
    digits = await house.casebook.at_desk(
        lambda desk: invites.make_digits(desk.directory, "pat", desk.now, desk.chance)
    )
    await all_phones.texts("sam", digits)
    assert (await house.row("SELECT verified_at FROM person WHERE id = 'pat'"))["verified_at"] is None
    (answer,) = await all_phones.texts("pat", f" {digits} ")
    assert "verified" in answer
    assert (await house.row("SELECT verified_at FROM person WHERE id = 'pat'"))["verified_at"] is not None


# ---- the four of an alert ------------------------------------------------------------------------


async def test_an_alert_is_taken_by_its_own_digits(all_phones: Phones) -> None:
    """ACK A17 4821, in any spelling; the taker hears until when it is theirs."""
    digits = await alerted(all_phones)
    case = await all_phones.case()
    (answer,) = await all_phones.texts("cass", f"ack {case.code.lower()} {' '.join(digits)}")
    taken = (await all_phones.case()).alert
    assert taken.taken_by == "cass" and "yours until" in answer
    (news,) = [e for e in await all_phones.log() if isinstance(e, AlertAcknowledged)]
    assert (news.channel, news.trust) == ("sms", Trust.CODE)


async def test_the_ref_may_be_left_out_when_one_case_concerns_them(all_phones: Phones) -> None:
    """One alert, one case: the digits say enough."""
    digits = await alerted(all_phones)
    await all_phones.texts("cass", f"ACK {digits}")
    assert (await all_phones.case()).alert.taken_by == "cass"


@pytest.mark.parametrize("who", ["dee", "mo", "alice", "pat"])
async def test_another_persons_digits_take_nothing(all_phones: Phones, who: str) -> None:
    """An alert that was read over somebody's shoulder is not theirs to take."""
    digits = await alerted(all_phones)
    await all_phones.texts(who, f"ACK {(await all_phones.case()).code} {digits}")
    assert (await all_phones.case()).alert.taken_by is None


async def test_wrong_digits_are_refused_politely_and_locked_after_five(all_phones: Phones) -> None:
    """Four digits are soon guessed: the sixth guess is not even looked at."""
    digits = await alerted(all_phones)
    code = (await all_phones.case()).code
    read: list[str] = []
    for turn in range(5):
        read += await all_phones.texts("cass", f"ACK {code} {(int(digits) + 1 + turn) % 10_000:04d}")
    assert all("not the digits of your alert" in text for text in read)
    await all_phones.texts("cass", f"ACK {code} {digits}")
    assert (await all_phones.case()).alert.taken_by is None


async def test_who_comes_late_hears_that_it_is_taken(all_phones: Phones) -> None:
    """Both hold digits of their own; the first is the one who has it."""
    await alerted(all_phones)
    await all_phones.later(minutes=5)
    first, second = await all_phones.digits("cass"), await all_phones.digits("dee")
    await all_phones.texts("dee", f"ACK {second}")
    (answer,) = await all_phones.texts("cass", f"ACK {first}")
    assert "taken already" in answer
    assert (await all_phones.case()).alert.taken_by == "dee"


async def test_nobody_confirms_a_number_by_text(all_phones: Phones) -> None:
    """A From number is a hint: even a co-ordinator's text only tells the log number; /pol confirms it."""
    await alerted(all_phones)
    await all_phones.texts("pat", "POL 2290")
    assert not (await all_phones.case()).reported
    await all_phones.texts("cass", "POL 2290")
    assert not (await all_phones.case()).reported
    assert [e.trust for e in await all_phones.log() if isinstance(e, PoliceLogged)] == [Trust.NONE, Trust.NONE]


# ---- a not-sure ----------------------------------------------------------------------------------


async def unsure(phones: Phones) -> str:
    """Pat is not sure whether K is in danger; returns the ref."""
    await phones.texts("pat", "MISSING 20:55")
    await phones.texts("pat", "1")
    await phones.texts("pat", "3")
    case = await phones.case()
    assert [u.check for u in case.unsure] == ["P01"]
    return case.code


async def test_risk_by_text_raises_at_once(all_phones: Phones) -> None:
    """REF RISK settles it as a risk: raising needs no proof."""
    ref = await unsure(all_phones)
    answers = await all_phones.texts("cass", f"{ref} RISK")
    case = await all_phones.case()
    assert [u.settled for u in case.unsure] == ["risk"] and case.level > 0
    assert any("treated as a risk" in text for text in answers)


async def test_risk_by_text_counts_after_the_ten_minutes(all_phones: Phones) -> None:
    """M06 stands by then; the flag that the question stands for still rises."""
    ref = await unsure(all_phones)
    await all_phones.later(minutes=11)
    assert [u.settled for u in (await all_phones.case()).unsure] == ["expired"]
    answers = await all_phones.texts("cass", f"{ref} RISK")
    assert "R01" in (await all_phones.case()).flags
    assert any("treated as a risk" in text for text in answers)


async def test_none_by_text_settles_nothing(all_phones: Phones) -> None:
    """REF NONE lowers: it counts only once a reason is given through a bound account, and is kept till then."""
    ref = await unsure(all_phones)
    (answer,) = await all_phones.texts("cass", f"{ref} none she always says that")
    case = await all_phones.case()
    assert [u.settled for u in case.unsure] == [""] and "once you give a reason" in answer
    assert "UnsureSettled" not in await all_phones.kinds()


@pytest.mark.parametrize("who", ["pat", "alice"])
async def test_only_people_on_call_settle(all_phones: Phones, who: str) -> None:
    """A parent's RISK or NONE is words like any other."""
    ref = await unsure(all_phones)
    await all_phones.texts(who, f"{ref} NONE")
    await all_phones.texts(who, f"{ref} RISK")
    assert [u.settled for u in (await all_phones.case()).unsure] == [""]


async def test_other_organisations_cases_do_not_exist(all_phones: Phones) -> None:
    """A ref of a case that is none of theirs is answered like one that never was."""
    await alerted(all_phones)
    code = (await all_phones.case()).code
    (one,) = await all_phones.texts("sam", f"{code} BACK")
    (other,) = await all_phones.texts("sam", "Z99 BACK")
    assert one == other

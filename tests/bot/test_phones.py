"""Everybody's phone at a whole house: a night from the first word to the log number, and what the phones hold it to."""

import pytest

from bot.scenario import BadScenario
from tests.databases import ON_BOTH
from tests.phones import phones

pytestmark = ON_BOTH


@pytest.mark.parametrize("reopens", [False, True])
async def test_a_night_from_a_text_to_a_log_number(tmp_path, reopens):
    """A parent texts, is asked, and gives the number; the same whether or not the house sleeps between two steps."""
    async with phones(tmp_path, reopens=reopens) as all_phones:
        pat, cass, dee = all_phones.parent("pat"), all_phones.staff("cass"), all_phones.staff("dee")
        await pat.texts("MISSING 20:30")
        assert "Absence check A17 for K." in pat.sees("Reply 1 to start")
        await pat.texts("1")
        pat.sees("Is K in danger now")
        await pat.texts("1")
        pat.sees("999")
        assert "Take" in cass.buttons()
        cass.sees("ESC A17 HIGH")
        all_phones.phone("cass", "sms").sees("ESC A17 HIGH")
        await cass.presses("Take")
        for each in (cass, dee, pat, all_phones.staff("mo"), all_phones.staff("alice")):
            each.received()
        await all_phones.later(minutes=1)
        await pat.texts("POL 7781")
        assert "told=7781" == await all_phones.state(["told"])
        await cass.types("/pol A17 7781")
        assert "state=missing reported=7781" == await all_phones.state(["state", "reported"])
        all_phones.unexpected().clear()


async def test_a_message_nobody_expected_fails_the_test(tmp_path):
    """The phones are looked at when the test leaves the house."""
    with pytest.raises(AssertionError, match="nobody expected"):
        async with phones(tmp_path) as all_phones:
            await all_phones.parent("pat").texts("MISSING")


async def test_a_message_that_does_not_come_fails_the_test(tmp_path):
    """And says what stands there in its place."""
    async with phones(tmp_path) as all_phones:
        pat = all_phones.parent("pat")
        await pat.texts("HELP")
        with pytest.raises(AssertionError, match=r"pat \(sms\) does not see 'nothing of the kind', but"):
            pat.sees("nothing of the kind")
        with pytest.raises(AssertionError):
            pat.sees_nothing()
        assert pat.received()
        pat.sees_nothing()


async def test_a_button_that_is_not_there_cannot_be_pressed(tmp_path):
    """Nor can a phone be used that a person does not have."""
    async with phones(tmp_path) as all_phones:
        with pytest.raises(AssertionError, match="has no button 'Take'"):
            await all_phones.staff("cass").presses("Take")
        with pytest.raises(BadScenario, match="pat has no phone for telegram"):
            all_phones.phone("pat", "telegram")


async def test_what_a_house_that_was_down_owes_rings_when_it_wakes(tmp_path):
    """Down for ten minutes over a deadline: it is told, and what was typed meanwhile is heard."""
    async with phones(tmp_path) as all_phones:
        alice = all_phones.staff("alice")
        await alice.types("/absent K7 21:00")
        alice.sees("Is K7 in danger right now")
        await all_phones.down()
        await all_phones.later(minutes=10)
        alice.sees_nothing()
        await all_phones.world.telegram.types("1001", "/help")
        await all_phones.up()
        alice.sees("we were down 21:00-21:10 and missed a check")
        alice.sees("/absent")
        all_phones.unexpected().clear()

"""Whose business a case is: found by its keys, it is what one would find by looking through every open case."""

from datetime import timedelta

import pytest

from handlers.inbox import concerning, may_see, visible
from storage.desk import Desk
from tests.databases import ON_BOTH
from tests.storage.houses import House, a_house

pytestmark = ON_BOTH

EVERYBODY = ("alice", "mo", "pat", "cass", "dee")


async def seen(house: House, who: str) -> tuple[list[str], list[str]]:
    """The children whose cases a person sees, and those found by looking through all."""

    async def act(desk: Desk) -> tuple[list[str], list[str]]:
        person = await desk.directory.person(who)
        assert person is not None
        every = await desk.open_cases(organisation=person.organisation)
        all_of_them = [c.child.child_id for c in every if await may_see(desk, person, c)]
        return [c.child.child_id for c in await visible(desk, person)], all_of_them

    return await house.casebook.at_desk(act)


@pytest.mark.parametrize("who", EVERYBODY)
async def test_everybody_sees_what_a_look_through_all_would_find(tmp_path, who):
    """A parent sees their child, staff their home, people on call the organisation; oldest first."""
    async with a_house(tmp_path) as house:
        await house.opens("K8")
        house.clock.after(minutes=1)
        await house.opens("K7")
        found, expected = await seen(house, who)
        assert found == expected == (["K7"] if who == "pat" else ["K8", "K7"])


async def test_who_was_alerted_of_a_case_still_sees_it_when_off_duty_for_good(tmp_path):
    """They may be the only one who knows: the case stays theirs until it is closed, and no other becomes so."""
    async with a_house(tmp_path) as house:
        await house.opens("K8")
        await house.silence(house.clock.now() + timedelta(hours=3))
        await house.opens("K7")
        await house.database.write(lambda tx: tx.run("DELETE FROM role WHERE person = 'cass'"))
        found, expected = await seen(house, "cass")
        assert found == expected == ["K8"]


async def test_of_another_organisation_nothing_is_seen(tmp_path):
    """One organisation never sees another's children, whatever its people were alerted of."""
    async with a_house(tmp_path) as house:
        await house.opens("K8")
        await house.silence(house.clock.now() + timedelta(hours=3))

        async def act(desk: Desk) -> int:
            mo = await desk.directory.person("mo")
            assert mo is not None
            assert await visible(desk, mo)
            return len(await visible(desk, mo._replace(organisation="org2")))

        assert await house.casebook.at_desk(act) == 0


async def test_a_case_one_reported_comes_before_others_of_the_home(tmp_path):
    """Words without a ref are about one's own case."""
    async with a_house(tmp_path) as house:
        await house.opens("K8", by="mo")
        await house.opens("K7", by="alice")

        async def act(desk: Desk) -> list[str]:
            alice = await desk.directory.person("alice")
            assert alice is not None
            return [c.child.child_id for c in await concerning(desk, alice)]

        assert await house.casebook.at_desk(act) == ["K7"]

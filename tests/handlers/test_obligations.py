"""Whom the jurisdiction wants told, at the doors: a button, a reason for "not due", and rows that say who did it when."""

from datetime import timedelta

from casework.events import PoliceLogged
from tests.databases import ON_BOTH
from tests.handlers.telegram_phones import Phones

pytestmark = ON_BOTH


async def _tasks(home: Phones, kind: str) -> list[dict[str, object]]:
    return await home.house.rows("SELECT owner_role, done_by, outcome FROM v_task WHERE kind = ?", kind)


async def test_the_adult_says_that_social_care_was_told(home: Phones):
    """A button beside the card, whose own question keeps its buttons; the task keeps who did it."""
    await home.goes_missing()
    await home.house.silence(home.house.clock.now() + timedelta(minutes=15))
    await home.presses("alice", "They were told", row=await home.with_button("alice", "They were told"))
    done = [task for kind in ("E5", "E6") for task in await _tasks(home, kind) if task["done_by"] == "alice"]
    assert [{"owner_role": "coordinator", "done_by": "alice", "outcome": "done"}] == done


async def test_not_due_asks_for_a_reason_in_their_name(home: Phones):
    """Regulation 40: considered, not due; the next words are why."""
    case_id = (await home.goes_missing()).case_id
    await home.house.answers(case_id, "C11", "adult_car_gifts")
    await home.all()
    await home.presses("mo", "Considered, not due")
    assert "Please add why" in (await home.reads("mo"))[-1]
    await home.types("mo", "no new facts since the notice of Monday")
    assert [{"owner_role": "manager", "done_by": "mo", "outcome": "no"}] == await _tasks(home, "E8")
    assert 1 <= len(await home.events("NoteMade"))


async def test_after_a_day_the_ladder_of_days_is_an_alert_of_its_own(home: Phones):
    """It carries digits, stands in v_alert after the chain's rungs; its own button takes that step, the chain's does not."""
    case_id = (await home.goes_missing()).case_id
    await home.house.record(case_id, PoliceLogged, number="2290")
    home.house.clock.after(hours=24)
    await home.house.casebook.ring()
    rows = await home.house.rows("SELECT DISTINCT person FROM v_alert WHERE rung = 5")
    assert {"cass", "dee", "mo"} == {row["person"] for row in rows}  # nobody is the owner here: everybody hears
    await home.types("cass", f"/ack {(await home.case()).code}")
    assert [{"owner_role": "owner", "done_by": None, "outcome": ""}] == await _tasks(home, "E9")
    await home.presses("mo", "Take", row=await home.with_button("mo", "They were told"))
    assert [{"owner_role": "owner", "done_by": "mo", "outcome": "acknowledged"}] == await _tasks(home, "E9")
    assert "cass" == (await home.case()).alert.taken_by
    assert [{"state": "taken"}] == await home.house.rows("SELECT DISTINCT state FROM alert WHERE rung = 5")

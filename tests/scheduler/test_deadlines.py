"""What is due rings, however much it is, and what fell due while the house was down rings at once and says so."""

from datetime import timedelta

from scheduler.deadlines import ring
from scheduler.postman import drain
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import Phone
from tests.storage.houses import EVENING, a_house

pytestmark = ON_BOTH


async def test_everything_that_is_due_rings_and_then_nothing_is_due(tmp_path):
    """Two children, one bell: both cases, and a second look finds nothing."""
    async with a_house(tmp_path) as h:
        await h.opens("K7")
        await h.opens("K8")
        late = h.clock.after(hours=3)
        assert await ring(h.casebook, late) >= 2
        assert await ring(h.casebook, late) == 0
        due = await h.casebook.next_due()
        assert due is not None and due > late


async def test_nothing_rings_before_its_time(tmp_path):
    """A bell is not a hint."""
    async with a_house(tmp_path) as h:
        await h.opens()
        due = await h.casebook.next_due()
        assert due is not None
        assert await ring(h.casebook, due - timedelta(milliseconds=1)) == 0
        assert await ring(h.casebook, due) == 1


async def test_what_fell_due_while_the_house_was_down_says_so(tmp_path):
    """5.3: late, never lost, and the adult hears why it is late."""
    async with a_house(tmp_path) as h:
        await h.opens()
        back = h.clock.after(hours=5)
        assert await ring(h.casebook, back, down_since=EVENING + timedelta(minutes=1)) > 0
        telegram = Phone("telegram")
        await drain(h.casebook, {"telegram": telegram, "sms": Phone("sms")}, back)
        assert any(letter.text in ("X_DOWN", "X_DOWN_LIMIT") for letter in telegram.got)


async def test_the_most_severe_case_rings_first(tmp_path):
    """A child at high risk is not kept waiting behind one who is late."""
    async with a_house(tmp_path) as h:
        mild = await h.opens("K7")
        grave = await h.opens("K8")
        await h.answers(grave, "C01", "yes")
        await ring(h.casebook, h.clock.after(hours=3))
        rows = await h.rows("SELECT case_id FROM v_event WHERE kind = 'DeadlinePassed' ORDER BY seq")
        assert [row["case_id"] for row in rows] == [grave, mild]

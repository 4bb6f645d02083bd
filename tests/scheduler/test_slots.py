"""Letters on their way at once: who goes next, who waits for whom, and what is never forgotten."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from scheduler.gates import LANE, SLOTS
from scheduler.outbox import Channel, Receipt, Refused, Unreachable
from scheduler.postman import Postman
from storage import outbox, outbox_claims
from storage.database import Unusable, Violated
from storage.outbox import Letter
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import A_LETTER, Phone, put, states
from tests.storage.houses import EVENING, House, a_house

pytestmark = ON_BOTH


class SlowPhone:
    """A channel that takes a letter when it is told to, and holds it until then."""

    def __init__(self, name: str = "telegram") -> None:
        self.name = name
        self.begun: list[str] = []
        self.holds: dict[str, asyncio.Event] = {}
        self.quick = False

    async def send(self, letter: Letter) -> Receipt:
        self.begun.append(letter.id)
        if not self.quick:
            await self.holds.setdefault(letter.id, asyncio.Event()).wait()
        return Receipt("1")

    def takes(self, letter_id: str) -> None:
        """Let this letter go through."""
        self.holds[letter_id].set()

    def hurries(self) -> None:
        """From now on every letter goes through."""
        self.quick = True
        for hold in self.holds.values():
            hold.set()


def reminder(number: int, **changes: object) -> Letter:
    """One of many letters that may wait, each to somebody else."""
    of = {"address": f"{2000 + number}", "urgency": outbox.URGENT + 1, **changes}
    return replace(A_LETTER, id=f"reminder-{number:05}", **of)  # type: ignore[arg-type]


async def until(seen: Callable[[], bool]) -> None:
    """Let others work until this is so; a thousand looks are enough for whatever will come."""
    for _ in range(1000):
        if seen():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came to that")


@asynccontextmanager
async def at_work(h: House, *channels: Channel) -> AsyncIterator[Postman]:
    """A postman who goes on by himself, until the block ends."""
    postman = Postman(h.casebook, {each.name: each for each in channels}, h.clock.now)

    async def go_on() -> None:
        while True:
            await postman.news()
            await postman.turn()

    going = asyncio.create_task(go_on())
    postman.stir()
    try:
        yield postman
    finally:
        for each in channels:
            if isinstance(each, SlowPhone):
                each.hurries()
        await postman.stop()
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)


async def test_an_escalation_overtakes_everything_that_waits(tmp_path):
    """Ten times the slots wait; the alert that comes last leaves at once, in a lane that no reminder may take."""
    async with a_house(tmp_path) as h:
        phone = SlowPhone()
        await put(h, *(reminder(n) for n in range(10 * SLOTS)))
        async with at_work(h, phone) as postman:
            await until(lambda: len(phone.begun) == SLOTS)
            await put(h, replace(A_LETTER, id="the-alert", address="1003", urgency=0))
            postman.stir()
            await until(lambda: len(phone.begun) > SLOTS)
            assert phone.begun[SLOTS:] == ["the-alert"]


async def test_where_even_the_lane_is_full_the_next_free_slot_is_the_most_urgents(tmp_path):
    """More alerts than the lane has room for: they go before every reminder, as soon as anything lands."""
    async with a_house(tmp_path) as h:
        phone = SlowPhone()
        await put(h, *(reminder(n) for n in range(10 * SLOTS)))
        async with at_work(h, phone) as postman:
            await until(lambda: len(phone.begun) == SLOTS)
            alerts = [replace(A_LETTER, id=f"alert-{n}", address=f"{3000 + n}", urgency=0) for n in range(LANE + 2)]
            await put(h, *alerts)
            postman.stir()
            await until(lambda: len(phone.begun) == SLOTS + LANE)
            phone.takes(phone.begun[7])
            phone.takes(phone.begun[9])
            await until(lambda: len(phone.begun) == SLOTS + LANE + 2)
            assert phone.begun[SLOTS:] == [each.id for each in alerts]


async def test_a_provider_that_is_slow_holds_a_slot_and_not_the_queue(tmp_path):
    """One letter that never comes back: all others leave, and what is written meanwhile leaves at once."""
    async with a_house(tmp_path) as h:
        phone = SlowPhone()
        await put(h, reminder(0, urgency=outbox.URGENT), *(reminder(n) for n in range(1, 2 * SLOTS)))
        async with at_work(h, phone) as postman:
            await until(lambda: "reminder-00000" in phone.holds)
            stuck = phone.holds["reminder-00000"]
            phone.hurries()
            stuck.clear()
            await until(lambda: len(phone.begun) == 2 * SLOTS)
            await put(h, reminder(99999))
            postman.stir()
            await until(lambda: phone.begun[-1] == "reminder-99999")
            stuck.set()


async def test_a_channel_that_hangs_holds_up_no_other(tmp_path):
    """Every slot of the one is taken: the other channel's letters leave."""
    async with a_house(tmp_path) as h:
        sms, telegram = SlowPhone("sms"), Phone("telegram")
        await put(h, *(reminder(n, channel="sms") for n in range(2 * SLOTS)))
        async with at_work(h, sms, telegram) as postman:
            await until(lambda: len(sms.begun) == SLOTS)
            await put(h, A_LETTER)
            postman.stir()
            await until(lambda: len(telegram.got) == 1)


async def test_two_letters_to_one_address_never_fly_at_once(tmp_path):
    """A person reads them in their order: the next one leaves when the last has landed, others do not wait for it."""
    async with a_house(tmp_path) as h:
        phone = SlowPhone()
        mine = [replace(A_LETTER, id=f"mine-{n}", due_at=EVENING) for n in range(3)]
        await put(h, *mine, reminder(1))
        async with at_work(h, phone) as postman:
            await until(lambda: len(phone.begun) == 2)
            postman.stir()
            await asyncio.sleep(0.02)
            assert phone.begun == ["mine-0", "reminder-00001"]
            phone.takes("mine-0")
            await until(lambda: phone.begun[-1] == "mine-1")
            phone.takes("mine-1")
            await until(lambda: phone.begun[-1] == "mine-2")


async def test_of_two_senders_the_second_waits_for_an_address_too(tmp_path):
    """Another node does not send past a letter that is on its way, and the schema would not let it."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER, replace(A_LETTER, id="letter-2"), reminder(1))
        (first,) = await h.database.write(lambda tx: outbox_claims.claim(tx, EVENING, 1, channel="telegram"))
        (other,) = await h.database.write(lambda tx: outbox_claims.claim(tx, EVENING, 8, channel="telegram"))
        assert (first.id, other.id) == ("letter-1", "reminder-00001")
        with pytest.raises(Violated):
            await h.database.write(lambda tx: tx.run("UPDATE outbox SET state = 'sending' WHERE id = 'letter-2'"))


@pytest.mark.parametrize(("fault", "full_at"), [(None, 1), (Refused("403"), 1), (Refused("403"), 2)])
async def test_what_became_of_a_letter_is_known_until_it_is_written_down(tmp_path, fault, full_at):
    """The disk was full for a moment: the letter is not sent twice, and a refusal still calls forth what it must."""
    async with a_house(tmp_path) as h:
        telegram, sms = Phone("telegram", *filter(None, [fault])), Phone("sms")
        postman = Postman(h.casebook, {"telegram": telegram, "sms": sms}, h.clock.now)
        await put(h, A_LETTER)
        assert await postman.turn() == 1
        await until(lambda: bool(telegram.got))
        with disk_full_at(h, full_at), pytest.raises(Unusable):
            await postman.drain()
        await postman.drain()
        hers = [letter.channel for phone in (telegram, sms) for letter in phone.got if letter.person == "alice"]
        assert hers == (["telegram"] if fault is None else ["telegram", "sms"])  # others hear that hers is dead
        assert (await states(h))["letter-1"] == ("sent" if fault is None else "failed")


@contextmanager
def disk_full_at(h: House, nth: int) -> Iterator[None]:
    """The nth unit of work at a desk cannot be written."""
    at_desk, units = h.casebook.at_desk, itertools.count(1)

    async def full(act: Any) -> Any:
        if next(units) == nth:
            raise Unusable("disk full")
        return await at_desk(act)

    h.casebook.at_desk = full  # type: ignore[method-assign]
    try:
        yield
    finally:
        h.casebook.at_desk = at_desk  # type: ignore[method-assign]


async def test_a_refusal_whose_other_way_cannot_be_composed_is_marked_all_the_same(tmp_path):
    """Its case is broken: the words cannot be made for a text. The letter has failed, and is not tried for ever."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens()
        await h.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        await put(h, replace(A_LETTER, case_id=case_id))
        await h.database.write(lambda tx: tx.run("UPDATE case_row SET folded = '{}', head = 'another'"))
        telegram = Phone("telegram", Refused("400", dead=False))
        await Postman(h.casebook, {"telegram": telegram}, h.clock.now).drain()
        assert (await states(h), len(telegram.got)) == ({"letter-1": "failed"}, 1)


async def test_who_stops_takes_nothing_more_and_waits_for_what_is_on_its_way(tmp_path):
    """The house sleeps when the last letter has landed and is written down; the rest waits for its next life."""
    async with a_house(tmp_path) as h:
        phone = SlowPhone()
        await put(h, *(reminder(n) for n in range(SLOTS + 5)))
        async with at_work(h, phone) as postman:
            await until(lambda: len(phone.begun) == SLOTS)
            stopping = asyncio.create_task(postman.stop())
            await asyncio.sleep(0.02)
            assert not stopping.done()
            phone.hurries()
            await stopping
        found = list((await states(h)).values())
        assert (found.count("sent"), found.count("queued")) == (SLOTS, 5)


async def test_one_fate_that_cannot_be_worked_holds_up_no_other(tmp_path):
    """A case that does not bear the news: what was sent with it is written down, and the letter is tried again."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens()
        await h.database.write(lambda tx: tx.run("DELETE FROM outbox"))
        held_up = replace(
            A_LETTER, id="held-up", case_id=case_id, kind="report", channel="email", address="x@y.example"
        )
        await put(h, A_LETTER, held_up)
        await h.database.write(lambda tx: tx.run("UPDATE case_row SET folded = '{}', head = 'another'"))
        channels = {"telegram": Phone("telegram"), "email": Phone("email", Unreachable("full", 900))}
        await Postman(h.casebook, channels, h.clock.now).drain()
        assert await states(h) == {"letter-1": "sent", "held-up": "queued"}

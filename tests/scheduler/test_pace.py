"""The providers' rates are kept, on a clock that the test moves: who goes first, who waits, and who waits for nobody."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scheduler.breaker import FAILURES, TRIES_AFTER_SECONDS
from scheduler.outbox import Receipt, Unreachable
from scheduler.pace import Bucket, Pace, Rate, Rates, in_all
from scheduler.postman import Postman
from storage import outbox, roster
from storage.codec import instant
from storage.outbox import Letter
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import A_LETTER, put, states
from tests.storage.houses import EVENING, ROSTER, HandClock, House, a_house

pytestmark = ON_BOTH

STEP = timedelta(milliseconds=50)
SECOND = timedelta(seconds=1)
TELEGRAM = Rates(in_all(30), each=Rate(8, 1), group=Rate(5, 0.25))
SMS = Rates(in_all(10), each=Rate(5, 0.4))
PEOPLE = 100
RUNG = "".join(
    f'[[person]]\nid = "rung{n:03}"\norganisation = "org1"\nname = "Rung Example"\nroles = ["coordinator"]\n'
    f'mobile = "+447700900{n:03}"\ntelegram_id = {5000 + n}\n'
    for n in range(500, 500 + PEOPLE - 1)
)


@dataclass
class Provider:
    """A provider that takes everything at once, and notes when."""

    name: str
    rates: Rates | None
    clock: HandClock
    faults: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    got: list[tuple[datetime, Letter]] = field(default_factory=list)

    async def send(self, letter: Letter) -> Receipt:
        self.got.append((self.clock.now(), letter))
        if self.faults[letter.address]:
            raise self.faults[letter.address].pop(0)
        return Receipt(str(len(self.got)))

    def ids(self) -> list[str]:
        return [letter.id for _, letter in self.got]

    def at(self, letter_id: str) -> datetime:
        return next(at for at, letter in self.got if letter.id == letter_id)

    def most_in(self, window: timedelta, address: str | None = None) -> int:
        """The most letters that left within any window of this length."""
        times = [at for at, letter in self.got if address in (None, letter.address)]
        return max((sum(at <= other < at + window for other in times) for at in times), default=0)


async def goes_on(h: House, postman: Postman, **time: float) -> None:
    """Time passes, and the postman works."""
    end = h.clock.now() + timedelta(**time)
    while h.clock.now() < end:
        await works(postman)
        h.clock.after(seconds=STEP.total_seconds())
    await works(postman)


async def works(postman: Postman) -> None:
    """What can be done at this instant."""
    for _ in range(100):
        taken = await postman.turn()
        for _ in range(3):
            await asyncio.sleep(0)
        if not taken:
            return


def a_postman(h: House, *providers: Provider) -> Postman:
    return Postman(h.casebook, {each.name: each for each in providers}, h.clock.now, paced=True)


async def everybody_is_called(h: House) -> datetime:
    """Nobody answers until everybody is called; returns the instant of that decision, at which the clock stands again."""
    await h.silence(EVENING + timedelta(minutes=59))
    last = "(SELECT max(created_at) FROM outbox WHERE kind = 'alert')"
    row = await h.row(f"SELECT {last} AS at")
    await h.database.write(lambda tx: tx.run(f"DELETE FROM outbox WHERE created_at <> {last} OR kind <> 'alert'"))
    h.clock.instant = instant(row["at"])
    return h.clock.now()


async def test_a_rung_of_a_hundred_people_on_one_second(tmp_path: Path) -> None:
    """The first alert leaves within a second of the decision, rates are kept, everybody gets theirs, and so does whoever
    waited for something that is not urgent."""
    async with a_house(tmp_path) as h:
        await h.database.write(
            lambda tx: roster.apply(tx, roster.parse(ROSTER + RUNG), take_telegram_ids=True, now=EVENING)
        )
        await h.opens()
        decided = await everybody_is_called(h)
        alerts = await h.rows("SELECT id, person, channel FROM outbox WHERE kind = 'alert' AND state = 'queued'")
        called = {
            channel: {row["person"] for row in alerts if row["channel"] == channel} for channel in ("telegram", "sms")
        }
        assert called["telegram"] == called["sms"] and len(called["sms"]) >= PEOPLE
        waiting = [
            replace(A_LETTER, id=f"reminder-{n:03}", address=f"{9000 + n}", urgency=outbox.URGENT + 1)
            for n in range(200)
        ]
        await put(h, *waiting)
        telegram, sms = Provider("telegram", TELEGRAM, h.clock), Provider("sms", SMS, h.clock)
        await goes_on(h, a_postman(h, telegram, sms), seconds=16)
        theirs = {row["id"]: telegram if row["channel"] == "telegram" else sms for row in alerts}
        assert min(provider.at(each) for each, provider in theirs.items()) - decided < SECOND
        assert telegram.most_in(SECOND) <= 30 and sms.most_in(SECOND) <= 10
        assert max(telegram.at(each) for each, by in theirs.items() if by is telegram) - decided < 6 * SECOND
        assert {*theirs, *(letter.id for letter in waiting)} <= {*telegram.ids(), *sms.ids()}  # nothing starved
        assert len(telegram.got) == len(set(telegram.ids()))


async def test_an_alert_leaves_at_once_however_many_reminders_are_leaving(tmp_path: Path) -> None:
    """Some of each second is kept for it."""
    async with a_house(tmp_path) as h:
        telegram = Provider("telegram", TELEGRAM, h.clock)
        postman = a_postman(h, telegram)
        await put(h, *(replace(A_LETTER, id=f"r-{n:03}", address=f"{9000 + n}", urgency=99) for n in range(300)))
        await goes_on(h, postman, seconds=2)
        await put(h, replace(A_LETTER, id="alert", urgency=0, due_at=h.clock.now()))
        written = h.clock.now()
        await works(postman)
        assert telegram.at("alert") == written and len(telegram.got) < 100


async def test_one_chat_gets_a_burst_and_then_one_a_second_and_others_do_not_wait_for_it(tmp_path: Path) -> None:
    """1 a second a chat, short bursts; 20 a minute a group."""
    async with a_house(tmp_path) as h:
        telegram = Provider("telegram", TELEGRAM, h.clock)
        await put(h, *(replace(A_LETTER, id=f"mine-{n:02}", urgency=1) for n in range(15)))
        await put(h, *(replace(A_LETTER, id=f"group-{n:02}", urgency=1, address="-100") for n in range(30)))
        await put(h, replace(A_LETTER, id="other", address="77", urgency=98))
        await goes_on(h, a_postman(h, telegram), seconds=70)
        assert telegram.at("other") - EVENING < SECOND
        assert telegram.most_in(SECOND, "1001") <= 9 and telegram.at("mine-14") - EVENING <= 8 * SECOND
        assert telegram.most_in(60 * SECOND, "-100") <= 20 and telegram.most_in(60 * SECOND, "-100") > 15


async def test_who_asked_us_to_wait_is_left_alone_for_so_long_and_nobody_else_is(tmp_path: Path) -> None:
    """429 with retry_after 30: not that letter and not the next one to this chat; everybody else's go on."""
    async with a_house(tmp_path) as h:
        telegram = Provider("telegram", None, h.clock)
        telegram.faults["1001"] = [Unreachable("429", 30)]
        postman = a_postman(h, telegram)
        await put(h, A_LETTER)
        await works(postman)
        await put(h, replace(A_LETTER, id="next"), replace(A_LETTER, id="other", address="1002"))
        await goes_on(h, postman, seconds=29)
        assert telegram.ids() == ["letter-1", "other"]
        await goes_on(h, postman, seconds=2)
        assert telegram.ids()[2:] == ["letter-1", "next"]


async def test_a_wait_that_is_longer_than_a_rung_sends_the_words_another_way_now(tmp_path: Path) -> None:
    """B053: retry_after 900 on the co-ordinator's chat. That letter and the next leave by SMS at once, and once."""
    async with a_house(tmp_path) as h:
        telegram, sms = Provider("telegram", None, h.clock), Provider("sms", None, h.clock)
        telegram.faults["1003"] = [Unreachable("429", 900)]
        postman = a_postman(h, telegram, sms)
        alert = replace(A_LETTER, person="cass", address="1003", kind="alert", text="C_ALERT")
        await put(h, alert)
        await works(postman)
        assert [letter.body for _, letter in sms.got] == ["hello"]
        await put(h, replace(alert, id="next", body="hello again", due_at=EVENING + STEP))
        await goes_on(h, postman, seconds=60)
        assert ([letter.body for _, letter in sms.got], len(telegram.got)) == (["hello", "hello again"], 1)


async def test_a_channel_that_is_down_is_tried_by_one_letter_at_a_time(tmp_path: Path) -> None:
    """Five different letters failed and none left: no more time-outs for everybody, and all leave as soon as it is back."""
    async with a_house(tmp_path) as h:
        telegram = Provider("telegram", None, h.clock)
        letters = [replace(A_LETTER, id=f"letter-{n:02}", address=f"{2000 + n}") for n in range(40)]
        for letter in letters:
            telegram.faults[letter.address] = [Unreachable("502")] * 9
        postman = a_postman(h, telegram)
        await put(h, *letters)
        await goes_on(h, postman, seconds=4)
        at_first = len(telegram.got)
        await goes_on(h, postman, seconds=60)
        assert len(telegram.got) - at_first <= 3  # after 5, 20 and 65 seconds, by one each
        telegram.faults.clear()
        await goes_on(h, postman, seconds=400)
        assert set((await states(h)).values()) == {"sent"}


async def test_a_channel_that_may_be_tried_again_and_has_nothing_to_send_costs_no_turns(tmp_path: Path) -> None:
    """It is down and its wait is over, while every letter waits for its own next try: nothing is looked for all the time."""
    async with a_house(tmp_path) as h:
        telegram = Provider("telegram", None, h.clock)
        letters = [replace(A_LETTER, id=f"letter-{n:02}", address=f"{2000 + n}") for n in range(FAILURES)]
        for letter in letters:
            telegram.faults[letter.address] = [Unreachable("502")]
        postman = a_postman(h, telegram)
        await put(h, *letters)
        await works(postman)
        await h.database.write(lambda tx: tx.run("UPDATE outbox SET due_at = due_at + 60000"))
        h.clock.after(seconds=TRIES_AFTER_SECONDS[0] + 1)
        turns = 0

        async def goes_on_by_itself() -> None:
            nonlocal turns
            while True:
                await postman.news()
                await postman.turn()
                turns += 1

        going = asyncio.create_task(goes_on_by_itself())
        postman.stir()
        for _ in range(100):
            await asyncio.sleep(0.002)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        assert 1 <= turns <= 3


async def test_one_letter_that_always_fails_opens_no_breaker(tmp_path: Path) -> None:
    """It is odd in itself: its failures are one failure."""
    async with a_house(tmp_path) as h:
        telegram = Provider("telegram", None, h.clock)
        telegram.faults["1001"] = [Unreachable("500")] * 50
        postman = a_postman(h, telegram)
        await put(h, A_LETTER)
        await goes_on(h, postman, minutes=9)
        assert len(telegram.got) >= 5
        await put(h, replace(A_LETTER, id="other", address="1002", due_at=h.clock.now()))
        await works(postman)
        assert telegram.ids()[-1] == "other"


@pytest.mark.parametrize("a_second", [1, 2, 10, 30, 1000])
def test_no_second_has_more_than_the_provider_takes(a_second: int) -> None:
    """What a bucket holds and what fills it in a second stay below the limit together, and something always leaves."""
    bucket = Bucket(in_all(a_second), in_all(a_second).at_once, EVENING)
    left: list[datetime] = []
    for step in range(3000):
        now = EVENING + timedelta(milliseconds=step)
        while bucket.now(now) >= 1:
            bucket.take(now)
            left.append(now)
    most = max(sum(at <= other < at + SECOND for other in left) for at in left[: len(left) // 2 + 1])
    assert a_second / 2 <= most <= a_second + 1 and len(left) >= 2


def test_a_clock_that_somebody_moves_knows_no_pace() -> None:
    """There nothing can be waited for: every letter that is due is tried."""
    assert Pace(None).room(EVENING) == (float("inf"), float("inf"))

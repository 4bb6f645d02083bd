"""The bell of duty: who comes on is asked, who does not answer is named, what would hurt is told by day, each once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from casework.rota import Shift
from scheduler.duty import AT_ONCE_SECONDS, REST, Act, DutyBell, Leisure
from storage import contact_round, contacts, foresight, handing_over, roster, shifts
from storage.directory import Directory
from storage.shifts import Line
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, ROSTER, House, a_house
from tests.storage.test_directory import person

pytestmark = ON_BOTH

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
WEEK = frozenset(range(1, 8))
MORNING = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
MORE = person("cat", "coordinator") + person("ola", "owner").replace("900399", "900398")


@dataclass
class Night:
    """A house, its bell, and what was said since one last asked."""

    house: House
    bell: DutyBell
    read: int = 0

    async def at(self, instant: datetime) -> list[str]:
        """Ring at an instant; returns what is new as `person channel TEXT`, sorted."""
        self.house.clock.instant = instant
        await self.bell.ring(instant)
        return await self.new()

    async def new(self) -> list[str]:
        rows = await self.house.rows(
            "SELECT person, channel, text, created_at, id FROM outbox ORDER BY created_at, id LIMIT 999"
        )
        new, self.read = rows[self.read :], len(rows)
        return sorted(f"{row['person']} {row['channel']} {row['text']}" for row in new)

    async def body(self, text: str, channel: str, who: str) -> str:
        rows = await self.house.rows(
            "SELECT body FROM outbox WHERE text = ? AND channel = ? AND person = ? ORDER BY created_at DESC",
            text,
            channel,
            who,
        )
        return str(rows[0]["body"])

    async def puts(self, shift_id: str, who: str, role: str = "coordinator", home: str = "", **more) -> None:
        line = Line(shift=Shift(shift_id=shift_id, person=who, **more), organisation="org1", role=role, home=home,
                    made_at=EVENING, made_by="mo")  # fmt: skip
        await self.house.database.write(lambda tx: shifts.add(tx, line))

    async def on(self, role: str = "coordinator", home: str = "oak") -> list[str]:
        now = self.house.clock.now()
        found = await self.house.database.read(lambda tx: Directory(tx).on_duty("org1", role, home, now))
        return [person.person_id for person in found]

    async def takes_over(self, who: str) -> None:
        async def act(desk):
            person = await desk.directory.person(who)
            assert await handing_over.take_over(desk, person)

        await self.house.casebook.at_desk(act)


@asynccontextmanager
async def a_night(folder: Path, more: str = MORE) -> AsyncIterator[Night]:
    async with a_house(folder) as house:
        await house.database.write(lambda tx: roster.apply(tx, roster.parse(ROSTER + more), take_telegram_ids=True))
        night = Night(house, DutyBell(house.casebook))
        assert await night.at(EVENING) == []
        yield night


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    async with a_night(tmp_path) as opened:
        yield opened


# ---- hand-overs ------------------------------------------------------------------------------------------


async def a_change_at_22(night: Night) -> None:
    """Cass until 22:00, then Dee; Cass has it. The roster has no line."""
    await night.house.database.write(lambda tx: tx.run("DELETE FROM duty"))
    await night.puts("1", "cass", from_at=EVENING - 8 * HOUR, until_at=EVENING + HOUR)
    await night.puts("2", "dee", from_at=EVENING + HOUR, until_at=EVENING + 10 * HOUR)
    await night.puts("3", "cat", from_at=EVENING + 10 * HOUR)
    assert await night.at(EVENING + MINUTE) == ["cass sms C_DUTY", "cass telegram C_DUTY"]
    await night.takes_over("cass")
    await night.new()


async def test_the_next_person_is_asked_half_an_hour_before(night: Night) -> None:
    """Once; the words say until when, and how a text takes it over."""
    await a_change_at_22(night)
    assert await night.at(EVENING + 29 * MINUTE) == []
    assert await night.at(EVENING + 30 * MINUTE) == ["dee sms C_DUTY", "dee telegram C_DUTY"]
    assert await night.at(EVENING + 40 * MINUTE) == []
    assert "On call: co-ordinator, all homes, 22:00 to Thu 07:00. Reply OK " in await night.body("C_DUTY", "sms", "dee")


async def test_who_does_not_take_over_is_reminded_and_the_others_hear_of_it(night: Night) -> None:
    """15 minutes in the last shift, an hour in who answers for the rota; alerts go to both all the while."""
    await a_change_at_22(night)
    await night.at(EVENING + HOUR - MINUTE)
    assert await night.at(EVENING + HOUR) == [] and await night.on() == ["dee", "cass"]
    assert await night.at(EVENING + HOUR + 15 * MINUTE) == [
        "cass sms C_HELD", "cass telegram C_HELD", "dee sms C_DUTY", "dee telegram C_DUTY",
    ]  # fmt: skip
    assert "Dee Example has not answered" in await night.body("C_HELD", "telegram", "cass")
    assert "Dee" not in await night.body("C_HELD", "sms", "cass")
    told = await night.at(EVENING + 2 * HOUR)
    assert {line.split()[2] for line in told} == {"C_NOTTAKEN"}
    assert {line.split()[0] for line in told} == {"dee", "cass", "ola"}
    assert await night.at(EVENING + 6 * HOUR) == [] and await night.on() == ["dee", "cass"]


async def test_who_takes_over_relieves_the_last_shift_and_that_is_told(night: Night) -> None:
    """By name on Telegram, without a name by SMS."""
    await a_change_at_22(night)
    await night.at(EVENING + 45 * MINUTE)
    await night.takes_over("dee")
    await night.at(EVENING + HOUR)
    assert await night.on() == ["dee"]
    assert "Dee Example took over from you" in await night.body("C_RELIEVED", "telegram", "cass")
    assert "Dee" not in await night.body("C_RELIEVED", "sms", "cass")
    assert await night.at(EVENING + 3 * HOUR) == []


async def test_a_house_that_was_down_asks_late_and_counts_from_then(night: Night) -> None:
    """Nobody is reminded of what they were never asked."""
    await a_change_at_22(night)
    late = EVENING + 5 * HOUR
    assert await night.at(late) == ["dee sms C_DUTY", "dee telegram C_DUTY"]
    assert await night.at(late + 14 * MINUTE) == []
    assert "cass sms C_HELD" in await night.at(late + 15 * MINUTE)


async def test_a_shift_that_is_over_is_asked_for_by_nobody(night: Night) -> None:
    """It was missed while the house was down; who has it now is asked."""
    await a_change_at_22(night)
    assert await night.at(EVENING + 12 * HOUR) == ["cat sms C_DUTY"]


# ---- what would hurt -------------------------------------------------------------------------------------


async def test_an_empty_shift_is_told_ahead_by_day_and_once(tmp_path: Path) -> None:
    """To who answers for the rota; in how many places this week."""
    without_lines = MORE + "\n"
    async with a_night(tmp_path, without_lines) as night:
        await night.puts("1", "cat", role="deputy", days=WEEK, begins=time(20), ends=time(8))
        await night.puts("2", "mo", role="deputy", days=WEEK, begins=time(8), ends=time(20))
        await night.house.database.write(lambda tx: tx.run("DELETE FROM duty"))
        assert await night.at(MORNING - 2 * HOUR) == ["cat sms C_DUTY"]
        await night.takes_over("cat")
        await night.puts("3", "cat", "", kind="leave", from_at=MORNING + 30 * HOUR, until_at=MORNING + 80 * HOUR)
        assert "C_GAP" not in " ".join(await night.at(MORNING - HOUR / 2))  # at eight it can wait until nine
        told = await night.at(MORNING)
        assert {line for line in told if "C_GAP" in line} == {
            "cass telegram C_GAP", "cass sms C_GAP", "cat sms C_GAP", "ola sms C_GAP",
        }  # fmt: skip
        said = await night.body("C_GAP", "sms", "ola")
        assert "nobody is deputy (all homes) Fri 20:00 to Sat 08:00; 2 such times this week" in said
        assert "C_GAP" not in " ".join(await night.at(MORNING + HOUR))
        standing = await night.house.database.read(foresight.standing)
        assert standing == {"empty_shift": 2, "open_handover": 1}  # nobody took over at eight
        await night.house.database.write(lambda tx: shifts.cut(tx, "3", "mo", MORNING + HOUR))
        await night.at(MORNING + 2 * HOUR)
        assert await night.house.database.read(foresight.standing) == {"open_handover": 1}


async def test_an_empty_shift_that_is_near_is_told_at_night(night: Night) -> None:
    """It cannot wait until nine."""
    await night.house.database.write(lambda tx: tx.run("DELETE FROM duty"))
    await night.puts("1", "cat", from_at=EVENING, until_at=EVENING + 20 * HOUR)
    await night.puts("2", "cat", "", kind="leave", from_at=EVENING + 6 * HOUR, until_at=EVENING + 10 * HOUR)
    assert "ola sms C_GAP" in await night.at(EVENING + HOUR)


async def test_nobody_gets_more_than_ten_such_letters_at_once(tmp_path: Path) -> None:
    """One manager of twelve homes: the rest an hour later, and nothing is lost."""
    homes = "".join(
        f'\n[[home]]\nid = "h{n}"\norganisation = "org1"\nkind = "children"\nname = "H"\ntown = "T"\n'
        for n in range(12)
    )
    roles = ", ".join(f'"manager:h{n}"' for n in range(12))
    many = ROSTER.replace('roles = ["manager:oak"]', f'roles = ["manager:oak", {roles}]') + MORE + homes
    async with a_night(tmp_path) as night:
        await night.house.database.write(lambda tx: roster.apply(tx, roster.parse(many), take_telegram_ids=True))
        await night.puts("0", "cat", "", kind="leave", from_at=EVENING, until_at=EVENING + 99 * HOUR)
        for n in range(12):
            await night.puts(str(n + 1), "cat", "manager", f"h{n}", from_at=EVENING, until_at=EVENING + 90 * HOUR)
        assert (await night.at(MORNING)).count("mo sms C_GAP") == 10
        assert (await night.at(MORNING + HOUR)).count("mo sms C_GAP") == 2
        assert (await night.at(MORNING + 2 * HOUR)).count("mo sms C_GAP") == 0


async def test_the_rosters_lines_fill_what_no_shift_covers(night: Night) -> None:
    """A rota of nights over a line that always runs has no gap."""
    await night.puts("1", "cat", days=WEEK, begins=time(20), ends=time(8))
    await night.at(MORNING)
    assert await night.house.database.read(foresight.standing) == {}


async def test_who_is_on_call_with_no_channel_that_works_is_named(night: Night) -> None:
    """To others; until something arrives there again."""
    await night.house.database.write(lambda tx: contacts.died(tx, "cat", "sms", "+447700900399", "30005", MORNING))
    told = await night.at(MORNING + HOUR)
    assert {line.split()[0] for line in told} == {"cass", "ola"} and {line.split()[2] for line in told} == {
        "C_NOCHANNEL"
    }
    assert "Cat Example" in await night.body("C_NOCHANNEL", "telegram", "cass")
    assert "Cat" not in await night.body("C_NOCHANNEL", "sms", "ola")
    assert await night.house.database.read(foresight.standing) == {"no_channel": 1}
    await night.house.database.write(lambda tx: contacts.lives(tx, "cat", "sms"))
    await night.at(MORNING + 2 * HOUR)
    assert await night.house.database.read(foresight.standing) == {}


async def test_a_ladder_that_ends_in_fewer_than_two_people_is_told(night: Night) -> None:
    """One phone must not be everybody (T25)."""
    for who in ("cass", "dee", "mo", "cat"):
        await night.house.database.write(lambda tx, who=who: Directory(tx).deactivate(who))  # type: ignore[misc]
    assert await night.at(MORNING) == ["ola sms C_SHORT"]
    assert "oak: the last round of alerts reaches 1 people" in await night.body("C_SHORT", "sms", "ola")


# ---- the contact test ------------------------------------------------------------------------------------

A_ROUND = datetime(2026, 12, 28, 10, 0, tzinfo=UTC)  # a Monday, more than thirty days on


async def test_a_month_on_everybody_on_call_is_asked_on_a_working_day_at_ten(night: Night) -> None:
    """A new house counts its first month from its first day, so that nobody is asked at once."""
    assert await night.at(datetime(2026, 12, 25, 9, 0, tzinfo=UTC)) == []
    assert await night.at(datetime(2026, 12, 26, 10, 0, tzinfo=UTC)) == []  # a Saturday
    asked = await night.at(A_ROUND)
    assert {line.split()[0] for line in asked} == {"cass", "cat", "dee", "mo", "ola"}
    assert {line.split()[2] for line in asked} == {"C_CONTACT"}
    assert "cass sms C_CONTACT" in asked and "cass telegram C_CONTACT" in asked
    assert await night.at(A_ROUND + HOUR) == []


async def test_who_does_not_answer_is_reminded_and_then_named(night: Night) -> None:
    """To the co-ordinators and the owner, and to a manager for their own home alone."""
    await night.at(A_ROUND)

    async def some_answer(desk):
        for who in ("cass", "cat", "dee", "ola"):
            assert await contact_round.answered(desk, await desk.directory.person(who), "sms")

    await night.house.casebook.at_desk(some_answer)
    assert await night.at(A_ROUND + DAY) == ["mo sms C_CONTACT", "mo telegram C_CONTACT"]
    named = await night.at(A_ROUND + 2 * DAY)
    assert {line.split()[0] for line in named} == {"cass", "ola", "mo"}
    assert await night.body("C_SILENT", "telegram", "cass") == (
        "Contact test: no answer from Mo Example. Alerts may not reach them. Please ring them."
    )
    assert "Mo" not in await night.body("C_SILENT", "sms", "ola")
    assert await night.at(A_ROUND + 3 * DAY) == []
    assert await night.house.database.read(foresight.standing) == {"no_answer": 1}


async def test_an_answer_with_the_digits_of_another_is_none(night: Night) -> None:
    """Each has their own."""
    await night.at(A_ROUND)

    async def wrong(desk):
        mo = await desk.directory.person("mo")
        test = await contacts.of_person(desk.tx, "mo")
        assert not await contact_round.answered(desk, mo, "sms", "x" + test.digits[1:])
        assert await contact_round.answered(desk, mo, "sms", test.digits)

    await night.house.casebook.at_desk(wrong)


async def test_one_act_that_fails_does_not_hold_up_the_next(night: Night) -> None:
    """A shift of somebody whose language is broken: the other is asked all the same."""
    await night.puts("1", "cass", from_at=EVENING, until_at=EVENING + HOUR)
    await night.puts("2", "mo", role="manager", home="oak", from_at=EVENING, until_at=EVENING + HOUR)
    await night.house.database.write(lambda tx: tx.run("DROP TABLE contact_test"))
    assert "mo sms C_DUTY" in await night.at(EVENING + HOUR / 2)


# ---- a look at many homes --------------------------------------------------------------------------------


async def test_a_long_look_rests_after_each_part() -> None:
    """A short one is over before anybody could wait for it; of a long one most of the time is others'."""
    paused = list[float]()
    instants = iter([0.0, AT_ONCE_SECONDS, 1.0, 1.0 + AT_ONCE_SECONDS, 2.0])

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    leisure = Leisure(pause, lambda: next(instants))
    await leisure.rest()
    assert paused == []
    await leisure.rest()
    assert paused == [pytest.approx(AT_ONCE_SECONDS * REST)]


async def test_who_comes_on_does_not_wait_for_a_long_look(night: Night) -> None:
    """It looks at one organisation for two minutes: meanwhile half an hour is left until a shift begins."""
    await a_change_at_22(night)

    class Slow(DutyBell):
        async def _ahead(self, *_: object) -> list[Act]:
            night.house.clock.after(minutes=2)
            return []

    night.bell = Slow(night.house.casebook)
    assert await night.at(EVENING + 29 * MINUTE) == ["dee sms C_DUTY", "dee telegram C_DUTY"]


async def test_a_house_that_goes_to_sleep_ends_the_look(night: Night) -> None:
    """Nothing is told of half a look; the next life looks from the beginning."""
    await night.house.database.write(lambda tx: tx.run("DELETE FROM duty"))
    await night.puts("1", "cat", from_at=EVENING, until_at=EVENING + 20 * HOUR)
    await night.puts("2", "cat", "", kind="leave", from_at=EVENING + 6 * HOUR, until_at=EVENING + 10 * HOUR)
    stopped, night.bell = DutyBell(night.house.casebook), DutyBell(night.house.casebook)
    stopped.stop()
    await stopped.ring(EVENING + HOUR)
    assert "ola sms C_GAP" not in await night.new()
    assert "ola sms C_GAP" in await night.at(EVENING + HOUR)

"""What lies at the provider whatever becomes of a request: answers that are lost, houses that die between two steps."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from casework.events import WorryRaised
from scheduler.auditor import Auditor
from scheduler.dead_man import PATIENCE, ROUNDS_APART, DeadMan
from scheduler.outbox import Refused, Unreachable
from storage import contacts, planning
from storage.desk import Desk
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, House, a_house

pytestmark = ON_BOTH
ALICE, MO, CASS, DEE = "+447700900101", "+447700900102", "+447700900301", "+447700900302"
LOST_AT_MOST = 5


@dataclass
class Provider:
    """Keeps texts; does as it is asked and then may lose the answer."""

    lying: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)
    loses: int = 0
    refuses: set[str] = field(default_factory=set)
    breaks: set[str] = field(default_factory=set)
    asked: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def schedule(self, address: str, body: str, at: datetime) -> str:
        if address in self.breaks:
            raise ValueError("of another kind than a provider's")
        if address in self.refuses:
            self.asked += 1
            raise Refused("21610")
        sid = f"SM{next(self._numbers)}"
        self.lying[sid] = address, body, at
        self._lose()
        return sid

    async def call_back(self, provider_id: str) -> None:
        self.lying.pop(provider_id, None)
        self._lose()

    async def waiting(self, address: str) -> Sequence[tuple[str, str]]:
        self._lose()
        return [(sid, body) for sid, (to, body, _) in self.lying.items() if to == address]

    def _lose(self) -> None:
        self.asked += 1
        if self.loses:
            self.loses -= 1
            raise Unreachable("TimeoutError")

    def addresses(self) -> list[str]:
        return sorted(to for to, _, _ in self.lying.values())


async def settled(h: House, man: DeadMan) -> None:
    """Look, with patience, as often as any of these tests loses an answer, and once more: then nothing is left to do."""
    for _ in range(LOST_AT_MOST + 1):
        await man.turn(h.clock.after(seconds=PATIENCE.total_seconds()), at_once=True)
    assert not await man.turn(h.clock.now(), at_once=True)


async def test_a_lost_answer_leaves_no_text_that_nobody_knows_of(tmp_path: Path) -> None:
    """It was put there all the same: it is found, called back, and put anew. In the end one lies there for each."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        man = DeadMan(h.casebook, provider)
        await h.opens()
        for lost in range(1, LOST_AT_MOST + 1):
            provider.loses = lost
            await h.record((await h.row("SELECT case_id FROM case_row"))["case_id"], WorryRaised)
            await settled(h, man)
            assert provider.addresses() == [ALICE, CASS]


async def test_a_house_that_died_between_asking_and_writing_down_finds_its_texts(tmp_path: Path) -> None:
    """What it had asked for is known from before the request; the next house asks the provider what came of it."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        await h.opens()
        await DeadMan(h.casebook, provider).turn(h.clock.now())
        await h.database.write(lambda tx: tx.run("UPDATE dead_man SET state = 'asked', provider_id = NULL"))
        await settled(h, DeadMan(h.casebook, provider))
        assert provider.addresses() == [ALICE, CASS]
        known = await h.rows("SELECT provider_id FROM dead_man WHERE state = 'stands'")
        assert {row["provider_id"] for row in known} == provider.lying.keys()


async def test_other_texts_to_the_same_person_are_left_alone(tmp_path: Path) -> None:
    """Only what names the case is called back as unknown."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        provider.lying["other"] = CASS, "Z99: of another house", EVENING
        await h.opens()
        await DeadMan(h.casebook, provider).turn(h.clock.now())
        await h.database.write(lambda tx: tx.run("UPDATE dead_man SET state = 'asked', provider_id = NULL"))
        await settled(h, DeadMan(h.casebook, provider))
        assert "other" in provider.lying and provider.addresses() == [ALICE, CASS, CASS]


async def test_who_is_alerted_first_may_change_without_any_news(tmp_path: Path) -> None:
    """At the next round the text lies there for whoever is on duty now, and for the one before no more."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        man = DeadMan(h.casebook, provider)
        await h.opens()
        await settled(h, man)
        await h.database.write(lambda tx: tx.run("UPDATE duty SET person = 'dee' WHERE role = 'coordinator'"))
        h.clock.after(minutes=1)
        await settled(h, man)
        assert provider.addresses() == [ALICE, DEE]


async def test_where_nothing_changed_nothing_is_asked_and_nothing_written(tmp_path: Path) -> None:
    """An idle house costs no request and no write."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        man = DeadMan(h.casebook, provider)
        await h.opens()
        await settled(h, man)
        asked, kept = provider.asked, await h.rows("SELECT * FROM dead_man ORDER BY person")
        writes: list[object] = []
        h.database.write = writes.append  # type: ignore[method-assign, assignment]
        for _ in range(10):
            h.clock.after(minutes=1)
            await man.turn(h.clock.now())
        assert (asked, kept) == (provider.asked, await h.rows("SELECT * FROM dead_man ORDER BY person"))
        assert not writes


async def test_a_look_is_taken_every_few_seconds_and_not_at_each_tick(tmp_path: Path) -> None:
    """Steps that follow each other closely move a text once."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        man = DeadMan(h.casebook, provider)
        await man.turn(h.clock.now())
        await h.opens()
        assert await man.turn(h.clock.after(seconds=1)) == 0
        assert await man.turn(h.clock.after(seconds=5)) == 2


async def test_nobody_who_can_be_texted_means_everybody_on_call(tmp_path: Path) -> None:
    """A case for which nobody would be told is the one thing that may not be."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        await h.database.write(lambda tx: tx.run("UPDATE person SET mobile = NULL WHERE id IN ('alice', 'cass')"))
        await h.opens()
        await DeadMan(h.casebook, provider).turn(h.clock.now())
        assert provider.addresses() == ["+447700900102", DEE]
        assert {at for _, _, at in provider.lying.values()} == {await _next_due(h) + timedelta(minutes=10)}


@pytest.mark.parametrize("lacks", ["a mobile", "the evening: on leave"])
async def test_behind_who_is_alerted_first_and_cannot_be_counted_on_the_next_is_told_too(
    tmp_path: Path, lacks: str
) -> None:
    """Else the reporter would be the only one to hear that this house is dead."""

    async def away(desk: Desk) -> None:
        cass = await desk.directory.person("cass")
        assert cass is not None
        await planning.leave(desk, cass, "cass", EVENING - timedelta(hours=1), EVENING + timedelta(hours=9))

    async with a_house(tmp_path) as h:
        provider = Provider()
        if lacks == "a mobile":
            await h.database.write(lambda tx: tx.run("UPDATE person SET mobile = NULL WHERE id = 'cass'"))
        else:
            await h.casebook.at_desk(away)
        await h.opens()
        await DeadMan(h.casebook, provider).turn(h.clock.now())
        assert provider.addresses() == [ALICE, *([] if lacks == "a mobile" else [CASS]), DEE]


async def test_a_mobile_at_which_nothing_arrives_is_none(tmp_path: Path) -> None:
    """Alice has texted STOP and Cass's number is wrong: everybody else on call gets it."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        for person, address in (("alice", ALICE), ("cass", CASS)):
            died = partial(contacts.died, person=person, channel="sms", address=address, fault="21610", now=EVENING)
            await h.database.write(died)
        await h.opens()
        await DeadMan(h.casebook, provider).turn(h.clock.now())
        assert provider.addresses() == ["+447700900102", DEE]


async def _next_due(h: House) -> datetime:
    row = await h.row("SELECT next_due FROM case_row")
    return datetime.fromtimestamp(row["next_due"] / 1000, tz=EVENING.tzinfo)


async def test_a_provider_that_is_out_is_asked_once_and_nothing_is_in_doubt_about_what_it_was_not_asked(
    tmp_path: Path,
) -> None:
    """One request goes out in vain; when the provider is back each text is put there, and none had to be looked for but one."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        man = DeadMan(h.casebook, provider)
        provider.loses = 1000
        for child in ("K7", "K8"):
            await h.opens(child)
        await man.turn(h.clock.now())
        assert provider.asked == 1
        assert len(await h.rows("SELECT 1 AS yes FROM dead_man WHERE state = 'asked'")) == 1
        provider.loses, asked = 0, provider.asked
        await man.turn(h.clock.after(seconds=5), at_once=True)
        assert provider.asked == asked, "it is left alone for a little"
        await settled(h, man)
        assert provider.addresses() == [ALICE, ALICE, CASS, CASS]


async def test_a_refused_text_takes_no_good_one_with_it(tmp_path: Path) -> None:
    """The one about the last deadline stays until a successor stands; in the next round, not before, it is tried again."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        man = DeadMan(h.casebook, provider)
        await h.opens()
        await settled(h, man)
        old = {sid for sid, (to, _, _) in provider.lying.items() if to == ALICE}
        provider.refuses.add(ALICE)
        await h.silence(await _next_due(h))
        await settled(h, man)
        assert provider.addresses() == [ALICE, CASS] and old <= provider.lying.keys()
        asked = provider.asked
        await man.turn(h.clock.now(), at_once=True)
        assert provider.asked == asked, "not again and again"
        provider.refuses.clear()
        h.clock.after(seconds=ROUNDS_APART.total_seconds())
        await settled(h, man)
        assert provider.addresses() == [ALICE, CASS] and not old & provider.lying.keys()


async def test_where_all_are_refused_everybody_on_call_is_told(tmp_path: Path) -> None:
    """Until one for whom it is meant can be texted again."""
    async with a_house(tmp_path) as h:
        provider = Provider(refuses={ALICE, CASS})
        man = DeadMan(h.casebook, provider)
        await h.opens()
        await settled(h, man)
        assert provider.addresses() == [MO, DEE]
        provider.refuses.clear()
        h.clock.after(seconds=ROUNDS_APART.total_seconds())
        await settled(h, man)
        assert provider.addresses() == [ALICE, CASS]


async def test_the_last_text_of_an_open_case_stays_though_it_is_nobodys_any_more(tmp_path: Path) -> None:
    """Duty has changed, and no new text can be put anywhere: better the one to whoever had it before than none."""
    async with a_house(tmp_path) as h:
        provider = Provider(refuses={ALICE})
        man = DeadMan(h.casebook, provider)
        await h.opens()
        await settled(h, man)
        assert provider.addresses() == [CASS]
        provider.refuses |= {MO, DEE}
        await h.database.write(lambda tx: tx.run("UPDATE duty SET person = 'dee' WHERE role = 'coordinator'"))
        h.clock.after(seconds=ROUNDS_APART.total_seconds())
        await settled(h, man)
        assert provider.addresses() == [CASS]


async def test_one_case_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    """It is known as one that could not be looked after until it can be, and is tried again in each round."""
    async with a_house(tmp_path) as h:
        provider = Provider()
        man = DeadMan(h.casebook, provider)
        poisoned, good = await h.opens("K7"), await h.opens("K8")
        (whole,) = await h.rows("SELECT folded FROM case_row WHERE case_id = ?", poisoned)
        await h.database.write(lambda tx: tx.run("UPDATE case_row SET folded = '{' WHERE case_id = ?", poisoned))
        await settled(h, man)
        assert provider.addresses() == [ALICE, CASS] and man.faulty == {poisoned}
        assert {row["case_id"] for row in await h.rows("SELECT case_id FROM dead_man")} == {good}
        audit = await Auditor(h.casebook, texts=lambda: len(man.faulty)).look(h.clock.now())
        assert audit.found["dead_man_faults"] == 1
        await h.database.write(
            lambda tx: tx.run("UPDATE case_row SET folded = ? WHERE case_id = ?", whole["folded"], poisoned)
        )
        h.clock.after(seconds=ROUNDS_APART.total_seconds())
        await settled(h, man)
        assert provider.addresses() == [ALICE, ALICE, CASS, CASS] and not man.faulty


async def test_a_fault_of_another_kind_than_the_providers_stops_no_other_text(tmp_path: Path) -> None:
    """The others are put there; the one is tried again in the next round, when it is first looked for at the provider."""
    async with a_house(tmp_path) as h:
        provider = Provider(breaks={ALICE})
        man = DeadMan(h.casebook, provider)
        case_id = await h.opens()
        await man.turn(h.clock.now())
        assert provider.addresses() == [CASS] and man.faulty == {case_id} and man.out_since is None
        provider.breaks.clear()
        h.clock.after(seconds=ROUNDS_APART.total_seconds())
        await settled(h, man)
        assert provider.addresses() == [ALICE, CASS] and not man.faulty

"""Two whole houses on one PostgreSQL, one of which is killed or stopped in each round while people write to the other.

Every message answered with 2xx is in the log once, what falls due rings on the house that lives, no report is made
twice and no letter is lost. `PORCHLIGHT_HOUSE_ROUNDS=20` is the long form; moments come from a printed seed.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from storage.codec import ms
from storage.outbox import AGAIN
from storage.postgres_pool import LEASE
from tests.crash.town import FACTOR, Node, Town, two_houses
from tests.databases import ON_POSTGRESQL

pytestmark = [pytest.mark.slow, *ON_POSTGRESQL]

ROUNDS = int(os.environ.get("PORCHLIGHT_HOUSE_ROUNDS", "3"))
LONG = ROUNDS >= 20
BOUND_SECONDS = 10 if LONG else 30  # of a takeover; CI's machines are slow and shared
LETTERS_SECONDS = 90 if LONG else 180  # of the houses' time, in which the letters of a dead house leave from the other
STILL_SECONDS = LEASE.total_seconds() + 2
LOOK_SECONDS = 0.05
WITHIN_SECONDS = 0.5  # of a message's coming in
LEAPS = 0.6  # of the rounds begin with something due
TRIES = 10
OPENING = (("alice", "/absent K7"), ("ben", "/absent B2"), ("pat", "MISSING"), ("alice", "/absent L4"))
WORDS = (
    ("alice", "/worried {code} {{}} he said he was scared"), ("ben", "/note {code} {{}} nobody at the park"),
    ("cass", "/note {code} {{}} rang the control room"), ("pat", "WORRIED {{}} she has no coat"),
)  # fmt: skip
LETTERS = "SELECT address, body, provider_id, state, edit FROM outbox WHERE channel IN ('sms', 'telegram')"


@dataclass(slots=True)
class Night:
    """Rounds of harm in one town, and what they showed."""

    town: Town
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    took_seconds: list[float] = field(default_factory=list)
    letters_seconds: list[float] = field(default_factory=list)

    async def message(self) -> dict[str, Any]:
        """Something that somebody on this night writes."""
        who, words = self.chance.choice(WORDS)
        codes = [row["code"] for row in await self.town.rows("SELECT code FROM case_row WHERE home = 'oak'")]
        return self.town.write(who, words.format(code=self.chance.choice(codes)))

    async def deliver(self, house: Node, what: dict[str, Any]) -> None:
        """Post until it is answered, as a provider does."""
        for _ in range(TRIES):
            if await house.post(what):
                return
            self.counts["posted again"] += 1
            await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError(f"never answered: {what}")

    async def round(self) -> None:
        """One house falls while a message comes in; the other takes that message, new ones, and all that is due."""
        victim, other = self.chance.sample((self.town.north, self.town.south), 2)
        stops = self.chance.random() < 0.5
        what = await self.message()
        if self.chance.random() < LEAPS:
            await self.town.leap()
        caught = asyncio.create_task(victim.post(what))
        await asyncio.sleep(self.chance.random() * WITHIN_SECONDS)
        victim.signal(signal.SIGSTOP if stops else signal.SIGKILL)
        fell = time.monotonic()
        self.counts["pauses" if stops else "kills"] += 1
        taking_over = asyncio.gather(self._rung(fell), self._sent(fell), self._still(fell, stops=stops))
        if not (caught.done() and await caught):
            await self.deliver(other, what)
        for _ in range(2):
            await self.deliver(other, await self.message())
        await taking_over
        if stops:
            victim.signal(signal.SIGCONT)
        else:
            await victim.kill()
            await victim.start()
        await caught

    async def _still(self, fell: float, *, stops: bool) -> None:
        if stops:
            await asyncio.sleep(max(0.0, fell + STILL_SECONDS - time.monotonic()))

    async def _rung(self, fell: float) -> None:
        """Wait until all that is due now has rung, or is no longer due. Fails after the bound."""
        due = await self._due()
        left = due
        while left:
            assert time.monotonic() - fell < BOUND_SECONDS, f"{len(left)} of {len(due)} deadlines wait for the dead"
            await asyncio.sleep(LOOK_SECONDS)
            left = left & await self._due()
        if due:
            self.took_seconds.append(time.monotonic() - fell)

    async def _due(self) -> set[tuple[Any, ...]]:
        sql = "SELECT case_id, key, due_at FROM deadline WHERE due_at <= ?"
        return {
            (row["case_id"], row["key"], row["due_at"]) for row in await self.town.rows(sql, ms(await self.town.now()))
        }

    async def _sent(self, fell: float) -> None:
        """Wait until the letters that were being sent when a house fell have left. Fails after 90 s of the houses' time."""
        left = held = await self._sending()
        while left:
            waited_seconds = (time.monotonic() - fell) * FACTOR
            assert waited_seconds < LETTERS_SECONDS, f"{len(left)} of {len(held)} letters wait for the dead"
            await asyncio.sleep(LOOK_SECONDS)
            left = left & await self._sending()
        if held:
            self.letters_seconds.append((time.monotonic() - fell) * FACTOR)
            self.counts["letters in hand when a house fell"] += len(held)

    async def _sending(self) -> set[str]:
        return {row["id"] for row in await self.town.rows("SELECT id FROM outbox WHERE state = 'sending'")}

    # ---- what must hold in the end ------------------------------------------------------------------

    async def look_back(self) -> None:
        """All is quiet again, and the books are whole."""
        fell = time.monotonic()
        await self._rung(fell)
        await self._sent(fell)
        code, said = await self.town.north.command("verify")
        assert code == 0, said
        states = {row["state"] for row in await self.town.rows("SELECT state FROM inbox")}
        assert states <= {"done", "ignored"}
        await self._each_message_once()
        await self._no_letter_lost()

    async def _each_message_once(self) -> None:
        kept = await self.town.rows(
            "SELECT words.body FROM words JOIN event ON event.body::json #>> '{says,words}' = words.words_id"
        )
        for mark in self.town.marks:
            assert 1 == sum(mark in row["body"] for row in kept), mark
        assert len(OPENING) == len(await self.town.rows("SELECT 1 FROM case_row"))

    async def _no_letter_lost(self) -> None:
        """What the books call sent is on a phone, and no words are there twice but those that are marked as a repeat."""
        letters, sandbox = await self.town.rows(LETTERS), self.town.sandbox
        known = {*sandbox.twilio.messages, *(str(each.message.message_id) for each in sandbox.board.sent)}
        assert {row["state"] for row in letters} <= {"queued", "sending", "sent", "expired", "cancelled"}
        assert {row["provider_id"] for row in letters if row["state"] == "sent"} <= known
        written = Counter((row["address"], row["body"].removeprefix(AGAIN)) for row in letters)
        edits = {(row["address"], row["body"]) for row in letters if row["edit"] is not None}
        shown = Counter((each.address, each.message.text) for each in sandbox.board.sent)
        twice = {key: count for key, count in shown.items() if key not in edits and count > written.get(key, count)}
        assert {} == twice
        self.counts["letters sent"] = sum(row["state"] == "sent" for row in letters)
        self.counts["letters repeated"] = sum(text.startswith(AGAIN) for _, text in shown.elements())

    def figures(self) -> list[tuple[str, object]]:
        """The table that is printed at the end."""
        took, letters = sorted(self.took_seconds), sorted(self.letters_seconds)
        return [
            ("rounds", ROUNDS), *sorted(self.counts.items()), ("messages", len(self.town.marks)),
            ("rounds with something due", len(took)),
            *((f"takeover {name}, s", f"{took[at]:.2f}") for name, at in (("p50", len(took) // 2), ("max", -1)) if took),
            *(("letters of the dead, s of the house", f"{each:.0f}") for each in letters[-1:]),
        ]  # fmt: skip


async def test_what_a_dead_house_leaves_is_done_by_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """P1, P3, P4, P5, P19: with whole houses, real clients and real webhooks."""
    seed = os.environ.get("PORCHLIGHT_NODE_SEED", str(random.SystemRandom().randrange(10**9)))
    with capsys.disabled():
        print(f"\nnode seed {seed}: PORCHLIGHT_NODE_SEED={seed} draws the same moments")
    async with two_houses(tmp_path) as town:
        night = Night(town, random.Random(seed))
        for who, words in OPENING:
            await night.deliver(town.north, town.write(who, words))
        for _ in range(ROUNDS):
            await night.round()
        await night.look_back()
    with capsys.disabled():
        print("\n".join(f"{name:36} {value}" for name, value in night.figures()))

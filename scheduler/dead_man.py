"""Which texts lie at the provider for the case that this house dies? A little after each step they are put where they ought
to lie: the next one first, and only then the one before it is called back.

If the house dies, nobody calls them back, and each open case still raises the alarm. If the provider cannot be reached to
move one, or refuses the next, it stays: a false alarm is the safe side. No piece of news waits for any of this.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import structlog

from scheduler.outbox import Refused, Unreachable
from storage import dead_men
from storage.casebook import Casebook, where
from storage.database import Tx, Unusable
from storage.dead_men import Key, Plan, Text

T = TypeVar("T")

EVERY = timedelta(seconds=5)
ROUNDS_APART = timedelta(seconds=60)  # looks at cases in which nothing happened: who is alerted first may have changed
AT_ONCE, IN_ROUND, SIDE_BY_SIDE = 200, 100, 8
PATIENCE = timedelta(seconds=15)  # before a provider that could not be reached is asked again
LATE_COMMITS = timedelta(seconds=5)  # with several nodes an entry may appear behind one that was written after it
FEED_BACK = 5000  # entries of the log that are looked at again by a house that starts
_log = structlog.get_logger(__name__)


class Keeper(Protocol):
    """Who keeps texts until their time. Each call raises Refused or Unreachable."""

    async def schedule(self, address: str, body: str, at: datetime) -> str: ...
    async def call_back(self, provider_id: str) -> None: ...
    async def waiting(self, address: str) -> Sequence[tuple[str, str]]: ...


class _LeftAlone(Unreachable):
    """The provider was not asked at all, for it could not be reached a moment ago."""


class _Failed(Unreachable):
    """Asking came to grief on our side: perhaps the text stands. The provider is not left alone for it."""


class DeadMan:
    """Keeps the texts of one casebook where they ought to lie. One node at a time does."""

    def __init__(self, casebook: Casebook, keeper: Keeper) -> None:
        self._casebook, self._keeper = casebook, keeper
        self._turned: datetime | None = None
        self._rounded: datetime | None = None
        self._at: int | None = None  # the entry of the log up to which all cases were looked at
        self._seen: dict[str, int] = {}  # cases that were looked at behind it, and up to which entry
        self._round: tuple[str, str] = ("", "")
        self._texts_round = ""
        self._again: set[str] = set()  # cases of which something is still to be done
        self._refused: dict[
            tuple[str, Key, datetime], datetime
        ] = {}  # texts that were refused since the last round, and when
        self._failing: set[str] = set()  # of the cases that are being settled
        self.faulty: frozenset[str] = frozenset()  # cases that could not be looked after; each round tries them again
        self._quiet_until: datetime | None = None
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self.out_since: datetime | None = None  # since when the provider cannot be reached

    async def turn(self, now: datetime, *, at_once: bool = False) -> int:
        """Look at what changed, and mend what lies wrong; returns how many texts were put or called back."""
        if not at_once and self._turned is not None and timedelta(0) <= now - self._turned < EVERY:
            return 0
        self._turned = now
        self._refused = {text: at for text, at in self._refused.items() if now - at < ROUNDS_APART}
        self._again |= {*await self._fresh(now), *await self._in_round(now)}
        if self._quiet_until is not None and now < self._quiet_until:
            return 0
        self._quiet_until = None
        look_at, done = sorted(self._again), 0
        for first in range(0, len(look_at), AT_ONCE):
            if self._quiet_until is None:
                done += await self._settle(look_at[first : first + AT_ONCE], now)
        return done

    # ---- which cases ------------------------------------------------------------------------------------

    async def _fresh(self, now: datetime) -> list[str]:
        """Cases in whose log something was written since the last look."""
        database = self._casebook.database
        if self._at is None:
            self._at = max(0, await database.read(dead_men.newest) - FEED_BACK)
        entries = await database.read(partial(dead_men.fed, after=self._at))
        cases = [case_id for seq, case_id, _ in entries if seq > self._seen.get(case_id, 0)]
        self._seen |= {case_id: seq for seq, case_id, _ in entries}
        for seq, _, written in entries:
            if database.shared and now - written < LATE_COMMITS:
                break
            self._at = seq
        self._seen = {case_id: seq for case_id, seq in self._seen.items() if seq > self._at}
        return cases

    async def _in_round(self, now: datetime) -> list[str]:
        """The next few of all open cases, and of all for which something lies there."""
        if self._round == ("", "") and self._rounded is not None and now - self._rounded < ROUNDS_APART:
            return []
        faulty = self.faulty if self._round == ("", "") else ()
        self._rounded = now
        read = self._casebook.database.read
        open_ones = await read(lambda tx: dead_men.round_of(tx, self._round, IN_ROUND))
        self._round = open_ones[-1] if len(open_ones) == IN_ROUND else ("", "")
        lying = await read(lambda tx: dead_men.with_texts(tx, self._texts_round, IN_ROUND))
        self._texts_round = lying[-1] if len(lying) == IN_ROUND else ""
        return [*(case_id for _, case_id in open_ones), *lying, *faulty]

    # ---- what is done about them ------------------------------------------------------------------------

    async def _settle(self, case_ids: Sequence[str], now: datetime) -> int:
        self._failing = set()
        plans = await self._planned(case_ids, now)
        self._again -= {*case_ids} - {plan.case_id for plan in plans}
        known = [
            plan
            for plan in sorted(plans, key=Plan.leaves)
            if await self._safely(self._found_out(plan, now), plan.case_id, False)
        ]
        wanted = [text for plan in known for text in self._to_ask(plan)]
        if wanted:
            await self._write(lambda tx: dead_men.ask(tx, wanted))
        done = await asyncio.gather(
            *(self._safely(self._carry_out(plan, now), plan.case_id, (0, False)) for plan in known)
        )
        self._again -= {plan.case_id for plan, (_, whole) in zip(known, done, strict=True) if whole} | self._failing
        self.faulty = (self.faulty - {*case_ids}) | self._failing
        return sum(count for count, _ in done)

    async def _planned(self, case_ids: Sequence[str], now: datetime) -> list[Plan]:
        """All at once; where that fails each by itself, so that one case does not stop the others. Raises Unusable."""
        read, parts = self._casebook.database.read, self._casebook.parts
        try:
            return await read(lambda tx: dead_men.plans(tx, case_ids, now, parts))
        except Unusable:
            raise
        except Exception as fault:
            _log.warning("dead-man texts are planned case by case", fault=where(fault))
        each = [partial(dead_men.plans, case_ids=[case_id], now=now, parts=parts) for case_id in case_ids]
        alone = [await self._safely(read(plan), case_id, []) for case_id, plan in zip(case_ids, each, strict=True)]
        return [plan for plans in alone for plan in plans]

    async def _safely(self, work: Awaitable[T], case_id: str, otherwise: T) -> T:
        try:
            return await work
        except Exception as fault:
            self._note(case_id, fault)
            return otherwise

    def _note(self, case_id: str, fault: Exception) -> None:
        _log.error("the dead-man texts of a case could not be looked after", case=case_id, fault=where(fault))
        self._failing.add(case_id)

    def _to_ask(self, plan: Plan) -> list[Text]:
        """Those to put there; one that was refused a moment ago waits for the next round."""
        return [text for text in plan.put if _name(text) not in self._refused]

    async def _carry_out(self, plan: Plan, now: datetime) -> tuple[int, bool]:
        """Put what is to stand there, then call back what it replaces; returns how much was done, and whether all was: after
        a refusal somebody else may have to be told."""
        texts = self._to_ask(plan)
        states = await asyncio.gather(*(self._put(text, now) for text in texts))
        standing = {text.key for text, state in zip(texts, states, strict=True) if state == "stands"}
        gone = [text for text in plan.stale if _may_go(text, plan, standing) and _name(text) not in self._refused]
        back = await asyncio.gather(*(self._call_back(text, now) for text in gone))
        return sum(state != "asked" for state in states) + sum(back), len(standing) == len(texts) and all(back)

    async def _put(self, text: Text, now: datetime) -> str:
        """Returns how it is with it then: it `stands`, was `refused`, or is `asked` for without an answer."""
        leave = partial(self._keeper.schedule, text.address, text.body, text.send_at)
        try:
            sid = await self._asked(text.case_id, leave, now)
        except _LeftAlone:
            await self._write(lambda tx: dead_men.forget(tx, [text]))
            return "asked"
        except Unreachable:
            return "asked"  # perhaps it stands: who looks next finds out
        except Refused as fault:
            _log.error("a dead-man text was refused", case=text.case_id, person=text.person, code=fault.code)
            code = fault.code
            self._refused[_name(text)] = now
            await self._write(lambda tx: dead_men.note(tx, text, "refused", fault=code))
            return "refused"
        await self._write(lambda tx: dead_men.note(tx, text, "stands", provider_id=sid))
        return "stands"

    async def _call_back(self, text: Text, now: datetime) -> bool:
        if text.provider_id is not None:
            try:
                await self._asked(text.case_id, partial(self._keeper.call_back, text.provider_id), now)
            except Unreachable:
                return False
            except Refused as fault:
                _log.error("a dead-man text cannot be called back", case=text.case_id, code=fault.code)
                if now <= text.send_at:  # perhaps it stands: each round asks again until it has left
                    self._refused[_name(text)] = now
                    return False
        await self._write(lambda tx: dead_men.forget(tx, [text]))
        return True

    async def _found_out(self, plan: Plan, now: datetime) -> bool:
        """Of texts that were asked for before, and never heard of again: call back what came of it, so that none stands
        that nobody knows of. False where that cannot be found out now."""
        try:
            for text in plan.unknown:
                known = await self._casebook.database.read(partial(dead_men.known_at, address=text.address))
                for sid, body in await self._asked(text.case_id, partial(self._keeper.waiting, text.address), now):
                    if sid not in known and f"{plan.ref}:" in body:
                        await self._asked(text.case_id, partial(self._keeper.call_back, sid), now)
        except (Unreachable, Refused):
            return False
        if plan.unknown:
            await self._write(lambda tx: dead_men.forget(tx, plan.unknown))
        return True

    async def _asked(self, case_id: str, ask: Callable[[], Awaitable[T]], now: datetime) -> T:
        """Ask the provider; once it could not be reached, it is left alone for a little. Raises Refused, Unreachable."""
        async with self._slots:
            if self._quiet_until is not None:
                raise _LeftAlone("left alone")
            try:
                answer = await ask()
            except Unreachable as fault:
                _log.warning("dead-man texts cannot be moved now", code=fault.code)
                self._quiet_until = now + PATIENCE
                self.out_since = self.out_since or now
                raise
            except Refused:
                raise
            except Exception as fault:
                self._note(case_id, fault)
                raise _Failed(type(fault).__name__) from None
        self.out_since = None
        return answer

    async def _write(self, unit: Callable[[Tx], Awaitable[None]]) -> None:
        await self._casebook.database.write(unit)


def _name(text: Text) -> tuple[str, Key, datetime]:
    return text.case_id, text.key, text.due_at


def _may_go(stale: Text, plan: Plan, standing: Collection[Key]) -> bool:
    """Of a case that is not over the last text stays, and each until the one that takes its place stands."""
    if plan.over or stale.provider_id is None:
        return True
    waits = any(text.key == stale.key for text in plan.put) and stale.key not in standing
    return not waits and (plan.stands or bool(standing))

"""Knows the one door: nothing about a case is written except through here, one unit of work at a time.

A message is one unit: its inbox row, the news, the decisions, the letters and the deadlines are committed together, and
only then is it answered. A due deadline is one unit, too. What fails is undone to its savepoint and tried again; what
fails three times is set aside and shown to a human, and no other case waits for it (P17).
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias, TypeVar

import structlog

from casework.events import AbsenceReported, DeadlinePassed, News, WatchSet
from casework.protocol import Protocol
from casework.step import Step
from casework.wording import Phrasebook
from storage import deadlines, inbox, quarantine
from storage.chance import Chance
from storage.codec import instant, ms
from storage.database import Database, Tx
from storage.deadlines import BATCH
from storage.desk import Desk
from storage.inbox import Heard
from storage.parts import Parts, no_crash

T = TypeVar("T")
Answer: TypeAlias = Callable[[Desk], Awaitable[None]]

PLAN = 16 * BATCH  # cases looked at ahead: their ids are all that is held in memory
STUMBLED_WAITS = timedelta(minutes=5)
_log = structlog.get_logger(__name__)


class Casebook:
    """The casebook of one database."""

    def __init__(
        self, database: Database, protocols: Mapping[str, Protocol], books: Mapping[str, Phrasebook],
        now: Callable[[], datetime], chance: Chance, *, audit_key: bytes, drill: bool = False,
        crash: Callable[[str], None] = no_crash, ways: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.database = database
        self.parts = Parts(
            protocols=protocols,
            books=books,
            chance=chance,
            audit_key=audit_key,
            drill=drill,
            crash=crash,
            ways=frozenset(ways),
        )
        self._now = now
        self._stumbled: dict[str, datetime] = {}  # cases whose deadline failed, and when they are tried again

    def now(self) -> datetime:
        """The instant, UTC, in whole milliseconds."""
        return instant(ms(self._now()))

    # ---- one piece of news --------------------------------------------------------------------------

    async def open(self, news: AbsenceReported | WatchSet, heard: Heard | None = None) -> str:
        """Open a case or a watch; returns its id. A repeat of `heard` returns the id of the first time.

        Raises RetiredProtocol when the news names a retired protocol.
        """

        async def act(desk: Desk) -> str:
            if heard is not None and not await inbox.take(desk.tx, heard):
                return await inbox.case_of(desk.tx, heard)
            case_id = await desk.open(news)
            if heard is not None:
                await inbox.mark(desk.tx, heard, "done", case_id=case_id)
            return case_id

        return await self.at_desk(act)

    async def record(self, case_id: str, news: News, heard: Heard | None = None) -> Step:
        """Record one piece of news in a case. A repeat of `heard` changes nothing. Raises NotAllowed for no case."""

        async def act(desk: Desk) -> Step:
            if heard is not None and not await inbox.take(desk.tx, heard, case_id):
                case = await desk.case(case_id)
                assert case is not None, "what was heard before was heard about a case"
                return Step(case, (), ())
            return await desk.record(case_id, news)

        return await self.at_desk(act)

    async def at_desk(self, act: Callable[[Desk], Awaitable[T]]) -> T:
        """One unit of work with no message behind it: the command line, the sandbox, a receipt."""

        async def unit(tx: Tx) -> T:
            desk = self._desk(tx)
            result = await act(desk)
            await desk.clear()
            return result

        return await self.database.write(unit)

    # ---- one message --------------------------------------------------------------------------------

    async def hear(self, heard: Heard, answer: Answer) -> str:
        """Take one message and do all that `answer` does at the desk, in one transaction, once for ever.

        Returns `done`, `ignored`, `quarantined`, or `repeat` (taken before: nothing done), or `new`: the answer failed,
        was undone, and is tried again by `retry_inbox`. Raises only when nothing could be written.
        """

        async def unit(tx: Tx) -> str:
            if not await inbox.take(tx, heard):
                return "repeat"
            return await self._work(tx, heard, answer, written="done")

        return await self.database.write(unit)

    async def retry_inbox(self, answer_for: Callable[[Heard], Answer]) -> int:
        """Try every message that still waits once more; returns how many were tried."""
        waiting, unread = await self.database.read(inbox.waiting)
        for row_id in unread:
            await self.database.write(partial(self._set_aside, row_id=row_id))
        for heard in waiting:
            await self.database.write(self._retrying(heard, answer_for))
        return len(waiting)

    async def _set_aside(self, tx: Tx, row_id: int) -> None:
        if await inbox.set_aside(tx, row_id):
            _log.critical("a message cannot be read and was set aside", row=row_id)
            await quarantine.show(tx, self.now(), self.parts, "a message that cannot be read")

    def _retrying(self, heard: Heard, answer_for: Callable[[Heard], Answer]) -> Callable[[Tx], Awaitable[str]]:
        async def unit(tx: Tx) -> str:
            row = await inbox.find(tx, heard.source, heard.external_id)
            if row is None or row.state != "new":
                return "repeat"

            async def answer(desk: Desk) -> None:
                await answer_for(heard)(desk)

            return await self._work(tx, heard, answer, written="new")

        return unit

    async def _work(self, tx: Tx, heard: Heard, answer: Answer, *, written: str) -> str:
        """Do what the message asks for; `written` is the state in which its row stands."""
        tx.around_commit("inbox", self.parts.crash)
        try:
            async with tx.savepoint():
                desk = self._desk(tx)
                await answer(desk)
                await desk.clear()
                if desk.outcome != written:
                    await inbox.mark(tx, heard, desk.outcome)
                return desk.outcome
        except Exception as error:
            if tx.again(error):
                raise  # the engine, not the message: nothing was kept; it runs this again or asks the sender to come again
            return await self._stumble(tx, heard, error)

    async def _stumble(self, tx: Tx, heard: Heard, error: Exception) -> str:
        fault = where(error)
        state = await inbox.stumbled(tx, heard, fault)
        _log.error("a message could not be worked", source=heard.source, id=heard.external_id, fault=fault, state=state)
        if state == "quarantined":
            await quarantine.show(tx, self.now(), self.parts, fault)
        return state

    # ---- the bells ----------------------------------------------------------------------------------

    async def ring(self, now: datetime | None = None, limit: int = PLAN, down_since: datetime | None = None) -> int:
        """Ring deadlines that are due, of `limit` cases at most, the most severe first; returns how many rang.

        1. look which cases are due, each organisation in its turn; a case that stumbled waits five minutes
        2. claim a batch of them and ring each in a savepoint of its own: one DeadlinePassed with all its due keys, at
           `now`, so that waits count from now. Claims and effects are one transaction; between two batches others
           have their turn, and what became more severe meanwhile is seen by the next call.
        3. a case that fails is left as it was, told of, and does not hold up the next
        """
        at = self.now() if now is None else instant(ms(now))
        waiting = {case_id for case_id, until in self._stumbled.items() if until > at}
        due = await self.database.read(lambda tx: deadlines.due_cases(tx, at, limit, waiting))
        batches = [due[first : first + BATCH] for first in range(0, len(due), BATCH)]
        rung = 0
        for first in range(0, len(batches), self.database.lanes):
            side_by_side = batches[first : first + self.database.lanes]
            rung += sum(await asyncio.gather(*(self._ring_batch(batch, at, down_since) for batch in side_by_side)))
        return rung

    async def next_due(self) -> datetime | None:
        """The earliest instant at which `ring` has something to do."""
        waiting = dict(self._stumbled)
        first = await self.database.read(lambda tx: deadlines.next_due(tx, waiting))
        return min([*waiting.values(), *([] if first is None else [first])], default=None)

    async def _ring_batch(self, case_ids: Sequence[str], at: datetime, down_since: datetime | None) -> int:
        async def unit(tx: Tx) -> tuple[dict[str, int], dict[str, Exception]]:
            rung, stumbled = dict[str, int](), dict[str, Exception]()
            for case_id in await deadlines.claim(tx, case_ids, at):
                try:
                    async with (
                        tx.savepoint()
                    ):  # what of a case cannot be read is met within it, and stops no other bell
                        rung[case_id] = await self._ring_one(tx, case_id, at, down_since)
                except Exception as error:
                    if tx.again(error):
                        raise
                    stumbled[case_id] = error
            return rung, stumbled

        rung, stumbled = await self.database.write(unit)
        for case_id in rung:
            self._stumbled.pop(case_id, None)
        for case_id, error in stumbled.items():
            await self._case_stumbled(case_id, at, error)
        return sum(rung.values())

    async def _ring_one(self, tx: Tx, case_id: str, at: datetime, down_since: datetime | None) -> int:
        armed = await deadlines.armed(tx, case_id)
        keys, due = deadlines.due_keys(armed, at)
        if due is None:
            return 0  # a linked case that rang before it moved it
        desk = Desk(tx, at, self.parts)
        held = await desk.held(case_id)
        assert held is not None, "a case that was claimed is there"
        tx.around_commit("deadline", self.parts.crash)
        news = DeadlinePassed(
            at=at, by="clock", channel="clock", kinds=keys, due=due,
            down_since=None if down_since is None or due < down_since else down_since,
        )  # fmt: skip
        await desk.note(held if held.deadlines is not None else held._replace(deadlines=armed), news)
        await desk.clear()
        return len(keys)

    async def _case_stumbled(self, case_id: str, at: datetime, error: Exception) -> None:
        """A case whose deadline cannot be worked must not fall silent: people on call are told, each time it fails."""
        _log.critical("a deadline could not be worked", case=case_id, fault=where(error))
        self._stumbled[case_id] = at + STUMBLED_WAITS

        async def unit(tx: Tx) -> None:
            row = await tx.row("SELECT code FROM case_row WHERE case_id = ?", case_id)
            if row is not None:
                await quarantine.show(tx, at, self.parts, f"deadline of {row['code']}, {where(error)}", case_id=case_id)

        try:
            await self.database.write(unit)
        except Exception as second:
            _log.critical("nobody could be told of it", case=case_id, fault=where(second))

    def _desk(self, tx: Tx) -> Desk:
        return Desk(tx, self.now(), self.parts)


def where(error: BaseException) -> str:
    """What went wrong and where, without the error's own words: they might quote a person."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place

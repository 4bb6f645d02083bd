"""Knows how one piece of news changes a case: the only place where a case is written.

1. the case is read, folded, with the head of its log
2. `step` decides, under the protocol the case was opened with
3. news and decisions are appended to the log and chained
4. the row, its deadlines, tasks and reporters follow from the case
5. effects become alerts, letters and report versions
6. linked children are told what it means for them (G01), each in a piece of news of its own

All in the one transaction of the unit of work that called it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from casework import deadlines as armed_by
from casework.case import Case
from casework.effects import CallOff, Effect, File, MarkAlerts, Tell, Withdraw
from casework.errors import NotAllowed
from casework.events import (
    AbsenceReported,
    CaseClosed,
    CompanionRaised,
    News,
    ReporterJoined,
    RungClimbed,
    WatchSet,
    WorryRaised,
)
from casework.levels import Status
from casework.protocol import Protocol
from casework.step import Step, step
from storage import cases, companions, deadlines, log, reports
from storage.cases import Held
from storage.codec import ms, settled, write_case
from storage.database import Tx
from storage.letters import Post
from storage.log import Head
from storage.parts import Parts
from storage.recent import Kept


@dataclass(slots=True)
class Recorder:
    """Writes news within one open unit of work. A case's version counts units, so each is counted once here."""

    tx: Tx
    now: datetime
    parts: Parts
    post: Post
    _counted: set[str] = field(default_factory=set)

    async def open(self, news: AbsenceReported | WatchSet) -> str:
        """Open a case or a watch; a child who has one keeps it, and the news joins it. Returns the case's id.

        Raises RetiredProtocol for a case that would have to be opened under a retired protocol.
        """
        held = await cases.open_of_child(self.tx, news.child.child_id, self.parts.recent)
        if held is not None:
            await self._join(held.case, news)
            return held.case.case_id
        protocol = self.parts.protocol_to_open(news.protocol)
        if await cases.code_taken(self.tx, news.code):
            code = await cases.free_code(self.tx, self.parts.chance, self.now, drill=self.parts.drill)
            news = replace(news, code=code)
        await self._write(None, news, protocol)
        return news.case_id

    async def _join(self, case: Case, news: AbsenceReported | WatchSet) -> None:
        if isinstance(news, WatchSet):
            return
        if case.status is Status.WATCHING:
            await self.record(case.case_id, replace(news, case_id=case.case_id, code=case.code, protocol=case.protocol))
            if case.reporter(news.reporter) is not None:
                return
        await self.record(
            case.case_id,
            ReporterJoined(
                at=news.at, by=news.reporter, channel=news.reporter_channel, trust=news.trust, words=news.words,
                side=news.side, askable=news.askable, t0=None if news.t0_kind == "reported" else news.t0,
            ),
        )  # fmt: skip

    async def record(self, case_id: str, news: News) -> Step:
        """Record one piece of news in a case. Raises NotAllowed when there is no such case."""
        held = await cases.find(self.tx, case_id, self.parts.recent)
        if held is None:
            raise NotAllowed("there is no such case")
        if held.case.status is Status.RETURNED and isinstance(news, WorryRaised):
            newer = await cases.open_of_child(self.tx, held.case.child.child_id, self.parts.recent)
            if newer is not None and newer.case.case_id != case_id:
                return await self.record(newer.case.case_id, news)  # the child is out again: that case hears the worry
        return await self.note(held, news)

    async def note(self, held: Held, news: News) -> Step:
        """Record one piece of news in a case that this unit has just read."""
        return await self._write(held, news, self.parts.protocol(held.case.protocol))

    async def _write(self, held: Held | None, news: News, protocol: Protocol) -> Step:
        before = held.case if held is not None else None
        news = settled(news)
        done = step(before, news, protocol)
        self.post.next_step(None if held is None else held.row["mark"])
        entries = (news, *done.decisions)
        head = await log.append(
            self.tx, self.parts.audit_key, done.case.case_id, held.head if held else Head(), entries, self.now
        )
        kinds = {type(each) for each in done.decisions}
        if RungClimbed in kinds:
            self.parts.crash("ladder.before_next")
        if CaseClosed in kinds:
            self.tx.around_commit("close", self.parts.crash)
        await self._store(held, done.case, head, protocol)
        for effect in done.effects:
            await self._carry_out(done.case, effect)
        if isinstance(news, AbsenceReported) and (before is None or before.status is Status.WATCHING):
            await self.post.look_at_ladder(done.case)
        if done.case.reported:
            await reports.note_reference(self.tx, done.case, before)
        if companions.could_matter(before, done.case, protocol):
            await self._tell_companions(done.case, protocol)
        return done

    async def _store(self, held: Held | None, case: Case, head: Head, protocol: Protocol) -> None:
        before = held.case if held is not None else None
        armed = armed_by.armed(case, protocol)
        self.post.stands(case, min(armed.values(), default=None))
        wanted = {key: ms(due) for key, due in armed.items()}
        shown = cases.row_of(case, protocol, before, min(wanted.values(), default=None))
        written = write_case(case, None if held is None else held.written)
        if held is None:
            await cases.insert(self.tx, written, shown, head)
        else:
            version = held.version + (case.case_id not in self._counted)
            await cases.update(self.tx, held, written, shown, head, version)
        self._counted.add(case.case_id)
        await deadlines.arrange(self.tx, case.case_id, wanted, {} if held is None else held.deadlines)
        if before is None or case.reporters is not before.reporters:
            await cases.note_reporters(self.tx, case, before)
        if before is None or case.tasks is not before.tasks:
            await cases.note_tasks(self.tx, case, before)
        self.parts.recent.keep(case.case_id, Kept(head.hash, written, wanted))

    async def _carry_out(self, case: Case, effect: Effect) -> None:
        match effect:
            case Tell():
                await self.post.tell(case, effect)
            case MarkAlerts():
                await self.post.mark(case, effect)
            case CallOff():
                await self.post.call_off(case, effect)
            case Withdraw():
                await self.post.withdraw(case, effect)
            case File():
                await self._file(case, effect)
            case _:
                assert_never(effect)

    async def _file(self, case: Case, effect: File) -> None:
        """A version of the report: its row, and a letter that carries it to the police's address."""
        await reports.file(self.tx, case, effect, self.now)
        self.tx.around_commit("report", self.parts.crash)
        await self.post.report(case, effect.version)

    async def _tell_companions(self, case: Case, protocol: Protocol) -> None:
        for case_id, other in await companions.raised(self.tx, case, protocol, self.parts.recent):
            news = CompanionRaised(
                at=self.now, by="house", channel="house", case_id=other.case_id, level=other.level, route=other.route
            )
            await self.record(case_id, news)

"""Builders with defaults: a child, a case that opened, a whole night on the pure core with no room above it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from bot.protocols import shelf
from casework.case import Case
from casework.deadlines import armed
from casework.effects import Effect, Tell
from casework.events import AbsenceReported, CheckAnswered, Child, DeadlinePassed, Event, News, WatchSet
from casework.evolve import replay
from casework.levels import Side, Trust
from casework.limits import LONDON
from casework.protocol import Protocol
from casework.speech import Spoken, one_each
from casework.step import Step, step

BASE = "england/base/2026-01-01"


@cache
def the_protocol(name: str = BASE) -> Protocol:
    return shelf(None)[name]


def a_child(**changes: object) -> Child:
    fields: dict[str, object] = {"child_id": "K7", "age": 15}
    return Child(**{**fields, **changes})  # type: ignore[arg-type]


def local(day: str, clock: str) -> datetime:
    """`day` YYYY-MM-DD and `clock` HH:MM on London's wall clock, as UTC."""
    hour, minute = clock.split(":")
    naive = datetime.fromisoformat(day).replace(hour=int(hour), minute=int(minute))
    return naive.replace(tzinfo=LONDON).astimezone(UTC)


@dataclass(frozen=True)
class Said:
    """One letter of the core: when, to whom, which text."""

    at: datetime
    to: str
    text: str
    tell: Tell

    def __str__(self) -> str:
        repeat = "REPEAT " if self.tell.repeat else ""
        return f"{self.at.astimezone(LONDON):%H:%M} {self.to} {repeat}{self.text}"


@dataclass
class Night:
    """Plays news and deadlines against the core alone, replaying the log from scratch after every step."""

    protocol: Protocol
    now: datetime
    case: Case | None = None
    log: list[Event] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    replays: bool = True  # rebuild the case from its log after every step; random nights do it once, at their end

    def hear(self, news: News) -> Step:
        made = step(self.case, news, self.protocol)
        self.log += [news, *made.decisions]
        self.case = made.case
        assert not self.replays or replay(self.log) == made.case
        drafts = [Spoken(e) for e in made.effects if isinstance(e, Tell)]
        for draft, at in one_each(drafts, news.at):
            self.said.append(Said(at=at, to=draft.tell.to.id or draft.tell.to.kind, text=draft.text, tell=draft.tell))
        self.effects += made.effects
        assert not self.case.open or armed(self.case, self.protocol), "an open case always has a deadline"
        return made

    def opens(self, child: Child, *, side: Side = Side.STAFF, by: str = "alice", t0: datetime | None = None,
              kind: str = "due", askable: bool = True) -> None:  # fmt: skip
        self.hear(
            AbsenceReported(
                at=self.now, by=by, channel="telegram" if side is Side.STAFF else "sms", trust=Trust.VERIFIED,
                case_id="org1-1", code="A17", organisation="org1", home="oak", child=child, protocol=self.protocol.name,
                t0=t0 or self.now, t0_kind=kind if t0 else "reported", opened_at=self.now, side=side, reporter=by,
                reporter_channel="telegram" if side is Side.STAFF else "sms", askable=askable,
            )
        )  # fmt: skip

    def watches(self, child: Child, due: datetime, by: str = "alice") -> None:
        self.hear(
            WatchSet(
                at=self.now, by=by, channel="telegram", case_id="org1-1", code="A17", organisation="org1", home="oak",
                child=child, protocol=self.protocol.name, due_at=due,
            )
        )  # fmt: skip

    def answers(self, check: str, *values: str, by: str | None = None, instant: datetime | None = None) -> None:
        assert self.case is not None
        who = by or self.case.worked_by
        reporter = self.case.reporter(who)
        channel = reporter.channel if reporter else "telegram"
        self.hear(CheckAnswered(at=self.now, by=who, channel=channel, check=check, values=values, instant=instant))

    def until(self, when: datetime) -> None:
        """Let every deadline up to and including `when` pass, each at its own instant."""
        for _ in range(2000):
            assert self.case is not None
            times = armed(self.case, self.protocol)
            due = min(times.values(), default=None)
            if due is None or due > when:
                break
            self.now = max(self.now, due)
            kinds = tuple(sorted(k for k, at in times.items() if at <= self.now))
            self.hear(DeadlinePassed(at=self.now, by="clock", channel="clock", kinds=kinds, due=due))
        else:
            raise AssertionError("the night does not move on")
        self.now = when

    def texts(self, since: datetime | None = None) -> list[str]:
        ordered = sorted(self.said, key=lambda s: s.at)
        return [str(s) for s in ordered if since is None or s.at >= since]


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)

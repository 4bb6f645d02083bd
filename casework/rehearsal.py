"""A night played on the pure core alone: news and deadlines, what was said to whom, and whatever went wrong on the way.

No room above the core is needed, so that a protocol can be tried before anybody trusts it with a child. Bounded: a
night that does not move on is a fault of the protocol, not an endless loop.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from casework.case import Case
from casework.deadlines import armed
from casework.effects import Tell, To
from casework.events import AbsenceReported, CheckAnswered, Child, DeadlinePassed, News, WatchSet
from casework.levels import Level, Route, Side, Status, Trust
from casework.protocol import Protocol
from casework.speech import Spoken, one_each
from casework.step import Step, step

MOST_DEADLINES = 3000
ADULT = {Side.STAFF: "staff", Side.PARENT: "parent"}


class Stuck(RuntimeError):
    """The deadlines of a night do not move on."""


@dataclass(frozen=True)
class Said:
    """One letter of the core: when, to whom, which text."""

    at: datetime
    to: str
    text: str
    rung: int | None = None


@dataclass
class Rehearsal:
    """One case under one protocol; `faults` are the promises that this night broke."""

    protocol: Protocol
    now: datetime
    side: Side = Side.STAFF
    case: Case | None = None
    said: list[Said] = field(default_factory=list)
    decided: list[tuple[datetime, Case]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def adult(self) -> str:
        return ADULT[self.side]

    def hear(self, news: News) -> Step:
        """Take one piece of news, and look at what came of it."""
        before = self.case
        made = step(before, news, self.protocol)
        self.case = made.case
        drafts = [Spoken(effect) for effect in made.effects if isinstance(effect, Tell)]
        told = [
            Said(at=at, to=_whom(draft.tell.to), text=draft.text, rung=draft.tell.alert)
            for draft, at in one_each(drafts, news.at)
        ]
        self.said += told
        self.decided.append((news.at, made.case))
        self.faults += watch(before, made.case, told, self.protocol)
        return made

    def opens(self, child: Child, t0: datetime | None) -> None:
        """A case opens now; without `t0` no time is known."""
        channel = "telegram" if self.side is Side.STAFF else "sms"
        self.hear(
            AbsenceReported(
                at=self.now, by=self.adult, channel=channel, trust=Trust.VERIFIED, case_id="rehearsal", code="A1",
                organisation="rehearsal", home="rehearsal", child=child, protocol=self.protocol.name, t0=t0 or self.now,
                t0_kind="due" if t0 else "reported", opened_at=self.now, side=self.side, reporter=self.adult,
                reporter_channel=channel,
            )
        )  # fmt: skip

    def watches(self, child: Child, due_at: datetime) -> None:
        """Staff set a watch now."""
        self.hear(
            WatchSet(
                at=self.now, by=self.adult, channel="telegram", case_id="rehearsal", code="A1",
                organisation="rehearsal", home="rehearsal", child=child, protocol=self.protocol.name, due_at=due_at,
            )
        )  # fmt: skip

    def answers(self, check: str, *values: str, instant: datetime | None = None) -> None:
        """The adult answers now."""
        channel = "telegram" if self.side is Side.STAFF else "sms"
        self.hear(
            CheckAnswered(at=self.now, by=self.adult, channel=channel, check=check, values=values, instant=instant)
        )

    def until(self, when: datetime, replies: Mapping[str, str] | None = None) -> None:
        """Let every deadline up to `when` pass, each at its own instant; `replies` answers prompts as they come.

        Raises Stuck.
        """
        for _ in range(MOST_DEADLINES):
            assert self.case is not None
            times = armed(self.case, self.protocol)
            due = min(times.values(), default=None)
            if due is None or due > when:
                break
            self.now = max(self.now, due)
            kinds = tuple(sorted(kind for kind, at in times.items() if at <= self.now))
            self.hear(DeadlinePassed(at=self.now, by="clock", channel="clock", kinds=kinds, due=due))
            self._reply(replies or {})
        else:
            raise Stuck("the night does not move on")
        self.now = max(self.now, when)

    def _reply(self, replies: Mapping[str, str]) -> None:
        assert self.case is not None
        asked = self.case.last_prompt(self.adult, self.now)
        if asked is not None and asked.check in replies:
            self.answers(asked.check, replies[asked.check])

    def texts(self, *, reporter: bool) -> list[Said]:
        """What was said to the adult who reported, or to everybody else, in order of time."""
        return sorted((s for s in self.said if (s.to == self.adult) is reporter), key=lambda s: s.at)


def _whom(to: To) -> str:
    """A person or a role by its id; of a group (`home_staff`, `told`) the id names who is left out."""
    return to.id if to.kind in ("person", "duty") else to.kind


def watch(before: Case | None, case: Case, told: list[Said], protocol: Protocol) -> list[str]:
    """The promises that one step broke, in words; empty is good."""
    faults = []
    if case.status is not Status.CLOSED and not armed(case, protocol):
        faults.append(f"an open case ({case.status}) without a deadline")
    if before is not None and case.level < before.level:
        faults.append(f"the level sank from {before.level.shown} to {case.level.shown}")
    if _flag_rose(before, case, protocol):
        adults = [r.person for r in case.reporters if r.askable]
        words = [s for s in sorted(told, key=lambda s: s.at) if s.to in adults]
        if case.level < Level.HIGH or (adults and (not words or words[0].text not in instructions(protocol))):
            flags = " ".join(case.flags)
            faults.append(f"red flag {flags}: the next words are not the instruction")
    return faults


def _flag_rose(before: Case | None, case: Case, protocol: Protocol) -> bool:
    """A red flag (not a concern for welfare) is new and raises the number to ring."""
    high = {flag.id for flag in protocol.flag if flag.route != "welfare"}
    new = set(case.flags) - set(before.flags if before else ())
    was = before.route if before else Route.NONE
    return bool(new & high) and case.route.strictness > was.strictness


def instructions(protocol: Protocol) -> set[str]:
    """The texts that tell an adult to ring the police now."""
    words = protocol.wording
    return {
        words.high_999, words.high_999_located, words.high_999_text, words.high_999_located_text, words.high_101,
        words.welfare, words.limit, words.medium, words.rise_with_number, "X_DOWN_LIMIT",
    }  # fmt: skip

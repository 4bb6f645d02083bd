"""The folded case: everything the rules look at, rebuilt from the log by `evolve` and stored beside it.

Its records have no slots: every event copies one, and a `__dict__` is copied whole, twenty times cheaper than field by
field. Therefore nothing but fields may stand in it; a `cached_property` would outlive the change that makes it untrue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from casework.events import Child, Reason
from casework.levels import Level, Located, Route, Side, Status, Trust

if TYPE_CHECKING:  # the type checker knows each record's fields through this one alone
    from dataclasses import replace as replace
else:
    R = TypeVar("R")

    def replace(record: R, **changes: object) -> R:
        """Copy a record of this file with some fields changed, like `dataclasses.replace`."""
        copy = object.__new__(type(record))
        copy.__dict__.update(record.__dict__)
        copy.__dict__.update(changes)
        return copy


def stamped(case: "Case", made: "Case", status: Status) -> "Case":
    """What the fold `made` of `case` by one event, with its status and the next `seq`. Where it made a copy, nobody else
    has seen that yet, and it need not be copied again."""
    whole = replace(case) if made is case else made
    whole.__dict__.update(status=status, seq=case.seq + 1)
    return whole


@dataclass(frozen=True, kw_only=True)
class Reporter:
    """An adult who reported the child or works the case."""

    person: str
    side: Side
    channel: str
    askable: bool


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A question that waits for its answer. Digits by SMS answer the latest one whose `asked_at` has come."""

    check: str
    to: str
    asked_at: datetime
    timed: bool
    repeats: int = 0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer to one check. A new asking begins a new `round`; within one, the riskiest answer stands (`facts`)."""

    values: tuple[str, ...]
    at: datetime
    by: str
    seq: int
    round: int
    words: str | None = None
    instant: datetime | None = None
    place: bool = False
    adult: bool = False
    approved: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Unsure:
    """An open `not sure`: M06 at `until` unless a human settles it."""

    check: str
    until: datetime
    climbed: bool = False
    settled: str = ""  # "" open | risk | none | expired


@dataclass(frozen=True, kw_only=True)
class Task:
    task: str
    owner_role: str
    due_at: datetime
    asked: int = 0
    rung: int = 1
    done_at: datetime | None = None
    done_by: str | None = None
    outcome: str = ""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """The acknowledgement chain: its rung (0 = none runs), who took it and until when. It is taken once as many people
    have `answered` as it `needs`."""

    rung: int = 0
    next_at: datetime | None = None
    taken_by: str | None = None
    taken_at: datetime | None = None
    taken_until: datetime | None = None
    acted_at: datetime | None = None  # the last act that was noted since it was taken
    rounds: int = 0
    needs: int = 1
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Police:
    """What is known of the police's side: a number told, a number confirmed, how often we chased, a refusal."""

    number: str | None = None
    told_by: str | None = None
    told_at: datetime | None = None
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    chase_at: datetime | None = None
    misses: int = 0
    chase_rung: int = 0
    declined_at: datetime | None = None
    declined_review_at: datetime | None = None
    declined_reviewed: bool = False  # that time has come and a person was told


@dataclass(frozen=True, kw_only=True)
class Return:
    """A claim, a sighting, its confirmation."""

    claimed_at: datetime | None = None
    claimed_by: str | None = None
    claim_trust: Trust = Trust.NONE
    seen_by: str | None = None
    before: Status | None = None  # the status a refuted claim falls back to
    confirmed_at: datetime | None = None
    seen_at: datetime | None = None
    confirmed_by: str | None = None
    elsewhere: bool = False
    interview_due: datetime | None = None
    interview_next: datetime | None = None
    interview_outcome: str = ""
    interview_refusals: int = 0


_UNLOCATED = (Located.NO, Located.CLAIMED)
_RETURNED = (Status.RETURNED, Status.CLOSED)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One absence of one child. Instants are UTC. `version` counts units of work and is the storage's to set."""

    case_id: str
    code: str
    organisation: str
    home: str
    child: Child
    protocol: str
    status: Status
    opened_at: datetime
    t0: datetime
    first_t0: datetime
    t0_kind: str
    checks_from: datetime
    level: Level = Level.UNASSESSED
    route: Route = Route.NONE
    located: Located = Located.NO
    reporters: tuple[Reporter, ...] = ()
    worked_by: str = ""  # who last worked the case: questions go there
    seq: int = 0  # events folded so far
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    asked: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # check -> (seq of the last asking, how often)
    worry_seq: int = 0  # the last new worry: danger is asked again after it
    prompts: tuple[Prompt, ...] = ()
    silent_since: datetime | None = None  # the oldest unanswered timed question
    silence_stage: int = 0  # 0 none, 1 reminded, 2 on-call told (first_ack uses the other parent at 3 min)
    first_ack_passed: bool = False
    gate_done: bool = False
    reasons: tuple[Reason, ...] = ()  # every rule and flag that fired, in the order they became known
    factors: tuple[str, ...] = ()
    unsure: tuple[Unsure, ...] = ()
    notes_unread: int = 0
    authorised_until: datetime | None = None
    agreed_until: datetime | None = None
    extensions: int = 0
    a01_since: datetime | None = None
    missing_at: datetime | None = None
    welfare: bool = False
    instructed: tuple[str, ...] = ()
    logged_at: datetime | None = None
    review_at: datetime | None = None
    linked: tuple[tuple[str, Level, Route], ...] = ()
    alert: Alert = Alert()
    police: Police = Police()
    back: Return = Return()
    tasks: tuple[Task, ...] = ()
    reports: int = 0
    unreachable: tuple[str, ...] = ()
    watch_due: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    contradicted: bool = False

    @property
    def open(self) -> bool:
        return self.status is not Status.CLOSED

    @property
    def unlocated(self) -> bool:
        """Not located: the default from the first second; a claim counts as unlocated."""
        return self.located in _UNLOCATED or self.status is Status.RETURN_CLAIMED

    @property
    def returned(self) -> bool:
        return self.status in _RETURNED

    @property
    def reported(self) -> bool:
        return self.police.confirmed_at is not None

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple([r.rule for r in self.reasons if r.rule.startswith("R")])

    def fired(self, rule: str) -> bool:
        return rule in [r.rule for r in self.reasons]

    def reporter(self, person: str) -> Reporter | None:
        for reporter in self.reporters:
            if reporter.person == person:
                return reporter
        return None

    def last_prompt(self, person: str, now: datetime) -> Prompt | None:
        """The last question that was really asked of this person and still waits."""
        asked = [p for p in self.prompts if p.to == person and p.asked_at <= now]
        return asked[-1] if asked else None

    def unsettled(self, check: str | None = None, *, risk: bool = False) -> tuple[Unsure, ...]:
        """What a human's word settles now: the open `not sure`, of this check or of any. Where none is open, a risk still
        counts, for what was said to be none and for what nobody answered in time: raising is open to everybody (F4)."""
        if self.returned:
            return ()
        asked = [u for u in self.unsure if check in (None, u.check)]
        still_open = [u for u in asked if not u.settled]
        return tuple(still_open or [u for u in asked if risk and u.settled != "risk"])

    def task(self, task: str) -> Task | None:
        """The latest task of this kind, done or not."""
        return next((t for t in reversed(self.tasks) if t.task == task), None)

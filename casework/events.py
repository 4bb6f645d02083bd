"""Everything that can stand in a case's log: news (what we were told) and decisions (what we concluded).

News is past tense and carries `by`, `trust` and `channel`; decisions carry neither, they are ours.
Free text never stands in an event: `words` is the id of a text kept apart from the log.
`at` is when it happened, UTC; when it was written is the storage's to add.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from casework.levels import Level, Located, Route, Side, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What rules need of the child, copied from the register when the case opens, so that replay needs nothing else."""

    child_id: str
    age: int | None
    flags: tuple[str, ...] = ()
    at_home: bool = False
    looked_after: bool = True
    primary_school: bool = False
    register_factors: tuple[str, ...] = ()
    episodes_90_days: int = 0
    active_patterns: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()  # ids of parents who are open, verified and may be asked by SMS
    medicine_due_at: datetime | None = None
    has_plan: bool = False
    plan_limit_minutes: int | None = None
    surroundings: tuple[str, ...] = ()  # of the home: water, remote
    text_999: tuple[str, ...] = ()  # ids of adults who cannot speak on the phone, and whose phone may text 999


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class News(Event):
    """Something we were told. `by` is a person's id, `clock`, `police` or `house`."""

    by: str
    channel: str
    trust: Trust = Trust.VERIFIED
    words: str | None = None


# ---- news ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSet(News):
    """Staff said when a child is due: the bot asks by itself at due + grace."""

    case_id: str
    code: str
    organisation: str
    home: str
    child: Child
    protocol: str
    due_at: datetime
    side: Side = Side.STAFF


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceReported(News):
    """A case opens. On a watch that was not answered `opened_at` is when the watch asked, else it is `at`."""

    case_id: str
    code: str
    organisation: str
    home: str
    child: Child
    protocol: str
    t0: datetime
    t0_kind: str  # due | seen | reported (no time known yet)
    opened_at: datetime
    side: Side
    reporter: str  # the person who is asked; usually `by`
    reporter_channel: str
    askable: bool = True  # a parent who is not open and verified is never asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterJoined(News):
    """A second adult reported the same child; the earliest t0 stands."""

    side: Side
    askable: bool = True
    t0: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswered(News):
    """An adult answered a check or a prompt (`C04`, `R_REV`, …).

    `values` are option values of the protocol (several for tick lists), or `("given",)` for words.
    `instant` is the time an answer named (P02, C00). `asked_at` is the question's own time, where known:
    an answer to a question that has since moved on is kept but decides nothing new.
    """

    check: str
    values: tuple[str, ...]
    instant: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhereaboutsGiven(News):
    """The words of C06 or P06c, reduced to what rules need; the words themselves lie apart."""

    check: str
    place: bool
    adult: bool
    back_at: datetime | None = None
    approved: bool | None = None  # None: no approved list to compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnClaimed(News):
    """Somebody says the child is back; nothing ends by it. `seen` = they say they see the child themselves."""

    seen: bool = False
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSeen(News):
    """A verified sighting, or its confirmation: staff's own eyes, a call back, or named police or social care.

    `via` is `staff`, `code`, `callback`, `police` or `social_care`; `seen_at` is when the child was seen.
    """

    via: str
    seen_at: datetime
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRefuted(News):
    """A claimed return proved false, or could not be confirmed by a person who rang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorryRaised(News):
    """WORRIED, worry words in a text, or a human raising: R16, or the flags named."""

    flags: tuple[str, ...] = ("R16",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteMade(News):
    """Words kept as evidence. `acted`: a person on call did something (a call noted), so `taken` starts anew."""

    acted: bool = False
    unread: bool = False  # nobody could read it as an answer: a human must look
    media: str | None = None  # photo | location


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAcknowledged(News):
    """A named person on call took the alert. `rung`: the chain's highest of those in their hands, if the door knows it."""

    rung: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsureSettled(News):
    """A person on call answered an open `not sure`: a risk, or (with a reason) not one."""

    check: str | None = None  # None: every open one
    risk: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliceLogged(News):
    """A police log number was told; trust VERIFIED makes the case `reported`."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliceDeclined(News):
    """The police said no: who, why and their review time."""

    number: str | None = None
    review_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaseClosed(News):
    """A human ended the chase for the log number, with a reason in `words`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StayAuthorised(News):
    """A named manager or social worker allowed the child to stay where they are until `until`."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionRaised(News):
    """A linked child's case stands at MEDIUM or higher (G01)."""

    case_id: str
    level: Level
    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactUnreachable(News):
    """A person's channel is dead or they opted out of our texts."""

    person: str
    opted_out: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRestored(News):
    """Something came from a person of whom it was said that nothing reaches them, or they opted in again."""

    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterviewRecorded(News):
    """Where the return home interview stands: offered, done or declined."""

    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDone(News):
    """A task was done, with its outcome in one word (`done`, `yes`, `no`)."""

    task: str
    outcome: str = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAsked(News):
    """A manager signs the end of the case; refused while something is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlinePassed(News):
    """One or more deadlines of this case fell due. `kinds` are their keys, `due` the earliest of their instants.

    `down_since` is set when they fell due while the house was down.
    """

    kinds: tuple[str, ...]
    due: datetime
    down_since: datetime | None = None


# ---- decisions -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why: a rule or flag id, what made it fire (`flag:cse`, `C11=row`, `time`), and when."""

    rule: str
    because: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsked(Event):
    """A question was put. `asked_at` is when it goes out: a minute after an instruction of the same moment."""

    check: str
    to: str
    asked_at: datetime
    timed: bool
    repeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet(Event):
    """The clock starts at `t0`: a due or last-seen time became known, or an agreed return failed."""

    t0: datetime
    kind: str  # due | seen | agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAssessed(Event):
    """The outcome after this news; `reasons` are the new ones only, in order."""

    level: Level
    route: Route
    outcome: str  # the rule that gives the level
    reasons: tuple[Reason, ...]
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationDecided(Event):
    """The child counts as located, or no longer. `extended`: a good check moved the agreed return on."""

    located: Located
    agreed_until: datetime | None = None
    extended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredMissing(Event):
    """The absence is a police matter. `welfare`: the place is known, the call is a concern for welfare."""

    welfare: bool
    chase_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructed(Event):
    """The nearest adults were told what to do: the text's id, and whether it restarts the chase."""

    text: str
    chase_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceLogged(Event):
    """NAR or LOW: the absence is recorded and reviewed."""

    review_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSet(Event):
    review_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RungClimbed(Event):
    """An alert went to rung 1 to 4; `next_at` is when the next one goes if nobody takes it; `answers`: how many people
    must answer before it counts as taken."""

    rung: int
    next_at: datetime
    answers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLapsed(Event):
    """Taking the alert ran out, or a rise ended it: the chain starts again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUntil(Event):
    """The alert is taken until then; acting, or a confirmed number, starts it anew. `acted`: by who has it, themselves."""

    until: datetime
    acted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceChased(Event):
    """The adult was asked for the police log number once more."""

    misses: int
    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliceReviewDue(Event):
    """The time has come at which the police, who had said no, wanted to look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsureRaised(Event):
    """A `not sure` on a red-flag question went to a human."""

    check: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsureClimbed(Event):
    check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded(Event):
    """A silent adult was reminded (stage 1) or given up on (stage 2: on-call told)."""

    stage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOpened(Event):
    """`task` is the step's id (`A12`, `CALLBACK`); it repeats by its protocol interval until done."""

    task: str
    owner_role: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMoved(Event):
    """A task was asked again; `rung` says how far its owner climbed."""

    task: str
    due_at: datetime
    rung: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded(Event):
    """A task is done, or no longer needed; `by`: whose act ended it."""

    task: str
    outcome: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMade(Event):
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnConfirmed(Event):
    """The child was seen and that is confirmed. The 72 hours count from `seen_at`."""

    seen_at: datetime
    interview_due: datetime | None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEnded(Event):
    """A claimed return fell away: the case stands as it stood before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnUndone(Event):
    """A confirmed return proved wrong, or the child is gone again: the search stands as it stood, and two people end it."""

    chase_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterviewReminded(Event):
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEnded(Event):
    """The child was seen before a case had to open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosed(Event):
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRefused(Event):
    """What still stands in the way of closing."""

    missing: tuple[str, ...]


# ---- the two kinds, closed: a new event must be added here, and then the type checker fails in `evolve` until it is noted

AnyNews: TypeAlias = (
    WatchSet
    | AbsenceReported
    | ReporterJoined
    | CheckAnswered
    | WhereaboutsGiven
    | ReturnClaimed
    | ChildSeen
    | ReturnRefuted
    | WorryRaised
    | NoteMade
    | AlertAcknowledged
    | UnsureSettled
    | PoliceLogged
    | PoliceDeclined
    | ChaseClosed
    | StayAuthorised
    | CompanionRaised
    | ContactUnreachable
    | ContactRestored
    | InterviewRecorded
    | TaskDone
    | CloseAsked
    | DeadlinePassed
)
Decision: TypeAlias = (
    CheckAsked
    | ClockSet
    | RiskAssessed
    | LocationDecided
    | DeclaredMissing
    | Instructed
    | AbsenceLogged
    | ReviewSet
    | RungClimbed
    | AlertLapsed
    | TakenUntil
    | ReferenceChased
    | PoliceReviewDue
    | UnsureRaised
    | UnsureClimbed
    | Reminded
    | TaskOpened
    | TaskMoved
    | TaskEnded
    | ReportMade
    | ReturnConfirmed
    | ClaimEnded
    | ReturnUndone
    | InterviewReminded
    | WatchEnded
    | CaseClosed
    | CloseRefused
)

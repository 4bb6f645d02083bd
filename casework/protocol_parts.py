"""What a protocol is made of, as validated data: checks, flags, factors, rules, timers, rungs and obligations.

Times are whole minutes unless the name says otherwise. What the data may not change stands here in code: `HARD_CAP_MINUTES`.
"""

from functools import cached_property
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

HARD_CAP_MINUTES = 360  # SRC D2: six hours, the absolute maximum outside the missing process
CHILDHOOD = 18  # the ages whose timers are looked up
MAX_GATE_QUESTIONS = 9  # PR9
NIGHT = "night"  # the condition that comes true by the clock alone: it has a deadline of its own
OPPOSITES = {"located": "unlocated", "unlocated": "located"}  # conditions of which exactly one holds
WHICH_CHILD = "which_child"  # the meaning of a question about the message, not about the case

Source = str  # ids of the sources table, separated by blanks, or OURS
Minutes = Annotated[int, Field(ge=1, le=100_000)]  # no timer of 0: it would ask for ever at one moment
OrNone = Annotated[int, Field(ge=0, le=100_000)]  # a grace or a limit may be 0: at once
People = Annotated[int, Field(ge=1, le=3)]  # who must answer one alert: more would seldom be awake
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
OptionsOf: TypeAlias = "dict[str, dict[str, Option]]"  # check id -> value -> option
RulesLeft: TypeAlias = "tuple[tuple[str, str, bool, tuple[str, ...] | None, Rule], ...]"  # see `rules_without`


def minute_of_day(clock: str) -> int:
    """Minutes since midnight at `clock`, HH:MM."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


class Data(BaseModel):
    """Data that never change, and of which no field is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(Data):
    """One answer of a check. `means` is what the core understands by it; `worse` orders answers, largest = riskiest."""

    value: str
    means: str = ""
    worse: int = 0
    raises: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    unsure: bool = False
    asks: tuple[str, ...] = ()
    completes: bool = True


class Check(Data):
    """One thing an adult is asked. `kind`: choice, ticks (several), words, time, whereabouts.

    `stage`: gate (before the first decision), detail (after it), only_if (asked when a signal wants it), prompt
    (watch, review, chase and return texts: asked by deadlines, never by the gate).
    """

    id: str
    side: Literal["staff", "parent", "both"]
    stage: Literal["gate", "only_if", "detail", "prompt"]
    kind: Literal["choice", "ticks", "words", "time", "whereabouts"]
    options: tuple[Option, ...] = ()
    means: str = ""  # danger, contact, voice, where, place_safe, search, ring_round, others, character, worry, …
    mandatory: bool = False  # M03
    red_flag_question: bool = False  # "not sure" goes to a human (U)
    yes_raises: tuple[str, ...] = ()  # the flags that a human's Yes stands for, beside those that its answers raise
    hidden_if: tuple[str, ...] = ()  # register flags under which it is not asked
    needs: Literal["", "plan", "no_due_time"] = ""  # asked only if the child has a plan / no due time came
    why: str = ""
    source: Source
    tag: Literal["SRC", "DER", "OURS"]

    def option(self, value: str) -> Option | None:
        """The option of this value, or None."""
        return self.by_value.get(value)

    @cached_property
    def keyed(self) -> tuple[tuple[str, str], ...]:
        """The value of every option, in order, and what its label is keyed by: `CHECK.value`."""
        return tuple((o.value, f"{self.id}.{o.value}") for o in self.options)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Every option as `CHECK.value`, in order."""
        return tuple(key for _, key in self.keyed)

    @cached_property
    def by_value(self) -> dict[str, Option]:
        """Every option by its value."""
        return {o.value: o for o in self.options}

    @cached_property
    def undone(self) -> frozenset[str]:
        """The values that do not count as done (M03)."""
        return frozenset(value for value, o in self.by_value.items() if not o.completes)

    @cached_property
    def places(self) -> frozenset[str]:
        """The ticks of a search list that must all be there before it is done."""
        return frozenset(o.value for o in self.options if o.completes and o.means == "")

    @cached_property
    def search_list(self) -> bool:
        """Whether its ticks are places searched."""
        places = (o for o in self.options if o.means == "" and not o.raises and not o.factors)
        return self.kind == "ticks" and self.means == "search" and any(places)


class Flag(Data):
    """A red flag: any one stands for immediate escalation by `route`."""

    id: str
    route: Literal["999", "101", "welfare"]
    on_register: tuple[str, ...] = ()  # register flags that hold from the opening
    together: tuple[str, ...] = ()  # circumstances that raise it: each a list of conditions, separated by blanks
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Factor(Data):
    """A cumulative factor: each counts one; no weights, no score."""

    id: str
    on_register: tuple[str, ...] = ()
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Rule(Data):
    """An outcome rule: fires when every condition of `when` holds (see `conditions.py`)."""

    id: str
    when: tuple[str, ...]
    outcome: Literal["NAR", "LOW", "A01", "MEDIUM", "WELFARE", "HIGH", "LINKED"]
    judged: Literal["at_once", "gate_end"]
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Floor(Data):
    id: str
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Band(Data):
    """Timers of one age band: `under` this age. `max_day`, `max_night`: minutes unlocated before M02."""

    under: Minutes
    grace: OrNone
    checks: Minutes
    review: Minutes
    max_day: OrNone
    max_night: OrNone


class Answer(Data):
    first_ack: Minutes
    reminder: Minutes
    silence: Minutes
    silence_watch_under_12: Minutes
    unsure_human: Minutes
    unsure_climb: Minutes
    ring_round: Minutes


class Chase(Data):
    high: Minutes
    welfare: Minutes
    medium: Minutes
    escalate_every: Minutes


class Lapse(Data):
    high: Minutes
    welfare: Minutes
    medium: Minutes
    a01: Minutes
    confirmed_number: Minutes


class Away(Data):
    every: Minutes
    night_check: Clock
    morning_check: Clock
    extend_by: Minutes
    extend_times: OrNone
    decision: Minutes


class Claim(Data):
    callback: Minutes
    next_rung: Minutes
    next_check: Minutes


class Interview(Data):
    due_hours: Minutes
    remind_hours: tuple[Minutes, ...]
    overdue_every_hours: Minutes
    min_offers: Minutes
    due_when: Literal["missing", "third_episode"]  # England every missing episode; Wales expects it after three


class Timers(Data):
    source: Source
    night_from: Clock
    night_to: Clock
    bands: tuple[Band, ...]
    hard_cap: int = Field(ge=1, le=HARD_CAP_MINUTES)
    answer: Answer
    chase: Chase
    lapse: Lapse
    away: Away
    claim: Claim
    interview: Interview
    review_told_at_most: Minutes
    review_confirmed_every: Minutes
    wellbeing_reminder: Minutes
    wellbeing_task: Minutes
    late_report: Minutes  # K14
    medicine_hours: Minutes  # R03
    day_task_minutes: Minutes = 1440

    @cached_property
    def night(self) -> tuple[int, int]:
        """When the night begins and ends, in minutes of the day on the home's wall clock."""
        return minute_of_day(self.night_from), minute_of_day(self.night_to)


class Rung(Data):
    """E1 to E4: `after` minutes from the start of the chain, who, how, and how many must have answered before the alert
    counts as taken."""

    rung: Minutes
    after: OrNone
    answers: People = 1
    role: str
    role_at_home: str = ""
    via: tuple[str, ...]
    tell_reporter: str = ""
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Repeat(Data):
    """How often the last rung repeats, for ever, until a named person takes the alert."""

    high: Minutes
    others: Minutes
    confirmed_number: Minutes


class Task(Data):
    """A step after return: first due after so many minutes, then at these, then daily."""

    id: str
    owner: str
    due_minutes: tuple[Minutes, ...]
    when: Literal["returned", "missing"] = "returned"
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Obligation(Data):
    """Somebody outside whom the case calls for telling. It is a task where there is a check `T_<id>` to answer it.

    It falls due `prompt_minutes` after it is called for, or `after_hours` from the first t0 (the ladder of days), and is
    asked again every `again_minutes`; `asks_reporter`: of the adult on duty first. `done_by`: the answer that does it.
    """

    id: str
    who: str
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]
    when: str
    owner: str = "coordinator"
    after_hours: Annotated[float, Field(ge=0)] = 0
    prompt_minutes: OrNone = 0
    again_minutes: Minutes = 1440
    asks_reporter: bool = False
    blocked_by: tuple[str, ...] = ()  # flags of the register, and `at_home`
    done_by: str = ""
    wants_date: bool = False


class Notice(Obligation):
    """A duty of the jurisdiction to tell somebody (regulator, local authority): printed on report and comparison."""

    when: Literal["missing", "any_absence", "exploitation", "return"]
    owner: str = "manager"


class Step(Obligation):
    """One step of E0 to E13. E0 is the chase and E8 a notice: neither is a task of this kind."""

    when: Literal["missing", "out_of_area", "trafficking"] = "missing"


class Wording(Data):
    """Which text an outcome sends."""

    high_999: str
    high_999_located: str
    high_999_text: str  # for an adult who cannot speak and may text 999
    high_999_located_text: str
    high_101: str
    welfare: str
    limit: str
    medium: str
    a01: str
    logged: str
    rise_with_number: str

    @cached_property
    def by_text(self) -> dict[str, str]:
        """What somebody who texts 999 reads in place of an instruction to ring it."""
        return {self.high_999: self.high_999_text, self.high_999_located: self.high_999_located_text}


class Meta(Data):
    id: str
    version: str
    status: Literal["draft", "approved", "retired"]
    jurisdiction: Literal["england", "wales", "scotland", "northern-ireland"]
    extends: str = ""
    effective_from: str = ""
    effective_to: str = ""
    approved_by: tuple[str, ...] = ()
    levels: tuple[str, ...]
    definition_missing: tuple[str, ...]  # union: the and-clauses that make an absence "missing"
    definition_says: str
    absent_says: str = ""  # what a scheme that knew a class "absent" said of it; only a retired one has it
    absent_unless: tuple[str, ...] = ()  # conditions and flags under which that scheme called the child missing instead
    return_talk: str
    helpline: str
    out_of_hours: str
    languages: tuple[str, ...] = ("en",)

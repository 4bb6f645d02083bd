"""A protocol: every check, flag, factor, rule, timer and rung of one jurisdiction or force, as validated data.

Rules are data with a source and a floor. A file may be stricter than the one it extends, never laxer; what the data
may not change stands here in code: `HARD_CAP_MINUTES`, and that software never lowers a level (`risk.assess`).
Times are whole minutes unless the name says otherwise.
"""

from collections.abc import Callable
from datetime import timedelta
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


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(_Data):
    """One answer of a check. `means` is what the core understands by it; `worse` orders answers, largest = riskiest."""

    value: str
    means: str = ""
    worse: int = 0
    raises: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    unsure: bool = False
    asks: tuple[str, ...] = ()
    completes: bool = True


class Check(_Data):
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


class Flag(_Data):
    """A red flag: any one stands for immediate escalation by `route`."""

    id: str
    route: Literal["999", "101", "welfare"]
    on_register: tuple[str, ...] = ()  # register flags that hold from the opening
    together: tuple[str, ...] = ()  # circumstances that raise it: each a list of conditions, separated by blanks
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Factor(_Data):
    """A cumulative factor: each counts one; no weights, no score."""

    id: str
    on_register: tuple[str, ...] = ()
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Rule(_Data):
    """An outcome rule: fires when every condition of `when` holds (see `conditions.py`)."""

    id: str
    when: tuple[str, ...]
    outcome: Literal["NAR", "LOW", "A01", "MEDIUM", "WELFARE", "HIGH", "LINKED"]
    judged: Literal["at_once", "gate_end"]
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Floor(_Data):
    id: str
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Band(_Data):
    """Timers of one age band: `under` this age. `max_day`, `max_night`: minutes unlocated before M02."""

    under: Minutes
    grace: OrNone
    checks: Minutes
    review: Minutes
    max_day: OrNone
    max_night: OrNone


class Answer(_Data):
    first_ack: Minutes
    reminder: Minutes
    silence: Minutes
    silence_watch_under_12: Minutes
    unsure_human: Minutes
    unsure_climb: Minutes
    ring_round: Minutes


class Chase(_Data):
    high: Minutes
    welfare: Minutes
    medium: Minutes
    escalate_every: Minutes


class Lapse(_Data):
    high: Minutes
    welfare: Minutes
    medium: Minutes
    a01: Minutes
    confirmed_number: Minutes


class Away(_Data):
    every: Minutes
    night_check: Clock
    morning_check: Clock
    extend_by: Minutes
    extend_times: OrNone
    decision: Minutes


class Claim(_Data):
    callback: Minutes
    next_rung: Minutes
    next_check: Minutes


class Interview(_Data):
    due_hours: Minutes
    remind_hours: tuple[Minutes, ...]
    overdue_every_hours: Minutes
    min_offers: Minutes
    due_when: Literal["missing", "third_episode"]  # England every missing episode; Wales expects it after three


class Timers(_Data):
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


class Rung(_Data):
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


class Repeat(_Data):
    """How often the last rung repeats, for ever, until a named person takes the alert."""

    high: Minutes
    others: Minutes
    confirmed_number: Minutes


class Task(_Data):
    """A step after return: first due after so many minutes, then at these, then daily."""

    id: str
    owner: str
    due_minutes: tuple[Minutes, ...]
    when: Literal["returned", "missing"] = "returned"
    says: str
    source: Source
    tag: Literal["SRC", "DER", "OURS"]


class Obligation(_Data):
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


class Wording(_Data):
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


class Meta(_Data):
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


class Protocol(_Data):
    """One immutable protocol, whole: an overlay is merged into its base before it becomes one of these."""

    protocol: Meta
    sources: dict[str, str]
    check: tuple[Check, ...]
    flag: tuple[Flag, ...]
    factor: tuple[Factor, ...]
    rule: tuple[Rule, ...]
    floor: tuple[Floor, ...]
    timers: Timers
    rung: tuple[Rung, ...]
    repeat: Repeat
    task: tuple[Task, ...]
    notice: tuple[Notice, ...] = ()
    step: tuple[Step, ...] = ()
    wording: Wording
    medium_at_factors: int
    nar_at_most_factors: int
    active_pattern: tuple[str, ...]
    worry_words: tuple[str, ...] = ()  # ids of word lists in the locale that raise R16 (R01, R02 … where named)

    @property
    def name(self) -> str:
        return f"{self.protocol.id}/{self.protocol.version}"

    def find(self, check_id: str) -> Check:
        """The check with this id; KeyError is our own bug."""
        return self._by_id[check_id]

    def has(self, check_id: str) -> bool:
        return check_id in self._by_id

    def by_means(self, means: str) -> tuple[Check, ...]:
        """Every check of this meaning, staff's and parents'."""
        return self._by_means.get(means, ())

    def asked_of(self, side: str, stage: str) -> dict[str, Check]:
        """The checks of this stage that an adult of this side is asked, in order, by their ids."""
        return self._asked_of.get((side, stage), {})

    def mandatory(self, side: str) -> dict[str, Check]:
        """The checks of this side that M03 wants done, by their ids."""
        return self._mandatory.get(side, {})

    def band(self, age: int | None) -> Band:
        """The timers of this age; unknown age is the youngest band (5.2)."""
        years = 0 if age is None else age
        bands = self._band_of_year
        return bands[years] if 0 <= years < len(bands) else self._band(years)

    def _band(self, years: int) -> Band:
        for band in self.timers.bands:
            if years < band.under:
                return band
        return self.timers.bands[-1]

    def rung_at(self, number: int) -> Rung:
        """The rung of this number; KeyError is our own bug."""
        return self._rung_by_number[number]

    def rungs_after(self, number: int) -> list[Rung]:
        """The rungs beyond this one, in their order."""
        return [rung for each, rung in sorted(self._rung_by_number.items()) if each > number]

    @cached_property
    def obligations(self) -> tuple[Obligation, ...]:
        """Whom a case may call for telling, as tasks: each with a check to answer it."""
        notices = {notice.id for notice in self.notice}  # a step of the same id only says where it stands in the ladder
        steps = (step for step in self.step if step.id not in notices)
        return tuple(obligation for obligation in (*self.notice, *steps) if self.has(f"T_{obligation.id}"))

    @cached_property
    def days(self) -> tuple[Obligation, ...]:
        """The ladder of days, in their order."""
        return tuple(sorted((d for d in self.obligations if d.after_hours), key=lambda d: d.after_hours))

    def day_rung(self, obligation: Obligation) -> int | None:
        """The rung of this obligation's alert, after the last rung of the chain; None for one that is no day's."""
        return self.last_rung + 1 + self.days.index(obligation) if obligation.after_hours else None

    @cached_property
    def last_rung(self) -> int:
        """The number of the rung that repeats for ever."""
        return max(self._rung_by_number)

    def flag_named(self, flag_id: str) -> Flag | None:
        return self._flag_by_id.get(flag_id)

    def rule_named(self, rule_id: str) -> Rule | None:
        return self._rule_by_id.get(rule_id)

    def rules_without(self, names: frozenset[str]) -> RulesLeft:
        """Every rule in table order: its id, its outcome, whether it waits for the end of the gate, what is left to ask of its
        conditions where these do not hold (None: it cannot fire), and the rule itself."""
        found = self._rules_without.get(names)
        if found is None:
            found = self._rules_without[names] = tuple(
                (rule.id, rule.outcome, rule.judged == "gate_end", _left(rule, names), rule) for rule in self.rule
            )
        return found

    # ---- looked up again and again, so found once --------------------------------------------------

    @cached_property
    def raising(self) -> OptionsOf:
        """The options that raise a flag or count as a factor."""
        return self._options(lambda o: bool(o.raises or o.factors))

    @cached_property
    def signalling(self) -> OptionsOf:
        """The options that ask for another check."""
        return self._options(lambda o: bool(o.asks))

    def _options(self, which: Callable[[Option], bool]) -> OptionsOf:
        found = {c.id: {value: o for value, o in c.by_value.items() if which(o)} for c in self.check}
        return {check: options for check, options in found.items() if options}

    @cached_property
    def factor_place(self) -> dict[str, int]:
        """The place of each factor in the list."""
        return {f.id: place for place, f in enumerate(self.factor)}

    @cached_property
    def register_marks(self) -> tuple[tuple[str, str], ...]:
        """Every mark on the register that holds a flag from the opening, with that flag's id, in the order of the flags."""
        return tuple((mark, f.id) for f in self.flag for mark in f.on_register)

    @cached_property
    def together(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Every flag that circumstances raise together, with the conditions that must all hold."""
        return tuple((f.id, tuple(names.split())) for f in self.flag for names in f.together)

    @cached_property
    def starting(self) -> frozenset[str]:
        """The ids of the checks that only ask whether somebody is there (P00)."""
        return frozenset(check.id for check in self.by_means("start"))

    @cached_property
    def heard(self) -> dict[str, tuple[Obligation, ...]]:
        """By the id of a check: the obligations that an answer to it may end, as their own question or by `done_by`."""
        found: dict[str, list[Obligation]] = {}
        for obligation in self.obligations:
            parts = obligation.done_by.split(".")
            does_it = {".".join(parts[:n]) for n in range(1, len(parts))}
            for check in {f"T_{obligation.id}", *does_it}:
                found.setdefault(check, []).append(obligation)
        return {check: tuple(obligations) for check, obligations in found.items()}

    @cached_property
    def nightly(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Of these conditions each list that waits for the night, with the others in it."""
        return {names: tuple(n for n in names if n != NIGHT) for _, names in self.together if NIGHT in names}

    @cached_property
    def _rules_without(self) -> dict[frozenset[str], RulesLeft]:
        return {}  # filled as it is asked for: a few dozen sets at most, whatever the cases

    @cached_property
    def longest(self) -> dict[tuple[int | None, bool, int | None], tuple[timedelta, timedelta, timedelta]]:
        """How long a child may be out, by what of the child decides it: what `limits.limit` worked out is kept here."""
        return {}

    @cached_property
    def _band_of_year(self) -> tuple[Band, ...]:
        return tuple(self._band(years) for years in range(CHILDHOOD))

    @cached_property
    def _by_id(self) -> dict[str, Check]:
        return {c.id: c for c in self.check}

    @cached_property
    def _rung_by_number(self) -> dict[int, Rung]:
        return {r.rung: r for r in self.rung}

    @cached_property
    def urgent(self) -> frozenset[str]:
        """The ids of the red flags that stand for more than a concern for welfare."""
        return frozenset(f.id for f in self.flag if f.route != "welfare")

    @cached_property
    def _flag_by_id(self) -> dict[str, Flag]:
        return {f.id: f for f in self.flag}

    @cached_property
    def _rule_by_id(self) -> dict[str, Rule]:
        return {r.id: r for r in self.rule}

    @cached_property
    def _by_means(self) -> dict[str, tuple[Check, ...]]:
        return {m: tuple(c for c in self.check if c.means == m) for m in {c.means for c in self.check}}

    @cached_property
    def _asked_of(self) -> dict[tuple[str, str], dict[str, Check]]:
        found: dict[tuple[str, str], dict[str, Check]] = {}
        for check in self.check:
            if check.means != WHICH_CHILD:
                for side in _sides(check):
                    found.setdefault((side, check.stage), {})[check.id] = check
        return found

    @cached_property
    def _mandatory(self) -> dict[str, dict[str, Check]]:
        return {s: {c.id: c for c in self.check if c.mandatory and s in _sides(c)} for s in ("staff", "parent")}


def _left(rule: Rule, names: frozenset[str]) -> tuple[str, ...] | None:
    if not names.isdisjoint(rule.when):
        return None
    return tuple(name for name in rule.when if OPPOSITES.get(name) not in names)


def _sides(check: Check) -> tuple[str, ...]:
    return ("staff", "parent") if check.side == "both" else (check.side,)

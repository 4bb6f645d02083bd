"""A protocol: every check, flag, factor, rule, timer and rung of one jurisdiction or force, and how they are looked up.

Rules are data with a source and a floor. A file may be stricter than the one it extends, never laxer; what the data
may not change stands in code: `HARD_CAP_MINUTES`, and that software never lowers a level (`risk.assess`).
"""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property

from casework.protocol_parts import (
    CHILDHOOD,
    NIGHT,
    OPPOSITES,
    WHICH_CHILD,
    Band,
    Check,
    Data,
    Factor,
    Flag,
    Floor,
    Meta,
    Notice,
    Obligation,
    Option,
    OptionsOf,
    Repeat,
    Rule,
    RulesLeft,
    Rung,
    Step,
    Task,
    Timers,
    Wording,
)


class Protocol(Data):
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

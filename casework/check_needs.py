"""What the core relies on in a protocol: the rules, names, people and waits without which a night would lose its way.

A layer cannot take any of it away, for the stricter value stands; but a file that extends nothing is free to forget a
rule. None of that is a wrong type, and most of it no night would show.
"""

from collections.abc import Iterator
from datetime import date

from casework.check_questions import questions
from casework.loading import Finding
from casework.protocol import Protocol
from casework.protocol_parts import Rule
from casework.speech import INSTRUCTIONS
from casework.stricter import MILD, OUTCOMES

# Whatever a file says, these circumstances lead at least to this outcome, this soon (4.4).
LEAST: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"red_flag"}), "HIGH", "at_once"),
    (frozenset({"place_unsafe"}), "WELFARE", "at_once"),
    (frozenset({"unlocated", "past_limit"}), "MEDIUM", "at_once"),
    (frozenset({"unlocated", "checks_overdue"}), "MEDIUM", "at_once"),
    (frozenset({"unsure_expired"}), "MEDIUM", "at_once"),
    (frozenset({"unlocated", "out_of_character"}), "MEDIUM", "gate_end"),
    (frozenset({"unlocated", "factors>=3"}), "MEDIUM", "gate_end"),
    (frozenset({"worried"}), "MEDIUM", "gate_end"),
    (frozenset({"located", "past_limit", "no_agreement"}), "A01", "at_once"),
    (frozenset({"companion_raised"}), "LINKED", "at_once"),
    (frozenset({"always"}), "LOW", "gate_end"),
)
REASSURED = ("contact_safe_place", "no_active_pattern", "no_open_unsure", "before_limit_or_agreed", "nar_available")
MOST_FACTORS_AT_NAR = 1
FLAGS_OF_THE_CORE = {"R03": "999", "R04": "999", "R06": "", "R16": "", "R20": "welfare"}  # raised by name in `risk`
FACTORS_OF_THE_CORE = ("K06", "K11", "K14")
ROLES = ("coordinator", "second_coordinator", "deputy", "manager", "owner", "all")
CHANNELS = ("telegram", "sms", "voice", "email")
LEVELS = ("nar", "low", "medium", "high")
SIGN_OFF = "A12"
LONGEST_WAIT = 60  # minutes between two words to anybody while a child is out (5.2)


def needs(protocol: Protocol) -> list[Finding]:
    """Everything that the core would miss in this protocol, at once."""
    return [
        *_rules(protocol), *questions(protocol), *_named(protocol), *_chain(protocol), *_tasks(protocol),
        *_waits(protocol), *_orders(protocol), *_meta(protocol), *_days(protocol),
    ]  # fmt: skip


# ---- rules ---------------------------------------------------------------------------------------


def _rules(protocol: Protocol) -> Iterator[Finding]:
    for when, outcome, judged in LEAST:
        if not any(_covers(rule, when, outcome, judged) for rule in protocol.rule):
            yield Finding("rule", f"nothing makes it {outcome} {judged} when {' and '.join(sorted(when))}")
    first_mild = next((n for n, rule in enumerate(protocol.rule) if rule.outcome in MILD), len(protocol.rule))
    for rule in protocol.rule[first_mild:]:
        if rule.outcome not in MILD:
            yield Finding(f"rule.{rule.id}", "stands behind a mild rule, which ends the table: nobody would look at it")
    for rule in protocol.rule:
        if rule.outcome == "NAR":
            yield from _reassuring(rule)
    for key, sign in (("medium_at_factors", "factors>="), ("nar_at_most_factors", "factors<=")):
        counted = {name for rule in protocol.rule for name in rule.when if name.startswith(sign)}
        if counted and f"{sign}{getattr(protocol, key)}" not in counted:
            yield Finding(key, f"{getattr(protocol, key)}, but the rules say {', '.join(sorted(counted))}")


def _covers(rule: Rule, when: frozenset[str], outcome: str, judged: str) -> bool:
    """Whether this rule fires whenever these conditions hold, as high and as soon."""
    ranked = outcome in OUTCOMES and rule.outcome in OUTCOMES
    high = OUTCOMES.index(rule.outcome) >= OUTCOMES.index(outcome) if ranked else rule.outcome == outcome
    soon = judged == "gate_end" or rule.judged == "at_once"
    return high and soon and all(_holds(name, when) for name in rule.when)


def _holds(name: str, when: frozenset[str]) -> bool:
    """Whether this condition holds in these circumstances; three factors are two as well."""
    if name.startswith("factors>="):
        return any(w.startswith("factors>=") and _number(name) <= _number(w) for w in when)
    return name == "always" or name in when


def _number(counted: str) -> int:
    return int(counted.partition("=")[2])


def _reassuring(rule: Rule) -> Iterator[Finding]:
    for name in REASSURED:
        if name not in rule.when:
            yield Finding(f"rule.{rule.id}.when", f"says no apparent risk without asking for {name}")
    most = min((_number(n) for n in rule.when if n.startswith("factors<=")), default=MOST_FACTORS_AT_NAR + 1)
    if most > MOST_FACTORS_AT_NAR:
        yield Finding(f"rule.{rule.id}.when", f"says no apparent risk with more than {MOST_FACTORS_AT_NAR} factor")


# ---- what the core calls by name, and who is told ----------------------------------------------------


def _named(protocol: Protocol) -> Iterator[Finding]:
    for name, route in FLAGS_OF_THE_CORE.items():
        flag = protocol.flag_named(name)
        if flag is None:
            yield Finding(f"flag.{name}", "missing: the core raises it by name")
        elif route and flag.route != route:
            yield Finding(f"flag.{name}.route", f"must be {route}")
    factors = {factor.id for factor in protocol.factor}
    for name in (name for name in FACTORS_OF_THE_CORE if name not in factors):
        yield Finding(f"factor.{name}", "missing: the core counts it by name")
    for outcome, text in protocol.wording.model_dump().items():
        if outcome not in ("logged", "a01") and text not in INSTRUCTIONS:
            says = f"{text} is no instruction (casework/speech.py): a question would go out before it"
            yield Finding(f"wording.{outcome}", says)


def _chain(protocol: Protocol) -> Iterator[Finding]:
    for rung in protocol.rung:
        where = f"rung.{rung.rung}"
        for role in (role for role in (rung.role, rung.role_at_home) if role and role not in ROLES):
            yield Finding(f"{where}.role", f"{role!r} is nobody: {', '.join(ROLES)}")
        for channel in (channel for channel in rung.via if channel not in CHANNELS):
            yield Finding(f"{where}.via", f"{channel!r} is no channel: {', '.join(CHANNELS)}")
        if not {"telegram", "sms"} <= set(rung.via):
            yield Finding(f"{where}.via", "an alert goes by Telegram and SMS at the same moment (6.1)")
    after = [rung.after for rung in protocol.rung]
    if after and after[0] != 0:
        yield Finding("rung.1.after", "the first rung is alerted at once: 0")
    if after != sorted(set(after)):
        yield Finding("rung", f"after {after} minutes: each rung later than the one before it")
    if protocol.rung and not protocol.rung[-1].tell_reporter:
        yield Finding(f"rung.{protocol.rung[-1].rung}.tell_reporter", "the reporter must hear that nobody answered")


def _tasks(protocol: Protocol) -> Iterator[Finding]:
    if SIGN_OFF not in {task.id for task in protocol.task}:
        yield Finding(f"task.{SIGN_OFF}", "missing: no case closes without a named manager's signature")
    for task in protocol.task:
        if not protocol.has(f"T_{task.id}"):
            yield Finding(f"task.{task.id}", f"its owner is asked by a check T_{task.id}, which is missing")
        if task.owner not in ROLES:
            yield Finding(f"task.{task.id}.owner", f"{task.owner!r} is nobody: {', '.join(ROLES)}")
        if not task.due_minutes:
            yield Finding(f"task.{task.id}.due_minutes", "empty: the task would never fall due")


# ---- waits ---------------------------------------------------------------------------------------


def _waits(protocol: Protocol) -> Iterator[Finding]:
    """No level or state may go longer without a review, or a chase in its place."""
    timers = protocol.timers
    waits = {f"timers.chase.{k}": v for k, v in timers.chase.model_dump().items() if k != "escalate_every"}
    waits |= {f"timers.lapse.{k}": v for k, v in timers.lapse.model_dump().items()}
    waits |= {f"repeat.{k}": v for k, v in protocol.repeat.model_dump().items()}
    waits |= {f"timers.bands.{band.under}.review": band.review for band in timers.bands}
    waits |= {f"timers.bands.{band.under}.checks": band.checks for band in timers.bands}
    waits |= {f"timers.{k}": getattr(timers, k) for k in ("review_told_at_most", "review_confirmed_every")}
    waits |= {f"timers.away.{k}": getattr(timers.away, k) for k in ("every", "decision")}
    for where, minutes in waits.items():
        if minutes > LONGEST_WAIT:
            yield Finding(where, f"{minutes} minutes without a word: at most {LONGEST_WAIT} while a child is out")


def _orders(protocol: Protocol) -> Iterator[Finding]:
    timers, answer = protocol.timers, protocol.timers.answer
    for where, sooner, later in (
        ("timers.answer.reminder", answer.reminder, answer.silence),
        ("timers.answer.unsure_climb", answer.unsure_climb, answer.unsure_human),
        ("timers.wellbeing_reminder", timers.wellbeing_reminder, timers.wellbeing_task),
    ):
        if sooner >= later:
            yield Finding(where, f"{sooner} minutes is not before what follows it, at {later}")
    if not "12:00" < timers.night_from <= "22:00" or not "06:00" <= timers.night_to < "12:00":
        says = f"{timers.night_from} to {timers.night_to}: the night is 22:00 to 06:00 at least"
        yield Finding("timers.night_from", says)


# ---- the file's own head --------------------------------------------------------------------------


def _meta(protocol: Protocol) -> Iterator[Finding]:
    levels = protocol.protocol.levels
    for level in (level for level in levels if level not in LEVELS):
        yield Finding("protocol.levels", f"{level!r} is no level: {', '.join(LEVELS)}")
    for level in (level for level in LEVELS if level != "nar" and level not in levels):
        yield Finding("protocol.levels", f"{level} is missing; only nar may be left out")


def _days(protocol: Protocol) -> Iterator[Finding]:
    meta = protocol.protocol
    if meta.status != "retired" and _day(meta.version) is None:
        yield Finding("protocol.version", f"{meta.version!r} is no day: the version is the day from which it holds")
    if meta.status == "retired" and not meta.effective_to:
        yield Finding("protocol.effective_to", "a retired protocol says when it ended")
    for name, said in (("effective_from", meta.effective_from), ("effective_to", meta.effective_to)):
        if said and _day(said) is None:
            yield Finding(f"protocol.{name}", f"{said!r} is no day (YYYY-MM-DD)")
    start, end = _day(meta.effective_from), _day(meta.effective_to)
    if start and end and end <= start:
        yield Finding("protocol.effective_to", "ends before it begins")


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words)
    except ValueError:
        return None

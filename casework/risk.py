"""Question 2: how risky? Every rule that fires is kept as a reason, the highest outcome wins, and the level only ever rises
(floor F3 stands here in code: nothing a protocol says can lower it)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeAlias

from casework import conditions, facts, limits
from casework.case import Case, Unsure, replace
from casework.effects import To
from casework.events import (
    CheckAnswered,
    DeadlinePassed,
    Reason,
    RiskAssessed,
    UnsureClimbed,
    UnsureRaised,
    WorryRaised,
)
from casework.gate import next_gate
from casework.levels import Level, Located, Route, Status
from casework.limits import MINUTE
from casework.protocol import Check, Option, Protocol, Rule
from casework.turn import Turn

_LEVELS = {"NAR": Level.NAR, "LOW": Level.LOW, "A01": Level.LOW, "MEDIUM": Level.MEDIUM, "WELFARE": Level.WELFARE,
           "HIGH": Level.HIGH}  # fmt: skip
Said: TypeAlias = list[tuple[str, Option]]  # every option that stands and raises or counts, with its check's id
_MILD = ("NAR", "LOW")
NIGHTFALL = "limit:night"  # the key of its deadline
_ROUTES = {"999": Route.EMERGENCY, "101": Route.NON_EMERGENCY, "welfare": Route.POLICE}


def assess(turn: Turn) -> None:
    """Collect flags, factors and rules; decide the level and the number to ring; put a `not sure` before a human."""
    if turn.case.returned:
        return
    _unsure(turn)
    _new_worry(turn)
    case, protocol, now = turn.case, turn.protocol, turn.now
    said = [(check, option) for check, _, option in facts.answered(case, protocol, protocol.raising)]
    factors = _factors(case, protocol, said)
    flags = _flags(turn, said, factors)
    seen = _with(case, flags, factors)
    rules = [*_undecided(turn), *_rules(seen, turn)]
    level = _level(seen, rules, protocol)
    route = _route(_with(seen, rules, seen.factors), protocol)
    ran_out = any(not u.settled and u.until <= now for u in case.unsure)
    if rules or flags or ran_out or level > case.level or seen.factors != case.factors or route is not case.route:
        top = rules[0].rule if rules else (flags[0].rule if flags else "")
        turn.decide(
            RiskAssessed(at=now, level=level, route=route, outcome=top, reasons=(*rules, *flags), factors=seen.factors)
        )


def _undecided(turn: Turn) -> list[Reason]:
    """Nobody decided about a located child past the limit within 30 minutes: WELFARE (A01)."""
    if "limit:a01" in turn.due_keys and turn.case.a01_since is not None and not turn.case.fired("W01"):
        return [Reason(rule="W01", because="A01 undecided", at=turn.now)]
    return []


def _with(case: Case, reasons: list[Reason], factors: tuple[str, ...]) -> Case:
    if not reasons and factors == case.factors:
        return case
    return replace(case, reasons=(*case.reasons, *reasons), factors=factors)


def gate_complete(case: Case, protocol: Protocol) -> bool:
    """Whether every gate question of this side has its answer, or none is due any more."""
    return case.gate_done or next_gate(case, protocol) is None


# ---- flags and factors ---------------------------------------------------------------------------


def _flags(turn: Turn, said: Said, factors: tuple[str, ...]) -> list[Reason]:
    """The flags that are new, each with what raised it first."""
    new: dict[str, str] = {}
    for rule, because in (*_raised(turn, said), *_together(turn, factors)):
        if rule not in new and not turn.case.fired(rule):
            new[rule] = because
    return [Reason(rule=rule, because=because, at=turn.now) for rule, because in new.items()]


def _raised(turn: Turn, said: Said) -> Iterator[tuple[str, str]]:
    case, protocol = turn.case, turn.protocol
    child = case.child
    for mark, flag in protocol.register_marks if child.flags else ():
        if mark in child.flags and not (mark == "medical" and child.medicine_due_at is not None):
            yield flag, f"register:{mark}"
    if (child.age is None or child.age < 12 or child.primary_school) and case.unlocated:
        yield "R04", "register:age"
    if child.medicine_due_at is not None and turn.now >= medicine_flag_at(case, protocol):
        yield "R03", "register:medicine"
    for check, option in said:
        for raised in option.raises:
            yield raised, f"{check}={option.value}"
    for unsure in case.unsure:
        if unsure.settled == "risk":
            for raised in risk_flags(protocol, unsure.check):
                yield raised, f"{unsure.check}=risk"
    for worry in (turn.news, *turn.decisions):
        if isinstance(worry, WorryRaised):
            for raised in worry.flags:
                yield raised, "words"


def _together(turn: Turn, factors: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The flags that circumstances raise together. A night that fell while the house was down has fallen all the same."""
    case = _with(turn.case, [], factors)
    fallen = NIGHTFALL in turn.due_keys
    for flag, names in turn.protocol.together:
        if (fallen and _wants_night(case, turn.protocol, names)) or conditions.holds(
            names, case, turn.protocol, turn.now
        ):
            yield flag, " ".join(names)


def _wants_night(case: Case, protocol: Protocol, names: tuple[str, ...]) -> bool:
    """Whether nothing but the night is wanting. Asked alike when its deadline is armed and when it rings, at no instant of
    their own: what was armed is then spent by ringing, whatever conditions a file has put beside the night."""
    if conditions.NIGHT not in names:
        return False
    others = tuple(name for name in names if name != conditions.NIGHT)
    return conditions.holds(others, case, protocol, case.checks_from)


def nightfall(case: Case, protocol: Protocol) -> datetime | None:
    """When the night falls that would raise a flag together with all that holds already (R15): the first night instant
    after the last answer. None where nothing waits for the night."""
    for flag, names in protocol.together:
        if _wants_night(case, protocol, names) and not case.fired(flag):
            told = [answer.at for given in case.answers.values() for answer in given]
            return limits.first_night(max([case.checks_from, *told]), protocol)
    return None


def medicine_flag_at(case: Case, protocol: Protocol) -> datetime:
    """R03: a medicine due within 12 h of opening holds from the opening; a later one from 12 h before it is due."""
    assert case.child.medicine_due_at is not None
    return case.child.medicine_due_at - timedelta(hours=protocol.timers.medicine_hours)


def risk_flags(protocol: Protocol, check_id: str) -> tuple[str, ...]:
    """The red flags that a Yes on this check would raise."""
    if not protocol.has(check_id):
        return ()
    check = protocol.find(check_id)
    return tuple(dict.fromkeys((*(r for o in check.options for r in o.raises), *check.yes_raises)))


def _factors(case: Case, protocol: Protocol, said: Said) -> tuple[str, ...]:
    """Each counts one and is never taken back (PR6); listed in protocol order."""
    child = case.child
    found = {*case.factors, *child.register_factors}
    for _, option in said:
        found.update(option.factors)
    if child.episodes_90_days:
        found.add("K06")
    if case.opened_at - case.t0 > protocol.timers.late_report * MINUTE:
        found.add("K14")
    where = facts.whereabouts(case, protocol)
    if where is not None and where.approved is False:
        found.add("K11")
    place = protocol.factor_place
    return tuple(sorted(found & place.keys(), key=place.__getitem__))


# ---- rules ---------------------------------------------------------------------------------------


def _rules(case: Case, turn: Turn) -> Iterator[Reason]:
    """Every rule that fires for the first time, in table order (A01 again when the decision it asked for was made and has
    run out); the mild ones only where nothing above them ever fired, and not while a
    return is claimed: a claim is no new finding about the risk."""
    protocol, now = turn.protocol, turn.now
    fired = {r.rule for r in case.reasons}
    complete = gate_complete(case, protocol)
    above = case.status is Status.RETURN_CLAIMED
    for rule in protocol.rule:
        mild = rule.outcome in _MILD
        known = rule.id in fired and not (rule.outcome == "A01" and case.a01_since is None)
        if known and not mild:
            above = True
        if (known and not mild) or (mild and above) or (rule.judged == "gate_end" and not complete):
            continue
        if not _fires(rule, case, turn):
            continue
        if not known:
            yield Reason(rule=rule.id, because=" ".join(rule.when), at=now)
        if mild:
            return
        above = True


def _fires(rule: Rule, case: Case, turn: Turn) -> bool:
    if rule.outcome == "A01" and _contact_just_failed(turn):
        return True
    return conditions.holds(rule.when, case, turn.protocol, turn.now)


def _contact_just_failed(turn: Turn) -> bool:
    before = turn.before
    return (
        before is not None and before.located is Located.SAFE and turn.case.t0_kind == "agreed" and turn.case.unlocated
    )


def _level(case: Case, rules: list[Reason], protocol: Protocol) -> Level:
    """The highest outcome that ever fired; never below what stood (F3), never NAR where NAR is not available."""
    level = case.level
    for reason in rules:
        rule = protocol.rule_named(reason.rule)
        if rule is None:
            continue
        if rule.outcome == "LINKED":
            level = max([level, *(linked for _, linked, _ in case.linked)])
        else:
            level = max(level, _LEVELS[rule.outcome])
    if level is Level.NAR and "nar" not in protocol.protocol.levels:
        return Level.LOW
    return max([level, *(x for _, x, _ in case.linked if level >= Level.MEDIUM)])


def _route(case: Case, protocol: Protocol) -> Route:
    """The strictest number among the flags that stand and the linked cases: 999 before 101 before concern for welfare."""
    routes = [_ROUTES[flag.route] for rule in case.flags if (flag := protocol.flag_named(rule)) is not None]
    routes += [route for _, _, route in case.linked]
    return max([case.route, *routes], key=lambda route: route.strictness) if routes else case.route


# ---- a new worry, and not sure ------------------------------------------------------------------------------------


def _unsure(turn: Turn) -> None:
    """A `not sure` on a red-flag question goes to the co-ordinator and the home's manager at once, climbs at +5, and at
    +10 without a Yes or No becomes M06 (U, 4.2)."""
    news = turn.news
    if isinstance(news, CheckAnswered) and turn.protocol.has(news.check):
        check = turn.protocol.find(news.check)
        if _not_sure(check, news) and not any(u.check == check.id for u in turn.case.unsure):
            until = turn.now + turn.protocol.timers.answer.unsure_human * MINUTE
            turn.decide(UnsureRaised(at=turn.now, check=check.id, until=until))
            _ask_humans(
                turn, check.id, until, ("coordinator",) if turn.case.child.at_home else ("coordinator", "manager")
            )
    if isinstance(news, DeadlinePassed):
        for unsure in turn.case.unsure:
            if f"unsure:{unsure.check}" in news.kinds and not unsure.climbed and turn.now < unsure.until:
                turn.decide(UnsureClimbed(at=turn.now, check=unsure.check))
                _ask_humans(turn, unsure.check, unsure.until, ("deputy",))


def _new_worry(turn: Turn) -> None:
    """The answer "new worry" is a worry like any other: R16, and the danger question is asked again (5.2)."""
    news = turn.news
    if not isinstance(news, CheckAnswered) or not turn.protocol.has(news.check):
        return
    check = turn.protocol.find(news.check)
    if any(o.means == "new_worry" for v in news.values if (o := check.option(v))):
        turn.derive(WorryRaised(at=news.at, by=news.by, channel=news.channel, trust=news.trust))


def _not_sure(check: Check, news: CheckAnswered) -> bool:
    options = [o for v in news.values if (o := check.option(v))]
    return check.red_flag_question and any(o.unsure for o in options)


def _ask_humans(turn: Turn, check: str, until: datetime, roles: tuple[str, ...]) -> None:
    rule = next(iter(risk_flags(turn.protocol, check)), check)
    for role in roles:
        turn.tell(To(kind="duty", id=role), "C_UNSURE", {"rule": rule, "by": until, "check": check}, via="both",
                  question="C_UNSURE")  # fmt: skip


def unsure_due(unsure: Unsure, protocol: Protocol) -> datetime:
    """When an open `not sure` next moves: to the deputy at +5, to M06 at +10."""
    if unsure.climbed:
        return unsure.until
    window = protocol.timers.answer.unsure_human - protocol.timers.answer.unsure_climb
    return unsure.until - window * MINUTE


def out_for(case: Case, now: datetime) -> int:
    """Whole minutes since t0."""
    return max(0, int((now - case.t0).total_seconds() // 60))

"""Question 2: how risky? Every rule that fires is kept as a reason, the highest outcome wins, and the level only ever rises
(floor F3 stands here in code: nothing a protocol says can lower it)."""

from collections.abc import Iterator
from datetime import datetime

from casework import conditions, facts, flags
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
from casework.levels import Level, Located, Route, Status
from casework.limits import MINUTE
from casework.protocol import Protocol
from casework.protocol_parts import Check
from casework.turn import Turn

_LEVELS = {"NAR": Level.NAR, "LOW": Level.LOW, "A01": Level.LOW, "MEDIUM": Level.MEDIUM, "WELFARE": Level.WELFARE,
           "HIGH": Level.HIGH}  # fmt: skip
_MILD = ("NAR", "LOW")
_ROUTES = {"999": Route.EMERGENCY, "101": Route.NON_EMERGENCY, "welfare": Route.POLICE}


def assess(turn: Turn) -> None:
    """Collect flags, factors and rules; decide the level and the number to ring; put a `not sure` before a human."""
    if turn.case.returned:
        return
    _unsure(turn)
    _new_worry(turn)
    case, protocol, now = turn.case, turn.protocol, turn.now
    said = [(check, option) for check, _, option in facts.answered(case, protocol, protocol.raising)]
    factors = flags.factors(case, protocol, said)
    raised = flags.flags(turn, said, factors)
    seen = _with(case, raised, factors)
    rules = [*_undecided(turn), *_rules(seen, turn)]
    level = _level(seen, rules, protocol)
    route = _route(_with(seen, rules, seen.factors), protocol)
    ran_out = bool(case.unsure) and any(not u.settled and u.until <= now for u in case.unsure)
    if rules or raised or ran_out or level > case.level or seen.factors != case.factors or route is not case.route:
        top = rules[0].rule if rules else (raised[0].rule if raised else "")
        turn.decide(
            RiskAssessed(at=now, level=level, route=route, outcome=top, reasons=(*rules, *raised), factors=seen.factors)
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


# ---- rules ---------------------------------------------------------------------------------------


def _rules(case: Case, turn: Turn) -> Iterator[Reason]:
    """Every rule that fires for the first time, in table order (A01 again when the decision it asked for was made and has
    run out); the mild ones only where nothing above them ever fired, and not while a
    return is claimed: a claim is no new finding about the risk."""
    fired = {r.rule for r in case.reasons}
    complete = turn.gate_complete()
    above = case.status is Status.RETURN_CLAIMED
    for rule_id, outcome, at_end, left, rule in turn.protocol.rules_without(conditions.ruled_out(case)):
        mild = outcome in _MILD
        known = rule_id in fired and not (outcome == "A01" and case.a01_since is None)
        if known and not mild:
            above = True
            continue
        if (mild and above) or (at_end and not complete):
            continue
        holding = left is not None and conditions.holds(left, case, turn.protocol, turn.now)
        if not holding and not (outcome == "A01" and _contact_just_failed(turn)):
            continue
        if not known:
            yield Reason(rule=rule_id, because=" ".join(rule.when), at=turn.now)
        if mild:
            return
        above = True


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
    if not case.linked or level < Level.MEDIUM:
        return level
    return max([level, *(linked for _, linked, _ in case.linked)])


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
        stands = any(u.check == check.id and u.settled != "none" for u in turn.case.unsure)
        if _not_sure(check, news) and not stands:
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
    rule = next(iter(flags.of_yes(turn.protocol, check)), check)
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

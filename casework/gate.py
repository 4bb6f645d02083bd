"""Which check comes next: danger first, then what a signal asks for, then the list; what is known is not asked again, and
an instruction ends the gate (domain 3.1, 3.2)."""

from casework import facts
from casework.case import Case
from casework.levels import Located
from casework.protocol import Check, Protocol


def next_gate(case: Case, protocol: Protocol) -> Check | None:
    """The next question before the first decision, or None: the gate is done."""
    return _first(case, protocol, "gate")


def next_check(case: Case, protocol: Protocol) -> Check | None:
    """The next question of this case. Before a decision the gate; after an instruction P00 and danger, then what is
    mandatory, then the detail list; after a logged absence the detail list. A signal's checks come before all."""
    signal = _wanted(case, protocol)
    if signal is not None:
        return signal
    if case.missing_at is None and not case.gate_done:
        return next_gate(case, protocol)
    if case.missing_at is not None:
        for means in ("start", "danger"):
            check = facts.check_for(protocol, means, facts.side_of_work(case))
            if check is not None and _open(case, check):
                return check
        for check in protocol.check:
            if check.mandatory and _asked_of(case, check) and _open(case, check):
                return check
    return _first(case, protocol, "detail")


def _first(case: Case, protocol: Protocol, stage: str) -> Check | None:
    signal = _wanted(case, protocol)
    if stage == "gate" and signal is not None:
        return signal
    return next((c for c in protocol.check if c.stage == stage and _asked_of(case, c) and _open(case, c)), None)


def _asked_of(case: Case, check: Check) -> bool:
    return check.side in (facts.side_of_work(case).value, "both") and check.means != "which_child"


def _open(case: Case, check: Check) -> bool:
    """Whether this check still has to be asked at all."""
    if check.id in case.answers or set(check.hidden_if) & set(case.child.flags):
        return False
    if check.needs == "plan" and not (case.child.has_plan or case.child.flags):
        return False
    if check.needs == "no_due_time" and case.t0_kind != "reported":
        return False
    return not (case.located is Located.SAFE and check.mandatory)


def _wanted(case: Case, protocol: Protocol) -> Check | None:
    """The first check that a signal asks for: danger after a new worry, then what a chosen option names."""
    side = facts.side_of_work(case)
    danger = facts.check_for(protocol, "danger", side)
    if danger is not None and case.worry_seq > case.asked.get(danger.id, (0, 0))[0]:
        return danger
    signals = sorted(
        (answer.seq, place, target)
        for check, option in facts.answered(case, protocol)
        if option.asks and (answer := facts.standing(case, check)) is not None
        for place, target in enumerate(option.asks)
    )
    for seq, _, target in signals:
        if not protocol.has(target):
            continue
        check = protocol.find(target)
        asked_before = case.asked.get(target, (0, 0))[0] < seq
        if check.side in (side.value, "both") and asked_before and not _answered_since(case, target, seq):
            return check
    return None


def _answered_since(case: Case, check: str, seq: int) -> bool:
    return any(a.seq > seq for a in case.answers.get(check, ()))

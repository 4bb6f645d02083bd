"""Which check comes next: danger first, then what a signal asks for, then the list; what is known is not asked again, and
an instruction ends the gate (domain 3.1, 3.2)."""

from casework import facts
from casework.case import Case
from casework.levels import Located
from casework.protocol import Protocol
from casework.protocol_parts import WHICH_CHILD, Check


def next_gate(case: Case, protocol: Protocol) -> Check | None:
    """The next question before the first decision, or None: the gate is done."""
    return _wanted(case, protocol) or _first(case, protocol, "gate")


def in_gate(case: Case) -> bool:
    """Whether neither an instruction nor a logged absence has ended the gate."""
    return case.missing_at is None and not case.gate_done


def next_check(case: Case, protocol: Protocol) -> Check | None:
    """The next question of this case. Before a decision the gate; after an instruction P00 and danger, then what is
    mandatory, then the detail list; after a logged absence the detail list. A signal's checks come before all."""
    if in_gate(case):
        return next_gate(case, protocol)
    signal = _wanted(case, protocol)
    if signal is not None:
        return signal
    if case.missing_at is not None:
        side = facts.side_of_work(case)
        for means in ("start", "danger"):
            check = facts.check_for(protocol, means, side)
            if check is not None and _open(case, check):
                return check
        for check in protocol.mandatory(side).values():
            if check.means != WHICH_CHILD and _open(case, check):
                return check
    return _first(case, protocol, "detail")


def _first(case: Case, protocol: Protocol, stage: str) -> Check | None:
    for check_id, check in protocol.asked_of(facts.side_of_work(case), stage).items():
        if check_id not in case.answers and _open(case, check):
            return check
    return None


def _open(case: Case, check: Check) -> bool:
    """Whether this check still has to be asked at all."""
    if check.id in case.answers or (check.hidden_if and not set(check.hidden_if).isdisjoint(case.child.flags)):
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
    signals = [
        (answer.seq, place, target)
        for _, answer, option in facts.answered(case, protocol, protocol.signalling)
        for place, target in enumerate(option.asks)
    ]
    for seq, _, target in sorted(signals) if signals else ():
        if not protocol.has(target):
            continue
        check = protocol.find(target)
        asked_before = case.asked.get(target, (0, 0))[0] < seq
        if check.side in (side, "both") and asked_before and not _answered_since(case, target, seq):
            return check
    return None


def _answered_since(case: Case, check: str, seq: int) -> bool:
    return any(a.seq > seq for a in case.answers.get(check, ()))

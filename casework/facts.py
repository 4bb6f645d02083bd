"""What the answers say, read through the protocol the case was opened under.

Within one round of asking the riskiest answer stands, whoever gave it and in whatever order (HZ14): two adults
who press opposite buttons in the same second leave the worse one.
"""

from casework.case import Answer, Case
from casework.levels import Level, Side, Trust
from casework.protocol import Protocol
from casework.protocol_parts import Check, Option, OptionsOf


def standing(case: Case, check: Check) -> Answer | None:
    """The answer that stands for this check, or None."""
    given = case.answers.get(check.id)
    if not given:
        return None
    return given[0] if len(given) == 1 else _worst(check, given)


def _worst(check: Check, given: tuple[Answer, ...]) -> Answer:
    latest = max(a.round for a in given)
    return max((a for a in given if a.round == latest), key=lambda a: (_worse(check, a), a.seq))


def _worse(check: Check, answer: Answer) -> int:
    """How risky: the worst option ticked; a place named without trust in it counts by its words alone."""
    return max((o.worse for o in _options(check, answer)), default=0)


def _options(check: Check, answer: Answer) -> tuple[Option, ...]:
    known = check.by_value
    return tuple([known[value] for value in answer.values if value in known])


def chosen(case: Case, check: Check) -> tuple[Option, ...]:
    """The options of the answer that stands, in protocol order."""
    answer = standing(case, check)
    return () if answer is None else _options(check, answer)


def answered(case: Case, protocol: Protocol, among: OptionsOf) -> list[tuple[str, Answer, Option]]:
    """Each of these options that stands, with its check's id and the answer, in the order of answering."""
    found = []
    for check_id, given in case.answers.items():
        if check_id in among:
            options = among[check_id]
            answer = given[0] if len(given) == 1 else _worst(protocol.find(check_id), given)
            found += [(check_id, answer, options[value]) for value in answer.values if value in options]
    return found


def meant(case: Case, protocol: Protocol, means: str) -> set[str]:
    """What the adults' standing answers to checks of this meaning (`contact`, `voice`, …) say, on both sides."""
    said = [c for c in protocol.by_means(means) if c.id in case.answers]
    return {o.means for c in said for o in chosen(case, c) if o.means} if said else set()


def by_means(protocol: Protocol, means: str) -> tuple[Check, ...]:
    """Every check of this meaning, on both sides."""
    return protocol.by_means(means)


def check_for(protocol: Protocol, means: str, side: Side) -> Check | None:
    """This side's check of a meaning: `danger` is C01 for staff and P01 for parents."""
    for check in protocol.by_means(means):
        if check.side in (side, "both"):
            return check
    return None


def whereabouts(case: Case, protocol: Protocol) -> Answer | None:
    """The latest words on where the child is (C06, P06c), or None."""
    given = [a for c in protocol.by_means("where") for a in case.answers.get(c.id, ()) if a.values == ("given",)]
    return max(given, key=lambda a: a.seq) if given else None


def complete(case: Case, check: Check) -> bool:
    """Whether a mandatory check was done: answered by something that counts as done (3.2, M03)."""
    answer = standing(case, check)
    if answer is None:
        return False
    return _searched(check, answer) if check.search_list else check.undone.isdisjoint(answer.values)


def _searched(check: Check, answer: Answer) -> bool:
    """A search list is done when every place is ticked, or the child was found."""
    if any(o.means == "found" for o in _options(check, answer)):
        return True
    return check.places.issubset(answer.values)


def side_of_work(case: Case) -> Side:
    """Whose checks are asked: those of the adult who last worked the case."""
    worker = case.reporter(case.worked_by) or case.reporters[0]
    return worker.side


def code_is_enough(case: Case) -> bool:
    """BACK with the right code from a verified number, where the level never rose above LOW and no flag stands."""
    return case.back.claim_trust is Trust.CODE and case.level <= Level.LOW and not case.flags

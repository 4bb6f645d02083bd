"""How a question is put: it is logged, and its words go out, a minute later where weightier words go now."""

from datetime import datetime

from casework.case import Case
from casework.effects import Field, To
from casework.events import CheckAsked
from casework.limits import minutes
from casework.protocol import Protocol
from casework.turn import Turn


def put(turn: Turn, check: str, person: str, *, timed: bool, repeat: bool = False, fresh: bool = True) -> None:
    """Ask: log it, and send the words."""
    at = turn.goes_out_at(person)
    turn.decide(CheckAsked(at=turn.now, check=check, to=person, asked_at=at, timed=timed, repeat=repeat))
    turn.tell(
        To(kind="person", id=person), check, words_for(turn.case, turn.protocol, check, at), question=check,
        repeat=repeat, fresh=fresh, not_before=at if at > turn.now else None,
    )  # fmt: skip


def words_for(case: Case, protocol: Protocol, check: str, asked_at: datetime) -> dict[str, Field]:
    """What a prompt's text shows: when it was asked, when silence is told to people on call, what may be answered."""
    answer = protocol.timers.answer
    young = case.child.age is None or case.child.age < 12
    wait = answer.silence_watch_under_12 if check == "W_BACK" and young else answer.silence
    fields: dict[str, Field] = {"at": asked_at, "by": asked_at + minutes(wait)}
    if check == "W_BACK":
        fields["due"] = case.t0
    if case.police.number is not None:
        fields["number"] = case.police.number
    if case.child.flags:
        fields["flags"] = case.child.flags
    if protocol.has(check):
        fields["options"] = protocol.find(check).keys
    return fields

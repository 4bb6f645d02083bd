"""The nights in which all is well but for the child, who is not found: each must end at the limit, and nobody may wait
for a word longer than an hour on the way (HZ03, HZ21).

The bad nights end early, at a red flag or at unanswered checks; only here is the limit itself reached, also on the
nights the clocks change, where a limit of ninety minutes is ninety that passed, whatever the wall clock says.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from casework.bad_nights import CLOCKS_GO_BACK, CLOCKS_GO_FORWARD, EVENING
from casework.deadlines import armed
from casework.events import Child, WhereaboutsGiven
from casework.levels import Side, Status
from casework.limits import is_night, limit
from casework.loading import Finding
from casework.protocol import Protocol
from casework.protocol_parts import HARD_CAP_MINUTES, Check, Option
from casework.rehearsal import Rehearsal

AGES = (13, 15, 17)  # under 12 is a matter for the police at once (R04)
WATCHED = (9, 17)
PLAYED_FOR = timedelta(minutes=HARD_CAP_MINUTES + 60)
SILENT_AT_MOST = timedelta(minutes=60)
MOST_ANSWERS = 400
ENDS_IT = ("spoke", "someone_knows", "seen", "found", "on_the_way", "told", "phone", "still_safe")


def play(protocol: Protocol) -> list[Finding]:
    """What goes wrong on these nights: one finding a fault, with the nights that show it."""
    shown: dict[str, list[str]] = {}
    try:
        for fault, night in _played(protocol):
            shown.setdefault(fault, []).append(night)
    except (RuntimeError, ArithmeticError, LookupError, TypeError, ValueError) as fault:
        shown[f"breaks off: {type(fault).__name__} {fault}"] = ["unfinished"]
    return [Finding("night: no news", f"{fault} ({', '.join(nights)})") for fault, nights in shown.items()]


def _played(protocol: Protocol) -> Iterator[tuple[str, str]]:
    for start in (EVENING, CLOCKS_GO_BACK, CLOCKS_GO_FORWARD):
        for age in AGES:
            for side in Side if start is EVENING else (Side.STAFF,):
                night = no_news(protocol, age, side, start)
                yield from ((fault, f"age {age}, {night.adult}, {start:%d %b}") for fault in _faults(night, start))
    for age in WATCHED:
        night = Rehearsal(protocol, EVENING - timedelta(hours=1))
        night.watches(Child(child_id="R1", age=age), EVENING)
        night.until(EVENING + PLAYED_FOR)
        yield from ((fault, f"watch, age {age}") for fault in _faults(night, EVENING))


def no_news(protocol: Protocol, age: int, side: Side, start: datetime) -> Rehearsal:
    """A night in which every question is answered as mildly as may be, and the child stays away."""
    night = Rehearsal(protocol, start, side)
    night.opens(Child(child_id="R1", age=age, at_home=side is Side.PARENT), start)
    for _ in range(MOST_ANSWERS):
        assert night.case is not None
        asked = night.case.last_prompt(night.adult, night.now)
        if asked is not None and protocol.has(asked.check):
            _answer(night, protocol.find(asked.check))
            continue
        coming = [*armed(night.case, protocol).values(), *(p.asked_at for p in night.case.prompts)]
        night.until(min((at for at in coming if at > night.now), default=start + PLAYED_FOR))
        if night.now >= start + PLAYED_FOR:
            break
    return night


def _answer(night: Rehearsal, check: Check) -> None:
    if check.kind == "whereabouts":
        night.hear(
            WhereaboutsGiven(at=night.now, by=night.adult, channel="sms", check=check.id, place=False, adult=False)
        )
    elif not check.options:
        night.answers(check.id, "given", instant=night.now if check.kind == "time" else None)
    else:
        plain = [option.value for option in check.options if not option.means and option.completes]
        mildest = min(check.options, key=_mildness).value
        everywhere = check.kind == "ticks" and check.means == "search" and mildest in plain
        night.answers(check.id, *(plain if everywhere else [mildest]))


def _mildness(option: Option) -> tuple[bool, bool, bool, int]:
    return option.means in ENDS_IT, bool(option.raises), option.unsure or not option.completes, option.worse


def _faults(night: Rehearsal, due: datetime) -> Iterator[str]:
    yield from night.faults
    case, protocol = night.case, night.protocol
    at, opened = next(((at, c) for at, c in night.decided if c.status is not Status.WATCHING), (due, None))
    if case is None or opened is None:
        yield "a watch that nobody answers stays a watch"
        return
    ends = max(limit(opened, protocol), at)
    most = timedelta(minutes=protocol.band(case.child.age).max_night)
    if case.missing_at is None:
        yield "a child who is not found never becomes a matter for the police"
    elif case.missing_at > ends:
        yield "a child who is not found becomes a matter for the police after the limit"
    elif is_night(due, protocol) and case.missing_at - due > most:
        yield f"the limit by night is over {_minutes(most)} minutes that passed"
    said = sorted(s.at for s in night.said if s.at >= opened.opened_at)
    for before, after in zip(said, [*said[1:], night.now], strict=False):
        if after - before > SILENT_AT_MOST:
            yield f"nobody hears a word for {_minutes(after - before)} minutes"
            return


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)

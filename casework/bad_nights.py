"""The nights every protocol must stand before it may be trusted: nobody answers, the worst answers, the clock changes.

What they must show: silence ends at MEDIUM or above within the hard cap, the last rung goes on asking, no open case is
without a deadline, no level sinks, and after a red flag the next words are the instruction (HZ02, HZ03, HZ20, HZ21).
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from casework.events import Child, WhereaboutsGiven
from casework.levels import Level, Side
from casework.loading import Finding
from casework.protocol import Protocol
from casework.protocol_parts import HARD_CAP_MINUTES, Check, Option
from casework.rehearsal import Rehearsal, Stuck

AGES: tuple[int | None, ...] = (None, 9, 11, 13, 15, 17)
EVENING = datetime(2026, 6, 24, 18, 0, tzinfo=UTC)
CLOCKS_GO_BACK = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # 00:30 BST on 25 October
CLOCKS_GO_FORWARD = datetime(2026, 3, 29, 0, 10, tzinfo=UTC)
CAP = timedelta(minutes=HARD_CAP_MINUTES)
AN_HOUR = timedelta(hours=1)
A_WHILE = timedelta(minutes=15)
MOST_ANSWERS = 60

Played = tuple[str, str]  # what went wrong, on which night


def play(protocol: Protocol) -> list[Finding]:
    """Every bad night that this protocol does not stand: one finding a fault, with the nights that show it."""
    shown: dict[tuple[str, str], list[str]] = {}
    for kind, nights in (("silent", _silent), ("worst answers", _worst), ("clock change", _clock_change)):
        for fault, night in _careful(nights, protocol):
            shown.setdefault((kind, fault), []).append(night)
    return [
        Finding(f"night: {kind}", f"{fault} ({', '.join(dict.fromkeys(nights))})")
        for (kind, fault), nights in shown.items()
    ]


def _careful(nights: Callable[[Protocol], Iterator[Played]], protocol: Protocol) -> Iterator[Played]:
    """A night that breaks off is a fault as well: the data led the core where it cannot go."""
    try:
        yield from nights(protocol)
    except (Stuck, ArithmeticError, LookupError, TypeError, ValueError) as fault:
        yield f"breaks off: {type(fault).__name__} {fault}", "unfinished"


def _silent(protocol: Protocol) -> Iterator[Played]:
    for age in AGES:
        for side in Side:
            yield from _silence(protocol, age, side, EVENING)


def _clock_change(protocol: Protocol) -> Iterator[Played]:
    for start in (CLOCKS_GO_BACK, CLOCKS_GO_FORWARD):
        for age in (11, 13, 17):
            yield from _silence(protocol, age, Side.STAFF, start)


def _silence(protocol: Protocol, age: int | None, side: Side, start: datetime) -> Iterator[Played]:
    night = _opened(protocol, age, side, start)
    name = f"age {age}, {night.adult}, {start:%d %b}"
    while not _everybody_knows(night) and night.now < start + CAP:
        night.until(night.now + A_WHILE)
    assert night.case is not None
    if night.case.level < Level.MEDIUM:
        yield f"silence does not end at medium within {HARD_CAP_MINUTES} minutes", name
    else:
        asked = len(night.said)
        night.until(night.now + AN_HOUR)
        if len([s for s in night.said[asked:] if s.text == "C_ALERT"]) < 2:
            yield "the last rung does not repeat: nobody is alerted again within the hour", name
    yield from ((fault, name) for fault in night.faults)


def _everybody_knows(night: Rehearsal) -> bool:
    """The case is a police matter and its alert stands at the last rung."""
    assert night.case is not None
    return night.case.level >= Level.MEDIUM and night.case.alert.rung == night.protocol.rung[-1].rung


def _opened(protocol: Protocol, age: int | None, side: Side, start: datetime, flags: tuple[str, ...] = ()) -> Rehearsal:
    at_home = side is Side.PARENT
    child = Child(child_id="R1", age=age, at_home=at_home, parents=("parent",) if at_home else (), flags=flags)
    night = Rehearsal(protocol, start, side)
    night.opens(child, start)
    return night


# ---- the worst answers ---------------------------------------------------------------------------


def _worst(protocol: Protocol) -> Iterator[Played]:
    for age in AGES:
        for side in Side:
            night = _answered_worst(protocol, age, side)
            name = f"age {age}, {night.adult}"
            assert night.case is not None
            if night.case.level < Level.MEDIUM:
                yield "the worst answers do not end at medium", name
            yield from ((fault, name) for fault in night.faults)
    for side, check, option in raising(protocol):
        night = _opened(protocol, 15, side, EVENING)
        night.now += timedelta(minutes=1)
        night.answers(check.id, option.value)
        yield from ((fault, f"{check.id}={option.value}") for fault in night.faults)
    for mark in sorted({mark for flag in protocol.flag for mark in flag.on_register}):
        night = _opened(protocol, 15, Side.STAFF, EVENING, (mark,))
        yield from ((fault, f"register: {mark}") for fault in night.faults)


def _answered_worst(protocol: Protocol, age: int | None, side: Side) -> Rehearsal:
    """Each question gets the riskiest answer a minute after it was asked."""
    night = _opened(protocol, age, side, EVENING)
    for _ in range(MOST_ANSWERS):
        night.until(night.now + timedelta(minutes=1))
        assert night.case is not None
        asked = night.case.last_prompt(night.adult, night.now)
        if asked is None or not protocol.has(asked.check):
            break
        _answer_worst(night, protocol.find(asked.check))
    return night


def _answer_worst(night: Rehearsal, check: Check) -> None:
    if check.kind == "whereabouts":
        night.hear(
            WhereaboutsGiven(at=night.now, by=night.adult, channel="sms", check=check.id, place=False, adult=False)
        )
    elif check.options:
        night.answers(check.id, max(check.options, key=lambda option: option.worse).value)
    else:
        night.answers(check.id, "given", instant=night.now if check.kind == "time" else None)


def raising(protocol: Protocol) -> Iterator[tuple[Side, Check, Option]]:
    """Every answer that raises a red flag, with the side that gives it."""
    high = {flag.id for flag in protocol.flag if flag.route != "welfare"}
    for check in protocol.check:
        for option in check.options:
            if set(option.raises) & high:
                yield Side.PARENT if check.side == "parent" else Side.STAFF, check, option

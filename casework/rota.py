"""Knows the rota of a role as it runs in time: shifts by the week or once, overrides, leave, and where nobody stands.

Shifts are told on the home's wall clock, London's. Wherever there is a doubt, one person more is on duty, never one fewer:
an hour that comes twice, or not at all, belongs to the shift that ends in it and to the one that begins in it; and an
override by somebody who is away counts for nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from casework.limits import LONDON

A_DAY = timedelta(days=1)
TICK = timedelta(milliseconds=1)
_FIRST, _LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One line of a rota. Instants are UTC.

    `kind`: `shift`, `override`, `leave`, or `standing` (a duty line of the roster file, which nobody has to take over).
    `line`: the list it stands on; of several the smallest is alerted, the next is second in line.
    `days`: the weekdays on which it begins (1 is Monday), from `begins` until `ends` on the wall clock, the next day where
    that is no later; none: once. Nothing of it counts before `from_at` or from `until_at` on.
    `instead_of`: whom an override replaces; nobody named: all who stand on its line.
    """

    shift_id: str
    person: str
    kind: str = "shift"
    line: tuple[int, int] = (1, 1)
    days: frozenset[int] = frozenset()
    begins: time = time(0)
    ends: time = time(0)
    from_at: datetime | None = None
    until_at: datetime | None = None
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when; the end is not part of it."""

    begins: datetime
    ends: datetime

    def holds(self, at: datetime) -> bool:
        """Whether the instant lies in it."""
        return self.begins <= at < self.ends


# ---- the wall clock --------------------------------------------------------------------------------------


def earliest(day: date, clock: time) -> datetime:
    """This wall-clock time on this day, as UTC: the first of two, and before the gap where there is none."""
    return min(_both(day, clock))


def latest(day: date, clock: time) -> datetime:
    """The same: the second of two, and after the gap where there is none."""
    return max(_both(day, clock))


def _both(day: date, clock: time) -> tuple[datetime, datetime]:
    there = datetime.combine(day, clock, tzinfo=LONDON)
    first, second = (there.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second


def spans(shift: Shift, since: datetime, until: datetime) -> Iterator[Span]:
    """Every time that a line runs and that touches the window, in order, cut to where the line counts."""
    from_at, until_at = shift.from_at or _FIRST, shift.until_at or _LAST
    for span in _once(from_at, until_at) if not shift.days else _weekly(shift, since, until):
        cut = Span(max(span.begins, from_at), min(span.ends, until_at))
        if cut.begins < cut.ends and cut.begins < until and cut.ends > since:
            yield cut


def runs(shift: Shift, at: datetime) -> bool:
    """Whether a line runs at an instant, whoever may be away."""
    return any(span.holds(at) for span in spans(shift, at, at + TICK))


def _once(from_at: datetime, until_at: datetime) -> Iterator[Span]:
    yield Span(from_at, until_at)


def _weekly(shift: Shift, since: datetime, until: datetime) -> Iterator[Span]:
    day, last = since.astimezone(LONDON).date() - 2 * A_DAY, until.astimezone(LONDON).date()
    while day <= last:
        if day.isoweekday() in shift.days:
            end = day if shift.ends > shift.begins else day + A_DAY
            yield Span(earliest(day, shift.begins), latest(end, shift.ends))
        day += A_DAY


# ---- the plan --------------------------------------------------------------------------------------------


class Plan:
    """The rota of one role as it runs in a window of time, `since` to `until`. `out`: people whom nothing reaches."""

    def __init__(
        self, rota: Sequence[Shift], since: datetime, until: datetime, out: Collection[str] = frozenset()
    ) -> None:
        self._rows = [(shift, tuple(spans(shift, since, until))) for shift in sorted(rota, key=_in_order)]
        self._out = frozenset(out)
        ends = {each for _, found in self._rows for span in found for each in (span.begins, span.ends)}
        self.changes = sorted({since, *(each for each in ends if since < each < until)})
        self.since, self.until = since, until

    def lines(self, at: datetime) -> list[tuple[Shift, ...]]:
        """Who stands on each line that has anybody at this instant, the first line first."""
        running = [shift for shift, found in self._rows if any(span.holds(at) for span in found)]
        away = self._out | {shift.person for shift in running if shift.kind == "leave"}
        here = [shift for shift in running if shift.kind != "leave" and shift.person not in away]
        return [_standing([s for s in here if s.line == line]) for line in sorted({s.line for s in here})]

    def first(self, at: datetime) -> tuple[Shift, ...]:
        """The first line that has anybody."""
        return next(iter(self.lines(at)), ())

    def began(self, at: datetime) -> datetime:
        """Since when the plan is as it is at this instant."""
        return max(each for each in self.changes if each <= at)

    def ends(self, at: datetime) -> datetime | None:
        """When the people of this instant change; None: not within the window."""
        now = people_of(self.first(at))
        return next((each for each in self.changes if each > at and people_of(self.first(each)) != now), None)

    def gaps(self) -> Iterator[Span]:
        """Every time in the window when nobody stands on any line."""
        begun: datetime | None = None
        for change in (*self.changes, self.until):
            empty = change < self.until and not self.first(change)
            if begun is not None and not empty:
                yield Span(begun, change)
            begun = (begun or change) if empty else None

    def comings(self) -> Iterator[tuple[str, Span]]:
        """Everybody who comes on in the window by a shift or override, and for how long they then stay on."""
        for change in self.changes[1:]:
            before = people_of(self.first(change - TICK))
            for shift in self.first(change):
                if shift.person not in before and shift.kind != "standing":
                    yield shift.person, Span(change, self._leaves(shift.person, change))

    def emptied(self, after: "Plan") -> Iterator[Span]:
        """Every time in the window when somebody stands here, and nobody in the plan that is to take its place."""
        changes = sorted({*self.changes, *after.changes, self.until})
        begun: datetime | None = None
        for change in changes:
            lost = change < self.until and bool(self.first(change)) and not after.first(change)
            if begun is not None and not lost:
                yield Span(begun, change)
            begun = (begun or change) if lost else None

    def came(self, person: str, at: datetime) -> datetime:
        """Since when somebody who is on at this instant has been so without a break; the window's begin at the earliest."""
        since = self.began(at)
        while since > self.since and person in people_of(self.first(since - TICK)):
            since = self.began(since - TICK)
        return since

    def _leaves(self, person: str, at: datetime) -> datetime:
        later = (each for each in self.changes if each > at and person not in people_of(self.first(each)))
        return next(later, self.until)


def _in_order(shift: Shift) -> tuple[tuple[int, int], str]:
    return shift.line, shift.shift_id


def _standing(line: Sequence[Shift]) -> tuple[Shift, ...]:
    """Who stands on one line, overrides counted; where they would leave nobody, everybody who is named there does."""
    overrides = [shift for shift in line if shift.kind == "override"]
    replaced = {shift.instead_of for shift in overrides if shift.instead_of}
    whole = any(not shift.instead_of for shift in overrides)
    found = [s for s in line if s.person not in replaced and (s.kind == "override" or not whole)]
    return tuple({shift.person: shift for shift in found or line}.values())


def people_of(line: Iterable[Shift]) -> tuple[str, ...]:
    """Who stands on a line, by id."""
    return tuple(sorted(shift.person for shift in line))

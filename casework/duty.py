"""Knows who holds a role at an instant: who stands on its rota, and whoever was there before until the next person has
taken over."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from casework.rota import A_DAY, TICK, Plan, Shift, people_of

EARLY = timedelta(minutes=30)  # a duty may be taken over so long before it begins; then the next person is asked
LOOK_BACK = timedelta(days=7)  # who has had a duty for a week has taken it over
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Who holds a role by the rota at an instant.

    `people`: those on the first line that has any. `kind`: what puts them there. `until`: when that changes.
    `keeping`: who had it before and was not relieved, since nobody of `people` has taken over. `everybody`: nor is it known
    who had it before, so that everybody who has the role must hear. `second`: the next line.
    """

    people: tuple[str, ...] = ()
    kind: str = ""
    until: datetime | None = None
    keeping: tuple[str, ...] = ()
    everybody: bool = False
    second: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the hand-over is still open."""
        return bool(self.keeping) or self.everybody


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Somebody said that they have this duty now."""

    person: str
    at: datetime


def on_duty(
    rota: Sequence[Shift], taken_over: Iterable[TakenOver], at: datetime, out: Collection[str] = frozenset()
) -> Duty:
    """Who holds the role at this instant.

    1. the first line that has anybody who is not away; an override counts before the shift
    2. where none of them has taken over, whoever would have been alerted just before is alerted too, and so on back to
       somebody who had taken over; where nobody had it before, that is everybody who has the role
    """
    plan = Plan(rota, at - LOOK_BACK, at + 2 * A_DAY, out)
    lines = plan.lines(at)
    if not lines:
        return Duty()
    said = {each.person: each.at for each in sorted(taken_over, key=lambda each: each.at) if each.at <= at}
    keeping, everybody = _not_relieved(plan, said, at)
    people = tuple(shift.person for shift in lines[0])
    return Duty(
        people=people, kind=_kind(lines[0]), until=plan.ends(at), keeping=keeping, everybody=everybody,
        second=tuple(s.person for line in lines[1:2] for s in line if s.person not in (*people, *keeping)),
    )  # fmt: skip


def _kind(line: Sequence[Shift]) -> str:
    kinds = {shift.kind for shift in line}
    return next(kind for kind in ("override", "shift", "standing") if kind in kinds)


def _not_relieved(plan: Plan, said: Mapping[str, datetime], at: datetime) -> tuple[tuple[str, ...], bool]:
    """Those from before whom nobody has relieved, the latest first; and whether that leads to nobody who is known."""
    now, found, cursor = people_of(plan.first(at)), dict[str, None](), at
    while not _settled(plan, said, cursor):
        cursor = plan.began(cursor) - TICK
        before = people_of(plan.first(cursor))
        if not before:
            return tuple(found), True
        found.update(dict.fromkeys(person for person in before if person not in now))
    return tuple(found), False


def _settled(plan: Plan, said: Mapping[str, datetime], at: datetime) -> bool:
    """Whether somebody on duty at this instant has it for good: they took it over, stand on the roster, or had it a week."""
    for shift in plan.first(at):
        since = plan.came(shift.person, at)
        if shift.kind == "standing" or since <= plan.since or since - EARLY <= said.get(shift.person, NEVER):
            return True
    return False

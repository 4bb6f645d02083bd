"""Knows how two sides are compared: in alternating slices of one run, and the median of the rounds' own ratios.

A machine has good and bad seconds, and other people's work on it. Each round gives both sides a slice, one right after
the other, and its ratio is formed within the round; what slows the machine slows both. The spread is the least and the
greatest round. Every slice has its length in seconds, so a measurement ends by itself on any machine.
"""

import gc
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Side: TypeAlias = Callable[[float], Awaitable[float]]  # works for so many seconds, returns its rate a second

ROUNDS = 5
SHORT_SECONDS, FULL_SECONDS = 0.35, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `low` and `high` are the spread of the rounds, where there were any.

    `must` and `aim` are bounds of the figure: from below where more is better (`more`), else from above.
    """

    what: str
    figure: float
    unit: str
    low: float | None = None
    high: float | None = None
    must: float | None = None
    aim: float | None = None
    more: bool = True
    note: str = ""

    def meets(self, bound: float) -> bool:
        """Whether the figure keeps to a bound."""
        return self.figure >= bound if self.more else self.figure <= bound

    @property
    def missed(self) -> bool:
        """Whether a must was missed; an aim is only an aim."""
        return self.must is not None and not self.meets(self.must)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """What could not be measured here, and why."""

    what: str
    why: str


Told: TypeAlias = Row | NotRun
Rates: TypeAlias = Mapping[str, Sequence[float]]


async def alternate(
    sides: Mapping[str, Callable[[float], Awaitable[T]]], seconds: float, rounds: int = ROUNDS
) -> dict[str, list[T]]:
    """What each side tells of its slices, once a round, after one slice each to warm up; who begins alternates."""
    for side in sides.values():
        await side(seconds / 2)
    settle_down()
    names = list(sides)
    rates: dict[str, list[T]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else names[::-1]:
            rates[name].append(await sides[name](seconds))
    return rates


def settle_down() -> None:
    """Leave what was imported and made so far out of every later collection, as the house does after it has started."""
    gc.collect()
    gc.freeze()


def spread(what: str, figures: Sequence[float], unit: str, **bounds: float | bool | str | None) -> Row:
    """A row of the median of some figures."""
    return Row(what=what, figure=statistics.median(figures), unit=unit, low=min(figures), high=max(figures), **bounds)  # type: ignore[arg-type]


def ratio(what: str, ours: Sequence[float], theirs: Sequence[float], **bounds: float | bool | str | None) -> Row:
    """A row of how many times their figure ours is, round by round."""
    return spread(what, [mine / other for mine, other in zip(ours, theirs, strict=True)], "×", **bounds)


def percentile(figures: Sequence[float], part: float) -> float:
    """The least figure that so large a part of them does not exceed."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

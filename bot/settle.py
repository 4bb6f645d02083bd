"""Knows when the house has nothing left to do at this instant: no input waits, no deadline is due, no letter is unsent.

Under a test clock this is the only moment at which bells ring; a tester moves the clock, settles, and looks.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from scheduler.postman import Drained

ROUNDS_AT_MOST = 200  # a house that never comes to rest is a fault, not a wait


@dataclass(slots=True)
class Settled:
    """What was done until nothing moved any more."""

    inputs: int = 0
    deadlines: int = 0
    sends: int = 0
    failed_sends: int = 0


class Restless(Exception):
    """The house found something new to do two hundred times over at one instant."""


async def settle(
    inputs: Callable[[], Awaitable[int]],
    deadlines: Callable[[], Awaitable[int]],
    sends: Callable[[], Awaitable[Drained]],
) -> dict[str, int]:
    """Work inputs, then deadlines, then letters, and again, until a whole round moved nothing. Raises Restless."""
    done = Settled()
    for _ in range(ROUNDS_AT_MOST):
        heard, rung, drained = await inputs(), await deadlines(), await sends()
        done.inputs += heard
        done.deadlines += rung
        done.sends += drained.sends
        done.failed_sends += drained.failed
        if not (heard or rung or drained.sends):
            return asdict(done)
    raise Restless(f"not at rest after {ROUNDS_AT_MOST} rounds")

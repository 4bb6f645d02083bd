"""Knows what storage needs of chance: ids that sort by time, codes, digits and tokens, seeded in tests."""

from datetime import datetime
from typing import Protocol

from storage.codec import ms

CODE_LETTERS = "ABEFJTUVYZ"
DRILL_LETTER = "X"


class Chance(Protocol):
    """Where random choices come from."""

    def digits(self, count: int) -> str:
        """Return so many random decimal digits."""
        ...

    def token(self) -> str:
        """Return 22 characters nobody can guess, safe in a URL."""
        ...


def time_id(prefix: str, now: datetime, chance: Chance) -> str:
    """Make an id that begins with what it belongs to and sorts by time: prefix, 48 bits of milliseconds, chance."""
    return f"{prefix}-{ms(now):012x}{chance.digits(10)}"


def code(chance: Chance, *, digits: int, drill: bool) -> str:
    """Make a case code such as `A17`; never one that reads as an answer or as a drill's."""
    letter = DRILL_LETTER if drill else CODE_LETTERS[int(chance.digits(1))]
    return letter + chance.digits(digits)

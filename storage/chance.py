"""Knows what storage needs of chance: ids that sort by time, codes, digits and tokens, seeded in tests."""

from datetime import datetime
from functools import lru_cache
from typing import Protocol

from casework.wording import DRILL_LETTER
from storage.codec import ms

CODE_LETTERS = "ABEFJTUVYZ"
_IN_ORDER = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"  # as the database sorts them
_TIME_LETTERS = 6  # 36 bits of seconds


class Chance(Protocol):
    """Where random choices come from."""

    def digits(self, count: int) -> str:
        """Return so many random decimal digits."""
        ...

    def token(self) -> str:
        """Return 22 characters nobody can guess, safe in a URL."""
        ...


_OF_CASE = 6


def time_id(prefix: str, now: datetime, chance: Chance, case_id: str | None = None) -> str:
    """Make an id that begins with what it belongs to and sorts by time: prefix, 48 bits of milliseconds, chance.

    What belongs to a case ends with some of its id: a burst makes a quarter of a million letters of one millisecond,
    and no two of them may have one number.
    """
    return f"{prefix}-{ms(now):012x}{chance.digits(10)}{(case_id or '')[-_OF_CASE:]}"


def time_token(milliseconds: int, chance: Chance) -> str:
    """Make a token of 22 characters that sorts by time, to the second; 16 of them nobody can guess.

    Tokens that lie anywhere among those of years would touch a page of the index each.
    """
    return _time_letters(milliseconds // 1000) + chance.token()[_TIME_LETTERS:]


@lru_cache(maxsize=64)
def _time_letters(seconds: int) -> str:
    return "".join(_IN_ORDER[seconds >> shift & 63] for shift in range(6 * (_TIME_LETTERS - 1), -1, -6))


def code(chance: Chance, *, digits: int, drill: bool) -> str:
    """Make a case code such as `A17`; never one that reads as an answer or as a drill's."""
    letter = DRILL_LETTER if drill else CODE_LETTERS[int(chance.digits(1))]
    return letter + chance.digits(digits)

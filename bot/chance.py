"""Knows where codes, digits and tokens come from: the system's own randomness, or a seed that a test has set.

A seeded house that starts again must not draw the same ids a second time: the number of its start is part of the seed.
"""

import os
import random
import secrets
from typing import Protocol

TOKEN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TOKEN_LENGTH, TOKEN_BYTES = 22, 16  # 128 bits


class _Source(Protocol):
    def randrange(self, stop: int, /) -> int: ...


class Chance:
    """Random choices. Not for several threads at once, except unseeded."""

    def __init__(self, seed: str | None = None) -> None:
        self._source: _Source = secrets.SystemRandom() if seed is None else random.Random(seed)
        self._seeded = seed is not None

    def digits(self, count: int) -> str:
        """Return so many random decimal digits."""
        if self._seeded:
            return f"{self._source.randrange(10**count):0{count}d}"
        return f"{int.from_bytes(os.urandom(TOKEN_BYTES)) % 10**count:0{count}d}"  # of so many bits, each as likely

    def token(self) -> str:
        """Return 22 characters nobody can guess, safe in a URL."""
        if not self._seeded:
            return secrets.token_urlsafe(TOKEN_BYTES)  # one call of the system and not twenty-two
        return "".join(TOKEN_LETTERS[self._source.randrange(64)] for _ in range(TOKEN_LENGTH))


class ScriptedChance:
    """No chance at all, for nights that are written down: the first case is A17, the first alert carries 4821, the first
    parent's code is 482193, and each later one is the next."""

    def __init__(self) -> None:
        self._next = {1: 0, 2: 17, 3: 217, 4: 4821, 6: 482193}
        self._tokens = 0

    def digits(self, count: int) -> str:
        """Return the next so many digits."""
        number = self._next.get(count, 0)
        self._next[count] = number if count < 3 else number + 1  # a code that is taken gets a digit more
        return f"{number % 10**count:0{count}d}"

    def token(self) -> str:
        """Return 22 characters, each time others."""
        self._tokens += 1
        return f"scripted{self._tokens:08d}script"  # what differs stands in the middle: its ends are put to other uses

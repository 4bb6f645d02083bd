"""Knows a person's PIN: six digits of their own, stored as a slow hash, and how many wrong ones count before none does.

Six digits are guessed in a million tries, so the tries are counted: five wrong ones lock it for a quarter of an hour, ten
without a right one between them until a new one is set. Hashing takes a tenth of a second on purpose; do it aside.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from storage.codec import instant, ms
from storage.database import Tx

DIGITS = 6
WRONG_IN_A_ROW, WRONG_AT_MOST = 5, 10
LOCKED = timedelta(minutes=15)
FOR_GOOD = timedelta(days=36500)
COST, BLOCK, PARALLEL, SALT_BYTES = 2**14, 8, 5, 16  # 16 MB and some 150 ms a try


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What is stored of one person's PIN."""

    person: str
    hash: str
    set_at: datetime
    wrong: int
    locked_until: datetime | None

    def locked(self, now: datetime) -> bool:
        """Whether no PIN counts at this instant, right or wrong."""
        return self.locked_until is not None and self.locked_until > now

    @property
    def spent(self) -> bool:
        """Whether it stays locked until another is set."""
        return self.wrong >= WRONG_AT_MOST


def is_pin(digits: str) -> bool:
    """Whether this may be a PIN: six digits, neither all the same nor one after the other."""
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdecimal()):
        return False
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    return steps not in ({0}, {1}, {9})


def hashed(digits: str) -> str:
    """What is stored: `scrypt$cost$block$parallel$salt$hash`. Slow on purpose."""
    salt = secrets.token_bytes(SALT_BYTES)
    made = _scrypt(digits, salt, COST, BLOCK, PARALLEL)
    return "$".join(("scrypt", str(COST), str(BLOCK), str(PARALLEL), _text(salt), _text(made)))


def matches(stored: str, digits: str) -> bool:
    """Whether these digits were hashed to this. Slow on purpose, and as slow for a wrong one."""
    _, cost, block, parallel, salt, made = stored.split("$")
    found = _scrypt(digits, base64.b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found, base64.b64decode(made))


def _scrypt(digits: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(digits.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=2**26, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


# ---- stored -----------------------------------------------------------------------------------------


async def set_pin(tx: Tx, person: str, stored: str, now: datetime) -> None:
    """Give a person this PIN in place of any other; wrong tries are forgotten with the old one."""
    await tx.run(
        "INSERT INTO pin (person, hash, set_at) VALUES (?, ?, ?) ON CONFLICT (person)"
        " DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at, wrong = 0, locked_until = NULL",
        person, stored, ms(now),
    )  # fmt: skip


async def find(tx: Tx, person: str) -> Pin | None:
    """A person's PIN, or None."""
    row = await tx.row("SELECT * FROM pin WHERE person = ?", person)
    if row is None:
        return None
    until = row["locked_until"]
    return Pin(
        person=row["person"], hash=row["hash"], set_at=instant(row["set_at"]), wrong=row["wrong"],
        locked_until=None if until is None else instant(until),
    )  # fmt: skip


async def forget(tx: Tx, person: str) -> None:
    """Take a person's PIN away."""
    await tx.run("DELETE FROM pin WHERE person = ?", person)


async def count(tx: Tx, pin: Pin, *, right: bool, now: datetime) -> None:
    """Count one try at a PIN that is not locked."""
    wrong = 0 if right else pin.wrong + 1
    until = None
    if wrong >= WRONG_AT_MOST:
        until = now + FOR_GOOD
    elif wrong and wrong % WRONG_IN_A_ROW == 0:
        until = now + LOCKED
    await tx.run(
        "UPDATE pin SET wrong = ?, locked_until = ? WHERE person = ?", wrong, None if until is None else ms(until),
        pin.person,
    )  # fmt: skip

"""Knows how a person proves that an account or a number is theirs: a one-time link, or six digits texted back.

Only hashes are stored: who reads the database cannot bind an account. A link is good for 24 hours and one use.
"""

import hashlib
from datetime import datetime, timedelta

from storage.chance import Chance
from storage.directory import Directory

LINK_HOURS = 24
DIGITS_MINUTES = 10  # six digits are 20 bits: short-lived, and used once
DIGITS = 6


def link_hash(token: str) -> str:
    """What is stored of the token behind `/start`."""
    return hashlib.sha256(f"telegram:{token}".encode()).hexdigest()


def digits_hash(person_id: str, digits: str) -> str:
    """What is stored of the digits texted to one person; the same digits of another person are another hash."""
    return hashlib.sha256(f"mobile:{person_id}:{digits}".encode()).hexdigest()


async def make_link(directory: Directory, person_id: str, now: datetime, chance: Chance) -> str:
    """Make a link's token (264 bits); an earlier one of this person is dead."""
    token = chance.token() + chance.token()
    await directory.make_invite(person_id, link_hash(token), now + timedelta(hours=LINK_HOURS), "telegram")
    return token


async def make_digits(directory: Directory, person_id: str, now: datetime, chance: Chance) -> str:
    """Make the six digits that prove a number; earlier ones of this person are dead."""
    digits = chance.digits(DIGITS)
    until = now + timedelta(minutes=DIGITS_MINUTES)
    await directory.make_invite(person_id, digits_hash(person_id, digits), until, "mobile")
    return digits

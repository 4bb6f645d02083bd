"""What is due? Every deadline that has come is rung, most severe case first, in batches that are one unit of work."""

from datetime import datetime

from storage.casebook import Casebook

ROUNDS_AT_MOST = 1000  # 512 cases a round: more than a country has open


async def ring(casebook: Casebook, now: datetime, down_since: datetime | None = None) -> int:
    """Ring until nothing is due at `now`; returns how many cases rang. Bounded, so that it can never spin."""
    rang = 0
    for _ in range(ROUNDS_AT_MOST):
        round_rang = await casebook.ring(now, down_since=down_since)
        rang += round_rang
        if not round_rang:
            break
    return rang

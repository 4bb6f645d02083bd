"""Knows how fast letters may leave: what a provider takes in a second from us, and in one chat or at one number.

A bucket holds so many letters at once and is filled so many a second; over any second both together stay below what the
provider allows. Some of each channel's bucket is kept for the most urgent: they never wait behind anybody's reminder.
Whoever asked us to wait, waits alone: the others go on.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scheduler.outbox import LONG_SECONDS

KEPT = 2  # of a channel's bucket, for the most urgent alone
LONG = timedelta(seconds=LONG_SECONDS)  # an address that is closed for longer is no way to its person now
FORGET_AT = 1000  # buckets of addresses, before the full ones among them are thrown away


@dataclass(frozen=True, slots=True)
class Rate:
    """So many letters at once, and so many a second after that."""

    at_once: int
    a_second: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What a provider takes: in all, at each address, and in each group chat."""

    total: Rate
    each: Rate
    group: Rate | None = None

    def of(self, address: str) -> Rate:
        """The rate of one address; the number of a group begins with a minus."""
        return self.group if self.group is not None and address.startswith("-") else self.each


def in_all(a_second: float) -> Rate:
    """The rate that keeps to so many in any second."""
    at_once = max(1, int(a_second / 5))
    return Rate(at_once, max(a_second - at_once, 0.5))


@dataclass(slots=True)
class Bucket:
    """What may still leave, as it stood at `at`."""

    rate: Rate
    level: float
    at: datetime

    def now(self, now: datetime) -> float:
        """What may leave now."""
        self.level = min(self.rate.at_once, self.level + max(0.0, (now - self.at).total_seconds()) * self.rate.a_second)
        self.at = now
        return self.level

    def take(self, now: datetime) -> None:
        """One left."""
        self.level = self.now(now) - 1

    def seconds_to(self, level: float) -> float:
        """How long until so much may leave."""
        return max(0.0, (level - self.level) / self.rate.a_second)


@dataclass(slots=True)
class Pace:
    """The pace of one channel; without `rates` it only knows who asked us to wait."""

    rates: Rates | None
    _all: Bucket | None = None
    _each: dict[str, Bucket] = field(default_factory=dict)
    _empty: set[str] = field(default_factory=set)
    _forget_at: int = FORGET_AT
    _closed: dict[str, datetime] = field(default_factory=dict)

    def room(self, now: datetime) -> tuple[float, float]:
        """How many letters may leave now: of any kind, and of the most urgent."""
        if self.rates is None:
            return float("inf"), float("inf")
        level = self._total(self.rates, now).now(now)
        return level - min(KEPT, self.rates.total.at_once - 1), level

    def took(self, address: str, now: datetime) -> None:
        """A letter leaves for this address."""
        if self.rates is None:
            return
        self._total(self.rates, now).take(now)
        bucket = self._each.get(address) or Bucket(self.rates.of(address), self.rates.of(address).at_once, now)
        bucket.take(now)
        self._each[address] = bucket
        if bucket.level < 1:
            self._empty.add(address)
        if len(self._each) > self._forget_at:
            self._each = {each: b for each, b in self._each.items() if b.now(now) < b.rate.at_once}
            self._forget_at = max(FORGET_AT, 2 * len(self._each))

    def close(self, address: str, until: datetime) -> None:
        """The provider wants nothing for this address until then."""
        self._closed[address] = max(until, self._closed.get(address, until))

    def closed_for(self, address: str, now: datetime) -> float:
        """For how many seconds this address is closed."""
        until = self._closed.get(address)
        return 0.0 if until is None else max(0.0, (until - now).total_seconds())

    def not_now(self, now: datetime) -> list[str]:
        """Addresses that may be written to in a moment, and not now. One that is closed for long is not among them: its
        letters are taken, and go another way."""
        self._closed = {each: until for each, until in self._closed.items() if until > now}
        soon = [each for each, until in self._closed.items() if until - now <= LONG]
        self._empty = {each for each in self._empty if each in self._each and self._each[each].now(now) < 1}
        return [*soon, *self._empty.difference(soon)]

    def seconds_to_next(self, now: datetime) -> float | None:
        """How long until something may leave that may not now; None where nothing is held back."""
        waits = [(until - now).total_seconds() for until in self._closed.values()]
        waits += [self._each[each].seconds_to(1) for each in self._empty if each in self._each]
        ordinary, _ = self.room(now)
        if self._all is not None and ordinary < 1:
            waits.append(self._all.seconds_to(self._all.level - ordinary + 1))
        return min((wait for wait in waits if wait > 0), default=None)

    def _total(self, rates: Rates, now: datetime) -> Bucket:
        self._all = self._all or Bucket(rates.total, rates.total.at_once, now)
        return self._all

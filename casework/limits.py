"""When an absence may no longer stay one: the limit, the grace, the night, the review interval (domain 5.2, all OURS
save the hard cap). All sums are on UTC instants; only the question "is it night?" looks at the home's wall clock.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from casework.case import Case
from casework.events import Child
from casework.levels import Level, Located
from casework.protocol import Protocol
from casework.protocol_parts import HARD_CAP_MINUTES, Band, minute_of_day

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)


@lru_cache(maxsize=4096)  # there are few waits, and a product costs ten times as much as finding it again
def minutes(count: int) -> timedelta:
    """So many minutes."""
    return count * MINUTE


def half(count: int) -> int:
    """Half, in whole minutes rounded down, at least 1; 0 stays 0."""
    return 0 if count == 0 else max(1, count // 2)


def band(case: Case, protocol: Protocol) -> Band:
    """The timers of the child's age, fixed when the case opened."""
    return protocol.band(case.child.age)


def grace(child: Child, t0_kind: str, protocol: Protocol) -> timedelta:
    """Minutes after the due time before anybody is asked. Never for under 12, a red flag on the register, an active
    pattern or an unknown t0."""
    flagged = any(set(f.on_register) & set(child.flags) for f in protocol.flag)
    young = child.age is None or child.age < 12 or child.primary_school
    if young or flagged or child.active_patterns or t0_kind == "reported":
        return timedelta(0)
    return protocol.band(child.age).grace * MINUTE


def limit(case: Case, protocol: Protocol) -> datetime:
    """min(t0 + day value, first night instant at or after t0 + night value, first t0 + 360 min), or the time at which the
    police who said no look again, if that is sooner; never later than the hard cap, whatever the data say. After an
    authorised stay the cap counts from the end of the authorisation."""
    child = case.child
    asked = child.age, bool(child.active_patterns), child.plan_limit_minutes
    kept = protocol.longest
    day, night, cap = kept.get(asked) or kept.setdefault(asked, _longest(child, protocol))
    capped_from = max(case.first_t0, case.authorised_until or case.first_t0)
    ours = min(case.t0 + day, first_night(case.t0, protocol) + night, capped_from + cap)
    theirs = case.police.declined_review_at
    return ours if theirs is None else min(ours, theirs)


def _longest(child: Child, protocol: Protocol) -> tuple[timedelta, timedelta, timedelta]:
    """How long a child of this age and these patterns may be out: by day, by night, whatever the data say."""
    ages = protocol.band(child.age)
    day, night = ages.max_day, ages.max_night
    if child.active_patterns:
        day, night = half(day), half(night)
    if child.plan_limit_minutes is not None:
        day = min(day, child.plan_limit_minutes)
    return day * MINUTE, night * MINUTE, min(protocol.timers.hard_cap, HARD_CAP_MINUTES) * MINUTE


def first_night(t0: datetime, protocol: Protocol) -> datetime:
    """t0 itself if it lies in the night, else the evening's first night instant."""
    return _first_night(t0, *protocol.timers.night)


@lru_cache(maxsize=1024)  # of one case it is asked several times in one step
def _first_night(t0: datetime, start: int, end: int) -> datetime:
    local = t0.astimezone(LONDON)
    minute = local.hour * 60 + local.minute
    if minute >= start or minute < end:
        return t0
    return local.replace(hour=start // 60, minute=start % 60, second=0, microsecond=0, fold=0).astimezone(UTC)


def is_night(at: datetime, protocol: Protocol) -> bool:
    """Whether it is night on the home's wall clock: from included, to not."""
    return first_night(at, protocol) == at


def local_instant(day_of: datetime, words: str, *, days: int = 0) -> datetime:
    """`words` o'clock (HH:MM) on the home's wall clock, on the local day of `day_of` plus `days`; the earlier one of a
    repeated hour."""
    of_day = minute_of_day(words)
    local = day_of.astimezone(LONDON) + timedelta(days=days)
    return local.replace(hour=of_day // 60, minute=of_day % 60, second=0, microsecond=0, fold=0).astimezone(UTC)


def interval(case: Case, protocol: Protocol) -> timedelta:
    """Between two reviews: the age band's, halved at LOW."""
    every = band(case, protocol).review
    return minutes(half(every) if case.level is Level.LOW else every)


def next_review(case: Case, protocol: Protocol, now: datetime) -> datetime | None:
    """When the reporter is asked again; None while the chase for a log number stands in its place."""
    timers = protocol.timers
    if case.reported:
        return now + timers.review_confirmed_every * MINUTE
    if case.police.chase_at is not None:
        return None
    if case.missing_at is not None:
        told = min(band(case, protocol).review, timers.review_told_at_most)
        return now + told * MINUTE
    if case.located is Located.SAFE:
        return away_review(case, protocol, now)
    after = now + interval(case, protocol)
    ends = limit(case, protocol)
    return min(after, ends) if ends > now else after


def away_review(case: Case, protocol: Protocol, now: datetime) -> datetime:
    """AWAY: the agreed return plus grace first, else every 60 min by day, one at 22:00 and one at 09:00 (5.2)."""
    if case.agreed_until is not None and case.authorised_until is None:
        first = case.agreed_until + grace(case.child, case.t0_kind, protocol)
        if first > now:
            if case.level is not Level.NAR:
                return min(first, now + interval(case, protocol))
            return first
    hour = now + protocol.timers.away.every * MINUTE
    if case.level is Level.LOW and case.agreed_until is None:
        return min(now + interval(case, protocol), max(limit(case, protocol), now + MINUTE))
    evening = local_instant(now, protocol.timers.away.night_check)
    if now < evening <= hour:
        return evening
    if is_night(hour, protocol):
        morning = local_instant(now, protocol.timers.away.morning_check)
        return morning if morning > now else local_instant(now, protocol.timers.away.morning_check, days=1)
    return hour


def agreement_holds(case: Case, protocol: Protocol, now: datetime) -> bool:
    """Whether the place was shown safe and an agreed return or an authorised stay still runs. An agreed return counts
    only up to 360 minutes after the first t0; later is a stay and needs the authoriser (A01)."""
    if case.located is not Located.SAFE or case.agreed_until is None or now >= case.agreed_until:
        return False
    return _agreement_end(case, protocol) > now


def _agreement_end(case: Case, protocol: Protocol) -> datetime:
    if case.authorised_until is not None:
        return case.authorised_until
    cap = case.first_t0 + min(protocol.timers.hard_cap, HARD_CAP_MINUTES) * MINUTE
    assert case.agreed_until is not None
    return case.agreed_until if case.agreed_until <= cap else case.t0


def away_limit(case: Case, protocol: Protocol) -> datetime:
    """When A01 falls due for a located child: the limit, or the end of a valid agreement if that is later."""
    ends = limit(case, protocol)
    if case.located is Located.SAFE and case.agreed_until is not None:
        return max(ends, _agreement_end(case, protocol))
    return ends

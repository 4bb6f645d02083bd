"""Which days and instants the words of a rota mean: `mon-fri`, `daily`, `20:00`, `fri 20:00`, `2026-11-27 20:00`, `now`.

Read strictly, for a shift that was understood otherwise is found out on the night: whatever is unclear is None.
"""

import re
from datetime import date, datetime, time, timedelta

from casework.limits import LONDON
from casework.rota import A_DAY, earliest, latest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAYS = frozenset(range(1, 8))
_MOMENT = re.compile(r"(?:(?P<date>\d{4}-\d\d-\d\d)[ t]|(?P<day>[a-z]{3})[ ,]+)?(?P<hour>\d{1,2}):(?P<minute>\d\d)")


def read_days(words: str) -> frozenset[int] | None:
    """The weekdays, 1 Monday to 7: `daily`, or names and ranges with commas between; None for anything else."""
    said = words.strip().casefold()
    if said in ("daily", "every day", "all"):
        return ALL_DAYS
    found: set[int] = set()
    for part in said.split(","):
        first, dash, last = (each.strip() for each in part.partition("-"))
        ends = [first, last] if dash else [first]
        if any(each not in DAYS for each in ends):
            return None
        begin, length = DAYS.index(ends[0]), (DAYS.index(ends[-1]) - DAYS.index(ends[0])) % 7
        found |= {(begin + n) % 7 + 1 for n in range(length + 1)}
    return frozenset(found)


def read_clock(words: str) -> time | None:
    """A time of the wall clock with two digits of minutes, or None."""
    match = re.fullmatch(r"(\d{1,2}):(\d\d)", words.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return time(int(match[1]), int(match[2]))


def read_day(words: str) -> date | None:
    """A day like `2026-11-27`, or None."""
    try:
        return date.fromisoformat(words.strip())
    except ValueError:
        return None


def read_moment(words: str, after: datetime, *, ends: bool = False) -> datetime | None:
    """The instant, UTC; without a date the first after `after`. `ends`: in the hour that comes twice it is the second."""
    said = words.strip().casefold()
    if said == "now":
        return after
    match = _MOMENT.fullmatch(said)
    clock = read_clock(f"{match['hour']}:{match['minute']}") if match else None
    if match is None or clock is None or match["day"] not in (None, *DAYS):
        return None
    at = latest if ends else earliest
    if match["date"]:
        day = read_day(match["date"])
        return None if day is None else at(day, clock)
    today = after.astimezone(LONDON).date()
    coming = (today + n * A_DAY for n in range(9))
    wanted = None if match["day"] is None else DAYS.index(match["day"])
    return next(m for day in coming if wanted in (None, day.weekday()) and (m := at(day, clock)) > after)


def midnight(day: date) -> datetime:
    """The first instant of a day, UTC."""
    return earliest(day, time(0))


def after(day: date) -> datetime:
    """The first instant that no longer belongs to a day, UTC."""
    return midnight(day + timedelta(days=1))

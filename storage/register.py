"""Knows what rules read from a child's entry in the register: age, factors, a medicine's time, approved people, the plan's
own limit.

A profile is free text by the names of the report's fields. What cannot be read here never buys time and never stops a
case from opening: a medicine without a readable time counts as due at any time.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from casework.limits import LONDON
from storage.people import ChildRow

NEW_PLACEMENT_DAYS, MOVED_DAYS = 14, 30
OUT_OF_SCHOOL = ("excluded", "not in school")
OTHER_NAMES = {"la_host": "host_authority", "la_responsible": "placing_authority", "substance_notes": "substances"}
SERVICES_EMAIL = "services_email"  # where the child's own authority wants reports, if not where the home's does
RULES_READ = (
    "school_stage",
    "plan",
    "limit_minutes",
    "medicine_due",
    SERVICES_EMAIL,
)  # keys no field of the report has
DAYS = ("placement_start", "last_move")
_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?")


def age_on(born: date, now: datetime) -> int:
    """Whole years on the local day of `now`."""
    day = now.astimezone(LONDON).date()
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def register_factors(child: ChildRow, now: datetime) -> tuple[str, ...]:
    """K07, K08, K09, K10 and K12 as the profile tells them (domain 4.3)."""
    profile = {OTHER_NAMES.get(key, key): value.strip() for key, value in child.profile.items()}
    today = now.astimezone(LONDON).date()
    host, responsible = profile.get("host_authority", ""), profile.get("placing_authority", "")
    moved = _within(profile, "placement_start", today, NEW_PLACEMENT_DAYS) or _within(
        profile, "last_move", today, MOVED_DAYS
    )
    stands = {
        "K07": moved,
        "K08": bool(host and responsible) and host.casefold() != responsible.casefold(),
        "K09": profile.get("school_status", "").casefold() in OUT_OF_SCHOOL,
        "K10": bool(profile.get("substances")),
        "K12": bool(profile.get("mental_health")),
    }
    return tuple(factor for factor, holds in stands.items() if holds)


def medicine_due(child: ChildRow, now: datetime) -> datetime | None:
    """The next instant a medicine is due, from the profile's `medicine_due`: `20:30` local time, or ISO-8601.

    None without the flag `medical`, and where no time can be read: then the flag alone raises R03 as the case opens.
    """
    return read_due(child.profile.get("medicine_due", ""), now) if "medical" in child.flags else None


def read_due(words: str, now: datetime) -> datetime | None:
    """The next instant named by a time of day in London, or by a date and time."""
    at = _TIME_OF_DAY.fullmatch(words.strip())
    if at is None:
        return _instant(words.strip())
    due = now.astimezone(LONDON).replace(hour=int(at[1]), minute=int(at[2]), second=0, microsecond=0, fold=0)
    return (due if due.astimezone(UTC) >= now else due + timedelta(days=1)).astimezone(UTC)


def plan_limit(child: ChildRow) -> int | None:
    """The limit of the child's own plan, in minutes."""
    words = child.profile.get("limit_minutes", "").strip()
    return int(words) if words.isdecimal() else None


def day_of(words: str) -> date | None:
    """A day written as 2026-11-20."""
    try:
        return date.fromisoformat(words.strip())
    except ValueError:
        return None


def approved_people(child: ChildRow) -> tuple[str, ...] | None:
    """The names on the child's list of approved people, as they are called; None where there is no list (K11)."""
    words = child.profile.get("approved")
    return None if words is None else tuple(name for name in re.split(r"[;,\n]", words) if name.strip())


def _instant(words: str) -> datetime | None:
    try:
        due = datetime.fromisoformat(words)
    except ValueError:
        return None
    return (due if due.tzinfo else due.replace(tzinfo=LONDON)).astimezone(UTC)


def _within(profile: Mapping[str, str], key: str, today: date, days: int) -> bool:
    day = day_of(profile.get(key, ""))
    return day is not None and 0 <= (today - day).days <= days

"""Which instant a typed time means, on London's wall clock; of two that fit, the earlier, for it is the stricter.

A time that could be morning or evening, that names no day and lies ahead, or that says two things is None: it is asked
again rather than guessed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from casework.plain import holds, level, phrase, tokens
from casework.wording import LONDON

SLIGHTLY_AHEAD = timedelta(minutes=5)
A_DAY = timedelta(days=1)
_CLOCK = re.compile(
    r"(?<![\d:.])(\d{1,2})(?:\s?[:.h]\s?|(?=\d\d(?!\d)))(\d\d)(?!\d)\s?([ap]\.?m\b\.?)?"  # 18:40, 1840, 6.40pm
    r"|(?<![\d:.])(\d{1,2})\s?([ap]\.?m\b\.?)"  # 6pm
)
_YESTERDAY = frozenset({"yday", "yesterday", "ddoe"})
_TOMORROW = frozenset({"tomorrow", "tmrw", "yfory"})
_SEEN = frozenset({"seen", "gwelwyd"})
_DUE = frozenset({"due", "back", "disgwyl"})
_FILLING = frozenset(
    "at about around approx last was by today he she they for on am hrs hr hours o'clock oclock".split()  # noqa: SIM905 - words read best as words
)
_RETURN = _FILLING | _DUE | _TOMORROW | {"till", "til", "until", "home", "in", "the", "and", "then", "tonight"}
_NOBODY = frozenset(
    "alone nobody noone none friend friends mate mates boyfriend girlfriend unknown someone people neb".split()  # noqa: SIM905
)
_WOULD_NOT_SAY = (
    "don't know", "dont know", "dunno", "no idea", "not sure", "unknown", "would not say", "wouldn't say", "won't say",
    "wont say", "refused", "none", "nowhere", "idk", "ddim yn gwybod",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadTime:
    """A time somebody typed: when the child was `due`, or last `seen`. UTC."""

    kind: Literal["due", "seen"]
    instant: datetime


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What the words on where the child is say: a place named, an adult named, when the child comes back (UTC).

    `company`: what else was named beside the place, part by part, without the times: who the child is with.
    """

    place: bool
    adult: bool
    back_at: datetime | None = None
    company: tuple[str, ...] = ()


def read_time(words: str, now: datetime, *, ahead: timedelta = SLIGHTLY_AHEAD) -> ReadTime | None:
    """`18:40`, `1840`, `6.40pm`, `YDAY 21:00`, `SEEN 18:40`; None for anything that must be asked again.

    A time ahead of `now` counts only within `ahead`; yesterday only where the words say so.
    """
    found = _single(words)
    if found is None:
        return None
    clock, others = found
    allowed = _FILLING | _YESTERDAY | _SEEN | _DUE
    seen = bool(others & _SEEN)
    if others - allowed or (seen and others & {"due"}):
        return None
    day = now.astimezone(LONDON).date() - (A_DAY if others & _YESTERDAY else timedelta())
    fitting = {i for c in clock if (i := on(day, c)) <= now + (timedelta() if seen else ahead)}
    return ReadTime("seen" if seen else "due", fitting.pop()) if len(fitting) == 1 else None


def read_coming(words: str, now: datetime) -> datetime | None:
    """The next time the clock shows this, within a day (a watch, an agreed return); None when it cannot be read."""
    found = _single(words)
    if found is None or found[1] & _YESTERDAY:
        return None
    today = now.astimezone(LONDON).date()
    days = (today + A_DAY,) if found[1] & _TOMORROW else (today, today + A_DAY)
    return min((i for c in found[0] for d in days if (i := on(d, c)) > now), default=None)


def on(day: date, clock: time) -> datetime:
    """That wall-clock time on that day in London, as UTC; in the hour that comes twice the earlier one."""
    there = datetime.combine(day, clock, tzinfo=LONDON)
    return min(there.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def _single(words: str) -> tuple[tuple[time, ...], set[str]] | None:
    """The one clock time in the words (both halves of the day where it may be either), and the words around it."""
    text = level(words)
    matches = list(_CLOCK.finditer(text))
    if len(matches) != 1 or "?" in text:
        return None
    around = text[: matches[0].start()] + " " + text[matches[0].end() :]
    clock = _clock(matches[0])
    if clock is None or re.search(r"\d", around):
        return None
    return clock, set(tokens(around))


def _clock(match: re.Match[str]) -> tuple[time, ...] | None:
    written, minute = match[1] or match[4], int(match[2] or 0)
    hour, half = int(written), (match[3] or match[5] or "").replace(".", "")
    if half and 1 <= hour <= 12:
        return _times((hour % 12 + (12 if half == "pm" else 0),), minute)
    if half and (half == "am" or hour == 0):
        return None
    if len(written) == 1 and hour and not half:
        return _times((hour, hour + 12), minute)
    return _times((hour,), minute)


def _times(hours: tuple[int, ...], minute: int) -> tuple[time, ...] | None:
    return tuple(time(h, minute) for h in hours) if minute < 60 and max(hours) < 24 else None


def read_whereabouts(words: str, now: datetime) -> Whereabouts | None:
    """`gran's, gran, 22:30`: a place, an adult, a time, with commas between. None when there are no words at all.

    What is not said counts as not known: no adult named, no time agreed.
    """
    text = level(words)
    if text.strip(" .!") == "?":
        return Whereabouts(place=False, adult=False)
    parts = [p for p in re.split(r"[,;]|\bwith\b", text) if tokens(p)]
    if not parts:
        return None
    back_at = next((t for p in reversed(parts) if (t := read_coming(_time_in(p), now))), None)
    named = [p for p in parts if set(tokens(_CLOCK.sub(" ", p))) - _RETURN]
    place = bool(named) and not _unsaid(named[0])
    adult = place and len(named) > 1 and not set(tokens(named[1])) & _NOBODY and not _unsaid(named[1])
    company = tuple(_CLOCK.sub(" ", p).strip() for p in named[1:])
    return Whereabouts(place=place, adult=adult, back_at=back_at, company=company)


def _unsaid(part: str) -> bool:
    return "?" in part or any(holds(phrase(part), said) for said in _WOULD_NOT_SAY)


def _time_in(part: str) -> str:
    """The time in a part, with the day if one is named."""
    match = _CLOCK.search(part)
    day = " tomorrow" if set(tokens(part)) & _TOMORROW else ""
    return match[0] + day if match else ""

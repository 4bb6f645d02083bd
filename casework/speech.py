"""Which words go first when one moment calls forth several (domain 5.3): one text a person and channel, the most severe;
the others a minute later each, or not at all where a weightier text says the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol as Shape
from typing import TypeVar

from casework.effects import Tell
from casework.levels import Level

HELD_BACK = timedelta(minutes=1)

ON_CALL = (
    "C_NOREF", "C_UNSURE", "C_ALERT", "X_OPTOUT", "X_DEAD", "C_UNWELL", "C_CLAIM", "C_CALLPOL", "C_DECLINED", "C_DECLINED0",
    "C_DISAGREE", "C_POLREV", "C_NOTE", "C_GONE", "C_LAPSED", "M_LOW", "C_FILE", "C_UNSENT",
)  # fmt: skip
INSTRUCTIONS = (
    "O_HIGH", "O_HIGH_TEXT999", "O_HIGH_LOC", "O_HIGH_LOC_TEXT999", "O_HIGH_101", "O_WELF", "R_LIMIT", "O_MED", "O_UPD",
    "X_DOWN_LIMIT", "B_UNCONF",
)  # fmt: skip
OTHERS = ("O_NOREF", "R_NOACK", "R_SILENT", "O_DECLINED", "O_AWAY", "O_DOUBT", "O_NAR")
BACK = ("B_SEEN", "B_CLAIM", "B_TWO", "B_WELL", "B_POL", "B_KIND", "B_KIND0", "O_POL", "O_POLTOLD")
REVIEWS = ("X_DOWN", "R_REV", "R_NEWS", "AWAY_CHECK", "W_BACK")
SAYS_THE_SAME = {
    "R_SILENT": frozenset(INSTRUCTIONS), "X_DOWN": frozenset({"X_DOWN_LIMIT"}), "C_LAPSED": frozenset({"C_ALERT"}),
    "O_LAPSED": frozenset((*INSTRUCTIONS, "R_NOACK")),
}  # fmt: skip

_ORDER = {text: number for number, text in enumerate((*ON_CALL, *INSTRUCTIONS, *OTHERS, *BACK, *REVIEWS))}


def rank(text: str) -> int:
    """Smaller goes first; a check's own question last."""
    return _ORDER.get(text, len(_ORDER) + (1 if text != "QUESTION" else 0))


def urgency(text: str, level: Level) -> int:
    """Where a letter stands in the queue, smaller first. What people on call and who waits must hear goes before all else, the
    most severe case first: after an outage that is the first thing read."""
    if text in _FIRST:
        return rank(text) - _A_LEVEL * (level + 1)
    return rank(text) - level


_FIRST = frozenset((*ON_CALL, *INSTRUCTIONS, "R_NOACK"))
_A_LEVEL = 1000


class Draft(Shape):
    """What must be known of a letter to order it; read-only, so that any record with these names will do."""

    @property
    def person(self) -> str | None: ...
    @property
    def channel(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def not_before(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Spoken:
    """A `Tell` as a draft, for whoever plays the core with no directory behind it."""

    tell: Tell

    @property
    def person(self) -> str:
        return f"{self.tell.to.kind}:{self.tell.to.id}"

    @property
    def channel(self) -> str:
        return self.tell.via

    @property
    def text(self) -> str:
        return self.tell.text

    @property
    def not_before(self) -> datetime | None:
        return self.tell.not_before


D = TypeVar("D", bound=Draft)


def one_each(drafts: Iterable[D], now: datetime) -> list[tuple[D, datetime]]:
    """Pair every letter that is to go with the instant it may go at: the weightiest of each person and channel now,
    the next a minute later, and so on; what says the same as a weightier one is dropped."""
    groups: dict[tuple[str | None, str], list[D]] = {}
    timed: list[tuple[D, datetime]] = []
    for draft in drafts:
        if draft.not_before is not None:
            timed.append((draft, draft.not_before))
        else:
            groups.setdefault((draft.person, draft.channel), []).append(draft)
    for group in groups.values():
        if len(group) == 1:
            timed.append((group[0], now))
            continue
        group.sort(key=lambda d: rank(d.text))
        said: set[str] = set()
        wait = 0
        for draft in group:
            if SAYS_THE_SAME.get(draft.text, frozenset()) & said or draft.text in said:
                continue
            said.add(draft.text)
            timed.append((draft, now + wait * HELD_BACK))
            wait += 1
    return timed

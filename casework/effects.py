"""What the rooms above must do after a step: letters to send, alerts to mark, reports to file.

Deadlines are no effects: they follow from the case by `deadlines.armed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Field: TypeAlias = str | int | datetime | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """Whom a letter is for. `kind` says how storage finds the people:

    `person` (id = person id) · `duty` (id = role: coordinator, second_coordinator, deputy, manager, owner)
    · `all_duty` (every escalation contact) · `home_staff` (every member of staff of the home with a bound account,
    but `id`, who was asked already) · `other_parents` (askable parents of the child, but `id`)
    · `told` (every person on call who was told of the case, but `id`) · `police` (the organisation's report address).
    """

    kind: str
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """One text for one addressee; storage turns it into a letter a person and channel.

    `via`: `own` = the channel that person uses in this case; `both` = Telegram and SMS at the same moment;
    `quiet` = the best single channel. `question` is the check or prompt it asks (buttons on Telegram, digits on SMS).
    `alert`: the rung, where it must be acknowledged; the letter then carries four digits of its own.
    `fresh`: False lets the Telegram card be edited in place, True sends a new message.
    """

    to: To
    text: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    via: str = "own"
    question: str | None = None
    alert: int | None = None
    repeat: bool = False
    fresh: bool = True
    not_before: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkAlerts:
    """Every live alert of the case on these rungs (first and last) becomes `taken` (by, until), `lapsed` or `ended`."""

    state: str
    by: str | None = None
    until: datetime | None = None
    rungs: tuple[int, int] = (0, 999)

    def reaches(self, rung: int | None) -> bool:
        """Whether an alert on this rung is meant."""
        return rung is not None and self.rungs[0] <= rung <= self.rungs[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOff:
    """Somebody has the alert: what still waits to wake others (the chain's own words) is not sent; `but`: who has it."""

    but: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Letters of the case that were not sent yet are cancelled: to `person` (questions only), or all but this step's."""

    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A version of the missing report is due."""

    version: int
    reasons: tuple[str, ...]


Effect: TypeAlias = Tell | MarkAlerts | CallOff | Withdraw | File

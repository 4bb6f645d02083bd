"""One thing that the doctor looked at, and how it stands."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Found:
    """`bad`: somebody may not be reached, or the house not start. `warn`: a person should know."""

    level: Level
    what: str
    says: str

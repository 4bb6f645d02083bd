"""The closed vocabularies of a case: how risky, where it stands, whether the child is located.

Order matters in `Level` and `Trust`: a larger value is the riskier level, the stronger trust.
"""

from enum import IntEnum, StrEnum


class Level(IntEnum):
    """Reporter-side risk; the software only ever raises it (floor F3)."""

    UNASSESSED = 0
    NAR = 1
    LOW = 2
    MEDIUM = 4
    WELFARE = 5
    HIGH = 6

    @property
    def shown(self) -> str:
        """The word the outside sees; WELFARE is shown as `medium`."""
        return "medium" if self is Level.WELFARE else self.name.lower()


class Status(StrEnum):
    """Where a case stands. `WATCHING` is a watch that has not become a case."""

    WATCHING = "watching"
    CHECKING = "checking"
    ABSENT = "absent"
    MISSING = "missing"
    RETURN_CLAIMED = "return_claimed"
    RETURNED = "returned"
    CLOSED = "closed"


class Located(StrEnum):
    """What is known of the child's whereabouts; only SAFE, UNSAFE and SEEN count as located."""

    NO = "no"
    CLAIMED = "claimed"
    SAFE = "safe"
    UNSAFE = "unsafe"
    SEEN = "seen"


class Trust(StrEnum):
    """How far the author of news is believed, weakest first."""

    NONE = "none"
    CODE = "code"
    VERIFIED = "verified"
    TWO_PERSON = "two_person"


class Side(StrEnum):
    """Which set of checks an adult is asked: care-home staff (C, D) or a parent (P)."""

    STAFF = "staff"
    PARENT = "parent"


class Route(StrEnum):
    """Which number the adult is told to ring, mildest first."""

    NONE = "none"
    POLICE = "welfare"
    NON_EMERGENCY = "101"
    EMERGENCY = "999"

    @property
    def strictness(self) -> int:
        """0 for none, more for a stricter number."""
        return _STRICTNESS[self]


_STRICTNESS = {route: number for number, route in enumerate(Route)}

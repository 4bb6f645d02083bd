"""Whose fault it was.

Exception
├── OurMistake            a bug of this house: never shown to a person as their fault
└── NotAllowed            what was asked may not be done; the text says why, in plain words
    └── RetiredProtocol   a retired protocol may be replayed and compared, never opened live
"""


class OurMistake(Exception):
    """The house broke one of its own rules."""


class NotAllowed(Exception):
    """What was asked may not be done."""


class RetiredProtocol(NotAllowed):
    """A retired protocol may be replayed and compared, never opened live (HZ19)."""

"""Knows what Twilio's numbers for an error mean here: try again, the address is dead, we are set up wrongly, or nobody knows.

Twilio itself warns against logic on its codes. So none of them ever means stop: what is unknown concerns one letter, which
goes another way, and the ladder goes on.
"""

from enum import Enum


class Verdict(Enum):
    """What follows from an error."""

    RETRY = "retry"  # it passes by itself
    DEAD = "dead"  # nothing arrives at this address any more
    FAULT = "fault"  # ours: the account, the sender, a region that is not open; a person must set it right
    EXPIRED = "expired"  # it outlived its use on the way
    UNKNOWN = "unknown"


OPTED_OUT = 21610  # they texted STOP

_CODES = {
    Verdict.RETRY: (
        10004, 14107, 20429, 30001, 30003, 30008, 30017, 30022, 63018,  # busy, loop guard, queue full, unreachable, unknown
    ),
    Verdict.DEAD: (21211, 21214, 21217, OPTED_OUT, 21614, 21635, 30005, 30006),  # no such number, opted out, no mobile
    Verdict.FAULT: (
        20003, 20404, 21212, 21408, 21606, 21608, 21611, 21612, 21659, 21703, 21704, 30002, 30034,
    ),
    Verdict.EXPIRED: (30036,),
}  # fmt: skip
_VERDICTS = {code: verdict for verdict, codes in _CODES.items() for code in codes}


def verdict(code: int | str | None) -> Verdict:
    """What an error code says; one that nobody listed, or that is no number, is UNKNOWN."""
    text = str(code or "")
    return _VERDICTS.get(int(text), Verdict.UNKNOWN) if text.isascii() and text.isdecimal() else Verdict.UNKNOWN

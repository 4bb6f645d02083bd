"""Knows the states of a letter and every move between them: what is not in this table does not happen.

queued ──▶ sending ──▶ sent ──▶ delivered        a provider's word may come before ours: queued ──▶ sent, delivered
  │  ◀──────  │          └────▶ failed, expired  and what was given up may have arrived all the same
  └──▶ cancelled, expired, failed
"""

from collections.abc import Mapping

MOVES: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"sending", "sent", "delivered", "failed", "expired", "cancelled"}),
    "sending": frozenset({"queued", "sent", "delivered", "failed"}),
    "sent": frozenset({"delivered", "failed", "expired"}),
    "failed": frozenset({"delivered"}),  # another copy of it arrived
    "expired": frozenset({"delivered"}),
    "cancelled": frozenset({"delivered"}),
    "delivered": frozenset(),
}
ENDS = frozenset({"delivered", "failed", "expired", "cancelled"})


def _is(state: str) -> str:
    return f"state = '{state}'"


def may_become(state: str) -> str:
    """The condition, in SQL, that a letter may move there."""
    return _IN[state]


def becomes(state: str) -> str:
    """The assignment, in SQL, that moves a letter there where it may, and leaves it as it is where it may not."""
    return f"state = CASE WHEN {_IN[state]} THEN '{state}' ELSE state END"


# Compared one by one: for `IN` with more than two values SQLite makes a table in memory at every statement.
_IN = {to: f"({' OR '.join([_is(at) for at, moves in MOVES.items() if to in moves])})" for to in MOVES}

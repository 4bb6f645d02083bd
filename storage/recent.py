"""Knows the cases that were worked a moment ago, so that a conversation does not unfold its case anew at every word.

The database alone says how a case stands: its row is read in each unit of work, and what is kept here serves only where
the hash that ends its log is the one that stands in that row. The hash is an HMAC over the whole log of the case, so a
case of a unit that was undone, of another node, or of yesterday can never be taken for the one that is there; nor can
its deadlines, which follow from it and are written in the same unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from storage.codec import Written

AT_MOST = 512  # cases, of some 15 kB each; the collector of garbage looks through all of them


@dataclass(frozen=True, slots=True)
class Kept:
    """A case as one unit left it: the hash that ended its log, and the deadlines it wrote (milliseconds UTC by key).

    `deadlines` is None where nobody here wrote them: then only the database knows.
    """

    head: str
    written: Written
    deadlines: Mapping[str, int] | None


class Recent:
    """The newest `at_most` cases by id; the one that was not worked for longest makes room."""

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._kept: dict[str, Kept] = {}

    def of(self, case_id: str) -> Kept | None:
        """What was kept of a case; for the caller to compare with the head in the database."""
        return self._kept.get(case_id)

    def keep(self, case_id: str, kept: Kept) -> None:
        """Remember a case as it was just written."""
        self._kept.pop(case_id, None)
        self._kept[case_id] = kept
        if len(self._kept) > self._at_most:
            del self._kept[next(iter(self._kept))]

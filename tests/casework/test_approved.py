"""Who the child is with, against the register's list: whatever is not plainly on it is not on it (K11)."""

import pytest

from casework.approved import approved
from casework.reading import read_whereabouts
from tests.builders import local

LISTED = ("gran", "Auntie Jo", "Dad and Sue")
NOW = local("2026-06-10", "20:00")


def with_approved(words: str) -> bool:
    """What the words of C06 or P06c come to."""
    where = read_whereabouts(words, NOW)
    assert where is not None
    return approved(where.company, LISTED)


@pytest.mark.parametrize(
    "words",
    [
        "gran's, gran, 22:30", "gran's with her GRAN", "gran's, gran 22:30", "gran's, gran, 22:30, by bus",
        "the park, Auntie Jo & gran", "the park, auntie jo and dad", "y parc, gran a dad", "the park, my gran, on foot",
    ],
)  # fmt: skip
def test_a_name_as_it_stands_on_the_list_is_approved(words: str) -> None:
    """Letters' size, `her`, the time and the way of travelling are no other person."""
    assert with_approved(words)


@pytest.mark.parametrize(
    "words",
    [
        "gran's, 22:30", "gran's", "the park, friends", "the park, Jo", "the park, gran and Dave", "the park, gran, Dave",
        "the park, gran's friend", "the park, maybe gran", "the park, not gran", "the park, gran?", "?",
        "the park, gran, lift from Dave", "with Dave at gran's", "would not say, with Dave", "by bus",
    ],
)  # fmt: skip
def test_in_doubt_nobody_is_approved(words: str) -> None:
    """One name more, one name other, or no name: the safer side."""
    assert not with_approved(words)


def test_an_empty_list_approves_nobody() -> None:
    """A home that writes an empty list has said that there is nobody."""
    assert not approved(("gran",), ())
    assert not approved((), ())

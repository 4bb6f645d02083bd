"""Knows whether the people somebody named are on the child's list of approved people (K11).

In doubt they are not: a name written otherwise than on the list, one more name beside a known one, nobody named at all.
"""

import re
from collections.abc import Iterable, Iterator

from casework.plain import level, tokens

_BESIDE = re.compile(r"\b(?:and|a|ac)\b|[&+/]")
_NOT_A_NAME = frozenset(
    "the my his her their our is at on in by for bus train tram tube foot walk walking bike bws".split()  # noqa: SIM905 - words read best as words
)


def approved(company: Iterable[str], listed: Iterable[str]) -> bool:
    """Whether somebody was named, and everybody who was is on the list, by a name that stands there.

    `company`: what was said of who is with the child, without the place and the times. How the child travels is nobody.
    """
    known, named = set(_names(listed)), set(_names(company))
    return bool(named) and named <= known


def _names(parts: Iterable[str]) -> Iterator[str]:
    """Each bare name; a question mark stays with it, for it is doubt."""
    for part in parts:
        for each in _BESIDE.split(level(part)):
            bare = [token for token in tokens(each) if token not in _NOT_A_NAME]
            if bare:
                yield " ".join([*bare, "?"] if "?" in each else bare)

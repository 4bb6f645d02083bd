"""Whatever stands in a file where it does not belong: the answer is findings, never an exception."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.locales import books
from bot.protocols import shelf
from casework.check import read
from casework.loading import BadProtocol, Finding, whole
from casework.stricter import Raw
from tests.builders import BASE

BOOKS = books()
BASE_RAW = shelf(None).raw(BASE)
FORCE_RAW = shelf(None).own("england/example-force/2026-01-01")
NONSENSE: tuple[Any, ...] = (
    0, -1, 10**30, 1.5, float("nan"), "", "x", "R01", [], {}, [1], ["x"], [{}], [{"id": 1}], [{"id": "R01"}],
    {"id": "x"}, True, False, [[]], [["x"]],
)  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything that stands in a file."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in steps:
        yield (*way, name)
        yield from places(each, (*way, name))


def put(raw: Raw, way: tuple[Any, ...], value: Any) -> None:
    """Put a value there, or nothing at all where earlier nonsense took the place away."""
    at: Any = raw
    for name in way[:-1]:
        if not (isinstance(at, dict) and name in at) and not (
            isinstance(at, list) and isinstance(name, int) and name < len(at)
        ):
            return
        at = at[name]
    if isinstance(at, dict) or (isinstance(at, list) and isinstance(way[-1], int) and way[-1] < len(at)):
        at[way[-1]] = value


def told(raw: Raw, base: Raw | None) -> list[Finding]:
    """Every finding of a file; one that does not load says why, and each names a place and has words."""
    protocol, found = None, list[Finding]()
    try:
        protocol, _ = whole(raw, base)
    except BadProtocol as fault:
        found += fault.findings
    assert found or protocol is not None, "refused, and nobody learns why"
    found += read(raw, protocol, base, BOOKS)
    assert [] == [each for each in found if not (each.where.strip() and each.says.strip())]
    return found


FORCE_PLACES, BASE_PLACES = list(places(FORCE_RAW)), list(places(BASE_RAW))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FORCE_PLACES), st.sampled_from(NONSENSE)), min_size=1, max_size=3))
def test_nonsense_in_a_layer_is_findings(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """A force's file with anything anywhere is read to its end."""
    raw = deepcopy(FORCE_RAW)
    for way, value in changes:
        put(raw, way, deepcopy(value))
    told(raw, BASE_RAW)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(BASE_PLACES), st.sampled_from(NONSENSE)), min_size=1, max_size=3))
def test_nonsense_in_a_base_is_findings(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """So is a file that extends nothing."""
    raw = deepcopy(BASE_RAW)
    for way, value in changes:
        put(raw, way, deepcopy(value))
    told(raw, None)


@pytest.mark.parametrize("part", ["protocol", "timers", "rung", "check", "rule", "flag"])
@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_nonsense_for_a_whole_part_is_never_sound(part: str, value: Any) -> None:
    """No protocol is without its timers or its rungs: what stands there in their place is found, an empty list too."""
    raw = deepcopy(BASE_RAW)
    raw[part] = deepcopy(value)
    assert told(raw, None)

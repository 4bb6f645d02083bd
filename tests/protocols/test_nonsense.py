"""Whatever stands in a file where it does not belong: the answer is findings, never an exception."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.locales import books
from bot.protocols import shelf
from casework.check import read
from casework.loading import BadProtocol, laid_over
from casework.protocol import Protocol
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


def whole(raw: Raw, base: Raw | None) -> Protocol | None:
    try:
        return Protocol.model_validate(laid_over(base, raw) if base is not None else raw)
    except (BadProtocol, ValidationError):
        return None


FORCE_PLACES, BASE_PLACES = list(places(FORCE_RAW)), list(places(BASE_RAW))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FORCE_PLACES), st.sampled_from(NONSENSE)), min_size=1, max_size=3))
def test_nonsense_in_a_layer_is_findings(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """A force's file with anything anywhere is read to its end."""
    raw = deepcopy(FORCE_RAW)
    for way, value in changes:
        put(raw, way, deepcopy(value))
    read(raw, whole(raw, BASE_RAW), BASE_RAW, BOOKS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(BASE_PLACES), st.sampled_from(NONSENSE)), min_size=1, max_size=3))
def test_nonsense_in_a_base_is_findings(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """So is a file that extends nothing."""
    raw = deepcopy(BASE_RAW)
    for way, value in changes:
        put(raw, way, deepcopy(value))
    read(raw, whole(raw, None), None, BOOKS)

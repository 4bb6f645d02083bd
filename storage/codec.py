"""Knows how events and cases are written: canonical JSON, instants as integers in milliseconds UTC.

Canonical means sorted keys, no blanks, ASCII: the same event is the same bytes, which is what the chain signs. Every
field is written, so that a default that changes one day cannot change what an old log says; a field that is new
since then takes its default, a field that is unknown is refused.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from casework import events
from casework.case import Case
from casework.errors import OurMistake
from storage.shapes import instant, ms, or_null, quoted, shape

__all__ = [
    "KINDS", "Written", "canonical", "case_from", "case_text", "event_data", "event_from", "event_text", "instant", "ms",
    "quoted", "read_case", "settled", "write_case",
]  # fmt: skip

E = TypeVar("E", bound=events.Event)
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_scan = json.JSONDecoder().raw_decode


def canonical(value: object) -> str:
    """The one JSON text of plain data."""
    return _dumps(value)


def event_text(event: events.Event) -> str:
    """An event as canonical JSON; its class stands under `event`."""
    return shape(type(event)).write(event)


def event_data(event: events.Event) -> dict[str, Any]:
    """An event as plain data; its class stands under `event`."""
    return cast(dict[str, Any], json.loads(event_text(event)))


def event_from(data: Mapping[str, Any]) -> events.Event:
    """The event of plain data. Raises OurMistake for an unknown class or field."""
    fields = dict(data)
    name = fields.pop("event", "")
    if name not in KINDS:
        raise OurMistake(f"unknown event {name!r}")
    return cast(events.Event, shape(KINDS[name]).read(fields))


def case_text(case: Case) -> str:
    """The folded case as canonical JSON."""
    return shape(Case).write(case)


def case_from(text: str) -> Case:
    """The folded case of its JSON text. Raises OurMistake for an unknown field."""
    return cast(Case, shape(Case).read(json.loads(text)))


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """A folded case and the JSON of each of its parts, in the order of their names: one event changes few of them."""

    case: Case
    texts: tuple[str, ...]

    @property
    def text(self) -> str:
        """The case as canonical JSON."""
        return shape(Case).template % self.texts


def write_case(case: Case, like: Written | None = None) -> Written:
    """Write a folded case; what is the very same object in `like` is not written anew.

    The case in what is returned is to the last order of its keys the one that would be read back.
    """
    as_case = shape(Case)
    mixed: dict[str, Any] = {
        name: dict(sorted(part.items())) for name in as_case.maps if list(part := getattr(case, name)) != sorted(part)
    }
    if mixed:
        case = dataclasses.replace(case, **mixed)
    parts = as_case.parts(case)
    if like is None:
        return Written(case, tuple(map(or_null, as_case.writes, parts)))
    before = zip(as_case.writes, parts, as_case.parts(like.case), like.texts, strict=True)
    return Written(case, tuple([text if part is was else or_null(write, part) for write, part, was, text in before]))


def read_case(text: str) -> Written:
    """The folded case of its JSON text, as if it had just been written. Raises OurMistake for an unknown field."""
    as_case = shape(Case)
    data, texts, place = dict[str, Any](), list[str](), 0
    for name, opening in as_case.openings:
        if not text.startswith(opening, place):
            return write_case(case_from(text))  # an older house knew other fields
        start = place + len(opening)
        data[name], place = _scan(text, start)
        texts.append(text[start:place])
    if text[place:] != "}":
        return write_case(case_from(text))
    return Written(cast(Case, as_case.read(data)), tuple(texts))


def settled(event: E) -> E:
    """The event as the log will give it back, instants cut to milliseconds: the core must see what replay will see."""
    return cast(E, event_from(json.loads(event_text(event))))


KINDS: dict[str, type[events.Event]] = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind not in (events.Event, events.News)
}

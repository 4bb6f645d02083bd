"""Knows how events and cases are written: canonical JSON, instants as integers in milliseconds UTC.

Canonical means sorted keys, no blanks, ASCII: the same event is the same bytes, which is what the chain signs. Every
field is written, so that a default that changes one day cannot change what an old log says; a field that is new
since then takes its default, a field that is unknown is refused.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import compress
from operator import is_not
from typing import Any, TypeVar, cast

from casework import events
from casework.case import Case, replace
from casework.errors import OurMistake
from storage.shapes import Write, instant, ms, or_null, quoted, shape

__all__ = [
    "KINDS", "Written", "canonical", "case_from", "case_text", "event_data", "event_from", "event_text", "instant", "ms",
    "quoted", "read_case", "settled", "write_case",
]  # fmt: skip

E = TypeVar("E", bound=events.Event)
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_NEVER = object()  # is no part of any case
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # raises StopIteration where nothing stands


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
    """A folded case and the JSON of each of its parts with its name before it, in the order of their names: one event
    changes few of them.

    `entries`: the JSON of each entry of a mapping, where it was written and not read.
    """

    case: Case
    texts: Sequence[str]
    entries: Mapping[str, Mapping[str, str]]

    @property
    def text(self) -> str:
        """The case as canonical JSON."""
        return "".join(self.texts) + "}"


def write_case(case: Case, like: Written | None = None) -> Written:
    """Write a folded case; what is the very same object in `like` is not written anew.

    The case in what is returned is to the last order of its keys the one that would be read back.
    """
    as_case = shape(Case)
    case = _in_order(case, as_case.maps)
    parts = as_case.parts(case)
    if like is None:
        texts, entries, before = [""] * len(parts), dict[str, Mapping[str, str]](), (_NEVER,) * len(parts)
    else:
        texts, entries, before = list(like.texts), dict(like.entries), as_case.parts(like.case)
    for place in compress(range(len(parts)), map(is_not, parts, before)):
        name, part, opening = as_case.names[place], parts[place], as_case.openings[place]
        if name in as_case.maps:
            entries[name] = _entries(as_case.maps[name], part, before[place], entries.get(name, {}))
            shown = ",".join([f"{quoted(key)}:{entry}" for key, entry in entries[name].items()])
            texts[place] = f"{opening}{{{shown}}}"
        else:
            texts[place] = opening + or_null(as_case.writes[place], part)
    return Written(case, texts, entries)


def _in_order(case: Case, maps: Iterable[str]) -> Case:
    mixed: dict[str, Any] = {
        name: dict(sorted(part.items())) for name in maps if list(part := getattr(case, name)) != sorted(part)
    }
    return replace(case, **mixed) if mixed else case


def _entries(write: Write, now: Mapping[str, Any], was: Any, texts: Mapping[str, str]) -> dict[str, str]:
    """The JSON of each value of a mapping; one that was written before and is still the same object keeps its own."""
    return {key: texts[key] if key in texts and was[key] is value else write(value) for key, value in now.items()}


def read_case(text: str) -> Written:
    """The folded case of its JSON text, as if it had just been written. Raises OurMistake for an unknown field."""
    as_case = shape(Case)
    data, texts, place = dict[str, Any](), list[str](), 0
    with suppress(StopIteration):  # where it was cut off: then it does not end as a case does
        for name, opening in zip(as_case.names, as_case.openings, strict=True):
            if not text.startswith(opening, place):
                return write_case(case_from(text))  # an older house knew other fields
            start = place
            data[name], place = _scan(text, start + len(opening))
            texts.append(text[start:place])
    if text[place:] != "}":
        return write_case(case_from(text))
    return Written(cast(Case, as_case.read(data)), texts, {})


def settled(event: E) -> E:
    """The event as the log will give it back, instants cut to milliseconds: the core must see what replay will see."""
    if shape(type(event)).exact(event):
        return event
    return cast(E, event_from(json.loads(event_text(event))))


KINDS: dict[str, type[events.Event]] = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind not in (events.Event, events.News)
}

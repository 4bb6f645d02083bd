"""Knows how the dataclasses of the core become JSON and come back: one writer and one reader a class, made from its hints.

Sorted keys, no blanks, ASCII, instants as integers: `storage.codec` says what for, docs/decisions/0014-a-case-in-mind.md
why by our own hand.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from typing import Any, TypeAlias

from casework import events
from casework.errors import OurMistake

Write: TypeAlias = Callable[[Any], str]  # never handed None: that is `null` everywhere
Read: TypeAlias = Callable[[Any], Any] | None  # None: the value stands for itself

quoted: Callable[[str], str] = encode_basestring_ascii  # words as a JSON string
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def ms(instant: datetime) -> int:
    """Milliseconds since 1970 UTC; smaller parts are cut off. Raises OurMistake without a time zone."""
    if instant.tzinfo is None:
        raise OurMistake("an instant needs its time zone")
    return (instant - _EPOCH) // _MILLISECOND


def instant(milliseconds: int) -> datetime:
    """The UTC instant so many milliseconds after 1970."""
    return _EPOCH + milliseconds * _MILLISECOND


class Shape:
    """How the dataclasses of one kind are written and read: by field, in the order of their names."""

    __slots__ = ("_kind", "_names", "_reads", "maps", "openings", "parts", "template", "writes")

    def __init__(self, kind: type[Any]) -> None:
        hints = typing.get_type_hints(kind)
        names = sorted(field.name for field in dataclasses.fields(kind))
        turns = {name: _turns(hints[name]) for name in names}
        self._kind, self._names = kind, frozenset(names)
        self._reads = [(name, read) for name, (_, read) in turns.items() if read is not None]
        self.writes = [write for write, _ in turns.values()]
        self.parts: Callable[[Any], tuple[Any, ...]] = attrgetter(*names) if names[1:] else _only(names[0])
        self.maps = [name for name in names if _is_map(hints[name])]
        self.template = _template(kind, names)
        self.openings = [(name, f'{"," if number else "{"}"{name}":') for number, name in enumerate(names)]

    def write(self, value: Any) -> str:
        """The value as canonical JSON."""
        parts = zip(self.writes, self.parts(value), strict=True)
        return self.template % tuple(["null" if part is None else write(part) for write, part in parts])

    def read(self, data: Mapping[str, Any]) -> Any:
        """The value of plain data. Raises OurMistake for an unknown field."""
        fields = dict(data)
        try:
            for name, read in self._reads:
                if fields.get(name) is not None:
                    fields[name] = read(fields[name])
            return self._kind(**fields)
        except TypeError:
            for name in fields.keys() - self._names:
                raise OurMistake(f"{self._kind.__name__} has no field {name!r}") from None
            raise


_SHAPES: dict[type[Any], Shape] = {}


def shape(kind: type[Any]) -> Shape:
    """The shape of a kind, made once."""
    found = _SHAPES.get(kind)
    if found is None:
        found = _SHAPES[kind] = Shape(kind)
    return found


def _only(name: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: (getattr(value, name),)


def _template(kind: type[Any], names: list[str]) -> str:
    """The JSON of a kind with a gap for each field; an event says its class, too."""
    shown = {name: f'"{name}":%s' for name in names}
    if issubclass(kind, events.Event):
        shown["event"] = f'"event":"{kind.__name__}"'
    return "{" + ",".join(shown[name] for name in sorted(shown)) + "}"


def or_null(write: Write, part: Any) -> str:
    """A part as JSON."""
    return "null" if part is None else write(part)


def _turns(hint: Any) -> tuple[Write, Read]:
    """How a value of this type is written and read back."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (hint,) = (each for each in arguments if each is not type(None))
        return _turns(hint)
    if origin is tuple:
        return _list(arguments[0]) if arguments[1:] == (Ellipsis,) else _row(arguments)
    if _is_map(hint):
        return _mapping(arguments[1])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return shape(hint).write, shape(hint).read
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if hint not in _PLAIN:
        raise OurMistake(f"no way to write a {hint}")
    return _PLAIN[hint]


def _is_map(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


_PLAIN: dict[Any, tuple[Write, Read]] = {
    str: (quoted, None),
    int: (int.__repr__, None),
    bool: (lambda value: "true" if value else "false", None),
    datetime: (lambda value: int.__repr__(ms(value)), instant),
}


def _enum(kind: type[Enum]) -> tuple[Write, Read]:
    texts = {member: json.dumps(member.value) for member in kind}
    return texts.__getitem__, {member.value: member for member in kind}.__getitem__


def _list(hint: Any) -> tuple[Write, Read]:
    write, read = _turns(hint)
    return (
        lambda values: "[" + ",".join([write(value) for value in values]) + "]",
        tuple if read is None else lambda values: tuple([read(value) for value in values]),
    )


def _row(hints: tuple[Any, ...]) -> tuple[Write, Read]:
    turns = [_turns(hint) for hint in hints]
    writes, reads = [w for w, _ in turns], [r for _, r in turns]
    return (
        lambda values: "[" + ",".join([w(v) for w, v in zip(writes, values, strict=True)]) + "]",
        lambda values: tuple([v if r is None else r(v) for r, v in zip(reads, values, strict=True)]),
    )


def _mapping(hint: Any) -> tuple[Write, Read]:
    write, read = _turns(hint)
    return (
        lambda values: "{" + ",".join([f"{quoted(key)}:{write(values[key])}" for key in sorted(values)]) + "}",
        dict if read is None else lambda values: {key: read(value) for key, value in values.items()},
    )

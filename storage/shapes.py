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
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeAlias

from casework import events
from casework.errors import OurMistake

Write: TypeAlias = Callable[[Any], str]  # never handed None: that is `null` everywhere
Read: TypeAlias = Callable[[Any], Any] | None  # None: the value stands for itself
Exact: TypeAlias = Callable[[Any], bool]  # whether what is read is in every way what was written


class Turns(NamedTuple):
    """How the values of one type are written and read back. `kind`: values of this very type are exact as they are."""

    write: Write
    read: Read
    exact: Exact
    kind: type[Any] | None = None


quoted: Callable[[str], str] = encode_basestring_ascii  # words as a JSON string
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_latest = [(_EPOCH, 0)]  # one instant is written several times in a row: in an id, a column, and a text


def ms(instant: datetime) -> int:
    """Milliseconds since 1970 UTC; smaller parts are cut off. Raises OurMistake without a time zone."""
    known, milliseconds = _latest[0]
    if instant is known:
        return milliseconds
    if instant.tzinfo is None:
        raise OurMistake("an instant needs its time zone")
    since = instant - _EPOCH  # as parts: one timedelta by another would be divided in long integers
    milliseconds = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    _latest[0] = instant, milliseconds
    return milliseconds


def instant(milliseconds: int) -> datetime:
    """The UTC instant so many milliseconds after 1970."""
    return _EPOCH + milliseconds * _MILLISECOND


class Shape:
    """How the dataclasses of one kind are written and read: by field, in the order of their names.

    `maps`: the fields that are mappings, and how a value of each is written; `openings`: what stands before each field.
    """

    __slots__ = (
        "_exacts", "_kind", "_known", "_plain", "_reads", "maps", "names", "openings", "parts", "template", "writes",
    )  # fmt: skip

    def __init__(self, kind: type[Any]) -> None:
        hints = typing.get_type_hints(kind)
        names = sorted(field.name for field in dataclasses.fields(kind))
        turns = {name: _turns(hints[name]) for name in names}
        self._kind, self.names, self._known = kind, names, set(names)
        self._plain = kind.__dictoffset__ != 0  # nothing but a `__dict__` of its fields: see `casework.case`
        self._reads = [(name, turn.read) for name, turn in turns.items() if turn.read is not None]
        self._exacts = [(turn.kind, turn.exact) for turn in turns.values()]
        self.writes = [turn.write for turn in turns.values()]
        self.parts = _parts(kind, names)
        self.maps = {name: _turns(typing.get_args(hints[name])[1]).write for name in names if _is_map(hints[name])}
        self.template = _template(kind, names)
        self.openings = [f'{"," if number else "{"}"{name}":' for number, name in enumerate(names)]

    def write(self, value: Any) -> str:
        """The value as canonical JSON."""
        parts = zip(self.writes, self.parts(value), strict=True)
        return self.template % tuple(["null" if part is None else write(part) for write, part in parts])

    def read(self, data: Mapping[str, Any]) -> Any:
        """The value of plain data. Raises OurMistake for an unknown field."""
        fields = dict(data)
        try:
            for name, read in self._reads:
                part = fields.get(name)
                if part is not None:
                    fields[name] = read(part)
            if self._plain and fields.keys() == self._known:
                value = object.__new__(self._kind)
                value.__dict__.update(fields)
                return value
            return self._kind(**fields)
        except TypeError:
            for name in fields.keys() - set(self.names):
                raise OurMistake(f"{self._kind.__name__} has no field {name!r}") from None
            raise

    def exact(self, value: Any) -> bool:
        """Whether reading what is written of this value would give it back to the last type and time zone."""
        for (kind, exact), part in zip(self._exacts, self.parts(value), strict=True):
            if part is not None and type(part) is not kind and not exact(part):
                return False
        return True


_SHAPES: dict[type[Any], Shape] = {}


def shape(kind: type[Any]) -> Shape:
    """The shape of a kind, made once."""
    found = _SHAPES.get(kind)
    if found is None:
        found = _SHAPES[kind] = Shape(kind)
    return found


def _parts(kind: type[Any], names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """How the fields of a value are taken out, in this order."""
    if not names[1:]:
        return lambda value: (getattr(value, names[0]),)
    if not kind.__dictoffset__:
        return attrgetter(*names)
    fields = itemgetter(*names)  # a `__dict__` is asked at once; for an attribute, its class would be asked first
    return lambda value: fields(value.__dict__)


def _template(kind: type[Any], names: list[str]) -> str:
    """The JSON of a kind with a gap for each field; an event says its class, too."""
    shown = {name: f'"{name}":%s' for name in names}
    if issubclass(kind, events.Event):
        shown["event"] = f'"event":"{kind.__name__}"'
    return "{" + ",".join(shown[name] for name in sorted(shown)) + "}"


def or_null(write: Write, part: Any) -> str:
    """A part as JSON."""
    return "null" if part is None else write(part)


def _turns(hint: Any) -> Turns:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (hint,) = (each for each in arguments if each is not type(None))
        return _turns(hint)
    if origin is tuple:
        return _list(arguments[0]) if arguments[1:] == (Ellipsis,) else _row(arguments)
    if _is_map(hint):
        return _mapping(arguments[1])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return Turns(shape(hint).write, shape(hint).read, shape(hint).exact)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if hint not in _PLAIN:
        raise OurMistake(f"no way to write a {hint}")
    return _PLAIN[hint]


def _is_map(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


_PLAIN: dict[Any, Turns] = {
    str: Turns(quoted, None, lambda value: type(value) is str, str),
    int: Turns(int.__repr__, None, lambda value: type(value) is int, int),
    bool: Turns(lambda value: "true" if value else "false", None, lambda value: type(value) is bool, bool),
    datetime: Turns(
        lambda value: int.__repr__(ms(value)), instant,
        lambda value: value.tzinfo is UTC and value.microsecond % 1000 == 0,
    ),
}  # fmt: skip


def _enum(kind: type[Enum]) -> Turns:
    texts = {member: json.dumps(member.value) for member in kind}
    members = {member.value: member for member in kind}
    return Turns(texts.__getitem__, members.__getitem__, lambda value: type(value) is kind, kind)


def _list(hint: Any) -> Turns:
    write, read, exact, _ = _turns(hint)
    return Turns(
        lambda values: "[" + ",".join(map(write, values)) + "]",
        tuple if read is None else lambda values: tuple([read(value) for value in values]),
        lambda values: type(values) is tuple and False not in map(exact, values),
    )


def _row(hints: tuple[Any, ...]) -> Turns:
    turns = [_turns(hint) for hint in hints]
    return Turns(
        lambda values: "[" + ",".join([t.write(v) for t, v in zip(turns, values, strict=True)]) + "]",
        lambda values: tuple([v if t.read is None else t.read(v) for t, v in zip(turns, values, strict=True)]),
        lambda values: type(values) is tuple and False not in [t.exact(v) for t, v in zip(turns, values, strict=True)],
    )


def _mapping(hint: Any) -> Turns:
    write, read, *_ = _turns(hint)
    return Turns(
        lambda values: "{" + ",".join([f"{quoted(key)}:{write(values[key])}" for key in sorted(values)]) + "}",
        dict if read is None else lambda values: {key: read(value) for key, value in values.items()},
        lambda values: False,  # its order may differ
    )

"""Knows how events and cases are written: canonical JSON, instants as integers in milliseconds UTC.

Canonical means sorted keys, no blanks, ASCII: the same event is the same bytes, which is what the chain signs. Every
field is written, so that a default that changes one day cannot change what an old log says; a field that is new
since then takes its default, a field that is unknown is refused.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeAlias, TypeVar, cast

from casework import events
from casework.case import Case
from casework.errors import OurMistake

D = TypeVar("D")
Turn: TypeAlias = Callable[[Any], Any] | None  # None: the value stands for itself

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def ms(instant: datetime) -> int:
    """Milliseconds since 1970 UTC; smaller parts are cut off. Raises OurMistake without a time zone."""
    if instant.tzinfo is None:
        raise OurMistake("an instant needs its time zone")
    return (instant - _EPOCH) // _MILLISECOND


def instant(milliseconds: int) -> datetime:
    """The UTC instant so many milliseconds after 1970."""
    return _EPOCH + milliseconds * _MILLISECOND


def canonical(value: object) -> str:
    """The one JSON text of plain data."""
    return _dumps(value)


def event_data(event: events.Event) -> dict[str, Any]:
    """An event as plain data; its class stands under `event`."""
    data: dict[str, Any] = encoder(type(event))(event)
    data["event"] = type(event).__name__
    return data


def event_from(data: Mapping[str, Any]) -> events.Event:
    """The event of plain data. Raises OurMistake for an unknown class or field."""
    fields = dict(data)
    name = fields.pop("event", "")
    if name not in KINDS:
        raise OurMistake(f"unknown event {name!r}")
    return cast(events.Event, decoder(KINDS[name])(fields))


def case_text(case: Case) -> str:
    """The folded case as canonical JSON."""
    return _dumps(encoder(Case)(case))


def case_from(text: str) -> Case:
    """The folded case of its JSON text. Raises OurMistake for an unknown field."""
    return cast(Case, decoder(Case)(json.loads(text)))


def settled(event: D) -> D:
    """The event as the log will give it back, instants cut to milliseconds: the core must see what replay will see."""
    return cast(D, decoder(type(event))(encoder(type(event))(event)))


def encoder(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    """A function from a dataclass of this kind to plain data, made once a kind."""
    if kind not in _ENCODERS:
        _ENCODERS[kind] = _make_encoder(kind)
    return _ENCODERS[kind]


def decoder(kind: type[Any]) -> Callable[[Mapping[str, Any]], Any]:
    """A function from plain data to a dataclass of this kind, made once a kind."""
    if kind not in _DECODERS:
        _DECODERS[kind] = _make_decoder(kind)
    return _DECODERS[kind]


_ENCODERS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {}
_DECODERS: dict[type[Any], Callable[[Mapping[str, Any]], Any]] = {}


def _make_encoder(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    turns = [(name, _turns(hint)[0]) for name, hint in _hints(kind)]

    def encode(value: Any) -> dict[str, Any]:
        return {name: getattr(value, name) if turn is None else turn(getattr(value, name)) for name, turn in turns}

    return encode


def _make_decoder(kind: type[Any]) -> Callable[[Mapping[str, Any]], Any]:
    turns = {name: _turns(hint)[1] for name, hint in _hints(kind)}

    def decode(data: Mapping[str, Any]) -> Any:
        fields = {}
        for name, value in data.items():
            if name not in turns:
                raise OurMistake(f"{kind.__name__} has no field {name!r}")
            turn = turns[name]
            fields[name] = value if turn is None else turn(value)
        return kind(**fields)

    return decode


def _hints(kind: type[Any]) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(kind)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(kind)]


def _turns(hint: Any) -> tuple[Turn, Turn]:
    """How a value of this type is written and read back."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return _optional(hint)
    if origin is tuple:
        return _tuple(typing.get_args(hint))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(typing.get_args(hint)[1])
    if hint in (str, int, bool, float):
        return None, None
    if hint is datetime:
        return ms, instant
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return encoder(hint), decoder(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return (lambda member: member.value), hint
    raise OurMistake(f"no way to write a {hint}")


def _optional(hint: Any) -> tuple[Turn, Turn]:
    (inner,) = (each for each in typing.get_args(hint) if each is not type(None))
    write, read = _turns(inner)
    return _unless_none(write), _unless_none(read)


def _unless_none(turn: Turn) -> Turn:
    return None if turn is None else lambda value: None if value is None else turn(value)


def _tuple(parts: tuple[Any, ...]) -> tuple[Turn, Turn]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        write, read = _turns(parts[0])
        return _each(list, write), _each(tuple, read)
    turns = [_turns(part) for part in parts]
    writes, reads = [w for w, _ in turns], [r for _, r in turns]
    return _fixed(list, writes), _fixed(tuple, reads)


def _each(shape: Callable[[Any], Any], turn: Turn) -> Turn:
    return shape if turn is None else lambda values: shape([turn(value) for value in values])


def _fixed(shape: Callable[[Any], Any], turns: list[Turn]) -> Turn:
    def apply(values: Any) -> Any:
        return shape([v if t is None else t(v) for t, v in zip(turns, values, strict=True)])

    return apply


def _mapping(hint: Any) -> tuple[Turn, Turn]:
    write, read = _turns(hint)
    return _values(write), _values(read)


def _values(turn: Turn) -> Turn:
    return dict if turn is None else lambda mapping: {key: turn(value) for key, value in mapping.items()}


KINDS: dict[str, type[events.Event]] = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind not in (events.Event, events.News)
}

"""Knows how a roster file is written: tables of entries, and the line on which each entry and each key stands."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Entry = dict[str, Any]
_HEADER = re.compile(r"""\s*\[\[\s*["']?([\w-]+)["']?\s*\]\]""")
_PART = re.compile(r"""\s*\[\s*["']?[\w-]+["']?\s*\.\s*["']?([\w-]+)["']?\s*\]""")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*[=.]""")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to say about a roster file: the line it stands on (from 1), and what."""

    line: int
    says: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.says}"


class BadRoster(ValueError):
    """A roster file that is not taken; `faults` are all of them."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@dataclass(slots=True)
class Roster:
    """What stands in a roster file.

    `lines`: where each entry of a table begins. `keys`: where a key stands, by the line of its entry and its name; the
    tables themselves by line 0. `faults` stop it from being taken, `notes` do not.
    """

    tables: Mapping[str, list[Entry]]
    lines: Mapping[str, list[int]]
    keys: Mapping[tuple[int, str], int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)

    def entries(self, table: str) -> Iterator[tuple[int, Entry]]:
        """Each entry of a table with its line."""
        yield from zip(self.lines.get(table, []), self.tables.get(table, []), strict=True)

    def line_of(self, line: int, key: str) -> int:
        """The line of one key of the entry that begins on `line`."""
        return self.keys.get((line, key), line)

    def fault(self, line: int, says: str) -> None:
        """Say what is wrong."""
        self.faults.append(Fault(line, says))

    def note(self, line: int, says: str) -> None:
        """Say what may be meant otherwise."""
        self.notes.append(Fault(line, says))


def read(text: str) -> Roster:
    """Read the file. Raises BadRoster for one that is no TOML; what is no table of entries is a fault of the roster."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadRoster([Fault(_line_told(str(fault), text), f"not readable as TOML: {fault}")]) from fault
    headers, keys = _places(text)
    tables = {name: value for name, value in data.items() if _is_table(value)}
    lines = {name: _lines(name, len(entries), headers, keys) for name, entries in tables.items()}
    roster = Roster(tables, lines, keys)
    for name in data.keys() - tables.keys():
        roster.fault(_lines(name, 1, headers, keys)[0], f"`{name}` must be entries, each under [[{name}]]")
    return roster


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _places(text: str) -> tuple[dict[str, list[int]], dict[tuple[int, str], int]]:
    """Where the entries begin and where their keys stand, as far as the lines show it."""
    headers, keys, entry, part = dict[str, list[int]](), dict[tuple[int, str], int](), 0, False
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            headers.setdefault(header[1], []).append(number)
            entry, part = number, False
        elif found := _PART.match(line):
            keys.setdefault((entry, found[1]), number)
            part = True
        elif line.lstrip().startswith("["):
            name = line.strip(" \t[]")
            keys.setdefault((0, name), number)
        elif not part and (found := _KEY.match(line)):
            keys.setdefault((entry, found[1]), number)
    return headers, keys


def _lines(
    table: str, entries: int, headers: Mapping[str, list[int]], keys: Mapping[tuple[int, str], int]
) -> list[int]:
    """The line of each entry; the first line of the table for all, where they do not begin on lines of their own."""
    found = headers.get(table, [])
    if len(found) == entries:
        return found
    return [found[0] if found else keys.get((0, table), 1)] * entries


def _line_told(fault: str, text: str) -> int:
    """The line a TOML fault names; one at the end of the document stands on the last."""
    found = re.search(r"line (\d+)", fault)
    return int(found[1]) if found else len(text.splitlines())

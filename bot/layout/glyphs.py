"""Knows which characters the shipped fonts can draw, since typst says nothing of a missing glyph.

A name printed as empty boxes is a name lost: what no font can draw is printed as its number, `[U+1F600]`, in plain
sight, and the JSON twin has the character itself.
"""

import struct
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "fonts"
_DRAWN_BY_NOBODY = "\u200c\u200d\n"  # joiners shape their neighbours, a new line ends one: neither needs a glyph


def printable(words: str) -> str:
    """The words with every character that no shipped font can draw as its number."""
    known = characters()
    return "".join(c if ord(c) in known or c in _DRAWN_BY_NOBODY else f"[U+{ord(c):04X}]" for c in words)


@cache
def characters() -> frozenset[int]:
    """Every character that at least one shipped regular font has a glyph for, in bold too where it has a bold face."""
    found: set[int] = set()
    for regular in sorted(FOLDER.glob("*.ttf")):
        if regular.stem.endswith("-Bold"):
            continue
        bold = regular.with_name(regular.name.replace("-Regular", "-Bold"))
        mapped = cmap(regular.read_bytes())
        found |= mapped & cmap(bold.read_bytes()) if bold.exists() else mapped
    return frozenset(found - set(range(32)))  # a glyph for a control character draws nothing


def cmap(font: bytes) -> set[int]:
    """The characters that a TrueType font maps to a glyph (tables of format 4 and 12)."""
    start = _table(font, b"cmap")
    (count,) = struct.unpack_from(">H", font, start + 2)
    found: set[int] = set()
    for n in range(count):
        _, _, offset = struct.unpack_from(">HHL", font, start + 4 + 8 * n)
        (kind,) = struct.unpack_from(">H", font, start + offset)
        if kind == 4:
            found |= _segments(font, start + offset)
        elif kind == 12:
            found |= _ranges(font, start + offset)
    return found


def _table(font: bytes, tag: bytes) -> int:
    (count,) = struct.unpack_from(">H", font, 4)
    for n in range(count):
        name, _, offset, _ = struct.unpack_from(">4sLLL", font, 12 + 16 * n)
        if name == tag:
            return int(offset)
    raise ValueError(f"the font has no table {tag.decode()}")


def _segments(font: bytes, at: int) -> set[int]:
    """Format 4: segments of characters, each with a shift or a list of glyphs; glyph 0 is none."""
    (twice,) = struct.unpack_from(">H", font, at + 6)
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", font, at + 14)
    starts = struct.unpack_from(f">{count}H", font, at + 16 + twice)
    shifts = struct.unpack_from(f">{count}H", font, at + 16 + 2 * twice)
    lists_at = at + 16 + 3 * twice
    lists = struct.unpack_from(f">{count}H", font, lists_at)
    found: set[int] = set()
    for n in range(count):
        for char in range(starts[n], ends[n] + 1):
            glyph = char + shifts[n]
            if lists[n]:
                place = lists_at + 2 * n + lists[n] + 2 * (char - starts[n])
                (glyph,) = struct.unpack_from(">H", font, place) if place + 2 <= len(font) else (0,)
            if glyph % 0x10000 and char != 0xFFFF:
                found.add(char)
    return found


def _ranges(font: bytes, at: int) -> set[int]:
    """Format 12: ranges of characters over the whole of Unicode."""
    (count,) = struct.unpack_from(">L", font, at + 12)
    found: set[int] = set()
    for n in range(count):
        first, last, glyph = struct.unpack_from(">LLL", font, at + 16 + 12 * n)
        found |= set(range(first + (glyph == 0), last + 1))
    return found

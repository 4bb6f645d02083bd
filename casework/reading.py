"""What typed words mean: an answer to the question that was asked, a time, a place, a command, or a worry.

Nothing is guessed: what is ambiguous, negated or says two things is None, and then a person looks. Worry words are the
one exception, and they only raise.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from casework.commands import Command, read_command
from casework.plain import holds, level, own_phrase, phrase, tokens
from casework.protocol_parts import Check
from casework.times import (
    ReadTime,
    Whereabouts,
    read_coming,
    read_time,
    read_whereabouts,
)
from casework.wording import Phrasebook, digits, label, short

__all__ = [
    "Command", "ReadTime", "Whereabouts", "read_answer", "read_coming", "read_command", "read_time",
    "read_whereabouts", "unknown", "worry",
]  # fmt: skip

GIVEN = ("given",)
UNKNOWN = ("unknown",)
_NEGATIONS = frozenset({"not", "no", "never", "nor", "isn't", "wasn't", "don't", "didn't", "hasn't", "aren't", "but",
                        "or", "ddim", "nid", "nac", "ond", "neu"})  # fmt: skip
KEPT = 1024  # checks of protocols, in all languages
_PARTS = re.compile(r"[,;/\n]|\s&\s|\sand\s")


def read_answer(words: str, check: Check, book: Phrasebook) -> tuple[str, ...] | None:
    """The option values these words choose, `("given",)` for free words, `("unknown",)` for `?`; None: a person looks.

    A check of kind `time` or `whereabouts` has readers of its own (`read_time`, `read_whereabouts`).
    """
    match check.kind:
        case "choice":
            value = _one(words, check, book)
            return (value,) if value else None
        case "ticks":
            return _several(words, check, book)
        case "words":
            if unknown(words, book):
                return UNKNOWN
            return GIVEN if tokens(words) else None
    return None


def unknown(words: str, book: Phrasebook) -> bool:
    """Whether the words say that the adult does not know: `?`, `NONE`, `no idea`."""
    return level(words).strip(" .!") == "?" or phrase(words) in book.says.get("unknown", ())


def _one(words: str, check: Check, book: Phrasebook) -> str | None:
    """The one option that is meant: a digit (with words that do not contradict it), or a label and nothing else."""
    if "?" in level(words):
        return None
    bare = tokens(words)
    by_digit, by_words = _digits(check, book), _meanings(check, book)
    if bare and bare[0] in by_digit:
        return _with_digit(by_digit[bare[0]], bare[1:], by_words)
    return by_words.get(" ".join(bare)) or by_words.get(
        " ".join(t for t in bare if t not in book.says.get("polite", ()))
    )


def _with_digit(value: str, rest: list[str], by_words: Mapping[str, str]) -> str | None:
    said = by_words.get(" ".join(rest))
    if said is not None:
        return value if said == value else None
    own = any(holds(label, " ".join(rest)) for label, meant in by_words.items() if meant == value)
    if own or not rest:
        return value
    ambiguous = any(t.isdigit() or t in _NEGATIONS for t in rest)
    other = any(holds(" ".join(rest), label) for label, meant in by_words.items() if meant != value)
    return None if ambiguous or other else value


def _several(words: str, check: Check, book: Phrasebook) -> tuple[str, ...] | None:
    """A list of ticks: digits or labels with commas between; one part that cannot be read makes all unread."""
    by_digit, by_words = _digits(check, book), _meanings(check, book)
    bare = tokens(words)
    if bare and all(t in by_digit for t in bare):
        chosen = {by_digit[t] for t in bare}
    elif (whole := by_words.get(" ".join(bare))) is not None:
        chosen = {whole}
    else:
        parts = [phrase(p) for p in _PARTS.split(words) if phrase(p)]
        read = [by_words.get(p) or by_digit.get(p) for p in parts]
        if not read or None in read:
            return None
        chosen = {v for v in read if v}
    return tuple(o.value for o in check.options if o.value in chosen)


def worry(words: str, book: Phrasebook) -> tuple[str, ...]:
    """The flags that these words raise, strictest first; a negation changes nothing, for a reader may err only upwards.

    A whole answer (`not worried`) is no worry; neither is what the book calls harmless (`phone is dead`).
    """
    bare = tokens(words)
    if _worry_words(_Same(book)).isdisjoint(bare):
        return ()
    text = " ".join(bare)
    if text in book.label_phrases:
        return ()
    for spared in book.harmless:
        while holds(text, spared):
            text = f" {text} ".replace(f" {spared} ", " · ").strip()
    return tuple(flag for flag, said in book.worry.items() if any(holds(text, w) for w in said))


# ---- what a book means, worked out once ------------------------------------------------------------


class _Same:
    """A book as the key of what was worked out of it: this very book."""

    __slots__ = ("book",)

    def __init__(self, book: Phrasebook) -> None:
        self.book = book

    def __hash__(self) -> int:
        return id(self.book)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.book is other.book


def _digits(check: Check, book: Phrasebook) -> Mapping[str, str]:
    """What is typed for each option of this check."""
    return _digits_of(check.id, tuple([o.value for o in check.options]), _Same(book))


@lru_cache(maxsize=KEPT)
def _digits_of(check: str, values: tuple[str, ...], of: _Same) -> Mapping[str, str]:
    return dict(zip(digits(of.book, check, len(values)), values, strict=False))


def _meanings(check: Check, book: Phrasebook) -> Mapping[str, str]:
    """Every phrase that means an option of this check; one that would mean two means none."""
    return _meanings_of(check.id, tuple([o.value for o in check.options]), _Same(book))


@lru_cache(maxsize=KEPT)
def _meanings_of(check: str, values: tuple[str, ...], of: _Same) -> Mapping[str, str]:
    book, found = of.book, dict[str, set[str]]()
    for value in values:
        for said in (
            label(book, f"{check}.{value}"),
            short(book, f"{check}.{value}"),
            *book.says.get(f"{check}.{value}", ()),
            *book.says.get(value, ()),
        ):
            found.setdefault(own_phrase(said), set()).add(value)
    for number, value in _digits_of(check, values, of).items():
        if int(number) <= len(book.numbers):
            found.setdefault(book.numbers[int(number) - 1], set()).add(value)
    return {said: meant.pop() for said, meant in found.items() if len(meant) == 1}


@lru_cache(maxsize=KEPT)
def _worry_words(of: _Same) -> frozenset[str]:
    """The first word of everything that raises a flag: most of what people type holds none of them."""
    return frozenset(said.partition(" ")[0] for phrases in of.book.worry.values() for said in phrases)

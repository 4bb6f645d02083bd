"""Whether the digits of a text say what its answers mean: by SMS the n-th answer is digit n, and that is all it is.

An answer moved up one line in a protocol file would turn "1 Yes" into a No, and nobody would see it by day (HZ08).
"""

import re
from collections.abc import Iterator, Mapping

from casework import wording
from casework.loading import Finding
from casework.plain import phrase
from casework.protocol import Protocol
from casework.protocol_parts import Check
from casework.wording import Phrasebook

_DIGIT = re.compile(r"(?<!\S)(\d|[1-9]0) (?=\S)")  # a `12` is an age or an hour: beyond ten the tens alone are digits
_CHILD = re.compile(r"\bthe child\b|\{who\}", re.IGNORECASE)


def digits(protocol: Protocol, books: Mapping[str, Phrasebook]) -> Iterator[Finding]:
    """Every text whose digits are not those of its answers, or whose words beside a digit are another answer's."""
    for language in protocol.protocol.languages:
        book = books.get(language)
        if book is None:
            continue
        for check in protocol.check:
            if check.options and book.knows(check.id):
                yield from _digits(check, book)


def _digits(check: Check, book: Phrasebook) -> Iterator[Finding]:
    where = f"wording.{book.language}.{check.id}"
    options = tuple(f"{check.id}.{option.value}" for option in check.options)
    said = _DIGIT.split(_by_sms(check, book, options))[1:]
    shown = dict(zip(said[::2], said[1::2], strict=True))
    keys = wording.digits(book, check.id, len(options))
    if not shown and check.side == "both":
        return  # asked of people on call, who answer with words
    if list(shown) != list(keys):
        yield Finding(where, f"offers the digits {' '.join(shown) or 'none'}; its answers are {' '.join(keys)}")
    elif len(keys) > 1 and book.language == "en":  # one label may serve many texts; Welsh has no one word for yes
        for key, option in zip(keys, check.options, strict=True):
            label = wording.short(book, f"{check.id}.{option.value}")
            if not _plain(shown[key]).startswith(_plain(label)):
                yield Finding(where, f"digit {key} says {shown[key].strip()!r}, its answer {option.value} is {label!r}")


def _by_sms(check: Check, book: Phrasebook, options: tuple[str, ...]) -> str:
    """The text as SMS has it: staff's show their answers where `{options}` stands, parents' in words of their own."""
    text = book.text.get(f"{check.id}_SMS", book.text[check.id])
    return text.replace("{options}", wording.numbered(book, options))


def _plain(words: str) -> str:
    return phrase(_CHILD.sub("", words))

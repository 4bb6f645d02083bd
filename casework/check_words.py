"""Whether a protocol's words are there in each language, fit a phone, and ask for no word that carriers keep."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from casework.effects import Field
from casework.loading import Finding
from casework.protocol import Protocol
from casework.protocol_parts import Check
from casework.wording import Phrasebook, is_gsm7, render, segments

CARRIER_WORDS = frozenset(
    (
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
        "START",
        "YES",
        "UNSTOP",
        "HELP",
        "INFO",
    )
)  # T1 and recalled: a carrier answers these itself, and may silence the case (HZ22)
MOST_SEGMENTS = {"en": 1, "cy": 3}  # Welsh ŵ and ŷ make a text UCS-2
_NUMBERS = ("999", "101")
_NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
_LATER = _NOON + timedelta(days=2)
WIDEST: dict[str, Field] = {
    **dict.fromkeys(("at", "next", "by", "due", "limit", "since", "when", "from_", "to"), _LATER),
    "number": "CAD 1234567890", "misses": 12, "rules": ("R06", "R02", *(f"R{n}" for n in range(10, 20))),
    "level": "CHECKING", "out_minutes": 1440, "report": "yes", "rule": "P06b", "digits": "4821",
    "reply_code": "482193", "duty": "+441632960100", "fault": "UnreadableUpdate", "list": "J K7 or K B12",
}  # fmt: skip


def words(protocol: Protocol, books: Mapping[str, Phrasebook]) -> Iterator[Finding]:
    """Every finding about words, for each language of the protocol."""
    english = books.get("en")
    for language in protocol.protocol.languages:
        book = books.get(language)
        if book is None:
            yield Finding("protocol.languages", f"no catalogue of words for {language!r}")
            continue
        below = english if language != "en" else None
        for text in texts(protocol):
            yield from _text(text, book, below, translated=text in for_parents(protocol))
            yield from _fits(f"wording.{language}.{text}", text, book, _options(protocol, text))
        yield from _tells_whom_to_ring(protocol, book)
        for check in protocol.check:
            yield from _labels(check, book)


def texts(protocol: Protocol) -> list[str]:
    """The ids of every text this protocol sends by itself."""
    asked = [check.id for check in protocol.check]
    told = [rung.tell_reporter for rung in protocol.rung if rung.tell_reporter]
    return list(dict.fromkeys([*asked, *protocol.wording.model_dump().values(), *told]))


def for_parents(protocol: Protocol) -> set[str]:
    """Those that a parent reads, who chose the language; staff read English."""
    asked = {check.id for check in protocol.check if check.side == "parent"}
    return asked | set(protocol.wording.model_dump().values())


def _text(text: str, book: Phrasebook, english: Phrasebook | None, *, translated: bool) -> Iterator[Finding]:
    where = f"wording.{book.language}.{text}"
    if not book.knows(text):
        yield Finding(where, "no such text in the catalogue")
        return
    if english is not None and translated and book.text[text] == english.text.get(text):
        yield Finding(where, "not translated: the English words would go out")
    said = f"{book.text[text]} {book.text.get(f'{text}_SMS', '')}"
    kept = sorted(CARRIER_WORDS & set(re.findall(r"[A-Z]+", said)))
    if kept:
        yield Finding(where, f"tells people to text {', '.join(kept)}, which carriers keep for themselves")
    wanted = english.text.get(text, "") if english is not None else ""
    missing = [number for number in _NUMBERS if number in wanted and number not in book.text[text]]
    if missing:
        yield Finding(where, f"leaves out {', '.join(missing)}, which the English text says")


def _options(protocol: Protocol, text: str) -> tuple[str, ...]:
    """The answers that this text shows, as `CHECK.value`."""
    return tuple(f"{text}.{option.value}" for option in protocol.find(text).options) if protocol.has(text) else ()


def _fits(where: str, text: str, book: Phrasebook, options: tuple[str, ...]) -> Iterator[Finding]:
    """By SMS every text is one segment, whoever reads it; a text that is not there is another finding."""
    if not book.knows(text):
        return
    most = MOST_SEGMENTS.get(book.language, 1)
    for front in ("repeat", "drill"):
        shown = render(
            book, text, channel="sms", code="A" * 12, who="J", now=_NOON, fields={**WIDEST, "options": options},
            repeat=front == "repeat", drill=front == "drill",
        )  # fmt: skip
        if segments(shown) > most or (most == 1 and not is_gsm7(shown)):
            yield Finding(where, f"at its widest {len(shown)} characters: over {most} SMS segment{'s' * (most > 1)}")
            return


def _tells_whom_to_ring(protocol: Protocol, book: Phrasebook) -> Iterator[Finding]:
    """Every text of an outcome carries 999 or 101; the one for danger says 999 (HZ02)."""
    for outcome, text in protocol.wording.model_dump().items():
        if book.knows(text) and not any(number in book.text[text] for number in _NUMBERS):
            yield Finding(f"wording.{outcome}", f"{text} names neither 999 nor 101")
        elif book.knows(text) and outcome.startswith("high_999") and "999" not in book.text[text]:
            yield Finding(f"wording.{outcome}", f"{text} does not say 999")


def _labels(check: Check, book: Phrasebook) -> Iterator[Finding]:
    for option in check.options:
        said = book.label.get(f"{check.id}.{option.value}") or book.label.get(option.value)
        if said is None:
            yield Finding(f"wording.{book.language}.{check.id}.{option.value}", "no words for this answer's button")

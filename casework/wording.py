"""What the house says, in each language, and how it fits a phone: catalogues of texts, local times, initials, segments.

Words are data (`casework/locales/*.toml`), so that a safeguarding lead can read and change them without reading Python.
A text never fails to go out for want of a detail: a field that was not handed over prints as the book's `unknown`.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError

from casework.effects import Field
from casework.plain import own_phrase
from casework.protocol_parts import Check

LONDON = ZoneInfo("Europe/London")
RULES_SHOWN = 2  # domain 3.3: a list of rules shows two ids and "+n"
NUMBER_SHOWN = 8  # domain 3.3: a log number shows its last 8 characters
WEEK_DAYS = 6  # further away a weekday alone would be ambiguous
PLAIN = "PLAIN"
DRILL_LETTER = "X"  # every ref of a rehearsal begins with it, and no other

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = frozenset("^{}\\[~]|€\f")  # extension table: two septets each
_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
_LETTER_WITH = re.compile(r"LATIN (?:CAPITAL|SMALL) LETTER ([A-Z])(?: WITH .*)?")
_TYPED = re.compile(r"[^.!?]*\b(?:ACK|RISK|NONE)\b[^.!?]*[.!?]\s*")  # a sentence that says what to type
_TYPOGRAPHY = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u00a0": " "}
)


class UnreadableBook(ValueError):
    """A catalogue is no TOML, or lacks or misnames a part."""


class Phrasebook(BaseModel):
    """One language. `label` is keyed `CHECK.value`, or by the value alone where every check says the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    days: tuple[str, ...]  # Monday first
    months: tuple[str, ...]
    phrase: dict[str, str]  # fragments that fill a placeholder: silent, report_ready, unknown, …
    text: dict[str, str]
    label: dict[str, str]
    flag: dict[str, str] = {}
    digits: dict[str, tuple[str, ...]] = {}  # where a text's digits are not 1 to n
    says: dict[str, tuple[str, ...]] = {}  # words that mean an option, keyed like labels
    numbers: tuple[str, ...] = ()  # one, two, three … as typed for a digit
    worry: dict[str, tuple[str, ...]] = {}  # flag id: words that raise it, even inside a negation
    name: dict[str, str] = {}  # a check in a few words, for reports and journals
    harmless: tuple[str, ...] = ()  # phrases that hold a worry word and mean none

    def knows(self, text: str) -> bool:
        return text in self.text

    @cached_property
    def label_phrases(self) -> frozenset[str]:
        """Every label as it is compared with what was typed."""
        return frozenset(own_phrase(label) for label in self.label.values())


def is_drill(code: str) -> bool:
    """Whether a case of this ref is a rehearsal's."""
    return code.strip().upper().startswith(DRILL_LETTER)


def load(data: bytes, below: Phrasebook | None = None) -> Phrasebook:
    """Read a catalogue; what it does not say is taken from `below` (English). Raises UnreadableBook."""
    try:
        raw = tomllib.loads(data.decode())
        if below is not None:
            raw = {name: _over(part, raw.get(name)) for name, part in below.model_dump().items()} | {
                name: part for name, part in raw.items() if name not in Phrasebook.model_fields
            }
        return Phrasebook.model_validate(raw)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as fault:
        raise UnreadableBook(str(fault)) from fault


def _over(under: object, part: object) -> object:
    """A part of one language laid over English: words to read add up, words to say replace."""
    if isinstance(under, dict):
        over = part if isinstance(part, dict) else {}
        return {k: _lists(under.get(k), over.get(k)) for k in {**under, **over}}
    return under if part is None else part


def _lists(under: object, over: object) -> object:
    if isinstance(under, tuple) and isinstance(over, list):
        return [*over, *under]
    return under if over is None else over


def render(
    book: Phrasebook, text: str, *, channel: str, code: str, who: str, now: datetime, fields: Mapping[str, Field],
    repeat: bool = False, drill: bool = False,
) -> str:  # fmt: skip
    """Fill a text. `code` is the case's ref, `who` the child's initial (SMS) or code (Telegram), `now` when it goes.

    Raises KeyError for a text no book has: our own bug.
    """
    if text == PLAIN:
        return str(fields.get("text", ""))
    filled = _fill(book, _template(book, text, channel, fields), channel, now, {**fields, "ref": code, "who": who})
    return ("DRILL " if drill else "") + (book.phrase["repeat"] if repeat else "") + filled


def _template(book: Phrasebook, text: str, channel: str, fields: Mapping[str, Field]) -> str:
    """Names of people on duty go to Telegram only: `C_TAKEN_NAME` in place of `C_TAKEN` where a name came along. What
    staff press there they type by SMS: `C04_SMS` in place of `C04`. On the telephone `C_ALERT_VOICE` is spoken, or the
    text without what is to be typed."""
    if channel == "voice":
        return book.text.get(f"{text}_VOICE") or spoken(book.text[text])
    other = (
        f"{text}_NAME" if channel == "telegram" and fields.get("name") else f"{text}_SMS" if channel == "sms" else ""
    )
    return book.text.get(other) or book.text[text]


def spoken(words: str) -> str:
    """The words of a text as they are said on the telephone: without what is to be typed."""
    return _TYPED.sub("", words)


def _fill(book: Phrasebook, template: str, channel: str, now: datetime, fields: Mapping[str, Field]) -> str:
    """Replace each placeholder once: braces inside a value stay literal."""
    first, rest = _pieces(template)
    filled = [first]
    for name, words in rest:
        shown = _show(book, name, fields.get(name), channel, now)
        filled += (gsm7(shown) if channel == "sms" else shown, words)
    return "".join(filled)


@lru_cache(maxsize=4096)
def _pieces(template: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What stands before the first placeholder; then the name of each, with the words that follow it."""
    first, *rest = _PLACEHOLDER.split(template)
    return first, tuple(zip(rest[::2], rest[1::2], strict=True))


def _show(book: Phrasebook, name: str, value: Field, channel: str, now: datetime) -> str:
    if name in _SHOWN:
        return _SHOWN[name](book, value, channel)
    if isinstance(value, str):
        return _one_line(value)
    if isinstance(value, datetime):
        return local(book, value, now)
    if isinstance(value, tuple):
        return ", ".join(value)
    return book.phrase["unknown"] if value is None else _one_line(str(value))


_SHOWN: Mapping[str, Callable[[Phrasebook, Field, str], str]] = {
    "rules": lambda book, value, _: listed(book, _several(value)),
    "report": lambda book, value, _: book.phrase["report_ready"] if value else "",
    "number": lambda book, value, _: _one_line(str(value))[-NUMBER_SHOWN:] if value else book.phrase["unknown"],
    # a flag never leaves by SMS
    "flags": lambda book, value, channel: (
        flags(book, value) if isinstance(value, tuple) and channel == "telegram" else book.phrase["plan"]
    ),
    "plan": lambda book, value, _: str(value or book.phrase["plan"]),
    "missing": lambda book, value, _: (
        ", ".join(book.phrase.get(f"missing_{n}", n) for n in _several(value)) or book.phrase["unknown"]
    ),
    "role": lambda book, value, _: book.phrase.get(f"role_{value}", str(value)),
    "home": lambda book, value, _: _one_line(str(value)) if value else book.phrase["every_home"],
    "options": lambda book, value, _: numbered(book, _several(value)),
    "told": lambda book, value, _: ", ".join(_several(value)) or book.phrase["nobody_else"],
    "text": lambda _, value, __: str(value or ""),  # words that stand on lines of their own
}


def _several(value: Field) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def listed(book: Phrasebook, rules: tuple[str, ...]) -> str:
    """Two ids and how many more, or the word for silence when no rule fired."""
    if not rules:
        return book.phrase["silent"]
    more = len(rules) - RULES_SHOWN
    return " ".join(rules[:RULES_SHOWN]) + (f" +{more}" if more > 0 else "")


def flags(book: Phrasebook, flags: tuple[str, ...]) -> str:
    """Register flags in words, for bound Telegram accounts only."""
    return ", ".join(book.flag.get(f, f) for f in flags) or book.phrase["unknown"]


def _one_line(words: str) -> str:
    return " ".join(words.split())


# ---- times ---------------------------------------------------------------------------------------


def local(book: Phrasebook, instant: datetime, now: datetime) -> str:
    """`21:35` on London's wall clock; a day's name when it is not today, BST or GMT in the hour that comes twice."""
    there, here = instant.astimezone(LONDON), now.astimezone(LONDON)
    clock = f"{there.hour:02}:{there.minute:02}"
    away = abs(there.toordinal() - here.toordinal())
    if away > WEEK_DAYS:
        clock = f"{there.day} {book.months[there.month - 1]} {clock}"
    elif away:
        clock = f"{book.days[there.weekday()]} {clock}"
    return f"{clock} {there.tzname()}" if comes_twice(there) else clock


def comes_twice(there: datetime) -> bool:
    """Whether this local time happens twice, on the night the clocks go back."""
    return there.utcoffset() != there.replace(fold=1 - there.fold).utcoffset()


# ---- options -------------------------------------------------------------------------------------


def label(book: Phrasebook, key: str) -> str:
    """The words of a button: `TAKE`, `DONE`, an option as `CHECK.value`; for one no book has, its value."""
    own = book.label.get(key)
    if own:
        return own
    value = key.rpartition(".")[2]
    return book.label.get(value) or value.replace("_", " ").capitalize()


def labels(book: Phrasebook, check: Check) -> list[tuple[str, str]]:
    """The options of a check in protocol order, each value with its label."""
    return [(value, label(book, key)) for value, key in check.keyed]


def digits(book: Phrasebook, check: str, options: int) -> tuple[str, ...]:
    """What is typed for each option: 1, 2, 3 …; beyond 10 the tens alone, for a `13` may well mean 1 and 3."""
    return book.digits.get(check) or tuple(str(n if n <= 10 else (n - 9) * 10) for n in range(1, options + 1))


def numbered(book: Phrasebook, keys: tuple[str, ...]) -> str:
    """The options of a check, given as `CHECK.value`, as a text shows them: `1 Yes 2 No 3 Not sure`."""
    shown = digits(book, keys[0].partition(".")[0] if keys else "", len(keys))
    return " ".join(f"{digit} {short(book, key)}" for digit, key in zip(shown, keys, strict=False))


def short(book: Phrasebook, key: str) -> str:
    """The words of an option where room is scarce: `CHECK.value.sms`, else those of its button."""
    return book.label.get(f"{key}.sms") or label(book, key)


# ---- what fits a phone ---------------------------------------------------------------------------


def initial(first_name: str) -> str:
    """One capital letter that GSM-7 can write: a letter outside it as its base letter, else X."""
    letter = next((c for c in unicodedata.normalize("NFKC", first_name) if c.isalpha()), "X").upper()[:1]
    if letter in _GSM7:
        return letter
    base = _LETTER_WITH.fullmatch(unicodedata.name(letter, ""))
    return base[1] if base else "X"


def is_gsm7(text: str) -> bool:
    """Whether every character stands in GSM-7 or its extension table."""
    return all(c in _GSM7 or c in _GSM7_TWICE for c in text)


def gsm7(text: str) -> str:
    """The text in GSM-7: typographic quotes and dashes plain, other letters as their base letter, the rest `?`."""
    if _GSM7.issuperset(text):
        return text
    return "".join(_gsm7_char(c) for c in unicodedata.normalize("NFC", text.translate(_TYPOGRAPHY)))


def _gsm7_char(char: str) -> str:
    if char in _GSM7 or char in _GSM7_TWICE:
        return char
    base = _LETTER_WITH.fullmatch(unicodedata.name(char, ""))
    if base is None:
        return "?"
    return base[1] if char.isupper() else base[1].lower()


def segments(text: str) -> int:
    """How many SMS segments: 160 septets alone or 153 each in GSM-7, else 70 or 67 UTF-16 units."""
    if is_gsm7(text):
        units, alone, each = sum(2 if c in _GSM7_TWICE else 1 for c in text), 160, 153
    else:
        units, alone, each = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= alone else -(-units // each)

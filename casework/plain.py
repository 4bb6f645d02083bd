"""How typed words are levelled before they are read: width, case, invisible characters, quotes, punctuation.

Two people who mean the same type it in full-width digits, in capitals, with a curly apostrophe or a stray full stop.
Only the copy that is read is levelled; the words themselves are kept as they came.
"""

import re
import unicodedata
from functools import lru_cache

_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "`": "'"})
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
READ_AT_MOST = 4000  # characters; the rest is kept, not read


def level(words: str) -> str:
    """The words in one width, one case, one line, without characters that cannot be seen."""
    if words.isascii() and words.isprintable():
        return " ".join(words[:READ_AT_MOST].replace("`", "'").casefold().split())
    text = unicodedata.normalize("NFKC", words[:READ_AT_MOST]).translate(_QUOTES).casefold()
    return " ".join("".join(_level(c) for c in text).split())


def _level(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    match unicodedata.category(char):
        case "Cf":  # zero-width joiners, direction overrides
            return ""
        case "Cc" | "Zl" | "Zp":
            return " "
    return char


def tokens(words: str) -> list[str]:
    """The bare words of a text, levelled, without punctuation."""
    return _WORD.findall(level(words))


def phrase(words: str) -> str:
    """The bare words as one string, for comparison with a label."""
    return " ".join(tokens(words))


@lru_cache(maxsize=8192)
def own_phrase(label: str) -> str:
    """The bare words of a label of ours, worked out once; what people type is not kept in mind."""
    return phrase(label)


def holds(text: str, wanted: str) -> bool:
    """Whether these bare words stand in that levelled text, whole words only."""
    return f" {wanted} " in f" {text} "

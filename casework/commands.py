"""Which SMS words are commands (the contract's "what people may type"), however they are spaced, cased or widened.

The word stands first, or right after the ref. A question, a negation or two words that contradict each other are free
text: a person looks. What raises is read generously, what lowers strictly.
"""

import re
from dataclasses import dataclass, replace

from casework.plain import level

CARRIER_STOP = frozenset(
    {"stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out"}
)
CARRIER_START = frozenset({"start", "unstop"})
_WORDS = {
    "missing": "MISSING", "back": "BACK", "in": "BACK", "out": "OUT", "worried": "WORRIED", "pol": "POL",
    "police": "POLICE", "ack": "ACK", "risk": "RISK", "none": "NONE", "call": "CALL", "help": "HELP", "info": "HELP",
    "nôl": "BACK", "pryderus": "WORRIED",
}  # fmt: skip
_ALSO_EVERYDAY = frozenset({"in", "out"})
_REF = re.compile(r"[abefjtuvyzxp]\d{2,4}")
_GLUED = re.compile(r"(missing|back|in|pol|ack|call|out)[:.#-]?(\d[\d:.]*)")
_SPLIT_REF = re.compile(r"\b([abefjtuvyzx]) (\d{2,3})\b(?![:.]\d)")
_AFTER_REF = re.compile(r"\b([abefjtuvyzxp]\d{2,4})[-:,/]")
_SPELT = re.compile(r"^(?:[a-z] ){1,6}[a-z]\b")
_APART = re.compile(r"(?<=\b\d) (?=\d\b)")
_GARBLED = re.compile(r"(?=.*\d)(?=.*[oilsb])[\doilsb]{4,8}")
_NEGATED = frozenset({"not", "no", "never", "isn't", "hasn't", "nope", "nah", "yet", "soon", "when", "until", "if"})
_GONE_MISSING = re.compile(r"\b(?:(?:is|gone|went|been|'s|are) missing|ar goll)\b")
_NOT_MISSING = re.compile(r"\b(?:not missing|n't missing|ddim ar goll)\b")
_ABOUT_NUMBER = frozenset(
    {"log", "number", "no", "no.", "ref", "reference", "is", "the", "num", "number:", "#", ":", "=", "-"}
)
NUMBER_AT_MOST = 40
_TIME = re.compile(r"\d{1,2}(?:[:.]\d{2}(?:[ap]m)?|[ap]m)")


@dataclass(frozen=True, slots=True)
class Command:
    """`word`: MISSING BACK OUT WORRIED POL ACK RISK NONE CALL HELP STOP START, or CODE for a bare number that no
    question was waiting for. `rest`: what else was said, levelled; `ref` in capitals or None."""

    word: str
    ref: str | None = None
    number: str = ""  # POL: the log number, "" where none was given
    digits: str = ""  # ACK: the digits of the alert
    code: str = ""  # BACK, OUT, CODE: the digits that came along
    rest: str = ""


def read_command(words: str) -> Command | None:
    """The command these words are, or None. A bare `NONE` may also answer a question: ask the question first."""
    text = level(words)
    bare = text.strip(" .,!;:*\"'")
    if bare in CARRIER_STOP:
        return Command("STOP")
    if bare in CARRIER_START:
        return Command("START")
    if re.fullmatch(r"\d{4,8}", _APART.sub("", bare)):
        return Command("CODE", code=_APART.sub("", bare))
    found = _split(bare)
    command = _read(*found, asked="?" in text) if found else None
    if command is None and _GONE_MISSING.search(text) and not _NOT_MISSING.search(text):
        return Command("MISSING", rest="")
    return command


def _split(text: str) -> tuple[str, str | None, list[str]] | None:
    """The command word, the ref before or after it, and the words that follow."""
    text = _SPELT.sub(lambda m: m[0].replace(" ", ""), text) if _spelt(text) else text
    pieces = _pieces(text)
    if pieces and pieces[0] == "missing":
        return "MISSING", None, pieces[1:]
    pieces = _pieces(_SPLIT_REF.sub(r"\1\2", " ".join(pieces)))
    ref = pieces.pop(0).upper() if pieces and _REF.fullmatch(pieces[0]) else None
    if pieces and ref and _GLUED.fullmatch(pieces[0]):
        pieces = _pieces(" ".join(pieces))
    said = pieces.pop(0) if pieces else ""
    if said not in _WORDS:
        return None
    if ref is None:
        at = next((n for n, p in enumerate(pieces[:2]) if _REF.fullmatch(p)), None)
        ref = pieces.pop(at).upper() if at is not None else None
    if said in _ALSO_EVERYDAY and any(not p.isdigit() and not _GARBLED.fullmatch(p) for p in pieces):
        return None  # `in town`, `out with friends`
    return _WORDS[said], ref, pieces


def _spelt(text: str) -> bool:
    match = _SPELT.match(text)
    return match is not None and match[0].replace(" ", "") in _WORDS


def _pieces(text: str) -> list[str]:
    """Words without the punctuation around them; `in4821` is two."""
    found: list[str] = []
    for piece in _AFTER_REF.sub(r"\1 ", text).split():
        bare = piece.strip(".,!;:*\"'()?")
        glued = _GLUED.fullmatch(bare)
        found += [glued[1], glued[2].strip(".:")] if glued else [bare] if bare else []
    return found


def _read(word: str, ref: str | None, rest: list[str], *, asked: bool) -> Command | None:
    command = Command(word, ref=ref, rest=" ".join(rest))
    match word:
        case "MISSING" | "WORRIED":
            return command
        case "POL":
            return replace(command, number=_number(rest))
        case "POLICE":
            number = _number(rest)
            return replace(command, word="POL", number=number) if number else None
        case "CALL":
            return command
        case "HELP":
            return None if rest or asked else command
        case "BACK" | "OUT":
            return None if asked else _whereabouts(command, rest)
        case "ACK":
            return None if asked else _acknowledged(command, rest)
    return None if asked or not _settles(ref, rest) else command


def _settles(ref: str | None, rest: list[str]) -> bool:
    """RISK and NONE: alone, or with a ref and then a reason that does not begin by turning it round."""
    return not rest if ref is None else not (set(rest[:1]) & _NEGATED)


def _whereabouts(command: Command, rest: list[str]) -> Command | None:
    """BACK [code] [words], IN [code], OUT [code]. Both words, two codes, a negation, letters in the code: ask again."""
    said = set(rest)
    contrary = {"out"} if command.word == "BACK" else {"in", "back"}
    if said & (contrary | _NEGATED) or any(_GARBLED.fullmatch(p) for p in rest):
        return None
    codes = [p for p in _APART.sub("", " ".join(rest)).split() if re.fullmatch(r"\d{4,8}", p)]
    if len(codes) > 1:
        return None
    return replace(command, code=codes[0] if codes else "")


def _acknowledged(command: Command, rest: list[str]) -> Command | None:
    if set(rest) & _NEGATED:
        return None
    digits = [p for p in _APART.sub("", " ".join(rest)).split() if p.isdigit()]
    return replace(command, digits=digits[0]) if len(digits) == 1 else command if not digits else None


def _number(rest: list[str]) -> str:
    """The log number as told: 101 and 999 alone are the police's own numbers, not theirs for the case, and a time is none."""
    kept = [p for p in rest if p not in _ABOUT_NUMBER]
    telling = [p for p in kept if re.search(r"\d", p) and p not in ("101", "999") and not _TIME.fullmatch(p)]
    if not telling:
        return ""
    return (telling[0] if len(telling) == 1 else " ".join(kept)).upper()[-NUMBER_AT_MOST:]

"""What a telephone is told to do, in Twilio's own markup: speak, ask for digits, ask again, hang up.

Addresses are relative to the one that is being answered, so that they stand behind whatever PUBLIC_URL says.
"""

import re
from urllib.parse import urlencode
from xml.etree import ElementTree as xml

VOICES = {"en-GB": "Polly.Amy", "cy-GB": "Polly.Gwyneth"}
DIGITS_WITHIN_SECONDS = 10
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def hang_up() -> str:
    """Say nothing, and end the call."""
    return _written(xml.Element("Hangup"))


def speak(language: str, *words: str) -> str:
    """Say this, one thing after the other, and end the call."""
    parts = []
    for each in words:
        parts += [_say(language, each), xml.Element("Pause", length="1")]
    return _written(*parts[:-1], xml.Element("Hangup"))


def ask(language: str, words: str, digits: int, letter: str, turn: int) -> str:
    """Say this and wait for so many digits; without them the next turn of the same call begins."""
    gather = xml.Element(
        "Gather", input="dtmf", numDigits=str(digits), timeout=str(DIGITS_WITHIN_SECONDS), finishOnKey="",
        method="POST", action=_address("gather", letter, turn),
    )  # fmt: skip
    gather.append(_say(language, words))
    return _written(gather, _redirect(letter, turn + 1))


def go_on(letter: str, turn: int) -> str:
    """Begin this turn of the same call."""
    return _written(_redirect(letter, turn))


def _redirect(letter: str, turn: int) -> xml.Element:
    made = xml.Element("Redirect", method="POST")
    made.text = _address("voice", letter, turn)
    return made


def _say(language: str, words: str) -> xml.Element:
    made = xml.Element("Say", language=language, voice=VOICES.get(language, VOICES["en-GB"]))
    made.text = _NOT_XML.sub(" ", words)
    return made


def _address(door: str, letter: str, turn: int) -> str:
    return f"{door}?{urlencode({'m': letter, 'n': turn})}"


def _written(*parts: xml.Element) -> str:
    whole = xml.Element("Response")
    whole.extend(parts)
    return '<?xml version="1.0" encoding="UTF-8"?>' + xml.tostring(whole, encoding="unicode")

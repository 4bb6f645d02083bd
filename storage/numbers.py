"""Knows what a telephone number is: E.164, valid or from Ofcom's range for drama, and never one digit short."""

import re

import phonenumbers

_DRAMA = re.compile(r"\+44(7700900\d{3}|1632960\d{3})")


def e164(words: str) -> str | None:
    """The number in E.164 (`+447700900101`), read as a British one where no country is given; None if it is none."""
    try:
        number = phonenumbers.parse(words, "GB")
    except phonenumbers.NumberParseException:
        return None
    plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if _DRAMA.fullmatch(plain) or phonenumbers.is_valid_number(number):
        return plain
    return None


def is_mobile(e164_number: str) -> bool:
    """Whether a British number is a mobile: +447 and nine digits."""
    return re.fullmatch(r"\+447\d{9}", e164_number) is not None

"""Knows how a text that is too long for one message is cut: at the end of a line, so that no instruction is torn."""

from collections.abc import Iterator

TELEGRAM_AT_MOST = 4096  # UTF-16 units, as Telegram counts


def split(text: str, most: int = TELEGRAM_AT_MOST) -> Iterator[str]:
    """A text in parts that Telegram takes, cut at the end of a line; the first, with its 999 line, stays whole."""
    rest = text or " "
    while _units(rest) > most:
        cut = most
        while _units(rest[:cut]) > most:
            cut -= 1
        at = rest.rfind("\n", 1, cut)
        at = at if at > 0 else cut
        yield rest[:at]
        rest = rest[at:].lstrip("\n")
    if rest:
        yield rest


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2

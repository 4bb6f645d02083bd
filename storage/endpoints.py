"""Knows what an address outside the house must look like: a mailbox, an endpoint that takes signed requests, WhatsApp."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_MAILBOX = re.compile(
    r"[^\s@<>,;:\"()\\]+@[^\s@<>,;:\"()\\]+"
)  # one address: a list or a line of its own would add a reader

WHATSAPP = "whatsapp:"  # and a number: another form of the address for texts, through the same provider


def plain(address: str) -> str:
    """The number of an address that may be WhatsApp's."""
    return address.removeprefix(WHATSAPP)


def is_mailbox(text: str) -> bool:
    """Whether this is one mail address and nothing else."""
    return _MAILBOX.fullmatch(text) is not None and len(text) <= 254


def is_endpoint(text: str) -> bool:
    """Whether a report may be posted to this URL: over TLS, or within this very machine; never with a password in it."""
    try:
        parts = urlsplit(text)
        good = bool(parts.hostname) and parts.username is None and not parts.fragment and parts.port != 0
        return good and text.isascii() and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(text)))
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether this URL leads to this very machine."""
    try:
        return is_here(urlsplit(url).hostname or "")
    except ValueError:
        return False


def is_here(host: str) -> bool:
    """Whether this host is this very machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

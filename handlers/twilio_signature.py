"""Knows whether Twilio sent a request: its signature over the public URL and every field, as Twilio itself computes it.

Done by hand rather than with the library's validator, which raises for a missing header and follows a header that names
another algorithm; here anything odd is simply not signed, and the algorithm is fixed (T10). The fields must be exactly
those that came: blank ones kept, nothing trimmed.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

FIELDS_AT_MOST = 1000
SIGNATURE_AT_MOST = 64
URLS_KEPT = 64  # there are a few; those of receipts differ
_PORTS = {"https": 443, "http": 80}


def fields_of(body: bytes) -> list[tuple[str, str]] | None:
    """The fields of a form in their order, blank ones kept; None where the body is none."""
    try:
        pairs = body.decode("utf-8").split("&")
        if len(pairs) > FIELDS_AT_MOST:
            return None
        return [_field(pair) for pair in pairs if pair]
    except ValueError:
        return None


def _field(pair: str) -> tuple[str, str]:
    """Name and value as they were meant; most of Twilio's stand as they are. Raises ValueError for what is no text."""
    name, _, value = pair.partition("=")
    if "%" not in pair and "+" not in pair:
        return name, value
    return unquote(name.replace("+", " "), errors="strict"), unquote(value.replace("+", " "), errors="strict")


def signed(url: str, fields: Iterable[tuple[str, str]], signature: str, tokens: Sequence[str]) -> bool:
    """Whether one of these tokens signed this URL with these fields; never raises."""
    if not signature or len(signature) > SIGNATURE_AT_MOST or not signature.isascii():
        return False
    said = "".join([name + value for name, value in sorted(set(fields))])
    texts = [address + said for address in _with_and_without_port(url)]
    return any(hmac.compare_digest(sign(text, token), signature) for token in tokens for text in texts)


def body_signed(url: str, body: bytes, signature: str, tokens: Sequence[str]) -> bool:
    """The same for a body that is no form: its hash stands in the URL, and the URL alone is signed."""
    hashes = parse_qs(urlsplit(url).query).get("bodySHA256", [])
    if len(hashes) != 1 or not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), hashes[0].encode()):
        return False
    return signed(url, (), signature, tokens)


def sign(text: str, token: str) -> str:
    """The signature of a text, as Twilio writes it."""
    made = hmac.digest(token.encode(), text.encode("utf-8", "surrogatepass"), "sha1")
    return b64encode(made).decode()


@lru_cache(maxsize=URLS_KEPT)
def _with_and_without_port(url: str) -> tuple[str, str]:
    """Twilio signs now with the standard port in the URL, now without it."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return url, url
    host = parts.netloc.rpartition("@")[2]
    bare = host.rpartition(":")[0] if parts.netloc.endswith(f":{port}") else host
    return parts._replace(netloc=bare).geturl(), parts._replace(netloc=f"{bare}:{port}").geturl()

"""What Twilio signed is read as Python reads any form, to the last blank; only faster."""

from urllib.parse import parse_qsl, quote, urlencode

from hypothesis import given
from hypothesis import strategies as st

from handlers.twilio_signature import FIELDS_AT_MOST, fields_of

ODD = st.text(alphabet="ab=&+% ;é👍\0%2", max_size=8)


@given(st.lists(st.tuples(ODD, ODD), max_size=6))
def test_every_field_comes_as_it_was_sent(fields: list[tuple[str, str]]):
    """Names and values that hold the form's own signs, and blank ones."""
    assert fields_of(urlencode(fields).encode()) == fields


@given(st.text(alphabet="ab=&+%0fc3", max_size=30))
def test_an_odd_form_is_read_as_the_standard_library_reads_it(body: str):
    """Half an escape, a name without a value, an empty pair, bytes that are no text."""
    assert fields_of(body.encode()) == standard(body)


def test_a_form_of_too_many_fields_is_none():
    """One more than are read."""
    body = "&".join(f"{quote(str(number))}=1" for number in range(FIELDS_AT_MOST + 1))
    assert fields_of(body.encode()) is None
    assert len(fields_of(body.rpartition("&")[0].encode()) or ()) == FIELDS_AT_MOST


def standard(body: str) -> list[tuple[str, str]] | None:
    try:
        return parse_qsl(body, keep_blank_values=True, errors="strict")
    except ValueError:
        return None

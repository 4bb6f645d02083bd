"""What is written can be read back, to the letter."""

import json
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.case import Case
from casework.errors import OurMistake
from casework.events import AbsenceReported, CheckAnswered, Child, Event
from casework.evolve import evolve
from casework.levels import Side
from storage.codec import (
    KINDS,
    canonical,
    case_from,
    case_text,
    event_data,
    event_from,
    event_text,
    instant,
    ms,
    settled,
)

NOW = datetime(2026, 11, 25, 21, 35, 0, 123456, tzinfo=UTC)
instants = st.integers(0, 2**42 * 1000).map(lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us))
st.register_type_strategy(datetime, instants)


def an_absence(**changes: Any) -> AbsenceReported:
    absence = AbsenceReported(
        at=NOW, by="alice", channel="telegram", case_id="org1-1", code="A17", organisation="org1", home="oak",
        child=Child(child_id="K7", age=13, flags=("cse",), medicine_due_at=NOW), protocol="england/base/2026-01-01",
        t0=NOW, t0_kind="due", opened_at=NOW, side=Side.STAFF, reporter="alice", reporter_channel="telegram",
    )  # fmt: skip
    return replace(absence, **changes)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(data=st.data())
def test_every_event_reads_back_as_it_was_written(kind: type[Event], data: st.DataObject) -> None:
    """P15: a stored journal replays to the same events, for every class there is."""
    event = settled(data.draw(st.from_type(kind)))
    text = canonical(event_data(event))
    assert event == event_from(json.loads(text))
    assert text == canonical(event_data(event_from(json.loads(text))))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(data=st.data())
def test_a_settled_event_is_the_one_that_will_be_read(kind: type[Event], data: st.DataObject) -> None:
    """P15: to the type and the time zone: what has nothing to settle is left as it is, and nothing else is."""
    event = data.draw(st.from_type(kind))
    assert repr(event_from(json.loads(event_text(event)))) == repr(settled(event))


def test_whatever_would_change_by_being_written_is_settled() -> None:
    """A list, a smaller part of a millisecond, the wall clock of a place: the log knows none of them."""
    whole = settled(an_absence())
    assert whole is settled(whole)
    for odd in (
        replace(whole, at=NOW),
        replace(whole, at=whole.at.astimezone(ZoneInfo("Europe/London"))),
        replace(whole, child=replace(whole.child, flags=["cse"])),  # type: ignore[arg-type]
        replace(whole, side="staff"),  # type: ignore[arg-type]
    ):
        assert repr(odd) != repr(settled(odd)) == repr(whole)


def test_the_folded_case_reads_back_as_it_was_written() -> None:
    """The case beside the log is the case."""
    case = evolve(None, settled(an_absence()))
    answered = CheckAnswered(at=NOW, by="alice", channel="telegram", check="C01", values=("no",))
    case = evolve(case, settled(answered))
    assert case == case_from(case_text(case))


@given(moment=instants)
def test_instants_keep_their_milliseconds(moment: datetime) -> None:
    """Instants are integers, milliseconds UTC; smaller parts are cut, never rounded up into the future."""
    assert instant(ms(moment)) <= moment < instant(ms(moment)) + timedelta(milliseconds=1)
    assert ms(moment) == ms(moment.astimezone(timezone(timedelta(hours=1))))


def test_an_instant_without_its_zone_is_our_mistake() -> None:
    """A wall-clock time of nobody knows where is never stored."""
    with pytest.raises(OurMistake):
        ms(NOW.replace(tzinfo=None))


def test_unknown_fields_and_classes_are_refused() -> None:
    """A log that says more than we understand must not be read as if it said less."""
    data = event_data(settled(an_absence()))
    with pytest.raises(OurMistake):
        event_from({**data, "mood": "fine"})
    with pytest.raises(OurMistake):
        event_from({**data, "event": "MoodNoted"})
    folded = json.loads(case_text(evolve(None, settled(an_absence()))))
    with pytest.raises(OurMistake):
        case_from(json.dumps({**folded, "mood": "fine"}))


def test_a_field_that_is_new_takes_its_default_in_an_old_log() -> None:
    """P15: what was stored before a field existed still reads."""
    data = event_data(settled(an_absence()))
    defaulted = {f.name for f in fields(AbsenceReported) if f.default is not MISSING}
    old = {name: value for name, value in data.items() if name not in defaulted}
    assert defaulted and settled(an_absence()) == event_from(old)


def test_canonical_json_is_the_same_bytes_for_the_same_event() -> None:
    """The chain signs bytes: sorted keys, no blanks, ASCII."""
    text = canonical(event_data(settled(an_absence(by="Zoë"))))
    assert text.isascii() and text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert case_from.__annotations__["return"] is Case

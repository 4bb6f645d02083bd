"""Faults that only a night shows, and words that only a phone shows: each proved on a copy of England's base."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.locales import books
from bot.protocols import shelf
from casework import bad_nights
from casework.check_words import words
from casework.events import Child
from casework.levels import Level, Status
from casework.protocol import Protocol
from casework.rehearsal import Rehearsal, watch
from casework.stricter import Raw
from casework.wording import Phrasebook
from tests.builders import BASE

NOW = datetime(2026, 6, 24, 18, 0, tzinfo=UTC)


def changed(change: Callable[[Raw], None]) -> Protocol:
    """England's base with one change."""
    raw = deepcopy(shelf(None).raw(BASE))
    change(raw)
    return Protocol.model_validate(raw)


def _without(*rules: str) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        raw["rule"] = [rule for rule in raw["rule"] if rule["id"] not in rules]

    return change


def _idle(*rules: str) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        for rule in raw["rule"]:
            rule["outcome"] = "LINKED" if rule["id"] in rules else rule["outcome"]  # fires, and raises nothing

    return change


def _repeats_daily(raw: Raw) -> None:
    raw["repeat"] = {"high": 1440, "others": 1440, "confirmed_number": 1440}


def _unlawful(raw: Raw) -> None:
    raw["rule"][0]["when"] = ["the_moon_is_full"]


@pytest.mark.parametrize(
    ("change", "night", "says"),
    [
        (_idle("M02", "M03"), "night: silent", "silence does not end at medium"),
        (_idle("M02", "M03"), "night: clock change", "silence does not end at medium"),
        (_without("M02", "M03"), "night: silent", "the night does not move on"),
        (_without("H01"), "night: worst answers", "the next words are not the instruction"),
        (_repeats_daily, "night: silent", "the last rung does not repeat"),
        (_unlawful, "night: silent", "breaks off: KeyError"),
    ],
)
def test_a_bad_night_is_found(change: Callable[[Raw], None], night: str, says: str) -> None:
    """Silence ends at MEDIUM, a flag brings the instruction, the last rung repeats; a broken night is told."""
    found = [finding for finding in bad_nights.play(changed(change)) if finding.where == night]
    assert any(says in finding.says for finding in found), found


def test_a_sound_protocol_stands_its_bad_nights() -> None:
    """The nights find nothing where there is nothing."""
    assert bad_nights.play(changed(lambda raw: None)) == []


def test_a_level_that_sinks_and_a_case_that_nothing_wakes_are_told() -> None:
    """F3 and the deadline of every open case hold in code; should that ever break, the first rehearsal says so."""
    protocol = shelf(None)[BASE]
    night = Rehearsal(protocol, NOW)
    night.opens(Child(child_id="R1", age=9), NOW)
    case = night.case
    assert case is not None
    assert watch(case, replace(case, level=Level.LOW), [], protocol) == ["the level sank from high to low"]
    asleep = replace(case, status=Status.RETURNED, silent_since=None, tasks=())
    asleep = replace(asleep, back=replace(asleep.back, interview_outcome="done", interview_next=None))
    assert watch(case, asleep, [], protocol) == ["an open case (returned) without a deadline"]


# ---- words ---------------------------------------------------------------------------------------


def wherever(book: Phrasebook, **texts: str) -> set[tuple[str, str]]:
    """The findings about words in Wales, where one book says something else."""
    held = {**books(), book.language: book.model_copy(update={"text": {**book.text, **texts}})}
    return {(each.where, each.says.split(":")[0]) for each in words(shelf(None)["wales/base/2026-01-01"], held)}


def test_a_text_over_one_segment_is_found() -> None:
    """An English text has one segment; half a text that never arrives tells nobody to ring."""
    english = books()["en"]
    long = english.text["R_LIMIT"] + " And then some more words that no phone asked for."
    assert {where for where, _ in wherever(english, R_LIMIT=long)} == {"wording.en.R_LIMIT"}


def test_a_text_may_not_ask_for_a_word_that_carriers_keep() -> None:
    """STOP silences the case (HZ22)."""
    english = books()["en"]
    found = wherever(english, P18="{ref} Q18. Places {who} may head for? A few words, or STOP.")
    assert ("wording.en.P18", "tells people to text STOP, which carriers keep for themselves") in found


def test_an_untranslated_text_is_found() -> None:
    """A parent who chose Welsh does not get English by accident."""
    assert wherever(books()["cy"], P01=books()["en"].text["P01"]) == {("wording.cy.P01", "not translated")}


def test_a_translation_that_leaves_out_the_number_is_found() -> None:
    """999 stands in every language in which it stood in English."""
    welsh = books()["cy"]
    found = wherever(welsh, O_HIGH=welsh.text["O_HIGH"].replace("999", "yr heddlu"))
    assert ("wording.cy.O_HIGH", "leaves out 999, which the English text says") in found
    assert ("wording.high_999", "O_HIGH names neither 999 nor 101") in found


def test_welsh_may_take_three_segments_and_no_more() -> None:
    """More than three may arrive out of order."""
    welsh = books()["cy"]
    assert wherever(welsh, R_LIMIT=welsh.text["R_LIMIT"] + " ŵ" * 5) == set()
    found = wherever(welsh, R_LIMIT=welsh.text["R_LIMIT"] + " ŵ" * 60)
    assert {where for where, _ in found} == {"wording.cy.R_LIMIT"}

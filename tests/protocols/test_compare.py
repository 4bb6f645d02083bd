"""The same answers in every area, side by side; which of two files is stricter; and the rules as pictures."""

import pytest

from bot.protocols import shelf
from casework import draw
from casework.compare import ANY, Difference, compare
from casework.diff import Change, diff
from casework.nights import NIGHTS
from tests.builders import BASE

OVERLAYS = [name for name in shelf(None).names() if name != BASE]
DIFFERENCES = compare(dict(shelf(None)))


def differing(night: str, overlay: str) -> dict[str, Difference]:
    """What differs between the base and one overlay on a night."""
    return {
        each.what: each for each in DIFFERENCES if each.night == night and each.values[BASE] != each.values[overlay]
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("night", ["S1", "S2", "S10"])
def test_each_area_differs_on_each_of_the_three_nights(night: str, overlay: str) -> None:
    """The inconsistency that the inquiry of 2016 complained of is made visible: nothing is smoothed over."""
    assert differing(night, overlay)


def test_scotland_and_northern_ireland_know_no_apparent_risk() -> None:
    """A child reached in a safe place is NAR in England, LOW where there is no such level, and then a manager hears."""
    for area in ("scotland/base/2026-01-01", "northern-ireland/base/2026-01-01"):
        found = differing("S1", area)
        assert (found["outcome"].values[BASE], found["outcome"].values[area]) == ("NAR N01", "LOW L02")
        assert "M_LOW" in found["told people on call"].values[area]


def test_wales_tells_the_local_authority_of_any_absence() -> None:
    """W4: missing or an unexplained absence, so on S1 as well, where England tells nobody."""
    told = differing("S1", "wales/base/2026-01-01")["must be told"].values
    assert told["wales/base/2026-01-01"] == "E8w local authority in whose area the home is"
    assert told[BASE] == "nobody by rule"


def test_scotlands_definition_asks_for_more_than_unknown_whereabouts() -> None:
    """SC3: on S2 nothing but time has passed; the definition does not call him missing, our limit does."""
    found = differing("S2", "scotland/base/2026-01-01")
    assert found["missing by its definition"].values[BASE] == "yes, from 21:20"
    assert found["missing by its definition"].values["scotland/base/2026-01-01"].startswith("no")
    assert "outcome" not in found


def test_the_stricter_force_acts_sooner() -> None:
    """The example force's limit of 90 minutes for a boy of 15 ends the night half an hour earlier."""
    found = differing("S2", "england/example-force/2026-01-01")
    assert (found["missing from"].values[BASE], found["missing from"].values["england/example-force/2026-01-01"]) == (
        "23:00", "22:30",
    )  # fmt: skip


def test_the_scheme_of_2013_would_have_called_a_marked_girl_absent() -> None:
    """S3: what the retired scheme allowed stands beside the floor that stands today."""
    value = differing("S3", "retired/uk-acpo-2013")["class of its time"].values["retired/uk-acpo-2013"]
    assert value == "2013 class: absent possible; today's floor: HIGH R06"


def test_what_no_night_changes_is_told_once() -> None:
    """Definition, levels and return talk differ by area on any night."""
    assert {"definition of missing", "levels", "return talk"} <= {d.what for d in DIFFERENCES if d.night == ANY}


def test_a_protocol_beside_itself_differs_in_nothing() -> None:
    """The comparison invents nothing."""
    base = shelf(None)[BASE]
    assert compare({"one": base, "two": base}, NIGHTS[:2]) == []


# ---- diff ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OVERLAYS)
def test_nothing_that_we_ship_is_laxer_than_its_base(name: str) -> None:
    """HZ20, key by key."""
    held = shelf(None)
    assert [c for c in diff(held.raw(BASE), held.raw(name)) if c.direction == "laxer"] == []


def test_a_difference_turned_round_is_the_other_way_about() -> None:
    """What is stricter one way is laxer the other; words are neither."""
    held = shelf(None)
    there = diff(held.raw(BASE), held.raw("england/example-force/2026-01-01"))
    back = diff(held.raw("england/example-force/2026-01-01"), held.raw(BASE))
    turned = {"stricter": "laxer", "laxer": "stricter", "other": "other"}
    assert {(c.where, turned[c.direction]) for c in there} == {(c.where, c.direction) for c in back}
    assert Change("flag.R06.route", "101", "999", "stricter") in there
    assert Change("timers.bands.16.max_day", 120, 90, "stricter") in there


# ---- pictures ------------------------------------------------------------------------------------


def test_a_picture_holds_every_move_and_every_rung() -> None:
    """Drawn from the table and the file: nothing is left out."""
    protocol = shelf(None)[BASE]
    for picture in (draw.status_mermaid(), draw.status_text()):
        assert picture.count("ReturnConfirmed") == 4
    for rung in protocol.rung:
        assert f"E{rung.rung}" in draw.chain_mermaid(protocol)
        assert f"E{rung.rung}" in draw.chain_text(protocol)

"""A law: whatever an overlay says, what stands is never laxer than its base; no limit passes the hard cap (HZ20)."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.protocols import shelf
from casework import limits
from casework.check import weaker
from casework.diff import diff
from casework.events import Child
from casework.levels import Level, Side
from casework.loading import merge
from casework.protocol import Protocol
from casework.protocol_parts import HARD_CAP_MINUTES
from casework.stricter import Raw
from tests.builders import BASE, Night
from tests.properties.nights import Act, acts, children, starts, told

BASE_RAW = shelf(None).raw(BASE)
THE_BASE = shelf(None)[BASE]
minutes = st.integers(1, 800)  # what is 0 or less does not load at all: `bad/` proves it
clocks = st.sampled_from(("00:00", "05:00", "20:30", "22:00", "23:59", "06:00", "09:30"))


def some(strategies: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Raw]:
    return st.fixed_dictionaries({}, optional=strategies)


def entries(key: str, names: list[Any], fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Raw]]:
    """A few entries of the base, each said again with other values."""
    one = st.builds(lambda name, rest: {key: name, **rest}, st.sampled_from(names), some(fields))
    return st.lists(one, max_size=4, unique_by=lambda entry: str(entry[key]))


def numbers_like(table: Raw) -> st.SearchStrategy[Raw]:
    """Any number for any number of this table."""
    return some({key: minutes for key, value in table.items() if isinstance(value, int)})


RULES, FLAGS = [rule["id"] for rule in BASE_RAW["rule"]], [flag["id"] for flag in BASE_RAW["flag"]]
CHECKS = [check["id"] for check in BASE_RAW["check"]]
VALUES = sorted({option["value"] for check in BASE_RAW["check"] for option in check.get("options", [])})
COUNTED = {"factors>=1", "factors>=9", "factors<=5"}
NAMES = sorted({name for rule in BASE_RAW["rule"] for name in rule["when"]} | COUNTED)
TIMERS = BASE_RAW["timers"]
outcomes = st.sampled_from(("NAR", "LOW", "A01", "MEDIUM", "WELFARE", "HIGH", "LINKED"))
rules = {
    "outcome": outcomes,
    "judged": st.sampled_from(("at_once", "gate_end")),
    "when": st.lists(st.sampled_from(NAMES), unique=True, max_size=3),
}
options = entries("value", VALUES, {
    "raises": st.lists(st.sampled_from(FLAGS), max_size=2, unique=True), "factors": st.sampled_from(([], ["K01"])),
    "unsure": st.booleans(), "completes": st.booleans(), "worse": st.integers(0, 9),
    "means": st.sampled_from(("spoke", "calm", "safe", "found")),
})  # fmt: skip
new_rule = st.builds(
    lambda rest, when: {"id": "X99", "says": "x", "source": "OURS", "tag": "OURS", **rest, "when": when},
    st.fixed_dictionaries({"outcome": outcomes, "judged": rules["judged"]}),
    st.lists(st.sampled_from(NAMES), max_size=3),
)
tables = {key: numbers_like(value) for key, value in TIMERS.items() if isinstance(value, dict)}
overlays = st.fixed_dictionaries(
    {"protocol": st.fixed_dictionaries(
        {"id": st.just("test/any"), "version": st.just("2026-01-01"), "status": st.just("draft"),
         "jurisdiction": st.just("england"), "extends": st.just(BASE)},
        optional={"levels": st.lists(st.sampled_from(("nar", "low", "medium", "high")), unique=True)},
    )},
    optional={
        "timers": some({
            **{key: minutes for key, value in TIMERS.items() if isinstance(value, int)}, **tables,
            "night_from": clocks, "night_to": clocks,
            "bands": entries("under", [10, 12, 14, 16, 18], dict.fromkeys(
                ("grace", "checks", "review", "max_day", "max_night"), minutes)),
        }),
        "flag": entries("id", FLAGS, {"route": st.sampled_from(("999", "101", "welfare")),
                                      "on_register": st.just(["honour"])}),
        "rule": st.builds(lambda known, new: [*known, *new], entries("id", RULES, rules),
                          st.lists(new_rule, max_size=1)),
        "check": entries("id", CHECKS, {"mandatory": st.booleans(), "red_flag_question": st.booleans(),
                                        "stage": st.just("detail"), "options": options}),
        "rung": entries("rung", [1, 2, 3, 4, 5], {"after": minutes, "role": st.just("owner")}),
        "repeat": numbers_like(BASE_RAW["repeat"]),
        "wording": st.fixed_dictionaries({}, optional={"high_999": st.just("O_NAR"), "limit": st.just("O_AWAY")}),
        "nar_at_most_factors": minutes, "medium_at_factors": minutes,
    },
)  # fmt: skip


def laid(overlay: Raw) -> Protocol | None:
    """The overlay over England's base; None where it does not load at all, which is no laxer."""
    try:
        return Protocol.model_validate(merge(deepcopy(BASE_RAW), overlay))
    except ValidationError:
        return None


@settings(max_examples=150, deadline=None)
@given(overlay=overlays)
def test_an_overlay_is_never_laxer_than_its_base(overlay: Raw) -> None:
    """No key of what stands is laxer, whatever the file says; and what it says that does not stand is a finding."""
    whole = merge(deepcopy(BASE_RAW), overlay)
    laxer = [change for change in diff(BASE_RAW, whole) if change.direction == "laxer"]
    assert laxer == []
    unheard = diff(whole, merge(deepcopy(whole), overlay))
    assert [c for c in unheard if c.direction == "laxer"] == []
    list(weaker(overlay, BASE_RAW))


@settings(max_examples=100, deadline=None)
@given(overlay=overlays, child=children, start=starts, late=st.integers(0, 400))
def test_no_overlay_passes_the_limit_of_its_base_or_the_hard_cap(
    overlay: Raw, child: Child, start: Any, late: int
) -> None:
    """The limit, the grace and the review of any child are never later than the base's; the cap is in code."""
    protocol = laid(overlay)
    if protocol is None:
        return
    t0 = start - timedelta(minutes=late)
    night = Night(THE_BASE, start, replays=False)
    night.opens(child, t0=t0)
    assert night.case is not None
    base, over = limits.limit(night.case, THE_BASE), limits.limit(night.case, protocol)
    assert over <= min(base, t0 + timedelta(minutes=HARD_CAP_MINUTES))
    assert limits.grace(child, "due", protocol) <= limits.grace(child, "due", THE_BASE)
    assert protocol.band(child.age).review <= THE_BASE.band(child.age).review


@settings(max_examples=100, deadline=None)
@given(overlay=overlays, child=children, start=starts, script=acts)
def test_the_same_night_is_never_taken_less_seriously(
    overlay: Raw, child: Child, start: Any, script: list[Act]
) -> None:
    """Whenever the base makes it a police matter, so does the overlay; NAR stands only where the base says so too."""
    protocol = laid(overlay)
    if protocol is None:
        return
    base, over = (Night(each, start, replays=False) for each in (THE_BASE, protocol))
    for night in (base, over):
        night.opens(child, t0=start, side=Side.STAFF)
    for act in script:
        for night in (base, over):
            night.until(night.now + timedelta(minutes=act.wait))
        news = told(base, act)
        if news is not None and base.case is not None and not base.case.returned:
            for night in (base, over):
                night.hear(news)
        assert base.case is not None
        assert over.case is not None
        assert _seriousness(over.case.level) >= _seriousness(base.case.level)


def _seriousness(level: Level) -> int:
    """Police now, police, ours: WELFARE and MEDIUM are both a call to the police."""
    return 3 if level is Level.HIGH else 2 if level >= Level.MEDIUM else int(level)

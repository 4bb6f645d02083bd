"""A comparison says what was measured, and nothing that was not: no figure here depends on how fast this machine is."""

from benchmarks.rounds import NotRun, Row, alternate, percentile, ratio, spread
from benchmarks.scripts import compare, kept, missed, told_by


def test_a_ratio_is_formed_within_each_round():
    """A second in which the machine was ten times as slow slowed both sides: it does not show."""
    row = ratio("ours", [200, 20, 220], [100, 10, 100], must=2)
    assert (row.figure, row.low, row.high) == (2.0, 2.0, 2.2)
    assert not row.missed


def test_a_must_is_missed_on_its_own_side_only():
    """More is better for a rate, less for a lateness; an aim is never a must."""
    assert Row(what="rate", figure=0.9, unit="×", must=1.0).missed
    assert not Row(what="late", figure=0.9, unit="s", must=1.0, more=False).missed
    assert Row(what="late", figure=1.1, unit="s", must=1.0, more=False).missed
    assert not Row(what="rate", figure=0.9, unit="×", aim=1.0).missed
    assert not missed([NotRun(what="a disk", why="no compiler")])


def test_better_and_worse_begin_beyond_the_spread_of_both_runs():
    """What lies within the rounds of either run is noise."""
    before = {
        name: spread(name, [9, 10, 11], "", more=more)
        for name, more in (("rate", True), ("same", True), ("late", False))
    }
    now = [
        spread("rate", [12, 13, 14], ""),
        spread("same", [10, 12, 13], ""),
        spread("late", [12, 13, 14], "", more=False),
    ]
    assert compare(now, before) == {"rate": "better than 10", "late": "WORSE than 10"}


def test_a_run_is_read_back_as_it_was_kept():
    """Also what could not be measured."""
    told = [spread("rate", [1.0, 2.0, 3.0], "/s", must=1.0), NotRun(what="a disk", why="no compiler")]
    assert told_by(kept(told, full=False)) == told


async def test_both_sides_begin_as_often():
    """Who comes second finds warm caches, and a disk that the first one kept busy."""
    came = list[str]()

    def side(name: str):
        async def work(seconds: float) -> float:
            came.append(name)
            return seconds

        return work

    rates = await alternate({"a": side("a"), "b": side("b")}, 0.5, rounds=4)
    assert came == ["a", "b"] + ["a", "b", "b", "a"] * 2
    assert rates == {"a": [0.5] * 4, "b": [0.5] * 4}


def test_the_worst_of_a_hundred_is_the_99th_percentile():
    """It is a figure that was seen, not one between two."""
    assert percentile(range(100), 0.99) == 99
    assert percentile([7], 0.99) == 7

"""Knows how a measurement is started, told and kept: a table for people, JSON for the next run to be compared with."""

import argparse
import json
import os
import platform
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.rounds import NotRun, Row, Told

RESULTS = Path(__file__).parent / "results"


def script(measure: Callable[[bool], Sequence[Told]]) -> int:
    """Run one measurement from the command line, in its short form or with `--full`; 1 where a must was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="the long form, in the sizes of the bar")
    parser.add_argument("--json", action="store_true", help="for another program to read")
    wish = parser.parse_args()
    told = measure(wish.full)
    print(json.dumps(kept(told, wish.full)) if wish.json else table(told))
    return int(missed(told))


def missed(told: Iterable[Told]) -> bool:
    """Whether a must was missed."""
    return any(isinstance(each, Row) and each.missed for each in told)


def table(told: Iterable[Told], verdicts: dict[str, str] | None = None) -> str:
    """The rows for a terminal: figure, spread, bounds, and what is to be said of it."""
    lines = [f"{'what':62} {'figure':>10} {'spread':>17} {'must':>7} {'aim':>7}"]
    for each in told:
        if isinstance(each, NotRun):
            lines.append(f"{each.what:62} not run: {each.why}")
            continue
        verdict = (verdicts or {}).get(each.what, "")
        lines.append(
            f"{each.what:62} {shown(each.figure):>10} {_spread(each):>17} {_bound(each.must):>7} {_bound(each.aim):>7}"
            f" {each.unit:5} {_standing(each):9} {verdict}".rstrip()
        )
        if each.note:
            lines.append(f"    {each.note}")
    return "\n".join(lines)


def shown(figure: float) -> str:
    """Three digits that mean something."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def _spread(row: Row) -> str:
    return "" if row.low is None or row.high is None else f"{shown(row.low)} – {shown(row.high)}"


def _bound(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}"


def _standing(row: Row) -> str:
    if row.missed:
        return "MISSED"
    if row.aim is not None and row.meets(row.aim):
        return "aim"
    return "" if row.must is None else "must"


def kept(told: Iterable[Told], full: bool) -> dict[str, Any]:
    """A run as JSON data."""
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "form": "full" if full else "short",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[2], 1),  # of the last quarter of an hour: above the cores, others worked here too
        "rows": [asdict(each) for each in told if isinstance(each, Row)],
        "not_run": [asdict(each) for each in told if isinstance(each, NotRun)],
    }


def told_by(data: dict[str, Any]) -> list[Told]:
    """A run from its JSON data."""
    return [*(Row(**row) for row in data["rows"]), *(NotRun(**each) for each in data["not_run"])]


def read(path: Path) -> dict[str, Row]:
    """The rows of a run that was kept, by what they say; none where none was."""
    if not path.exists():
        return {}
    told = told_by(json.loads(path.read_text(encoding="utf-8")))
    return {each.what: each for each in told if isinstance(each, Row)}


def compare(told: Iterable[Told], before: dict[str, Row]) -> dict[str, str]:
    """What is better or worse than in a run that was kept, by more than the spread of both; single figures never are."""
    verdicts = {}
    for row in told:
        old = before.get(row.what)
        if not isinstance(row, Row) or old is None or None in (row.low, row.high, old.low, old.high):
            continue
        assert row.low is not None and row.high is not None and old.low is not None and old.high is not None
        if row.low > old.high or row.high < old.low:
            better = (row.figure > old.figure) == row.more
            verdicts[row.what] = f"{'better' if better else 'WORSE'} than {shown(old.figure)}"
    return verdicts


def write(path: Path, data: dict[str, Any]) -> None:
    """Keep a run."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

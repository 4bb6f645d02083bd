"""Draws the results that were committed, and writes them into the README: as SVG, and as the table between its two marks.

`python -m benchmarks.picture`, after `python -m benchmarks --keep`. A bar shows how many times as good a figure is as it
must be, on a logarithmic scale: twice as long is not twice as good, but beyond the line is beyond it.
"""

import json
import math
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.rounds import Row, Told
from benchmarks.scripts import RESULTS, shown, told_by

ROOT = Path(__file__).parents[1]
PICTURE, README = ROOT / "docs" / "images" / "bench.svg", ROOT / "README.md"
SHOWN = "![How many times as good each figure is as it must be](docs/images/bench.svg)"
BEGIN, END = "<!-- measured: python -m benchmarks.picture -->", "<!-- end of measured -->"
WIDTH, LEFT, RIGHT, LINE, TOP = 960, 400, 110, 26, 52  # pixels
INK, BAR, SHORT, MUST, AIM = "#1f2933", "#2f6f8f", "#b5541c", "#8a1c1c", "#3f7d3f"


def where(data: dict[str, Any]) -> str:
    """When it was measured, and on what."""
    return f"Measured {data['measured'][:10]} on {data['cores']} cores at a load of {data['load']}"


def measured(told: list[Told]) -> list[Row]:
    """The rows that are measured against a bound, as long as there is more than nothing of them."""
    return [row for row in told if isinstance(row, Row) and (row.must or row.aim)]


def reached(row: Row) -> float:
    """How many times its must, else its aim, a figure is; above 1 it keeps to it."""
    bound = row.must or row.aim
    assert bound
    return max(1e-3, row.figure / bound) if row.more else bound / max(row.figure, bound * 1e-3)


def aims(row: Row) -> float | None:
    """How many times its must the aim is, where there are both."""
    if not row.must or not row.aim:
        return None
    return row.aim / row.must if row.more else row.must / row.aim


def svg(rows: list[Row], where: str) -> str:
    """The picture."""
    most = max(2.0, *(max(reached(row), aims(row) or 1.0) for row in rows))
    least = min(0.5, *(reached(row) for row in rows))
    unit = (WIDTH - LEFT - RIGHT) / (math.log(most) - math.log(least))

    def x(times: float) -> float:
        return LEFT + (math.log(min(most, max(least, times))) - math.log(least)) * unit

    height = TOP + LINE * len(rows) + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' role="img" font-family="sans-serif" font-size="13">',
        "<title>What was measured, as so many times what it must be</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" fill="{INK}" font-size="15">{escape(where)}:'
        " so many times as good as it must be (red line) and as it aims to be (green mark)</text>",
        *(line for place, row in enumerate(rows) for line in _bar(row, TOP + LINE * place, x)),
        f'<line x1="{x(1):.1f}" y1="{TOP - 8}" x2="{x(1):.1f}" y2="{height - 12}" stroke="{MUST}" stroke-width="1.5"/>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bar(row: Row, top: int, x: Callable[[float], float]) -> list[str]:
    times, aim = reached(row), aims(row)
    begin, end = sorted((x(1), x(times)))
    lines = [
        f'<text x="{LEFT - 10}" y="{top + 14}" text-anchor="end" fill="{INK}">{escape(row.what)}</text>',
        f'<rect x="{begin:.1f}" y="{top + 2}" width="{max(1.0, end - begin):.1f}" height="{LINE - 10}"'
        f' fill="{BAR if times >= 1 else SHORT}"/>',
        f'<text x="{WIDTH - RIGHT + 10}" y="{top + 14}" fill="{INK}">{escape(f"{shown(row.figure)} {row.unit}")}</text>',
    ]
    if aim is not None:
        lines.append(
            f'<line x1="{x(aim):.1f}" y1="{top}" x2="{x(aim):.1f}" y2="{top + LINE - 6}" stroke="{AIM}" stroke-width="3"/>'
        )
    return lines


def markdown(rows: list[Row]) -> str:
    """The table for the README."""
    lines = ["| what | measured | must | aim |", "|---|---|---|---|"]
    for row in rows:
        bounds = [f"{bound:g}" if bound is not None else "" for bound in (row.must, row.aim)]
        figure = f"{shown(row.figure)} {row.unit}".strip()
        lines.append(f"| {row.what} | {figure if not row.missed else f'**{figure}**'} | {bounds[0]} | {bounds[1]} |")
    return "\n".join(lines)


def main() -> int:
    """Draw and write what was committed."""
    data = json.loads((RESULTS / "latest.json").read_text(encoding="utf-8"))
    told = told_by(data)
    PICTURE.write_text(svg(measured(told), where(data)), encoding="utf-8")
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = markdown([row for row in told if isinstance(row, Row) and (row.must is not None or row.aim is not None)])
    README.write_text(f"{before}{BEGIN}\n{SHOWN}\n\n{where(data)}.\n\n{table}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How the command line speaks: lines for a person, JSON for a program; answers on stdout, faults on stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.acts.desk_work import Said
from casework.wording import LONDON


def tell(said: Said, *, as_json: bool) -> int:
    """Print an answer; returns its exit code."""
    if as_json:
        data = {"says": list(said.lines)} if said.data is None else said.data
        print(json.dumps(data, ensure_ascii=False, indent=2))
    elif said.lines:
        print("\n".join(said.lines), file=sys.stdout if said.code < 2 else sys.stderr)
    return said.code


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], nothing: str) -> tuple[str, ...]:
    """Rows as lines under their column names; `nothing` where there are none."""
    if not rows:
        return (nothing,)
    cells = [list(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    return tuple(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return " ".join(str(each) for each in value)
    return _local(value) if isinstance(value, str) and value.endswith("Z") and "T" in value else str(value)


def _local(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).astimezone(LONDON):%a %d %b %H:%M}"
    except ValueError:
        return text

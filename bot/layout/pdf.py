"""Knows how a missing report becomes a PDF: any machine opens it, a screen reader follows it, no font loses a name.

PDF/A-2a and PDF/UA-1, tagged, fonts embedded, no other font of the machine used; the same report gives the same bytes.
"""

import json
from pathlib import Path
from typing import Any

import typst

from bot.layout.glyphs import FOLDER, printable
from casework.report import MissingReport
from casework.wording import LONDON

TEMPLATE = Path(__file__).parent / "report.typ"
STANDARDS = ["a-2a", "ua-1"]


def pdf(report: MissingReport) -> bytes:
    """Print a report."""
    made: bytes = _compile(report, format="pdf", pdf_standards=STANDARDS)
    return made


def pages(report: MissingReport, *, dots_per_inch: int = 80) -> list[bytes]:
    """The same pages as PNG pictures, for a screen."""
    made = _compile(report, format="png", ppi=dots_per_inch)
    return [made] if isinstance(made, bytes) else list(made)


def _compile(report: MissingReport, **how: Any) -> Any:
    return typst.compile(
        TEMPLATE.read_bytes(),
        font_paths=[str(FOLDER)],
        ignore_system_fonts=True,
        timestamp=int(report.as_at.timestamp()),
        sys_inputs={"report": json.dumps(_printable(data(report)), ensure_ascii=False)},
        **how,
    )


def data(report: MissingReport) -> dict[str, Any]:
    """What the page shows, in its order."""
    there = report.as_at.astimezone(LONDON)
    copy = "police copy" if report.police_copy else "third parties held back"
    return {
        "title": f"{report.category}: {report.child_name}",
        "subtitle": f"{report.ref} · version {report.version} · {report.level} · {copy}",
        "as_at": f"Information as at {report.as_at_local}. Times without a day are of that day.",
        "made_by": report.made_by,
        "date": {"year": there.year, "month": there.month, "day": there.day},
        "footer": f"{report.ref} v{report.version} · {report.protocol} · SHA-256 {report.hash}",
        "script": report.script,
        "changes": list(report.changes),
        "reasons": [{"rule": r.rule, "says": r.says.rstrip("."), "because": r.because} for r in report.reasons],
        "checks": [c.model_dump(include={"what", "result", "who", "when"}) for c in report.checks],
        "groups": [g.model_dump(mode="json") for g in report.groups],
    }


def _printable(value: Any) -> Any:
    """Every string of the data as the fonts can draw it."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(part) for key, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, list) else value

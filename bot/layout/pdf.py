"""Knows how a missing report becomes a PDF: any machine opens it, a screen reader follows it, no font loses a name.

PDF/A-2a and PDF/UA-1, tagged, fonts embedded, no other font of the machine used; the same report gives the same bytes.
"""

import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typst
from PIL import Image

from bot.layout.glyphs import FOLDER, printable
from casework.report import MissingReport
from casework.report_script import NO_CHILD
from casework.wording import LONDON, is_drill

TEMPLATE = Path(__file__).parent / "report.typ"
WIDE_AT_MOST = 1000  # pixels: sharp in print, small on the wire
STANDARDS = ["a-2a", "ua-1"]


def pdf(report: MissingReport, pictures: Sequence[bytes | None] = ()) -> bytes:
    """Print a report with the photos that were sent in, in the order of its photo lines; None: the file was lost."""
    made: bytes = _compile(report, pictures, format="pdf", pdf_standards=STANDARDS)
    return made


def pages(report: MissingReport, *, dots_per_inch: int = 80) -> list[bytes]:
    """The same pages as PNG pictures, for a screen."""
    made = _compile(report, (), format="png", ppi=dots_per_inch)
    return [made] if isinstance(made, bytes) else list(made)


def _compile(report: MissingReport, pictures: Sequence[bytes | None], **how: Any) -> Any:
    """Typeset in a folder of its own, which holds the pictures and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        names = [_keep(Path(folder), number, picture) for number, picture in enumerate(pictures)]
        return typst.compile(
            TEMPLATE.read_bytes(),
            root=folder,
            font_paths=[str(FOLDER)],
            ignore_system_fonts=True,
            timestamp=int(report.as_at.timestamp()),
            sys_inputs={"report": json.dumps(_printable(data(report, names)), ensure_ascii=False)},
            **how,
        )


def _keep(folder: Path, number: int, picture: bytes | None) -> str:
    """Put one picture where the template finds it, small enough to send on; "" for one that is lost or no picture."""
    if picture is None:
        return ""
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            opened.thumbnail((WIDE_AT_MOST, WIDE_AT_MOST))
            opened.convert("RGB").save(folder / f"{number}.jpg", "JPEG", quality=85)
    except (OSError, ValueError):
        return ""
    return f"/{number}.jpg"


def data(report: MissingReport, pictures: Sequence[str] = ()) -> dict[str, Any]:
    """What the page shows, in its order. `pictures`: where the photos lie, in the order of the photo lines."""
    waiting = iter(pictures)
    there = report.as_at.astimezone(LONDON)
    copy = "police copy" if report.police_copy else "third parties held back"
    return {
        "drill": NO_CHILD if is_drill(report.ref) else "",
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
        "evidence": [
            {
                "what": f"{x.kind.capitalize()} from {x.who}, {x.when}",
                "says": x.says,
                "picture": next(waiting, "") if x.kind == "photo" else "",
                "photo": x.kind == "photo",
            }
            for x in report.evidence
        ],
        "groups": [g.model_dump(mode="json") for g in report.groups],
    }


def _printable(value: Any) -> Any:
    """Every string of the data as the fonts can draw it."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(part) for key, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, list) else value

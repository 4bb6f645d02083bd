"""The police's inbox in the sandbox: the folder where the house puts its reports, one PDF and one JSON a version."""

import re
from pathlib import Path
from typing import Any

SAYS = {".pdf": "PDF", ".json": "JSON"}
_NAME = re.compile(r"(?P<ref>[A-Z]\d+)_(?P<case>.+)_v(?P<version>\d+)")


def inbox(folder: Path) -> list[dict[str, Any]]:
    """The reports that came in, newest first: the case's code, the version, and its files."""
    reports: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []:  # the PDF before its JSON
        matched = _NAME.fullmatch(file.stem)
        if matched is None or file.suffix not in SAYS:
            continue
        report = reports.setdefault(file.stem, {"ref": matched["ref"], "version": int(matched["version"]), "files": []})
        report["files"].append({"name": file.name, "says": SAYS[file.suffix]})
        report["came"] = file.stat().st_mtime_ns
    return sorted(reports.values(), key=lambda each: (each["came"], each["version"]), reverse=True)

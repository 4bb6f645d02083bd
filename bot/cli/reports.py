"""The missing report at the terminal: to read out, as the PDF the police get, or as its JSON twin."""

import argparse
import asyncio
import os
from pathlib import Path
from typing import TypeAlias

from bot.acts.desk_work import FINE, Said
from bot.cli.house import case_named, look
from bot.locales import books
from bot.protocols import shelf
from bot.settings import Settings
from casework import report as reports
from casework.evolve import replay
from casework.report import MissingReport
from storage.database import Tx
from storage.dossier import dossier

ENGLISH = "en"
Composed: TypeAlias = tuple[MissingReport, tuple[bytes | None, ...]]  # with the photos that were sent in


async def report(settings: Settings, arguments: argparse.Namespace) -> Said:
    """The latest version of the report, or, before there is one, what it would say now (version 0)."""
    composed, pictures = await look(settings, lambda tx: _composed(tx, settings, arguments.case))
    if arguments.format == "pdf":
        path = await asyncio.to_thread(_printed, composed, pictures, settings.var / "reports")
        return Said(FINE, (str(path),), {"file": str(path), "version": composed.version})
    data = composed.model_dump(mode="json")
    if arguments.format == "json":
        return Said(FINE, (composed.model_dump_json(indent=2),), data)
    return Said(FINE, (reports.as_text(composed),), data)


async def _composed(tx: Tx, settings: Settings, named: str) -> Composed:
    case_id = await case_named(tx, named)
    held = await dossier(tx, case_id, books()[ENGLISH])
    assert held is not None, "a case that was found has a log"
    log = reports.as_of(held.log, held.case.reports) if held.case.reports else held.log
    made = reports.compose(log, replay(log), shelf(settings.protocols)[held.case.protocol], held.register)
    return made, held.pictures


def _printed(composed: MissingReport, pictures: tuple[bytes | None, ...], folder: Path) -> Path:
    """Write the PDF, for its owner alone; a version that lies there already is the same and stays."""
    from bot.layout.pdf import pdf

    path = folder / f"{composed.ref}_terminal_v{composed.version}.pdf"
    folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pdf(composed, pictures))
    return path

"""Knows how a missing report reaches the police's folder: a PDF to read and its JSON twin, one pair a version.

A version that lies there is never written again: whoever holds a copy must find the same bytes, and what goes to the
police by another way is read from here. Without one this is where reports end, and a person sends them on.
"""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import structlog

from bot.channels.papers import Papers
from bot.layout.pdf import pdf
from casework import report
from casework.evolve import replay
from casework.protocol import Protocol
from casework.report import MissingReport
from casework.wording import Phrasebook
from handlers.inbox import Aside, at_once
from scheduler.outbox import Receipt, Refused, Unreachable
from storage.database import Database
from storage.dossier import Dossier, dossier
from storage.outbox import Letter

FOLDERS = ("reports", "police")
WHOLE = "police"  # who gets the copy that names third parties
_log = structlog.get_logger(__name__)


class FileChannel:
    """Writes report versions under `var`."""

    name = "file"

    def __init__(
        self, database: Database, protocols: Mapping[str, Protocol], book: Phrasebook, var: Path, aside: Aside = at_once
    ) -> None:
        """`aside`: where printing is done, so that nobody waits for it."""
        self._database, self._protocols, self._book, self._var = database, protocols, book, var
        self._aside = aside

    async def send(self, letter: Letter) -> Receipt:
        """Compose the version that the letter names and write it down. Raises Refused for a version that never was."""
        _, name = await self._kept(letter.document or "")
        return Receipt(provider_id=name)

    async def papers(self, letter: Letter) -> Papers:
        """The files that a letter names: for the police as they lie in their folder, for others without third parties.

        Raises Refused for a version that never was, Unreachable where they cannot be written.
        """
        document = letter.document or ""
        if letter.person == WHOLE:
            composed, name = await self._kept(document)
            printed, twin = (self._var / WHOLE / f"{name}.{kind}" for kind in ("pdf", "json"))
            return _papers(composed, printed.read_bytes(), twin.read_bytes())
        composed = report.for_others(await self._composed(document))
        printed_for_others = await self._aside(pdf, composed, await self._pictures(document))
        return _papers(composed, printed_for_others, _twin(composed))

    async def compose(self, document: str) -> MissingReport | None:
        """The report `case_id/version`, as it stood when that version was made; None where there is none."""
        case_id, _, version = document.rpartition("/")
        held = await self._database.read(lambda tx: dossier(tx, case_id, self._book))
        number = int(version) if version.isascii() and version.isdecimal() else 0
        if held is None or not 1 <= number <= held.case.reports:
            return None
        return of_version(held, number, self._protocols)

    async def for_people(self, document: str) -> tuple[str, bytes]:
        """A version as people on call may have it, third parties held back: a file name without a name, and the PDF.

        Raises Refused for a version that never was.
        """
        composed = await self._composed(document)
        printed = await self._aside(pdf, report.for_others(composed), await self._pictures(document))
        return f"{_name(composed)}.pdf", printed

    async def _composed(self, document: str) -> MissingReport:
        composed = await self.compose(document)
        if composed is None:
            raise Refused("no such report", dead=False)
        return composed

    async def _kept(self, document: str) -> tuple[MissingReport, str]:
        """A version that lies in the folders from now on, and what its files are called there."""
        composed = await self._composed(document)
        pictures = await self._pictures(document)
        try:
            return composed, await self._aside(self._write, document, composed, pictures)
        except OSError as error:
            raise Unreachable(type(error).__name__) from None

    async def _pictures(self, document: str) -> tuple[bytes | None, ...]:
        held = await self._database.read(lambda tx: dossier(tx, document.rpartition("/")[0], self._book))
        return held.pictures if held is not None else ()

    def _write(self, document: str, composed: MissingReport, pictures: tuple[bytes | None, ...]) -> str:
        name = f"{composed.ref}_{document.replace('/', '_v')}"
        printed, twin = pdf(composed, pictures), _twin(composed)
        for folder in FOLDERS:
            _keep(self._var / folder / f"{name}.json", twin)
            _keep(self._var / folder / f"{name}.pdf", printed)
        return name


def _name(composed: MissingReport) -> str:
    """What a version is called outside: a ref and a number, for a file's name stands in lists that anybody sees."""
    return f"{composed.ref}-v{composed.version}"


def _twin(composed: MissingReport) -> bytes:
    return composed.model_dump_json(indent=2).encode()


def _papers(composed: MissingReport, printed: bytes, twin: bytes) -> Papers:
    return Papers(
        ref=composed.ref, version=composed.version, as_at=composed.as_at, name=_name(composed), pdf=printed, json=twin
    )


def of_version(held: Dossier, version: int, protocols: Mapping[str, Protocol]) -> MissingReport:
    """Compose one version from the log as it stood then."""
    log = report.as_of(held.log, version)
    return report.compose(log, replay(log), protocols[held.case.protocol], held.register)


def _keep(path: Path, data: bytes) -> None:
    """Write a file whole, for its owner alone; one that is there already stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(made, path)  # unlike a rename, this never replaces
    except FileExistsError:
        if path.read_bytes() != data:
            _log.warning("a report version lies there already with other words; it stays", file=path.name)
    finally:
        made.unlink()

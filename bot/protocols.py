"""Where protocols come from: the shipped files, and a folder laid over them (`PORCHLIGHT_PROTOCOLS`)."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from casework import loading
from casework.loading import BadProtocol, Finding, Raw
from casework.protocol import Protocol

SHIPPED = Path(__file__).parent.parent / "casework" / "protocols"


class Shelf(Mapping[str, Protocol]):
    """Every protocol that loads, by name (`england/base/2026-01-01`), and the findings of those that do not."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.files = {name: path for folder in folders for name, path in _files(folder)}
        self.findings: dict[str, list[Finding]] = {}
        self._loaded: dict[str, tuple[Protocol, Raw]] = {}
        for name in self.files:
            with suppress(BadProtocol):  # kept in `findings`: one bad file must not take the others along
                self._load(name)

    def _load(self, name: str) -> Raw:
        if name in self._loaded:
            return self._loaded[name][1]
        if name not in self.files:
            raise BadProtocol([Finding(name, "no such protocol to extend")])
        try:
            self._loaded[name] = loading.load(self.files[name].read_bytes(), self._load)
        except BadProtocol as fault:
            self.findings[name] = fault.findings
            raise BadProtocol(fault.findings) from fault
        return self._loaded[name][1]

    def __getitem__(self, name: str) -> Protocol:
        return self._loaded[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)

    def names(self) -> list[str]:
        return sorted(self._loaded)

    def raw(self, name: str) -> Raw:
        """The merged data of one protocol, as the check reads it."""
        return self._loaded[name][1]


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.toml")):
        if not path.name.endswith(".scenarios.toml") and path.parent != folder:
            yield str(path.relative_to(folder).with_suffix("")), path


@cache
def shelf(overlay: Path | None = None) -> Shelf:
    """The shipped protocols and, laid over them, those of a folder. Files that do not load are in `findings`."""
    return Shelf((SHIPPED, overlay) if overlay is not None else (SHIPPED,))

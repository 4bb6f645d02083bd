"""Where protocols come from: the shipped files, and a folder laid over them (`PORCHLIGHT_PROTOCOLS`)."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from casework import loading
from casework.loading import BadProtocol, Finding
from casework.protocol import Protocol
from casework.stricter import Raw

SHIPPED = Path(__file__).parent.parent / "casework" / "protocols"


class Shelf(Mapping[str, Protocol]):
    """Every protocol that loads, by name (`england/base/2026-01-01`), and the findings of those that do not.

    A file is read when it is asked for: the bells that ring first need one protocol, not all of them.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.files = {name: path for folder in folders for name, path in _files(folder)}
        self._findings: dict[str, list[Finding]] = {}
        self._loaded: dict[str, tuple[Protocol, Raw]] = {}
        self._loading: list[str] = []

    @property
    def findings(self) -> Mapping[str, list[Finding]]:
        """What is wrong with the files that do not load, by name; every file is read for it."""
        self._load_all()
        return self._findings

    def _load_all(self) -> None:
        for name in self.files:
            with suppress(BadProtocol):  # kept in `findings`: one bad file must not take the others along
                self._load(name)

    def _load(self, name: str) -> Raw:
        if name in self._loaded:
            return self._loaded[name][1]
        if name in self._findings:
            raise BadProtocol(self._findings[name])
        if name not in self.files:
            raise BadProtocol([Finding("protocol.extends", f"no protocol is called {name}")])
        if name in self._loading:
            raise BadProtocol([Finding("protocol.extends", f"goes in a circle: {' -> '.join([*self._loading, name])}")])
        self._loading.append(name)
        try:
            loaded = loading.load(self.files[name].read_bytes(), self._load)
            if loaded[0].name != name:  # a case is pinned to the name it was opened under
                raise BadProtocol([Finding("protocol", f"calls itself {loaded[0].name} and lies at {name}")])
            self._loaded[name] = loaded
        except BadProtocol as fault:
            self._findings[name] = fault.findings
            raise BadProtocol(fault.findings) from fault
        finally:
            self._loading.remove(name)
        return self._loaded[name][1]

    def __getitem__(self, name: str) -> Protocol:
        with suppress(BadProtocol):
            self._load(name)
        return self._loaded[name][0]

    def __contains__(self, name: object) -> bool:
        with suppress(BadProtocol):
            self._load(str(name))
        return name in self._loaded

    def __iter__(self) -> Iterator[str]:
        self._load_all()
        return iter(list(self._loaded))

    def __len__(self) -> int:
        self._load_all()
        return len(self._loaded)

    def names(self) -> list[str]:
        return sorted(self)

    def raw(self, name: str) -> Raw:
        """The merged data of one protocol."""
        with suppress(BadProtocol):
            self._load(name)
        return self._loaded[name][1]

    def own(self, name: str) -> Raw:
        """What the file itself says, before it is laid over another. Raises BadProtocol where it is no TOML."""
        return loading.read(self.files[name].read_bytes())

    def base(self, name: str) -> Raw | None:
        """The merged data of the protocol a file extends; None where it extends none, or one that does not load."""
        meta = self.own(name).get("protocol")
        extends = meta.get("extends") if isinstance(meta, dict) else None
        return self._loaded[extends][1] if isinstance(extends, str) and extends in self else None


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.toml")):
        if not path.name.endswith(".scenarios.toml") and path.parent != folder:
            yield str(path.relative_to(folder).with_suffix("")), path


@cache
def shelf(overlay: Path | None = None) -> Shelf:
    """The shipped protocols and, laid over them, those of a folder. Files that do not load are in `findings`."""
    return Shelf((SHIPPED, overlay) if overlay is not None else (SHIPPED,))

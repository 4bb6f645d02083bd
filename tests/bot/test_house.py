"""The house keeps its own rules: every room is placed, every vendor has one home, no file drifts away from its idea."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BESIDE_THE_HOUSE = {"tests", "benchmarks", "docs"}


def test_every_root_package_has_its_place_in_the_layers() -> None:
    """A new room must be placed, or this fails: import-linter itself cannot see what it was not told of."""
    rules = CONFIG["tool"]["importlinter"]
    layers = next(contract for contract in rules["contracts"] if contract["id"] == "layers")["layers"]
    placed = {name.strip() for layer in layers for name in layer.split("|")}
    rooms = {path.parent.name for path in ROOT.glob("*/*.py")} - BESIDE_THE_HOUSE
    assert rooms == placed == set(rules["root_packages"])
    assert rooms == set(CONFIG["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


def test_every_dependency_is_pinned_by_hash() -> None:
    """The lock file holds every direct dependency, and no line of it without a hash or with a host."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    project = CONFIG["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"], *CONFIG["build-system"]["requires"]]
    assert {re.split(r"[<>=~\[]", each)[0].lower() for each in wanted} <= pinned
    assert "://" not in lock
    entries = [entry for entry in re.split(r"^(?=[a-z])", lock, flags=re.MULTILINE) if entry.strip()]
    assert all("--hash=sha256:" in entry for entry in entries)


def test_no_drawer_without_a_label() -> None:
    """There is no `utils`, `helpers`, `common`, `managers`: each is a place where nobody looks."""
    nameless = {"utils", "util", "helpers", "helper", "common", "core", "services", "models", "managers", "misc"}
    files = [path for room in CONFIG["tool"]["importlinter"]["root_packages"] for path in (ROOT / room).rglob("*.py")]
    assert not [path for path in files if path.stem in nameless or path.parent.name in nameless]

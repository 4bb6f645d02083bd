"""Every finding is proved by a file that has it and nothing else; the files we ship have none."""

import re
import shutil
from pathlib import Path

import pytest

from bot.locales import books
from bot.protocols import SHIPPED, Shelf, shelf
from casework.check import check, read
from casework.loading import BadProtocol, Finding

BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))
BOOKS = books()


def found(path: Path, tmp_path: Path) -> set[str]:
    """The places of all findings of one file, laid where its name says; those of a file that does not load as well."""
    held, name = beside_the_base(path, tmp_path), f"test/{path.stem}/2026-01-01"
    findings = held.findings.get(name, [])
    try:
        findings = [*findings, *read(held.own(name), held.get(name), held.base(name), BOOKS)]
    except BadProtocol as fault:
        findings = [*findings, *fault.findings]
    return {each.where for each in findings}


def beside_the_base(path: Path, folder: Path) -> Shelf:
    """A shelf with England's base and one file of a test."""
    shutil.copytree(SHIPPED / "england" / "base", folder / "england" / "base")
    laid = folder / "test" / path.stem / "2026-01-01.toml"
    laid.parent.mkdir(parents=True)
    shutil.copy(path, laid)
    return Shelf((folder,))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_has_its_finding_and_no_other(path: Path, tmp_path: Path) -> None:
    """What a file names after `finding:` is found, all of it at once, and nothing is found that is not there."""
    expected = set(re.findall(r"^# finding: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert expected
    assert found(path, tmp_path) == expected


@pytest.mark.parametrize("name", shelf(None).files)
def test_what_we_ship_is_sound(name: str) -> None:
    """Every shipped file loads, is sourced, worded, never laxer than its base, and stands its bad nights."""
    shipped = shelf(None)
    assert check(shipped.own(name), shipped[name], shipped.base(name), BOOKS) == []


def test_every_finding_of_a_file_comes_at_once(tmp_path: Path) -> None:
    """Two mistakes are two findings: nobody learns of the second by mending the first."""
    both = (BAD[0].parent / "milder-route.toml").read_text(encoding="utf-8") + "\n[repeat]\nothers = 30\n"
    path = tmp_path / "milder-route.toml"
    path.write_text(both, encoding="utf-8")
    assert found(path, tmp_path / "shelf") == {"flag.R01.route", "repeat.others"}


def test_a_bad_file_does_not_take_the_others_along(tmp_path: Path) -> None:
    """A shelf with a bad file still holds the good ones, and says what is wrong with the bad one."""
    held = beside_the_base(BAD[0].parent / "circle.toml", tmp_path)
    assert held.names() == ["england/base/2026-01-01"]
    assert held.findings["test/circle/2026-01-01"] == [
        Finding("protocol.extends", "goes in a circle: test/circle/2026-01-01 -> test/circle/2026-01-01")
    ]

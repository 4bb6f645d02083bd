"""The table of failures is true: every row names a test, and the test is there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "delivery.md"
_NAMED = re.compile(r"`(test_[a-z0-9_]+)::(test_[a-z0-9_]+)`")


def rows() -> list[list[str]]:
    """The cells of each failure; headings within the table have a name and nothing else."""
    lines = [
        line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    return [[cell.strip() for cell in cells] for cells in lines[1:] if not cells[0].strip().startswith("**")]


def test_every_failure_has_a_test_and_every_test_that_is_named_exists() -> None:
    """None untested."""
    assert len(rows()) > 40
    for failure, instead, _, _, tests in rows():
        named = _NAMED.findall(tests)
        assert failure and instead and named, failure
        for file, name in named:
            written = [path.read_text(encoding="utf-8") for path in TESTS.rglob(f"{file}.py")]
            assert any(re.search(rf"^(async )?def {name}\(", text, re.MULTILINE) for text in written), f"{file}::{name}"


def test_no_failure_stands_there_twice() -> None:
    """Who adds a row finds the one that is there."""
    told = [(cells[0], cells[4]) for cells in rows()]
    assert len(told) == len(set(told))

"""What the documents say is true: their commands exist, their links lead somewhere, their files are there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.parser import parser

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
_CODE = re.compile(r"`([^`\n]+)`|^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)")
_STAND_INS = {"CASE": "A17", "CHILD": "K7", "PERSON": "alice", "FILE": "roster.toml", "SCENARIO": "S1", "ID": "alice",
              "NUMBER": "1234", "WORDS": "words", "REASON": "words", "PROTOCOL": "england/base/2026-01-01"}  # fmt: skip


def commands(page: Path) -> Iterator[str]:
    """Every `porchlight …` that a page shows as code."""
    for inline, block in _CODE.findall(page.read_text(encoding="utf-8")):
        for line in (inline or block).splitlines():
            said = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
            if said.startswith("porchlight ") and not said.endswith("…"):
                yield said


SHOWN = sorted({(str(page.relative_to(ROOT)), command) for page in PAGES for command in commands(page)})


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_every_command_in_the_documents_exists(page: str, command: str) -> None:
    """A reader who types it gets what the page promised; a word in capitals stands for something of theirs."""
    words = [_STAND_INS.get(word, word) for word in shlex.split(command, comments=True)[1:]]
    assert parser().parse_args(words).does is not None, page


def test_the_documents_show_commands_at_all() -> None:
    """The test above proves nothing over an empty list."""
    assert len(SHOWN) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_in_the_documents_leads_somewhere(page: Path) -> None:
    """Links within the project point to files that are there."""
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_every_target_of_make_that_is_named_exists() -> None:
    """`make x` in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        for inline, block in _CODE.findall(page.read_text(encoding="utf-8")):
            for name in re.findall(r"^make ([a-z]+)", inline or block, re.MULTILINE):
                assert name in targets, f"{page.name}: make {name}"


def test_every_file_that_the_documents_name_is_there() -> None:
    """A path in code that begins with a room leads to a file or a folder."""
    rooms = (
        "bot/",
        "casework/",
        "handlers/",
        "scheduler/",
        "storage/",
        "tests/",
        "docs/",
        "benchmarks/",
        ".ci/",
        ".env.",
    )
    for page in PAGES:
        for inline, _ in _CODE.findall(page.read_text(encoding="utf-8")):
            for path in inline.split():
                if path.startswith(rooms) and not re.search(r"[<>…*]", path):
                    assert (ROOT / path).exists(), f"{page.name} names {path}"

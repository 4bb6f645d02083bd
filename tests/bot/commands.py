"""A terminal for tests: the command line on a folder of its own, with a clock that stands still."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.__main__ import main
from tests import databases

ROOT = Path(__file__).parent.parent.parent
ROSTER = """
[[organisation]]
id = "org1"
name = "Northfield Care"
jurisdiction = "england"
protocol = "england/base/2026-01-01"
duty_number = "+441632960100"

[[home]]
id = "oak"
organisation = "org1"
kind = "children"
name = "Oak House"
town = "Exampleton"

[[child]]
id = "K7"
home = "oak"
first_name = "Kai"
family_name = "Example"
born = 2011-02-03

[[person]]
id = "alice"
organisation = "org1"
name = "Alice Example"
roles = ["staff:oak"]
mobile = "+447700900101"
telegram_id = 1001

[[person]]
id = "mo"
organisation = "org1"
name = "Mo Example"
roles = ["manager:oak"]
mobile = "+447700900102"
telegram_id = 1002

[[person]]
id = "pat"
organisation = "org1"
name = "Pat Example"
roles = ["parent:K7"]
mobile = "+447700900201"
contact = "open"

[[person]]
id = "cass"
organisation = "org1"
name = "Cass Example"
roles = ["coordinator"]
mobile = "+447700900301"
telegram_id = 1003
"""


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Terminal:
    """A folder with a clock that stands still at a Wednesday evening, 21:35 in London, until it is moved."""

    folder: Path
    empty: bool = False  # nobody has made the database yet

    def at(self, instant: str) -> None:
        (self.folder / "clock").write_text(instant)

    def run(self, *words: str, **environment: str) -> Ran:
        """Run one command to its end, in this process: starting another costs more than most commands do."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(words, {**self.environment(), **environment}, self.folder)
            except SystemExit as end:  # argparse: what was typed is no command
                code = int(end.code or 0)
        return Ran(code, out.getvalue(), err.getvalue())

    def alone(self, *words: str, **environment: str) -> Ran:
        """Run one command as an operator does: in a process of its own."""
        clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words], cwd=self.folder, capture_output=True, text=True, timeout=60,
            check=False, env={**clean, **self.environment(), "PYTHONPATH": str(ROOT), **environment},
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def environment(self) -> dict[str, str]:
        """What this terminal sets."""
        return {
            "DATABASE_URL": databases.url(self.folder, "var/porchlight.db", empty=self.empty),
            "PORCHLIGHT_TEST_CLOCK": str(self.folder / "clock"),
            "PORCHLIGHT_TEST_SEED": "1",
        }

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Read from the database, beside whoever has it open."""
        return databases.rows(self.environment()["DATABASE_URL"], sql)

    def fine(self, *words: str) -> Any:
        """Run a command with --json that must end well; returns its data."""
        ran = self.run(*words, "--json")
        assert ran.code == 0, ran.err + ran.out
        return ran.json


def terminal(folder: Path, roster: str = ROSTER) -> Terminal:
    """A terminal whose database holds the usual people."""
    made = Terminal(folder)
    made.at("2026-06-10T20:35:00Z")
    (folder / "roster.toml").write_text(roster, encoding="utf-8")
    ran = made.run("import", str(folder / "roster.toml"))
    assert ran.code == 0, ran.err
    return made

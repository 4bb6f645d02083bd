"""Commands beside a running house: what looks, reads beside it; what writes is done by it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.commands import ROOT, Terminal
from tests.databases import ON_BOTH

pytestmark = ON_BOTH


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Terminal]:
    """A sandbox with a test clock, awake."""
    house = Terminal(tmp_path)
    house.at("2026-06-10T20:35:00Z")
    environment = {**os.environ, **house.environment(), "HTTP_BIND": "127.0.0.1:0", "PYTHONPATH": str(ROOT)}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=log,
            text=True,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline().startswith('{"ready": true'), (tmp_path / "log").read_text()
            yield house
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_command_is_done_by_the_house_that_runs(running: Terminal, engine: str) -> None:
    """The command hands over, the house records, both see the same at once; nothing opens a file twice."""
    opened = running.fine("case", "open", "K7", "--by", "alice", "--due", "21:00")
    assert running.fine("case", "list")[0]["code"] == opened["code"]
    assert running.fine("verify")["ok"]
    refused = running.run("case", "close", opened["code"], "--by", "alice")
    assert (refused.code, refused.out) == (3, "")
    assert "only the home's manager" in refused.err
    second = running.run("migrate")
    if engine == "sqlite":
        assert second.code == 3
        assert "another process" in second.err
    else:
        assert second.code == 0  # one more node
    found = running.fine("doctor")
    assert any("a house is running" in each["says"] for each in found)

"""What a log may hold: one line of JSON an event, ids, kinds of faults and places; nobody's name, number or words."""

import asyncio
import gc
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot import logs
from bot.sandbox import SERVICE_SID, Sandbox
from storage.database import Unusable
from tests.bot.living import PAT, a_world, after, living
from tests.databases import ON_BOTH

pytestmark = ON_BOTH
SOMEBODY = re.compile(r"Kai|Pat Example|Cass Example|Alice Example|Oak House|07700|\+447|\+441|river|pass-phrase")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The log of a house that writes JSON."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.set_up("json", ("secret-pass-phrase",), stream)
    yield stream
    root.handlers[:] = kept
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """Every line, read as JSON; one that is none fails."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_night_with_failures_names_nobody(tmp_path: Path, stream: io.StringIO) -> None:
    """Texts that are refused, a provider that is out, words that nobody can read, a case that cannot be worked."""
    async with a_world() as world, living(tmp_path, world, TWILIO_MESSAGING_SERVICE_SID=SERVICE_SID) as life:
        world.twilio.fates[PAT] = ("undelivered", 30005)
        await life.text(PAT, "MISSING 20:55 Kai went to the river with Pat Example 07700 900201")
        await life.settle()
        _break(world)
        await life.says(1, 1001, "/absent K8 20:55")
        await life.house.database.write(lambda tx: tx.run("DELETE FROM deadline"))
        for minutes in (5, 15, 30):
            life.now(after(minutes=minutes))
            await life.settle()
    told = lines(stream)
    assert len([each for each in told if each["level"] in ("warning", "error", "critical")]) >= 3
    assert not SOMEBODY.search(stream.getvalue())


def _break(world: Sandbox) -> None:
    world.twilio.failures.plant("create", times=3, status=503, code=20503, words=f"no way to {PAT}")
    world.telegram.failures.plant("sendMessage", times=3, code=502, description="Kai Example broke us")


def test_of_an_exception_the_kind_and_the_place_are_told(stream: io.StringIO) -> None:
    """Its words may quote a person; so may those of what caused it."""
    try:
        try:
            raise KeyError("Kai went to the river")
        except KeyError as first:
            raise ValueError("Pat Example") from first
    except ValueError:
        structlog.get_logger().exception("it broke", case="org1-01a2")
    (line,) = lines(stream)
    assert "builtins.ValueError" in str(line["exception"]) and "builtins.KeyError" in str(line["exception"])
    assert "test_logs.py" in str(line["exception"]) and line["case"] == "org1-01a2"
    assert not SOMEBODY.search(stream.getvalue())


def test_words_of_our_own_errors_are_kept(stream: io.StringIO) -> None:
    """They say what an operator must do, and are written to hold nobody."""
    try:
        raise Unusable("the disk is full")
    except Unusable:
        structlog.get_logger().exception("it broke")
    assert "storage.database.Unusable: the disk is full" in str(lines(stream)[0]["exception"])


async def test_a_task_that_nobody_waited_for_quotes_nobody(stream: io.StringIO) -> None:
    """asyncio writes the whole exception into its message."""

    async def breaks() -> None:
        raise KeyError("Kai went to the river")

    task = asyncio.create_task(breaks())
    await asyncio.sleep(0)
    del task
    gc.collect()
    assert lines(stream) and not SOMEBODY.search(stream.getvalue())

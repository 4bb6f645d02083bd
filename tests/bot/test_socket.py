"""A command that writes knocks at the running house: over a local socket that only its owner may open."""

import asyncio
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.acts.desk_work import Said
from bot.socket import NobodyHome, hand_over, open_hatch

PATIENCE_SECONDS = 10


class House:
    """A house that notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def __call__(self, act: str, arguments: Mapping[str, Any]) -> Said:
        self.asked.append((act, arguments))
        return Said(0, ("done",), {"code": "A17"})


async def test_an_act_is_handed_to_the_running_house(tmp_path: Path) -> None:
    """The answer is the house's own, to the letter."""
    house, database = House(), str(tmp_path / "porchlight.db")
    hatch = await open_hatch(tmp_path, database, house)
    assert hatch is not None
    said = await hand_over(tmp_path, database, "ack", {"case": "A17", "by": "cass"})
    await hatch.close()
    assert said == Said(0, ("done",), {"code": "A17"})
    assert house.asked == [("ack", {"case": "A17", "by": "cass"})]


async def test_only_the_owner_may_knock(tmp_path: Path) -> None:
    """Mode 0600; and a house that has gone leaves nothing behind."""
    hatch = await open_hatch(tmp_path, str(tmp_path / "porchlight.db"), House())
    assert hatch is not None
    assert hatch.place == tmp_path / "porchlight.sock"
    assert stat.S_IMODE(hatch.place.stat().st_mode) == 0o600
    await hatch.close()
    assert not hatch.place.exists()


async def test_where_nobody_runs_nobody_answers(tmp_path: Path) -> None:
    """Also where a killed house left its socket behind; the next house takes the place over."""
    assert await hand_over(tmp_path, str(tmp_path / "porchlight.db"), "ack", {}) == NobodyHome()
    left = await open_hatch(tmp_path, str(tmp_path / "porchlight.db"), House())
    assert left is not None
    left._server.close()
    left.place.touch()
    assert await hand_over(tmp_path, str(tmp_path / "porchlight.db"), "ack", {}) == NobodyHome()
    again = await open_hatch(tmp_path, str(tmp_path / "porchlight.db"), House())
    assert again is not None
    assert again.place == left.place
    await again.close()


async def test_an_act_never_reaches_the_house_of_another_database(tmp_path: Path) -> None:
    """Two houses in one folder: each is asked for its own database alone."""
    one, two = House(), House()
    first = await open_hatch(tmp_path, str(tmp_path / "one.db"), one)
    assert first is not None
    assert await hand_over(tmp_path, str(tmp_path / "two.db"), "ack", {}) == NobodyHome()
    second = await open_hatch(tmp_path, str(tmp_path / "two.db"), two)
    assert second is not None
    assert first.place != second.place
    assert isinstance(await hand_over(tmp_path, str(tmp_path / "two.db"), "ack", {}), Said)
    assert (one.asked, two.asked) == ([], [("ack", {})])
    await first.close()
    await second.close()


async def test_a_house_deep_in_the_tree_can_be_reached(tmp_path: Path) -> None:
    """A socket's name may have 107 bytes, a folder's path more."""
    var = tmp_path / ("deep" * 20) / ("deeper" * 20)
    hatch = await open_hatch(var, str(var / "porchlight.db"), House())
    assert hatch is not None
    assert isinstance(await hand_over(var, str(var / "porchlight.db"), "ack", {}), Said)
    await hatch.close()


async def test_a_house_outlives_a_command_that_fails(tmp_path: Path) -> None:
    """What one command does wrong is its own answer; the next one is served."""

    async def perform(act: str, arguments: Mapping[str, Any]) -> Said:
        if act == "bad":
            raise RuntimeError("Kai")
        return Said(0, ())

    hatch = await open_hatch(tmp_path, str(tmp_path / "porchlight.db"), perform)
    assert hatch is not None
    said = await hand_over(tmp_path, str(tmp_path / "porchlight.db"), "bad", {})
    assert isinstance(said, Said)
    assert (said.code, said.lines) == (3, ("the house could not do it: RuntimeError",))
    _, noise = await asyncio.open_unix_connection(str(hatch.place))
    noise.write(b"no line of ours\n")
    await noise.drain()
    noise.close()
    assert await hand_over(tmp_path, str(tmp_path / "porchlight.db"), "good", {}) == Said(0, (), None)
    await hatch.close()


async def test_an_answer_that_was_lost_is_never_taken_for_no_house(tmp_path: Path) -> None:
    """The house was killed after it heard: whether it was done must be looked up, not done again."""
    heard = asyncio.Event()

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        heard.set()
        writer.close()

    server = await asyncio.start_unix_server(die, str(tmp_path / "porchlight.sock"))
    said = await hand_over(tmp_path, str(tmp_path / "porchlight.db"), "ack", {})
    assert heard.is_set()
    assert isinstance(said, Said)
    assert said.code == 3
    assert "look whether it was done" in said.lines[0]
    server.close()


@pytest.mark.parametrize("text", ["[]", "7", '"x"', "{}", "null"])
async def test_what_is_no_request_is_answered_by_silence(tmp_path: Path, text: str) -> None:
    """Only whole requests are performed."""
    house = House()
    hatch = await open_hatch(tmp_path, str(tmp_path / "porchlight.db"), house)
    assert hatch is not None
    reader, writer = await asyncio.open_unix_connection(str(hatch.place))
    writer.write(text.encode() + b"\n")
    assert await asyncio.wait_for(reader.read(), PATIENCE_SECONDS) == b""
    writer.close()
    await hatch.close()
    assert house.asked == []

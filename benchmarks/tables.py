"""Knows what an update costs beside one command that the house listens to, and beside fifty.

A filter a handler, asked one after another, makes every update pay for all of them; a table is looked up once.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.rounds import alternate
from bot.locales import books
from handlers import telegram
from handlers.inbox import Doors
from handlers.telegram_commands import COMMANDS, Command
from tests.builders import BASE, the_protocol
from tests.storage.houses import House, a_house

CALLERS, ALICE, ASKED, HANDLERS = 32, 1001, "open", (1, 50)


class Asked:
    """A house whose staff ask for their open cases, again and again."""

    def __init__(self, house: House) -> None:
        self._doors = Doors(
            casebook=house.casebook, books=books(), protocols={BASE: the_protocol()}, clock=house.clock
        )  # fmt: skip
        self._house, self._numbers = house, count(1)

    async def with_handlers(self, handlers: int, seconds: float) -> float:
        """Updates a second with so many commands in the table."""
        with _only(handlers):
            begun = time.perf_counter()
            told = await asyncio.gather(*(self._caller(begun + seconds) for _ in range(CALLERS)))
            return sum(told) / (time.perf_counter() - begun)

    async def _caller(self, until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            assert await telegram.hear(self._doors, self._update()) == "done"
            done += 1
        return done

    def _update(self) -> dict[str, Any]:
        number, account = next(self._numbers), {"id": ALICE, "is_bot": False}
        return {
            "update_id": number,
            "message": {
                "message_id": number, "date": int(self._house.clock.now().timestamp()), "from": account,
                "chat": {"id": ALICE, "type": "private"}, "text": f"/{ASKED}",
            },
        }  # fmt: skip


@contextmanager
def _only(handlers: int) -> Iterator[None]:
    """The table with so many entries, the last of which is meant."""
    whole: dict[str, Command] = dict(COMMANDS)
    others = {f"never{number}": whole["help"] for number in range(handlers - 1)}
    COMMANDS.clear()
    COMMANDS.update(others | {ASKED: whole[ASKED]})
    try:
        yield
    finally:
        COMMANDS.clear()
        COMMANDS.update(whole)


async def measure(folder: Path, seconds: float, rounds: int) -> dict[int, list[float]]:
    """Updates a second with one command and with fifty, in turns."""
    async with a_house(f"sqlite:///{folder / 'house.db'}") as house:
        asked = Asked(house)
        sides = {str(handlers): partial(asked.with_handlers, handlers) for handlers in HANDLERS}
        return {int(name): rates for name, rates in (await alternate(sides, seconds, rounds)).items()}

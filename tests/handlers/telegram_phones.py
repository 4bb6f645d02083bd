"""Phones of people on Telegram, played against the door and a real casebook: what they type and press, what they read.

No network: letters are read from the outbox, a press finds the button by its words as a person would.
"""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.locales import books
from casework.case import Case
from handlers import telegram
from handlers.inbox import Doors
from tests.builders import BASE, the_protocol
from tests.storage.houses import House, a_house

ACCOUNTS = {"alice": 1001, "mo": 1002, "cass": 1003, "dee": 1004, "bob": 1005, "stranger": 9999}
_numbers = itertools.count(1)


@dataclass
class Phones:
    """Everybody's phone at one house."""

    house: House
    doors: Doors
    toasts: dict[str, str] = field(default_factory=dict)  # by press
    files: dict[str, bytes] = field(default_factory=dict)
    _read: str = ""  # the last letter that was looked at

    async def types(self, who: str, words: str, **fields: Any) -> str:
        """Send a message; returns what became of it."""
        return await self.sends(who, text=words, **fields)

    async def sends(self, who: str, **fields: Any) -> str:
        number = next(_numbers)
        account = ACCOUNTS[who]
        message = {
            "message_id": number, "date": int(self.house.clock.now().timestamp()),
            "chat": {"id": account, "type": "private"}, "from": {"id": account, "is_bot": False, "first_name": who},
        }  # fmt: skip
        return await telegram.hear(self.doors, {"update_id": number, "message": {**message, **fields}})

    async def presses(self, who: str, label: str, *, of: str | None = None, row: dict[str, Any] | None = None) -> str:
        """Press the button of these words on the newest message (to `of`) that has it; returns the toast."""
        held = row or await self.with_button(of or who, label)
        token = next(t for keys in json.loads(held["keyboard"]) for text, t in keys if text == label)
        return await self.presses_token(who, token)

    async def presses_token(self, who: str, token: str) -> str:
        number = next(_numbers)
        press = {"id": f"press-{number}", "from": {"id": ACCOUNTS[who], "is_bot": False, "first_name": who},
                 "chat_instance": "1", "data": token}  # fmt: skip
        await telegram.hear(self.doors, {"update_id": number, "callback_query": press})
        return self.toasts[f"press-{number}"]  # a press is always answered

    async def with_button(self, who: str, label: str) -> dict[str, Any]:
        rows = await self.house.rows(
            "SELECT * FROM outbox WHERE person = ? AND channel = 'telegram' ORDER BY id DESC", who
        )
        return next(r for r in rows if any(label == text for keys in json.loads(r["keyboard"]) for text, _ in keys))

    async def goes_missing(self) -> Case:
        """K7 is absent and in danger: HIGH, and Cass is alerted. Alice and Cass have read what came of it."""
        await self.types("alice", "/absent K7 20:45")
        await self.presses("alice", "Yes")
        await self.all()
        return await self.case()

    async def reads(self, who: str, channel: str = "telegram") -> list[str]:
        """What came to this phone since this was last asked of anybody (see `all`)."""
        return [r["body"] for r in await self.all() if r["address"] == str(ACCOUNTS[who]) and r["channel"] == channel]

    async def all(self) -> list[dict[str, Any]]:
        rows = await self.house.rows("SELECT * FROM outbox WHERE id > ? ORDER BY due_at, id", self._read)
        self._read = max([self._read, *(r["id"] for r in rows)])
        for row in rows:
            if row["case_card"]:
                await self.house.casebook.at_desk(
                    lambda desk, r=row: desk.set_card(r["case_id"], r["person"], next(_numbers))  # type: ignore[misc]
                )
        return rows

    async def labels(self, who: str) -> list[str]:
        """The buttons under the newest message of this phone that has any."""
        rows = await self.house.rows(
            "SELECT keyboard FROM outbox WHERE address = ? AND keyboard <> '[]' ORDER BY id DESC LIMIT 1",
            str(ACCOUNTS[who]),
        )
        return [text for keys in json.loads(rows[0]["keyboard"]) for text, _ in keys] if rows else []

    async def case(self) -> Case:
        """The newest case."""
        row = await self.house.rows("SELECT case_id FROM case_row ORDER BY case_id DESC LIMIT 1")
        return await self.house.case(row[0]["case_id"])

    async def events(self, kind: str) -> list[dict[str, Any]]:
        return await self.house.rows("SELECT * FROM event WHERE kind = ? ORDER BY seq", kind)

    async def inbox(self) -> list[str]:
        return [r["state"] for r in await self.house.rows("SELECT state FROM inbox ORDER BY rowid")]


@asynccontextmanager
async def phones(folder: Path, *, drill: bool = False) -> AsyncIterator[Phones]:
    """Everybody's phones at a new house."""
    async with a_house(folder, drill=drill) as house:
        held: list[Phones] = []

        async def fetch(file_id: str) -> bytes:
            return held[0].files[file_id]

        async def answer(press: str, words: str) -> None:
            assert press not in held[0].toasts, "answered once"
            held[0].toasts[press] = words

        doors = Doors(
            casebook=house.casebook, books=books(), protocols={BASE: the_protocol()}, clock=house.clock,
            fetch_file=fetch, answer_press=answer,
        )  # fmt: skip
        held.append(Phones(house, doors))
        yield held[0]

"""Phones of people who text, played against the SMS door and a real casebook: what they send, what they read.

No network: letters are read from the outbox. A second parent (Rob) may not be asked; Sam is a parent of two children.
"""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.locales import books
from casework.case import Case
from casework.events import Event
from handlers import sms
from handlers.inbox import Doors
from handlers.sms import Ours
from storage import log, roster
from tests.builders import BASE, the_protocol
from tests.storage.houses import ROSTER, House, a_house

ACCOUNT = "AC" + "0" * 32
OURS = Ours(account_sid=ACCOUNT, number="+441632960200", service_sid="")
NUMBERS = {
    "alice": "+447700900101", "mo": "+447700900102", "pat": "+447700900201", "rob": "+447700900202",
    "sam": "+447700900203", "cass": "+447700900301", "dee": "+447700900302", "stranger": "+447700900999",
}  # fmt: skip
MORE = """
[[person]]
id = "rob"
organisation = "org1"
name = "Rob Example"
roles = ["parent:K7"]
mobile = "+447700900202"
contact = "restricted"

[[home]]
id = "ash"
organisation = "org1"
kind = "family"
name = "Ash Road"
town = "Exampleton"

[[child]]
id = "M2"
home = "ash"
first_name = "Mia"
family_name = "Example"
born = 2012-05-05

[[child]]
id = "N3"
home = "ash"
first_name = "Nia"
family_name = "Example"
born = 2013-05-05

[[person]]
id = "sam"
organisation = "org1"
name = "Sam Example"
roles = ["parent:M2", "parent:N3"]
mobile = "+447700900203"
contact = "open"
"""
_numbers = itertools.count(1)


def a_sid() -> str:
    return f"SM{next(_numbers):032x}"


def a_text(sender: str, body: str, **more: str) -> list[tuple[str, str]]:
    """The fields of one text as Twilio posts them."""
    said = {"MessageSid": a_sid(), "AccountSid": ACCOUNT, "From": sender, "To": OURS.number, "Body": body,
            "NumMedia": "0", "FromCity": "", **more}  # fmt: skip
    return list(said.items())


@dataclass
class Phones:
    """Everybody's phone at one house."""

    house: House
    doors: Doors
    _read: str = ""  # the last letter that was looked at
    sent: list[list[tuple[str, str]]] = field(default_factory=list)

    async def texts(self, who: str, body: str, **more: str) -> list[str]:
        """Send a text; returns what that number reads in answer, by now."""
        await self.hears()
        fields = a_text(NUMBERS.get(who, who), body, **more)
        self.sent.append(fields)
        assert await sms.hear(self.doors, OURS, fields)
        return [text for number, text in await self.hears() if number == NUMBERS.get(who, who)]

    async def hears(self) -> list[tuple[str, str]]:
        """Every text that went out since this was last asked, as (number, words), in the order they go."""
        rows = await self.house.rows(
            "SELECT * FROM outbox WHERE id > ? AND channel = 'sms' ORDER BY due_at, urgency, id",
            self._read,
        )
        self._read = max([self._read, *(row["id"] for row in rows)])
        return [(row["address"], row["body"]) for row in rows]

    async def alerts(self, who: str = "cass") -> list[str]:
        """The ids of the texts that went to a person on call, oldest first."""
        rows = await self.house.rows(
            "SELECT text FROM outbox WHERE address = ? AND channel = 'sms' ORDER BY id", NUMBERS[who]
        )
        return [row["text"] for row in rows]

    async def later(self, **time: float) -> None:
        """Time goes on, bell by bell."""
        await self.house.silence(self.house.clock.now() + timedelta(**time))

    async def case(self, child: str = "K7") -> Case:
        rows = await self.house.rows(
            "SELECT case_id FROM case_row WHERE child_id = ? ORDER BY opened_at DESC, case_id DESC", child
        )
        return await self.house.case(rows[0]["case_id"])

    async def log(self, child: str = "K7") -> list[Event]:
        case = await self.case(child)
        return list(await self.house.database.read(lambda tx: log.events(tx, case.case_id)))

    async def kinds(self, child: str = "K7") -> list[str]:
        return [type(each).__name__ for each in await self.log(child)]

    async def cases(self) -> int:
        return int((await self.house.row("SELECT COUNT(*) AS n FROM case_row"))["n"])

    async def inbox(self) -> list[str]:
        return [row["state"] for row in await self.house.rows("SELECT state FROM inbox ORDER BY rowid")]

    async def code(self, who: str = "pat") -> str:
        row = await self.house.row("SELECT digits FROM reply_code WHERE person = ? ORDER BY case_id DESC LIMIT 1", who)
        return str(row["digits"])

    async def digits(self, who: str = "cass") -> str:
        rows = await self.house.rows("SELECT digits FROM alert WHERE person = ? ORDER BY made_at DESC", who)
        return str(rows[0]["digits"])


@asynccontextmanager
async def phones(folder: Path, *, drill: bool = False) -> AsyncIterator[Phones]:
    """Everybody's phones at a new house."""
    async with a_house(folder, drill=drill) as house:
        more: Any = roster.parse(ROSTER + MORE)
        assert isinstance(more, roster.Roster), more
        await house.database.write(lambda tx: roster.apply(tx, more, take_telegram_ids=True))
        doors = Doors(casebook=house.casebook, books=books(), protocols={BASE: the_protocol()}, clock=house.clock)
        yield Phones(house, doors)

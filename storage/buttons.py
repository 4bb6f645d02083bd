"""Knows what the buttons of a Telegram message stand for, the ticks not sent off yet, cards, and reply codes.

A button carries nothing but a token that nobody can guess; what it means, whose it is and whether it was used is here.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain

from storage import bulk
from storage.chance import Chance, time_token
from storage.codec import instant, ms, quoted
from storage.database import Tx

BUTTON_LIVES = timedelta(hours=24)
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LIVES = BUTTON_LIVES // timedelta(milliseconds=1)
_OF_MESSAGE = 20  # characters of a token that its neighbours share
_PLACES = tuple(f"{first}{second}" for first in _LETTERS for second in _LETTERS)  # more than a message can hold
WRONG_CODES = 5
CODE_LOCKED = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """What a pressed button means. `prompt_at` is when its question was put."""

    token: str
    case_id: str | None
    person: str
    action: str
    check: str
    value: str
    prompt_at: datetime
    expires_at: datetime
    used_by: str | None


class Message:
    """The buttons of one message in the making; its first draws their token."""

    __slots__ = ("_at", "_chance", "meanings", "token")

    def __init__(self, at: int, chance: Chance) -> None:
        self._at, self._chance = at, chance
        self.token = ""  # what the tokens of its buttons begin with
        self.meanings: list[tuple[str, str, str]] = []

    def button(self, action: str, check: str = "", value: str = "") -> str:
        """Make a button; returns its token of 22 characters: that of its message, and which of them it is."""
        if not self.token:
            self.token = time_token(self._at, self._chance)[:_OF_MESSAGE]
        self.meanings.append((action, check, value))
        return self.token + _PLACES[len(self.meanings) - 1]


class Drawer:
    """Buttons in the making: each gets its token at once; those of one message are one row, and all rows are written with
    one statement (`put`)."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._messages: dict[tuple[str | None, str, int], Message] = {}

    def message(self, case_id: str | None, person: str, now: datetime) -> Message:
        """The buttons of this case in a person's hands that are of this instant."""
        of = (case_id, person, ms(now))
        if of not in self._messages:
            self._messages[of] = Message(of[-1], self._chance)
        return self._messages[of]

    def make(
        self, case_id: str | None, person: str, action: str, check: str = "", value: str = "", *, now: datetime
    ) -> str:
        """Make one button of a message; returns its token."""
        return self.message(case_id, person, now).button(action, check, value)

    async def put(self, tx: Tx) -> None:
        """Write what was made."""
        rows = [
            (message.token, case_id, person, at, at + _LIVES, _written(message.meanings))
            for (case_id, person, at), message in self._messages.items() if message.meanings
        ]  # fmt: skip
        await bulk.insert(tx, "keyboard (token, case_id, person, prompt_at, expires_at, meanings)", rows)
        self._messages = {}


def _written(meanings: Sequence[tuple[str, str, str]]) -> str:
    """The JSON text of what buttons mean."""
    return f"[{','.join(map(_meaning, meanings))}]"


@lru_cache(maxsize=4096)  # the same few buttons stand under most letters
def _meaning(meaning: tuple[str, str, str]) -> str:
    action, check, value = meaning
    return f"[{quoted(action)},{quoted(check)},{quoted(value)}]"


async def find(tx: Tx, token: str) -> Button | None:
    """The button of a token, or None."""
    row = await tx.row(
        "SELECT keyboard.*, pressed.used_by FROM keyboard LEFT JOIN pressed ON pressed.token = ?"
        " WHERE keyboard.token = ?", token, token[:_OF_MESSAGE],
    )  # fmt: skip
    meanings = [] if row is None else json.loads(row["meanings"])
    place = _PLACES.index(token[_OF_MESSAGE:]) if token[_OF_MESSAGE:] in _PLACES else len(meanings)
    if row is None or place >= len(meanings):
        return None
    action, check, value = meanings[place]
    return Button(
        token=token, case_id=row["case_id"], person=row["person"], action=action, check=check, value=value,
        prompt_at=instant(row["prompt_at"]), expires_at=instant(row["expires_at"]), used_by=row["used_by"],
    )  # fmt: skip


async def use(tx: Tx, token: str, person: str, now: datetime) -> bool:
    """Spend a button; False if it was spent before."""
    return 1 == await tx.run(
        "INSERT INTO pressed (token, used_at, used_by) VALUES (?, ?, ?) ON CONFLICT (token) DO NOTHING",
        token, ms(now), person,
    )  # fmt: skip


async def ticks(tx: Tx, case_id: str, person: str, check: str) -> frozenset[str]:
    """What this person has ticked in a list and not sent off yet."""
    row = await tx.row(
        "SELECT ticked FROM tick WHERE case_id = ? AND person = ? AND check_id = ?", case_id, person, check
    )
    return frozenset() if row is None else frozenset(str(row["ticked"]).split())


async def set_ticks(tx: Tx, case_id: str, person: str, check: str, ticked: Collection[str]) -> None:
    """Keep what this person has ticked; none forgets the list."""
    if not ticked:
        await tx.run("DELETE FROM tick WHERE case_id = ? AND person = ? AND check_id = ?", case_id, person, check)
        return
    await tx.run(
        "INSERT INTO tick (case_id, person, check_id, ticked) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (case_id, person, check_id) DO UPDATE SET ticked = excluded.ticked",
        case_id, person, check, " ".join(sorted(ticked)),
    )  # fmt: skip


async def card(tx: Tx, case_id: str, person: str) -> int | None:
    """The Telegram message that is this person's card of the case."""
    return (await cards(tx, case_id)).get(person)


async def cards(tx: Tx, case_id: str) -> dict[str, int]:
    """The Telegram message that is each person's card of the case."""
    rows = await tx.rows("SELECT person, message_id FROM card WHERE case_id = ?", case_id)
    return {row["person"]: int(row["message_id"]) for row in rows}


async def cards_of(tx: Tx, whose: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The card of each case and person among these who has one."""
    if not whose:
        return {}
    rows = await tx.rows(  # joined, and not `IN`: SQLite finds one pair by its key, and reads the whole table for two
        f"WITH wanted (of_case, of_person) AS (VALUES {', '.join(['(?, ?)'] * len(whose))})"
        " SELECT case_id, person, message_id FROM wanted JOIN card ON case_id = of_case AND person = of_person",
        *chain.from_iterable(whose),
    )
    return {(row["case_id"], row["person"]): int(row["message_id"]) for row in rows}


async def set_card(tx: Tx, case_id: str, person: str, message_id: int) -> None:
    """Remember which message is this person's card."""
    await tx.run(
        "INSERT INTO card (case_id, person, message_id) VALUES (?, ?, ?)"
        " ON CONFLICT (case_id, person) DO UPDATE SET message_id = excluded.message_id",
        case_id, person, message_id,
    )  # fmt: skip


async def reply_code(tx: Tx, case_id: str, person: str, chance: Chance) -> str:
    """The six digits of this parent in this case, made the first time they are asked for."""
    row = await tx.row(
        "INSERT INTO reply_code (case_id, person, digits) VALUES (?, ?, ?) ON CONFLICT (case_id, person)"
        " DO UPDATE SET digits = reply_code.digits RETURNING digits",
        case_id, person, chance.digits(6),
    )  # fmt: skip
    assert row is not None
    return str(row["digits"])


async def try_code(tx: Tx, case_id: str, person: str, digits: str, now: datetime) -> bool:
    """Whether these are the digits; after five wrong ones none counts for 15 minutes (B098)."""
    row = await tx.row("SELECT * FROM reply_code WHERE case_id = ? AND person = ?", case_id, person)
    if row is None or (row["locked_until"] is not None and row["locked_until"] > ms(now)):
        return False
    right = bool(row["digits"] == digits)
    wrong = 0 if right else row["wrong"] + 1
    locked = ms(now + CODE_LOCKED) if wrong >= WRONG_CODES else None
    await tx.run(
        "UPDATE reply_code SET wrong = ?, locked_until = ? WHERE case_id = ? AND person = ?",
        0 if locked else wrong, locked, case_id, person,
    )  # fmt: skip
    return right

"""Knows what the buttons of a Telegram message stand for, the ticks not sent off yet, cards, and reply codes.

A button carries nothing but a token that nobody can guess; what it means, whose it is and whether it was used is here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage import bulk
from storage.chance import Chance, time_token
from storage.codec import instant, ms
from storage.database import Tx, Value

BUTTON_LIVES = timedelta(hours=24)
_LIVES = BUTTON_LIVES // timedelta(milliseconds=1)
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
    expires_at: datetime | None
    used_by: str | None


class Drawer:
    """Buttons in the making: each gets its token at once, and all are written with one statement (`put`)."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._made: list[tuple[Value, ...]] = []

    def make(
        self, case_id: str | None, person: str, action: str, check: str = "", value: str = "", *, now: datetime
    ) -> str:
        """Make a button; returns its token of 22 characters."""
        at = ms(now)
        token = time_token(at, self._chance)
        self._made.append((token, case_id, person, action, check, value, at, at + _LIVES))
        return token

    async def put(self, tx: Tx) -> None:
        """Write what was made."""
        await bulk.insert(
            tx, "button (token, case_id, person, action, check_id, value, prompt_at, expires_at)", self._made
        )
        self._made = []


async def find(tx: Tx, token: str) -> Button | None:
    """The button of a token, or None."""
    row = await tx.row("SELECT * FROM button WHERE token = ?", token)
    if row is None:
        return None
    return Button(
        token=row["token"], case_id=row["case_id"], person=row["person"], action=row["action"],
        check=row["check_id"], value=row["value"], prompt_at=instant(row["prompt_at"]),
        expires_at=None if row["expires_at"] is None else instant(row["expires_at"]), used_by=row["used_by"],
    )  # fmt: skip


async def use(tx: Tx, token: str, person: str, now: datetime) -> bool:
    """Spend a button; False if it was spent before."""
    return 1 == await tx.run(
        "UPDATE button SET used_at = ?, used_by = ? WHERE token = ? AND used_at IS NULL", ms(now), person, token
    )


async def ticks(tx: Tx, case_id: str, person: str, check: str) -> frozenset[str]:
    """What this person has ticked in a list and not sent off yet."""
    row = await tx.row(
        "SELECT ticked FROM tick WHERE case_id = ? AND person = ? AND check_id = ?", case_id, person, check
    )
    return frozenset() if row is None else frozenset(str(row["ticked"]).split())


async def set_ticks(tx: Tx, case_id: str, person: str, check: str, ticked: Collection[str]) -> None:
    """Keep what this person has ticked; none forgets the list."""
    await tx.run("DELETE FROM tick WHERE case_id = ? AND person = ? AND check_id = ?", case_id, person, check)
    if ticked:
        await tx.run(
            "INSERT INTO tick (case_id, person, check_id, ticked) VALUES (?, ?, ?, ?)",
            case_id, person, check, " ".join(sorted(ticked)),
        )  # fmt: skip


async def card(tx: Tx, case_id: str, person: str) -> int | None:
    """The Telegram message that is this person's card of the case."""
    return (await cards(tx, case_id)).get(person)


async def cards(tx: Tx, case_id: str) -> dict[str, int]:
    """The Telegram message that is each person's card of the case."""
    rows = await tx.rows("SELECT person, message_id FROM card WHERE case_id = ?", case_id)
    return {row["person"]: int(row["message_id"]) for row in rows}


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

"""Whose phone is whose in the sandbox, and what the page is shown of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.switchboard import Shown, Switchboard
from casework.limits import LONDON
from storage.database import Tx
from storage.directory import Directory
from storage.people import Person

ORDER = ("staff", "parent", "coordinator", "manager", "deputy", "owner")
ROLE_SAYS = {
    "staff": "care staff, {}", "parent": "parent of {}", "coordinator": "co-ordinator on duty", "manager": "manager, {}",
    "deputy": "deputy on duty", "owner": "owner",
}  # fmt: skip
HINTS = {
    "staff": "Type /absent K7 21:00 to report a child who was due at nine, or /help.",
    "parent": "Text MISSING to report your child, or MISSING 16:10 with the time they were due.",
}
STATE_SAYS = {
    "checking": "checking", "absent": "absent, checks go on", "missing": "missing: a police matter",
    "return_claimed": "said to be back, not confirmed", "returned": "back and seen", "closed": "closed",
}  # fmt: skip
LEVEL_SAYS = {"unassessed": "not assessed yet", "nar": "absence logged", "low": "low", "medium": "medium", "high": "high"}


@dataclass(frozen=True, slots=True)
class Phone:
    """One person's phone: the channels it has and their addresses."""

    person: Person
    channels: tuple[tuple[str, str], ...]

    @property
    def role(self) -> tuple[str, str]:
        """The role this person is shown by, and what it is for."""
        kinds = [r.partition(":") for r in self.person.roles]
        kind, _, scope = min(kinds, key=lambda k: ORDER.index(k[0]) if k[0] in ORDER else len(ORDER))
        return kind, scope


async def phones(tx: Tx) -> list[Phone]:
    """Everybody's phone, staff first."""
    directory = Directory(tx)
    found = []
    for organisation in await directory.organisations():
        for person in await directory.people(organisation.id):
            telegram = (("telegram", str(person.telegram_id)),) if person.telegram_id is not None else ()
            sms = (("sms", person.mobile),) if person.mobile else ()
            if person.active and (telegram or sms):
                found.append(Phone(person, (*telegram, *sms)))
    return sorted(found, key=lambda p: (ORDER.index(p.role[0]) if p.role[0] in ORDER else 9, p.person.person_id))


def shown(phone: Phone, board: Switchboard) -> dict[str, Any]:
    """One phone as the page draws it."""
    kind, scope = phone.role
    return {
        "id": phone.person.person_id,
        "name": phone.person.name,
        "role": ROLE_SAYS.get(kind, kind).format(scope),
        "hint": HINTS.get(kind, "Quiet. That is how it should be."),
        "kinds": [
            {"channel": channel, "address": address, "messages": [_message(m) for m in board.phone(channel, address)]}
            for channel, address in phone.channels
        ],
    }


def _message(message: Shown) -> dict[str, Any]:
    return {
        "id": message.message_id, "text": message.text, "at": f"{message.at.astimezone(LONDON):%H:%M}",
        "mine": message.mine, "edited": message.edited, "document": message.document,
        "buttons": [list(map(list, row)) for row in message.buttons],
    }  # fmt: skip


async def cases(tx: Tx, now: datetime) -> list[dict[str, Any]]:
    """The cases as the page tells them, newest first, in plain words."""
    rows = await tx.rows("SELECT * FROM v_case ORDER BY opened_at DESC LIMIT 12")
    return [_case({key: row[key] for key in row.keys()}, now) for row in rows]


def _case(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    said = []
    if row["reported_ref"]:
        said.append(f"police log {row['reported_ref']}")
    elif row["state"] == "missing":
        said.append("no police log number: the police may not know")
    if row["next_due"]:
        said.append(f"next deadline {clock(datetime.fromisoformat(row['next_due']))}")
    return {
        "code": row["code"], "child": row["child"], "state": row["state"], "level": row["level"],
        "state_says": STATE_SAYS.get(row["state"], row["state"]), "level_says": LEVEL_SAYS.get(row["level"], row["level"]),
        "says": " · ".join(said),
    }  # fmt: skip


def clock(at: datetime) -> str:
    """London's wall clock, with the day where it helps."""
    return f"{at.astimezone(LONDON):%a %H:%M}"


def as_json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False)

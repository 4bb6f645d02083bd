"""Whose phone is whose in the sandbox, and what the page shows of each: its messages, and what one might try on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.switchboard import Sent, Shown, Switchboard
from casework.limits import LONDON
from storage.database import Tx
from storage.directory import Directory
from storage.people import Person

FRONT_ROW = ("staff", "parent", "coordinator")  # one of each stands first: the night mostly happens between these three
ORDER = (*FRONT_ROW, "deputy", "manager", "owner")
ROLE_SAYS = {
    "staff": "care staff at {}", "parent": "parent of {}", "coordinator": "co-ordinator on duty",
    "deputy": "deputy on duty", "manager": "manager of {}", "owner": "owner",
}  # fmt: skip
HINTS = {
    "staff": "Alice and Ben look after the children of Oak House. They talk to the bot in Telegram.",
    "parent": "A parent has no app: the bot asks by text message, and reads what comes back.",
    "coordinator": "Quiet until something is wrong. Then this phone rings on both channels at once.",
    "deputy": "Told when the co-ordinator does not answer.",
    "manager": "Told how it stands, and called when nobody else answers. Closes the case in the end.",
    "owner": "The last to be woken.",
}
TRIES = {
    ("staff", "telegram"): ("/absent K7 21:00", "/watch B2 21:30", "/pol 7781", "/back", "/help"),
    ("parent", "sms"): ("MISSING", "WORRIED", "POL 7781", "BACK"),
    ("coordinator", "telegram"): ("/open", "/report", "/help"),
    ("deputy", "telegram"): ("/open",),
    ("manager", "telegram"): ("/open",),
}
LATELY = 7


@dataclass(frozen=True, slots=True)
class Phone:
    """One person's phone: the channels it has and their addresses."""

    person: Person
    home: str
    channels: tuple[tuple[str, str], ...]

    @property
    def role(self) -> tuple[str, str]:
        """The role this person is shown by, and what it is for."""
        kinds = [r.partition(":") for r in self.person.roles]
        kind, _, scope = min(kinds, key=lambda k: _rank(k[0]))
        return kind, scope


async def phones(tx: Tx) -> list[Phone]:
    """Everybody's phone: one of each role of the front row, then the rest by role."""
    directory = Directory(tx)
    found = []
    for organisation in await directory.organisations():
        homes = {home.id: home.name for home in await directory.homes(organisation.id)}
        for person in await directory.people(organisation.id):
            telegram = (("telegram", str(person.telegram_id)),) if person.telegram_id is not None else ()
            sms = (("sms", person.mobile),) if person.mobile else ()
            if person.active and (telegram or sms):
                scopes = [role.partition(":")[2] for role in person.roles]
                home = next((homes[scope] for scope in scopes if scope in homes), "")
                found.append(Phone(person, home, (*telegram, *sms)))
    found.sort(key=lambda p: (_rank(p.role[0]), p.person.person_id))
    front = [next((p for p in found if p.role[0] == role), None) for role in FRONT_ROW]
    first = [p for p in front if p is not None]
    return (
        first
        + [p for p in found if p not in first and p.role[0] != "staff"]
        + [p for p in found if p not in first and p.role[0] == "staff"]
    )


def shown(phone: Phone, board: Switchboard) -> dict[str, Any]:
    """One phone as the page draws it."""
    kind, scope = phone.role
    return {
        "id": phone.person.person_id,
        "name": phone.person.name,
        "role": ROLE_SAYS.get(kind, kind).format(phone.home or scope),
        "hint": HINTS.get(kind, ""),
        "kinds": [
            {
                "channel": channel, "address": address, "tries": TRIES.get((kind, channel), ()),
                "toast": board.toasts.get((channel, address)),
                "messages": [_message(m) for m in board.phone(channel, address)],
            }
            for channel, address in phone.channels
        ],
    }  # fmt: skip


def lately(owners: Iterable[Phone], sent: list[Sent]) -> list[dict[str, str]]:
    """The last messages of the house, newest first: when, to whom, by what, and how it begins."""
    whose = {pair: phone.person for phone in owners for pair in phone.channels}
    known = [each for each in sent if (each.channel, each.address) in whose][-LATELY:]
    return [
        {
            "at": f"{each.at.astimezone(LONDON):%H:%M}", "channel": each.channel,
            "id": whose[each.channel, each.address].person_id, "name": whose[each.channel, each.address].name,
            "text": each.message.text or each.message.document,
        }
        for each in reversed(known)
    ]  # fmt: skip


def _rank(role: str) -> int:
    return ORDER.index(role) if role in ORDER else len(ORDER)


def _message(message: Shown) -> dict[str, Any]:
    return {
        "id": message.message_id, "text": message.text, "at": f"{message.at.astimezone(LONDON):%H:%M}",
        "mine": message.mine, "edited": message.edited, "document": message.document,
        "protected": message.protected, "buttons": [list(map(list, row)) for row in message.buttons],
    }  # fmt: skip

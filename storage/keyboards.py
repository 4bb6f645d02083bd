"""Knows which buttons go under a letter on Telegram; every one also has a typed form."""

from datetime import datetime
from typing import TypeAlias

from casework import wording
from casework.case import Case
from casework.effects import Tell
from casework.protocol import Check, Protocol
from casework.wording import Phrasebook
from storage import buttons
from storage.database import Tx
from storage.parts import Parts

Keyboard: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]  # rows of (label, token)


async def keyboard(
    tx: Tx, parts: Parts, case: Case, tell: Tell, person: str, book: Phrasebook, protocol: Protocol, at: datetime
) -> Keyboard:
    """The options of the question, a row each, then the button that takes the alert. `at`: when the letter goes."""

    async def row(label: str, action: str, check: str, value: str) -> tuple[tuple[str, str], ...]:
        token = await buttons.make(
            tx, case_id=case.case_id, person=person, action=action, check=check, value=value, now=at,
            chance=parts.chance,
        )  # fmt: skip
        return ((label, token),)

    rows = []
    if tell.question is not None and protocol.has(tell.question):
        check = protocol.find(tell.question)
        for value, label in wording.labels(book, check):
            rows.append(await row(label, *_meaning(check, tell), value))
        if check.kind == "ticks":
            rows.append(await row(wording.label(book, "DONE"), "ticked", check.id, ""))
    if tell.alert is not None:
        rows.append(await row(wording.label(book, "TAKE"), "take", "", ""))
    return tuple(rows)


def _meaning(check: Check, tell: Tell) -> tuple[str, str]:
    """The action of an option's button, and the check it is about: C_UNSURE settles another check's `not sure`."""
    about = tell.fields.get("check")
    if isinstance(about, str):
        return "settle", about
    return ("tick" if check.kind == "ticks" else "answer"), check.id

"""Knows which buttons go under a letter on Telegram; every one also has a typed form."""

from datetime import datetime
from typing import TypeAlias

from casework import wording
from casework.case import Case
from casework.effects import Tell
from casework.protocol import Protocol
from casework.protocol_parts import Check
from casework.wording import Phrasebook
from storage import buttons
from storage.buttons import Drawer
from storage.database import Tx

AMENDED = "+"  # ends the action of a button under a question that is asked again by a step back
TICK = "\N{CHECK MARK} "
Keyboard: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]  # rows of (label, token)


async def keyboard(
    tx: Tx, drawer: Drawer, case: Case, tell: Tell, person: str, book: Phrasebook, protocol: Protocol, at: datetime
) -> Keyboard:
    """The options of the question, a row each, ticked ones marked; then what is always there: a step back, a worry, the
    child is back; then the script to read out, and the button that takes the alert. `at`: when the
    letter goes; the buttons are written when the drawer is put."""
    button = drawer.message(case.case_id, person, at).button
    rows: list[tuple[tuple[str, str], ...]] = []
    if tell.question is not None and protocol.has(tell.question):
        check = protocol.find(tell.question)
        ticked = await buttons.ticks(tx, case.case_id, person, check.id) if check.kind == "ticks" else ()
        action, about = _meaning(check, tell)
        for value, label in wording.labels(book, check):
            rows.append(((TICK + label if value in ticked else label, button(action, about, value)),))
        if check.kind == "ticks":
            rows.append(((wording.label(book, "DONE"), button("ticked" + _amended(tell), check.id)),))
        if check.stage != "prompt":
            rows.append(((wording.label(book, "BEFORE"), button("before", check.id)),))
    if _working(tell, protocol) and case.open and not case.returned:
        keys = [(wording.label(book, key), button(key.lower())) for key in ("WORRIED", "HOME")]
        rows.append(tuple(keys))
    if tell.question is None and tell.alert is None and case.reports and not case.returned:
        rows.append(((wording.label(book, "SCRIPT"), button("script")),))
    if tell.alert is not None:
        rows.append(((wording.label(book, "TAKE"), button("take", tell.question or "")),))
    return tuple(rows)


def _working(tell: Tell, protocol: Protocol) -> bool:
    """Whether this letter goes to an adult at work on the checks; a review asks by itself whether the child is back."""
    return tell.question is not None and protocol.has(tell.question) and protocol.find(tell.question).stage != "prompt"


def _meaning(check: Check, tell: Tell) -> tuple[str, str]:
    """The action of an option's button, and the check it is about: C_UNSURE settles another check's `not sure`."""
    about = tell.fields.get("check")
    if isinstance(about, str):
        return "settle", about
    return ("tick" if check.kind == "ticks" else "answer") + _amended(tell), check.id


def _amended(tell: Tell) -> str:
    """Marks the buttons of a question that was answered and may be answered anew."""
    return AMENDED if tell.fields.get("amend") else ""

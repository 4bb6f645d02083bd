"""Knows the buttons of menus: which child, which case, what to do with it. Those of a question come with the question.

A button carries a token of 22 characters that nobody can guess; what it means lies in the database (T14).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from casework import wording
from casework.case import Case
from storage.keyboards import Keyboard

if TYPE_CHECKING:
    from handlers.talk import Talk

IN_A_ROW = 4
VALUE_AT_MOST = 500  # characters of what was typed beside a command that waits for its case


async def menu(talk: Talk, case: Case, entries: Sequence[tuple[str, str]]) -> Keyboard:
    """Things to do with a case: pairs (label, action), two in a row."""
    keys = [(wording.label(talk.book, label), await _token(talk, case.case_id, action)) for label, action in entries]
    return _rows(keys, 2)


async def pick_child(talk: Talk, codes: Sequence[str], verb: str, rest: str) -> Keyboard:
    """Which child? `verb` and `rest` are carried out with the one that is pressed."""
    keys = [(code, await _token(talk, None, "child", check=verb, value=f"{code} {rest}".strip())) for code in codes]
    return _rows(keys, IN_A_ROW)


async def pick_case(talk: Talk, cases: Sequence[Case], verb: str, rest: str) -> Keyboard:
    """Which case? `verb` and `rest` are carried out with the one that is pressed."""
    keys = [
        (f"{case.code} {case.child.child_id}", await _token(talk, case.case_id, "pick", check=verb, value=rest))
        for case in cases
    ]
    return _rows(keys, IN_A_ROW // 2)


async def options(talk: Talk, case: Case, action: str, labels: Sequence[tuple[str, str]]) -> Keyboard:
    """One action with several values: pairs (label, value), a row each."""
    keys = [
        (wording.label(talk.book, label), await _token(talk, case.case_id, action, value=value))
        for label, value in labels
    ]
    return _rows(keys, 1)


async def _token(talk: Talk, case_id: str | None, action: str, *, check: str = "", value: str = "") -> str:
    return await talk.desk.make_button(
        case_id=case_id, person=talk.person.person_id, action=action, check=check, value=value[:VALUE_AT_MOST]
    )


def _rows(keys: Sequence[tuple[str, str]], width: int) -> Keyboard:
    return tuple(tuple(keys[at : at + width]) for at in range(0, len(keys), width))

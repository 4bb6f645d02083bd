"""Knows the group chats that homes and duty teams bound, and what is said there: codes alone, nothing of a child or a person.

A group is one more ear. Whoever is on call gets their own alert as well, and a press in a group counts for whoever presses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework import speech, wording
from casework.case import Case
from casework.effects import Field, Tell
from casework.missing import word
from storage.chance import time_id
from storage.codec import ms
from storage.database import Row, Tx
from storage.keyboards import Keyboard
from storage.outbox import Letter
from storage.sheaf import Draft, Sheaf

SAID = {"C_TAKEN": "group_taken", "C_BACK": "group_back"}
LIVES = timedelta(minutes=10)  # later it would be read as news


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChat:
    """One bound group; `home` empty: the organisation's duty team."""

    organisation: str
    home: str
    chat_id: int
    bound_by: str


# ---- what is said there ----------------------------------------------------------------------------------


async def speak(sheaf: Sheaf, case: Case, drafts: Sequence[Draft], said: Sequence[Tell]) -> None:
    """Say in the case's groups that there is an alert, that it was taken, or that alerts end: what these letters say."""
    alert = any(draft.tell.alert is not None and draft.alert_state == "live" for draft in drafts)
    if not alert and not said:
        return
    for chat in await of_case(sheaf.tx, case.organisation, case.home):
        if alert:
            label = wording.label(sheaf.parts.book("en"), "TAKE")
            token = sheaf.drawer.make(case.case_id, "", "take", now=sheaf.now)
            sheaf.letters.append(_letter(sheaf, case, chat, "group_alert", {"level": word(case)}, (((label, token),),)))
        else:
            fields = {name: said[-1].fields.get(name) for name in ("at", "by")}
            sheaf.letters.append(_letter(sheaf, case, chat, SAID[said[-1].text], fields, ()))


def _letter(
    sheaf: Sheaf, case: Case, chat: GroupChat, text: str, fields: dict[str, Field], keys: Keyboard
) -> Letter:  # fmt: skip
    body = wording.render(
        sheaf.parts.book("en"), text, channel="telegram", code=case.code, who="", now=sheaf.now, fields=fields,
        drill=sheaf.parts.drill,
    )  # fmt: skip
    return Letter(
        id=time_id("letter", sheaf.now, sheaf.parts.chance), case_id=case.case_id, person=None, channel="telegram",
        address=str(chat.chat_id), text=text, body=body, keyboard=keys, kind="notice", urgency=speech.rank("C_ALERT"),
        edit=None, protect=True, document=None, case_card=False, due_at=sheaf.now, expires_at=sheaf.now + LIVES, tries=0,
    )  # fmt: skip


# ---- which groups there are ------------------------------------------------------------------------------


async def of_case(tx: Tx, organisation: str, home: str) -> list[GroupChat]:
    """The groups that hear of a home: its own, and that of the duty team."""
    rows = await tx.rows(
        "SELECT * FROM group_chat WHERE organisation = ? AND home IN ('', ?) AND dead_at IS NULL ORDER BY home",
        organisation, home,
    )  # fmt: skip
    return [_group(row) for row in rows]


async def at(tx: Tx, chat_id: int) -> GroupChat | None:
    """The binding of a chat that still holds."""
    row = await tx.row("SELECT * FROM group_chat WHERE chat_id = ? AND dead_at IS NULL", chat_id)
    return None if row is None else _group(row)


async def bind(tx: Tx, group: GroupChat, now: datetime) -> bool:
    """Bind a group in place of the one that was; False where another organisation has it."""
    held = await at(tx, group.chat_id)
    if held is not None and held.organisation != group.organisation:
        return False
    await tx.run("DELETE FROM group_chat WHERE chat_id = ?", group.chat_id)
    await tx.run(
        "INSERT INTO group_chat (organisation, home, chat_id, bound_at, bound_by) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (organisation, home) DO UPDATE SET chat_id = excluded.chat_id, bound_at = excluded.bound_at,"
        " bound_by = excluded.bound_by, dead_at = NULL, fault = ''",
        group.organisation, group.home, group.chat_id, ms(now), group.bound_by,
    )  # fmt: skip
    return True


async def unbind(tx: Tx, chat_id: int) -> None:
    """Let go of a group."""
    await tx.run("DELETE FROM group_chat WHERE chat_id = ?", chat_id)


async def moved(tx: Tx, old: int, new: int) -> bool:
    """A group became a supergroup: the binding moves, and so does what waits for it; False for a chat that is none of ours."""
    changed = await tx.run("UPDATE group_chat SET chat_id = ? WHERE chat_id = ? AND dead_at IS NULL", new, old)
    if changed:
        await tx.run(
            "UPDATE outbox SET address = ? WHERE channel = 'telegram' AND address = ? AND state = 'queued'",
            str(new),
            str(old),
        )
    return changed > 0


async def lost(tx: Tx, chat_id: int, fault: str, now: datetime) -> GroupChat | None:
    """Nothing arrives in a group any more: its binding is dead; None where it was none, or dead before."""
    held = await at(tx, chat_id)
    if held is not None:
        await tx.run(
            "UPDATE group_chat SET dead_at = ?, fault = ? WHERE chat_id = ? AND dead_at IS NULL",
            ms(now),
            fault,
            chat_id,
        )
    return held


async def dead(tx: Tx, organisation: str) -> list[tuple[str, str]]:
    """Home and fault of each binding that ended by itself and was not made again."""
    rows = await tx.rows(
        "SELECT home, fault FROM group_chat WHERE organisation = ? AND dead_at IS NOT NULL", organisation
    )
    return [(row["home"], row["fault"]) for row in rows]


def _group(row: Row) -> GroupChat:
    return GroupChat(
        organisation=row["organisation"], home=row["home"], chat_id=int(row["chat_id"]), bound_by=row["bound_by"]
    )

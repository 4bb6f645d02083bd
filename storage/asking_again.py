"""Knows how the questions that wait on Telegram are put once more, after an outage in which a press may have been lost.

Telegram keeps a press for 150 seconds. Who pressed "No" while nothing listened believes that they answered, and the house
believes that they are silent. So everybody who was asked is asked again, the child in most danger first; a typed answer was
kept, and nothing about any deadline changes.
"""

from datetime import datetime, timedelta
from functools import partial

import structlog

from casework.asking import words_for
from casework.case import Case
from casework.effects import Tell, To
from casework.speech import HELD_BACK
from storage import outbox
from storage.casebook import Casebook, where
from storage.database import Tx, Unusable
from storage.desk import Desk
from storage.parts import Parts

PRESSES_KEPT = timedelta(seconds=150)
_log = structlog.get_logger(__name__)

AT_MOST = 2000  # cases: so many questions leave in a minute


async def ask_again(casebook: Casebook, now: datetime) -> int:
    """Ask again what was asked before now and waits on Telegram; returns how many questions that were. Where a case cannot be
    worked nothing is lost but the asking: its ladder goes on."""
    asked = 0
    for case_id in await casebook.database.read(_asking):
        try:
            asked += await casebook.at_desk(partial(_ask, case_id=case_id, now=now, parts=casebook.parts))
        except Unusable:
            raise
        except Exception as fault:
            _log.error("open questions could not be asked again", case=case_id, fault=where(fault))
    if asked:
        _log.warning("open questions are asked again: presses may have been lost", questions=asked)
    return asked


async def _asking(tx: Tx) -> list[str]:
    """Cases and watches that are not over, the most severe first."""
    rows = await tx.rows(
        "SELECT case_id FROM case_row WHERE status <> 'closed' ORDER BY severity DESC, opened_at, case_id LIMIT ?",
        AT_MOST,
    )
    return [row["case_id"] for row in rows]


async def _ask(desk: Desk, *, case_id: str, now: datetime, parts: Parts) -> int:
    case = await desk.case(case_id)
    if case is None:
        return 0
    asked = 0
    for person in dict.fromkeys(prompt.to for prompt in case.prompts):
        prompt = case.last_prompt(person, now)
        if prompt is None or prompt.asked_at >= now or not await _on_telegram(desk, case, person):
            continue
        waits = await outbox.waiting_for(desk.tx, case_id, person)
        if prompt.check not in [text for text, _ in waits]:  # else it was not read yet, and nobody pressed anything
            fields = words_for(case, parts.protocol(case.protocol), prompt.check, prompt.asked_at)
            last = max((due_at for _, due_at in waits), default=None)  # one text at a time, and an instruction first
            later = None if last is None else max(now, last) + HELD_BACK
            tell = Tell(
                to=To(kind="person", id=person), text=prompt.check, fields=fields, question=prompt.check, repeat=True,
                not_before=later,
            )  # fmt: skip
            await desk.tell(case, tell)
            asked += 1
    return asked


async def _on_telegram(desk: Desk, case: Case, person_id: str) -> bool:
    """Whether they answer by pressing: what was asked by text is answered by text, and no text is lost."""
    person = await desk.directory.person(person_id)
    if person is None or not person.active or "telegram" not in person.written_by:
        return False
    reporter = case.reporter(person_id)
    return reporter is None or reporter.channel == "telegram"

"""What became of a text or a call: Twilio's callbacks, in any order, each believed once; the last word stands.

Our own letter id stands in the callback's address: a callback proves that a letter went out even where this house died
before it could write that down. Twilio promises neither that they all come nor in which order. A call that came to its
end was heard by somebody, or by a machine: only the PIN keyed in it says that it reached whom it was for.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from casework.case import Case
from handlers.inbox import Doors
from handlers.sms import SID, SOURCE, Ours
from storage import called_off, outbox, proofs
from storage.casebook import Answer
from storage.chance import time_id
from storage.desk import Desk
from storage.endpoints import WHATSAPP
from storage.inbox import Heard
from storage.outbox import BACKOFF_SECONDS, Letter
from storage.verdicts import Verdict, verdict

STATES = {
    "accepted": "sent", "scheduled": "sent", "queued": "sent", "sending": "sent", "sent": "sent",
    "partially_delivered": "sent", "delivered": "delivered", "read": "delivered", "failed": "failed",
    "undelivered": "failed", "canceled": "failed", "initiated": "sent", "ringing": "sent", "in-progress": "sent",
    "completed": "sent", "busy": "failed", "no-answer": "failed",
}  # fmt: skip
CALL = re.compile(r"CA[0-9a-f]{32}")
MACHINES = ("machine", "fax")
AGAIN, AGAIN_AT_MOST = "/again", 3  # how a cause says that its text is tried anew, and how often
ASKED = ":asked"  # how an answer to a question of ours is told from a callback
_WORD = re.compile(r"[a-z_-]{1,32}")
_log = structlog.get_logger(__name__)

# (desk, letter, *, dead, code): what follows from a letter that will not arrive
Refused = Callable[..., Awaitable[None]]


async def hear(
    doors: Doors, ours: Ours, refused: Refused, fields: Sequence[tuple[str, str]] | None, letter_id: str,
    *, asked: bool = False,
) -> bool:  # fmt: skip
    """Take one signed callback; False where it was meant for another account. Raises only when it cannot be written.

    `asked`: it is the answer to a question of ours. That is worked also where a callback said the same: a callback may have
    come too early to be believed.
    """
    said = {**dict(fields or ()), "m": letter_id}
    sid = said.get("MessageSid") or said.get("CallSid", "")
    status = (said.get("MessageStatus") or said.get("SmsStatus") or said.get("CallStatus", "")).lower()
    if said.get("AccountSid") != ours.account_sid:
        _log.error("a signed callback was for another account")
        return False
    if not (SID.fullmatch(sid) or CALL.fullmatch(sid)) or not _WORD.fullmatch(status):
        return True  # nothing to look at and nothing to lose: the letter stands as it stood
    heard = Heard(
        source=SOURCE, external_id=f"{sid}:{status}{ASKED if asked else ''}", received_at=doors.casebook.now(),
        raw=json.dumps(said, ensure_ascii=False, sort_keys=True),
    )  # fmt: skip
    await doors.casebook.hear(heard, answer_for(heard, refused))
    return True


def answer_for(heard: Heard, refused: Refused) -> Answer:
    """What is done at the desk about one callback; also for one that is tried again."""
    said: dict[str, str] = json.loads(heard.raw)
    sid, status = heard.external_id.removesuffix(ASKED).split(":")

    async def answer(desk: Desk) -> None:
        await _work(desk, said, sid, status, refused)

    return answer


async def _work(desk: Desk, said: Mapping[str, str], sid: str, status: str, refused: Refused) -> None:
    state = STATES.get(status)
    if said.get("AnsweredBy", "").startswith(MACHINES):
        state, status = "failed", MACHINES[0]
    if state is None:
        desk.ignore()  # a word that Twilio may have added since: kept, and nothing rests on it
        return
    code = said.get("ErrorCode") or (status if CALL.fullmatch(sid) else "")
    if state == "failed" and verdict(code) is Verdict.EXPIRED:
        state = "expired"
    letter_id = said.get("m") or None
    if letter_id is not None:
        await outbox.sent(desk.tx, letter_id, sid, desk.now, heard=True)
    changed = await proofs.receipt(desk.tx, state, letter_id=letter_id, provider_id=sid, fault=code)
    if state in ("failed", "expired") and changed is not None:
        await _not_delivered(desk, changed, code, refused)


async def undelivered(desk: Desk, letter_id: str, sid: str, code: str, refused: Refused) -> None:
    """Note that a letter will not reach whom it is for, where no callback has to say so."""
    changed = await proofs.receipt(desk.tx, "failed", letter_id=letter_id, provider_id=sid, fault=code)
    if changed is not None:
        await _not_delivered(desk, changed, code, refused)


async def _not_delivered(desk: Desk, letter: Letter, code: str, refused: Refused) -> None:
    """The same words by another way, and people on call hear of a number that is dead. A phone that could not be reached is
    tried again, too."""
    said = verdict(code)
    if said is Verdict.FAULT:
        _log.critical("Twilio is not set up for what was sent", code=code)
    by_number = letter.address.startswith(WHATSAPP)  # where the same words go to the number, which still takes texts
    if said is Verdict.RETRY and not by_number:
        await _again(desk, letter)
    dead = said is Verdict.DEAD and not by_number
    await refused(desk, letter, dead=dead, code=code)


def _over(case: Case | None, letter: Letter) -> bool:
    return case is not None and (not case.open or called_off.needless(case, letter))


async def _again(desk: Desk, letter: Letter) -> None:
    """The same text once more to the same number, later each time; not for ever: the ladder goes on beside it."""
    before = (letter.cause or "").count(AGAIN)
    case = None if letter.case_id is None else await desk.case(letter.case_id)
    if before >= AGAIN_AT_MOST or letter.kind == "reply" or _over(case, letter):
        return
    wait = timedelta(seconds=BACKOFF_SECONDS[before + 1])
    anew = replace(
        letter, id=time_id("letter", desk.now, desk.chance), cause=f"{letter.cause}{AGAIN}", due_at=desk.now + wait, tries=0,
        doubt_since=None,
    )  # fmt: skip
    await outbox.enqueue(desk.tx, anew, desk.now)

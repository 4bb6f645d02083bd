"""What people on call do by text: take an alert, and settle a "not sure".

Taking an alert needs the digits that this alert carried; raising needs nothing; lowering needs more than a text.
"""

from casework.commands import Command
from casework.events import UnsureSettled
from casework.levels import Trust
from handlers import sms_codes
from handlers.sms_cases import the_case
from handlers.taking import AGAIN, BACK, DAY, LATE, MORE, THEIRS, day_in_hand, take
from handlers.texter import Concern, Texter

_ANSWERS = {THEIRS: "N_ACK", AGAIN: "N_ACKAGAIN", MORE: "N_ACKMORE", LATE: "N_ACKLATE", DAY: "N_NOTED", BACK: "N_HURT"}


async def acknowledge(texter: Texter, command: Command) -> bool:
    """An alert is taken by the four digits that this very person's alert carried, and by nothing else."""
    concern = await the_case(texter, command)
    if concern is None:
        return True
    if not await sms_codes.alert_digits_right(texter, concern, command.digits):
        return True
    case, person = concern.case, concern.person.person_id
    day = await day_in_hand(texter.desk, case, person)
    became, fields = await take(texter.desk, texter.record, case, person, "sms", day)
    await texter.reply(_ANSWERS[became], concern=concern, fields=fields, always=True)
    return True


async def settle(texter: Texter, command: Command) -> bool:
    """A person on call settles a "not sure". RISK raises and counts at once; NONE lowers and counts only once a reason
    is given through a bound account. Without a ref, from anybody else, the word answers a question."""
    concern = await the_case(texter, command) if command.ref is not None else await _one_unsure(texter)
    if concern is None or not concern.person.on_call:
        return command.ref is not None and concern is None
    if command.word == "RISK" and concern.case.unsettled(risk=True):
        await texter.record(
            concern.case,
            UnsureSettled(at=texter.desk.now, by=concern.person.person_id, channel="sms", trust=Trust.NONE, risk=True,
                          words=await texter.keep(concern.case)),
        )  # fmt: skip
        await texter.reply("N_RISK", concern=concern, always=True)
        return True
    await texter.note(concern, unread=False)
    await texter.reply("N_REASON" if command.word == "NONE" else "N_NOTED", concern=concern, always=True)
    return True


async def _one_unsure(texter: Texter) -> Concern | None:
    waiting = [c for c in await texter.concerns() if c.person.on_call and c.case.unsettled()]
    return waiting[0] if len(waiting) == 1 else None

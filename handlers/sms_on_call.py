"""What people on call do by text: take an alert, and settle a "not sure".

Taking an alert needs the digits that this alert carried; raising needs nothing; lowering needs more than a text.
"""

from casework.commands import Command
from casework.events import AlertAcknowledged, UnsureSettled
from casework.levels import Trust
from handlers import sms_codes
from handlers.sms_cases import the_case
from handlers.texter import Concern, Texter


async def acknowledge(texter: Texter, command: Command) -> bool:
    """An alert is taken by the four digits that this very person's alert carried, and by nothing else."""
    concern = await the_case(texter, command)
    if concern is None:
        return True
    if not await sms_codes.alert_digits_right(texter, concern, command.digits):
        return True
    alert = concern.case.alert
    if alert.taken_by not in (None, concern.person.person_id):
        await texter.reply("N_ACKLATE", concern=concern, fields={"at": alert.taken_at}, always=True)
        return True
    await texter.record(
        concern.case,
        AlertAcknowledged(at=texter.desk.now, by=concern.person.person_id, channel="sms", trust=Trust.CODE),
    )
    until = (await texter.fresh(concern)).case.alert.taken_until
    await texter.reply("N_ACK", concern=concern, fields={"by": until}, always=True)
    return True


async def settle(texter: Texter, command: Command) -> bool:
    """A person on call settles a "not sure". RISK raises and counts at once; NONE lowers and counts only once a reason
    is given through a bound account. Without a ref, from anybody else, the word answers a question."""
    concern = await the_case(texter, command) if command.ref is not None else await _one_unsure(texter)
    if concern is None or not concern.person.on_call:
        return command.ref is not None and concern is None
    if command.word == "RISK" and any(not u.settled for u in concern.case.unsure):
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
    waiting = [c for c in await texter.concerns() if c.person.on_call and any(not u.settled for u in c.case.unsure)]
    return waiting[0] if len(waiting) == 1 else None

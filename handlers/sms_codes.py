"""What digits prove: a parent's six vouch for their claim, the four of an alert for who takes it, six for a number.

Five wrong ones from a number and no digits of it count for fifteen minutes; its words always do.
"""

from casework.commands import Command
from casework.levels import Trust
from handlers.texter import Concern, Texter
from storage import invites
from storage.addressees import askable
from storage.texters import code_locked, codes_like


async def trust_of(texter: Texter, concern: Concern, code: str) -> Trust:
    """How far a claimed return is believed: CODE for the verified parent's own right digits, else NONE."""
    person, case = concern.person, concern.case
    if not code or not askable(person):
        return Trust.NONE
    if not await code_locked(texter.desk.tx, case.case_id, person.person_id, texter.desk.now):
        if await texter.desk.code_is_right(case.case_id, person.person_id, code):
            return Trust.CODE
        if not await code_locked(texter.desk.tx, case.case_id, person.person_id, texter.desk.now):
            return Trust.NONE
    await texter.reply("N_LOCKED")
    return Trust.NONE


async def of_another_case(texter: Texter, command: Command) -> bool:
    """Whether the digits are this person's own, but of a case that is not open any more (B097)."""
    own = {person.person_id for person in texter.people}
    open_ids = {concern.case.case_id for concern in await texter.concerns()}
    cases = [case_id for case_id, person in await codes_like(texter.desk.tx, command.code) if person in own]
    return bool(cases) and not open_ids & set(cases)


async def alert_digits_right(texter: Texter, concern: Concern, digits: str) -> bool:
    """Whether these are the digits of this person's own alert of this case; else they were told so, politely."""
    case_id = concern.case.case_id
    if await texter.memory.locked(case_id):
        await texter.reply("N_LOCKED")
        return False
    alerts = await texter.desk.alerts_for(case_id, concern.person.person_id)
    mine = [alert for alert in alerts if digits == alert.digits]
    if any(alert.state in ("live", "taken") for alert in mine):
        return True
    if digits and not mine:
        await texter.memory.wrong(case_id)
    await texter.reply("N_OVER" if mine and concern.case.returned else "N_DIGITS", concern=concern)
    return False


async def proves_number(texter: Texter, digits: str) -> bool:
    """Whether these are the six digits that were texted to prove a number; then it is verified from now on."""
    for person in texter.people:
        proof = invites.digits_hash(person.person_id, digits)
        redeemed = await texter.desk.directory.redeem_invite(proof, texter.desk.now, "mobile", person.person_id)
        if not isinstance(redeemed, str):
            await texter.desk.directory.verify_mobile(person.person_id, texter.desk.now)
            return True
    return False

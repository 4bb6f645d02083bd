"""`OK` and four digits by text: a contact test arrived, or a duty is taken over. `OK` alone means nothing."""

import re

from casework.plain import level
from handlers.texter import Texter
from storage import contact_round, handing_over

OK_DIGITS = re.compile(r"ok(?:ay)?[\s:.,-]*((?:\d\s?){4})\.?")
DUTY = "duty"  # what wrong digits are counted about


async def confirmed(texter: Texter) -> bool:
    """Whether this text was such an answer and was worked; False for all else, which others then read.

    Five wrong digits from a number, and none count for fifteen minutes: taking a duty over relieves others.
    """
    match = OK_DIGITS.fullmatch(level(texter.words))
    people = [person for person in texter.people if person.on_call]
    if match is None or not people or await texter.memory.locked(DUTY):
        return False
    digits = re.sub(r"\s", "", match[1])
    for person in people:
        if await contact_round.answered(texter.desk, person, "sms", digits):
            await texter.reply("N_CONTACT", always=True)
            return True
        taken = await handing_over.take_over_by_digits(texter.desk, person, digits)
        for each in taken:
            text, fields = await handing_over.thanks(texter.desk, each)
            await texter.reply(text, fields=fields, always=True)
        if taken:
            return True
    await texter.memory.wrong(DUTY)
    if await texter.concerns():
        return False  # perhaps the digits of an alert: whoever reads alerts has a look
    await texter.reply("N_OKWRONG")
    return True

"""Duty on Telegram: who is on call, taking a duty over, somebody who stands in, and that a contact test arrived.

Nothing here touches a case. Who may change the rota is decided by `storage.planning`, as for the command line.
"""

import re

from casework.errors import NotAllowed
from casework.plain import level
from casework.rota import Shift
from casework.rota_words import read_moment
from handlers.inbox import everywhere
from handlers.talk import Talk
from storage import contact_round, forewarning, handing_over, planning, rota
from storage.handovers import HandOver

OK_DIGITS = re.compile(r"ok(?:ay)?[\s:.,-]*((?:\d\s?){4})\.?")
HANDOVER_ID = re.compile(r"\S+/\d+")


async def show(talk: Talk, rest: str) -> None:
    """`/rota`: who holds each role now, for the homes that are theirs, and why it is they."""
    if not talk.person.on_call:
        await talk.say("refused")
        return
    lines = []
    for home in await talk.desk.directory.homes(talk.person.organisation):
        if everywhere(talk.person) or talk.person.is_manager(home.id):
            for role in ("coordinator", "deputy", "manager", "owner"):
                held = await rota.on_duty(talk.desk.directory, talk.person.organisation, role, home.id, talk.now)
                names = ", ".join(person.name for person in held.people) or "-"
                lines.append(talk.words("rota_who", {"role": role, "home": home.id, "list": f"{names}: {held.why}"}))
    await talk.say("PLAIN", {"text": "\n".join(lines)})


async def take_over(talk: Talk, rest: str) -> None:
    """`/takeover`, or the button under the letter that asked: they have their duty now."""
    asked = rest.strip()
    taken = await handing_over.take_over(talk.desk, talk.person, asked if HANDOVER_ID.fullmatch(asked) else None)
    await _said(talk, taken)


async def reached(talk: Talk, rest: str) -> None:
    """The button under a contact test: it arrived."""
    if await contact_round.answered(talk.desk, talk.person, "telegram"):
        await talk.say("N_CONTACT")
    else:
        await talk.say("no_button")


async def typed(talk: Talk, text: str) -> bool:
    """`OK 4821`, the typed form of both buttons; False where these are no digits of theirs."""
    match = OK_DIGITS.fullmatch(level(text))
    if match is None or not talk.update.authentic:
        return False
    digits = re.sub(r"\s", "", match[1])
    if await contact_round.answered(talk.desk, talk.person, "telegram", digits):
        await talk.say("N_CONTACT")
        return True
    taken = await handing_over.take_over_by_digits(talk.desk, talk.person, digits)
    if taken:
        await _said(talk, taken)
    return bool(taken)


async def _said(talk: Talk, taken: list[HandOver]) -> None:
    for each in taken:
        await talk.say(*await handing_over.thanks(talk.desk, each))
    if not taken:
        await talk.say("duty_none")


async def cover(talk: Talk, rest: str) -> None:
    """`/cover ROLE[@HOME] PERSON FROM UNTIL`: somebody stands in, whoever is on the rota."""
    words = rest.split()
    if len(words) != 4:
        await talk.say("cover_how")
        return
    role, _, home = words[0].casefold().partition("@")
    from_at = read_moment(words[2], talk.now)
    until_at = None if from_at is None else read_moment(words[3], from_at, ends=True)
    if from_at is None or until_at is None or until_at <= from_at:
        await talk.say("cover_how")
        return
    shift = Shift(
        shift_id="", person=words[1], kind="override", line=(0 if home else 1, 1), from_at=from_at, until_at=until_at
    )
    try:
        changed = await planning.put(talk.desk, talk.person, role, home, shift)
    except NotAllowed as refusal:
        await talk.say("cover_no", {"text": str(refusal)})
        return
    await forewarning.after_change(talk.desk, changed, talk.person)
    person = await talk.desk.directory.person(words[1])
    assert person is not None, "who was put on the rota is known"
    await talk.say("cover_ok", {"name": person.name, "role": role, "home": home, "at": from_at, "until": until_at})

"""The words that SMS knows: MISSING, BACK, OUT, WORRIED, POL, ACK, RISK, NONE, CALL, HELP, STOP, START, bare digits.

Each is one function that hands in news and answers where the core does not speak itself. What raises needs no proof;
what lowers, or takes an alert, needs digits that only the right phone was sent.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from casework import reading
from casework.case import Case
from casework.commands import Command
from casework.events import (
    AlertAcknowledged,
    CheckAnswered,
    ContactUnreachable,
    NoteMade,
    PoliceLogged,
    ReturnClaimed,
    UnsureSettled,
)
from casework.levels import Status, Trust
from casework.protocol import Check
from handlers import sms_answers, sms_codes, sms_opening
from handlers.inbox import is_watch, may_see
from handlers.texter import Concern, Texter
from storage.addressees import askable

Carry: TypeAlias = Callable[[Texter, Command], Awaitable[bool]]


async def carry_out(texter: Texter, command: Command) -> bool:
    """Carry out a command; False where the words turn out to be an answer or free text."""
    return await _COMMANDS[command.word](texter, command)


# ---- which case ------------------------------------------------------------------------------------


async def the_case(texter: Texter, command: Command) -> Concern | None:
    """The one case a command is about. None: they were told that there is none, that it is over, or asked which."""
    concerns = await texter.concerns()
    if command.ref is not None:
        found = next((c for c in concerns if c.case.code == command.ref), None)
        return found or await _named(texter, command.ref)
    if texter.chosen:
        concerns = [c for c in concerns if await _picked(texter, c)] or concerns
    if len(concerns) == 1:
        return concerns[0]
    if concerns:
        await sms_answers.which(texter, concerns)
    else:
        await _none_open(texter)
    return None


async def _picked(texter: Texter, concern: Concern) -> bool:
    child_id = concern.case.child.child_id
    letter = await texter.initial_of(child_id)
    return texter.names(letter, concern.case.code) or texter.names(letter, child_id)


async def _named(texter: Texter, ref: str) -> Concern | None:
    """A case that was named by its ref: one they may see, though nothing of it is theirs; else they learn nothing."""
    for person in texter.people:
        case = await texter.desk.case_by_code(ref, [person.organisation])
        if case is not None and await may_see(texter.desk, person, case):
            concern = Concern(person, case)
            if case.open and not is_watch(case):
                return concern
            await texter.reply("N_OVER" if concern.trusted else "N_NOCASE")
            return None
    await _none_open(texter)
    return None


async def _none_open(texter: Texter) -> None:
    """Who may not be told whether a case is open gets what strangers get."""
    if any(askable(p) or not p.parent_of for p in texter.people):
        await texter.reply("N_NOCASE")
    else:
        await texter.neutral()


async def _extra_worry(texter: Texter, concern: Concern, command: Command) -> None:
    """Words of danger that came with a command are raised, unless they stand already."""
    case = (await texter.fresh(concern)).case
    flags = tuple(f for f in reading.worry(command.rest, texter.book) if f not in case.flags)
    if flags and case.open:
        await sms_answers.worry(texter, Concern(concern.person, case), flags)


# ---- MISSING, WORRIED, CALL ------------------------------------------------------------------------


async def _missing(texter: Texter, command: Command) -> bool:
    """A case opens. Of several children the one that is named; else they are asked which."""
    known = await sms_opening.meant(texter, command.rest)
    told_apart = [(p, c) for p, c in known if askable(p) or not p.parent_of]
    if len(known) > 1 and told_apart:
        await texter.ask_which([(await texter.initial_of(c.id), c.id) for _, c in told_apart])
        return True
    for person, child in known:  # several only where they may not even be asked which: each is looked at by a person
        time = reading.read_time(_without(command.rest, child.id), texter.desk.now)
        concern, known_before = await sms_opening.open_for(texter, person, child.id, time)
        await _after_opening(texter, concern, known_before)
        await _extra_worry(texter, concern, command)
    if not known:
        await texter.reply("N_HELP", fields={"duty": await texter.duty_number()})
    return True


def _without(rest: str, code: str) -> str:
    return " ".join(word for word in rest.split() if word != code.casefold())


async def _after_opening(texter: Texter, concern: Concern, known_before: bool) -> None:
    """Who may not be asked gets the neutral words, and a person rings. Who reports twice is asked the same again."""
    case = concern.case
    if not concern.trusted:
        if len(case.reporters) > 1 or known_before:
            await _note(texter, concern, unread=True)
        await texter.neutral()
    elif known_before:
        prompt = case.last_prompt(concern.person.person_id, texter.desk.now)
        protocol = texter.doors.protocol(case)
        if prompt is not None and protocol.has(prompt.check):
            await sms_answers.ask_again(texter, concern, protocol.find(prompt.check))
        else:
            await texter.reply("N_NOTED", concern=concern)


async def _worried(texter: Texter, command: Command) -> bool:
    """R16, and what else the words raise. A parent without an open case opens one by it."""
    concerns = await texter.concerns()
    flags = tuple(dict.fromkeys(("R16", *reading.worry(command.rest, texter.book))))
    if not concerns and command.ref is None and await sms_opening.children(texter):
        await _missing(texter, replace(command, word="MISSING"))
        concerns = await texter.concerns()
        if not concerns:
            return True  # they were asked which child
    concern = concerns[0] if len(concerns) == 1 else await the_case(texter, command)
    if concern is not None:
        await sms_answers.worry(texter, await texter.fresh(concern), flags)
        await _say(texter, concern, "N_RAISED")
    return True


async def _call(texter: Texter, command: Command) -> bool:
    """A person is to ring."""
    concern = await the_case(texter, command)
    if concern is not None:
        await _note(texter, concern, unread=True)
        await _extra_worry(texter, concern, command)
        await _say(texter, concern, "N_CALL")
    return True


async def _say(texter: Texter, concern: Concern, text: str) -> None:
    if concern.trusted:
        await texter.reply(text, concern=concern)
    else:
        await texter.neutral()


async def _note(texter: Texter, concern: Concern, *, unread: bool) -> None:
    voice = texter.voice(concern.person)
    await texter.record(
        concern.case,
        NoteMade(at=texter.desk.now, by=voice.by, channel="sms", trust=voice.trust, unread=unread,
                 words=await texter.keep(concern.case)),
    )  # fmt: skip


# ---- BACK, OUT ---------------------------------------------------------------------------------------


async def _back(texter: Texter, command: Command) -> bool:
    """A return is claimed; the right six digits make the claim a stronger one, nothing more."""
    if command.code and await sms_codes.of_another_case(texter, command):
        await texter.reply("N_OVER")
        return True
    concern = await the_case(texter, command)
    if concern is None:
        return True
    if not concern.trusted:
        await _note(texter, concern, unread=True)
        await texter.neutral()
        return True
    trust = await sms_codes.trust_of(texter, concern, command.code)
    voice = texter.voice(concern.person, trust)
    await texter.record(
        concern.case,
        ReturnClaimed(at=texter.desk.now, by=voice.by, channel="sms", trust=voice.trust,
                      words=await texter.keep(concern.case) if command.rest else None),
    )  # fmt: skip
    await _extra_worry(texter, concern, command)
    return True


async def _out(texter: Texter, command: Command) -> bool:
    """No news: the answer to a review that asks for news, else a note."""
    concern = await the_case(texter, command)
    if concern is None:
        return True
    if not concern.trusted:
        await _note(texter, concern, unread=True)
        await texter.neutral()
        return True
    answered = _no_news(texter, concern.case, concern.person.person_id)
    if answered is None:
        await _note(texter, concern, unread=False)
        await texter.reply("N_NOTED", concern=concern)
        return True
    check, value = answered
    voice = texter.voice(concern.person)
    await texter.record(
        concern.case,
        CheckAnswered(at=texter.desk.now, by=voice.by, channel="sms", trust=voice.trust, check=check.id,
                      values=(value,), words=await texter.keep(concern.case)),
    )  # fmt: skip
    return True


def _no_news(texter: Texter, case: Case, person: str) -> tuple[Check, str] | None:
    """The question that OUT answers: the last one, if it asks for news; else, where a return is claimed, whether the
    child is back."""
    prompt, protocol = case.last_prompt(person, texter.desk.now), texter.doors.protocol(case)
    asked = [] if prompt is None else [prompt.check]
    claimed = ["R_REV"] if case.status is Status.RETURN_CLAIMED else []
    for name in (*asked, *claimed):
        check = protocol.find(name) if protocol.has(name) else None
        value = next((o.value for o in check.options if o.means == "no_news"), None) if check is not None else None
        if check is not None and value is not None:
            return check, value
    return None


# ---- POL -----------------------------------------------------------------------------------------------


async def _pol(texter: Texter, command: Command) -> bool:
    """A log number: told, by anybody; confirmed only where a bound person on call says it."""
    concern = await the_case(texter, command)
    if concern is None:
        return True
    if not concern.trusted:
        await _note(texter, concern, unread=True)
        await texter.neutral()
    elif not command.number:
        await texter.reply("N_POL", concern=concern)
    else:
        bound = concern.person.on_call and concern.person.telegram_id is not None
        voice = texter.voice(concern.person, Trust.VERIFIED if bound else Trust.NONE)
        await texter.record(
            concern.case,
            PoliceLogged(at=texter.desk.now, by=voice.by, channel="sms", trust=voice.trust, number=command.number,
                         words=await texter.keep(concern.case)),
        )  # fmt: skip
        await texter.reply("O_POL" if bound else "O_POLTOLD", concern=concern, fields={"number": command.number})
    await _extra_worry(texter, concern, command)
    return True


# ---- people on call ------------------------------------------------------------------------------------


async def _ack(texter: Texter, command: Command) -> bool:
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


async def _settle(texter: Texter, command: Command) -> bool:
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
    await _note(texter, concern, unread=False)
    await texter.reply("N_REASON" if command.word == "NONE" else "N_NOTED", concern=concern, always=True)
    return True


async def _one_unsure(texter: Texter) -> Concern | None:
    waiting = [c for c in await texter.concerns() if c.person.on_call and any(not u.settled for u in c.case.unsure)]
    return waiting[0] if len(waiting) == 1 else None


# ---- digits alone, and the words that carriers keep for themselves ------------------------------------------


async def _code(texter: Texter, command: Command) -> bool:
    """Bare digits: the answer to a question that waits for a time, the proof of a number, else: is that a code?"""
    if await sms_codes.proves_number(texter, command.code):
        await texter.reply("N_PROVED", always=True)
        return True
    for concern in await texter.concerns():
        prompt, protocol = concern.case.last_prompt(concern.person.person_id, texter.desk.now), None
        protocol = texter.doors.protocol(concern.case)
        if prompt is not None and protocol.has(prompt.check) and protocol.find(prompt.check).kind != "choice":
            return False
    await texter.reply("N_INOUT")
    return True


async def _help(texter: Texter, command: Command) -> bool:
    await texter.reply("N_HELP", fields={"duty": await texter.duty_number()})
    return True


async def _stop(texter: Texter, command: Command) -> bool:
    """They opted out of our texts: nothing is texted back, and a person on call rings them (B092)."""
    for concern in await texter.concerns():
        person = concern.person.person_id
        if concern.case.reporter(person) is not None or not concern.staff:
            lost = ContactUnreachable(at=texter.desk.now, by=person, channel="sms", trust=Trust.NONE, person=person)
            await texter.record(concern.case, lost)
    return True


async def _start(texter: Texter, command: Command) -> bool:
    await texter.reply("N_STOPPED")
    return True


_COMMANDS: dict[str, Carry] = {
    "MISSING": _missing, "WORRIED": _worried, "CALL": _call, "BACK": _back, "OUT": _out, "POL": _pol, "ACK": _ack,
    "RISK": _settle, "NONE": _settle, "CODE": _code, "HELP": _help, "STOP": _stop, "START": _start,
}  # fmt: skip

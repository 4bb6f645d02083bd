"""The words that SMS knows: MISSING, BACK, OUT, WORRIED, POL, ACK, RISK, NONE, CALL, HELP, STOP, START, bare digits.

Each is one function that hands in news and answers where the core does not speak itself. What raises needs no proof;
what lowers, or takes an alert, needs digits that only the right phone was sent.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from casework import reading
from casework.case import Case
from casework.commands import Command
from casework.events import (
    CheckAnswered,
    PoliceLogged,
    ReturnClaimed,
)
from casework.levels import Status, Trust
from casework.protocol_parts import Check
from handlers import sms_answers, sms_codes, sms_on_call, sms_opening, sms_opting
from handlers.sms_cases import the_case
from handlers.texter import Concern, Texter
from storage.addressees import askable

Carry: TypeAlias = Callable[[Texter, Command], Awaitable[bool]]


async def carry_out(texter: Texter, command: Command) -> bool:
    """Carry out a command; False where the words turn out to be an answer or free text."""
    return await _COMMANDS[command.word](texter, command)


# ---- MISSING, WORRIED, CALL ------------------------------------------------------------------------


async def _missing(texter: Texter, command: Command) -> bool:
    """A case opens. Of several children the one that is named; else they are asked which. Where they may not even be
    asked that, each child's case opens, and a person looks."""
    known = await sms_opening.meant(texter, command.rest)
    told_apart = [(p, c) for p, c in known if askable(p) or not p.parent_of]
    if not known:
        await texter.reply("N_HELP", fields={"duty": await texter.duty_number()})
    if len(told_apart) > 1:
        options = [(await texter.initial_of(c.id), c.id) for _, c in told_apart]
        await texter.ask_which(options, await sms_opening.alarms(texter, [c.id for _, c in told_apart]))
        known = [each for each in known if each not in told_apart]
    for person, child in known:
        time = reading.read_time(_without(command.rest, child.id), texter.desk.now)
        concern, known_before = await sms_opening.open_for(texter, person, child.id, time)
        await _after_opening(texter, concern, known_before)
        if not known_before:
            await sms_opening.ask_when(texter, concern)
        await _extra_worry(texter, concern, command)
    return True


def _without(rest: str, code: str) -> str:
    return " ".join(word for word in rest.split() if word != code.casefold())


async def _after_opening(texter: Texter, concern: Concern, known_before: bool) -> None:
    """Who may not be asked gets the neutral words, and a person rings. Who reports twice is asked the same again."""
    case = concern.case
    if not concern.trusted:
        if len(case.reporters) > 1 or known_before:
            await texter.note(concern, unread=True)
        await texter.neutral()
    elif known_before:
        prompt = case.last_prompt(concern.person.person_id, texter.desk.now)
        protocol = texter.doors.protocol(case)
        if prompt is not None and protocol.has(prompt.check):
            await sms_answers.ask_again(texter, concern, protocol.find(prompt.check))
        else:
            await texter.reply("N_NOTED", concern=concern)


async def _worried(texter: Texter, command: Command) -> bool:
    """R16, and what else the words raise: for every child who is out where none is named. A parent without an open case
    opens one by it."""
    flags = tuple(dict.fromkeys(("R16", *reading.worry(command.rest, texter.book))))
    concerns = await texter.concerns()
    if not concerns and command.ref is None and await sms_opening.children(texter):
        await _missing(texter, command)
        concerns = await texter.concerns()
    elif command.ref is not None or texter.chosen:
        named = await the_case(texter, command)
        concerns = [] if named is None else [named]
    elif not concerns:
        await the_case(texter, command)
    for concern in concerns:
        await texter.worry(await texter.fresh(concern), flags)
        await texter.say("N_RAISED", concern)
    return True


async def _call(texter: Texter, command: Command) -> bool:
    """A person is to ring."""
    concern = await the_case(texter, command)
    if concern is not None:
        await texter.note(concern, unread=True)
        await _extra_worry(texter, concern, command)
        await texter.say("N_CALL", concern)
    return True


async def _extra_worry(texter: Texter, concern: Concern, command: Command) -> None:
    """Words of danger that came with a command are raised, unless they stand already."""
    case = (await texter.fresh(concern)).case
    flags = tuple(f for f in reading.worry(command.rest, texter.book) if f not in case.flags)
    if flags and case.open:
        await texter.worry(Concern(concern.person, case), flags)


# ---- BACK, OUT, POL ----------------------------------------------------------------------------------


async def _back(texter: Texter, command: Command) -> bool:
    """A return is claimed; the right six digits make the claim a stronger one, nothing more."""
    if command.code and await sms_codes.of_another_case(texter, command):
        await texter.reply("N_OVER")
        return True
    concern = await the_case(texter, command)
    if concern is None:
        return True
    if not concern.trusted:
        await texter.note(concern, unread=True)
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
    if concern.case.returned:
        await texter.reply("N_OVER")
    return True


async def _out(texter: Texter, command: Command) -> bool:
    """No news: the answer to a review that asks for news, else a note."""
    concern = await the_case(texter, command)
    if concern is None:
        return True
    if not concern.trusted:
        await texter.note(concern, unread=True)
        await texter.neutral()
        return True
    answered = _no_news(texter, concern.case, concern.person.person_id)
    if answered is None:
        await texter.note(concern, unread=False)
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


async def _pol(texter: Texter, command: Command) -> bool:
    """A log number by SMS is told, never confirmed: a From number is a hint. `/pol` by a bound account confirms it."""
    concern = await the_case(texter, command)
    if concern is None:
        return True
    if not concern.trusted:
        await texter.note(concern, unread=True)
        await texter.neutral()
    elif not command.number:
        await texter.reply("N_POL", concern=concern)
    else:
        voice = texter.voice(concern.person, Trust.NONE)
        await texter.record(
            concern.case,
            PoliceLogged(at=texter.desk.now, by=voice.by, channel="sms", trust=voice.trust, number=command.number,
                         words=await texter.keep(concern.case)),
        )  # fmt: skip
        await texter.reply("O_POLTOLD", concern=concern, fields={"number": command.number})
    await _extra_worry(texter, concern, command)
    return True


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


_COMMANDS: dict[str, Carry] = {
    "MISSING": _missing,
    "WORRIED": _worried,
    "CALL": _call,
    "BACK": _back,
    "OUT": _out,
    "POL": _pol,
    "ACK": sms_on_call.acknowledge,
    "RISK": sms_on_call.settle,
    "NONE": sms_on_call.settle,
    "CODE": _code,
    "HELP": _help,
    "STOP": sms_opting.stop,
    "START": sms_opting.start,
}

"""Which command does what, on Telegram: one table from the word to what is done.

Anyone who may see a case may raise in it; only people on call and the child's manager take, confirm, settle or close.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

from casework import reading
from casework.case import Case
from casework.commands import read_command
from casework.events import PoliceLogged, ReturnClaimed
from casework.levels import Status, Trust
from casework.watch import asks_at
from handlers import (
    inbox,
    keyboards,
    opening,
    standing,
    telegram_duty,
    telegram_groups,
    telegram_on_call,
    telegram_reports,
)
from handlers.talk import Pending, Talk, listed, split_ref
from storage.addressees import askable

Command: TypeAlias = Callable[[Talk, str], Awaitable[None]]

A_DAY_LATE = timedelta(hours=18)  # `/watch K7 21:00` typed at 21:30 means a slip, not tomorrow


# ---- a child is not where they should be ----------------------------------------------------------


async def absent(talk: Talk, rest: str) -> None:
    """`/absent [CHILD] [HH:MM]`: the case opens with the first tap; a time that is not known is asked for beside it."""
    child, words = await _child(talk, rest, "absent")
    if child is None:
        return
    home = await _home_of(talk, child)
    before = [c for c in await talk.desk.open_cases(child=child) if not c.returned and not inbox.is_watch(c)]
    time = reading.read_time(words, talk.now) if words else None
    said = "" if time is not None else words
    voice = talk.voice_in(home)
    asked = voice.trust is Trust.VERIFIED or askable(talk.person)
    case = await opening.open_case(talk.desk, child, talk.person, voice, time, askable=asked, words=said)
    if not asked:
        await talk.say("stranger_alone")
    if before:
        await talk.say("opened_late", case=case)
        await talk.show(case)
    if time is None and case.t0_kind == "reported" and await talk.works(case):
        await ask_when(talk, case)


async def ask_when(talk: Talk, case: Case, *, again: bool = False) -> None:
    """C00: when was the child due, or last certainly here? The clock runs from the report until it is known."""
    await talk.expect(Pending("due", case.case_id))
    keys = await keyboards.options(talk, case, "due", [("unsure", "unknown")])
    await talk.say("time_again" if again else "C00", case=case, keyboard=keys)


async def watch(talk: Talk, rest: str) -> None:
    """`/watch CHILD HH:MM`: ask by itself at due + grace. A time that cannot be read or has passed is refused."""
    if not rest.strip():
        await talk.say("watch_where")
        return
    child, words = await _child(talk, rest, "watch")
    if child is None:
        return
    due = reading.read_coming(words, talk.now)
    if due is None or (due - talk.now > A_DAY_LATE and "tomorrow" not in words.casefold()):
        await talk.say("watch_when")
        return
    home = await _home_of(talk, child)
    case = await opening.set_watch(talk.desk, child, talk.person, talk.voice_in(home), due)
    if inbox.is_watch(case):
        at = asks_at(case, talk.protocol(case))
        await talk.say("opened_watch", {"due": case.watch_due, "at": at}, case=case)
    else:
        await talk.show(case)


async def my_children(talk: Talk) -> list[str]:
    """Codes of the children this person may report: of their own homes, of all homes when on call, and their own."""
    directory, person = talk.desk.directory, talk.person
    codes = list(person.parent_of)
    for home in await directory.homes(person.organisation, None if inbox.everywhere(person) else person.homes):
        codes += [child.id for child in await directory.children_of(home.id)]
    return list(dict.fromkeys(codes))


async def _child(talk: Talk, rest: str, verb: str) -> tuple[str | None, str]:
    """The child that is meant and the words after the code; otherwise they are asked which, or told there is none."""
    known = {code.casefold(): code for code in await my_children(talk)}
    first, _, after = rest.strip().partition(" ")
    if first.casefold() in known:
        return known[first.casefold()], after.strip()
    if first and not _is_time(rest):
        await talk.say("no_child")
    elif not known:
        await talk.say("refused")
    else:
        await talk.expect(Pending("child", detail=f"{verb} {rest}"))
        keys = await keyboards.pick_child(talk, list(known.values()), verb, rest)
        await talk.say("pick_child", {"list": listed(list(known.values()))}, keyboard=keys)
    return None, ""


def _is_time(rest: str) -> bool:
    first = rest.split()[0].casefold()
    return bool(re.match(r"\d{1,2}[:.h]?\d{2}", first)) or first in ("seen", "yday", "yesterday", "due")


async def _home_of(talk: Talk, child_id: str) -> str:
    child = await talk.desk.directory.child(child_id)
    assert child is not None, "a child that was offered is on the register"
    return child.home


# ---- looking --------------------------------------------------------------------------------------


async def open_list(talk: Talk, rest: str) -> None:
    """`/open`: every open case and watch this person may see, one line each, with a button that shows it."""
    cases = await inbox.visible(talk.desk, talk.person)
    if not cases:
        await talk.say("no_open")
        return
    keys = await keyboards.pick_case(talk, cases, "case", "")
    await talk.say("PLAIN", {"text": "\n".join(talk.header(case) for case in cases)}, keyboard=keys)


async def show(talk: Talk, rest: str) -> None:
    """`/case REF`: a fresh card, and where its alert stands."""
    ref, _ = split_ref(rest)
    if ref is None and rest.strip():
        await talk.say("not_found")
        return
    case = await talk.which(ref, "case", watches=True)
    if case is None:
        return
    if case.open:
        await talk.show(case)
        await standing.show(talk, case)
    else:
        await talk.say("case_closed_line", case=case)


# ---- what anybody may say -------------------------------------------------------------------------


async def worried(talk: Talk, rest: str) -> None:
    """`/worried [REF] words`: raise now. Without a ref, and with several cases open, they are asked which."""
    ref, words = split_ref(rest)
    case = await talk.which(ref, "worried", words, watches=True)
    if case is None:
        return
    flags = reading.worry(words, talk.book) or ("R16",)
    await inbox.raise_worry(talk.desk, case, words, await talk.voice(case), flags)
    await talk.say("worried", case=case)


async def police(talk: Talk, rest: str) -> None:
    """`/pol [REF] NUMBER`: from bound staff or people on call it counts as reported, and confirms one a parent told."""
    command = read_command(f"pol {rest}")
    ref, number = (command.ref, command.number) if command is not None else split_ref(rest)
    case = await talk.which(ref, "pol", number)
    if case is None:
        return
    if not number:
        await talk.expect(Pending("pol", case.case_id))
        await talk.say("pol_how", case=case)
        return
    voice = await talk.voice(case)
    await talk.desk.record(
        case.case_id,
        PoliceLogged(at=talk.now, by=voice.by, channel=voice.channel, trust=voice.trust, number=number),
    )
    if case.reporter(voice.by) is None or case.returned:
        await talk.say("pol_ok", {"number": number}, case=case)


async def back(talk: Talk, rest: str) -> None:
    """`/back [REF]`: nothing ends by it; the answer to B_SEEN says who has seen the child."""
    ref, words = split_ref(rest)
    case = await talk.which(ref, "back", words, watches=True)
    if case is None:
        return
    if case.returned or case.status is Status.CLOSED:
        await show(talk, case.code)
        return
    voice = await talk.voice(case)
    kept = await talk.desk.keep(words, child_id=case.child.child_id, case_id=case.case_id) if words else None
    await talk.desk.record(
        case.case_id,
        ReturnClaimed(at=talk.now, by=voice.by, channel=voice.channel, trust=voice.trust, words=kept),
    )


async def helped(talk: Talk, rest: str) -> None:
    """`/help`: what this person can do; 999 first."""
    await talk.say("help_coordinator" if talk.person.on_call else "help_staff")


COMMANDS: dict[str, Command] = {
    "absent": absent,
    "watch": watch,
    "open": open_list,
    "case": show,
    "worried": worried,
    "pol": police,
    "back": back,
    "report": telegram_reports.report,
    "help": helped,
    "start": helped,
    "ack": telegram_on_call.take,
    "note": telegram_on_call.note,
    "stay": telegram_on_call.stay,
    "confirm": telegram_on_call.confirm,
    "declined": telegram_on_call.declined,
    "close": telegram_on_call.close,
    "rota": telegram_duty.show,
    "takeover": telegram_duty.take_over,
    "reached": telegram_duty.reached,
    "cover": telegram_duty.cover,
    "bind": telegram_groups.bind,
    "unbind": telegram_groups.unbind,
}

"""Which button does what, on Telegram: one table from the action to what is done.

A press carries a token and nothing else. Whose business it is, is looked up now; a question that has moved on, a case
that has ended and a second press are told so, and change nothing (T14).
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TypeAlias

from casework.case import Answer, Case
from casework.events import News, ReturnClaimed
from casework.levels import Status
from casework.times import ReadTime
from handlers import inbox, opening, taking, telegram_commands, telegram_on_call, telegram_reports
from handlers.inbox import may_see
from handlers.talk import Pending, Talk
from storage.buttons import Button
from storage.keyboards import AMENDED

Press: TypeAlias = Callable[[Talk, Case, Button], Awaitable[None]]

_NO_PROMPT = ("RHI_1", "C_UNSURE")  # asked of people on call, who may answer as long as the case is open
_CONTRARY = frozenset({"no_news", "no_contact", "new_worry", "on_the_way", "told", "phone"})
AT_ONCE = timedelta(minutes=1)  # two who press within it contradict each other; later, the child may have come


async def press(talk: Talk) -> None:
    """Carry out one press."""
    button = await talk.desk.button(talk.update.token) if talk.update.token else None
    if button is None or button.expires_at < talk.now:
        talk.toast = talk.words("no_button")
        return
    if button.case_id is None:
        await _menu(talk, button)
        return
    case = await talk.desk.case(button.case_id)
    if case is None or not await may_see(talk.desk, talk.person, case):
        talk.toast = talk.words("not_found")
    elif case.status is Status.CLOSED:
        await _closed(talk, case, button)
    elif button.used_by is not None and button.action.removesuffix(AMENDED) not in _AGAIN:
        await _second_press(talk, button)
    else:
        await PRESSES.get(button.action.removesuffix(AMENDED), _unknown)(talk, case, button)


async def _menu(talk: Talk, button: Button) -> None:
    """A button of a list that belongs to no case: it is one's own alone."""
    if button.person != talk.person.person_id or button.check not in telegram_commands.COMMANDS:
        talk.toast = talk.words("no_button")
    elif await _use(talk, button):
        await talk.expect(None)
        await telegram_commands.COMMANDS[button.check](talk, button.value)


async def _use(talk: Talk, button: Button) -> bool:
    """Spend the button; the second of two presses is told who was first."""
    if await talk.desk.use_button(button.token, talk.person.person_id):
        return True
    await _second_press(talk, button)
    return False


async def _second_press(talk: Talk, button: Button) -> None:
    first = await talk.desk.directory.person(button.used_by or "")
    if first is None or first.person_id == talk.person.person_id:
        talk.toast = talk.words("pressed_before")
    else:
        talk.toast = talk.words("pressed_by", {"name": first.name})


async def _unknown(talk: Talk, case: Case, button: Button) -> None:
    talk.toast = talk.words("no_button")


# ---- answers --------------------------------------------------------------------------------------


async def _answer(talk: Talk, case: Case, button: Button) -> None:
    await _record(talk, case, button, (button.value,))


async def _ticked(talk: Talk, case: Case, button: Button) -> None:
    """`Done`: the list goes off as it is ticked. Nothing ticked is no answer, least of all a reassuring one."""
    ticks = await talk.desk.ticks(case.case_id, talk.person.person_id, button.check)
    if not ticks and button.used_by is None:
        talk.toast = talk.words("tick_first")
        return
    check = talk.protocol(case).find(button.check)
    await _record(talk, case, button, tuple(o.value for o in check.options if o.value in ticks))


async def _record(talk: Talk, case: Case, button: Button, values: tuple[str, ...]) -> None:
    since = answered_since(case, button)
    if _moved_on(case, button, talk.person.person_id, since):
        talk.toast = talk.words("moved_on", case=case)
        await talk.show(case)
        return
    if not await _use(talk, button):
        return
    if button.action.startswith("ticked"):
        await talk.desk.set_ticks(case.case_id, talk.person.person_id, button.check, ())
    voice = await talk.voice(case)
    others = {v for a in since if talk.now - a.at <= AT_ONCE for v in a.values}
    news: News = inbox.chosen(button.check, values, voice, talk.now)
    if "seen" in _means(talk, case, button.check, values) and _means(talk, case, button.check, others) & _CONTRARY:
        news = ReturnClaimed(
            at=talk.now, by=voice.by, channel=voice.channel, trust=voice.trust, seen=True, seen_at=talk.now
        )
    step = await talk.desk.record(case.case_id, news)
    if button.check.startswith("T_") and values == ("no",):
        await talk.expect(Pending("note", case.case_id))  # considered and not due: the reason stands in their name
        await talk.say("task_why", case=case)
    if since:
        talk.toast = talk.words("late", case=case)
        if step.case.returned and _means(talk, case, button.check, values) & _CONTRARY:
            await inbox.tell_on_call(talk.desk, case.case_id, "C_NOTE")


async def _closed(talk: Talk, case: Case, button: Button) -> None:
    """A watch that a colleague ended this minute, with the child seen, and this person says no: a case opens."""
    just_now = case.closed_at is not None and talk.now - case.closed_at <= AT_ONCE
    said_no = _means(talk, case, button.check, (button.value,)) & _CONTRARY if button.action == "answer" else set()
    mine = any(a.by == talk.person.person_id for a in case.answers.get(button.check, ()))
    if not (just_now and said_no and inbox.was_watch(case)) or mine or not await _use(talk, button):
        talk.toast = talk.words("no_button")
        return
    time = ReadTime("due", case.t0)
    await opening.open_case(talk.desk, case.child.child_id, talk.person, await talk.voice(case), time)
    talk.toast = talk.words("late", case=case)


def answered_since(case: Case, button: Button) -> tuple[Answer, ...]:
    """Answers to the question that came after this button was made."""
    return tuple(a for a in case.answers.get(button.check, ()) if a.at >= button.prompt_at)


def _moved_on(case: Case, button: Button, person: str, since: tuple[Answer, ...]) -> bool:
    """Whether the question no longer waits for this person. What a colleague answered a moment ago may still be
    contradicted: both are recorded, and the riskier stands (HZ14). A step back waits until it is answered anew."""
    if button.action.endswith(AMENDED):
        return any(a.by == person and a.at > button.prompt_at for a in since)
    if any(p.check == button.check for p in case.prompts):
        return False
    if button.check in _NO_PROMPT or button.check.startswith("T_"):
        return False
    if since:
        return any(a.by == person for a in since)
    return True  # withdrawn, or answered before this button was made


def _means(talk: Talk, case: Case, check: str, values: Iterable[str]) -> set[str]:
    """What these options say: `seen`, `no_news`, …"""
    protocol = talk.protocol(case)
    rule = protocol.find(check) if protocol.has(check) else None
    return {o.means for v in values if rule is not None and (o := rule.option(v))}


async def _tick(talk: Talk, case: Case, button: Button) -> None:
    """Tick or untick one entry; nothing is recorded before `Done`."""
    if _moved_on(case, button, talk.person.person_id, answered_since(case, button)):
        talk.toast = talk.words("moved_on", case=case)
        await talk.show(case)
        return
    me = talk.person.person_id
    ticks = await talk.desk.ticks(case.case_id, me, button.check)
    await talk.desk.set_ticks(case.case_id, me, button.check, ticks ^ {button.value})
    await talk.ask(case, button.check, talk.now, fresh=False, amend=button.action.endswith(AMENDED))


async def _before(talk: Talk, case: Case, button: Button) -> None:
    if not await step_back(talk, case, button.check):
        talk.toast = talk.words("no_before", case=case)


async def step_back(talk: Talk, case: Case, this: str) -> bool:
    """A step back: what this person answered last is asked again. A worse answer counts; a better one takes nothing
    back (F3). False where nothing was answered; `this` is the check that stands there now."""
    mine = [
        (answers[-1].seq, check)
        for check, answers in case.answers.items()
        if answers[-1].by == talk.person.person_id and talk.protocol(case).has(check)
        and talk.protocol(case).find(check).stage != "prompt" and check not in (this, "C00")
    ]  # fmt: skip
    if mine:
        await talk.ask(case, max(mine)[1], talk.now, fresh=False, amend=True)
    return bool(mine)


# ---- the rest -------------------------------------------------------------------------------------


async def _settle(talk: Talk, case: Case, button: Button) -> None:
    if not await talk.leads(case):
        talk.toast = talk.words("refused")
    else:
        await telegram_on_call.settle(talk, case, button.check, risk=button.value != "none")


async def _confirm(talk: Talk, case: Case, button: Button) -> None:
    if not await talk.leads(case):
        talk.toast = talk.words("refused")
    else:
        via = "social_care" if button.value == "social" else button.value
        await telegram_on_call.confirm_by(talk, case, via, "")


async def _due(talk: Talk, case: Case, button: Button) -> None:
    """Not sure when: the clock keeps running from the report."""
    if await _use(talk, button):
        await talk.expect(None)
        voice = await talk.voice(case)
        await talk.desk.record(case.case_id, inbox.chosen("C00", ("unknown",), voice, talk.now))
        talk.toast = talk.words("noticed", case=case)


async def _pick(talk: Talk, case: Case, button: Button) -> None:
    command = telegram_commands.COMMANDS.get(button.check)
    if command is None:
        talk.toast = talk.words("no_button")
        return
    await talk.expect(None)
    await command(talk, f"{case.code} {button.value}".strip())


async def _script(talk: Talk, case: Case, button: Button) -> None:
    await telegram_reports.give(talk, case)


async def _take(talk: Talk, case: Case, button: Button) -> None:
    """Under the letter of a day: that step, and no alert."""
    day = taking.day_of(talk.desk, case, button.check)
    if day is None:
        await telegram_commands.COMMANDS["ack"](talk, case.code)
    else:
        await telegram_on_call.take_on(talk, case, day)


def _command(verb: str) -> Press:
    async def carried_out(talk: Talk, case: Case, button: Button) -> None:
        await telegram_commands.COMMANDS[verb](talk, case.code)

    return carried_out


PRESSES: dict[str, Press] = {
    "answer": _answer,
    "tick": _tick,
    "ticked": _ticked,
    "before": _before,
    "settle": _settle,
    "take": _take,
    "worried": _command("worried"),
    "home": _command("back"),
    "script": _script,
    "confirm": _confirm,
    "due": _due,
    "pick": _pick,
}
_AGAIN = frozenset({"tick", "before", "settle", "take", "worried", "home", "script", "confirm", "pick"})

"""What people write on Telegram beside commands: an answer, words that were asked for, a worry, or evidence.

In this order: the typed form of a button or command, words that were asked for, the answer to the open question, and
what is left is kept. Worry words raise wherever they stand. Nothing that came late or was forwarded is an answer.
"""

from casework import reading, wording
from casework.case import Case, Prompt
from casework.commands import read_command
from casework.plain import phrase
from casework.wording import local
from handlers import inbox, opening, telegram_buttons, telegram_commands, telegram_duty, telegram_on_call
from handlers.inbox import concerning
from handlers.talk import Pending, Talk, split_ref

_TYPED = {"MISSING": "absent", "BACK": "back", "WORRIED": "worried", "POL": "pol", "ACK": "ack", "HELP": "help"}
_LABELS = {"TAKE": "ack", "WORRIED": "worried", "HOME": "back", "SCRIPT": "report"}


async def words(talk: Talk) -> None:
    """Answer one written message."""
    talk.desk.ask_below()
    text = talk.update.words.strip()
    if text.startswith("/"):
        await _command(talk, text)
        return
    if not talk.update.authentic:
        await _evidence(talk, text, "not_own")
        return
    if await telegram_duty.typed(talk, text):
        return
    pending = await talk.expected()
    if pending is not None and await _asked_for(talk, pending, text):
        return
    case, prompt = await _open_question(talk)
    read = case is not None and prompt is not None and (
        await _beside(talk, case, prompt, text) or await _answer(talk, case, prompt, text)
    )  # fmt: skip
    if not read and not await _typed(talk, text) and not await _older(talk, case, prompt, text):
        await _evidence(talk, text)


async def _command(talk: Talk, text: str) -> None:
    word, _, rest = text[1:].partition(" ")
    name = word.partition("@")[0].casefold()
    await talk.expect(None)
    await telegram_commands.COMMANDS.get(name, telegram_commands.helped)(talk, rest.strip())


# ---- the typed forms ------------------------------------------------------------------------------


async def _typed(talk: Talk, text: str) -> bool:
    """The words of a button or of the SMS commands, as the texts themselves tell people to write them."""
    ref, rest = split_ref(text)
    for label, verb in _LABELS.items():
        if phrase(rest) == phrase(wording.label(talk.book, label)):
            await telegram_commands.COMMANDS[verb](talk, ref or "")
            return True
    if settled := _settling(talk, rest):
        return await _settle(talk, ref, *settled)
    command = read_command(text)
    if command is None or command.word not in _TYPED:
        return False
    verb = _TYPED[command.word]
    given = command.number if verb == "pol" else "" if verb == "ack" else command.rest
    await telegram_commands.COMMANDS[verb](talk, f"{command.ref or ''} {given}".strip())
    return True


def _settling(talk: Talk, rest: str) -> tuple[bool, str] | None:
    """`RISK`, `NONE why`, or the words of the two buttons: whether it is a risk, and the reason."""
    said = phrase(rest)
    for risk, label in ((True, "C_UNSURE.risk"), (False, "C_UNSURE.none")):
        full = phrase(wording.label(talk.book, label))
        word = "risk" if risk else "none"
        if said == full or said.startswith(full + " "):
            return risk, " ".join(rest.split()[len(full.split()) :])
        if said == word or (said.startswith(word + " ") and read_command(f"A00 {rest}") is not None):
            return risk, " ".join(rest.split()[1:])
    return None


async def _settle(talk: Talk, ref: str | None, risk: bool, reason: str) -> bool:
    waiting = [c for c in await concerning(talk.desk, talk.person) if c.unsettled()]
    case = waiting[0] if ref is None and len(waiting) == 1 else await talk.which(ref, "case")
    if case is None:
        return True
    if not await talk.leads(case):
        if risk:  # a risk raises, whoever says so
            await telegram_commands.worried(talk, case.code)
            return True
        await talk.say("refused")
        return True
    await telegram_on_call.settle(talk, case, None, risk=risk, reason=reason)
    return True


# ---- words that were asked for --------------------------------------------------------------------


async def _asked_for(talk: Talk, pending: Pending, text: str) -> bool:
    """Use these words for what was asked outside a check; False where they are plainly something else.

    The time stays asked for until one comes, beside the questions; everything else is forgotten with these words.
    """
    if pending.kind == "due" and reading.read_time(text, talk.now) is None and not any(c.isdigit() for c in text):
        await talk.expects_still(pending)
        return False
    await talk.expect(None)
    if pending.kind in ("child", "pick"):
        verb, _, rest = pending.detail.partition(" ")
        if len(text.split()) > 2:
            return False
        await telegram_commands.COMMANDS[verb](talk, f"{text} {rest}".strip())
        return True
    case = await talk.desk.case(pending.case_id)
    if case is None or not case.open or not await inbox.may_see(talk.desk, talk.person, case):
        return False
    match pending.kind:
        case "due":
            await _due(talk, case, text)
        case "risk" if reading.worry(text, talk.book):
            return False  # a worry is no reason why it is no risk
        case "risk":
            await telegram_on_call.settle(talk, case, pending.detail or None, risk=False, reason=text)
        case "confirm":
            await telegram_on_call.confirm_by(talk, case, pending.detail, text)
        case verb:
            await telegram_commands.COMMANDS[verb](talk, f"{case.code} {text}")
    return True


async def _due(talk: Talk, case: Case, text: str) -> None:
    """The time the child was due or last certainly here; a time that cannot be read is asked for again."""
    time = reading.read_time(text, talk.now)
    if time is None:
        await telegram_commands.ask_when(talk, case, again=True)
        return
    await opening.set_clock(talk.desk, case, talk.person, await talk.voice(case), time, text)
    await talk.say("due_ok", {"at": min(time.instant, talk.now)}, case=case)


# ---- answers --------------------------------------------------------------------------------------


async def _open_question(talk: Talk) -> tuple[Case | None, Prompt | None]:
    """The question last put to this person that still waits, of all their cases."""
    me = talk.person.person_id
    waiting = [
        (prompt.asked_at, case, prompt)
        for case in await inbox.visible(talk.desk, talk.person)
        if (prompt := case.last_prompt(me, talk.now)) is not None
    ]
    if not waiting:
        return None, None
    _, case, prompt = max(waiting, key=lambda each: each[0])
    return case, prompt


async def _answer(talk: Talk, case: Case, prompt: Prompt, text: str) -> bool:
    """Hand in the words as the answer to this question; False where they are none, or were sent before it was put."""
    ref, said = split_ref(text)
    protocol = talk.protocol(case)
    if (ref is not None and ref != case.code) or not protocol.has(prompt.check):
        return False
    if _came_before(talk, prompt):
        return False
    check = protocol.find(prompt.check)
    if check.kind in ("words", "whereabouts") and _is_command(talk, said):
        return False
    voice = await talk.voice(case)
    news = await inbox.read_news(talk.desk, case, check, said, voice)
    if news is None:
        return False
    if check.kind == "ticks":
        await talk.desk.set_ticks(case.case_id, talk.person.person_id, check.id, ())
    await talk.desk.record(case.case_id, news)
    if flags := reading.worry(said, talk.book):
        await inbox.raise_worry(talk.desk, case, "", voice, flags)
    return True


async def _older(talk: Talk, case: Case | None, last: Prompt | None, text: str) -> bool:
    """The typed form of a button on a question that waits beneath a newer one: words of an option, never a bare digit."""
    if case is None or not any(letter.isalpha() for letter in text):
        return False
    me, protocol = talk.person.person_id, talk.protocol(case)
    for prompt in reversed(case.prompts):
        mine = prompt.to == me and prompt != last and prompt.asked_at <= talk.now and protocol.has(prompt.check)
        if mine and protocol.find(prompt.check).kind in ("choice", "ticks") and await _answer(talk, case, prompt, text):
            return True
    return False


async def _beside(talk: Talk, case: Case, prompt: Prompt, text: str) -> bool:
    """The typed forms of the buttons that stand under every question: a step back, and `Done` under a list."""
    said = phrase(split_ref(text)[1])
    if said == phrase(wording.label(talk.book, "BEFORE")):
        if not await telegram_buttons.step_back(talk, case, prompt.check):
            await talk.say("no_before", case=case)
        return True
    if said != phrase(wording.label(talk.book, "DONE")):
        return False
    ticks = await talk.desk.ticks(case.case_id, talk.person.person_id, prompt.check)
    if not ticks:
        return False
    check = talk.protocol(case).find(prompt.check)
    values = tuple(o.value for o in check.options if o.value in ticks)
    await talk.desk.set_ticks(case.case_id, talk.person.person_id, check.id, ())
    await talk.desk.record(case.case_id, inbox.chosen(check.id, values, await talk.voice(case), talk.now))
    return True


def _came_before(talk: Talk, prompt: Prompt) -> bool:
    """Whether the message was on its way before the question was put: it cannot be its answer (B020)."""
    update = talk.update
    return update.late(talk.now) and update.sent_at is not None and update.sent_at < prompt.asked_at


def _is_command(talk: Talk, said: str) -> bool:
    """Whether words that could be anything are a command after all: `BACK`, `POL 2290`, `Child is back`."""
    labels = {phrase(wording.label(talk.book, label)) for label in _LABELS}
    command = read_command(said)
    return phrase(said) in labels or (command is not None and command.word in _TYPED)


# ---- evidence -------------------------------------------------------------------------------------


async def _evidence(talk: Talk, text: str, reply: str = "noticed") -> None:
    """Keep what is no answer; worry words raise, in every case they may be about."""
    ref, said = split_ref(text)
    flags = reading.worry(said, talk.book)
    cases = await about(talk, ref, raising=bool(flags))
    if not cases:
        return
    late = talk.update.late(talk.now) and talk.update.sent_at is not None
    for case in cases:
        voice = await talk.voice(case)
        sent = local(talk.book, talk.update.sent_at, talk.now) if late and talk.update.sent_at else ""
        kept = f"[sent {sent}, came {local(talk.book, talk.now, talk.now)}] {said}" if late else said
        await inbox.note(talk.desk, case, kept, voice)
        if flags:
            await inbox.raise_worry(talk.desk, case, "", voice, flags)
        text_id = "raised" if flags else "came_late" if late else reply
        await talk.say(text_id, {"sent": talk.update.sent_at}, case=case)


async def about(talk: Talk, ref: str | None, *, raising: bool) -> list[Case]:
    """The cases that words beside a question may be about; none where they are asked which, or none is open."""
    if ref is not None and (case := await talk.find(ref)) is not None:
        return [case]
    if ref is not None:
        return []
    found = await concerning(talk.desk, talk.person)
    if not found:
        await talk.say("no_open")
    elif len(found) > 1 and not raising:
        me = talk.person.person_id
        asked = [c for c in found if c.last_prompt(me, talk.now) is not None]
        if len(asked) == 1:
            return asked
        await talk.which(None, "note", talk.update.words, watches=True)
        return []
    return found

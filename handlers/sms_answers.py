"""What is meant by a text that is no command: the answer to a question, a worry, or words for a person to read."""

import re

from casework import asking, reading
from casework.case import Case
from casework.effects import Tell, To
from casework.events import NoteMade
from casework.levels import Trust
from casework.plain import tokens
from casework.protocol_parts import Check
from handlers.inbox import read_news
from handlers.opening import set_clock
from handlers.sms_cases import ask_which
from handlers.sms_opening import open_for
from handlers.texter import Concern, Texter
from storage.texters import lately_sent

_REF_FIRST = re.compile(r"\s*([A-Za-z]) ?(\d{2,4})(?![\d:.])[\s:,.-]+(?=\S)")
_DIGIT_FIRST = re.compile(r"^\W*\d(?!\d)\W*")
_ALARMS = ("R01", "R02", "R10")  # words that open a case by themselves; `worried` alone is also said when all is well
_HOW = {"time": "N_TIME", "ticks": "N_TICKS"}  # how a question of this kind is answered
_POLITE = frozenset({"ok", "okay", "yes", "k", "cool", "great", "good", "fine"})


async def answer(texter: Texter) -> None:
    """Work words that are no command: for the one case that concerns them, or ask which."""
    concerns = await texter.concerns()
    if not concerns:
        await _no_case(texter)
        return
    named = _named(texter, concerns)
    if named is not None:
        await _one(texter, named, _REF_FIRST.sub("", texter.words, count=1) if not texter.chosen else texter.words)
    elif len(concerns) == 1:
        await _one(texter, concerns[0], texter.words)
    else:
        await _several(texter, concerns)


def _named(texter: Texter, concerns: list[Concern]) -> Concern | None:
    """The case that the words begin with, or that was picked when we asked."""
    if texter.chosen:
        return next((c for c in concerns if texter.names(c.case.code, c.case.child.child_id)), None)
    match = _REF_FIRST.match(texter.words)
    code = f"{match[1]}{match[2]}".upper() if match else ""
    return next((c for c in concerns if c.case.code == code), None)


async def _several(texter: Texter, concerns: list[Concern]) -> None:
    """Several children: a worry is raised for each, for a reader may err only upwards; anything else is asked about."""
    flags = reading.worry(_bare(texter.words), texter.book)
    if flags:
        for concern in concerns:
            await raise_new(texter, concern, flags)
        return
    mine = [c for c in concerns if texter.names(await texter.initial_of(c.case.child.child_id), c.case.code)]
    if len(mine) == 1:
        await _one(texter, mine[0], texter.words)
    elif not _polite(texter):
        await ask_which(texter, concerns)


async def _one(texter: Texter, concern: Concern, words: str) -> None:
    if not concern.trusted:
        await _restricted(texter, concern)
        return
    check = await _question(texter, concern)
    news = None
    if check is not None:
        news = await read_news(texter.desk, concern.case, check, words, texter.voice(concern.person))
    if news is not None:
        await texter.record(concern.case, news)
    read = news is not None or await _sets_clock(texter, concern, words)
    flags = reading.worry(_bare(words), texter.book)
    if flags:
        await raise_new(texter, concern, flags)
    elif not read:
        await _unread(texter, concern, check)


async def _question(texter: Texter, concern: Concern) -> Check | None:
    """The question that digits or words answer: the last one asked of this person, else the last one texted to them. A text
    that came late answers nothing that was asked after it was sent: a person looks at it."""
    protocol = texter.doors.protocol(concern.case)
    prompt = concern.case.last_prompt(concern.person.person_id, texter.desk.now)
    if texter.sent_at is not None and (prompt is None or prompt.asked_at > texter.sent_at):
        return None
    if prompt is not None:
        return protocol.find(prompt.check) if protocol.has(prompt.check) else None
    sent = await lately_sent(texter.desk.tx, texter.number, concern.case.case_id) if concern.staff else []
    return next((protocol.find(text) for text in sent if protocol.has(text)), None)


async def _sets_clock(texter: Texter, concern: Concern, words: str) -> bool:
    """A time from staff, where the case opened without one: C00, which waits beside the questions (as on Telegram)."""
    time = reading.read_time(words, texter.desk.now) if concern.staff and concern.case.t0_kind == "reported" else None
    if time is None:
        return False
    case, person = concern.case, concern.person
    await set_clock(texter.desk, case, person, texter.voice(person), time, words)
    await texter.reply("due_ok", concern=concern, fields={"at": min(time.instant, texter.desk.now)})
    return True


# ---- what could not be read --------------------------------------------------------------------------


async def _unread(texter: Texter, concern: Concern, check: Check | None) -> None:
    """Asked again once, then a person must look. Where nothing was asked, a person must look at once."""
    if check is None and _polite(texter):
        await texter.note(concern, unread=False)
        return
    asking = "" if check is None else _asking(concern.case, check)
    if check is None or await texter.memory.unread_before(asking):
        await texter.note(concern, unread=True)
        await texter.reply("N_NOTED", concern=await texter.fresh(concern))
        return
    await texter.note(concern, unread=False)
    await texter.reply(_HOW.get(check.kind, "N_AGAIN"), concern=concern)
    if concern.case.last_prompt(concern.person.person_id, texter.desk.now) is not None:
        await ask_again(texter, concern, check)


async def ask_again(texter: Texter, concern: Concern, check: Check) -> None:
    """Text the same question once more, marked as a repeat; nothing about its timer changes."""
    protocol = texter.doors.protocol(concern.case)
    fields = asking.words_for(concern.case, protocol, check.id, texter.desk.now)
    to = To(kind="person", id=concern.person.person_id)
    await texter.desk.tell(concern.case, Tell(to=to, text=check.id, fields=fields, question=check.id, repeat=True))


def _asking(case: Case, check: Check) -> str:
    """One asking of one question, by which a second unread answer to it is known."""
    return f"{case.case_id}:{check.id}:{case.asked.get(check.id, (0, 0))[1]}"


def _polite(texter: Texter) -> bool:
    """Nothing but thanks or an OK, or no words at all: no answer to anything, and no reason to wake a person."""
    polite = {*texter.book.says.get("polite", ()), *_POLITE}
    return all(word in polite for word in tokens(texter.words))


def _bare(words: str) -> str:
    """The words without the digit of an option before them: `1 Not worried` is that option's label, and no worry."""
    return _DIGIT_FIRST.sub("", words)


# ---- worries -------------------------------------------------------------------------------------------


async def raise_new(texter: Texter, concern: Concern, flags: tuple[str, ...]) -> None:
    """Raise what these words raise; what stands already is put before a person instead of raised twice."""
    case = (await texter.fresh(concern)).case
    new = tuple(flag for flag in flags if flag not in case.flags)
    if new:
        await texter.worry(Concern(concern.person, case), new)
    else:
        await texter.note(Concern(concern.person, case), unread=True)
    await texter.say("N_RAISED", concern)


# ---- people who may not be asked, and texts without a case -----------------------------------------------


async def _restricted(texter: Texter, concern: Concern) -> None:
    """A parent who may not be asked or told: their words reach a person, and they get what a stranger gets."""
    flags = reading.worry(texter.words, texter.book)
    if flags:
        await raise_new(texter, concern, flags)
        return
    if tokens(texter.words):
        await texter.note(concern, unread=True)
    await texter.neutral()


async def code_from_elsewhere(texter: Texter, case_id: str) -> None:
    """The right code from a number that is not its own: nothing but a note, and a person is told the second time."""
    case = await texter.desk.case(case_id)
    if case is None or not case.open:
        return
    times = await texter.memory.stranger_with_code(case_id)
    await texter.desk.record(
        case_id,
        NoteMade(at=texter.desk.now, by="unknown", channel="sms", trust=Trust.NONE, unread=times >= 2,
                 words=await texter.keep(case)),
    )  # fmt: skip


async def _no_case(texter: Texter) -> None:
    """No open case: words of danger from a parent open one; else we say how to."""
    flags = tuple(f for f in reading.worry(texter.words, texter.book) if f in _ALARMS)
    for person in texter.people if flags else ():
        for child_id in person.parent_of:
            concern, _ = await open_for(texter, person, child_id, None)
            await raise_new(texter, concern, flags)
    if flags and any(person.parent_of for person in texter.people):
        return
    if not tokens(texter.words):
        await texter.reply("N_HELP", fields={"duty": await texter.duty_number()})
    elif not _polite(texter):
        await texter.reply("N_NOCASE")

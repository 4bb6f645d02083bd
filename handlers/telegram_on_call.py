"""What only people on call and the child's manager may do: take an alert, note a call, confirm, settle, decline, close.

Whoever may not is told so and nothing changes; that a person may is looked up now, not when the button was made (T4).
"""

import re

from casework import reading
from casework.case import Case
from casework.deadlines import armed
from casework.effects import Field
from casework.events import (
    AlertAcknowledged,
    ChildSeen,
    CloseAsked,
    PoliceDeclined,
    ReturnRefuted,
    StayAuthorised,
    UnsureSettled,
)
from casework.levels import Located, Status
from handlers import inbox, keyboards, taking
from handlers.talk import Pending, Talk, split_ref

REASON_AT_LEAST = 3  # characters: a reason must be words, not a dot
REFUSAL_AT_LEAST = 2  # words: who said no, and why
NUMBER_AT_LEAST = 3  # digits
POLICE_LINES = ("101", "999", "112")
_CLOCK = re.compile(r"\b\d{1,2}[:.]\d{2}\b")
_VIA = {"callback": "callback", "police": "police", "social": "social_care"}
_NO = frozenset({"no", "not", "false", "refuted"})
_WAYS = [("CALLBACK", "callback"), ("POLICE", "police"), ("SOCIAL", "social")]


async def _case(talk: Talk, rest: str, verb: str) -> tuple[Case | None, str]:
    """The case that is meant, if this person leads in it, and the words after the ref."""
    ref, words = split_ref(rest)
    case = await talk.which(ref, verb, words)
    if case is not None and not await talk.leads(case):
        await talk.say("refused")
        return None, ""
    return case, words


# ---- taking it ------------------------------------------------------------------------------------


async def take(talk: Talk, rest: str) -> None:
    """`/ack REF`, or the button `Take`: the alert is theirs for a while. Others see who took it and when."""
    case, _ = await _case(talk, rest, "ack")
    if case is None:
        return
    me, alert = talk.person.person_id, case.alert
    if (day := await taking.day_in_hand(talk.desk, case, me)) is not None:
        await take_on(talk, case, day)
        return
    if await talk.desk.alert_for(case.case_id, me) is None:
        if alert.taken_by == me:
            await talk.say("ack_again", {"by": alert.taken_until}, case=case)
            return
        if alert.taken_by is not None:
            await talk.say("ack_late", await taken(talk, case), case=case)
            return
        if alert.rung == 0:
            await talk.say("ack_none", case=case)
            return
    rung = await taking.highest(talk.desk, case, me)
    step = await talk.desk.record(case.case_id, AlertAcknowledged(at=talk.now, by=me, channel="telegram", rung=rung))
    await _say_taken(talk, case, step.case)


async def take_on(talk: Talk, case: Case, day: str) -> None:
    """The button under the letter of a day: that step is theirs, the alert stays as it is."""
    if not await talk.leads(case):
        await talk.say("refused")
        return
    await talk.desk.record(case.case_id, taking.taken_on(talk.desk, talk.person.person_id, "telegram", day))
    await talk.say("note_ok", case=case)


async def _say_taken(talk: Talk, before: Case, after: Case) -> None:
    until = after.alert.taken_until
    became = taking.became(before, after, talk.person.person_id)
    if became == taking.BACK:
        await talk.say("N_HURT", case=before)
    elif became == taking.MORE:
        await talk.say("ack_more", case=before)
    else:
        await talk.say("ack_again" if became == taking.AGAIN else "ack_ok", {"by": until}, case=before)


async def taken(talk: Talk, case: Case) -> dict[str, Field]:
    """Who took the alert and when, as words show it."""
    holder = await talk.desk.directory.person(case.alert.taken_by or "")
    return {"name": None if holder is None else holder.name, "at": case.alert.taken_at}


async def stay(talk: Talk, rest: str) -> None:
    """`/stay REF HH:MM why`: a named person lets a located child stay where they are until then (A01). The checks go on."""
    case, words = await _case(talk, rest, "stay")
    if case is None:
        return
    clock, _, reason = words.strip().partition(" ")
    until = reading.read_coming(clock, talk.now)
    if case.located is not Located.SAFE:
        await talk.say("stay_no", case=case)
    elif until is None or len(reason.strip()) < REASON_AT_LEAST:
        await talk.say("stay_how", case=case)
    else:
        kept = await inbox.kept_apart(talk.desk, case, reason)
        me = talk.person.person_id
        news = StayAuthorised(at=talk.now, by=me, channel="telegram", until=until, words=kept)
        step = await talk.desk.record(case.case_id, news)
        await talk.say("stay_ok", {"due": until, "next": step.case.review_at}, case=case)


async def note(talk: Talk, rest: str) -> None:
    """`/note REF WORDS`: a call noted keeps a taken alert; from staff it is evidence."""
    ref, words = split_ref(rest)
    case = await talk.which(ref, "note", words, watches=True)
    if case is None:
        return
    if not words:
        await talk.expect(Pending("note", case.case_id))
        await talk.say("note_how", case=case)
        return
    voice, leads = await talk.voice(case), await talk.leads(case)
    await inbox.note(talk.desk, case, words, voice, acted=leads)
    if not leads and (flags := reading.worry(words, talk.book)):
        await inbox.raise_worry(talk.desk, case, words, voice, flags)
    await talk.say("note_ok", case=case)


# ---- is the child back? ---------------------------------------------------------------------------


async def confirm(talk: Talk, rest: str) -> None:
    """`/confirm REF [callback | police NAME REF | social NAME REF | no] words`: the stored number was rung, police or
    social care have the child, or the claim is false. Where one stands, no word more is needed: it is the call back."""
    case, words = await _case(talk, rest, "confirm")
    if case is None:
        return
    way, _, said = words.partition(" ")
    via = _VIA.get(way.casefold().strip(":,"))
    if way.casefold().strip(":,.!") in _NO and case.status is Status.RETURN_CLAIMED:
        await refute(talk, case, words)
        return
    if via is None and case.status is not Status.RETURN_CLAIMED:
        await talk.say("confirm_how", case=case, keyboard=await keyboards.options(talk, case, "confirm", _WAYS))
        return
    await confirm_by(talk, case, via or "callback", said.strip() if via else words)


async def confirm_by(talk: Talk, case: Case, via: str, said: str) -> None:
    """Record a confirmed sighting. Police and social care need a name and a reference; nobody confirms themselves."""
    if via != "callback" and not (len(said.split()) > 1 and any(c.isdigit() for c in said)):
        await talk.expect(Pending("confirm", case.case_id, via))
        await talk.say("confirm_named", case=case)
        return
    if via == "callback" and case.back.seen_by == talk.person.person_id:
        await talk.say("confirm_self", case=case)
        return
    kept = await talk.desk.keep(said, child_id=case.child.child_id, case_id=case.case_id) if said else None
    seen_at = (case.back.seen_at or case.back.claimed_at or talk.now) if via == "callback" else talk.now
    await talk.desk.record(
        case.case_id,
        ChildSeen(at=talk.now, by=talk.person.person_id, channel="telegram", via=via, seen_at=seen_at,
                  elsewhere=via != "callback", words=kept),
    )  # fmt: skip
    await talk.say("seen_ok", case=case)


async def refute(talk: Talk, case: Case, words: str) -> None:
    """A claimed return proved false: the case stands as it stood before."""
    kept = await talk.desk.keep(words, child_id=case.child.child_id, case_id=case.case_id) if words else None
    await talk.desk.record(
        case.case_id, ReturnRefuted(at=talk.now, by=talk.person.person_id, channel="telegram", words=kept)
    )
    await talk.say("note_ok", case=case)


# ---- a `not sure` ---------------------------------------------------------------------------------


async def settle(talk: Talk, case: Case, check: str | None, *, risk: bool, reason: str = "") -> None:
    """A risk counts at once; that it is none counts only with a reason, and until then the clock runs on."""
    if not case.unsettled(check, risk=risk):
        await talk.say("not_unsure", case=case)
        return
    if not risk and len(reason.strip()) < REASON_AT_LEAST:
        await talk.expect(Pending("risk", case.case_id, check or ""))
        await talk.say("risk_how", case=case)
        return
    kept = await talk.desk.keep(reason, child_id=case.child.child_id, case_id=case.case_id) if reason else None
    await talk.desk.record(
        case.case_id,
        UnsureSettled(at=talk.now, by=talk.person.person_id, channel="telegram", check=check, risk=risk, words=kept),
    )
    await talk.say("N_RISK" if risk else "note_ok", case=case)


# ---- the police said no; the end ------------------------------------------------------------------


async def declined(talk: Talk, rest: str) -> None:
    """`/declined REF [NUMBER] WORDS [HH:MM]`: who said it, why, and when they look again. Our own clock goes on.

    It is recorded by somebody who leads; what the adult says who was told no is kept, and put before a co-ordinator now.
    """
    ref, words = split_ref(rest)
    case = await talk.which(ref, "declined", words)
    if case is None:
        return
    if not await talk.leads(case):
        if words:
            await inbox.note(talk.desk, case, f"police said no: {words}", await talk.voice(case), unread=True)
        await talk.say("declined_told" if words else "refused", case=case)
        return
    if len(words.split()) < REFUSAL_AT_LEAST:
        await talk.expect(Pending("declined", case.case_id))
        await talk.say("declined_how", case=case)
        return
    kept = await talk.desk.keep(words, child_id=case.child.child_id, case_id=case.case_id)
    number = _number(words.split()[0].strip(".,:;"))
    clock = _CLOCK.findall(words)
    review = reading.read_coming(clock[-1], talk.now) if clock else None
    step = await talk.desk.record(
        case.case_id,
        PoliceDeclined(at=talk.now, by=talk.person.person_id, channel="telegram", number=number, words=kept,
                       review_at=review),
    )  # fmt: skip
    ahead = min(armed(step.case, talk.protocol(step.case)).values(), default=None)
    await talk.say("declined_ok" if review else "declined_when", {"when": review, "next": ahead}, case=case)


def _number(first: str) -> str | None:
    """The log number that a refusal begins with: no time, no count of officers, and no number that one rings (P7)."""
    enough = sum(c.isdigit() for c in first) >= NUMBER_AT_LEAST
    return None if not enough or _CLOCK.fullmatch(first) or first in POLICE_LINES else first.upper()


async def close(talk: Talk, rest: str) -> None:
    """`/close REF reason`: the child's manager signs the end; in a family's home the co-ordinator does."""
    case, words = await _case(talk, rest, "close")
    if case is None:
        return
    if not inbox.signs(talk.person, case):
        await talk.say("refused")
        return
    kept = await talk.desk.keep(words, child_id=case.child.child_id, case_id=case.case_id) if words else None
    step = await talk.desk.record(
        case.case_id, CloseAsked(at=talk.now, by=talk.person.person_id, channel="telegram", words=kept)
    )
    if step.case.status is Status.CLOSED:
        await talk.say("closed", {"name": talk.person.name, "at": talk.now}, case=case)

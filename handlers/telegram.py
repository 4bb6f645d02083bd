"""The Telegram door: one update is one unit of work, taken once, and committed before anybody is answered.

1. the update is read; what is none is set aside, what the house does not listen to is ignored
2. a photo is fetched and drawn anew, since nothing may wait for a network inside a unit of work
3. who spoke? An account that is bound to nobody reads the same neutral words, whatever it wrote
4. one table says what is done with it; commands, buttons and words have tables of their own
5. commit; only now is a press answered (its spinner stops), best effort: the act stands in any case
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from casework.wording import render
from handlers import (
    leavers,
    pictures,
    telegram_buttons,
    telegram_groups,
    telegram_media,
    telegram_start,
    telegram_words,
    updates,
)
from handlers.inbox import Doors
from handlers.talk import Talk
from handlers.updates import Unreadable, Update
from storage import dying
from storage.casebook import Answer
from storage.desk import Desk
from storage.inbox import Heard

SOURCE = "telegram"
ANSWER_SECONDS = 3  # the provider that waits for our 200 must not wait for its own other end
RAW_KEPT = 100_000  # characters of an unreadable body
_log = structlog.get_logger(__name__)

Act: TypeAlias = Callable[[Talk], Awaitable[None]]


@dataclass(slots=True)
class _Toast:
    """What the answer to a press will say."""

    words: str = ""


async def hear_body(doors: Doors, body: bytes) -> str:
    """Take the body of one webhook call, whatever it holds; returns what became of it, as `Casebook.hear` says."""
    try:
        raw = updates.parse(body)
    except Unreadable:
        return await _set_aside(doors, body.decode("utf-8", "replace"))
    return await hear(doors, raw)


async def hear(doors: Doors, raw: object) -> str:
    """Take one update as Telegram sent it. Raises only when nothing could be written: then it must come again."""
    try:
        text = json.dumps(raw, ensure_ascii=False, allow_nan=False)
        number = updates.update_id(raw)
    except (Unreadable, ValueError, RecursionError, TypeError):
        return await _set_aside(doors, repr(raw))
    heard = Heard(source=SOURCE, external_id=str(number), received_at=doors.clock.now(), raw=text)
    try:
        update = updates.read(raw)
    except Unreadable as fault:
        _log.warning("an update cannot be read", id=number, fault=str(fault))
        return await doors.casebook.hear(heard, _quarantine)
    toast = _Toast()
    picture = await _fetch(doors, update)
    outcome = await doors.casebook.hear(heard, _answer(doors, update, picture, toast))
    if update is not None and update.press_id:
        await _answer_press(doors, update, toast)
    return outcome


def answer_for(doors: Doors, heard: Heard) -> Answer:
    """How a message that stumbled is tried again: the same act, without its photo."""
    try:
        update = updates.read(json.loads(heard.raw))
    except (Unreadable, ValueError):
        return _quarantine
    return _answer(doors, update, None, _Toast())


async def _set_aside(doors: Doors, raw: str) -> str:
    """Keep what is no update, once, for a person to look at."""
    name = "unreadable-" + hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()[:24]
    heard = Heard(source=SOURCE, external_id=name, received_at=doors.clock.now(), raw=json.dumps(raw[:RAW_KEPT]))
    return await doors.casebook.hear(heard, _quarantine)


async def _quarantine(desk: Desk) -> None:
    desk.quarantine()


async def _fetch(doors: Doors, update: Update | None) -> bytes | None:
    """The photo of an update, drawn anew; None where it cannot be had. That it was sent is kept all the same."""
    if update is None or update.kind != "photo" or update.picture is None:
        return None
    if update.picture.size > updates.FILE_AT_MOST_BYTES:
        return None
    try:
        data = await doors.fetch_file(update.picture.file_id)
    except Exception as fault:
        _log.warning("a photo could not be fetched", id=update.update_id, fault=type(fault).__name__)
        return None
    if len(data) > updates.FILE_AT_MOST_BYTES:
        return None
    return await doors.aside(pictures.without_exif, data)


async def _answer_press(doors: Doors, update: Update, toast: _Toast) -> None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await doors.answer_press(update.press_id, toast.words)
    except Exception as fault:  # too old, or the network: what was pressed is kept, and a card says the rest
        _log.info("a press could not be answered", id=update.update_id, fault=type(fault).__name__)


# ---- who spoke, and what is done with it ----------------------------------------------------------


def _answer(doors: Doors, update: Update | None, picture: bytes | None, toast: _Toast) -> Answer:
    async def answer(desk: Desk) -> None:
        if update is not None and update.kind in telegram_groups.CHANGES:
            await telegram_groups.CHANGES[update.kind](desk, update)
            return
        if update is None or update.kind not in ACTS:
            desk.ignore()
            return
        person = await desk.directory.person_by_telegram(update.sender)
        if telegram_start.is_start(update):
            await telegram_start.start(doors, desk, update, person)
        elif person is None or not person.active:
            toast.words = await _refuse(doors, desk, update)
        else:
            if update.private and update.kind != "press":  # a button may stand in a group
                await dying.spoke(desk, person, "telegram")
            talk = Talk(doors, desk, person, update, picture)
            await ACTS[update.kind](talk)
            toast.words = talk.toast

    return answer


async def _refuse(doors: Doors, desk: Desk, update: Update) -> str:
    """Refuse an account that is nobody's; of one that was somebody's, people hear (B047). Returns what a press is told."""
    former = await desk.directory.former_by_telegram(update.sender)
    book, text = doors.book(former[0].language if former else "en"), "left" if former else "refused"
    if former:
        await leavers.tried(desk, former, update.words, book)
        await telegram_start.former(desk, update, former[0])
    else:
        await telegram_start.stranger(doors, desk, update)
    drill = doors.casebook.parts.drill
    return render(book, text, channel="telegram", code="", who="", now=desk.now, fields={}, drill=drill)


async def _edited(talk: Talk) -> None:
    """A changed message changes nothing: what was said stands."""
    await talk.say("send_new_message")


async def _other(talk: Talk) -> None:
    await talk.say("not_text")


ACTS: dict[str, Act] = {
    "text": telegram_words.words,
    "press": telegram_buttons.press,
    "photo": telegram_media.photo,
    "location": telegram_media.location,
    "edited": _edited,
    "other": _other,
}

"""What a raw Telegram update says, reduced to what the house listens to; anything else is None or Unreadable.

Read by hand and not with aiogram's models: a field that Telegram adds tomorrow must not make a worried person unheard,
and the house is ready to listen before aiogram is imported.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

ID_BOUND = 2**52  # Bot API: ids have at most 52 significant bits
UPDATE_ID_BOUND = 2**63
WORDS_AT_MOST = 4096
LATE_AFTER = timedelta(minutes=10)
KEPT_AT_MOST = timedelta(hours=24)  # Telegram drops what is older; an older date is a wrong clock, not a late message
FILE_AT_MOST_BYTES = 10 * 1024 * 1024


class Unreadable(Exception):
    """This is no update: kept for a person to look at, answered as if it were fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The largest size of a photo; `size` in bytes, 0 where Telegram does not say."""

    file_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One thing a Telegram account did. `kind`: text, photo, location, other (sticker, voice …), press, edited.

    Or what became of a chat: `member` (the bot was let in or shut out, `words` say how it stands) and `migrated` (a group
    became the supergroup `chat_after`). `chat` is the chat it happened in.

    `authentic`: the account's own, new words. What was forwarded, or sent through a bot, is evidence, never an answer.
    """

    update_id: int
    kind: str
    sender: int
    private: bool
    authentic: bool = True
    words: str = ""
    sent_at: datetime | None = None
    picture: Picture | None = None
    place: tuple[float, float] | None = None
    press_id: str = ""
    token: str = ""
    message_id: int | None = None
    chat: int | None = None
    chat_after: int | None = None

    def late(self, now: datetime) -> bool:
        """Whether it was on its way for more than ten minutes; a date no message can have is not believed."""
        return self.sent_at is not None and LATE_AFTER < now - self.sent_at <= KEPT_AT_MOST


def parse(body: bytes) -> object:
    """The JSON of a webhook's body. Raises Unreadable for what is none, NaN and bottomless nesting included."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise Unreadable(type(fault).__name__) from fault


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def update_id(raw: object) -> int:
    """The id by which a repeat is known. Raises Unreadable where there is none that can be."""
    number = raw.get("update_id") if isinstance(raw, dict) else None
    if not _whole(number) or not 0 <= number < UPDATE_ID_BOUND:
        raise Unreadable("no update_id")
    return number


def read(raw: object) -> Update | None:
    """What somebody did, or None for what the house does not listen to. Raises Unreadable for what cannot be true."""
    number = update_id(raw)
    assert isinstance(raw, dict)
    if isinstance(pressed := raw.get("callback_query"), dict):
        return _press(number, pressed)
    if isinstance(change := raw.get("my_chat_member"), dict):
        return _member(number, change)
    for field in ("message", "edited_message"):
        if isinstance(message := raw.get(field), dict):
            if _whole(after := message.get("migrate_to_chat_id")):
                return _migrated(number, message, after)
            return _message(number, message, edited=field == "edited_message")
    return None


def _member(number: int, change: Mapping[str, Any]) -> Update | None:
    """The bot was let in or shut out: by a person in their own chat, or in a group."""
    chat, now = _chat(change), change.get("new_chat_member")
    status = now.get("status") if isinstance(now, dict) else None
    if chat is None or not isinstance(status, str):
        return None
    return Update(
        update_id=number, kind="member", sender=_sender(change) or 0, private=_private(change), words=status, chat=chat
    )


def _migrated(number: int, message: Mapping[str, Any], after: int) -> Update | None:
    chat = _chat(message)
    return None if chat is None else Update(
        update_id=number, kind="migrated", sender=0, private=False, chat=chat, chat_after=after
    )  # fmt: skip


def _chat(said: Mapping[str, Any]) -> int | None:
    chat = said.get("chat")
    number = chat.get("id") if isinstance(chat, dict) else None
    return number if _whole(number) and abs(number) < ID_BOUND else None


def _private(said: Mapping[str, Any]) -> bool:
    chat = said.get("chat")
    return isinstance(chat, dict) and chat.get("type", "private") == "private"


def _press(number: int, pressed: Mapping[str, Any]) -> Update | None:
    sender = _sender(pressed)
    press_id, token = pressed.get("id"), pressed.get("data")
    if not isinstance(press_id, str):
        raise Unreadable("a press without id")
    message = pressed.get("message")
    message_id = message.get("message_id") if isinstance(message, dict) else None
    return None if sender is None else Update(
        update_id=number, kind="press", sender=sender, private=True, press_id=press_id,
        token=token if isinstance(token, str) else "", message_id=message_id if _whole(message_id) else None,
    )  # fmt: skip


def _message(number: int, message: Mapping[str, Any], *, edited: bool) -> Update | None:
    sender = None if "sender_chat" in message else _sender(message)
    if sender is None:
        return None
    words = next((w for f in ("text", "caption") if isinstance(w := message.get(f), str)), "")
    picture, place = _picture(message), _place(message)
    kind = "photo" if picture else "location" if place else "text" if isinstance(message.get("text"), str) else "other"
    message_id = message.get("message_id")
    return Update(
        update_id=number, kind="edited" if edited else kind, sender=sender, words=words[:WORDS_AT_MOST],
        private=_private(message), chat=_chat(message),
        authentic=not any(f in message for f in ("forward_origin", "forward_date", "forward_from", "via_bot")),
        sent_at=_date(message.get("date")), picture=picture, place=place,
        message_id=message_id if _whole(message_id) else None,
    )  # fmt: skip


def _sender(said: Mapping[str, Any]) -> int | None:
    """The account; None for channels and bots, which have no authority here."""
    account = said.get("from")
    if not isinstance(account, dict) or account.get("is_bot") is True:
        return None
    number = account.get("id")
    if not _whole(number) or not 0 < number < ID_BOUND:
        raise Unreadable("an account id that none can have")
    return number


def _picture(message: Mapping[str, Any]) -> Picture | None:
    sizes = message.get("photo")
    if not isinstance(sizes, list):
        return None
    found = [
        Picture(file_id=s["file_id"], size=s["file_size"] if _whole(s.get("file_size")) else 0)
        for s in sizes
        if isinstance(s, dict) and isinstance(s.get("file_id"), str)
    ]
    fitting = [p for p in found if p.size <= FILE_AT_MOST_BYTES]
    return (fitting or found)[-1] if found else None


def _place(message: Mapping[str, Any]) -> tuple[float, float] | None:
    spot = message.get("location")
    if not isinstance(spot, dict):
        return None
    at = (spot.get("latitude"), spot.get("longitude"))
    if not all(isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= 180 for x in at):
        raise Unreadable("a place that is nowhere")
    return float(at[0]), float(at[1])  # type: ignore[arg-type]


def _date(seconds: object) -> datetime | None:
    if not _whole(seconds) or not 0 < seconds < 2**40:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _whole(number: object) -> TypeGuard[int]:
    return isinstance(number, int) and not isinstance(number, bool)

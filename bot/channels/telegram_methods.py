"""Knows what is asked of Telegram all day long: with the fields that we send, and read no further than we look.

aiogram's models of a message and its buttons know every field that Telegram has. Built for each letter and each answer they
cost as much as the request itself, and an answer with something newer in it cannot be read by them.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.methods import TelegramMethod
from aiohttp import FormData
from aiohttp.payload import BytesPayload

from storage.keyboards import Keyboard

T = TypeVar("T")

LISTENS_TO = ["message", "edited_message", "callback_query", "my_chat_member"]


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates as Telegram wrote it: an update of a kind that aiogram does not know cannot hold up the rest."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = 100
    timeout: int = 0
    allowed_updates: list[str] = LISTENS_TO


class Plain(TelegramMethod[T]):
    """A request of words and numbers, without files or anything that aiogram would have to fold."""


class Said(Plain[dict[str, Any]]):
    """sendMessage, without markup; the answer is the message as Telegram has it."""

    __returning__ = dict[str, Any]
    __api_method__ = "sendMessage"

    chat_id: str
    text: str
    protect_content: str  # true, false
    reply_markup: str | None = None


class Edited(Plain[dict[str, Any] | bool]):
    """editMessageText; the answer is the message, or a bare yes."""

    __returning__ = dict[str, Any] | bool
    __api_method__ = "editMessageText"

    text: str
    chat_id: str
    message_id: int
    reply_markup: str | None = None


class Undressed(Plain[dict[str, Any] | bool]):
    """editMessageReplyMarkup that leaves no buttons."""

    __returning__ = dict[str, Any] | bool
    __api_method__ = "editMessageReplyMarkup"

    chat_id: str
    message_id: int


class PlainSession(AiohttpSession):
    """aiogram's session, which looks for no files where there can be none."""

    def build_form_data(self, bot: Bot, method: TelegramMethod[T]) -> FormData:
        """What is sent for a request."""
        if isinstance(method, Plain):
            return _PlainForm(method.model_dump(exclude_none=True))
        return super().build_form_data(bot, method)


class _PlainForm(FormData):
    """A form without files: aiohttp's own first makes ready for some, and draws a boundary to put between them."""

    def __init__(self, fields: Mapping[str, str | int]) -> None:
        self._body = urlencode(fields).encode()

    def __call__(self) -> BytesPayload:
        return BytesPayload(self._body, content_type="application/x-www-form-urlencoded")


def buttons(keys: Keyboard) -> str | None:
    """Rows of (label, token) as Telegram takes them; None where there are none."""
    if not keys:
        return None
    rows = [[{"text": label, "callback_data": token} for label, token in row] for row in keys]
    return json.dumps({"inline_keyboard": rows})

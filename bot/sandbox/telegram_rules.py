"""What Telegram's Bot API refuses in a request, and the words it refuses with: the house reads those words."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.switchboard import Buttons

Fields: TypeAlias = Mapping[str, Any]
TEXT_AT_MOST, DATA_AT_MOST, ANSWER_AT_MOST, CAPTION_AT_MOST = 4096, 64, 200, 1024
UPLOAD_AT_MOST_BYTES = 50 * 1024 * 1024
_TAG = re.compile(r"<(/?)([a-zA-Z-]+)[^<>]*>|<")
_TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}
_PLAIN = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"))
_SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


class Refusal(Exception):
    """The API's `ok: false`: a status, Telegram's words, and parameters such as `retry_after`."""

    def __init__(self, status: int, words: str, **parameters: int) -> None:
        super().__init__(words)
        self.status, self.words, self.parameters = status, words, parameters

    def answer(self) -> web.Response:
        """The refusal as it goes over the wire."""
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.words}
        if self.parameters:
            body["parameters"] = self.parameters
        return web.json_response(body, status=self.status)


def planted(failure: Mapping[str, Any]) -> Refusal:
    """The refusal that a test planted: `code`, and if wished `description`, `retry_after`, `migrate_to_chat_id`."""
    parameters = {name: failure[name] for name in ("retry_after", "migrate_to_chat_id") if name in failure}
    return Refusal(failure["code"], failure.get("description", "Internal Server Error"), **parameters)


async def fields_of(request: web.Request) -> dict[str, Any]:
    """A request's fields, however they were sent; files as bytes, their names beside them."""
    if request.content_type == "application/json":
        return dict(await request.json())
    found: dict[str, Any] = dict(request.query)
    for key, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            found[key], found[f"{key}.filename"] = value.file.read(), value.filename
        else:
            found[key] = value
    return found


def text_of(fields: Fields) -> str:
    """The text of a message. Raises Refusal where it is empty, too long, or holds markup that does not parse."""
    text = _parsed(fields, "text")
    if not text.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    if len(text) > TEXT_AT_MOST:
        raise Refusal(400, "Bad Request: message is too long")
    return text


def caption_of(fields: Fields) -> str:
    """The words under a file; none is fine. Raises Refusal."""
    text = _parsed(fields, "caption")
    if len(text) > CAPTION_AT_MOST:
        raise Refusal(400, "Bad Request: message caption is too long")
    return text


def upload_of(fields: Fields, kind: str) -> tuple[str, bytes]:
    """An uploaded file: its name and bytes. Raises Refusal where there is none, or it is too big."""
    part = str(fields.get(kind, "")).removeprefix("attach://")
    data = fields.get(part)
    if not isinstance(data, bytes) or not data:
        raise Refusal(400, f"Bad Request: there is no {kind} in the request")
    if len(data) > UPLOAD_AT_MOST_BYTES:
        raise Refusal(413, "Request Entity Too Large")
    return str(fields.get(f"{part}.filename") or kind), data


def buttons_of(fields: Fields) -> Buttons:
    """The inline keyboard. Raises Refusal where a button has no words, or data of other than 1 to 64 bytes."""
    raw = fields.get("reply_markup")
    if not raw:
        return ()
    try:
        markup = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        raise Refusal(400, "Bad Request: can't parse reply keyboard markup JSON object") from None
    rows = []
    for row in markup.get("inline_keyboard", []):
        for button in row:
            if not str(button.get("text", "")).strip():
                raise Refusal(400, "Bad Request: inline keyboard button text is empty")
            if not 1 <= len(str(button.get("callback_data", "")).encode()) <= DATA_AT_MOST:
                raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
        rows.append(tuple((str(b["text"]), str(b["callback_data"])) for b in row))
    return tuple(rows)


def flag_of(fields: Fields, name: str) -> bool:
    """A yes or no, as JSON or as a form writes it."""
    return str(fields.get(name, "")).lower() in ("true", "1")


def list_of(fields: Fields, name: str) -> list[Any] | None:
    """A list, as JSON or as a form writes it; None where it was not given."""
    raw = fields.get(name)
    return json.loads(raw) if isinstance(raw, str) else raw


def webhook_of(fields: Fields) -> tuple[str, str]:
    """Where updates shall go, and the secret that goes with them. Raises Refusal.

    Plain http is taken for this very machine alone, where Telegram itself takes none: a test has no certificate.
    """
    url, secret = str(fields.get("url", "")), str(fields.get("secret_token") or "")
    if url and not url.startswith(("https://", "http://127.0.0.1")):
        raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if not _SECRET.fullmatch(secret):
        raise Refusal(400, "Bad Request: secret token contains unallowed characters")
    return url, secret


def commands_of(fields: Fields) -> list[dict[str, str]]:
    """The menu of commands. Raises Refusal where a command is not a word of small letters or says nothing."""
    commands: list[dict[str, str]] = list_of(fields, "commands") or []
    for each in commands:
        if not _COMMAND.fullmatch(str(each.get("command", "")).removeprefix("/")):
            raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(str(each.get("description", ""))) <= 256:
            raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    return commands


def _parsed(fields: Fields, name: str) -> str:
    """A text without its markup. The double knows HTML alone; another mode is refused rather than half understood."""
    text, mode = str(fields.get(name) or ""), str(fields.get("parse_mode") or "").upper()
    if not mode:
        return text
    if mode != "HTML":
        raise Refusal(400, "Bad Request: unsupported parse_mode")
    _check_tags(text)
    text = _TAG.sub("", text)
    for entity, plain in _PLAIN:
        text = text.replace(entity, plain)
    return text


def _check_tags(text: str) -> None:
    """Every tag is known, opened, and closed in order."""
    stack: list[str] = []
    for tag in _TAG.finditer(text):
        name, at = (tag[2] or "").lower(), len(text[: tag.start()].encode())
        if name not in _TAGS:
            raise Refusal(
                400, f'Bad Request: can\'t parse entities: Unsupported start tag "{name}" at byte offset {at}'
            )
        if tag[1] and (not stack or stack.pop() != name):
            raise Refusal(400, f"Bad Request: can't parse entities: Unmatched end tag at byte offset {at}")
        if not tag[1]:
            stack.append(name)
    if stack:
        raise Refusal(
            400, f"Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"{stack[-1]}\""
        )

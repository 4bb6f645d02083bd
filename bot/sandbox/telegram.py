"""A loopback double of the Telegram Bot API: the methods this house uses, the limits and refusals of the real one.

The real client talks to it over HTTP. What it refuses, it refuses in Telegram's own words, since the house reads them.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import web

from bot.sandbox.failures import Failures
from bot.sandbox.switchboard import Buttons, Shown, Switchboard

Fields = Mapping[str, Any]
TEXT_AT_MOST, DATA_AT_MOST, ANSWER_AT_MOST, CAPTION_AT_MOST = 4096, 64, 200, 1024
PRESS_LIVES_SECONDS = 150
POLL_AT_MOST_SECONDS = 50
_TAG = re.compile(r"<(/?)([a-zA-Z-]+)[^<>]*>|<")
_TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}


class Refusal(Exception):
    """The API's `ok: false`: a status, Telegram's words, and parameters."""

    def __init__(self, status: int, words: str, **parameters: int) -> None:
        super().__init__(words)
        self.status, self.words, self.parameters = status, words, parameters


class TelegramDouble:
    """One bot. `blocked`, `deactivated` and `unknown` are chats it cannot write to."""

    def __init__(self, token: str, board: Switchboard, now: Callable[[], datetime]) -> None:
        self.token, self.board, self.now = token, board, now
        self.failures = Failures()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.blocked: set[str] = set()
        self.deactivated: set[str] = set()
        self.unknown: set[str] = set()
        self.names: dict[str, str] = {}
        self.webhook: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self._updates: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        self._next_update, self._next_press = 1, 1
        self._presses: dict[str, datetime] = {}
        self._methods: dict[str, Callable[[Fields], Awaitable[Any]]] = {
            "getMe": self._get_me, "getUpdates": self._get_updates, "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook, "getWebhookInfo": self._webhook_info, "sendMessage": self._send,
            "editMessageText": self._edit_text, "editMessageReplyMarkup": self._edit_markup,
            "deleteMessage": self._delete, "answerCallbackQuery": self._answer_press, "sendDocument": self._document,
            "getFile": self._get_file, "setMyCommands": self._yes,
        }  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        """The API's routes."""
        return [
            web.route("*", "/bot{token}/{method}", self._call),
            web.get("/file/bot{token}/{path:.+}", self._download),
        ]

    # ---- what people do ----

    async def types(self, user: str, text: str) -> dict[str, Any]:
        """A person writes to the bot; returns the update."""
        shown = self.board.write("telegram", user, text)
        message = {**self._message(user, shown), "from": self._user(user), "text": text}
        if text.startswith("/"):
            length = len(text.split()[0].encode("utf-16-le")) // 2
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return await self.push({"message": message})

    async def presses(self, user: str, message_id: int, data: str) -> dict[str, Any]:
        """A person presses a button of a message."""
        shown = self.board.find("telegram", user, message_id)
        press_id = str(self._next_press)
        self._next_press += 1
        self._presses[press_id] = self.now()
        query: dict[str, Any] = {"id": press_id, "from": self._user(user), "chat_instance": f"c{user}", "data": data}
        if shown is not None:
            query["message"] = {**self._message(user, shown), "from": self._me(), "text": shown.text}
        return await self.push({"callback_query": query})

    async def sends_photo(self, user: str, data: bytes, caption: str = "") -> dict[str, Any]:
        """A person sends a photo."""
        file_id = f"photo{len(self.files) + 1}"
        self.files[file_id] = data
        shown = self.board.write("telegram", user, caption or "[photo]")
        size = {"file_id": file_id, "file_unique_id": f"u{file_id}", "width": 90, "height": 90, "file_size": len(data)}
        message = {**self._message(user, shown), "from": self._user(user), "photo": [size]}
        return await self.push({"message": {**message, **({"caption": caption} if caption else {})}})

    async def sends_location(self, user: str, latitude: float, longitude: float) -> dict[str, Any]:
        """A person sends a place on the map."""
        shown = self.board.write("telegram", user, "[location]")
        place = {"latitude": latitude, "longitude": longitude}
        return await self.push({"message": {**self._message(user, shown), "from": self._user(user), "location": place}})

    async def push(self, update: dict[str, Any]) -> dict[str, Any]:
        """Hand an update to the bot: to its webhook, or to whoever polls."""
        whole = {"update_id": self._next_update, **update}
        self._next_update += 1
        if self.webhook.get("url"):
            await self.deliver(whole)
        else:
            self._updates.append(whole)
            self._arrived.set()
        return whole

    async def deliver(self, update: dict[str, Any]) -> int:
        """Post an update to the webhook with its secret; returns the status it answered."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret", "")}
        async with aiohttp.ClientSession() as client:
            async with client.post(self.webhook["url"], json=update, headers=headers) as answer:
                return answer.status

    # ---- the wire ----

    async def _call(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return _no(Refusal(401, "Unauthorized"))
        name = request.match_info["method"]
        method = next((m for known, m in self._methods.items() if known.lower() == name.lower()), None)
        if method is None:
            return _no(Refusal(404, "Not Found: method not found"))
        fields = await _fields(request)
        self.calls.append((name, {k: v for k, v in fields.items() if not isinstance(v, bytes)}))
        planted = self.failures.take(name)
        try:
            if planted is not None:
                raise Refusal(
                    planted["code"], planted.get("description", "Internal Server Error"),
                    **{k: planted[k] for k in ("retry_after", "migrate_to_chat_id") if k in planted},
                )  # fmt: skip
            return web.json_response({"ok": True, "result": await method(fields)})
        except Refusal as refusal:
            return _no(refusal)

    async def _download(self, request: web.Request) -> web.Response:
        data = self.files.get(request.match_info["path"].removeprefix("photos/").removesuffix(".jpg"))
        if request.match_info["token"] != self.token or data is None:
            raise web.HTTPNotFound
        return web.Response(body=data, content_type="image/jpeg")

    # ---- methods ----

    async def _get_me(self, fields: Fields) -> dict[str, Any]:
        return {**self._me(), "can_join_groups": True, "can_read_all_group_messages": False,
                "supports_inline_queries": False}  # fmt: skip

    async def _yes(self, fields: Fields) -> bool:
        return True

    async def _set_webhook(self, fields: Fields) -> bool:
        self.webhook = {"url": str(fields.get("url", "")), "secret": str(fields.get("secret_token", ""))}
        return True

    async def _delete_webhook(self, fields: Fields) -> bool:
        self.webhook = {}
        return True

    async def _webhook_info(self, fields: Fields) -> dict[str, Any]:
        return {"url": self.webhook.get("url", ""), "has_custom_certificate": False,
                "pending_update_count": len(self._updates)}  # fmt: skip

    async def _get_updates(self, fields: Fields) -> list[dict[str, Any]]:
        if self.webhook.get("url"):
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first")
        offset = int(fields.get("offset") or 0)
        self._updates = [u for u in self._updates if u["update_id"] >= offset]
        if not self._updates:
            self._arrived.clear()
            wait = min(float(fields.get("timeout") or 0), POLL_AT_MOST_SECONDS)
            try:
                await asyncio.wait_for(self._arrived.wait(), wait)
            except TimeoutError:
                pass
        return self._updates[: int(fields.get("limit") or 100)]

    async def _send(self, fields: Fields) -> dict[str, Any]:
        chat = self._chat(fields)
        text = _text(fields, "text", TEXT_AT_MOST)
        shown = self.board.deliver("telegram", chat, text=text, buttons=_buttons(fields),
                                   protected=_flag(fields, "protect_content"))  # fmt: skip
        return self._told(chat, shown)

    async def _edit_text(self, fields: Fields) -> dict[str, Any]:
        chat = self._chat(fields)
        return self._change(chat, fields, _text(fields, "text", TEXT_AT_MOST))

    async def _edit_markup(self, fields: Fields) -> dict[str, Any]:
        return self._change(self._chat(fields), fields, None)

    def _change(self, chat: str, fields: Fields, text: str | None) -> dict[str, Any]:
        message_id = int(fields.get("message_id") or 0)
        old = self.board.find("telegram", chat, message_id)
        if old is None or old.mine:
            raise Refusal(400, "Bad Request: message to edit not found")
        buttons, words = _buttons(fields), old.text if text is None else text
        if (words, buttons) == (old.text, old.buttons):
            raise Refusal(400, "Bad Request: message is not modified: specified new message content and reply markup are "
                               "exactly the same as a current content and reply markup of the message")  # fmt: skip
        shown = self.board.edit("telegram", chat, message_id, words, buttons)
        assert shown is not None
        return self._told(chat, shown)

    async def _delete(self, fields: Fields) -> bool:
        chat = self._chat(fields)
        if self.board.find("telegram", chat, int(fields.get("message_id") or 0)) is None:
            raise Refusal(400, "Bad Request: message to delete not found")
        self.board.remove("telegram", chat, int(fields["message_id"]))
        return True

    async def _answer_press(self, fields: Fields) -> bool:
        pressed = self._presses.get(str(fields.get("callback_query_id", "")))
        if pressed is None or (self.now() - pressed).total_seconds() > PRESS_LIVES_SECONDS:
            raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(str(fields.get("text", ""))) > ANSWER_AT_MOST:
            raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
        return True

    async def _document(self, fields: Fields) -> dict[str, Any]:
        chat = self._chat(fields)
        name = str(fields.get("document", "")).removeprefix("attach://")
        data = fields.get(name)
        if not isinstance(data, bytes):
            raise Refusal(400, "Bad Request: there is no document in the request")
        caption = _text(fields, "caption", CAPTION_AT_MOST) if fields.get("caption") else ""
        filename = str(fields.get(f"{name}.filename") or "document")
        shown = self.board.deliver("telegram", chat, text=caption, document=filename, data=data,
                                   protected=_flag(fields, "protect_content"))  # fmt: skip
        file = {"file_id": f"doc{shown.message_id}", "file_unique_id": f"udoc{shown.message_id}", "file_name": filename}
        told = {k: v for k, v in self._told(chat, shown).items() if k != "text"}
        return {**told, "document": file, **({"caption": caption} if caption else {})}

    async def _get_file(self, fields: Fields) -> dict[str, Any]:
        file_id = str(fields.get("file_id", ""))
        if file_id not in self.files:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(self.files[file_id]),
                "file_path": f"photos/{file_id}.jpg"}  # fmt: skip

    # ---- shapes ----

    def _chat(self, fields: Fields) -> str:
        chat = str(fields.get("chat_id", ""))
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat in self.deactivated:
            raise Refusal(403, "Forbidden: user is deactivated")
        if chat in self.unknown or not chat.lstrip("-").isdecimal():
            raise Refusal(400, "Bad Request: chat not found")
        return chat

    def _me(self) -> dict[str, Any]:
        bot_id = int(self.token.partition(":")[0])
        return {"id": bot_id, "is_bot": True, "first_name": "Porchlight", "username": "porchlight_bot"}

    def _user(self, user: str) -> dict[str, Any]:
        return {"id": int(user), "is_bot": False, "first_name": self.names.get(user, "Somebody")}

    def _message(self, chat: str, shown: Shown) -> dict[str, Any]:
        place = {"id": int(chat), "type": "private", "first_name": self.names.get(chat, "Somebody")}
        return {"message_id": shown.message_id, "date": int(shown.at.timestamp()), "chat": place}

    def _told(self, chat: str, shown: Shown) -> dict[str, Any]:
        return {**self._message(chat, shown), "from": self._me(), "text": shown.text}


def _no(refusal: Refusal) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": refusal.status, "description": refusal.words}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return web.json_response(body, status=refusal.status)


async def _fields(request: web.Request) -> dict[str, Any]:
    """The request's fields, however they were sent; files as bytes, their names beside them."""
    if request.content_type == "application/json":
        return dict(await request.json())
    found: dict[str, Any] = dict(request.query)
    for key, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            found[key], found[f"{key}.filename"] = value.file.read(), value.filename
        else:
            found[key] = value
    return found


def _text(fields: Fields, name: str, at_most: int) -> str:
    text = str(fields.get(name, ""))
    if str(fields.get("parse_mode") or "").upper() == "HTML":
        text = _parsed(text)
    if not text.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    if len(text) > at_most:
        raise Refusal(400, "Bad Request: message is too long")
    return text


def _parsed(text: str) -> str:
    """HTML mode as Telegram reads it: every tag known, opened and closed in order."""
    stack: list[str] = []
    for tag in _TAG.finditer(text):
        name = (tag[2] or "").lower()
        if name not in _TAGS:
            raise Refusal(400, f"Bad Request: can't parse entities: Unsupported start tag \"{name}\" at byte offset {tag.start()}")
        if tag[1] and (not stack or stack.pop() != name):
            raise Refusal(400, "Bad Request: can't parse entities: Unmatched end tag")
        if not tag[1]:
            stack.append(name)
    if stack:
        raise Refusal(400, f"Bad Request: can't parse entities: Can't find end tag corresponding to start tag {stack[-1]}")
    return _TAG.sub("", text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&quot;", '"')


def _buttons(fields: Fields) -> Buttons:
    raw = fields.get("reply_markup")
    if not raw:
        return ()
    markup = json.loads(raw) if isinstance(raw, str) else raw
    rows = []
    for row in markup.get("inline_keyboard", []):
        for button in row:
            if not 1 <= len(str(button.get("callback_data", "")).encode()) <= DATA_AT_MOST:
                raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
        rows.append(tuple((str(b["text"]), str(b["callback_data"])) for b in row))
    return tuple(rows)


def _flag(fields: Fields, name: str) -> bool:
    return str(fields.get(name, "")).lower() in ("true", "1")

"""A loopback double of the Telegram Bot API: the methods that this house uses, and what each of them refuses.

The real client talks to it over HTTP. What it refuses, it refuses in Telegram's own words, since the house reads them.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bot.sandbox import telegram_rules as rules
from bot.sandbox.failures import Failures
from bot.sandbox.switchboard import Shown, Switchboard
from bot.sandbox.telegram_people import TelegramPeople, photo_size
from bot.sandbox.telegram_rules import Fields, Refusal
from bot.sandbox.telegram_updates import PRESS_LIVES

DOWNLOAD_AT_MOST_BYTES = 20 * 1024 * 1024
DELETE_WITHIN = timedelta(hours=48)


class TelegramDouble(TelegramPeople):
    """One bot. `deactivated`, `unknown` and `left` (groups) are chats it cannot write to, `moved` groups that became the
    supergroup of this number; `failures` are planted refusals.

    `calls` are the requests it got; `toasts` are the words with which presses were answered, by the press's id.
    """

    def __init__(self, token: str, board: Switchboard, now: Callable[[], datetime]) -> None:
        super().__init__(token, board, now)
        self.failures = Failures()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.deactivated: set[str] = set()
        self.unknown: set[str] = set()
        self.left: set[str] = set()
        self.moved: dict[str, int] = {}
        self.commands: list[dict[str, str]] = []
        self.toasts: dict[str, str] = {}
        self._methods: dict[str, Callable[[Fields], Awaitable[Any]]] = {
            "getMe": self._get_me, "getUpdates": self._get_updates, "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook, "getWebhookInfo": self._webhook_info, "sendMessage": self._send,
            "editMessageText": self._edit_text, "editMessageReplyMarkup": self._edit_markup,
            "deleteMessage": self._delete, "answerCallbackQuery": self._answer_press, "sendDocument": self._document,
            "sendPhoto": self._photo, "getFile": self._get_file, "setMyCommands": self._set_commands,
        }  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        """The API's routes."""
        return [
            web.route("*", "/bot{token}/{method}", self._call),
            web.get("/file/bot{token}/{path:.+}", self._download),
        ]

    # ---- the wire ----

    async def _call(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return Refusal(401, "Unauthorized").answer()
        name = request.match_info["method"]
        method = next((m for known, m in self._methods.items() if known.lower() == name.lower()), None)
        if method is None:
            return Refusal(404, "Not Found: method not found").answer()
        fields = await rules.fields_of(request)
        self.calls.append((name, {k: v for k, v in fields.items() if not isinstance(v, bytes)}))
        failure = self.failures.take(name)
        try:
            if failure is not None:
                raise rules.planted(failure)
            return web.json_response({"ok": True, "result": await method(fields)})
        except Refusal as refusal:
            return refusal.answer()

    async def _download(self, request: web.Request) -> web.Response:
        data = self.files.get(request.match_info["path"].removeprefix("photos/").removesuffix(".jpg"))
        if request.match_info["token"] != self.token or data is None:
            raise web.HTTPNotFound
        return web.Response(body=data, content_type="image/jpeg")

    # ---- methods ----

    async def _get_me(self, fields: Fields) -> dict[str, Any]:
        return {**self.me(), "can_join_groups": True, "can_read_all_group_messages": False,
                "supports_inline_queries": False}  # fmt: skip

    async def _set_commands(self, fields: Fields) -> bool:
        self.commands = rules.commands_of(fields)
        return True

    async def _set_webhook(self, fields: Fields) -> bool:
        self.updates.url, self.updates.secret = rules.webhook_of(fields)
        self.updates.allow(rules.list_of(fields, "allowed_updates"))
        return True

    async def _delete_webhook(self, fields: Fields) -> bool:
        self.updates.url = self.updates.secret = ""
        if rules.flag_of(fields, "drop_pending_updates"):
            self.updates.waiting.clear()
        return True

    async def _webhook_info(self, fields: Fields) -> dict[str, Any]:
        told: dict[str, Any] = {"url": self.updates.url, "has_custom_certificate": False,
                                "pending_update_count": len(self.updates.waiting)}  # fmt: skip
        if self.updates.last_error is not None:
            at, words = self.updates.last_error
            told.update(last_error_date=int(at.timestamp()), last_error_message=words)
        return told

    async def _get_updates(self, fields: Fields) -> list[dict[str, Any]]:
        self.updates.allow(rules.list_of(fields, "allowed_updates"))
        return await self.updates.asked(
            int(fields.get("offset") or 0), int(fields.get("limit") or 100), float(fields.get("timeout") or 0)
        )

    async def _send(self, fields: Fields) -> dict[str, Any]:
        chat = self._reached(fields)
        text, buttons = rules.text_of(fields), rules.buttons_of(fields)
        protected = rules.flag_of(fields, "protect_content")
        return self.told(chat, self.board.deliver("telegram", chat, text=text, buttons=buttons, protected=protected))

    async def _edit_text(self, fields: Fields) -> dict[str, Any]:
        return self._change(self._reached(fields), fields, rules.text_of(fields))

    async def _edit_markup(self, fields: Fields) -> dict[str, Any]:
        return self._change(self._reached(fields), fields, None)

    def _change(self, chat: str, fields: Fields, text: str | None) -> dict[str, Any]:
        message_id = int(fields.get("message_id") or 0)
        old = self.board.find("telegram", chat, message_id)
        if old is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        if old.mine:
            raise Refusal(400, "Bad Request: message can't be edited")
        buttons, words = rules.buttons_of(fields), old.text if text is None else text
        if (words, buttons) == (old.text, old.buttons):
            raise Refusal(400, "Bad Request: message is not modified: specified new message content and reply markup "
                               "are exactly the same as a current content and reply markup of the message")  # fmt: skip
        shown = self.board.edit("telegram", chat, message_id, words, buttons)
        assert shown is not None
        return self.told(chat, shown)

    async def _delete(self, fields: Fields) -> bool:
        chat, message_id = self._reached(fields), int(fields.get("message_id") or 0)
        found = self.board.find("telegram", chat, message_id)
        if found is None:
            raise Refusal(400, "Bad Request: message to delete not found")
        if self.now() - found.at > DELETE_WITHIN:
            raise Refusal(400, "Bad Request: message can't be deleted for everyone")
        self.board.remove("telegram", chat, message_id)
        return True

    async def _answer_press(self, fields: Fields) -> bool:
        press_id, words = str(fields.get("callback_query_id", "")), str(fields.get("text") or "")
        user, pressed = self.pressed.get(press_id, ("", None))
        if pressed is None or self.now() - pressed > PRESS_LIVES:
            raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(words) > rules.ANSWER_AT_MOST:
            raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
        self.toasts[press_id] = words
        if words:
            self.board.toast("telegram", user, words)
        return True

    async def _document(self, fields: Fields) -> dict[str, Any]:
        told, shown = self._deliver_file(fields, "document")
        file = {
            "file_id": self.keep(shown.data),
            "file_unique_id": f"u{shown.message_id}",
            "file_name": shown.document,
        }
        return {**told, "document": file}

    async def _photo(self, fields: Fields) -> dict[str, Any]:
        told, shown = self._deliver_file(fields, "photo")
        return {**told, "photo": [photo_size(self.keep(shown.data), shown.data)]}

    def _deliver_file(self, fields: Fields, kind: str) -> tuple[dict[str, Any], Shown]:
        chat = self._reached(fields)
        name, data = rules.upload_of(fields, kind)
        caption, protected = rules.caption_of(fields), rules.flag_of(fields, "protect_content")
        shown = self.board.deliver("telegram", chat, text=caption, buttons=rules.buttons_of(fields), document=name,
                                   data=data, protected=protected)  # fmt: skip
        told = {k: v for k, v in self.told(chat, shown).items() if k != "text"}
        return {**told, **({"caption": caption} if caption else {})}, shown

    async def _get_file(self, fields: Fields) -> dict[str, Any]:
        file_id = str(fields.get("file_id", ""))
        if file_id not in self.files:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self.files[file_id]) > DOWNLOAD_AT_MOST_BYTES:
            raise Refusal(400, "Bad Request: file is too big")
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(self.files[file_id]),
                "file_path": f"photos/{file_id}.jpg"}  # fmt: skip

    def _reached(self, fields: Fields) -> str:
        """The chat of a request. Raises Refusal where the bot cannot write there."""
        chat = str(fields.get("chat_id", ""))
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat in self.left:
            raise Refusal(403, "Forbidden: bot was kicked from the group chat")
        if chat in self.moved:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, words, migrate_to_chat_id=self.moved[chat])
        if chat in self.deactivated:
            raise Refusal(403, "Forbidden: user is deactivated")
        if chat in self.unknown or not chat.lstrip("-").isdecimal():
            raise Refusal(400, "Bad Request: chat not found")
        return chat

"""What people do in Telegram, and the shapes in which a bot hears of it: each act returns the update that it makes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.sandbox.switchboard import Shown, Switchboard
from bot.sandbox.telegram_updates import Updates


class TelegramPeople:
    """Everybody who has this bot in their Telegram. `names` are their first names, `blocked` those who shut it out."""

    def __init__(self, token: str, board: Switchboard, now: Callable[[], datetime]) -> None:
        self.token, self.board, self.now = token, board, now
        self.updates = Updates(now)
        self.names: dict[str, str] = {}
        self.blocked: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.pressed: dict[str, tuple[str, datetime]] = {}

    async def types(self, user: str, text: str) -> dict[str, Any]:
        """A person writes to the bot."""
        shown = self.board.write("telegram", user, text)
        return await self.updates.add("message", user, self._typed(user, shown, text))

    async def edits(self, user: str, message_id: int, text: str) -> dict[str, Any]:
        """A person changes what they wrote."""
        shown = self.board.rewrite("telegram", user, message_id, text)
        message = {**self._typed(user, shown, text), "edit_date": int(self.now().timestamp())}
        return await self.updates.add("edited_message", user, message)

    async def presses(self, user: str, message_id: int, data: str) -> dict[str, Any]:
        """A person presses a button of a message."""
        shown = self.board.find("telegram", user, message_id)
        press_id = str(len(self.pressed) + 1)
        self.pressed[press_id] = (user, self.now())
        query: dict[str, Any] = {"id": press_id, "from": self._user(user), "chat_instance": f"c{user}", "data": data}
        if shown is not None:
            query["message"] = {**self.message(user, shown), "from": self.me(), "text": shown.text}
        return await self.updates.add("callback_query", user, query)

    async def sends_photo(self, user: str, data: bytes, caption: str = "") -> dict[str, Any]:
        """A person sends a photo."""
        file_id = self.keep(data)
        shown = self.board.write("telegram", user, caption, document="photo.jpg", data=data)
        message = {**self.message(user, shown), "from": self._user(user), "photo": [photo_size(file_id, data)]}
        return await self.updates.add("message", user, {**message, **({"caption": caption} if caption else {})})

    async def sends_location(self, user: str, latitude: float, longitude: float) -> dict[str, Any]:
        """A person sends a place on the map."""
        shown = self.board.write("telegram", user, f"📍 {latitude:.4f}, {longitude:.4f}")
        place = {"latitude": latitude, "longitude": longitude}
        message = {**self.message(user, shown), "from": self._user(user), "location": place}
        return await self.updates.add("message", user, message)

    async def blocks(self, user: str) -> dict[str, Any]:
        """A person blocks the bot: from now on it cannot write to them."""
        self.blocked.add(user)
        member = {"status": "kicked", "user": self.me(), "until_date": 0}
        change = {
            "chat": self._chat(user), "from": self._user(user), "date": int(self.now().timestamp()),
            "old_chat_member": {"status": "member", "user": self.me()}, "new_chat_member": member,
        }  # fmt: skip
        return await self.updates.add("my_chat_member", user, change)

    async def push(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Something happens that no method here knows: an update of any kind, as it is."""
        ((kind, value),) = payload.items()
        return await self.updates.add(kind, "", value, asked_or_not=True)

    # ---- shapes ----

    def keep(self, data: bytes) -> str:
        """Keep a file; returns the id that getFile knows it by."""
        file_id = f"file{len(self.files) + 1}"
        self.files[file_id] = data
        return file_id

    def me(self) -> dict[str, Any]:
        """The bot as a user."""
        bot_id = int(self.token.partition(":")[0])
        return {"id": bot_id, "is_bot": True, "first_name": "Porchlight", "username": "porchlight_bot"}

    def _user(self, user: str) -> dict[str, Any]:
        return {"id": int(user), "is_bot": False, "first_name": self.names.get(user, "Somebody")}

    def _chat(self, chat: str) -> dict[str, Any]:
        return {"id": int(chat), "type": "private", "first_name": self.names.get(chat, "Somebody")}

    def message(self, chat: str, shown: Shown) -> dict[str, Any]:
        """A message without what is in it."""
        return {"message_id": shown.message_id, "date": int(shown.at.timestamp()), "chat": self._chat(chat)}

    def _typed(self, user: str, shown: Shown, text: str) -> dict[str, Any]:
        message = {**self.message(user, shown), "from": self._user(user), "text": text}
        if text.startswith("/"):
            length = len(text.split()[0].encode("utf-16-le")) // 2
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return message

    def told(self, chat: str, shown: Shown) -> dict[str, Any]:
        """A message of the bot, as the API answers it."""
        return {**self.message(chat, shown), "from": self.me(), "text": shown.text}


def photo_size(file_id: str, data: bytes) -> dict[str, Any]:
    """A photo in one size."""
    return {"file_id": file_id, "file_unique_id": f"u{file_id}", "width": 90, "height": 90, "file_size": len(data)}

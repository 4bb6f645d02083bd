"""Knows how letters and files pass between the house and Telegram, through aiogram, and what its refusals mean.

Text goes out as it is, without markup: a name with a bracket in it cannot break a message (A12). Each request is made
once and has an end; the outbox retries. aiogram's errors may quote a URL with the token in it, so that nothing of them
leaves this file but a code of our own.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from aiogram import Bot, exceptions
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import AnswerCallbackQuery, DeleteWebhook, GetFile, Response, SendDocument, SetWebhook
from aiogram.types import BufferedInputFile, Message

from bot.channels.long_text import split
from bot.channels.room import Room
from bot.channels.telegram_methods import LISTENS_TO, Edited, PlainSession, RawUpdates, Said, Undressed, buttons
from scheduler.outbox import Receipt, Refused, Unreachable
from scheduler.pace import Rate, Rates, in_all
from storage.outbox import Letter

T = TypeVar("T")
Document = Callable[[str], Awaitable[tuple[str, bytes]]]

REQUEST_SECONDS = 10
A_SECOND = 30  # to one chat one a second, with short bursts; to a group 20 a minute
FORBIDDEN_SECONDS = 300  # a chat that is closed to us just now: so long that the words go another way at once
WAIT_AT_MOST_SECONDS = 86400  # nobody is waited for longer, whatever they say
UNKNOWN, TWO = "401", "409"
CAPTION_AT_MOST = 1024
ANSWER_AT_MOST = 200
FILE_AT_MOST_BYTES = 10 * 1024 * 1024

_DEAD = ("chat not found", "user not found", "peer_id_invalid", "deactivated", "bot was blocked", "bot was kicked")
_MARKUP = ("can't parse", "reply markup", "reply_markup", "inline keyboard", "inline_keyboard", "button_")
_NEVER_LEFT = ("clientconnector", "clientproxy")  # how aiogram says that no line came about: nothing was said
_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
_log = structlog.get_logger(__name__)


# What answers are read with. Pydantic forgets such a model when nobody holds it and builds it anew for the next answer,
# 16 ms on the loop: at load, after every few letters.
_READ_WITH = [
    Response[method.__returning__]  # type: ignore[name-defined]
    for method in (
        AnswerCallbackQuery, DeleteWebhook, Edited, GetFile, RawUpdates, Said, SendDocument, SetWebhook, Undressed,
    )
]  # fmt: skip


class Conflict(Unreachable):
    """Somebody else polls with this token: two houses must not listen to one bot."""


class TelegramChannel:
    """One bot. Make it inside the running loop; close it at the end."""

    name = "telegram"
    rates: Rates

    def __init__(
        self, *, token: str, api_url: str, document: Document, seconds: float = REQUEST_SECONDS,
        a_second: float = A_SECOND,
    ) -> None:  # fmt: skip
        """`document(CASE_ID/VERSION)` composes the file of a report: its name and bytes. `a_second`: how many messages
        Telegram takes from this bot."""
        session = PlainSession(api=TelegramAPIServer.from_base(api_url.rstrip("/")), timeout=seconds)
        self.bot = Bot(token, session=session)
        self.rates = Rates(in_all(a_second), each=Rate(8, 1), group=Rate(5, 0.25))
        self._document, self._seconds = document, seconds
        self.turned_away: set[str] = set()  # 401: it does not know our token; 409: somebody else asks with it

    async def close(self) -> None:
        """Let go of the connections."""
        await self.bot.session.close()

    # ---- letters ------------------------------------------------------------------------------------

    async def send(self, letter: Letter) -> Receipt:
        """Hand one letter over. Raises Refused for good, Unreachable for now."""
        receipt = await self._to(letter, letter.address)
        self.turned_away.discard(UNKNOWN)
        if letter.before is not None and str(letter.before) != receipt.provider_id:
            await self._take_buttons(letter.address, letter.before)
        return receipt

    async def _to(self, letter: Letter, chat: str) -> Receipt:
        try:
            return Receipt(str(await self._deliver(letter, chat)))
        except exceptions.TelegramMigrateToChat as moved:
            _log.warning("a chat became a supergroup", letter=letter.id)
            new = str(moved.migrate_to_chat_id)
            return Receipt(str(await self._calling(self._deliver(letter, new))), moved_to=new)
        except (exceptions.AiogramError, TimeoutError, OSError) as fault:
            raise self._noted(translated(fault)) from None

    async def _deliver(self, letter: Letter, chat: str) -> int:
        if letter.document is not None:
            return await self._send_document(letter, chat)
        parts = list(split(letter.body))
        if letter.edit is not None and len(parts) == 1:
            edited = await self._edit(letter, chat, letter.edit)
            if edited is not None:
                return edited
        message_id = 0
        for number, part in enumerate(parts, start=1):
            keys = buttons(letter.keyboard) if number == len(parts) else None
            try:
                message_id = await self._say(chat, part, keys, protect=letter.protect)
            except (exceptions.AiogramError, TimeoutError, OSError) as fault:
                if number == 1:
                    raise
                raise _begun(translated(fault)) from None
        return message_id

    async def _say(self, chat: str, text: str, keys: str | None, *, protect: bool) -> int:
        protected = "true" if protect else "false"
        saying = Said(chat_id=chat, text=text, protect_content=protected, reply_markup=keys)
        try:
            said = await self.bot(saying)
        except exceptions.TelegramBadRequest as refused:
            if not _markup_refused(refused):
                raise
            _log.error("Telegram refused how a text was dressed; it goes once more, plain")
            said = await self.bot(saying.model_copy(update={"reply_markup": None}))
        return int(said.get("message_id", 0))

    async def _edit(self, letter: Letter, chat: str, message_id: int) -> int | None:
        """Change the card in place; None where it is no longer there and must be sent anew."""
        try:
            await self.bot(
                Edited(chat_id=chat, message_id=message_id, text=letter.body, reply_markup=buttons(letter.keyboard))
            )
        except exceptions.TelegramBadRequest as refused:
            words = refused.message.lower()
            if "message is not modified" in words:
                return message_id
            if any(gone in words for gone in _GONE) or _markup_refused(refused):
                return None
            raise
        return message_id

    async def _send_document(self, letter: Letter, chat: str) -> int:
        """A report as a file. Where it cannot be composed, its words go alone: they say what it is."""
        assert letter.document is not None, "asked for with a document"
        try:
            name, data = await self._document(letter.document)
        except Exception as fault:
            _log.error("a report could not be composed", letter=letter.id, fault=type(fault).__name__)
            return await self._say(chat, letter.body, None, protect=letter.protect)
        sending = self.bot.send_document(
            chat, BufferedInputFile(data, name), caption=letter.body[:CAPTION_AT_MOST], parse_mode=None,
            protect_content=letter.protect,
        )  # fmt: skip
        return await _id_of(sending)

    # ---- cards --------------------------------------------------------------------------------------

    async def _take_buttons(self, chat: str, message_id: int) -> None:
        """Take the buttons off a card that another has followed; if that fails, a press on it is explained."""
        try:
            await self.bot(Undressed(chat_id=chat, message_id=message_id))
        except (exceptions.AiogramError, TimeoutError, OSError) as fault:
            _log.info("an old card keeps its buttons", fault=type(fault).__name__)

    # ---- what a door asks for -----------------------------------------------------------------------

    async def answer_press(self, press_id: str, words: str) -> None:
        """Stop the spinner of a press, and say something. Raises Refused or Unreachable; the act stands in any case."""
        said = words[:ANSWER_AT_MOST] or None
        await self._calling(self.bot.answer_callback_query(press_id, text=said, show_alert=bool(said)))

    async def fetch_file(self, file_id: str) -> bytes:
        """The bytes of a file, 10 MB at most. Raises Refused or Unreachable."""
        file = await self._calling(self.bot.get_file(file_id))
        if file.file_path is None or (file.file_size or 0) > FILE_AT_MOST_BYTES:
            raise Refused("file too big", dead=False)
        room = Room(FILE_AT_MOST_BYTES)
        await self._calling(self.bot.download_file(file.file_path, room, timeout=int(self._seconds)))
        return room.getvalue()

    async def updates(self, offset: int | None, wait_seconds: int) -> list[dict[str, Any]]:
        """What people did from `offset` on, waiting so long for it. Asking for an offset confirms all below it."""
        asking = RawUpdates(offset=offset, timeout=wait_seconds)
        found = await self._calling(self.bot(asking, request_timeout=wait_seconds + int(self._seconds)))
        self.turned_away.discard(TWO)
        return found

    async def listen_at(self, url: str, secret: str) -> None:
        """Have updates sent to a webhook."""
        await self._calling(
            self.bot.set_webhook(url, secret_token=secret, allowed_updates=LISTENS_TO, max_connections=10)
        )

    async def last_failed_call(self) -> datetime | None:
        """When Telegram last tried our webhook in vain; None where it never did."""
        info = await self._calling(self.bot.get_webhook_info())
        return None if info.last_error_date is None else info.last_error_date.astimezone(UTC)

    async def listen_by_polling(self) -> None:
        """Have updates kept until they are asked for."""
        await self._calling(self.bot.delete_webhook())

    async def _calling(self, call: Awaitable[T]) -> T:
        try:
            answer = await call
        except (exceptions.AiogramError, TimeoutError, OSError) as fault:
            raise self._noted(translated(fault)) from None
        self.turned_away.discard(UNKNOWN)
        return answer

    def _noted(self, fate: Refused | Unreachable) -> Refused | Unreachable:
        """Note what a person must set right: no time mends it."""
        self.turned_away |= {fate.code} & {UNKNOWN, TWO}
        return fate


def translated(fault: Exception) -> Refused | Unreachable:
    """What an error of the client means: gone for good, refused as it is, or to be tried again. It quotes nobody."""
    words = fault.message.lower() if isinstance(fault, exceptions.TelegramAPIError) else ""
    match fault:
        case exceptions.TelegramRetryAfter():
            return Unreachable("429", float(min(fault.retry_after, WAIT_AT_MOST_SECONDS)))
        case exceptions.TelegramForbiddenError() if any(dead in words for dead in _DEAD):
            return Refused(_code("403", words), dead=True)
        case exceptions.TelegramForbiddenError():
            return Unreachable("403", FORBIDDEN_SECONDS)
        case exceptions.TelegramBadRequest() if any(dead in words for dead in _DEAD):
            return Refused(_code("400", words), dead=True)
        case exceptions.TelegramBadRequest():
            return Refused("400", dead=False)
        case exceptions.TelegramEntityTooLarge():
            return Refused("413", dead=False)
        case exceptions.TelegramConflictError():
            return Conflict(TWO)
        case exceptions.TelegramUnauthorizedError():
            _log.critical("Telegram does not know our token")
            return Unreachable(UNKNOWN)
        case exceptions.TelegramServerError():
            return Unreachable(type(fault).__name__, in_doubt="gateway" in words)  # Telegram itself may have heard us
        case exceptions.TelegramNetworkError():
            return Unreachable("network", in_doubt=not any(each in words for each in _NEVER_LEFT))
        case _:
            unread = isinstance(fault, TimeoutError | exceptions.ClientDecodeError)
            return Unreachable(type(fault).__name__, in_doubt=unread)


def _begun(fate: Refused | Unreachable) -> Refused | Unreachable:
    """What became of a letter of which a part was taken: whoever reads it again reads that it is the same."""
    if isinstance(fate, Unreachable):
        fate.in_doubt = True
    return fate


def _code(status: str, words: str) -> str:
    return next((f"{status} {dead}" for dead in _DEAD if dead in words), status)


def _markup_refused(refused: exceptions.TelegramBadRequest) -> bool:
    """Whether it is not the words that Telegram will not take, but their markup or their buttons."""
    return any(each in refused.message.lower() for each in _MARKUP)


async def _id_of(sending: Awaitable[Message]) -> int:
    """The id of a message that was taken, also where the answer holds something aiogram does not know."""
    try:
        return (await sending).message_id
    except exceptions.ClientDecodeError as odd:
        if not _taken(odd):
            raise
        return int(odd.data["result"].get("message_id", 0))


def _taken(odd: exceptions.ClientDecodeError) -> bool:
    """Whether Telegram said yes: sending again would say everything twice."""
    return isinstance(odd.data, dict) and odd.data.get("ok") is True and isinstance(odd.data.get("result"), dict)

"""What our client asks of the Bot API, and what the double answers, against the published description."""

from typing import Any

import aiohttp
from aiogram import Bot, types
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup

from tests.bot.doubles import doubles
from tests.contract.specs import TELEGRAM, description

ALICE = 1001
KEYS = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Yes", callback_data="t")]])


async def every_method(bot: Bot, sandbox: Any) -> None:
    """Each call this house makes, once."""
    await bot.get_me()
    await bot.delete_webhook()
    sent = await bot.send_message(ALICE, "x", reply_markup=KEYS, protect_content=True)
    await bot.edit_message_text("y", chat_id=ALICE, message_id=sent.message_id, reply_markup=KEYS)
    await bot.edit_message_reply_markup(chat_id=ALICE, message_id=sent.message_id)
    update = await sandbox.telegram.presses("1001", sent.message_id, "t")
    await bot.answer_callback_query(update["callback_query"]["id"], text="Recorded")
    await bot.send_document(ALICE, BufferedInputFile(b"%PDF-", "A17.pdf"), caption="c", protect_content=True)
    photo = await sandbox.telegram.sends_photo("1001", b"jpeg")
    await bot.get_file(photo["message"]["photo"][0]["file_id"])
    await bot.get_updates(timeout=0, allowed_updates=["message", "callback_query"])
    await bot.delete_message(ALICE, sent.message_id)
    await bot.set_webhook("http://127.0.0.1:1/x", secret_token="s" * 40)
    await bot.get_webhook_info()


async def test_every_request_names_only_what_the_description_knows():
    """Method, fields and required fields; newer ones are allowed if aiogram knows them."""
    methods = description(TELEGRAM)["methods"]
    async with doubles() as d:
        await every_method(d.bot, d.sandbox)
        calls = d.sandbox.telegram.calls
    assert len({name for name, _ in calls}) >= 12
    for name, fields in calls:
        known = {f["name"]: f for f in methods[name].get("fields", [])}
        parts = {k for k in fields if k not in known and not _is_file_part(k, fields)}
        assert not parts, f"{name}: {parts}"
        missing = {k for k, f in known.items() if f["required"] and k not in fields}
        assert not missing, f"{name}: {missing}"


def _is_file_part(key: str, fields: dict[str, Any]) -> bool:
    return any(value == f"attach://{key.removesuffix('.filename')}" for value in fields.values())


async def test_every_answer_has_what_the_description_requires():
    """Each result of the double carries every required field of its type, and aiogram decodes it."""
    kinds = description(TELEGRAM)["types"]
    async with doubles() as d:
        seen: list[tuple[str, dict[str, Any]]] = []
        async with aiohttp.ClientSession() as client:
            base = f"{d.sandbox.telegram_url}/bot{d.sandbox.token}"

            async def ask(method: str, kind: str, **fields: Any) -> Any:
                async with client.post(f"{base}/{method}", json=fields) as answer:
                    result = (await answer.json())["result"]
                seen.append((kind, result))
                return result

            sent = await ask("sendMessage", "Message", chat_id=ALICE, text="x")
            await ask("editMessageText", "Message", chat_id=ALICE, message_id=sent["message_id"], text="y")
            await ask("getMe", "User")
            await ask("getWebhookInfo", "WebhookInfo")
            update = await d.sandbox.telegram.types("1001", "/help")
            press = await d.sandbox.telegram.presses("1001", sent["message_id"], "t")
            place = await d.sandbox.telegram.sends_location("1001", 51.5, -0.1)
            photo = await d.sandbox.telegram.sends_photo("1001", b"jpeg")
            await ask("getFile", "File", file_id=photo["message"]["photo"][0]["file_id"])
        seen += [("Update", u) for u in (update, press, place, photo)]
        seen += [("Message", u["message"]) for u in (update, place, photo)]
        seen.append(("CallbackQuery", press["callback_query"]))
    for kind, result in seen:
        required = {f["name"] for f in kinds[kind]["fields"] if f["required"]}
        assert required <= set(result), f"{kind}: {required - set(result)}"
        getattr(types, kind).model_validate(result)

"""What our channel asks of the Bot API, and what the double answers and sends, against the published description."""

import json
from typing import Any

import pytest
from aiogram import Bot, types
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import BotCommand, BufferedInputFile
from aiohttp import ClientSession, FormData, web

from bot.sandbox import TOKEN
from tests.contract.specs import TELEGRAM, description
from tests.contract.wire import ALICE, Exchange, Wire, a_letter, a_wire

SIMPLE: dict[str, tuple[type, ...]] = {
    "Integer": (int,),
    "String": (str,),
    "Boolean": (bool,),
    "True": (bool,),
    "Float": (int, float),
}


def misfits(spec: Any, kinds: list[str], value: Any, where: str) -> list[str]:
    """What does not fit: a type that is none of these, a required field that is missing, a field nobody knows."""
    tried = [_misfits(spec, kind, value, where) for kind in kinds]
    return min(tried, key=len)


def _misfits(spec: Any, kind: str, value: Any, where: str) -> list[str]:
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{where}: no list"]
        return [bad for n, each in enumerate(value) for bad in _misfits(spec, kind[9:], each, f"{where}[{n}]")]
    if kind in SIMPLE:
        right = isinstance(value, SIMPLE[kind]) and (kind == "Boolean" or kind == "True" or not isinstance(value, bool))
        return [] if right else [f"{where}: {value!r} is no {kind}"]
    described = spec["types"][kind]
    if described.get("subtypes"):
        return misfits(spec, described["subtypes"], value, where)
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is no {kind}"]
    return _fields_misfit(spec, described.get("fields", []), value, where, getattr(types, kind, None))


def _fields_misfit(spec: Any, fields: Any, value: dict[str, Any], where: str, newer: Any) -> list[str]:
    known = {each["name"]: each for each in fields}
    found = [f"{where}.{name} is missing" for name, each in known.items() if each["required"] and name not in value]
    for name, each in value.items():
        if name in known:
            found += misfits(spec, known[name]["types"], each, f"{where}.{name}")
        elif name not in getattr(newer, "model_fields", {}):  # newer than the description: allowed if aiogram knows it
            found.append(f"{where}.{name} is unknown")
    return found


def request_misfits(spec: Any, exchange: Exchange) -> list[str]:
    """What of a request does not fit its method."""
    name = exchange.path.rpartition("/")[2]
    method = spec["methods"][name]
    wanted = {each["name"]: each["types"] for each in method.get("fields", [])}
    uploads = {str(v).removeprefix("attach://") for v in exchange.fields.values() if str(v).startswith("attach://")}
    given = {
        key: _as_sent(wanted.get(key, ["String"]), value)
        for key, value in exchange.fields.items() if key not in uploads
    }  # fmt: skip
    return _fields_misfit(spec, method.get("fields", []), given, name, None)


def _as_sent(kinds: list[str], value: Any) -> Any:
    """A form's text as the value it stands for."""
    if isinstance(value, web.FileField) or not isinstance(value, str) or "String" in kinds or "InputFile" in kinds:
        return value
    return json.loads(value)


async def a_whole_night(wire: Wire) -> None:
    """Every call that the house's channel makes, once."""
    await wire.bot.listen_by_polling()
    sent = await wire.bot.send(a_letter())
    await wire.bot.send(a_letter(body="A17: rung?", edit=int(sent.provider_id)))
    await wire.bot.send(a_letter(document="org1-1/1", body="Report", keyboard=(), case_card=False))
    update = await wire.telegram.presses(ALICE, int(sent.provider_id), "t" * 22)
    await wire.bot.answer_press(update["callback_query"]["id"], "Recorded")
    photo = await wire.telegram.sends_photo(ALICE, b"jpeg", "at the gate")
    await wire.bot.fetch_file(photo["message"]["photo"][0]["file_id"])
    await wire.telegram.types(ALICE, "/absent K7")
    await wire.telegram.sends_location(ALICE, 51.5, -0.1)
    await wire.telegram.edits(ALICE, photo["message"]["message_id"], "at the back gate")
    await wire.telegram.blocks("1005")
    await wire.bot.updates(None, 0)
    await wire.bot.listen_at("https://porchlight.example/telegram/webhook", "s" * 40)


async def the_rest(wire: Wire) -> None:
    """Calls of the double that the channel does not make by itself in one night."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(wire.url))
    async with Bot(TOKEN, session=session).context() as bot:
        await bot.get_me()
        await bot.get_webhook_info()
        await bot.set_my_commands([BotCommand(command="absent", description="Report a child")])
        sent = await bot.send_photo(ALICE, BufferedInputFile(b"jpeg", "x.jpg"))
        text = await bot.send_message(ALICE, "x", reply_markup=None)
        await bot.edit_message_text("y", chat_id=ALICE, message_id=text.message_id)
        await bot.delete_message(ALICE, sent.message_id)


async def test_every_request_and_every_answer_fit_the_description():
    """Method, fields and their types on the way out; the type that the method returns on the way back."""
    spec = description(TELEGRAM)
    async with a_wire() as wire:
        await a_whole_night(wire)
        await the_rest(wire)
    assert len({each.path for each in wire.exchanges}) >= 12
    assert [] == [bad for each in wire.exchanges for bad in request_misfits(spec, each)]
    for each in wire.exchanges:
        answer = json.loads(each.answer)
        assert answer["ok"] is True, answer
        method = each.path.rpartition("/")[2]
        assert [] == misfits(spec, spec["methods"][method]["returns"], answer["result"], method)


async def test_every_refusal_fits_the_description():
    """`ok`, `error_code` and `description`, and parameters that the description knows."""
    spec = description(TELEGRAM)
    async with a_wire() as wire:
        wire.telegram.failures.plant("sendMessage", code=429, description="Too Many Requests", retry_after=3)
        with pytest.raises(Exception, match="429"):
            await wire.bot.send(a_letter())
    refusal = json.loads(wire.exchanges[-1].answer)
    assert (refusal["ok"], refusal["error_code"], wire.exchanges[-1].status) == (False, 429, 429)
    assert [] == misfits(spec, ["ResponseParameters"], refusal["parameters"], "parameters")


async def test_the_check_can_fail():
    """A method that is given a field nobody knows, a wrong type, or lacks a field is caught."""
    spec = description(TELEGRAM)
    async with a_wire() as wire:
        form = FormData({"chat_id": "1001", "tekst": "x"})
        async with ClientSession() as client:
            await client.post(f"{wire.url}/bot{TOKEN}/sendMessage", data=form)
    found = request_misfits(spec, wire.exchanges[-1])
    assert found == ["sendMessage.text is missing", "sendMessage.tekst is unknown"]
    assert misfits(spec, ["User"], {"id": "1", "is_bot": False, "first_name": "A"}, "User") == [
        "User.id: '1' is no Integer"
    ]

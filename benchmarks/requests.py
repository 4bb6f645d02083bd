"""Knows how a request of Telegram's or Twilio's looks on the wire: whole, signed, and each with an id of its own."""

import json
import time
from collections.abc import Sequence
from itertools import count
from urllib.parse import urlencode

from benchmarks import town
from benchmarks.bare import SECRET
from benchmarks.house import PUBLIC
from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER
from bot.sandbox.twilio import sign

SMS, TELEGRAM = "/twilio/sms", "/telegram/webhook"
_BLANK = ("ToState", "ToCity", "ToZip", "FromState", "FromCity", "FromZip")  # as Twilio sends them from Britain
_numbers = count(1)


def parents_night(home: int) -> Sequence[bytes]:
    """What the parent of a home texts, one request after another."""
    return [_text(town.number(home), words) for words in town.PARENT_TEXTS]


def staffs_night(home: int, path: str = TELEGRAM) -> Sequence[bytes]:
    """What somebody of a home's staff types."""
    return [_typed(town.account(home), words.format(child=town.child(home)), path) for words in town.STAFF_TEXTS]


def _text(number: str, words: str) -> bytes:
    sid = f"SM{next(_numbers):032x}"
    form = dict.fromkeys(_BLANK, "") | {
        "ToCountry": "GB", "SmsMessageSid": sid, "NumMedia": "0", "SmsSid": sid, "SmsStatus": "received", "Body": words,
        "FromCountry": "GB", "To": NUMBER, "NumSegments": "1", "MessageSid": sid, "AccountSid": ACCOUNT_SID, "From": number,
        "ApiVersion": "2010-04-01",
    }  # fmt: skip
    signature = sign(AUTH_TOKEN, PUBLIC + SMS, form)
    return _post(SMS, urlencode(form).encode(), "application/x-www-form-urlencoded", f"X-Twilio-Signature: {signature}")


def _typed(account: int, words: str, path: str) -> bytes:
    number = next(_numbers)
    who = {"id": account, "is_bot": False, "first_name": "Sam", "language_code": "en"}
    message = {
        "message_id": number, "from": who, "chat": {"id": account, "first_name": "Sam", "type": "private"},
        "date": int(time.time()), "text": words,
    }  # fmt: skip
    if words.startswith("/"):
        message["entities"] = [{"offset": 0, "length": len(words.split()[0]), "type": "bot_command"}]
    body = json.dumps({"update_id": number, "message": message}).encode()
    return _post(path, body, "application/json", f"X-Telegram-Bot-Api-Secret-Token: {SECRET}")


def _post(path: str, body: bytes, kind: str, proof: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: porchlight.example\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"Accept: */*\r\n{proof}\r\n\r\n"
    )
    return head.encode() + body

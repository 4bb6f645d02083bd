"""What each address answers before a door is asked: methods, sizes, secrets, signatures; never a 500, never a leak."""

import asyncio
import hashlib
import io
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from bot.sandbox import ACCOUNT_SID, AUTH_TOKEN, NUMBER
from handlers.twilio_signature import fields_of, sign, signed
from tests.bot.living import PAT, PUBLIC_URL, SECRET, Living, a_world, living
from tests.databases import ON_BOTH
from tests.storage import schemas

pytestmark = ON_BOTH

UPDATE = {"update_id": 1, "message": {}}
OLD_TOKEN = "the-token-before"


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Living]:
    async with a_world() as world, living(tmp_path, world, TWILIO_AUTH_TOKEN_PREVIOUS=OLD_TOKEN) as made:
        yield made


def a_text(body: str = "MISSING 20:55", **more: str) -> dict[str, str]:
    return {"MessageSid": "SM" + "0" * 31 + "1", "AccountSid": ACCOUNT_SID, "From": PAT, "To": NUMBER, "Body": body,
            "NumMedia": "0", "FromCity": "", **more}  # fmt: skip


async def post(life: Living, path: str, data: bytes, **headers: str) -> int:
    async with life.client.post(life.url + path, data=io.BytesIO(data), headers=headers) as answer:
        assert await answer.text() == "" or answer.status in (405, 413, 415)
        return answer.status


async def nothing_happened(life: Living) -> bool:
    return not await life.rows("SELECT 1 FROM v_inbox") and not await life.rows("SELECT 1 FROM v_case")


# ---- Telegram's door ------------------------------------------------------------------------------


async def test_without_the_secret_nothing_is_read(life: Living) -> None:
    """B001 to B003: 401, whatever the body, and nothing is kept."""
    for secret in (None, "", "s" * 39, "t" * 40, "s" * 10_000):
        assert await life.update(UPDATE, secret) == 401
    assert await nothing_happened(life)


async def test_odd_secrets_are_wrong_ones(life: Living) -> None:
    """Bytes beyond ASCII, or the header twice, one of them right (B003, B004, T10)."""
    name = "X-Telegram-Bot-Api-Secret-Token"
    for lines in (f"{name}: ßecret", f"{name}: {SECRET}\r\n{name}: wrong", f"{name}: wrong\r\n{name}: {SECRET}"):
        raw = f"POST /telegram/webhook HTTP/1.1\r\nHost: x\r\n{lines}\r\nContent-Length: 2\r\n\r\n{{}}"
        assert b" 401 " in await by_hand(life, raw.encode("latin-1"))
    assert await nothing_happened(life)


UNREADABLE = [
    b"{", b"[]", b"null", b'"x"', b"1", b"{}", b"", b'{"update_id": NaN}', b'{"update_id": 1e400}', b"[" * 100_000,
    b'{"update_id": -1}', b'{"update_id": "12"}', b'{"update_id": 1' + b"0" * 30 + b"}", b"\xff\xfe{\x00}\x00",
    b'{"update_id": 5, "message": {"text": "\\ud800"}}',
]  # fmt: skip


async def test_an_unreadable_body_is_kept_and_answered_200(life: Living) -> None:
    """B006 to B014: a 500 would hold back everything else that person says."""
    for body in UNREADABLE:
        assert await post(life, "/telegram/webhook", body, **{"X-Telegram-Bot-Api-Secret-Token": SECRET}) == 200
    states = [row["state"] for row in await life.rows("SELECT state FROM v_inbox")]
    assert len(states) == len(UNREADABLE) and set(states) <= {"quarantined", "ignored"}


# ---- both doors -----------------------------------------------------------------------------------


async def test_methods_sizes_and_packing_are_refused_first(life: Living) -> None:
    """B005, B009, B011: 405, 413 before the body is read, 415; nothing is kept."""
    right = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "X-Twilio-Signature": "x"}
    for path in (
        "/telegram/webhook",
        "/twilio/sms",
        "/twilio/sms-fallback",
        "/twilio/status",
        "/twilio/voice",
        "/twilio/gather",
    ):
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            async with life.client.request(method, life.url + path, headers=right) as answer:
                assert answer.status == 405
        assert await post(life, path, b"x" * (1024 * 1024 + 1), **right) == 413
        assert await post(life, path, b"x", **{**right, "Content-Encoding": "gzip"}) == 415
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 52428800\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in right.items())
        assert b" 413 " in await by_hand(life, head.encode() + b"\r\n")
    assert await nothing_happened(life)


async def test_a_body_in_chunks_is_measured_too(life: Living) -> None:
    """No Content-Length to look at: it ends at 1 MiB all the same."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    async with life.client.post(f"{life.url}/telegram/webhook", data=chunks(), headers=headers) as answer:
        assert answer.status == 413


async def test_what_cannot_be_written_is_asked_for_again(life: Living) -> None:
    """B023: 503 with Retry-After, nothing kept; sent again it is worked once."""
    await life.house.database.write(lambda tx: tx.run("ALTER TABLE inbox RENAME TO inbox_away"))
    async with life.client.post(
        f"{life.url}/telegram/webhook", json=UPDATE, headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}
    ) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert (await life.signed("/twilio/sms", a_text()))[0] == 503
    await life.house.database.write(lambda tx: tx.run("ALTER TABLE inbox_away RENAME TO inbox"))
    assert await nothing_happened(life)
    assert (await life.signed("/twilio/sms", a_text()))[0] == 204
    assert len(await life.rows("SELECT 1 FROM v_case")) == 1


async def test_a_slow_sender_holds_up_nobody(life: Living) -> None:
    """B012: sockets that trickle stand aside."""
    slow = []
    for _ in range(50):
        line = socket.create_connection(("127.0.0.1", life.house.port))
        line.sendall(b"POST /twilio/sms HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nB")
        slow.append(line)
    async with asyncio.timeout(5):
        assert await life.text(PAT, "MISSING") == 204
    for line in slow:
        line.close()


async def test_the_same_message_many_times_at_once_is_one(life: Living) -> None:
    """B017, B080: one effect, one answer."""
    answers = await asyncio.gather(*(life.signed("/twilio/sms", a_text()) for _ in range(40)))
    assert {status for status, _ in answers} == {204}
    assert len(await life.rows("SELECT 1 FROM v_case")) == 1


# ---- Twilio's signature ------------------------------------------------------------------------------


async def test_a_signed_text_is_taken(life: Living) -> None:
    """With its blank fields, in whichever order they come, and what Twilio adds tomorrow (B073, B074)."""
    fields = a_text(Zürich="ü 👍", ToCity="")
    assert await life.signed("/twilio/sms", fields, data=dict(reversed(fields.items()))) == (204, "")
    assert len(await life.rows("SELECT 1 FROM v_case")) == 1


async def test_the_token_before_is_still_believed(life: Living) -> None:
    """B076: while a token is being changed, nobody is unheard."""
    said = "".join(name + value for name, value in sorted(a_text().items()))
    signature = sign(f"{PUBLIC_URL}/twilio/sms{said}", OLD_TOKEN)
    assert (await life.signed("/twilio/sms", a_text(), signature=signature))[0] == 204


BAD: list[Callable[[str], Any]] = [
    lambda right: None, lambda right: "", lambda right: right[:-2] + "x=", lambda right: "x" * 10_000,
    lambda right: right.lower(), lambda right: f" {right}x", lambda right: "not base64!",
]  # fmt: skip


async def test_a_wrong_signature_is_403(life: Living) -> None:
    """B068: none, empty, long, cut: the same bare answer."""
    said = "".join(name + value for name, value in sorted(a_text().items()))
    for spoil in BAD:
        signature = spoil(sign(f"{PUBLIC_URL}/twilio/sms{said}", AUTH_TOKEN))
        assert await life.signed("/twilio/sms", a_text(), signature=signature) == (403, "")
    assert await nothing_happened(life)


async def test_only_the_public_url_is_signed_for(life: Living) -> None:
    """B069 to B071: scheme, host, path, query; and no header of the request has any say."""
    said = "".join(name + value for name, value in sorted(a_text().items()))
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http",
               "X-Twilio-Webhooks-Signature-Settings": "key=x,algorithm=HMAC_SHA256"}  # fmt: skip
    for url in ("http://porch.example/twilio/sms", "https://porch.example/twilio/sms/", "https://evil.example/twilio/sms",
                "https://porch.example/twilio/sms?a=1", "https://PORCH.example/twilio/sms"):  # fmt: skip
        wrong = sign(url + said, AUTH_TOKEN)
        assert (await life.signed("/twilio/sms", a_text(), signature=wrong, headers=headers))[0] == 403
    assert (await life.signed("/twilio/sms", a_text(), headers=headers))[0] == 204


async def test_a_changed_field_breaks_the_signature(life: Living) -> None:
    """B072: added, trimmed, altered."""
    for changes in ({"Body": "MISSING"}, {"Body": "MISSING 20:55 "}, {"Extra": ""}, {"FromCity": " "}):
        assert (await life.signed("/twilio/sms", a_text(), data={**a_text(), **changes}))[0] == 403
        assert (await life.signed("/twilio/sms", {**a_text(), **changes}, data=a_text()))[0] == 403


async def test_two_signatures_are_none(life: Living) -> None:
    """T10: a duplicate of a security header is refused, also where one of them is right."""
    body = "&".join(f"{name}=1" for name in ("MessageSid", "Body"))
    right = sign(f"{PUBLIC_URL}/twilio/smsBody1MessageSid1", AUTH_TOKEN)
    head = "POST /twilio/sms HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    for lines in (f"X-Twilio-Signature: {right}\r\nX-Twilio-Signature: x\r\n", f"X-Twilio-Signature: {right}\r\n"):
        raw = f"{head}{lines}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        status = await by_hand(life, raw.encode())
        assert (b" 403 " if lines.count("Signature") == 2 else b" 204 ") in status


async def test_a_signed_body_that_is_no_form_is_set_aside(life: Living) -> None:
    """Right signature, unreadable body: 204, for a person to look at; a body not covered by it is 403."""
    body = b'{"MessageSid": "SM1"}'
    path = f"/twilio/sms?bodySHA256={hashlib.sha256(body).hexdigest()}"
    json = {"Content-Type": "application/json"}
    assert (await life.signed(path, {}, data=body, headers=json))[0] == 204
    assert [row["state"] for row in await life.rows("SELECT state FROM v_inbox")] == ["quarantined"]
    assert (await life.signed(path, {}, data=body + b" ", headers=json))[0] == 403


@pytest.mark.parametrize(
    "url", ["https://a.example/x", "https://a.example:443/x", "https://a.example:8443/x?m=1", "http://[::1]:80/x"]
)
def test_our_signature_is_the_librarys(url: str) -> None:
    """Computed by hand, equal to Twilio's own code, with and without the port."""
    fields = {"Body": "hé 👍", "FromCity": "", "To": "+44"}
    validator = RequestValidator(AUTH_TOKEN)
    assert signed(url, fields.items(), validator.compute_signature(url, fields), [AUTH_TOKEN])
    other = url.replace("a.example/", "a.example:443/")
    given = validator.compute_signature(url, fields)
    assert signed(other, fields.items(), given, [AUTH_TOKEN]) == validator.validate(other, fields, given)


@pytest.mark.parametrize("body", [b"\xff", b"a=%ff", b"&".join([b"a=1"] * 2000)])
def test_a_body_that_is_no_form_has_no_fields(body: bytes) -> None:
    """Nothing is guessed from bytes that are no text, nor read without end."""
    assert fields_of(body) is None


# ---- the house about itself -------------------------------------------------------------------------


async def test_ready_tells_numbers_and_breaks_when_a_promise_does(life: Living) -> None:
    """503 for an open case without a deadline; and never a word about anybody."""
    async with life.client.get(f"{life.url}/readyz") as answer:
        facts = await answer.json()
        assert answer.status == 200 and facts["db_writable"] and facts["audit_ok"]
        assert set(facts) == {"db_writable", "tick_age_s", "overdue", "open_without_deadline", "outbox_oldest_s",
                              "channels", "audit_ok", "duty_warnings", "self_check", "canary", "unheard"}  # fmt: skip
    await life.text(PAT, "MISSING")
    await life.house.database.write(lambda tx: tx.run("DELETE FROM deadline"))
    async with life.client.get(f"{life.url}/readyz") as answer:
        assert answer.status == 503 and (await answer.json())["open_without_deadline"] == 1


async def test_what_would_hurt_on_a_night_to_come_is_shown_and_breaks_no_promise(life: Living) -> None:
    """Ready all the same: an empty shift next week stops nobody tonight."""
    warning = "INSERT INTO duty_warning (organisation, kind, about, since) VALUES ('org1', 'empty_shift', 'x', 1)"
    await life.house.database.write(lambda tx: tx.run(warning))
    async with life.client.get(f"{life.url}/readyz") as answer:
        assert answer.status == 200 and (await answer.json())["duty_warnings"] == {"empty_shift": 1}


async def test_a_broken_chain_is_not_ready(life: Living) -> None:
    """One altered entry is enough."""
    await life.text(PAT, "MISSING")
    await life.house.database.write(schemas.unguard)
    await life.house.database.write(lambda tx: tx.run("UPDATE event SET body = replace(body, 'pat', 'tap')"))
    async with life.client.get(f"{life.url}/readyz") as answer:
        assert answer.status == 503 and not (await answer.json())["audit_ok"]


async def test_what_this_house_does_not_have_is_not_found(life: Living) -> None:
    """The sandbox's page in live mode, and what later parts bring."""
    for path in ("/board/", "/sandbox/", "/"):
        async with life.client.get(life.url + path) as answer:
            assert answer.status == 404


async def test_alive_is_alive(life: Living) -> None:
    """The process answers."""
    async with life.client.get(f"{life.url}/healthz") as answer:
        assert answer.status == 200


async def by_hand(life: Living, raw: bytes) -> bytes:
    """Send bytes that no client would, and read the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", life.house.port)
    writer.write(raw)
    await writer.drain()
    async with asyncio.timeout(5):
        line = await reader.readline()
    writer.close()
    return line

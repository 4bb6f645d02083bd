"""Telegram at the door: who is heard, what is no answer, what is no update; and that nothing typed ever raises."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers import telegram, updates
from storage.inbox import Heard
from tests.databases import ON_BOTH
from tests.handlers.telegram_phones import Phones

pytestmark = ON_BOTH


# ---- who is heard ----------------------------------------------------------------------------------


async def test_a_stranger_reads_the_same_words_whatever_they_write(home: Phones):
    """B025: no hint of purpose or names."""
    for words in ("hello", "/start", "/absent K7", "/open", "K7 is missing", "ACK A17 1234"):
        await home.types("stranger", words)
    assert 1 == len(set(texts := await home.reads("stranger"))) and 6 == len(texts)
    assert "999" in texts[0] and "Northfield" not in texts[0]


@pytest.mark.parametrize("token", ["a" * 64, "../../etc", "' OR 1=1 --", "🏠", "x" * 4000])
async def test_a_made_up_invite_is_refused(home: Phones, token: str):
    """B028: one answer for all."""
    await home.types("stranger", f"/start {token}")
    texts = await home.reads("stranger")
    assert ["This link does not work any more. Please ask for a new one. In danger ring 999."] == texts


async def test_an_invite_binds_one_account_once(home: Phones):
    """B026, B027: the second is refused, and people on call hear of it."""
    from storage.invites import make_link

    async def make(desk) -> str:
        await desk.directory.bind_telegram("alice", None)
        return await make_link(desk.directory, "alice", desk.now, desk.chance)

    token = await home.house.casebook.at_desk(make)
    await home.types("alice", f"/start {token}")
    assert "Hello Alice Example" in (await home.reads("alice"))[0]
    await home.types("stranger", f"/start {token}")
    assert any("second time" in r["body"] and r["person"] == "cass" for r in await home.all())
    expired = await home.house.casebook.at_desk(make)
    home.house.clock.after(hours=24, seconds=1)
    await home.types("alice", f"/start {expired}")
    assert "does not work any more" in (await home.reads("alice"))[0]


async def test_bots_channels_and_anonymous_admins_are_nobody(home: Phones):
    """B029: no authority without a person."""
    bot = {"id": 1001, "is_bot": True, "first_name": "x"}
    await home.types("alice", "/absent K7", **{"from": bot})
    await home.types("alice", "/absent K7", sender_chat={"id": -100, "type": "channel"})
    assert ["ignored", "ignored"] == await home.inbox()


async def test_a_forwarded_answer_is_no_answer(home: Phones):
    """B062: it is kept as evidence."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "No", forward_origin={"type": "user"})
    await home.types("alice", "No", via_bot={"id": 5, "is_bot": True, "first_name": "x"})
    assert {} == (await home.case()).answers
    assert 2 == len(await home.events("NoteMade"))


async def test_a_changed_message_changes_nothing(home: Phones):
    """B038."""
    await home.types("alice", "/absent K7 20:45")
    update = {"update_id": 70_001, "edited_message": {
        "message_id": 1, "date": 1, "edit_date": 2, "chat": {"id": 1001, "type": "private"},
        "from": {"id": 1001, "is_bot": False, "first_name": "a"}, "text": "Yes",
    }}  # fmt: skip
    assert "done" == await telegram.hear(home.doors, update)
    assert {} == (await home.case()).answers
    assert "send a new one" in (await home.reads("alice"))[-1]


async def test_stickers_and_voice_notes_are_asked_for_in_words(home: Phones):
    """B040."""
    await home.sends("alice", sticker={"file_id": "x"})
    await home.sends("alice", voice={"file_id": "x"})
    assert ["I read words, buttons, photos and places only. Please send words. In danger ring 999."] * 2 == (
        await home.reads("alice")
    )


async def test_what_was_sent_before_the_question_is_not_its_answer(home: Phones):
    """B020: late words are kept with both times and override nothing."""
    await home.types("alice", "/absent K7 20:45")
    sent = int((home.house.clock.now() - timedelta(minutes=40)).timestamp())
    await home.types("alice", "No", date=sent)
    assert {} == (await home.case()).answers
    assert any("came 21:00" in r["body"] for r in await home.house.rows("SELECT body FROM words"))
    assert "came late" in (await home.reads("alice"))[-1]


@pytest.mark.parametrize("date", [0, -5, 2**62, 1, "now", None])
async def test_a_date_no_message_can_have_is_not_believed(home: Phones, date: object):
    """B021: the time of arrival counts."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "No", date=date)
    assert "C01" in (await home.case()).answers


# ---- what is no update -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"[]", b"null", b'"x"', b"1", b"{}", b'{"update_id": NaN}', b'{"update_id": 1e400}',
     b'{"update_id": -1}', b'{"update_id": "12"}', b'{"update_id": 1000000000000000000000000000000}',
     b'{"update_id": true}', b"\xff\xfe{\x00", b"[" * 100_000, b'{"update_id": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
async def test_what_is_no_update_is_set_aside(home: Phones, body: bytes):
    """B006 to B010, B014: never a crash, never a second chance to do harm."""
    assert "quarantined" == await telegram.hear_body(home.doors, body)


async def test_an_update_of_the_future_is_ignored(home: Phones):
    """B015: stored, nothing done."""
    assert "ignored" == await telegram.hear(home.doors, {"update_id": 5, "teleportation": {"id": "?"}})


async def test_half_characters_are_kept_as_well_as_can_be(home: Phones):
    """B014, B041: lone surrogates, direction overrides, NUL, a thousand lines."""
    await home.types("alice", "/absent K7 20:45")
    for words in ("\ud800 gone", "\u202etxet", "a\x00b", "\n" * 1000 + "x", "z\u0335" * 2000):
        assert "done" == await home.types("alice", words)


async def test_an_account_id_that_none_can_have_is_set_aside(home: Phones):
    """B008: no overflow in the database."""
    assert "quarantined" == await home.types("alice", "x", **{"from": {"id": 10**30, "is_bot": False}})


async def test_a_repeat_is_done_once_however_often_it_comes(home: Phones):
    """B016, B017: the first body wins."""
    update = {"update_id": 77, "message": {
        "message_id": 1, "date": 1, "chat": {"id": 1001, "type": "private"},
        "from": {"id": 1001, "is_bot": False, "first_name": "a"}, "text": "/absent K7 20:45",
    }}  # fmt: skip
    outcomes = await asyncio.gather(*(telegram.hear(home.doors, update) for _ in range(50)))
    other = {**update, "message": {**update["message"], "text": "/absent K8"}}  # type: ignore[dict-item]
    assert "repeat" == await telegram.hear(home.doors, other)
    assert ["done", *["repeat"] * 49] == sorted(outcomes)
    assert 1 == len(await home.house.rows("SELECT * FROM case_row"))


async def test_a_lower_id_than_any_before_is_heard(home: Phones):
    """B018: after a quiet week ids begin anew."""
    for number in (500, 3):
        said = {"message_id": 1, "date": 1, "chat": {"id": 1001, "type": "private"}, "text": "/help",
                "from": {"id": 1001, "is_bot": False, "first_name": "a"}}  # fmt: skip
        assert "done" == await telegram.hear(home.doors, {"update_id": number, "message": said})


async def test_a_press_whose_answer_comes_too_late_stands(home: Phones):
    """B036: Telegram forgot the press, the house did not."""
    await home.types("alice", "/absent K7 20:45")
    token = json.loads((await home.with_button("alice", "No"))["keyboard"])[1][0][1]

    async def too_old(press: str, words: str) -> None:
        raise OSError("query is too old")

    doors = type(home.doors)(
        casebook=home.doors.casebook, books=home.doors.books, protocols=home.doors.protocols, clock=home.doors.clock,
        answer_press=too_old,
    )  # fmt: skip
    press = {"id": "p", "from": {"id": 1001, "is_bot": False, "first_name": "a"}, "data": token}
    assert "done" == await telegram.hear(doors, {"update_id": 900_001, "callback_query": press})
    assert "C01" in (await home.case()).answers


async def test_a_message_is_tried_again_from_its_row(home: Phones):
    """A stumble is no loss: the same act from what was stored."""
    await home.types("alice", "/absent K7 20:45")
    row = (await home.house.rows("SELECT * FROM inbox ORDER BY rowid DESC LIMIT 1"))[0]
    heard = Heard(source="telegram", external_id="x", received_at=home.house.clock.now(), raw=row["raw"])
    await home.house.casebook.at_desk(telegram.answer_for(home.doors, heard))
    assert 1 == len(await home.house.rows("SELECT * FROM case_row"))


# ---- nothing a person types raises ------------------------------------------------------------------

_NAMES = ["id", "from", "chat", "text", "date", "photo", "file_id", "file_size", "location", "latitude", "longitude",
          "data", "message", "is_bot", "type", "caption", "message_id", "sender_chat", "edited_message"]  # fmt: skip
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=150)
@given(fields=st.dictionaries(st.sampled_from(_NAMES), _ANY, max_size=8), number=st.integers(0, 2**62))
def test_whatever_shape_an_update_has_it_is_read_or_set_aside(fields: dict[str, object], number: int):
    """Never another exception than Unreadable."""
    for raw in ({**fields, "update_id": number}, {"update_id": number, "message": fields},
                {"update_id": number, "callback_query": fields}):  # fmt: skip
        with suppress(updates.Unreadable):
            updates.read(raw)


TYPED = """?
/
/absent@porchlight_bot K7
/ack
/pol A17
/pol
/confirm
/close
/watch
/watch K7
/report
/case
/start
/note
x
/declined
/declined x 99:99
NONE
RISK
A17
A17 NONE
1
1 2 3
no, yes
not sure
Yes No
BACK 123456
OUT
STOP
CALL
%s {0} ${x}
<b>
' OR 1=1
yday 21:00
seen 21:00
21:00 22:00
12:60
=HYPERLINK(1)
Done
Take
|
a|b|c"""


async def test_whatever_staff_type_is_worked_and_never_ends_a_case(home: Phones):
    """P10: no words of staff without a sighting lower or close anything; none stumbles."""
    await home.types("alice", "/absent K7 20:45")
    for each in TYPED.splitlines():
        assert "done" == await home.types("alice", each), each
        for row in await home.all():
            assert len(row["body"]) <= 4096
    states = {r["status"] for r in await home.house.rows("SELECT status FROM case_row")}
    assert not states & {"returned", "closed"}
    assert [] == await home.house.findings()

"""Duty at the doors: taking over, the contact test, the rota on Telegram, and group chats that hear codes alone."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from casework.events import WorryRaised
from casework.rota import Shift
from handlers import telegram
from scheduler.outbox import refused
from storage import contact_round, contacts, groups, handing_over, proofs, roster, shifts
from storage.directory import Directory
from storage.shifts import Line
from tests.databases import ON_BOTH
from tests.handlers import sms_phones, telegram_phones
from tests.handlers.telegram_phones import Phones
from tests.storage.houses import EVENING, ROSTER

pytestmark = ON_BOTH

HOUR = timedelta(hours=1)
OTHER_HOME = """
[[home]]
id = "elm"
organisation = "org1"
kind = "children"
name = "Elm House"
town = "Exampleton"

[[person]]
id = "bob"
organisation = "org1"
name = "Bob Example"
roles = ["manager:elm"]
telegram_id = 1005
"""
GROUP = {"id": -5001, "type": "group", "title": "Oak"}
_numbers = itertools.count(900_000)


@pytest.fixture
async def all_phones(tmp_path: Path) -> AsyncIterator[Phones]:
    async with telegram_phones.phones(tmp_path) as made:
        yield made


async def puts(house, shift_id: str, who: str, **more) -> None:
    """A co-ordinators' shift, in place of the roster's lines."""
    line = Line(shift=Shift(shift_id=shift_id, person=who, **more), organisation="org1", role="coordinator", home="",
                made_at=EVENING, made_by="mo")  # fmt: skip

    async def unit(tx) -> None:
        await tx.run("DELETE FROM duty")
        await shifts.add(tx, line)

    await house.database.write(unit)


async def asked(house) -> None:
    """Cass had the day, Dee has the evening; both were asked, and Cass took over."""
    await puts(house, "1", "cass", from_at=EVENING - 8 * HOUR, until_at=EVENING - HOUR)
    await puts(house, "2", "dee", from_at=EVENING - HOUR, until_at=EVENING + 8 * HOUR)
    house.clock.instant = EVENING - 8 * HOUR

    async def act(desk) -> None:
        for coming in await handing_over.comings(desk.tx, desk.now, await shifts.scopes(desk.tx, desk.now)):
            await handing_over.ask(desk, coming)

    async def accepts(desk) -> None:
        await handing_over.take_over(desk, await desk.directory.person("cass"))

    await house.casebook.at_desk(act)
    await house.casebook.at_desk(accepts)
    house.clock.instant = EVENING
    await house.casebook.at_desk(act)


async def on_duty(house) -> list[str]:
    now = house.clock.now()
    found = await house.database.read(lambda tx: Directory(tx).on_duty("org1", "coordinator", "oak", now))
    return [person.person_id for person in found]


async def digits_of(house, text: str, who: str) -> str:
    row = (await house.rows("SELECT body FROM outbox WHERE text = ? AND person = ? ORDER BY id DESC", text, who))[0]
    return str(row["body"]).partition("OK ")[2][:4]


# ---- taking over -----------------------------------------------------------------------------------------


async def test_a_press_takes_a_duty_over_and_a_second_press_is_harmless(all_phones: Phones) -> None:
    """Until then both are alerted; who is relieved hears so."""
    await asked(all_phones.house)
    assert await on_duty(all_phones.house) == ["dee", "cass"]
    token = json.loads((await all_phones.with_button("dee", "I take over"))["keyboard"])[0][0][1]
    assert (
        await all_phones.presses_token("cass", token)
        == "That button is no longer valid. Send /open to see your cases. In danger ring 999."
    )
    assert await on_duty(all_phones.house) == ["dee", "cass"]
    await all_phones.presses_token("dee", token)
    assert await on_duty(all_phones.house) == ["dee"]
    assert any("you have it now: co-ordinator (all homes)" in text for text in await all_phones.reads("dee"))
    assert await all_phones.presses_token("dee", token) == "That is done already."


async def test_who_takes_over_hears_which_children_are_out(all_phones: Phones) -> None:
    """HZ29: a new shift must not have to ask; codes alone, watches and children who are back left out."""
    await asked(all_phones.house)
    await all_phones.house.opens("K7")
    await all_phones.house.watches("K8", EVENING + HOUR)
    code = (await all_phones.house.rows("SELECT code FROM v_case"))[0]["code"]
    await all_phones.types("dee", "/takeover")
    assert f"Open cases: {code}." in " ".join(await all_phones.reads("dee"))


async def test_who_stands_in_for_a_home_leads_in_its_cases_while_they_do(all_phones: Phones) -> None:
    """The manager of another home may take an alert tonight, and not tomorrow."""
    house = all_phones.house
    more = ROSTER + OTHER_HOME
    await house.database.write(lambda tx: roster.apply(tx, roster.parse(more), take_telegram_ids=True))
    case_id = await house.opens("K7")
    await house.record(case_id, WorryRaised, flags=("R16",))
    code = (await house.case(case_id)).code
    await all_phones.types("bob", f"/ack {code}")
    assert (await house.case(case_id)).alert.taken_by is None
    await all_phones.types("mo", "/cover manager@oak bob now 08:00")
    await all_phones.types("bob", f"/ack {code}")
    assert (await house.case(case_id)).alert.taken_by == "bob"
    house.clock.after(hours=12)
    await all_phones.all()
    await all_phones.types("bob", f"/case {code}")
    assert "I know no such case here" in " ".join(await all_phones.reads("bob"))


@pytest.mark.parametrize("words", ["/takeover", "OK {digits}", "ok {digits}.", "Okay: {digits}"])
async def test_the_typed_forms_of_the_button_do_the_same(all_phones: Phones, words: str) -> None:
    """Every button has one."""
    await asked(all_phones.house)
    digits = await digits_of(all_phones.house, "C_DUTY", "dee")
    await all_phones.types("dee", words.format(digits=digits))
    assert await on_duty(all_phones.house) == ["dee"]


async def test_ok_alone_and_the_digits_of_another_take_nothing_over(all_phones: Phones) -> None:
    """B091: politeness changes nothing."""
    await asked(all_phones.house)
    digits = await digits_of(all_phones.house, "C_DUTY", "dee")
    for who, words in (
        ("dee", "ok"),
        ("dee", "OK 12"),
        ("cass", f"OK {digits}"),
        ("alice", f"OK {digits}"),
        ("dee", "OK 00000"),
    ):
        await all_phones.types(who, words)
        assert await on_duty(all_phones.house) == ["dee", "cass"], words
    await all_phones.types("alice", "/takeover")
    assert await all_phones.reads("alice") != []


async def test_a_text_takes_over_with_its_own_digits_and_locks_after_five_wrong_ones(tmp_path: Path) -> None:
    """A number can be forged, and taking over relieves somebody: digits are guessed five times at most."""
    async with sms_phones.phones(tmp_path) as phones:
        await asked(phones.house)
        right = await digits_of(phones.house, "C_DUTY", "dee")
        wrong = f"{(int(right) + 1) % 10_000:04d}"
        assert "Those digits are not right" in " ".join(await phones.texts("dee", f"OK {wrong}"))
        for _ in range(4):
            await phones.texts("dee", f"OK {wrong}")
        await phones.texts("dee", f"OK {right}")
        assert await on_duty(phones.house) == ["dee", "cass"]
        phones.house.clock.after(minutes=16)
        assert "you have it now" in " ".join(await phones.texts("dee", f"ok {right}"))
        assert await on_duty(phones.house) == ["dee"]


async def test_digits_of_an_alert_behind_ok_are_left_to_who_reads_alerts(tmp_path: Path) -> None:
    """Somebody on call with an open case may have meant ACK; what they wrote is kept with the case."""
    async with sms_phones.phones(tmp_path) as phones:
        case_id = await phones.house.opens("K7")
        await phones.house.record(case_id, WorryRaised, flags=("R16",))
        await phones.texts("cass", "OK 0000")
        kept = await phones.house.rows("SELECT body FROM words WHERE case_id = ?", case_id)
        assert "OK 0000" in [row["body"] for row in kept]


# ---- the contact test ------------------------------------------------------------------------------------


async def test_a_contact_test_is_answered_by_button_or_digits(tmp_path: Path) -> None:
    """Each by the channel they have at hand; it says by which."""
    async with sms_phones.phones(tmp_path) as phones:
        house = phones.house
        assert await house.casebook.at_desk(lambda desk: contact_round.begin(desk, "org1")) == 3
        digits = await digits_of(house, "C_CONTACT", "cass")
        assert "Thank you: alerts reach you here." in " ".join(await phones.texts("cass", f"OK {digits}"))
        test = await house.database.read(lambda tx: contacts.of_person(tx, "cass"))
        assert test is not None and (test.channel, test.answered_at) == ("sms", house.clock.now())


async def test_a_press_answers_the_contact_test(all_phones: Phones) -> None:
    """And a dead Telegram that speaks again is dead no more."""
    house = all_phones.house
    await house.database.write(lambda tx: contacts.died(tx, "mo", "telegram", "1002", "403", EVENING))
    await house.casebook.at_desk(lambda desk: contact_round.begin(desk, "org1"))
    await all_phones.presses("mo", "It reaches me")
    test = await house.database.read(lambda tx: contacts.of_person(tx, "mo"))
    assert test is not None and test.channel == "telegram"
    assert await house.database.read(contacts.dead_addresses) == frozenset()


# ---- the rota on Telegram --------------------------------------------------------------------------------


async def test_who_is_on_call_is_shown_with_the_reason_to_those_on_call(all_phones: Phones) -> None:
    """Names, for bound accounts alone; a manager sees their own home."""
    await all_phones.types("mo", "/rota")
    (said,) = await all_phones.reads("mo")
    assert "co-ordinator (oak): Cass Example: duty line of coordinator" in said
    await all_phones.types("alice", "/rota")
    assert "Cass" not in " ".join(await all_phones.reads("alice"))


async def test_somebody_on_call_puts_a_stand_in_on_the_rota(all_phones: Phones) -> None:
    """They are asked to take over at once; whom it concerns is told."""
    await all_phones.types("cass", "/cover coordinator dee now 08:00")
    assert await on_duty(all_phones.house) == ["dee", "cass"]
    assert "Noted: Dee Example is co-ordinator (all homes)" in " ".join(await all_phones.reads("cass"))
    assert (await all_phones.with_button("dee", "I take over"))["text"] == "C_DUTY"


@pytest.mark.parametrize(
    ("who", "words", "reads"),
    [
        ("cass", "/cover", "Who stands in"), ("cass", "/cover coordinator dee 8pm 9pm", "Who stands in"),
        ("cass", "/cover coordinator nobody now 08:00", "nobody active"), ("mo", "/cover coordinator dee now 08:00", "own homes"),
        ("alice", "/cover coordinator dee now 08:00", "own homes"), ("cass", "/cover manager@elm dee now 08:00", "no home elm"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_said_and_changes_nothing(all_phones: Phones, who: str, words: str, reads: str) -> None:
    """Who may change a rota is looked up now."""
    await all_phones.types(who, words)
    assert reads in " ".join(await all_phones.reads(who))
    assert await all_phones.house.rows("SELECT * FROM shift") == []


# ---- groups ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def bound(folder: Path) -> AsyncIterator[Phones]:
    """Mo bound the group of Oak House."""
    async with telegram_phones.phones(folder) as phones:
        await phones.types("mo", "/bind@porchlight_bot oak", chat=GROUP)
        await phones.all()
        yield phones


async def said_there(phones: Phones, chat: int = -5001) -> list[dict[str, Any]]:
    return await phones.house.rows("SELECT * FROM outbox WHERE address = ? ORDER BY id", str(chat))


async def an_alert(phones: Phones) -> str:
    case_id = await phones.house.opens("K7")
    await phones.house.record(case_id, WorryRaised, flags=("R16",))
    return case_id


async def test_a_bound_group_hears_codes_and_everybody_still_gets_their_own(tmp_path: Path) -> None:
    """No name, no child, no digits; Cass is alerted on both channels as ever."""
    async with bound(tmp_path) as phones:
        await an_alert(phones)
        code = (await phones.case()).code
        (greeting, alert) = await said_there(phones)
        assert "codes alone" in greeting["body"]
        assert alert["body"].startswith(f"{code}: ")
        assert not any(word in alert["body"] for word in ("Kai", "K7", "Cass", "ACK"))
        assert alert["protect"] == 1 and alert["expires_at"] == alert["created_at"] + 600_000
        alerts = await phones.house.rows("SELECT person, channel FROM alert ORDER BY channel")
        assert [(row["person"], row["channel"]) for row in alerts] == [("cass", "sms"), ("cass", "telegram")]


async def test_a_press_in_the_group_is_judged_by_who_pressed(tmp_path: Path) -> None:
    """B031: staff may not take, nor a stranger; the manager does, in their own name."""
    async with bound(tmp_path) as phones:
        await an_alert(phones)
        token = json.loads((await said_there(phones))[-1]["keyboard"])[0][0][1]
        assert "ring 999" in await phones.presses_token("stranger", token)
        await phones.presses_token("alice", token)
        assert (await phones.case()).alert.taken_by is None
        await phones.presses_token("mo", token)
        assert (await phones.case()).alert.taken_by == "mo"
        said = (await said_there(phones))[-1]
        assert "taken at 21:00" in said["body"] and "Mo" not in said["body"]
        await phones.presses_token("dee", token)
        assert (await phones.case()).alert.taken_by == "mo"


@pytest.mark.parametrize(
    ("who", "words", "bound_to"),
    [
        ("mo", "/bind", "oak"), ("mo", "/bind oak", "oak"), ("mo", "/bind team", None), ("mo", "/bind elm", None),
        ("cass", "/bind team", ""), ("cass", "/bind", ""), ("dee", "/bind oak", "oak"), ("alice", "/bind oak", None),
    ],
)  # fmt: skip
async def test_a_group_is_bound_by_who_answers_for_it(
    all_phones: Phones, who: str, words: str, bound_to: str | None
) -> None:
    """A manager for their home, somebody on call for all of them."""
    await all_phones.types(who, words, chat=GROUP)
    rows = await all_phones.house.rows("SELECT home, bound_by FROM group_chat")
    assert [(row["home"], row["bound_by"]) for row in rows] == ([] if bound_to is None else [(bound_to, who)])


async def test_a_stranger_or_an_anonymous_admin_binds_nothing_and_hears_nothing(all_phones: Phones) -> None:
    """In a group the bot says nothing to whom it does not know."""
    await all_phones.types("stranger", "/bind oak", chat=GROUP)
    await all_phones.types("mo", "/bind oak", chat=GROUP, sender_chat=GROUP)
    await all_phones.types("mo", "/bind oak")
    assert await all_phones.house.rows("SELECT * FROM group_chat") == []
    assert await said_there(all_phones) == []


async def test_an_unbound_group_hears_nothing_more(tmp_path: Path) -> None:
    """Staff may not let it go."""
    async with bound(tmp_path) as phones:
        await phones.types("alice", "/unbind", chat=GROUP)
        assert await phones.house.rows("SELECT * FROM group_chat") != []
        await phones.types("mo", "/unbind", chat=GROUP)
        await an_alert(phones)
        assert len(await said_there(phones)) == 1  # the greeting


async def test_a_group_that_became_a_supergroup_keeps_its_binding(tmp_path: Path) -> None:
    """B051: what waits goes to the new id, once."""
    async with bound(tmp_path) as phones:
        await an_alert(phones)
        number = next(_numbers)
        moved = {"message_id": 1, "date": 1, "chat": GROUP, "migrate_to_chat_id": -1009000}
        await telegram.hear(
            phones.doors, {"update_id": number, "message": {**moved, "from": {"id": 1, "is_bot": False}}}
        )
        assert [
            row["home"] for row in await phones.house.rows("SELECT home FROM group_chat WHERE chat_id = -1009000")
        ] == ["oak"]
        assert [row["text"] for row in await said_there(phones, -1009000)] == ["group_bound", "group_alert"]
        assert await said_there(phones) == []


async def test_a_bot_that_was_kicked_out_says_so_to_who_answers_for_the_group(tmp_path: Path) -> None:
    """B052: the binding is dead, personal alerts go on."""
    async with bound(tmp_path) as phones:
        change = {"chat": GROUP, "from": {"id": 77, "is_bot": False}, "date": 1, "old_chat_member": {"status": "member"},
                  "new_chat_member": {"status": "kicked"}}  # fmt: skip
        for _ in range(2):
            await telegram.hear(phones.doors, {"update_id": next(_numbers), "my_chat_member": change})
        told = [row["person"] for row in await phones.all() if row["text"] == "X_GROUP"]
        assert sorted(told) == ["mo", "mo"]  # on both channels, once
        await an_alert(phones)
        assert len(await said_there(phones)) == 1
        assert await phones.house.rows("SELECT * FROM alert") != []


async def test_a_letter_that_a_group_refuses_ends_its_binding_and_not_the_alert(tmp_path: Path) -> None:
    """Telegram says so when the next alert is sent, where the change itself never came."""
    async with bound(tmp_path) as phones:
        await an_alert(phones)
        letter_id = (await said_there(phones))[-1]["id"]

        async def act(desk) -> None:
            letter = await proofs.receipt(desk.tx, "failed", letter_id=letter_id)
            assert letter is not None
            await refused(desk, letter, dead=True, code="403 bot was kicked")

        await phones.house.casebook.at_desk(act)
        assert await phones.house.database.read(lambda tx: groups.at(tx, -5001)) is None
        assert "X_GROUP" in [row["text"] for row in await phones.all()]


async def test_who_blocks_the_bot_is_known_to_be_out_of_reach_there(all_phones: Phones) -> None:
    """Before an alert is lost; when they let it in again, that is known too."""
    for status, dead in (("kicked", {("cass", "telegram", "1003")}), ("member", set())):
        change = {"chat": {"id": 1003, "type": "private"}, "from": {"id": 1003, "is_bot": False}, "date": 1,
                  "new_chat_member": {"status": status}}  # fmt: skip
        await telegram.hear(all_phones.doors, {"update_id": next(_numbers), "my_chat_member": change})
        assert await all_phones.house.database.read(contacts.dead_addresses) == dead


@pytest.mark.parametrize(
    "raw",
    [
        {"my_chat_member": {}}, {"my_chat_member": {"chat": {"id": "x"}, "new_chat_member": {"status": "left"}}},
        {"my_chat_member": {"chat": GROUP, "new_chat_member": {"status": "left"}}},
        {"my_chat_member": {"chat": GROUP, "from": {"id": -4}, "new_chat_member": {"status": 7}}},
        {"message": {"migrate_to_chat_id": -9, "chat": {"id": 2**60}}},
        {"message": {"migrate_to_chat_id": -9, "chat": GROUP}},
    ],
)  # fmt: skip
async def test_a_change_of_a_chat_nobody_knows_is_kept_and_changes_nothing(
    all_phones: Phones, raw: dict[str, Any]
) -> None:
    """A shape that Telegram never sends, and a group that was never bound."""
    assert await telegram.hear(all_phones.doors, {"update_id": next(_numbers), **raw}) in ("ignored", "done")
    assert await all_phones.house.rows("SELECT * FROM outbox") == []

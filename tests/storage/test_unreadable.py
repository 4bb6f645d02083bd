"""A row that was broken on the disk is set aside and told of; whatever else waits goes on as if it were not there."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from casework.levels import Status
from scheduler.postman import drain
from storage import held_up, outbox, outbox_claims, proofs, roster
from storage.casebook import Casebook
from storage.outbox_claims import Unread
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import A_LETTER, Phone, put, states
from tests.storage.houses import EVENING, ROSTER, House, a_house, opening
from tests.storage.test_casebook import a_message, poison

pytestmark = ON_BOTH

NO_TEXT = "CAST(x'ff' AS TEXT)"  # bytes that are no UTF-8: PostgreSQL lets none in
KEYBOARDS = ["'{'", "'null'", "'[[[1, 2, 3]]]'", "'[1]'"]


def on(engine: str, breaks: str) -> bool:
    """Whether a row of this engine can be broken so."""
    return breaks != NO_TEXT or engine == "sqlite"


async def run(house: House, sql: str, *values: Any) -> None:
    await house.database.write(lambda tx: tx.run(sql, *values))


async def told(house: House) -> list[tuple[str, str | None]]:
    """Who was told that something waits for a person, and of which case."""
    rows = await house.rows("SELECT person, case_id FROM outbox WHERE text = 'X_QUARANTINE' ORDER BY person, channel")
    return sorted({(row["person"], row["case_id"]) for row in rows}, key=str)


def reopened(house: House) -> Casebook:
    """The casebook as a new process has it: nothing is in mind."""
    parts = house.casebook.parts
    return Casebook(
        house.database, parts.protocols, parts.books, house.clock.now, parts.chance, audit_key=parts.audit_key
    )


# ---- letters -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "breaks", [*(f"keyboard = {each}" for each in KEYBOARDS), f"body = {NO_TEXT}", "due_at = -100000000000000000"]
)
async def test_a_letter_that_cannot_be_read_holds_up_no_other(tmp_path: Path, engine: str, breaks: str) -> None:
    """It has failed, people on call hear of it once, and every other letter leaves, also to the same address."""
    if NO_TEXT in breaks and engine != "sqlite":
        return
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER, _like(2), _like(3))
        await run(h, f"UPDATE outbox SET {breaks} WHERE id = 'letter-1'")
        phone, sms = Phone("telegram"), Phone("sms")
        await drain(h.casebook, {"telegram": phone, "sms": sms}, h.clock.now())
        assert {"letter-1": "failed", "letter-2": "sent", "letter-3": "sent"}.items() <= (await states(h)).items()
        assert {"fault": "unreadable"} == await h.row("SELECT fault FROM outbox WHERE id = 'letter-1'")
        assert [("cass", None)] == await told(h)
        assert any("a letter to alice by telegram" in each.body for each in sms.got)
        await drain(h.casebook, {"telegram": phone, "sms": sms}, h.clock.now())
        assert 1 == len([each for each in sms.got if each.text == "X_QUARANTINE"])


def _like(number: int) -> outbox.Letter:
    return replace(A_LETTER, id=f"letter-{number}")


async def test_those_on_call_for_its_case_are_told(tmp_path: Path) -> None:
    """Whoever had to read it may be waiting for it: the people of that case ring them."""
    async with a_house(tmp_path) as h:
        case_id = await h.opens()
        await run(h, "UPDATE outbox SET keyboard = '{' WHERE case_id = ? AND channel = 'telegram'", case_id)
        await drain(h.casebook, {"telegram": Phone("telegram")}, h.clock.now())
        assert {case_id} == {about for _, about in await told(h)}
        assert {"cass"} <= {person for person, _ in await told(h)}


async def test_people_are_told_at_once_where_nothing_else_waits(tmp_path: Path) -> None:
    """The word of it leaves in the same drain, and not with whatever comes next."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER)
        await run(h, "UPDATE outbox SET keyboard = '{'")
        sms = Phone("sms")
        await drain(h.casebook, {"telegram": Phone("telegram"), "sms": sms}, h.clock.now())
        assert ["X_QUARANTINE"] == [each.text for each in sms.got]


async def test_another_organisation_hears_nothing_of_it(tmp_path: Path) -> None:
    """Whose it is can be told from the case's row, or from whom the letter is for."""
    async with a_house(tmp_path) as h:
        other = ROSTER.replace("org1", "org2").replace('id = "oak"', 'id = "elm"').replace("staff:oak", "staff:elm")
        other = re.sub('"(alice|mo|pat|cass|dee)"', r'"\1_2"', other).replace("manager:oak", "manager:elm")
        other = re.sub(
            r"\b100(\d)\b", r"200\1", other.replace('"K', '"J').replace(":K7", ":J7").replace("77009001", "77009004")
        )
        other = (
            other.replace("77009002", "77009005")
            .replace("77009003", "77009006")
            .replace('home = "oak"', 'home = "elm"')
        )
        parsed = roster.parse(other)
        await h.database.write(lambda tx: roster.apply(tx, parsed, take_telegram_ids=True, now=EVENING))
        case_id = await h.opens()
        await put(h, A_LETTER)
        await run(h, "UPDATE outbox SET keyboard = '{' WHERE case_id IS NULL")
        await run(h, "UPDATE case_row SET folded = '{' WHERE case_id = ?", case_id)
        h.clock.after(hours=1)
        casebook = reopened(h)
        await casebook.ring()
        await drain(casebook, {"telegram": Phone("telegram")}, h.clock.now())
        assert [("cass", None)] == await told(h)
        said = {row["body"] for row in await h.rows("SELECT body FROM outbox WHERE text = 'X_QUARANTINE'")}
        assert 2 == len(said)
        await h.casebook.hear(a_message(1), poison)
        for _ in range(2):
            await h.casebook.retry_inbox(lambda heard: poison)
        assert [("cass", None), ("cass_2", None)] == await told(h)


@pytest.mark.parametrize("breaks", ["'{'", NO_TEXT])
async def test_where_the_case_cannot_be_read_either_the_co_ordinators_are_told(
    tmp_path: Path, engine: str, breaks: str
) -> None:
    """Nothing that is broken keeps another break from being heard of."""
    if not on(engine, breaks):
        return
    async with a_house(tmp_path) as h:
        case_id = await h.opens()
        await put(h, _like(2))
        await run(h, f"UPDATE case_row SET folded = {breaks} WHERE case_id = ?", case_id)
        await run(h, "UPDATE outbox SET keyboard = '{' WHERE case_id = ?", case_id)
        await drain(reopened(h), {"telegram": Phone("telegram")}, h.clock.now())
        assert [("cass", None)] == await told(h)
        assert "sent" == (await states(h))["letter-2"]


async def test_what_cannot_be_read_is_named_as_far_as_it_can_be(tmp_path: Path, engine: str) -> None:
    """By its id where not even whose it is can be read."""
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER, _like(2))
        await run(h, "UPDATE outbox SET keyboard = '{'")
        if engine == "sqlite":
            await run(h, f"UPDATE outbox SET person = {NO_TEXT} WHERE id = 'letter-2'")
        found = list[Unread]()
        await h.database.write(lambda tx: outbox_claims.claim(tx, EVENING, 8, channel="telegram", unread=found))
        whose = None if engine == "sqlite" else "alice"
        assert {Unread("letter-1", None, "alice", "telegram"), Unread("letter-2", None, whose, "telegram")} == set(
            found
        )


async def test_many_that_cannot_be_read_take_no_places(tmp_path: Path) -> None:
    """As many letters leave as there is room for, in one turn."""
    async with a_house(tmp_path) as h:
        await put(h, *(_like(n) for n in range(1, 10)))
        await run(h, "UPDATE outbox SET keyboard = '{' WHERE id < 'letter-8'")
        await run(h, "UPDATE outbox SET address = id")
        taken = await h.database.write(lambda tx: outbox_claims.claim(tx, EVENING, 2, channel="telegram"))
        assert {"letter-8", "letter-9"} == {each.id for each in taken}


@pytest.mark.parametrize("breaks", ["'{'", NO_TEXT])
async def test_what_is_held_up_late_or_at_a_dead_address_is_looked_through_past_it(
    tmp_path: Path, engine: str, breaks: str
) -> None:
    """A channel may be down when the row breaks: the others still go another way, and receipts are asked for."""
    if not on(engine, breaks):
        return
    async with a_house(tmp_path) as h:
        await put(h, A_LETTER, _like(2))
        await run(h, f"UPDATE outbox SET keyboard = {breaks} WHERE id = 'letter-1'")
        later = EVENING + timedelta(minutes=2)
        assert ["letter-2"] == [each.letter.id for each in await h.database.read(lambda tx: held_up.found(tx, later))]
        waiting = await h.database.read(lambda tx: held_up.waiting_at(tx, "alice", "telegram", "1001", later))
        assert ["letter-2"] == [each.id for each in waiting]
        await run(h, "UPDATE outbox SET state = 'sent', provider_id = id, sent_at = due_at, look_at = due_at")
        assert ["letter-2"] == [each.letter.id for each in await h.database.read(lambda tx: proofs.unproved(tx, later))]


# ---- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", ["received_at = 100000000000000000", f"raw = {NO_TEXT}"])
async def test_a_message_that_cannot_be_read_holds_up_no_other(tmp_path: Path, engine: str, breaks: str) -> None:
    """It is quarantined and told of once, and what waits behind it is worked."""
    if NO_TEXT in breaks and engine != "sqlite":
        return
    async with a_house(tmp_path) as h:
        for number in (1, 2):
            assert "new" == await h.casebook.hear(a_message(number), poison)
        await run(h, f"UPDATE inbox SET {breaks} WHERE external_id = '1'")
        assert 1 == await h.casebook.retry_inbox(lambda heard: opening("K7"))
        rows = await h.rows("SELECT external_id, state, fault FROM inbox ORDER BY external_id")
        assert [("1", "quarantined"), ("2", "done")] == [(row["external_id"], row["state"]) for row in rows]
        assert "unreadable" == rows[0]["fault"]
        assert [("cass", None)] == await told(h)
        assert 0 == await h.casebook.retry_inbox(lambda heard: opening("K8"))


# ---- cases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", ["'{'", "'null'", "replace(folded, '\"seq\"', '\"mood\"')", NO_TEXT])
async def test_a_case_that_cannot_be_read_holds_up_no_bell(tmp_path: Path, engine: str, breaks: str) -> None:
    """The next case rings; people on call hear of this one by its code, though nobody can say whose it is."""
    if not on(engine, breaks):
        return
    async with a_house(tmp_path) as h:
        broken, sound = await h.opens("K7"), await h.opens("K8")
        await run(h, f"UPDATE case_row SET folded = {breaks} WHERE case_id = ?", broken)
        h.clock.after(hours=1)
        casebook = reopened(h)
        assert 0 < await casebook.ring()
        assert [sound] == [row["case_id"] for row in await h.rows(
            "SELECT case_id FROM v_event WHERE kind = 'DeadlinePassed'")]  # fmt: skip
        assert ("cass", None) in await told(h)
        code = (await h.row("SELECT code FROM case_row WHERE case_id = ?", broken))["code"]
        said = await h.rows("SELECT body FROM outbox WHERE text = 'X_QUARANTINE'")
        assert all(f"deadline of {code}" in row["body"] for row in said)


@pytest.mark.parametrize(
    "breaks",
    [
        "deadline SET due_at = -100000000000000000",
        f"deadline SET key = {NO_TEXT} || key",
        f"case_row SET head = {NO_TEXT}",
    ],
)
async def test_a_deadline_that_cannot_be_read_holds_up_no_bell(tmp_path: Path, engine: str, breaks: str) -> None:
    """An instant outside of time, a key or a hash that is no text: each is its case's alone."""
    if NO_TEXT in breaks and engine != "sqlite":
        return
    async with a_house(tmp_path) as h:
        broken, sound = await h.opens("K7"), await h.opens("K8")
        await run(h, f"UPDATE {breaks} WHERE case_id = ?", broken)
        h.clock.after(hours=1)
        assert 0 < await reopened(h).ring()
        assert [sound] == [row["case_id"] for row in await h.rows(
            "SELECT case_id FROM v_event WHERE kind = 'DeadlinePassed'")]  # fmt: skip
        assert broken in {about for _, about in await told(h)} or ("cass", None) in await told(h)


@pytest.mark.parametrize("breaks", ["'{'", NO_TEXT])
async def test_a_case_that_cannot_be_read_keeps_no_other_child_of_the_home_from_a_case(
    tmp_path: Path, engine: str, breaks: str
) -> None:
    """Whether the two are linked is looked at when a case opens or rises: this one does, and that one is passed over."""
    if not on(engine, breaks):
        return
    async with a_house(tmp_path) as h:
        broken = await h.opens("K7")
        await run(h, f"UPDATE case_row SET folded = {breaks} WHERE case_id = ?", broken)
        house = House(h.database, reopened(h), h.clock)
        opened = await house.opens("K8")
        await house.silence(EVENING + timedelta(hours=1))
        assert Status.MISSING is (await house.case(opened)).status


# ---- what looks through the whole database -----------------------------------------------------------------


@pytest.mark.parametrize("breaks", ["'{'", NO_TEXT])
async def test_verify_names_a_case_that_cannot_be_read_and_goes_on(tmp_path: Path, engine: str, breaks: str) -> None:
    """The operator is told which, and what else is wrong behind it."""
    if not on(engine, breaks):
        return
    async with a_house(tmp_path) as h:
        broken, other = await h.opens("K7"), await h.opens("K8")
        await run(h, f"UPDATE case_row SET folded = {breaks} WHERE case_id = ?", broken)
        await run(h, "UPDATE case_row SET next_due = next_due + 1 WHERE case_id = ?", other)
        assert {broken, other} == {found.subject for found in await h.findings()}

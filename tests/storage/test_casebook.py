"""The one door: what it writes, it writes whole, once, and so that it can be proved."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from casework.errors import NotAllowed, RetiredProtocol
from casework.events import AlertAcknowledged, ChildSeen, CloseAsked, InterviewRecorded, NoteMade, PoliceLogged
from casework.levels import Level, Route, Status, Trust
from storage.casebook import Casebook
from storage.database import Tx, Unusable, Violated
from storage.desk import Desk
from storage.inbox import Heard
from tests.builders import BASE, the_protocol
from tests.databases import ON_BOTH
from tests.storage.houses import EVENING, House, a_house, opening

pytestmark = ON_BOTH


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as opened:
        yield opened


def a_message(number: int, raw: str = "{}") -> Heard:
    return Heard(source="telegram", external_id=str(number), received_at=EVENING, raw=raw)


# ---- opening -------------------------------------------------------------------------------------


async def test_an_opening_is_one_transaction_with_all_that_follows(house: House) -> None:
    """Log, row, deadline and letter stand together, and nothing is left for later."""
    case_id = await house.opens()
    row = await house.row("SELECT * FROM v_case")
    assert ("K7", "checking", "unassessed", "no", BASE, 1) == tuple(
        row[name] for name in ("child", "state", "level", "located", "protocol", "version")
    )
    assert "2026-11-25T21:00:00.000Z" == row["opened_at"] and case_id == row["id"]
    assert "AbsenceReported" == (await house.rows("SELECT kind FROM v_event"))[0]["kind"]
    assert await house.rows("SELECT * FROM v_deadline") and await house.rows("SELECT * FROM v_outbox")
    assert [] == await house.findings()


async def test_ids_begin_with_the_organisation_and_sort_by_time(house: House) -> None:
    """Ids sort by time and begin with the organisation, so that organisations can be spread later."""
    first = await house.opens("K7")
    house.clock.after(milliseconds=1)
    second = await house.opens("K8")
    assert first.startswith("org1-") and first < second


async def test_a_child_has_one_open_case_whoever_reports(house: House) -> None:
    """B064, B065: a second report joins the open case, and both are named as reporters."""
    first = await house.opens(by="alice")
    assert first == await house.opens(by="mo")
    case = await house.case(first)
    assert ["alice", "mo"] == [reporter.person for reporter in case.reporters]
    assert 1 == len(await house.rows("SELECT * FROM v_case"))
    assert [first] == [c.case_id for c in await house.casebook.at_desk(lambda desk: desk.open_cases(person="mo"))]


async def test_a_watch_is_no_case_until_it_becomes_one(house: House) -> None:
    """A watch shows in the deadlines and not among the cases; it becomes the case with its own id and code."""
    watch = await house.watches("K7", EVENING + timedelta(minutes=30))
    assert [] == await house.rows("SELECT * FROM v_case")
    assert ["watch"] == [row["kind"] for row in await house.rows("SELECT kind FROM v_deadline")]
    assert watch == await house.opens("K7")
    assert watch == (await house.row("SELECT id FROM v_case"))["id"]
    assert [] == await house.findings()


async def test_a_watch_that_nobody_answers_opens_by_itself(house: House) -> None:
    """A watch keeps the same promise as a case: it is never forgotten."""
    watch = await house.watches("K7", EVENING + timedelta(minutes=30))
    await house.silence(EVENING + timedelta(hours=3))
    assert Status.MISSING is (await house.case(watch)).status
    assert [] == await house.findings()


async def test_a_retired_protocol_opens_nothing(house: House) -> None:
    """HZ19: a retired protocol may be replayed and compared, never opened live."""
    meta = the_protocol().protocol.model_copy(update={"status": "retired"})
    retired = the_protocol().model_copy(update={"protocol": meta})
    casebook = Casebook(
        house.database, {BASE: retired}, house.casebook.parts.books, house.clock.now, house.casebook.parts.chance,
        audit_key=b"k" * 32,
    )  # fmt: skip
    with pytest.raises(RetiredProtocol):
        await casebook.at_desk(opening("K7"))
    assert [] == await house.rows("SELECT * FROM event")


async def test_codes_are_kept_for_thirty_days_and_then_given_back(house: House) -> None:
    """A code is unique among cases not closed for 30 days, and a known one is found in any spelling."""
    case_id = await house.opens()
    code = (await house.case(case_id)).code
    assert code[0] in "ABEFJTUVYZ" and code[1:].isdigit() and 3 <= len(code) <= 5

    async def found(desk: Desk) -> list[object]:
        return [await desk.case_by_code(code.lower(), where) for where in (["org1"], ["org2"])]

    same, other = await house.casebook.at_desk(found)
    assert same is not None and other is None
    await house.database.write(lambda tx: tx.run("DELETE FROM deadline"))
    closed = int((EVENING - timedelta(days=29)).timestamp() * 1000)
    await house.database.write(
        lambda tx: tx.run("UPDATE case_row SET status = 'closed', next_due = NULL, closed_at = ?", closed)
    )
    assert (await house.casebook.at_desk(found))[0] is not None
    house.clock.after(days=1)
    assert (await house.casebook.at_desk(found))[0] is None
    await house.opens("K8")
    assert 0 == (await house.row("SELECT code_kept FROM case_row WHERE case_id = ?", case_id))["code_kept"]


async def test_drills_have_codes_of_their_own(tmp_path: Path) -> None:
    """A drill's ref starts with X, which no real one does."""
    async with a_house(tmp_path, drill=True) as house:
        case = await house.case(await house.opens())
        assert case.code.startswith("X")
        bodies = await house.rows("SELECT body FROM outbox")
        assert bodies and all("DRILL" in row["body"] for row in bodies)


# ---- recording -----------------------------------------------------------------------------------


async def test_a_version_counts_units_of_work(house: House) -> None:
    """Two pieces of news in one unit are one version; the next unit is the next."""
    case_id = await house.opens()

    async def two(desk: Desk) -> None:
        for _ in range(2):
            await desk.record(case_id, NoteMade(at=desk.now, by="alice", channel="telegram"))

    await house.casebook.at_desk(two)
    assert 2 == (await house.row("SELECT version FROM v_case"))["version"]
    await house.record(case_id, NoteMade)
    assert 3 == (await house.row("SELECT version FROM v_case"))["version"]


async def test_news_of_no_case_is_refused_in_words(house: House) -> None:
    """An unknown case is not our bug and not a crash."""
    with pytest.raises(NotAllowed):
        await house.record("org1-nobody", NoteMade)


async def test_the_schema_refuses_an_open_case_without_a_deadline(house: House) -> None:
    """P1: the bug cannot be written down."""
    await house.opens()
    with pytest.raises(Violated):
        await house.database.write(lambda tx: tx.run("UPDATE case_row SET next_due = NULL"))


@pytest.mark.parametrize("table", ["inbox", "outbox", "alert"])
async def test_the_schema_refuses_a_state_that_is_none(house: House, table: str) -> None:
    """A message, letter or alert in no state that the house knows would be looked for by nobody."""
    await house.opens()
    await house.casebook.hear(Heard(source="sms", external_id="1", received_at=EVENING, raw="{}"), _nothing)
    await house.silence(EVENING + timedelta(hours=1))
    with pytest.raises(Violated):
        await house.database.write(lambda tx: tx.run(f"UPDATE {table} SET state = 'lost'"))


async def _nothing(desk: Desk) -> None:
    pass


async def test_a_silent_night_keeps_every_promise(house: House) -> None:
    """P1, P5, P7, P12: after hours of silence all is clean, the child missing, each report version made once."""
    case_id = await house.opens()
    await house.silence(EVENING + timedelta(hours=6))
    case = await house.case(case_id)
    assert Status.MISSING is case.status and case.level >= Level.MEDIUM
    versions = [row["version"] for row in await house.rows("SELECT version FROM v_report ORDER BY version")]
    assert versions == list(range(1, case.reports + 1)) and versions
    assert await house.casebook.next_due() is not None
    assert [] == await house.findings()


async def test_the_same_script_gives_the_same_log(tmp_path: Path) -> None:
    """The same news, clock and seed give the same chain, to the last hash."""
    heads = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with a_house(tmp_path / name) as house:
            await house.opens()
            await house.silence(EVENING + timedelta(hours=2))
            heads.append(await house.rows("SELECT case_id, hash FROM event ORDER BY seq"))
    assert heads[0] == heads[1]


# ---- what people hold in their hands -------------------------------------------------------------


async def test_a_taken_alert_says_who_and_until_when(house: House) -> None:
    """An alert is `queued` until its letter went, then taken by a named person until it lapses."""
    case_id = await house.opens()
    await house.silence(EVENING + timedelta(minutes=11))
    alerts = await house.rows("SELECT * FROM v_alert")
    assert {("cass", "telegram", 1, "queued"), ("cass", "sms", 1, "queued")} == {
        (row["person"], row["channel"], row["rung"], row["state"]) for row in alerts
    }
    held = await house.casebook.at_desk(lambda desk: desk.alert_for(case_id, "cass"))
    assert held is not None and 4 == len(held.digits)
    sent = await house.rows("SELECT body FROM outbox WHERE kind = 'alert' AND person = 'cass'")
    assert sent and all(held.digits in row["body"] for row in sent)
    await house.record(case_id, AlertAcknowledged, by="cass")
    until = (await house.case(case_id)).alert.taken_until
    assert until is not None
    taken = await house.rows("SELECT state, acked_by, expires_at FROM v_alert")
    assert {("taken", "cass", f"{until:%Y-%m-%dT%H:%M:%S.000Z}")} == {tuple(row.values()) for row in taken}


async def test_only_a_confirmed_number_answers_a_report(house: House) -> None:
    """P7: a number told by somebody unverified is not on the report; a verified one is, with who gave it."""
    case_id = await house.opens()
    await house.silence(EVENING + timedelta(hours=1))
    await house.record(case_id, PoliceLogged, by="pat", channel="sms", trust=Trust.NONE, number="2290")
    assert (None, None) == tuple((await house.rows("SELECT police_ref, police_ref_by FROM v_report"))[0].values())
    assert (await house.row("SELECT reported_ref FROM v_case"))["reported_ref"] is None
    await house.record(case_id, PoliceLogged, by="alice", number="2290")
    for row in await house.rows("SELECT police_ref, police_ref_by FROM v_report"):
        assert ("2290", "alice") == tuple(row.values())
    assert "2290" == (await house.row("SELECT reported_ref FROM v_case"))["reported_ref"]
    assert [] == await house.findings()


async def test_the_options_of_a_question_are_buttons_that_count_once(house: House) -> None:
    """A button carries a token alone; what it means is in the house, and it is spent by the first press."""
    case_id = await house.opens()
    letter = await house.row("SELECT keyboard FROM outbox WHERE person = 'alice' AND kind = 'question'")
    tokens = {label: token for line in json.loads(letter["keyboard"]) for label, token in line}
    no, unsure = tokens["No"], tokens["Not sure"]

    async def press(desk: Desk) -> tuple[bool, bool]:
        found = await desk.button(no)
        assert found is not None and (case_id, "alice", "answer") == (found.case_id, found.person, found.action)
        assert ("no", None) == (found.value, found.used_by)
        return await desk.use_button(no, "alice"), await desk.use_button(no, "mo")

    assert (True, False) == await house.casebook.at_desk(press)
    found = await house.casebook.at_desk(lambda desk: desk.button(no))
    assert found is not None and "alice" == found.used_by
    beside = await house.casebook.at_desk(lambda desk: desk.button(unsure))
    assert beside is not None and ("unsure", None) == (beside.value, beside.used_by)
    assert {22} == {len(token) for token in tokens.values()} and len(tokens) == len(set(tokens.values()))


@pytest.mark.parametrize("ending", ["", "ZZ", "1", "??", "00more", "é0"])
async def test_a_token_that_nobody_was_given_means_nothing(house: House, ending: str) -> None:
    """T14: who has one token of a message cannot make another, and whatever a client sends is looked up and not believed."""
    await house.opens()
    letter = await house.row("SELECT keyboard FROM outbox WHERE person = 'alice' AND kind = 'question'")
    token = json.loads(letter["keyboard"])[0][0][1]
    assert await house.casebook.at_desk(lambda desk: desk.button(token)) is not None
    assert await house.casebook.at_desk(lambda desk: desk.button(token[:20] + ending)) is None
    assert await house.casebook.at_desk(lambda desk: desk.button(ending)) is None


async def test_ticks_cards_words_and_codes_are_kept(house: House) -> None:
    """What a person has in hand survives a restart: ticks, the card, their words, the six digits."""
    case_id = await house.opens()

    async def act(desk: Desk) -> None:
        await desk.set_ticks(case_id, "alice", "C03", ["shed", "car"])
        assert {"shed", "car"} == await desk.ticks(case_id, "alice", "C03")
        await desk.set_ticks(case_id, "alice", "C03", [])
        assert not await desk.ticks(case_id, "alice", "C03")
        await desk.set_card(case_id, "alice", 77)
        assert 77 == await desk.card(case_id, "alice")
        kept = await desk.keep("gran's\x00 \ud800", case_id=case_id)
        assert "gran's �" == await desk.words(kept)
        await desk.keep_media(case_id, "photo", "file-1", "image/jpeg", b"\xff")

    await house.casebook.at_desk(act)


# ---- two children --------------------------------------------------------------------------------


async def test_a_companion_takes_the_level_of_the_child_at_higher_risk(house: House) -> None:
    """G01: one said another child is out, one is MEDIUM: the other hears of it once, in the same transaction."""
    first, second = await house.opens("K7"), await house.opens("K8")
    await house.answers(first, "C09", "yes_12_or_over")
    assert Level.UNASSESSED is (await house.case(second)).level
    await house.answers(first, "C01", "yes")
    for case_id in (first, second):
        case = await house.case(case_id)
        assert (Level.HIGH, Route.EMERGENCY) == (case.level, case.route)
    raised = await house.rows("SELECT case_id FROM v_event WHERE kind = 'CompanionRaised'")
    assert [second] == [row["case_id"] for row in raised]
    await house.answers(first, "C09", "yes_12_or_over")
    assert raised == await house.rows("SELECT case_id FROM v_event WHERE kind = 'CompanionRaised'")
    assert [] == await house.findings()


async def test_a_companion_who_is_missed_later_is_raised_at_the_opening(house: House) -> None:
    """G01: the case of the second child opens when the first stands at HIGH already."""
    first = await house.opens("K7")
    await house.answers(first, "C01", "yes")
    await house.answers(first, "C09", "yes_12_or_over")
    house.clock.after(minutes=20)
    second = await house.opens("K8")
    assert Level.HIGH is (await house.case(second)).level


async def test_two_children_out_for_reasons_of_their_own_are_not_linked(house: House) -> None:
    """Nobody said that another child is out: one case says nothing of the other."""
    await house.opens("K7")
    await house.opens("K8")
    await house.silence(EVENING + timedelta(minutes=45))
    assert [] == await house.rows("SELECT case_id FROM v_event WHERE kind = 'CompanionRaised'")


# ---- messages ------------------------------------------------------------------------------------


async def test_the_same_message_a_thousand_times_at_once_has_one_effect(house: House) -> None:
    """B017, P4: one effect, and every sender is answered."""
    answers = await asyncio.gather(*(house.casebook.hear(a_message(7), opening("K7")) for _ in range(1000)))
    assert {"done": 1, "repeat": 999} == {each: answers.count(each) for each in set(answers)}
    assert 1 == len(await house.rows("SELECT * FROM v_event WHERE kind = 'AbsenceReported'"))
    assert [] == await house.rows("SELECT * FROM v_event WHERE kind = 'ReporterJoined'")


async def test_a_sender_who_hangs_up_changes_nothing(house: House) -> None:
    """A9: the waiter is cancelled, the message is worked all the same, and its repeat finds it done."""
    hearing = asyncio.create_task(house.casebook.hear(a_message(7), opening("K7")))
    await asyncio.sleep(0)
    hearing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearing
    assert "repeat" == await house.casebook.hear(a_message(7), opening("K7"))
    assert 1 == len(await house.rows("SELECT * FROM v_case"))


async def test_the_first_body_stands_and_the_other_is_counted(house: House) -> None:
    """B016: the same id with another body changes nothing."""
    await house.casebook.hear(a_message(7), opening("K7"))
    assert "repeat" == await house.casebook.hear(a_message(7, '{"other": 1}'), opening("K8"))
    assert {"conflicts": 1, "raw": "{}"} == await house.row("SELECT conflicts, raw FROM inbox")


async def poison(desk: Desk) -> None:
    """Opens a case, then fails: what it did must not stay."""
    await opening("K7")(desk)
    raise ZeroDivisionError("words of a person")


async def test_a_message_that_fails_is_kept_undone_retried_and_shown_to_a_human(house: House) -> None:
    """P17: the raw message alone is committed as `new`; the third failure sets it aside and tells the co-ordinators."""
    assert "new" == await house.casebook.hear(a_message(1), poison)
    assert [] == await house.rows("SELECT * FROM v_case") + await house.rows("SELECT * FROM outbox")
    assert "done" == await house.casebook.hear(a_message(2), opening("K8"))
    assert 1 == await house.casebook.retry_inbox(lambda heard: poison)
    assert 1 == await house.casebook.retry_inbox(lambda heard: poison)
    assert 0 == await house.casebook.retry_inbox(lambda heard: poison)
    row = await house.row("SELECT state, tries, fault FROM inbox WHERE external_id = '1'")
    assert ("quarantined", 3) == (row["state"], row["tries"])
    assert "ZeroDivisionError" in row["fault"] and "words of a person" not in row["fault"]
    told = await house.rows("SELECT person FROM outbox WHERE text = 'X_QUARANTINE'")
    assert {"cass"} == {each["person"] for each in told}


async def test_a_message_that_failed_once_is_worked_when_it_is_tried_again(house: House) -> None:
    """A passing fault loses nothing."""
    await house.casebook.hear(a_message(1), poison)
    await house.casebook.retry_inbox(lambda heard: opening("K7"))
    assert "done" == (await house.row("SELECT state FROM v_inbox"))["state"]
    assert "repeat" == await house.casebook.hear(a_message(1), opening("K7"))
    assert 1 == len(await house.rows("SELECT * FROM v_case"))


async def test_a_door_may_ignore_or_set_aside(house: House) -> None:
    """What is none of ours is kept as `ignored`, what cannot be read as `quarantined`."""

    async def ignored(desk: Desk) -> None:
        desk.ignore()

    async def set_aside(desk: Desk) -> None:
        desk.quarantine()

    assert "ignored" == await house.casebook.hear(a_message(1), ignored)
    assert "quarantined" == await house.casebook.hear(a_message(2, "\ud800\x00"), set_aside)


async def test_a_full_disk_keeps_nothing_and_says_so(house: House) -> None:
    """When nothing can be written the message is not kept: the sender is answered 503 and comes again."""

    async def full(desk: Desk) -> None:
        raise Unusable("database or disk is full")

    with pytest.raises(Unusable):
        await house.casebook.hear(a_message(1), full)
    assert [] == await house.rows("SELECT * FROM inbox")


async def test_news_that_was_heard_before_is_recorded_once(house: House) -> None:
    """A repeat through `open` or `record` gives the same answer and changes nothing."""
    case_id = await house.opens()
    note = NoteMade(at=EVENING, by="alice", channel="telegram")
    first, again = [await house.casebook.record(case_id, note, a_message(5)) for _ in range(2)]
    assert first.case == again.case
    assert 1 == len(await house.rows("SELECT * FROM v_event WHERE kind = 'NoteMade'"))


# ---- bells ---------------------------------------------------------------------------------------


async def test_the_worst_case_is_rung_first(house: House) -> None:
    """P2: of all that is overdue the highest risk goes first."""
    low, high = await house.opens("K7"), await house.opens("K8")
    await house.answers(high, "C01", "yes")
    house.clock.after(hours=1)
    await house.casebook.ring()
    rung = await house.rows("SELECT case_id FROM v_event WHERE kind = 'DeadlinePassed' ORDER BY seq")
    assert [high, low] == [row["case_id"] for row in rung]


async def test_a_jump_rings_each_overdue_deadline_once(house: House) -> None:
    """A house that was down compresses its ladder and does not skip it: one piece of news a case, at the new now."""
    await house.opens()
    house.clock.after(hours=12)
    assert 0 < await house.casebook.ring(down_since=EVENING)
    assert 1 == len(await house.rows("SELECT * FROM v_event WHERE kind = 'DeadlinePassed'"))
    due = await house.casebook.next_due()
    assert due is not None and due > house.clock.now()
    assert 0 == await house.casebook.ring()


async def test_a_case_that_cannot_be_worked_does_not_hold_up_the_others(house: House) -> None:
    """P17: a broken case steps aside, people on call are told of it, and the next case rings."""
    broken, sound = await house.opens("K7"), await house.opens("K8")

    async def unlog(tx: Tx) -> None:
        await tx.run("UPDATE case_row SET events = events - 1 WHERE case_id = ?", broken)

    await house.database.write(unlog)
    house.clock.after(hours=1)
    assert 0 < await house.casebook.ring()
    rung = await house.rows("SELECT case_id FROM v_event WHERE kind = 'DeadlinePassed'")
    assert [sound] == [row["case_id"] for row in rung]
    assert await house.rows("SELECT * FROM outbox WHERE case_id = ? AND text = 'X_QUARANTINE'", broken)
    due = await house.casebook.next_due()
    assert due is not None and due > EVENING


async def test_crash_points_are_passed_where_they_are_named(house: House) -> None:
    """`:n` counts passes: each point is passed once a unit of work that holds its thing."""
    await house.casebook.hear(a_message(1), opening("K7"))
    await house.casebook.hear(a_message(1), opening("K7"))
    assert ["inbox.before_commit", "inbox.after_commit"] == house.passed
    house.passed.clear()
    await house.silence(EVENING + timedelta(minutes=11))
    ladder = house.passed.index("ladder.before_next")
    assert ["ladder.before_next", "deadline.before_commit", "deadline.after_commit"] == house.passed[ladder:]
    await house.silence(EVENING + timedelta(hours=1))
    reports = len(await house.rows("SELECT * FROM report"))
    assert reports == house.passed.count("report.before_commit") == house.passed.count("report.after_commit")


# ---- the end -------------------------------------------------------------------------------------


async def closed(house: House) -> str:
    """A child missed for an hour, seen, well, the police told, and signed off by the manager."""
    case_id = await ready_to_close(house)
    await house.record(case_id, CloseAsked, by="mo")
    return case_id


async def ready_to_close(house: House) -> str:
    """All that the signature waits for."""
    case_id = await house.opens()
    await house.silence(EVENING + timedelta(hours=1))
    await house.record(case_id, PoliceLogged, number="2290")
    await house.record(case_id, ChildSeen, via="staff", seen_at=house.clock.now())
    if (await house.case(case_id)).status is not Status.RETURNED:
        await house.record(case_id, ChildSeen, by="cass", via="callback", seen_at=house.clock.now())
    await house.answers(case_id, "B_WELL", "no")
    await house.answers(case_id, "B_POL", "told")
    await house.record(case_id, InterviewRecorded, by="cass", outcome="done")
    return case_id


async def test_a_closed_case_is_silent_and_stays_in_the_books(house: House) -> None:
    """P1, P8: no deadline, no running alert, no letter on its way; the log and the row remain, and a manager signed."""
    case_id = await closed(house)
    row = await house.row("SELECT state, closed_by, next_due FROM v_case WHERE id = ?", case_id)
    assert ("closed", "mo", None) == (row["state"], row["closed_by"], row["next_due"])
    assert [] == await house.rows("SELECT * FROM v_deadline")
    assert {"ended"} == {alert["state"] for alert in await house.rows("SELECT state FROM v_alert")}
    waiting = await house.rows("SELECT kind FROM v_outbox WHERE state = 'queued'")
    assert {"report"} >= {letter["kind"] for letter in waiting}
    assert await house.casebook.next_due() is None
    assert ["close.before_commit", "close.after_commit"] == [p for p in house.passed if p.startswith("close")]
    assert [] == await house.findings()


async def test_news_after_the_end_is_noted_and_changes_nothing(house: House) -> None:
    """A late answer is kept in the log; no letter and no deadline come of it."""
    case_id = await closed(house)
    letters = await house.rows("SELECT id FROM outbox")
    await house.answers(case_id, "C01", "yes")
    assert letters == await house.rows("SELECT id FROM outbox")
    assert [] == await house.findings()
    assert case_id != await house.opens()

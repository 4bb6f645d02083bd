"""Telegram for people on call and managers: taking, noting, settling, confirming, declining, closing; the return."""

from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image

from casework.levels import Level, Located, Status
from handlers.pictures import without_exif
from storage import roster
from tests.databases import ON_BOTH
from tests.handlers.sms_phones import MORE
from tests.handlers.telegram_phones import Phones
from tests.storage.houses import ROSTER

pytestmark = ON_BOTH


# ---- taking it -------------------------------------------------------------------------------------


async def test_the_button_and_the_command_take_the_alert(home: Phones):
    """The alert is Cass's for ten minutes at HIGH; the police are not told by it."""
    await home.goes_missing()
    await home.presses("cass", "Take")
    case = await home.case()
    assert ("cass", timedelta(minutes=10)) == (case.alert.taken_by, case.alert.taken_until - home.house.clock.now())  # type: ignore[operator]
    assert "yours until 21:10" in (await home.reads("cass"))[0]


async def test_the_second_is_told_who_took_it(home: Phones):
    """Names of people on duty go to bound accounts."""
    code = (await home.goes_missing()).code
    await home.types("cass", f"/ack {code}")
    await home.types("mo", f"/ack {code}")
    assert f"{code}: Cass Example took it at 21:00." in await home.reads("mo")
    assert "cass" == (await home.case()).alert.taken_by


async def test_staff_take_no_alert(home: Phones):
    """Only who is on call."""
    code = (await home.goes_missing()).code
    await home.types("alice", f"/ack {code}")
    assert "You cannot do that here" in (await home.reads("alice"))[-1]
    assert (await home.case()).alert.taken_by is None


async def test_there_must_be_an_alert_to_take(home: Phones):
    """B063: it says so and changes nothing."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("cass", f"/ack {(await home.case()).code}")
    assert "no alert to take" in (await home.reads("cass"))[-1]
    assert [] == await home.events("AlertAcknowledged")


async def test_a_call_noted_holds_a_taken_alert(home: Phones):
    """Acting starts the holding anew."""
    code = (await home.goes_missing()).code
    await home.types("cass", f"/ack {code}")
    home.house.clock.after(minutes=8)
    await home.types("cass", f"/note {code} rang the home, they are searching")
    assert home.house.clock.now() + timedelta(minutes=10) == (await home.case()).alert.taken_until


async def test_the_ref_may_be_left_out_where_one_case_is_open_and_words_may_follow(home: Phones):
    """`/note` alone asks for the words; the next message is them."""
    await home.goes_missing()
    await home.types("cass", "/note")
    assert "Please add your words" in (await home.reads("cass"))[-1]
    await home.types("cass", "rang 101, on hold")
    assert 1 == len(await home.events("NoteMade"))


async def test_with_two_cases_open_it_is_asked_which(home: Phones):
    """B048: no default to the widest; the pick carries the words on."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "/absent K8 20:45")
    one = await home.case()
    await home.types("alice", "/worried he left in a car")
    assert any("Which case?" in t for t in await home.reads("alice"))
    await home.presses("alice", f"{one.code} {one.child.child_id}")
    raised = await home.events("WorryRaised")
    assert [(await home.case()).case_id] == [r["case_id"] for r in raised]
    assert [{"body": "he left in a car"}] == await home.house.rows("SELECT body FROM words")


async def test_the_ref_may_be_typed_instead_of_pressed(home: Phones):
    """Every button has a typed form."""
    await home.types("alice", "/absent K7 20:45")
    await home.types("alice", "/absent K8 20:45")
    await home.types("alice", "/pol 2290")
    await home.types("alice", (await home.case()).code)
    assert "2290" == (await home.case()).police.number


# ---- not sure --------------------------------------------------------------------------------------


async def _unsure(home: Phones) -> str:
    await home.types("alice", "/absent K7 20:45")
    await home.presses("alice", "Not sure")
    await home.all()
    return (await home.case()).code


async def test_treat_as_yes_counts_at_once(home: Phones):
    """U: a human judged it a risk."""
    await _unsure(home)
    await home.presses("cass", "Treat as yes")
    assert Level.HIGH is (await home.case()).level


async def test_not_a_risk_counts_only_with_a_reason(home: Phones):
    """It lowers: until the reason is there, the clock runs on."""
    await _unsure(home)
    await home.presses("cass", "Not a risk")
    assert "" == (await home.case()).unsure[0].settled
    await home.types("cass", "spoke to the home, she was joking")
    case = await home.case()
    assert ("none", Level.UNASSESSED) == (case.unsure[0].settled, case.level)


@pytest.mark.parametrize("words", ["{ref} NONE spoke to the home", "Not a risk spoke to the home"])
async def test_the_typed_form_carries_its_reason(home: Phones, words: str):
    """`REF NONE why`."""
    code = await _unsure(home)
    await home.types("cass", words.format(ref=code))
    assert "none" == (await home.case()).unsure[0].settled


async def test_a_risk_counts_after_a_colleague_said_none(home: Phones):
    """F4: raising is open to everybody, and the riskier judgement stands. The old button still raises."""
    await _unsure(home)
    row = await home.with_button("cass", "Treat as yes")
    await home.types("cass", "Not a risk spoke to the home")
    assert "none" == (await home.case()).unsure[0].settled
    await home.presses("cass", "Treat as yes", row=row)
    assert Level.HIGH is (await home.case()).level


async def test_a_worry_is_no_reason(home: Phones):
    """Words that raise never lower."""
    await _unsure(home)
    await home.presses("cass", "Not a risk")
    await home.types("cass", "he has her and she wants to die")
    case = await home.case()
    assert Level.HIGH is case.level and "none" != case.unsure[0].settled


async def test_staff_cannot_settle_but_their_risk_raises(home: Phones):
    """Anyone may raise; only people on call lower."""
    code = await _unsure(home)
    await home.types("alice", f"{code} NONE it is nothing")
    assert "" == (await home.case()).unsure[0].settled
    await home.types("alice", f"{code} RISK")
    assert Level.HIGH is (await home.case()).level


# ---- the police ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["/pol {ref} 2290", "/pol 2290", "POL 2290", "pol {ref} 2290", "/pol {ref} log 2290"])
async def test_a_number_from_bound_staff_is_reported(home: Phones, words: str):
    """Verified: the case is reported."""
    code = (await home.goes_missing()).code
    await home.types("alice", words.format(ref=code))
    case = await home.case()
    assert ("2290", "alice") == (case.police.number, case.police.confirmed_by)


async def test_a_number_that_is_missing_is_asked_for(home: Phones):
    """The next message is it."""
    await home.goes_missing()
    await home.types("alice", "/pol")
    assert "send the number too" in (await home.reads("alice"))[-1]
    await home.types("alice", "2290")
    assert "2290" == (await home.case()).police.number


async def test_the_police_said_no(home: Phones):
    """6.4: their review time is kept, our own clock goes on, the co-ordinator is told."""
    code = (await home.goes_missing()).code
    await home.types("mo", f"/declined {code} 4410 sergeant Hill: not missing, look again 23:00")
    case = await home.case()
    assert 23 == case.police.declined_review_at.hour  # type: ignore[union-attr]
    assert any("says not missing" in t for t in await home.reads("cass"))
    assert Status.MISSING is case.status


# ---- the return ------------------------------------------------------------------------------------


async def _low(home: Phones) -> str:
    await home.types("alice", "/absent K7 20:45")
    return (await home.case()).code


@pytest.mark.parametrize("words", ["/back", "/back {ref}", "Back", "BACK", "Child is back"])
async def test_back_asks_who_has_seen_the_child(home: Phones, words: str):
    """A1: nothing ends by the word alone."""
    code = await _low(home)
    await home.types("alice", words.format(ref=code))
    assert "I can see K7 myself" in (await home.reads("alice"))[-1]
    assert Status.RETURN_CLAIMED is (await home.case()).status


async def test_staff_who_see_the_child_end_the_search(home: Phones):
    """Bound staff's own eyes."""
    await _low(home)
    await home.types("alice", "/back")
    await home.presses("alice", "Yes, I can see the child myself")
    assert Status.RETURNED is (await home.case()).status
    assert "hurt, unwell or upset" in (await home.reads("alice"))[-1]


async def test_told_by_somebody_is_a_claim(home: Phones):
    """The case stays open; a person on call rings."""
    await _low(home)
    await home.types("alice", "/back")
    await home.presses("alice", "Someone told me")
    assert Status.RETURN_CLAIMED is (await home.case()).status


async def test_at_high_the_one_who_saw_and_the_one_who_confirms_are_two(home: Phones):
    """Mo sees the child: Mo cannot confirm it, Cass can."""
    code = (await home.goes_missing()).code
    await home.types("mo", "/absent K7 20:45")
    await home.types("mo", f"/back {code}")
    await home.presses("mo", "Yes, I can see the child myself")
    await home.types("mo", f"/confirm {code}")
    assert "A second person must confirm" in (await home.reads("mo"))[-1]
    assert Status.RETURN_CLAIMED is (await home.case()).status
    await home.types("cass", f"/confirm {code}")
    assert Status.RETURNED is (await home.case()).status


async def test_the_call_back_takes_the_time_the_child_was_seen(home: Phones):
    """The 72 hours count from there."""
    code = (await home.goes_missing()).code
    await home.types("alice", "/back")
    await home.presses("alice", "Yes, I can see the child myself")
    seen = home.house.clock.now()
    home.house.clock.after(minutes=5)
    await home.types("cass", f"/confirm {code} callback spoke to Alice")
    case = await home.case()
    assert (seen, seen + timedelta(hours=72)) == (case.back.seen_at, case.back.interview_due)


async def test_police_need_a_name_and_a_reference(home: Phones):
    """A hospital's word, or `police` alone, is none."""
    code = (await home.goes_missing()).code
    await home.types("cass", f"/confirm {code} police")
    assert "name and their reference" in (await home.reads("cass"))[-1]
    assert not (await home.case()).returned
    await home.types("cass", "PC Hill 4410")
    case = await home.case()
    assert (True, True) == (case.returned, case.back.elsewhere)


async def test_without_a_claim_it_is_asked_who_has_seen_the_child(home: Phones):
    """Buttons with the three ways."""
    code = (await home.goes_missing()).code
    await home.types("cass", f"/confirm {code}")
    assert 3 == len(await home.labels("cass"))
    assert not (await home.case()).returned


async def test_the_person_who_rang_may_say_no(home: Phones):
    """C_CLAIM: confirm it or say no; then the case stands as it stood."""
    code = await _low(home)
    await home.types("alice", "/back")
    await home.presses("alice", "Someone told me")
    await home.types("cass", f"/confirm {code} no, the home says he is not there")
    assert Status.CHECKING is (await home.case()).status


async def test_staff_do_not_confirm(home: Phones):
    """Only people on call."""
    code = (await home.goes_missing()).code
    await home.types("alice", f"/confirm {code} police PC Hill 4410")
    assert not (await home.case()).returned


async def _asked_both(home: Phones) -> None:
    """A watch that nobody answers: at +5 the home's manager, staff too here, is asked as well."""
    await home.house.database.write(
        lambda tx: tx.run("INSERT INTO role (person, role, scope) VALUES ('mo', 'staff', 'oak')")
    )
    await home.types("alice", "/watch K7 22:00")
    await home.house.silence(home.house.clock.now() + timedelta(minutes=80))


@pytest.mark.parametrize("order", ["seen first", "no news first"])
async def test_seen_and_not_seen_in_one_second_leave_an_open_case_in_both_orders(home: Phones, order: str):
    """B045: both are recorded, the riskier stands, a person on call is told."""
    await _asked_both(home)
    row, other = await home.with_button("alice", "No"), await home.with_button("mo", "No")
    if order == "seen first":
        await home.presses("alice", "Yes, I see them", row=row)
        await home.presses("mo", "No", row=other)
        assert Status.CHECKING is (await home.case()).status
    else:
        await home.presses("mo", "No", row=other)
        await home.presses("alice", "Yes, I see them", row=row)
        assert Status.RETURN_CLAIMED is (await home.case()).status
        assert any("return claimed, not confirmed" in t for t in await home.reads("cass"))


async def test_not_seen_after_a_sighting_opens_the_search_again(home: Phones):
    """HZ14: the riskier of two opposite answers stands, also when the sighting came first."""
    await _asked_both(home)
    await home.presses("alice", "No")
    await home.types("alice", "/back")
    await home.types("mo", f"/case {(await home.case()).code}")
    row = await home.with_button("mo", "By phone only")
    await home.presses("alice", "Yes, I can see the child myself")
    await home.all()
    assert "Someone else has answered" in await home.presses("mo", "By phone only", row=row)
    assert not (await home.case()).returned
    assert (await home.case()).contradicted


async def test_only_the_childs_manager_closes_and_only_when_all_is_done(home: Phones):
    """A12: it says what is missing; then it is signed."""
    code = await _low(home)
    await home.types("mo", f"/close {code} done")
    assert "cannot be closed yet" in (await home.reads("mo"))[-1]
    await home.types("alice", "/back")
    await home.presses("alice", "Yes, I can see the child myself")
    await home.presses("alice", "No")
    await home.types("cass", f"/close {code} done")
    assert "You cannot do that here" in (await home.reads("cass"))[-1]
    await home.types("mo", f"/close {code} home safe, talked to him")
    assert Status.CLOSED is (await home.case()).status
    assert f"{code}: closed by Mo Example at 21:00. Thank you." in await home.reads("mo")
    await home.types("mo", f"/case {code}")
    assert f"{code} K7: closed." in await home.reads("mo")


async def test_the_end_of_a_family_homes_case_is_the_co_ordinators_to_sign(home: Phones):
    """A deputy who leads in it closes nothing: the same rule as at the terminal."""
    more = roster.parse(ROSTER + MORE)
    await home.house.database.write(lambda tx: roster.apply(tx, more, take_telegram_ids=True))
    await home.types("cass", "/absent M2 20:45")
    code = (await home.case()).code
    await home.types("dee", f"/close {code} done")
    assert "You cannot do that here" in (await home.reads("dee"))[-1]
    await home.types("cass", f"/close {code} done")
    assert "cannot be closed yet" in (await home.reads("cass"))[-1]


# ---- reports, lists, pictures ----------------------------------------------------------------------


async def test_the_script_has_a_blank_for_the_name(home: Phones):
    """Telegram carries codes, never a child's name."""
    await home.goes_missing()
    await home.presses("alice", "Read-out script")
    (script,) = await home.reads("alice")
    assert "________" in script and "Kai" not in script


async def test_the_document_goes_to_people_on_call_where_the_organisation_wants_it(home: Phones):
    """Protected; staff read the script alone."""
    await home.goes_missing()
    await home.house.database.write(lambda tx: tx.run("UPDATE organisation SET report_in_telegram = 1"))
    await home.types("cass", "/report")
    await home.types("alice", "/report")
    rows = await home.all()
    assert [("cass", f"{(await home.case()).case_id}/1", 1)] == [
        (r["person"], r["document"], r["protect"]) for r in rows if r["document"]
    ]


async def test_there_is_no_report_before_the_child_is_missing(home: Phones):
    """It says so."""
    await _low(home)
    await home.types("alice", "/report")
    assert "no missing report yet" in (await home.reads("alice"))[-1]


async def test_the_list_shows_own_homes_with_their_next_time(home: Phones):
    """`/open`: one line each, and a button that shows the card."""
    await home.types("alice", "/absent K7 20:45")
    code = (await home.case()).code
    await home.all()
    await home.types("cass", "/open")
    assert [f"{code} · K7 · checks running · next 21:05"] == await home.reads("cass")
    await home.presses("cass", f"{code} K7")
    assert "in danger right now" in (await home.reads("cass"))[-1]


async def test_nothing_open_is_told(home: Phones):
    """With the way to report."""
    await home.types("alice", "/open")
    await home.types("alice", "hello")
    assert ["No case is open. Child missing? Send /absent. In danger ring 999."] * 2 == await home.reads("alice")


def _photo() -> bytes:
    image = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x010E] = "taken at 1 High Street"
    exif[0x0112] = 6
    made = BytesIO()
    image.save(made, "JPEG", exif=exif)
    return made.getvalue()


async def test_a_photo_is_kept_without_what_the_camera_wrote(home: Phones):
    """Fetched, drawn anew, kept with the case; the question stays open."""
    await home.types("alice", "/absent K7 20:45")
    home.files["big"] = _photo()
    sizes = [{"file_id": "small", "file_size": 9}, {"file_id": "big", "file_size": 900}]
    await home.sends("alice", photo=sizes, caption="her coat")
    kept = await home.house.row("SELECT * FROM media")
    with Image.open(BytesIO(kept["data"])) as image:
        assert ({}, (20, 40)) == (dict(image.getexif()), image.size)
    assert b"High Street" not in kept["data"]
    assert "photo is kept" in (await home.reads("alice"))[-1]
    assert "C01" == (await home.case()).prompts[-1].check


async def test_a_photo_that_cannot_be_fetched_is_told(home: Phones):
    """That it was sent is kept all the same."""
    await home.types("alice", "/absent K7 20:45")
    await home.sends("alice", photo=[{"file_id": "gone", "file_size": 9}])
    assert "could not fetch the photo" in (await home.reads("alice"))[-1]
    assert "photo" in (await home.events("NoteMade"))[0]["body"]


async def test_a_place_is_kept_and_does_not_count_as_seen(home: Phones):
    """B040."""
    await home.types("alice", "/absent K7 20:45")
    await home.sends("alice", location={"latitude": 51.5, "longitude": -0.1})
    assert b"51.50000, -0.10000" == (await home.house.row("SELECT * FROM media"))["data"]
    assert Status.CHECKING is (await home.case()).status


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + b"\x00" * 50])
def test_what_is_no_picture_is_none(data: bytes):
    """Never an exception at a person."""
    assert without_exif(data) is None


async def test_a_named_person_lets_a_child_who_was_reached_stay(home: Phones):
    """5.2: an overnight stay needs a named authoriser with a reason; never for a child nobody has spoken to."""
    code = await _low(home)
    await home.types("mo", f"/stay {code} 10:00 at gran's")
    assert "no stay to allow" in (await home.reads("mo"))[-1]
    for words in ("No", "Spoke", "Yes", "gran's, gran, 23:30", "Yes"):
        await home.types("alice", words)
    assert Located.SAFE is (await home.case()).located
    await home.types("alice", f"/stay {code} 10:00 at gran's")
    assert "You cannot do that here" in (await home.reads("alice"))[-1]
    await home.types("mo", f"/stay {code} 10:00")
    assert f"send /stay {code} with a time and why" in (await home.reads("mo"))[-1]
    await home.types("mo", f"/stay {code} 10:00 at gran's, she rang")
    assert "The next check is at" in (await home.reads("mo"))[-1]
    case = await home.case()
    assert case.authorised_until is not None and case.review_at is not None
    assert ["mo"] == [e["actor"] for e in await home.events("StayAuthorised")]

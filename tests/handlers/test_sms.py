"""What a parent's text does, word by word: it raises with no proof at all, and lowers nothing by itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casework.events import CheckAnswered, NoteMade, PoliceLogged, ReturnClaimed, WorryRaised
from casework.levels import Status, Trust
from handlers import sms
from handlers.sms import Ours
from storage import contacts
from tests.databases import ON_BOTH
from tests.handlers.sms_phones import ACCOUNT, NUMBERS, OURS, Phones, a_text, phones

pytestmark = ON_BOTH


@pytest.fixture
async def all_phones(tmp_path: Path) -> AsyncIterator[Phones]:
    async with phones(tmp_path) as made:
        yield made


async def in_the_gate(phones: Phones, *, due: str = "20:55") -> None:
    """Pat opened a case and has begun."""
    await phones.texts("pat", f"MISSING {due}")
    await phones.texts("pat", "1")


# ---- opening -------------------------------------------------------------------------------------


async def test_a_known_parent_opens_a_case_with_one_word(all_phones: Phones) -> None:
    """MISSING needs no ref and no form: the first question comes at once."""
    (first,) = await all_phones.texts("pat", "missing 20:55")
    case = await all_phones.case()
    assert first.startswith(f"Absence check {case.code} for K.")
    assert (case.t0_kind, case.status) == ("due", Status.CHECKING)


@pytest.mark.parametrize("words", ["MISSING", "Missing.", "ＭＩＳＳＩＮＧ", "m i s s i n g", "my son is missing"])
async def test_missing_is_read_in_any_spelling(all_phones: Phones, words: str) -> None:
    """Case, width and spacing are not a reason to leave a child unsought."""
    await all_phones.texts("pat", words)
    assert await all_phones.cases() == 1


async def test_a_time_that_cannot_be_read_still_opens(all_phones: Phones) -> None:
    """The case opens without a time, and the time is asked for."""
    await all_phones.texts("pat", "MISSING since tea")
    assert (await all_phones.case()).t0_kind == "reported"


async def test_reporting_twice_asks_the_same_question_again(all_phones: Phones) -> None:
    """A second MISSING opens nothing new and is not met with silence."""
    await all_phones.texts("pat", "MISSING 20:55")
    again = await all_phones.texts("pat", "MISSING")
    assert await all_phones.cases() == 1
    assert again == [t for t in again if t.startswith("REPEAT: Absence check")] and again


async def test_a_restricted_parent_raises_and_learns_nothing(all_phones: Phones) -> None:
    """The case opens, a co-ordinator is alerted at once, and the parent reads what a stranger reads."""
    answers = await all_phones.texts("rob", "MISSING")
    strangers = await all_phones.texts("stranger", "hello")
    assert answers == strangers and "ring 999" in answers[0]
    assert "C_ALERT" in await all_phones.alerts()
    assert not (await all_phones.case()).reporters[0].askable


async def test_a_restricted_parent_joins_an_open_case_and_a_person_is_told(all_phones: Phones) -> None:
    """Where the case is open already, their report reaches a human all the same."""
    await in_the_gate(all_phones)
    await all_phones.texts("rob", "MISSING")
    assert await all_phones.cases() == 1
    assert "C_NOTE" in await all_phones.alerts()


async def test_a_restricted_parent_never_reads_a_question(all_phones: Phones) -> None:
    """Whatever they write: one neutral text a day, no case data (T3)."""
    read = []
    for words in ("MISSING", "1", "BACK", "where is he living?", "POL 1234", "WORRIED he has a knife", "STOP", "HELP"):
        read += await all_phones.texts("rob", words)
    code = (await all_phones.case()).code
    assert not [text for text in read if code in text]
    assert (await all_phones.case()).police.number is None
    assert "R10" in (await all_phones.case()).flags, "they may raise"


# ---- two children --------------------------------------------------------------------------------


async def test_of_two_children_we_ask_which(all_phones: Phones) -> None:
    """By initial and code; the next reply picks, and the time that came along is not lost."""
    (asked,) = await all_phones.texts("sam", "MISSING 20:55")
    assert "M M2, N N3" in asked and await all_phones.cases() == 0
    (first,) = await all_phones.texts("sam", " n. ")
    assert " for N." in first
    assert (await all_phones.case("N3")).t0_kind == "due"


@pytest.mark.parametrize("words", ["M2", "m", "missing m2 20:55"])
async def test_a_child_is_named_by_letter_or_code(all_phones: Phones, words: str) -> None:
    """Both forms are on the phone's screen when they are typed."""
    await all_phones.texts("sam", "MISSING")
    await all_phones.texts("sam", words)
    assert (await all_phones.case("M2")).open


async def test_with_two_cases_digits_need_the_ref(all_phones: Phones) -> None:
    """A bare digit could answer either: it is asked about, not guessed, and the pick applies it."""
    await all_phones.texts("sam", "MISSING M2 20:55")
    await all_phones.texts("sam", "MISSING N3 20:55")
    mia, nia = await all_phones.case("M2"), await all_phones.case("N3")
    (which,) = await all_phones.texts("sam", "1")
    assert mia.code in which and nia.code in which
    await all_phones.texts("sam", nia.code)
    assert "P00" in (await all_phones.case("N3")).answers and "P00" not in (await all_phones.case("M2")).answers
    await all_phones.texts("sam", f"{mia.code} 1")
    assert "P00" in (await all_phones.case("M2")).answers


async def test_who_is_asked_which_and_does_not_answer_is_not_left_alone(all_phones: Phones) -> None:
    """In five minutes a co-ordinator hears of it, unless the child was picked."""
    await all_phones.texts("sam", "MISSING")
    (row,) = await all_phones.house.rows("SELECT * FROM outbox WHERE text = 'X_WHICH' AND channel = 'sms'")
    assert row["address"] == NUMBERS["cass"] and "M2, N3" in row["body"] and row["state"] == "queued"
    assert row["due_at"] - row["created_at"] == 5 * 60_000
    await all_phones.texts("sam", "N")
    assert {r["state"] for r in await all_phones.house.rows("SELECT state FROM outbox WHERE text = 'X_WHICH'")} == {
        "cancelled"
    }


async def test_a_worry_about_one_of_two_is_raised_for_both(all_phones: Phones) -> None:
    """A reader may err only upwards."""
    await all_phones.texts("sam", "MISSING M2")
    await all_phones.texts("sam", "MISSING N3")
    await all_phones.texts("sam", "she has a knife")
    for child in ("M2", "N3"):
        assert "R10" in (await all_phones.case(child)).flags


# ---- answers -------------------------------------------------------------------------------------


async def test_digits_answer_the_last_question(all_phones: Phones) -> None:
    """1 to P00, 2 to P01: each is that question's own option."""
    await in_the_gate(all_phones)
    await all_phones.texts("pat", "2")
    answers = (await all_phones.case()).answers
    assert answers["P00"][0].values and answers["P01"][0].values == ("no",)


async def test_words_answer_it_too_and_are_kept(all_phones: Phones) -> None:
    """What follows the digit is evidence."""
    await in_the_gate(all_phones)
    await all_phones.texts("pat", "no")
    await all_phones.texts("pat", "3 phone has been off all day")
    (answered,) = [e for e in await all_phones.log() if isinstance(e, CheckAnswered) and e.check == "P06"]
    row = await all_phones.house.row("SELECT body FROM words WHERE words_id = ?", answered.words)
    assert row["body"] == "3 phone has been off all day"


async def test_a_parents_answer_has_no_trust(all_phones: Phones) -> None:
    """A number can be forged: whatever is said by SMS is a hint."""
    await in_the_gate(all_phones)
    assert {e.trust for e in await all_phones.log() if isinstance(e, CheckAnswered)} == {Trust.NONE}


async def test_an_unreadable_answer_is_asked_again_once_then_a_person_looks(all_phones: Phones) -> None:
    """Silence would be worse, and so would a guess."""
    await in_the_gate(all_phones)
    first = await all_phones.texts("pat", "who is this")
    assert len(first) == 2 and any("could not read" in t for t in first)
    assert any(t.startswith("REPEAT: ") and "Q1." in t for t in first)
    assert "C_NOTE" not in await all_phones.alerts()
    second = await all_phones.texts("pat", "what do you mean")
    assert [t for t in second if "noted" in t] and not [t for t in second if "REPEAT" in t]
    assert "C_NOTE" in await all_phones.alerts()
    notes = [e for e in await all_phones.log() if isinstance(e, NoteMade)]
    assert [n.unread for n in notes] == [False, True] and all(n.words for n in notes)


async def test_an_unread_answer_moves_no_timer(all_phones: Phones) -> None:
    """Asking again on the spot is no new question: silence still counts from the first."""
    await in_the_gate(all_phones)
    before = (await all_phones.case()).silent_since
    await all_phones.texts("pat", "who is this")
    assert (await all_phones.case()).silent_since == before


@pytest.mark.parametrize("words", ["OK", "thanks", "👍", "", "   "])
async def test_politeness_between_questions_wakes_nobody(all_phones: Phones, words: str) -> None:
    """B085, B091: no state change, no alert, no answer needed."""
    await in_the_gate(all_phones)
    case = await all_phones.case()
    await all_phones.house.record(case.case_id, CheckAnswered, by="pat", channel="sms", check="P01", values=("yes",))
    before = await all_phones.case()
    await all_phones.texts("pat", "POL 1")
    while (await all_phones.case()).last_prompt("pat", all_phones.house.clock.now()) is not None:
        await all_phones.texts("pat", "1")
    count = (await all_phones.alerts()).count("C_NOTE")
    await all_phones.texts("pat", words)
    assert (await all_phones.alerts()).count("C_NOTE") == count
    assert (await all_phones.case()).level == before.level


async def test_the_label_of_an_option_is_no_worry(all_phones: Phones) -> None:
    """`1 Not worried` holds the word, and means the opposite."""
    await in_the_gate(all_phones)
    for answer in ("2", "3", "1", "2", "3", "2", "2"):
        await all_phones.texts("pat", answer)
    assert (await all_phones.case()).prompts[-1].check == "P16"
    await all_phones.texts("pat", "1 Not worried")
    assert (await all_phones.case()).flags == ()


@pytest.mark.parametrize("words", ["she is dead", "he has her", "999", "I will kill him"])
async def test_words_of_danger_reach_a_person_whatever_was_asked(all_phones: Phones, words: str) -> None:
    """B095: at once, and only upwards."""
    await in_the_gate(all_phones)
    await all_phones.texts("pat", words)
    assert any(isinstance(e, WorryRaised) for e in await all_phones.log())
    assert "C_ALERT" in await all_phones.alerts()


async def test_words_of_danger_without_a_case_open_one(all_phones: Phones) -> None:
    """A parent who writes this must not be told to write another word first."""
    answers = await all_phones.texts("pat", "he has a knife and ran off")
    assert "R10" in (await all_phones.case()).flags
    assert any("RING 999 NOW" in t for t in answers)


# ---- the words -----------------------------------------------------------------------------------


async def test_back_is_a_claim_and_asks_who_sees(all_phones: Phones) -> None:
    """Nothing ends by it: B_SEEN is asked, and the case is as open as before."""
    await in_the_gate(all_phones)
    (asked,) = await all_phones.texts("pat", "BACK")
    case = await all_phones.case()
    assert "is K back?" in asked and case.status is Status.RETURN_CLAIMED
    assert case.back.claim_trust is Trust.NONE


async def test_words_after_back_are_kept(all_phones: Phones) -> None:
    """`BACK police have him` tells more than a claim."""
    await in_the_gate(all_phones)
    await all_phones.texts("pat", "BACK dropped off by his uncle")
    (claim,) = [e for e in await all_phones.log() if isinstance(e, ReturnClaimed)]
    assert claim.words is not None


async def test_out_means_no_news(all_phones: Phones) -> None:
    """A claim that is answered with OUT falls away."""
    await in_the_gate(all_phones)
    await all_phones.texts("pat", "BACK")
    await all_phones.texts("pat", "OUT")
    assert (await all_phones.case()).status is Status.CHECKING
    assert "ClaimEnded" in await all_phones.kinds()


async def test_worried_raises_with_and_without_words(all_phones: Phones) -> None:
    """R16 by the word alone; what follows may raise more."""
    await in_the_gate(all_phones)
    await all_phones.texts("pat", "WORRIED he took an overdose")
    assert {"R16", "R02"} <= set((await all_phones.case()).flags)


async def test_worried_without_a_case_opens_one(all_phones: Phones) -> None:
    """WORRIED raises; there need not have been a MISSING first."""
    await all_phones.texts("pat", "WORRIED")
    assert "R16" in (await all_phones.case()).flags


async def test_a_parents_log_number_is_told_not_confirmed(all_phones: Phones) -> None:
    """It stops that adult's chase; a person on call is asked to confirm it, and nothing says that the police know."""
    await in_the_gate(all_phones)
    await all_phones.texts("pat", "WORRIED")
    answers = await all_phones.texts("pat", "POL 2290")
    case = await all_phones.case()
    assert case.police.number == "2290" and not case.reported and case.police.chase_at is None
    assert any("2290" in t and "will confirm" in t for t in answers)
    (told,) = [e for e in await all_phones.log() if isinstance(e, PoliceLogged)]
    assert told.trust is Trust.NONE


async def test_pol_without_a_number_asks_for_it(all_phones: Phones) -> None:
    """Half an answer is helped on, and records nothing."""
    await in_the_gate(all_phones)
    (answer,) = await all_phones.texts("pat", "POL")
    assert "POL 2290" in answer
    assert "PoliceLogged" not in await all_phones.kinds()


async def test_call_asks_a_person_to_ring(all_phones: Phones) -> None:
    """A person on call is told, and the adult hears that."""
    await in_the_gate(all_phones)
    (answer,) = await all_phones.texts("pat", "call me please")
    assert "asked a person to ring" in answer
    assert "C_NOTE" in await all_phones.alerts()


async def test_stop_is_heard_by_people_on_call_and_answered_with_nothing(all_phones: Phones) -> None:
    """B092: the case is not closed, nothing is texted back, the co-ordinator rings them."""
    await in_the_gate(all_phones)
    assert await all_phones.texts("pat", "STOP") == []
    case = await all_phones.case()
    assert case.open and case.unreachable == ("pat",)
    assert "X_OPTOUT" in await all_phones.alerts()


async def test_a_parent_who_texts_start_is_asked_again(all_phones: Phones) -> None:
    """B093: the case had gone on without them; now it asks them what it wanted to know, and their answer counts."""
    await in_the_gate(all_phones)
    question = (await all_phones.texts("pat", "2"))[-1]
    await all_phones.texts("pat", "STOP")
    await all_phones.later(minutes=5)
    await all_phones.texts("pat", "thanks")
    assert (await all_phones.case()).unreachable == ("pat",)
    started, again = await all_phones.texts("pat", "START")
    assert "on again" in started and again == f"REPEAT: {question}"
    assert (await all_phones.case()).unreachable == ()
    await all_phones.texts("pat", "1")
    assert [each for each in await all_phones.log() if isinstance(each, CheckAnswered)][-1].values == ("spoke",)


async def test_help_and_start_answer_without_case_data(all_phones: Phones) -> None:
    """B093, B094."""
    await in_the_gate(all_phones)
    code = (await all_phones.case()).code
    (helped,) = await all_phones.texts("pat", "HELP")
    (started,) = await all_phones.texts("pat", "START")
    assert "999" in helped and "+441632960100" in helped and code not in helped + started


async def test_texts_without_a_case_are_told_how_to_open_one(all_phones: Phones) -> None:
    """Every word that needs a case says that there is none, and how to open one."""
    for words in ("BACK", "OUT", "POL 12", "CALL", "what now"):
        (answer,) = await all_phones.texts("pat", words)
        assert "Text MISSING" in answer
    assert await all_phones.cases() == 0


async def back_and_seen(phones: Phones) -> None:
    """K is back, by Pat's own code."""
    await phones.texts("pat", "MISSING 20:55")
    for answer in ("1", "2", "3", "1", "2", "3", "2", "2", "1"):
        await phones.texts("pat", answer)
    await phones.texts("pat", f"BACK {await phones.code()}")
    assert (await phones.case()).status is Status.RETURNED


@pytest.mark.parametrize("words", ["WORRIED", "she is dead", "CALL", "he left again I think"])
async def test_words_after_a_return_still_reach_a_person(all_phones: Phones, words: str) -> None:
    """The rules are at rest then; the people on call are not."""
    await back_and_seen(all_phones)
    await all_phones.texts("pat", "1")
    before = len(await all_phones.alerts())
    await all_phones.texts("pat", words)
    assert len(await all_phones.alerts()) > before


async def test_missing_after_a_return_is_a_new_case(all_phones: Phones) -> None:
    """Gone again before the first case was signed."""
    await back_and_seen(all_phones)
    old = (await all_phones.case()).case_id
    all_phones.house.clock.after(minutes=30)
    await all_phones.texts("pat", "MISSING")
    assert (await all_phones.case()).case_id != old


# ---- strangers, loops, what is not ours --------------------------------------------------------------


async def test_a_stranger_gets_one_neutral_answer_a_day(all_phones: Phones) -> None:
    """999, 101 and the duty number, and nothing that tells whether anybody is known (T13)."""
    (answer,) = await all_phones.texts("stranger", "MISSING")
    assert "999" in answer and "101" in answer and "+441632960100" in answer
    assert await all_phones.texts("stranger", "hello?") == []
    all_phones.house.clock.after(hours=25)
    assert len(await all_phones.texts("stranger", "hello?")) == 1
    assert await all_phones.cases() == 0
    assert await all_phones.texts("+12025550123", "MISSING") == [], "no texts are pumped abroad"


@pytest.mark.parametrize("sender", ["POLICE", "60777", "+0", "", "whatsapp:+447700900201", "rcs:x", "447700900201"])
async def test_a_sender_that_is_no_number_is_nobody(all_phones: Phones, sender: str) -> None:
    """B083: never matched to a guardian, never answered."""
    await all_phones.texts(sender, "MISSING")
    assert await all_phones.cases() == 0 and await all_phones.inbox() == ["ignored"]


async def test_our_own_number_is_a_loop(all_phones: Phones) -> None:
    """B084: dropped."""
    assert await all_phones.texts(OURS.number, "HELP") == []


async def test_two_machines_fall_silent(all_phones: Phones) -> None:
    """At most five answers outside a question an hour; what raises is never held back."""
    answers = [await all_phones.texts("pat", "HELP") for _ in range(8)]
    assert [len(a) for a in answers] == [1, 1, 1, 1, 1, 0, 0, 0]
    assert await all_phones.texts("pat", "MISSING"), "a case is not held back by a loop guard"


async def test_pictures_are_not_opened(all_phones: Phones) -> None:
    """B086: the words count, and the sender hears that only words do."""
    answers = await all_phones.texts("pat", "MISSING", NumMedia="2", MediaUrl0="https://example.invalid/x")
    assert await all_phones.cases() == 1
    assert await all_phones.texts("pat", "", NumMedia="1") and answers


async def test_a_repeat_of_a_message_sid_changes_nothing(all_phones: Phones) -> None:
    """B080, B081: by whichever address it comes, one effect."""
    await all_phones.texts("pat", "MISSING")
    before = await all_phones.house.rows("SELECT * FROM event")
    assert await sms.hear(all_phones.doors, OURS, all_phones.sent[0], fallback=True)
    assert await all_phones.house.rows("SELECT * FROM event") == before


@pytest.mark.parametrize("changes", [{"AccountSid": "AC" + "1" * 32}, {"To": "+441632960999"}])
async def test_what_was_meant_for_others_is_refused_and_told(all_phones: Phones, changes: dict[str, str]) -> None:
    """B077, B078: signed, but not ours: nothing is read, and the co-ordinators hear that settings are wrong."""
    assert not await sms.hear(all_phones.doors, OURS, a_text(NUMBERS["pat"], "MISSING", **changes))
    assert await all_phones.cases() == 0
    assert await all_phones.alerts() == ["X_FOREIGN"] and await all_phones.inbox() == ["quarantined"]


@pytest.mark.parametrize("sid", ["", "sm" + "0" * 32, "SM1", "x" * 5000])
async def test_a_text_without_a_proper_sid_is_set_aside(all_phones: Phones, sid: str) -> None:
    """B079: kept for a person, no effect."""
    assert await sms.hear(all_phones.doors, OURS, a_text(NUMBERS["pat"], "MISSING", MessageSid=sid))
    assert await all_phones.inbox() == ["quarantined"] and await all_phones.cases() == 0


async def test_a_text_without_a_body_field_is_set_aside(all_phones: Phones) -> None:
    """B075: split fields can carry the same signature; a text always has its Body."""
    fields = [(n, v) for n, v in a_text(NUMBERS["pat"], "") if n != "Body"]
    assert await sms.hear(all_phones.doors, OURS, [*fields, ("Bod", "yMISSING")])
    assert await all_phones.inbox() == ["quarantined"] and await all_phones.cases() == 0


async def test_a_service_that_names_no_number_is_known_by_its_sid(all_phones: Phones) -> None:
    """Where only a messaging service is set, that is what a text must name."""
    ours = Ours(account_sid=ACCOUNT, number="", service_sid="MG1")
    assert await sms.hear(all_phones.doors, ours, a_text(NUMBERS["pat"], "MISSING", MessagingServiceSid="MG1"))
    assert await all_phones.cases() == 1


NASTY = [
    "\x00MISSING\x00", "MISSING " * 200, "1️⃣", "\u202e1", "A17", "?" * 1600, "{who} %s ${x}", "IN 4821 OUT 4821",
    "not IN 4821", "is he IN 4821?", "MISSING \ud800", "ACK", "RISK", "NONE", "A17 RISK", "4821", "BACK 1 2 3",
]  # fmt: skip


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("who", ["pat", "rob", "sam", "cass", "alice", "stranger"])
async def test_nothing_anybody_types_stumbles(all_phones: Phones, who: str, opened: bool) -> None:
    """Whatever is typed by whomever: worked, once, without a fault, and no level ever falls."""
    if opened:
        await in_the_gate(all_phones)
    for words in NASTY:
        await all_phones.texts(who, words)
    assert set(await all_phones.inbox()) <= {"done", "ignored"}
    assert await all_phones.house.findings() == []


async def test_who_is_on_call_and_texts_stop_is_not_texted_until_start(all_phones: Phones) -> None:
    """B092, B093: alerts reach them by their other way, others hear of it at once, START ends it, and no other word does."""
    assert await all_phones.texts("cass", "END") == []
    assert "C_STOPPED" in await all_phones.alerts("dee")
    await in_the_gate(all_phones)
    await all_phones.texts("pat", "she said she will kill herself")
    assert "C_ALERT" not in await all_phones.alerts()
    rows = await all_phones.house.rows("SELECT channel FROM outbox WHERE person = 'cass' AND text = 'C_ALERT'")
    assert {row["channel"] for row in rows} == {"telegram"}
    await all_phones.texts("cass", "thanks")
    assert await dead(all_phones) == ["cass"]
    assert "on again" in (await all_phones.texts("cass", "START"))[0]
    assert await dead(all_phones) == []


async def test_a_number_that_was_dead_and_texts_is_alive(all_phones: Phones) -> None:
    """Whatever it says."""
    await all_phones.house.database.write(
        lambda tx: contacts.died(tx, "pat", "sms", NUMBERS["pat"], "30005", all_phones.house.clock.now())
    )
    await all_phones.texts("pat", "hello")
    assert await dead(all_phones) == []


async def dead(all_phones: Phones) -> list[str]:
    return [row["person"] for row in await all_phones.house.rows("SELECT person FROM dead_channel")]


@pytest.mark.parametrize("words", ["WORRIED A99", "a99 worried"])
async def test_a_worry_with_a_mistyped_ref_is_a_worry(all_phones: Phones, words: str) -> None:
    """Anybody may raise: it was answered with "no check is open", and nothing was raised."""
    await all_phones.texts("pat", "MISSING 20:55")
    await all_phones.texts("pat", words)
    assert "R16" in (await all_phones.case()).flags


@pytest.mark.parametrize("words", ["POL A99 1234567", "BACK A99", "WORRIED X17"])
async def test_what_may_lower_or_belongs_to_a_rehearsal_is_taken_for_no_other_case(
    all_phones: Phones, words: str
) -> None:
    """A number would stop the chase of a case that it is not about; who answers a drill means no child who is out."""
    await all_phones.texts("pat", "MISSING 20:55")
    before = (await all_phones.case()).seq
    await all_phones.texts("pat", words)
    assert before == (await all_phones.case()).seq


async def test_a_log_number_with_a_mistyped_ref_is_asked_about_and_told_once_they_say_which(all_phones: Phones) -> None:
    """It was answered with "no check is open on this number", and the number was lost."""
    await all_phones.texts("pat", "MISSING 20:55")
    code = (await all_phones.case()).code
    asked = f"Which child? Reply with the letter or the code: K {code}. In danger ring 999."
    assert [asked] == await all_phones.texts("pat", "POL A99 1234567")
    await all_phones.texts("pat", "K")
    assert "1234567" == (await all_phones.case()).police.number

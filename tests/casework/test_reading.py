"""What people type: tolerant of spacing, case and width, never guessing, and in doubt a matter for a person."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.locales import books
from casework.plain import level
from casework.reading import (
    Command,
    ReadTime,
    Whereabouts,
    read_answer,
    read_coming,
    read_command,
    read_time,
    read_whereabouts,
    worry,
)
from casework.wording import digits, label
from tests.builders import local, the_protocol

BOOKS = books()
ENGLISH, WELSH = BOOKS["en"], BOOKS["cy"]
NOW = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
ANY_TEXT = st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9 :.,?']{0,40}", fullmatch=True)


def answer(words: str, check: str, book: str = "en") -> tuple[str, ...] | None:
    return read_answer(words, the_protocol().find(check), BOOKS[book])


# ---- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["1", "１", " 1 ", "1.", "(1)", "1)", "yes", "YES!", "Yes.", "yeah", "one", "1 yes", "١", "yes please"]
)
def test_the_first_option_is_read_however_it_is_typed(words: str) -> None:
    """A digit in any width or script, the label, or a word that means it."""
    assert ("yes",) == answer(words, "P01")


@pytest.mark.parametrize(
    "words",
    [
        "",
        " ",
        "👍",
        "ok",
        "thanks",
        "4",
        "0",
        "11",
        "1 2",
        "1 or 2",
        "yes no",
        "1 no",
        "not 1",
        "no yes",
        "1?",
        "yes?",
        "?",
        "I think yes",
        "1 not",
        "2 she's not here",
        "yes and no",
        "\x00",
        "1" * 5000,
    ],
)
def test_what_is_ambiguous_negated_or_double_is_for_a_person(words: str) -> None:
    """Nothing is guessed (P10): no answer is better than a wrong one."""
    assert answer(words, "P01") is None


def test_words_beside_a_digit_are_kept_and_do_not_hide_it() -> None:
    """`2 a note on her bed` is 2, and the words are evidence (P05)."""
    assert ("yes",) == answer("2 a note on her bed", "P05")
    assert ("no_answer",) == answer("2 no answer", "P06")
    assert ("on_hold",) == answer("2 on hold for an hour", "O_NOREF")


@pytest.mark.parametrize("words", ["yes", "YES", "ok", "OK", "👍", "thanks", "she is back", "no"])
def test_a_yes_is_not_a_sighting(words: str) -> None:
    """B091: only `I can see` is back; a bare yes to a review changes nothing."""
    assert answer(words, "R_REV") is None
    assert answer(words, "B_SEEN") is None


def test_a_text_that_leaves_a_digit_out_is_read_by_its_own_digits() -> None:
    """R_SILENT offers 1 and 3: a 3 there is no news, a 2 is nothing."""
    assert [("seen",), None, ("no_news",)] == [answer(d, "R_SILENT") for d in "123"]


def test_every_label_of_every_check_reads_as_its_own_option() -> None:
    """A button's typed form has the same words, in each language."""
    for book in BOOKS.values():
        for check in the_protocol().check:
            for option in check.options:
                said = label(book, f"{check.id}.{option.value}")
                assert (option.value,) == read_answer(said, check, book), f"{book.language} {check.id} {said}"


def test_every_digit_reads_as_the_option_in_that_place() -> None:
    """`1` to `n` in protocol order, unless the text shows others."""
    for check in the_protocol().check:
        for digit, option in zip(digits(ENGLISH, check.id, len(check.options)), check.options, strict=True):
            assert (option.value,) == read_answer(digit, check, ENGLISH), check.id


def test_two_digits_run_together_are_never_a_third_option() -> None:
    """A `13` for self-harm and threats must not read as `none of these`: it is asked again."""
    for check in the_protocol().check:
        shown = digits(ENGLISH, check.id, len(check.options))
        run_together = [a + b for a in shown for b in shown]
        assert [] == [both for both in run_together if read_answer(both, check, ENGLISH)], check.id
    assert ("self_harm", "threats") == answer("1 3", "C11")
    assert answer("13", "C11") is None
    assert ("move", "none") == answer("20, 40", "C11")


def test_what_a_text_calls_an_option_may_be_typed() -> None:
    """`Meds due` is C11's medicine, as the button's `Medicine due within 12 h` is."""
    for said in ("Meds due", "meds due, unsure", "Medicine due within 12 h"):
        assert "medicine" in (answer(said, "C11") or ()), said


def test_a_list_of_ticks_is_read_whole_or_not_at_all() -> None:
    """Several places at once; one that cannot be read makes all unread, for it may be the one that matters."""
    assert ("bedroom", "loft", "garden") == answer("garden, Bedroom and loft", "C03")
    assert ("bedroom", "bathrooms") == answer("1 3", "C03")
    assert answer("bedroom, cellar", "C03") is None


def test_free_words_are_given_and_a_question_mark_is_unknown() -> None:
    """P03, P17, P18: `?` and NONE are answers too, and say that it is not known."""
    assert ("given",) == answer("red coat, black jeans", "P17")
    assert [("unknown",)] * 4 == [answer(w, "P18") for w in ("?", "NONE", "don't know", "Don’t know")]
    assert answer("👍", "P17") is None


def test_welsh_is_read_beside_english() -> None:
    """A parent may answer in either language whichever they are written to in."""
    assert [("yes",), ("no",), ("unsure",), ("yes",)] == [
        answer(w, "P01", "cy") for w in ("Ydy", "nac ydy", "ddim yn siŵr", "yes")
    ]


# ---- times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    ["18:40", "1840", "18.40", "6.40pm", "6:40 PM", "due 18:40", "about 18:40", "１８:４０", "18:40.", "1840hrs"],
)
def test_a_due_time_is_read(words: str) -> None:
    """P02: London's wall clock, today."""
    assert ReadTime("due", local("2026-11-25", "18:40")) == read_time(words, NOW)


def test_a_time_last_seen_and_a_time_yesterday_say_so() -> None:
    """`SEEN 18:40` and `YDAY 21:00`, in any order."""
    assert ReadTime("seen", local("2026-11-25", "18:40")) == read_time("SEEN 18:40", NOW)
    assert ReadTime("due", local("2026-11-24", "21:00")) == read_time("YDAY 21:00", NOW)
    assert ReadTime("seen", local("2026-11-24", "21:30")) == read_time("last seen yesterday at 9.30pm", NOW)


@pytest.mark.parametrize(
    "words",
    [
        "9",
        "21",
        "6:40",
        "25:00",
        "18:75",
        "18:40 or 19:00",
        "not 18:40",
        "21:30",
        "20:06",
        "SEEN 20:04",
        "18:40?",
        "482193",
        "about nine",
        "",
        "seen due 18:40",
        "18:40 on 24/11",
        "13am",
        "0am",
        "0pm",
        "24pm",
    ],
)
def test_a_time_that_may_mean_two_things_is_asked_again(words: str) -> None:
    """Morning or evening, today or yesterday, ahead of now: never guessed, for every deadline hangs on it."""
    assert read_time(words, NOW) is None


def test_a_due_time_a_few_minutes_ahead_is_fine() -> None:
    """The child is due at 20:04 and it is 20:00."""
    assert ReadTime("due", local("2026-11-25", "20:04")) == read_time("20:04", NOW)


def test_in_the_repeated_hour_the_earlier_instant_stands() -> None:
    """S21: 01:30 on 25 Oct 2026 is read as BST, the stricter; one that does not exist as the earlier too."""
    night = datetime(2026, 10, 25, 3, 0, tzinfo=UTC)
    assert ReadTime("due", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == read_time("01:30", night)
    spring = datetime(2026, 3, 29, 3, 0, tzinfo=UTC)
    assert ReadTime("due", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)) == read_time("01:30", spring)


def test_a_time_to_come_is_the_next_one() -> None:
    """A watch, an agreed return: 21:00 tonight, 09:00 tomorrow; a bare 9 is nothing."""
    assert local("2026-11-25", "21:00") == read_coming("21:00", NOW)
    assert local("2026-11-26", "09:00") == read_coming("09:00", NOW)
    assert local("2026-11-26", "21:00") == read_coming("tomorrow 21:00", NOW)
    assert read_coming("9", NOW) is None


def test_whereabouts_are_a_place_an_adult_and_a_time() -> None:
    """P06c; who is not named counts as nobody, a time not said as none."""
    back = local("2026-11-25", "22:30")
    gran = Whereabouts(place=True, adult=True, back_at=back, company=("gran",))
    assert gran == read_whereabouts("gran's, gran, 22:30", NOW)
    assert Whereabouts(place=True, adult=False, back_at=back) == read_whereabouts("grans till 10.30pm", NOW)
    friends = Whereabouts(place=True, adult=False, company=("friends",))
    assert friends == read_whereabouts("the park, friends", NOW)
    assert Whereabouts(place=False, adult=False) == read_whereabouts("?", NOW)
    assert Whereabouts(place=False, adult=False) == read_whereabouts("she won't say", NOW)
    assert read_whereabouts("  ", NOW) is None


# ---- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "BACK 482193",
        "back482193",
        "IN 482193.",
        "ＩＮ 482193",
        "I N 482193",
        "in 4 8 2 1 9 3",
        "Back: 482193",
        "BACK\u200b 482193",
    ],
)
def test_back_is_read_however_it_is_spaced(words: str) -> None:
    """B087: tolerant of spacing, case and width."""
    command = read_command(words)
    assert command is not None
    assert ("BACK", "482193", None) == (command.word, command.code, command.ref)


@pytest.mark.parametrize("words", ["BACK A17 482193", "A17 BACK 482193", "a17: back 482193", "back a 17 482193"])
def test_a_ref_stands_before_or_after_the_word(words: str) -> None:
    """The ref may be left out or stand wherever people put it."""
    command = read_command(words)
    assert command is not None
    assert ("BACK", "A17", "482193") == (command.word, command.ref, command.code)


@pytest.mark.parametrize(
    "words",
    [
        "not IN 482193",
        "is she IN 482193?",
        "IN 4821 OUT 4821",
        "IN O4821",
        "back?",
        "BACK not yet",
        "in town with friends",
        "out with mates",
        "YES",
        "OK",
        "thanks",
        "",
        "A17",
        "she says she will be back",
        "BACK 482193 482194",
    ],
)
def test_a_question_a_negation_or_a_contradiction_is_no_command(words: str) -> None:
    """B088 to B091: free text, which a person reads; nothing is done."""
    assert read_command(words) is None


def test_words_after_back_are_kept() -> None:
    """What follows the word is kept as evidence."""
    assert Command("BACK", rest="she is in bed") == read_command("BACK she is in bed")


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("POL 2290", "2290"),
        ("pol2290", "2290"),
        ("POL: CAD 1234 of 25/11", "CAD 1234 OF 25/11"),
        ("pol log no 2290", "2290"),
        ("POL rang 101, log 2290", "2290"),
        ("police 2290", "2290"),
        ("POL", ""),
        ("POL not yet", ""),
        ("POL 101", ""),
        ("POL 20:40", ""),
        ("POL rang at 9.15pm", ""),
        ("POL 9pm no number yet", ""),
        ("POL 2290 at 20:40", "2290"),
    ],
)
def test_a_log_number_is_what_the_police_gave(words: str, number: str) -> None:
    """101 and 999 are whom one rings, not what they said; without a number there is none, and it is asked for."""
    command = read_command(words)
    assert command is not None
    assert ("POL", number) == (command.word, command.number)


@pytest.mark.parametrize("words", ["ACK A17 4821", "ack a17-4821", "A17 ACK 4821", "Ack A 17 4821.", "ACK A17 4 8 2 1"])
def test_an_acknowledgement_carries_the_digits_of_its_alert(words: str) -> None:
    """E1: the ref and four digits."""
    command = read_command(words)
    assert command is not None
    assert ("ACK", "A17", "4821") == (command.word, command.ref, command.digits)


def test_an_unclear_acknowledgement_takes_nothing() -> None:
    """Two numbers, or a no: the chain goes on."""
    assert [None, None, None] == [read_command(w) for w in ("ACK A17 4821 4822", "ACK A17 not me", "ACK A17 4821?")]


def test_risk_and_none_settle_and_a_denial_of_them_does_not() -> None:
    """`A17 RISK`, `A17 NONE` with what was said; `A17 not risk` is for a person."""
    assert Command("RISK", ref="A17") == read_command("A17 RISK")
    assert Command("NONE", ref="A17", rest="rang mum he has it") == read_command("a17 none rang mum, he has it")
    assert Command("NONE") == read_command("None.")
    assert [None, None] == [read_command(w) for w in ("A17 not risk", "A17 none?")]


@pytest.mark.parametrize("words", ["MISSING", "missing.", "My son is missing", "Missing!", "she's gone missing"])
def test_missing_is_heard_generously(words: str) -> None:
    """Whoever says that a child is missing opens a case: that only raises."""
    command = read_command(words)
    assert command is not None and command.word == "MISSING"


def test_missing_keeps_its_time_and_child_as_said() -> None:
    """`MISSING 22:00`, `MISSING J 2200`: the door reads the rest."""
    assert Command("MISSING", rest="22:00") == read_command("MISSING22:00")
    assert Command("MISSING", rest="j 2200") == read_command("Missing J 2200")
    assert read_command("she is not missing") is None


@pytest.mark.parametrize(
    "words", ["STOP", "stop.", "End", "CANCEL", "quit", "Unsubscribe", "STOP ALL", "OPTOUT", "revoke"]
)
def test_a_carriers_stop_is_an_opt_out(words: str) -> None:
    """B092: recorded, told, and the case goes on."""
    assert Command("STOP") == read_command(words)


def test_the_other_words_of_the_contract() -> None:
    """OUT, WORRIED, CALL, HELP, START, and a bare number that no question waits for (B088)."""
    assert ["OUT", "WORRIED", "WORRIED", "CALL", "HELP", "HELP", "START"] == [
        c.word
        for w in ("out", "A17 worried", "WORRIED she has no coat", "CALL", "help", "INFO", "START")
        if (c := read_command(w))
    ]
    assert Command("CODE", code="4821") == read_command("4 8 2 1")
    assert read_command("help me she is bleeding") is None


# ---- worry ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("999", ("R01",)),
        ("she is dead", ("R01",)),
        ("he has her", ("R01",)),
        ("I will kill", ("R10",)),
        ("NOT in danger", ("R01",)),
        ("she took an OVERDOSE", ("R02",)),
        ("Self-Harm again", ("R02",)),
        ("he has a k\u200bnife!", ("R10",)),
        ("i'm so worried", ("R16",)),
        ("ｄｅａｄ", ("R01",)),
        ("he said he wants to die, has a knife", ("R02", "R10")),
    ],
)
def test_worry_words_raise_even_inside_a_negation(words: str, flags: tuple[str, ...]) -> None:
    """B095: they only raise, whatever stands beside them."""
    assert flags == worry(words, ENGLISH)


@pytest.mark.parametrize(
    "words", ["Not worried", "not worried.", "my phone is dead", "deadline", "in the gunroom", "", "👍", "no weap0ns"]
)
def test_a_whole_answer_or_a_dead_phone_is_no_worry(words: str) -> None:
    """`Not worried` is an answer to P16; a flat battery is no death; a word inside a word is none."""
    assert () == worry(words, ENGLISH)


@pytest.mark.parametrize("language", BOOKS)
def test_everything_that_is_listed_as_a_worry_raises(language: str) -> None:
    """In the middle of a text, in every language: no shortcut of the reader passes one by."""
    book = BOOKS[language]
    for flag, phrases in book.worry.items():
        for said in phrases:
            assert flag in worry(f"xyz {said}, xyz", book), said


def test_a_check_is_read_in_the_words_of_each_language() -> None:
    """What was worked out of one book is not taken for another's."""
    for _ in range(2):
        assert (answer("three", "C01", "en"), answer("tri", "C01", "en")) == (("unsure",), None)
        assert (answer("three", "C01", "cy"), answer("tri", "C01", "cy")) == (None, ("unsure",))


def test_a_dead_phone_hides_no_other_worry() -> None:
    """What is spared is only the phrase, not the text."""
    assert ("R01",) == worry("her phone is dead and so is she, dead", ENGLISH)
    assert ("R02",) == worry("mae hi wedi cymryd gorddos", WELSH)


# ---- how words are levelled ----------------------------------------------------------------------


@given(words=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80))
def test_plain_letters_are_levelled_as_wide_ones_are(words: str) -> None:
    """Plain words take the short way; whoever types full width is read alike."""
    wide = "".join(c if c == " " else chr(ord(c) + 0xFEE0) for c in words)
    assert level(wide) == level(words)


# ---- nothing a person types raises ---------------------------------------------------------------


@given(words=ANY_TEXT)
def test_nothing_typed_raises(words: str) -> None:
    """The tree of readers takes any text whatever and returns."""
    for check in the_protocol().check:
        read_answer(words, check, ENGLISH)
    read_time(words, NOW)
    read_coming(words, NOW)
    read_whereabouts(words, NOW)
    read_command(words)
    worry(words, WELSH)


@given(words=ANY_TEXT)
def test_a_time_read_never_lies_far_ahead(words: str) -> None:
    """Whatever was typed, a clock never starts more than a few minutes from now."""
    read = read_time(words, NOW)
    assert read is None or (read.instant - NOW).total_seconds() <= 300

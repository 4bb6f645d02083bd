"""The words of the house: every SMS is one segment, no name leaves by SMS, every option has a label."""

import re
import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from bot.locales import SHIPPED, books
from casework import wording
from casework.effects import Field
from casework.protocol_parts import Check
from casework.wording import Phrasebook, UnreadableBook, digits, initial, load, local, render, segments
from tests.builders import local as at
from tests.builders import the_protocol

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WIDE_REF = "A" * 12
BOOKS = books()
ENGLISH = BOOKS["en"]
STAFF_CHECK = re.compile(r"[CD]\d\d")
SMS_TEXTS = [t for t in ENGLISH.text if t[0].isupper() and not STAFF_CHECK.fullmatch(t) and not t.endswith("_NAME")]
WELSH_TEXTS = list(tomllib.loads((SHIPPED / "cy.toml").read_text())["text"])


def widest(instant: datetime) -> dict[str, Field]:
    """Every field at its widest."""
    times = dict.fromkeys(("at", "next", "by", "due", "limit", "since", "when", "from_", "to", "until"), instant)
    return {
        **times,
        "number": "CAD 1234567890",
        "misses": 12,
        "rules": ("R06", "R02", *(f"R{n}" for n in range(10, 20))),
        "level": "CHECKING",
        "out_minutes": 1440,
        "report": "yes",
        "rule": "P06b",
        "digits": "4821",
        "reply_code": "482193",
        "duty": "+441632960100",
        "fault": "UnreadableUpdate",
        "list": "J K7 or K B12",
        "name": "x" * 200,
        "role": "co-ordinator",
        "home": "oak-house-12",
        "count": 99,
    }


def options(check: Check) -> tuple[str, ...]:
    """The options of a check as `asking` hands them over."""
    return tuple(f"{check.id}.{option.value}" for option in check.options)


def sms(text: str, now: datetime = NOON, book: Phrasebook = ENGLISH, **more: object) -> str:
    fields = {**widest(now + timedelta(days=2)), **more}
    return render(book, text, channel="sms", code=WIDE_REF, who="J", now=now, fields=fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", SMS_TEXTS)
@pytest.mark.parametrize("front", [{"repeat": True}, {"drill": True}])
def test_an_english_text_is_one_segment(text: str, front: dict[str, bool]) -> None:
    """Domain 3.3: GSM-7, one segment with a ref of 12, one initial, the widest times, and DRILL or REPEAT in front."""
    fields = widest(NOON + timedelta(days=2))
    words = render(ENGLISH, text, channel="sms", code=WIDE_REF, who="J", now=NOON, fields=fields, **front)
    assert (True, 1) == (wording.is_gsm7(words), segments(words)), words


@pytest.mark.parametrize("check", [c for c in the_protocol().check if c.side == "staff"], ids=lambda check: check.id)
def test_a_check_of_staff_is_one_segment_by_sms_and_shows_what_may_be_typed(check: Check) -> None:
    """Staff without Telegram see each answer with its digit, as a parent does; a card on Telegram has buttons for them."""
    fields = {**widest(NOON + timedelta(days=2)), "options": options(check)}
    by_sms = render(ENGLISH, check.id, channel="sms", code=WIDE_REF, who="J", now=NOON, fields=fields, repeat=True)
    assert (True, 1) == (wording.is_gsm7(by_sms), segments(by_sms)), by_sms
    for digit, key in zip(digits(ENGLISH, check.id, len(check.options)), options(check), strict=True):
        assert re.search(rf"(?<!\S){digit} {re.escape(wording.short(ENGLISH, key))}(?![^ .,])", by_sms), by_sms
    on_telegram = render(ENGLISH, check.id, channel="telegram", code="A17", who="K7", now=NOON, fields=fields)
    assert not re.search(r"(?<!\S)1 [A-Z]", on_telegram), on_telegram


@pytest.mark.parametrize("text", SMS_TEXTS)
def test_a_second_segment_is_for_the_night_of_the_clocks_alone(text: str) -> None:
    """Where a day's name and BST or GMT both appear, two segments are allowed, never three."""
    fields = widest(at("2026-10-25", "00:00") + timedelta(minutes=90))
    words = render(ENGLISH, text, channel="sms", code=WIDE_REF, who="J", now=NOON, fields=fields, repeat=True)
    assert segments(words) <= 2


@pytest.mark.parametrize("text", WELSH_TEXTS)
def test_a_welsh_text_is_at_most_three_segments(text: str) -> None:
    """ŵ and ŷ are outside GSM-7; more than three segments may arrive out of order."""
    fields = widest(NOON + timedelta(days=2))
    words = render(BOOKS["cy"], text, channel="sms", code=WIDE_REF, who="J", now=NOON, fields=fields, repeat=True)
    assert segments(words) <= 3, words


@pytest.mark.parametrize("text", WELSH_TEXTS)
def test_a_translation_says_no_less(text: str) -> None:
    """Each translated text has the placeholders of the English one, and its digits and numbers to ring."""
    wanted = re.findall(r"\{[a-z_0-9]+\}", ENGLISH.text[text])
    assert set(wanted) == set(re.findall(r"\{[a-z_0-9]+\}", BOOKS["cy"].text[text]))
    for number in ("999", "101"):
        assert (number in ENGLISH.text[text]) <= (number in BOOKS["cy"].text[text]), number
    options = re.findall(r"(?<!\S)\d(?= [A-Z{])", ENGLISH.text[text])
    assert options == re.findall(r"(?<!\S)\d(?= [A-Z{])", BOOKS["cy"].text[text])


def test_the_texts_of_the_domain_read_as_written() -> None:
    """Filled with the domain's example values, a text is the domain's text."""
    then = at("2026-11-25", "21:35")

    def said(text: str, **fields: object) -> str:
        return render(ENGLISH, text, channel="sms", code="A17", who="J", now=then, fields=fields)  # type: ignore[arg-type]

    assert said(
        "C_ALERT",
        level="HIGH",
        out_minutes=95,
        rules=("R06", "R02", "H", "M", "K"),
        report="yes",
        digits="4821",
        by=at("2026-11-25", "22:40"),
    ) == (
        "ESC A17 HIGH. Out 95 min. Rules R06 R02 +3. Report ready. Reply ACK A17 4821. "
        "No ack by 22:40 goes to next on call."
    )
    assert said("C_ALERT", level="CHECKING", out_minutes=3, rules=(), report="", digits="1", by=then) == (
        "ESC A17 CHECKING. Out 3 min. Rules silent. Reply ACK A17 1. No ack by 21:35 goes to next on call."
    )
    assert said("R_NEWS", at=then, number="CAD/000012290") == (
        "A17 check 21:35. Police log 00012290 is on file. Any news of J? 1 Back, I can see J 2 Heard from J 3 No news "
        "4 New worry. Danger: 999."
    )
    assert said("W_BACK", due=at("2026-11-25", "21:00"), by=at("2026-11-25", "21:25")).startswith(
        "A17: J due 21:00. Back?"
    )


def test_a_time_shows_its_day_only_when_it_is_another_day() -> None:
    """`21:35` today, `Thu 21:35` tomorrow, with a date where a weekday alone would be ambiguous."""
    now = at("2026-11-25", "20:00")
    assert local(ENGLISH, at("2026-11-25", "21:35"), now) == "21:35"
    assert local(ENGLISH, at("2026-11-26", "00:10"), now) == "Thu 00:10"
    assert local(ENGLISH, at("2026-11-24", "21:00"), now) == "Tue 21:00"
    assert local(ENGLISH, at("2026-12-03", "09:00"), now) == "3 Dec 09:00"


def test_bst_or_gmt_stands_in_the_repeated_hour_alone() -> None:
    """On 25 Oct 2026 01:30 happens twice; 00:30 and 02:30 once. In spring nothing happens twice."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert local(ENGLISH, first, first) == "01:30 BST"
    assert local(ENGLISH, first + timedelta(hours=1), first) == "01:30 GMT"
    assert local(ENGLISH, first - timedelta(hours=1), first) == "00:30"
    assert local(ENGLISH, first + timedelta(hours=2), first) == "02:30"
    assert local(ENGLISH, datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)) == "02:30"


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("Kai", "K"),
        ("éloïse", "É"),
        ("Łukasz", "L"),
        ("Ŵyn", "W"),
        ("Ếm", "E"),
        ("محمد", "X"),
        ("李明", "X"),
        ("", "X"),
        ("  'Ōtā", "O"),
        ("\u200fJo", "J"),
        ("Øyvind", "Ø"),
        ("ſam", "S"),
        ("<b>", "B"),
        ("Đức", "D"),
    ],
)
def test_an_initial_is_one_letter_that_gsm7_can_write(name: str, letter: str) -> None:
    """A16 of the channels: a letter outside GSM-7 would make the text two segments; its base letter, else X."""
    assert letter == initial(name)
    assert wording.is_gsm7(initial(name))


def test_segments_count_as_the_phone_network_does() -> None:
    """160 septets alone, 153 each; one letter outside GSM-7 and it is 70 and 67; extension characters count twice."""
    assert [1, 2, 2, 3] == [segments("a" * n) for n in (160, 161, 306, 307)]
    assert [1, 2, 3] == [segments("ŵ" * n) for n in (70, 71, 135)]
    assert [1, 2] == [segments("€" * n) for n in (80, 81)]
    assert 2 == segments("😀" * 36)


def test_what_a_person_typed_never_makes_a_text_longer_or_live() -> None:
    """A log number of any script is written in GSM-7 and cut to 8; braces in it stay braces (B042)."""
    words = sms("O_POL", number="李明 № {ref}{who}\r\nBcc: x’y")
    assert wording.is_gsm7(words) and segments(words) == 1
    assert "\n" not in words
    assert "{0} %s ${x}"[-8:] in sms("O_POL", number="{0} %s ${x}")


def test_a_flag_never_leaves_by_sms() -> None:
    """No text to a phone holds a flag; on Telegram the plan's flags read as words."""
    fields: dict[str, Field] = {"flags": ("cse",)}
    by_sms = render(ENGLISH, "C02", channel="sms", code="A17", who="J", now=NOON, fields=fields)
    on_telegram = render(ENGLISH, "C02", channel="telegram", code="A17", who="K7", now=NOON, fields=fields)
    assert "exploitation" not in by_sms
    assert "sexual exploitation" in on_telegram


def test_a_name_of_a_person_on_duty_stands_on_telegram_alone() -> None:
    """`taken by Cass` on Telegram is `taken by the on-call lead` by SMS."""
    fields: dict[str, Field] = {"name": "Cass Example", "at": NOON, "by": NOON}
    assert "Cass" in render(ENGLISH, "C_TAKEN", channel="telegram", code="A17", who="K7", now=NOON, fields=fields)
    assert "Cass" not in render(ENGLISH, "C_TAKEN", channel="sms", code="A17", who="J", now=NOON, fields=fields)
    nameless = {**fields, "name": None}
    assert "None" not in render(ENGLISH, "C_TAKEN", channel="telegram", code="A17", who="K7", now=NOON, fields=nameless)


def test_a_missing_field_stops_no_letter() -> None:
    """A detail that was not handed over prints as not known: an alert without a time is better than none."""
    assert "not known" in render(ENGLISH, "C_ALERT", channel="sms", code="A17", who="J", now=NOON, fields={})


def test_an_instruction_says_whom_to_ring() -> None:
    """PR5: every instruction and every answer to a stranger names 999 or 101; none speaks of waiting a day."""
    for text in (
        "O_MED",
        "O_HIGH",
        "O_HIGH_101",
        "O_HIGH_LOC",
        "O_WELF",
        "O_UPD",
        "R_LIMIT",
        "R_NOACK",
        "N_STRANGER",
        "N_HELP",
        "N_OVER",
        "N_CODE",
        "N_TEXTONLY",
        "B_UNCONF",
        "X_DOWN_LIMIT",
    ):
        assert "999" in ENGLISH.text[text] or "101" in ENGLISH.text[text], text
    assert not [t for t, words in ENGLISH.text.items() if "24 hours" in words]


def test_no_text_uses_a_carrier_word_as_an_answer() -> None:
    """A14: a reply of STOP, END, CANCEL, QUIT, YES or START would unsubscribe the parent, or never reach us."""
    for text, words in ENGLISH.text.items():
        assert not re.search(r"(?:Text|Reply|reply) (?:STOP|END|CANCEL|QUIT|YES|START|HELP|INFO)\b", words), text


@pytest.mark.parametrize("language", sorted(BOOKS))
def test_every_check_and_option_of_the_base_protocol_has_words(language: str) -> None:
    """A question without words, or a button without a label, would be asked of nobody."""
    book = BOOKS[language]
    for check in the_protocol().check:
        assert book.knows(check.id), check.id
        assert check.id in book.name, check.id
        missing = [o.value for o in check.options if not {f"{check.id}.{o.value}", o.value} & book.label.keys()]
        assert [] == missing, check.id
        spoken = [label.casefold() for _, label in wording.labels(book, check)]
        assert len(spoken) == len(set(spoken)), f"{check.id}: two options read alike"


def test_every_text_of_the_protocols_wording_exists() -> None:
    """The texts an outcome sends are named in the protocol; each must be in the book."""
    assert [] == [t for t in the_protocol().wording.model_dump().values() if not ENGLISH.knows(t)]


def test_the_digits_of_a_text_are_those_that_are_read() -> None:
    """The options a text shows as `1 Yes 2 No` are the digits its check understands, one for one."""
    for check in the_protocol().check:
        shown = tuple(re.findall(r"(?<!\S)(\d)(?= [A-Z{])", ENGLISH.text[check.id]))
        if check.side == "staff" or check.kind != "choice" or not shown:
            continue
        assert shown == digits(ENGLISH, check.id, len(check.options)), check.id


def test_a_book_that_cannot_be_read_is_refused() -> None:
    """The house does not start without words; the fault is told, not guessed around."""
    for bad in (b"\xff", b"language = ", b'language = "xx"', b'wrong = 1\nlanguage = "xx"'):
        with pytest.raises(UnreadableBook):
            load(bad)
    with pytest.raises(UnreadableBook):
        load(b'wrong = 1\nlanguage = "xx"', below=ENGLISH)

"""The missing report: nothing blank, nothing invented, third parties for the police alone, no name on Telegram."""

import json
from datetime import date

from bot.locales import books
from casework import events as e
from casework.evolve import replay
from casework.levels import Trust
from casework.report import HELD_BACK, MissingReport, as_of, as_text, compose, for_others, seal
from casework.report_fields import FIELDS
from casework.report_log import Register
from casework.report_script import BLANK, WORDS_IN_A_MINUTE
from tests.builders import Night, a_child, local, minutes, the_protocol

DAY = "2026-11-25"
NAMES = {"alice": "Alice Example", "cass": "Cass Example", "pat": "Pat Example"}
WORDS = {
    "w1": "Kai said he would meet Bob by the\r\n canal\x1b[31m",
    "w2": "black coat, جينز",
    "w3": "gran's, gran, 22:30",
}


def a_register(**changes: object) -> Register:
    fields: dict[str, object] = {
        "book": books()["en"], "first_name": "Kai", "family_name": "Łukasiewicz-Ó", "born": date(2011, 2, 3),
        "home": "Oak House", "town": "Exampleton", "organisation": "Northfield Care", "names": NAMES, "words": WORDS,
        "phones": {"alice": "+447700900101"},
        "profile": {"hair": "brown, short", "associates": "Bob, 19", "shoe_size": "6"},
    }  # fmt: skip
    return Register(**{**fields, **changes})  # type: ignore[arg-type]


def a_night() -> Night:
    """Due 21:00, reported 21:05; a flag on the register, so that the first version is made at the opening."""
    night = Night(the_protocol(), local(DAY, "21:05"))
    night.opens(a_child(flags=("cse",)), t0=local(DAY, "21:00"))
    return night


def hear(night: Night, news: type[e.News], **fields: object) -> None:
    night.hear(news(at=night.now, by=fields.pop("by", "alice"), channel="telegram", **fields))  # type: ignore[arg-type]


def report(night: Night, **changes: object) -> MissingReport:
    assert night.case is not None
    return compose(night.log, night.case, night.protocol, a_register(**changes))


def test_no_field_is_ever_blank() -> None:
    """Section 7: an unknown field says so, and when it was asked; every field of the table stands in the report."""
    night = a_night()
    fields = {f.id: f for g in report(night).groups for f in g.fields}
    assert {r.id for r in FIELDS} <= fields.keys()
    assert [] == [f.id for f in fields.values() if not f.value.strip()]
    assert "not known (not asked yet)" == fields["K.approach"].value
    assert "not known (not on file)" == fields["D.eyes"].value


def test_a_question_without_an_answer_says_when_it_was_asked() -> None:
    """`not known (asked 21:14)`: the police see that it was asked."""
    night = a_night()
    night.now += minutes(9)
    night.answers("C01", "no")
    asked = [x.check for x in night.log if isinstance(x, e.CheckAsked)][-1]
    line = next(c for c in report(night).checks if c.check == asked)
    assert (False, "no answer (asked 21:14)") == (line.done, line.result)
    assert "not known (asked 21:14)" in as_text(report(night))


def test_an_answer_stands_with_who_and_when() -> None:
    """PR4: content, who gave it, when; words as they were said, on one line and without what cannot be seen."""
    night = a_night()
    hear(night, e.CheckAnswered, check="C04", values=("off",))
    night.now += minutes(3)
    hear(night, e.CheckAnswered, check="D24", values=("given",), words="w2")
    hear(night, e.NoteMade, words="w1")
    made = report(night)
    assert "Off or voicemail (Alice Example, 21:05)" == made.field("G.contact").value
    assert "black coat, جينز (Alice Example, 21:08)" == made.field("D.clothing").value
    assert "Kai said he would meet Bob by the canal[31m (Alice Example, 21:08)" == made.field("G.notes").value
    assert ("Alice Example", "21:05") == next((c.who, c.when) for c in made.checks if c.check == "C04")


def test_what_the_register_knows_prints_under_its_own_name() -> None:
    """A profile field is a field of the report; one that the table does not know is printed all the same."""
    made = report(a_night())
    assert "brown, short" == made.field("D.hair").value
    assert "6" == made.field("C.shoe_size").value
    assert "register: sexual exploitation" == made.reasons[-1].because


def test_third_parties_stand_on_the_police_copy_only() -> None:
    """S4: other people's names and the words about them."""
    night = a_night()
    hear(night, e.NoteMade, words="w1")
    hear(night, e.CheckAnswered, check="D26", values=("given",), words="w1")
    police, others = report(night), for_others(report(night))
    assert "Bob" in as_text(police)
    assert "Bob" not in as_text(others)
    assert HELD_BACK == others.field("J.associates").value
    assert "brown, short" == others.field("D.hair").value
    assert police.hash != others.hash


def test_every_version_says_what_is_new() -> None:
    """What changed since the last version stands on top; the first has nothing to compare with."""
    night = a_night()
    assert (1, ()) == (report(night).version, report(night).changes)
    night.now += minutes(4)
    hear(night, e.CheckAnswered, check="C01", values=("yes",))
    made = report(night)
    assert 2 == made.version
    assert any(line.startswith("21:09 R01: ") for line in made.changes)
    assert any(line.startswith("21:09 In danger now: Yes") for line in made.changes)


def test_a_version_made_earlier_can_be_made_again() -> None:
    """What was sent at 21:05 is what an inquiry prints, whatever became known since."""
    night = a_night()
    first = report(night)
    night.now += minutes(4)
    hear(night, e.CheckAnswered, check="C01", values=("yes",))
    log = as_of(night.log, 1)
    again = compose(log, replay(log), night.protocol, a_register())
    assert (1, first.reasons, first.as_at) == (again.version, again.reasons, again.as_at)
    assert 2 == report(night).version
    assert tuple(night.log) == as_of(night.log, 9)


def test_the_script_is_said_in_a_minute_and_asks_for_the_number() -> None:
    """6.3: who, why, what was done with times, what was not, and the log number at the end."""
    night = a_night()
    for check, value in (
        ("C01", "no"),
        ("C04", "off"),
        ("C08", "nobody_knows"),
        ("C10", "yes"),
        ("C12", "very_worried"),
    ):
        night.now += minutes(2)
        hear(night, e.CheckAnswered, check=check, values=(value,))
    said = report(night, profile={"placing_authority": "Exampleshire"}).script
    assert len(said.split()) <= WORDS_IN_A_MINUTE
    parts = (
        "a missing child",
        "Kai Łukasiewicz-Ó",
        "age 15",
        "of Exampleshire",
        "Oak House",
        "21:00",
        "21:09",
        "not yet",
    )
    for part in (*parts, "sexual exploitation", "log number"):
        assert part in said, part


def test_the_script_for_telegram_has_a_blank_for_the_name_and_no_free_words() -> None:
    """Telegram carries codes: neither the child's name, nor words that may hold one."""
    night = a_night()
    hear(night, e.CheckAnswered, check="D20", values=("given",), words="w1")
    made = report(night, home="Łukasiewicz-Ó house")
    assert BLANK in made.script_without_name
    for secret in ("Kai", "Łukasiewicz-Ó", "Bob", "canal"):
        assert secret not in made.script_without_name
    assert "Bob" in made.script


def test_a_known_place_is_a_concern_for_welfare() -> None:
    """W01: the call says so; it is not a missing report."""
    night = Night(the_protocol(), local(DAY, "21:05"))
    night.opens(a_child(), t0=local(DAY, "21:00"))
    night.answers("C01", "no")
    night.answers("C04", "spoke")
    night.answers("C05", "yes")
    hear(night, e.WhereaboutsGiven, check="C06", place=True, adult=True, words="w3")
    night.answers("C07", "no")
    made = report(night)
    assert made.category.startswith("Concern for welfare")
    assert "concern for the welfare of a child" in made.script
    assert "gran's, gran, 22:30 (Alice Example, 21:05)" == made.field("E.whereabouts").value


def test_a_number_is_confirmed_only_by_a_verified_person() -> None:
    """P7: told is not reported, and the report says which it is."""
    night = a_night()
    assert not report(night).field("A.police_number").known
    hear(night, e.PoliceLogged, by="pat", number="2290", trust=Trust.NONE)
    assert "2290 (told by Pat Example, not yet confirmed)" == report(night).field("A.police_number").value
    hear(night, e.PoliceLogged, by="cass", number="2290")
    assert "confirmed by Cass Example" in report(night).field("A.police_number").value


def test_the_alert_chain_is_told() -> None:
    """M: who was alerted, who took it."""
    night = a_night()
    hear(night, e.AlertAcknowledged, by="cass")
    told = report(night).field("M.told").value
    assert "E1 alerted: coordinator" in told
    assert "taken by Cass Example" in told


def test_the_hash_is_over_the_json_and_time_stands_still() -> None:
    """The JSON twin can be checked against paper; the same log gives the same report."""
    night = a_night()
    made = report(night)
    assert made == report(night)
    twin = MissingReport.model_validate(json.loads(made.model_dump_json()))
    assert made.hash == seal(twin)
    assert made.hash != seal(twin.model_copy(update={"level": "LOW"}))
    assert "Wed 25 Nov 2026 21:05 GMT" == made.as_at_local

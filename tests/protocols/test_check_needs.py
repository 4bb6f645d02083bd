"""A file that extends nothing may forget what the core relies on: each omission from England's base is found."""

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from bot.locales import books
from bot.protocols import shelf
from casework import quiet_nights
from casework.bad_nights import CLOCKS_GO_BACK
from casework.check_digits import digits
from casework.check_needs import needs
from casework.levels import Side
from casework.protocol import Protocol
from casework.stricter import Raw
from tests.builders import BASE

Change = Callable[[Raw], None]
BOOKS = books()


def changed(change: Change) -> Protocol:
    """England's base with one change."""
    raw = deepcopy(shelf(None).raw(BASE))
    change(raw)
    return Protocol.model_validate(raw)


def without(key: str, name: str) -> Change:
    def change(raw: Raw) -> None:
        raw[key] = [entry for entry in raw[key] if entry["id"] != name]

    return change


def with_(path: str, value: Any) -> Change:
    """Set one value: `check.C04.means`, `timers.chase.high`, `check.C01.options.unsure.unsure`."""

    def change(raw: Raw) -> None:
        at: Any = raw
        *way, last = path.split(".")
        for name in way:
            at = at[name] if isinstance(at, dict) else _named(at, name)
        at[last] = value

    return change


def _named(entries: list[Raw], name: str) -> Raw:
    keys = ("id", "value", "rung", "under")
    return next(entry for entry in entries if name in [str(entry[key]) for key in keys if key in entry])


def rule_behind_the_last(raw: Raw) -> None:
    raw["rule"].append(raw["rule"].pop(0))


NEEDED: list[tuple[Change, set[str]]] = [
    # rules
    *((without("rule", n), {"rule"}) for n in ("W01", "H01", "M01", "M02", "M03", "M04", "M06", "G01", "A01", "L02")),
    (without("rule", "M05"), {"rule"}),
    (with_("rule.M02.judged", "gate_end"), {"rule"}),
    (with_("rule.M03.when", ["unlocated", "checks_overdue", "worried"]), {"rule"}),
    (with_("rule.M05.when", ["unlocated", "factors>=9"]), {"rule", "medium_at_factors"}),
    (with_("rule.N01.when", ["contact_safe_place"]), {"rule.N01.when"}),
    (rule_behind_the_last, {"rule.W01"}),
    # questions and answers
    (without("check", "C10"), {"check (staff)"}),
    (without("check", "P00"), {"check (parent)"}),
    (without("check", "R_REV"), {"check.R_REV"}),
    (without("check", "T_A6"), {"task.A6"}),
    (with_("check.C08.mandatory", False), {"check.C08.mandatory"}),
    (with_("check.C10.means", "charakter"), {"check (staff)", "check.C10.means"}),
    (with_("check.C05.options.yes.means", "clam"), {"check.C05.options"}),
    (with_("check.C04.options.spoke.asks", ["C05", "C06"]), {"check.C04.spoke.asks"}),
    (with_("check.C01.options.unsure.unsure", False), {"check.C01.options"}),
    (with_("check.D15.red_flag_question", False), {"check.D15.red_flag_question"}),
    (with_("check.C01.hidden_if", ["vuln"]), {"check.C01"}),
    (with_("check.P14.yes_raises", []), {"check.P14.yes_raises"}),
    (with_("flag.R01.route", "101"), {"check.C01.options", "check.P01.options"}),
    # what the core names, people
    (without("flag", "R04"), {"flag.R04"}),
    (with_("flag.R03.route", "101"), {"flag.R03.route"}),
    (without("factor", "K14"), {"factor.K14"}),
    (without("task", "A12"), {"task.A12"}),
    (with_("task.A6.owner", "anybody"), {"task.A6.owner"}),
    (with_("task.A6.due_minutes", []), {"task.A6.due_minutes"}),
    (with_("wording.medium", "O_NAR"), {"wording.medium"}),
    (with_("rung.2.role", "wizard"), {"rung.2.role"}),
    (with_("rung.2.via", ["telegram", "sms", "pigeon"]), {"rung.2.via"}),
    (with_("rung.2.via", ["telegram"]), {"rung.2.via"}),
    (with_("rung.1.after", 3), {"rung.1.after"}),
    (with_("rung.3.after", 5), {"rung"}),
    (with_("rung.4.tell_reporter", ""), {"rung.4.tell_reporter"}),
    # waits
    (with_("timers.bands.18.review", 61), {"timers.bands.18.review"}),
    (with_("timers.chase.medium", 61), {"timers.chase.medium"}),
    (with_("timers.lapse.confirmed_number", 61), {"timers.lapse.confirmed_number"}),
    (with_("timers.review_confirmed_every", 90), {"timers.review_confirmed_every"}),
    (with_("repeat.confirmed_number", 90), {"repeat.confirmed_number"}),
    (with_("timers.answer.reminder", 10), {"timers.answer.reminder"}),
    (with_("timers.answer.unsure_climb", 10), {"timers.answer.unsure_climb"}),
    (with_("timers.night_from", "23:00"), {"timers.night_from"}),
    # the head
    (with_("protocol.levels", ["nar", "low", "high"]), {"protocol.levels"}),
    (with_("protocol.levels", ["low", "medium", "high", "extreme"]), {"protocol.levels"}),
    (with_("protocol.version", "soon"), {"protocol.version"}),
    (with_("protocol.effective_from", "tomorrow"), {"protocol.effective_from"}),
    (with_("protocol.status", "retired"), {"protocol.effective_to"}),
]


@pytest.mark.parametrize(("change", "where"), NEEDED)
def test_what_the_core_relies_on_is_missed(change: Change, where: set[str]) -> None:
    """A rule left out, a meaning misspelt, a person who is nobody, a wait of hours: found, and nothing besides."""
    assert {finding.where for finding in needs(changed(change))} == where


def test_a_day_before_its_beginning_ends_nothing() -> None:
    """A protocol that ends before it begins holds on no day."""
    protocol = changed(lambda raw: raw["protocol"].update(effective_from="2026-02-01", effective_to="2026-01-01"))
    assert [finding.where for finding in needs(protocol)] == ["protocol.effective_to"]


def test_digits_say_what_their_answers_mean() -> None:
    """An answer moved up a line turns "1 Yes" into a No; one too many has no digit in the text (HZ08)."""

    def turned(raw: Raw) -> None:
        _named(raw["check"], "P01")["options"].reverse()

    def one_more(raw: Raw) -> None:
        _named(raw["check"], "P08")["options"].append({"value": "often"})

    assert {finding.where for finding in digits(changed(turned), BOOKS)} == {"wording.en.P01"}
    assert [str(finding) for finding in digits(changed(one_more), BOOKS)] == [
        "wording.en.P08: offers the digits 1 2 3; its answers are 1 2 3 4"
    ]
    assert list(digits(shelf(None)["wales/base/2026-01-01"], BOOKS)) == []


def test_a_check_of_staff_that_shows_no_digits_by_sms_is_found() -> None:
    """Who has no Telegram would read a question and no answer."""
    english = BOOKS["en"]
    texts = {name: text for name, text in english.text.items() if name != "C04_SMS"}
    without = {"en": english.model_copy(update={"text": texts})}
    assert [str(finding) for finding in digits(shelf(None)[BASE], without)] == [
        "wording.en.C04: offers the digits none; its answers are 1 2 3 4 5"
    ]


# ---- nights with no news -------------------------------------------------------------------------


def _seldom(raw: Raw) -> None:
    for band in raw["timers"]["bands"]:
        band.update(review=500, max_day=360, max_night=360)


def _nothing_logs(raw: Raw) -> None:
    raw["rule"] = [rule for rule in raw["rule"] if rule["id"] not in ("L01", "L02", "N01")]


def _limit_asks_for_more(raw: Raw) -> None:
    _named(raw["rule"], "M02")["when"] = ["unlocated", "past_limit", "out_of_character"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_seldom, "nobody hears a word for"),
        (_nothing_logs, "nobody hears a word for"),
        (_limit_asks_for_more, "breaks off: Stuck"),
        (with_("rule.M01.when", ["the_moon_is_full"]), "breaks off: KeyError"),
    ],
)
def test_a_night_without_news_shows_it(change: Change, says: str) -> None:
    """Nobody waits an hour for a word while a child is out, and the limit is the end of every absence."""
    found = quiet_nights.play(changed(change))
    assert any(says in finding.says for finding in found), found


def test_a_limit_of_ninety_minutes_is_ninety_that_passed() -> None:
    """S12's arithmetic: 17, due 00:30 BST on 25 October: the limit is 01:00 GMT, though the wall says half an hour."""
    night = quiet_nights.no_news(shelf(None)[BASE], 17, Side.STAFF, CLOCKS_GO_BACK)
    assert night.case is not None
    assert night.case.missing_at == CLOCKS_GO_BACK + timedelta(minutes=90)
    assert [reason.rule for reason in night.case.reasons] == ["L01", "M02"]

"""The rota from the terminal: what is put there, what it leaves empty, who takes over."""

from pathlib import Path

import pytest

from tests.bot.commands import ROSTER, Terminal, terminal
from tests.databases import ON_BOTH

pytestmark = ON_BOTH

MORE = """
[[person]]
id = "dee"
organisation = "org1"
name = "Dee Example"
roles = ["deputy"]
mobile = "+447700900302"

[[person]]
id = "cat"
organisation = "org1"
name = "Cat Example"
roles = ["coordinator"]
mobile = "+447700900303"
"""


@pytest.fixture
def house(tmp_path: Path) -> Terminal:
    """A Wednesday evening, 21:35, with two co-ordinators, a deputy and a manager."""
    return terminal(tmp_path, ROSTER + MORE)


def on_duty(house: Terminal, role: str = "coordinator") -> list[str]:
    return next(row["people"] for row in house.fine("rota", "show") if row["role"] == role)


def letters(house: Terminal, text: str) -> set[tuple[str, str]]:
    """Who gets this text, by which channel."""
    found = house.rows(f"SELECT person, channel FROM outbox WHERE text = '{text}'")
    return {(letter["person"], letter["channel"]) for letter in found}


def test_a_shift_by_the_week_runs_from_now_on(house: Terminal) -> None:
    """Who comes on by it is asked to take over at once, and until then everybody with the role is alerted."""
    said = house.fine("rota", "set", "coordinator", "cass", "--days", "daily", "--from", "20:00", "--until", "08:00",
                      "--by", "dee")  # fmt: skip
    assert on_duty(house) == ["cass", "cat"]
    assert letters(house, "C_DUTY") == {("cass", "telegram"), ("cass", "sms")}
    line = said["lines"][0]
    assert (line["days"], line["begins"], line["ends"], line["from_at"]) == (
        "daily",
        "20:00",
        "08:00",
        "2026-06-10T20:35:00.000Z",
    )
    assert house.fine("rota", "list") == said["lines"]
    assert house.fine("rota", "take-over", "--by", "cass") == [{"role": "coordinator", "home": "", "person": "cass"}]
    assert on_duty(house) == ["cass"]
    house.at("2026-06-11T12:00:00Z")
    assert on_duty(house) == ["cass", "cat"]


def test_what_a_change_leaves_empty_is_said_to_its_author_and_to_who_answers_for_it(house: Terminal) -> None:
    """A rung that was filled is never emptied in silence."""
    shift = house.fine("rota", "set", "coordinator", "cass", "--from", "22:00", "--until", "08:00", "--by", "dee")
    assert shift["notes"] == []
    away = house.run("rota", "leave", "cass", "--from", "23:00", "--until", "2026-06-12 09:00", "--by", "cass")
    assert "nobody stands on the rota as coordinator from Wed 10 Jun 23:00 to Thu 11 Jun 08:00" in away.out
    assert {person for person, _ in letters(house, "C_GAP")} == {"cass", "cat"}  # co-ordinators; there is no owner
    cover = house.fine("rota", "override", "coordinator", "cat", "--from", "23:00", "--until", "08:00", "--by", "dee")
    assert cover["notes"] == []
    house.at("2026-06-10T22:30:00Z")
    assert on_duty(house)[0] == "cat"


def test_two_people_swap_a_shift_and_one_may_give_theirs_away(house: Terminal) -> None:
    """Each has the other's for once."""
    for who, day in (("cass", "mon"), ("cat", "tue")):
        house.fine(
            "rota", "set", "coordinator", who, "--days", day, "--from", "20:00", "--until", "08:00", "--by", "dee"
        )
    swapped = house.fine("rota", "swap", "cass", "cat", "--at", "mon 21:00", "--back", "tue 21:00", "--by", "cass")
    assert [(line["kind"], line["person"], line["instead_of"]) for line in swapped["lines"]] == [
        ("override", "cat", "cass"), ("override", "cass", "cat"),
    ]  # fmt: skip
    for instant, who in (("2026-06-15T20:30", "cat"), ("2026-06-16T20:30", "cass"), ("2026-06-22T20:30", "cass")):
        house.at(instant + ":00Z")
        assert on_duty(house)[0] == who, instant
    given = house.fine("rota", "swap", "cat", "cass", "--at", "2026-06-30 21:00", "--by", "cat")
    assert [line["person"] for line in given["lines"]] == ["cass"]
    refused = house.run("rota", "swap", "cat", "cass", "--at", "sun 21:00", "--by", "cat")
    assert (refused.code, "cat has no shift at" in refused.err) == (3, True)


def test_a_line_is_ended_and_its_end_is_said(house: Terminal) -> None:
    """It stays on record; nobody deletes the past."""
    made = house.fine("rota", "set", "deputy", "dee", "--from", "now", "--until", "08:00", "--by", "dee")
    ended = house.run("rota", "end", made["lines"][0]["id"], "--by", "cass")
    assert ended.code == 0 and "nobody stands on the rota as deputy" in ended.out
    assert house.fine("rota", "list") == []
    assert house.run("rota", "end", "none", "--by", "cass").code == 3


def test_who_may_change_a_rota_is_looked_at(house: Terminal) -> None:
    """Who is on call changes every rota, a manager that of their own home, staff and parents none."""
    window = ("--from", "22:00", "--until", "08:00")
    assert house.run("rota", "set", "coordinator", "cass", *window, "--by", "alice").code == 3
    assert house.run("rota", "set", "coordinator", "cass", *window, "--by", "mo").code == 3
    assert house.run("rota", "set", "manager", "mo", "--home", "elm", *window, "--by", "mo").code == 3
    assert house.run("rota", "set", "coordinator", "alice", *window, "--by", "cass").code == 3
    assert house.run("rota", "set", "staff", "cass", *window, "--by", "cass").code == 3
    assert house.run("rota", "leave", "cass", *window, "--by", "mo").code == 3
    house.fine("rota", "set", "manager", "dee", "--home", "oak", *window, "--by", "mo")


def test_what_cannot_be_read_is_asked_for_again(house: Terminal) -> None:
    """A shift that was understood otherwise would be found out on the night."""
    for window in (("--from", "8pm", "--until", "08:00"), ("--from", "20:00", "--until", "2020-01-01 08:00"),
                   ("--days", "weekend", "--from", "20:00", "--until", "08:00"),
                   ("--days", "mon", "--from", "fri 20:00", "--until", "08:00"),
                   ("--days", "mon", "--from", "20:00", "--until", "08:00", "--last", "2020-01-01"),
                   ("--from", "20:00", "--until", "08:00", "--line", "0")):  # fmt: skip
        assert house.run("rota", "set", "coordinator", "cass", *window, "--by", "dee").code == 2, window
    assert house.fine("rota", "list") == []


def test_who_is_reached_how_is_shown(house: Terminal) -> None:
    """Before the first contact test there is nothing to answer."""
    rows = {row["person"]: row for row in house.fine("rota", "contacts")}
    assert set(rows) == {"cass", "mo", "dee", "cat"}
    assert rows["cass"]["channels"] == ["telegram", "sms"]
    assert (rows["dee"]["channels"], rows["dee"]["asked_at"]) == (["sms"], None)


def test_the_doctor_shows_what_would_hurt_on_the_night(house: Terminal) -> None:
    """An empty shift, somebody whom nothing reaches, a duty that nobody took over; a house in order says so."""
    assert "for a week ahead each shift is filled" in house.run("doctor").out
    house.fine(
        "rota", "set", "coordinator", "cass", "--days", "daily", "--from", "20:00", "--until", "08:00", "--by", "dee"
    )
    house.fine("person", "add", "len", "--name", "Len Example", "--role", "deputy", "--by", "dee")
    ran = house.run("doctor", "--json")
    says = {each["what"]: each["says"] for each in ran.json if each["level"] != "ok"}
    assert ran.code == 1 and "len is on call, and nothing reaches them" in says["people"]
    assert "nobody stands on the rota as coordinator" in says["rota"]
    house.at("2026-06-10T21:40:00Z")
    said = [each["says"] for each in house.run("doctor", "--json").json]
    assert any("cass has not taken over as coordinator since Wed 10 Jun 21:35" in each for each in said)

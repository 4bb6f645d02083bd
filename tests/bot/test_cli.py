"""The command line, as an operator types it."""

import asyncio
import socket
from pathlib import Path

import pytest

from storage.database import Database
from storage.views import COLUMNS
from tests.bot.commands import ROSTER, Terminal, terminal
from tests.databases import ON_BOTH

pytestmark = ON_BOTH


@pytest.fixture(scope="module")
def kept(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """One house with an open case that tests only look at."""
    made = terminal(tmp_path_factory.mktemp("house"))
    made.fine("case", "open", "K7", "--by", "alice", "--due", "21:00")
    return made


def test_a_roster_is_taken_whole_and_may_be_taken_again(kept: Terminal) -> None:
    """All or nothing, repeatable."""
    roster = str(kept.folder / "roster.toml")
    assert kept.fine("import", roster) == kept.fine("import", roster)
    people = {person["id"]: person for person in kept.fine("person", "list")}
    assert set(people) == {"alice", "cass", "mo", "pat"}
    assert people["pat"]["verified"] is True
    assert [home["id"] for home in kept.fine("home", "list")] == ["oak"]
    assert [child["id"] for child in kept.fine("child", "list")] == ["K7"]


def test_what_is_wrong_with_a_roster_is_told_by_line_and_nothing_is_kept(tmp_path: Path) -> None:
    """Exit 1: findings. A roster with a fault changes nothing."""
    house = terminal(tmp_path)
    before = house.fine("person", "list")
    (tmp_path / "bad.toml").write_text(
        ROSTER.replace('roles = ["staff:oak"]', 'roles = ["staff:elm"]'), encoding="utf-8"
    )
    ran = house.run("import", str(tmp_path / "bad.toml"))
    assert ran.code == 1
    assert ran.out.startswith("line ")
    assert before == house.fine("person", "list")


def test_list_and_show_use_the_names_of_the_views(kept: Terminal) -> None:
    """`--json` of list and show uses the views' column names."""
    listed = kept.fine("case", "list")[0]
    shown = kept.fine("case", "show", listed["code"])
    assert tuple(listed) == COLUMNS["v_case"]
    assert shown["state"] == "checking"
    assert set(shown) == {*COLUMNS["v_case"], "deadlines", "alerts", "tasks", "reports"}
    assert tuple(shown["deadlines"][0]) == COLUMNS["v_deadline"]
    assert tuple(kept.fine("outbox", "list")[0]) == COLUMNS["v_outbox"]
    assert kept.fine("case", "show", listed["id"]) == shown == kept.fine("case", "show", listed["code"].lower())


def test_the_journal_says_what_happened_who_did_it_and_why(kept: Terminal) -> None:
    """Each entry has a time and an author; conclusions have their rules and sources."""
    code = kept.fine("case", "list")[0]["code"]
    text = kept.run("case", "journal", code, "--why").out
    assert "Wed 10 Jun 21:35  alice" in text
    assert "K7 was reported absent (due Wed 10 Jun 21:00); alice is asked" in text
    entries = kept.fine("case", "journal", code)
    assert entries[0]["kind"] == "AbsenceReported"
    assert entries[0]["actor"] == "alice"


def test_who_holds_a_role_is_said_with_the_reason(kept: Terminal) -> None:
    """Nobody has to guess why it is they who are alerted."""
    roles = {row["role"]: row for row in kept.fine("rota", "show")}
    assert roles["coordinator"]["people"] == ["cass"]
    assert roles["manager"]["people"] == ["mo"]
    assert roles["deputy"]["people"] == []


def test_a_clean_house_verifies_and_replays(kept: Terminal) -> None:
    """Exit 0: every promise holds, every case is what its log says."""
    assert kept.fine("verify") == {"ok": True, "findings": []}
    assert all(row["same"] for row in kept.fine("replay", "--all"))


@pytest.mark.parametrize("breaks", ["'{'", "CAST(x'ff' AS TEXT)"])
def test_a_case_that_was_broken_on_the_disk_is_named_and_stops_no_other(
    tmp_path: Path, engine: str, breaks: str
) -> None:
    """Exit 1 and a line for each, with no traceback. PostgreSQL lets no such text in."""
    if engine == "postgresql" and breaks != "'{'":
        return
    house = terminal(tmp_path)
    house.fine("case", "open", "K7", "--by", "alice", "--due", "21:00")
    asyncio.run(_run(house.environment()["DATABASE_URL"], f"UPDATE case_row SET folded = {breaks}"))
    (case_id,) = [row["id"] for row in house.fine("case", "list")]
    replayed, verified = house.run("replay", "--all"), house.run("verify")
    assert (replayed.code, replayed.out.strip()) == (
        1, f"{case_id}: CANNOT BE READ: `porchlight verify` says what is wrong",
    )  # fmt: skip
    assert verified.code == 1
    assert case_id in verified.out


async def _run(url: str, sql: str) -> None:
    async with await Database.open(url) as database:
        await database.write(lambda tx: tx.run(sql))


def test_a_process_of_its_own_ends_with_the_answers_code(kept: Terminal) -> None:
    """0 fine, 1 findings, 2 usage, 3 refused, and stdout holds nothing but the answer."""
    listed = kept.alone("case", "list", "--json")
    assert (listed.code, listed.json) == (0, kept.fine("case", "list"))
    (kept.folder / "empty.toml").write_text("[[person]]")
    assert kept.alone("import", "empty.toml").code == 1
    assert kept.alone("case").code == 2
    refused = kept.alone("case", "show", "Z99")
    assert (refused.code, refused.out) == (3, "")


def test_a_protocol_is_checked_by_name_or_by_file(kept: Terminal) -> None:
    """Every finding of a file at once, exit 1; a file that is not there is usage."""
    listed = {row["name"]: row for row in kept.fine("protocol", "list")}
    assert listed["england/base/2026-01-01"]["findings"] == 0
    assert listed["retired/uk-acpo-2013"]["status"] == "retired"
    assert kept.fine("protocol", "check", "wales/base/2026-01-01")[0]["findings"] == []
    laxer = kept.folder / "laxer.toml"
    laxer.write_text(
        '[protocol]\nid = "england/laxer"\nversion = "2026-01-01"\nstatus = "draft"\njurisdiction = "england"\n'
        'extends = "england/base/2026-01-01"\n[timers.chase]\nhigh = 50\nmedium = 60\n'
    )
    ran = kept.run("protocol", "check", str(laxer), "--json")
    assert ran.code == 1
    assert {"timers.chase.high", "timers.chase.medium"} <= {each["where"] for each in ran.json[0]["findings"]}
    assert kept.run("protocol", "check", "nowhere.toml").code == 2


def test_a_word_that_is_no_command_is_usage(kept: Terminal) -> None:
    """Exit 2, and words half typed count as none: `clo` closes nothing."""
    assert kept.run("case", "clo", "A17").code == 2
    assert kept.run("case", "close", "A17").code == 2  # nobody named as its author
    assert kept.run("case", "open", "K7", "--by", "alice", "--due", "half nine").code == 2
    assert kept.run("frobnicate").code == 2


def test_what_is_not_there_or_not_allowed_is_refused(kept: Terminal) -> None:
    """Exit 3, with the reason on stderr."""
    code = kept.fine("case", "list")[0]["code"]
    for words, reason in (
        (("case", "show", "Z99"), "there is no case"),
        (("case", "note", code, "hello", "--by", "nobody"), "nobody active"),
        (("case", "close", code, "--by", "alice"), "only the home's manager"),
        (("case", "log-number", code, "1234", "--by", "pat"), "is recorded by"),
        (("ack", code, "--by", "cass"), "no alert"),
        (("person", "invite", "cass", "--by", "alice"), "manager"),
    ):
        ran = kept.run(*words)
        assert (ran.code, ran.out) == (3, "")
        assert reason in ran.err


SECOND_HOME = """
[[person]]
id = "dee"
organisation = "org1"
name = "Dee Example"
roles = ["deputy"]

[[home]]
id = "ash"
organisation = "org1"
kind = "family"
name = "Ash Road"
town = "Exampleton"

[[child]]
id = "M2"
home = "ash"
first_name = "Mia"
family_name = "Example"
born = 2012-05-05
"""


def test_only_who_answers_for_the_home_signs_the_end(tmp_path: Path) -> None:
    """A12: for a child of a home that home's manager alone, for a child at home the co-ordinator alone; a deputy never."""
    house = terminal(tmp_path, ROSTER + SECOND_HOME)
    signed_by = {"K7": "mo", "M2": "cass"}
    for child, signs in signed_by.items():
        code = house.fine("case", "open", child, "--by", "cass", "--due", "21:00")["code"]
        refusals = {who: house.run("case", "close", code, "--by", who) for who in ("cass", "dee", "mo")}
        assert [3, 3, 3] == [ran.code for ran in refusals.values()]
        assert "missing:" in refusals.pop(signs).err, "theirs to sign, once all is done"
        for ran in refusals.values():
            assert "only the home's manager closes a case" in ran.err or "has nothing to do with" in ran.err
        assert "checking" == house.fine("case", "show", code)["state"]


def test_settings_that_cannot_stand_are_all_told_and_no_value_is(tmp_path: Path) -> None:
    """All faults at once, by name; no value is ever printed."""
    ran = Terminal(tmp_path).run(
        "case", "list", PORCHLIGHT_MODE="live", TELEGRAM_BOT_TOKEN="777:secret", PORCHLIGHT_AUDIT_KEY="short",
        TELEGRAM_MODE="webhook",
    )  # fmt: skip
    assert ran.code == 3
    assert {"PORCHLIGHT_AUDIT_KEY", "TELEGRAM_WEBHOOK_SECRET", "PORCHLIGHT_TEST_CLOCK"} <= {
        line.split(":")[0] for line in ran.err.splitlines()
    }
    assert "secret" not in ran.err
    assert "short" not in ran.err


def test_what_this_machine_refuses_is_a_sentence_not_a_traceback(tmp_path: Path, engine: str) -> None:
    """A port that is taken, a clock file that holds no instant, a database that cannot be read."""
    house = terminal(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = house.alone("run", HTTP_BIND=f"127.0.0.1:{taken.getsockname()[1]}")
        assert (ran.code, ran.out) == (3, "")
        assert "this machine refused" in ran.err.splitlines()[-1]
    house.at("half past nine")
    assert "no ISO-8601 instant" in house.run("case", "open", "K7", "--by", "alice").err
    (tmp_path / "letter.db").write_bytes(b"no database at all")
    broken = {"sqlite": f"sqlite:///{tmp_path / 'letter.db'}", "postgresql": "postgresql://porch@127.0.0.1:1/house"}
    ran = house.run("case", "list", DATABASE_URL=broken[engine])
    assert (ran.code, len(ran.err.splitlines())) == (3, 1)


def test_a_house_that_has_no_database_says_so(tmp_path: Path, engine: str) -> None:
    """A command that looks makes nothing."""
    house = Terminal(tmp_path, empty=True)
    house.at("2026-06-10T20:35:00Z")
    ran = house.run("case", "list")
    assert ran.code == 3
    assert {"sqlite": "there is no database", "postgresql": "porchlight migrate"}[engine] in ran.err
    assert not (tmp_path / "var" / "porchlight.db").exists()


def test_a_night_can_be_worked_from_the_terminal_alone(tmp_path: Path) -> None:
    """From the report to a confirmed return: each word of it is news with its author, channel `cli`."""
    house = terminal(tmp_path)
    opened = house.fine("case", "open", "K7", "--by", "alice", "--due", "19:00")
    code = opened["code"]
    assert (opened["state"], opened["level"]) == ("missing", "medium")  # the limit of 21:00 had passed
    assert house.fine("ack", code, "--by", "cass")["reported_ref"] is None
    house.fine("case", "note", code, "rang the home", "--by", "cass", "--call")
    assert house.fine("case", "log-number", code, "CAD 1234", "--by", "alice")["reported_ref"] == "CAD 1234"
    assert house.fine("case", "raise", code, "a car was seen", "--by", "pat")["level"] == "high"
    assert house.fine("case", "declined", code, "ring back", "--review", "23:30", "--by", "cass")["state"] == "missing"
    assert house.fine("case", "claim", code, "his brother says so", "--by", "pat")["state"] == "return_claimed"
    assert house.fine("case", "verify-return", code, "--by", "cass")["state"] == "returned"
    refused = house.run("case", "close", code, "--by", "mo")
    assert refused.code == 3
    assert "missing:" in refused.err
    events = house.rows("SELECT DISTINCT channel, trust FROM v_event")
    assert {(each["channel"], each["trust"]) for each in events} == {("cli", "verified"), ("", "")}
    assert house.fine("verify")["ok"]


def test_a_case_opened_for_a_parent_asks_the_parent(tmp_path: Path) -> None:
    """The co-ordinator takes the call; the parent gets the questions, the author stays the co-ordinator."""
    house = terminal(tmp_path)
    opened = house.fine("case", "open", "K7", "--by", "cass", "--to", "pat", "--seen", "21:20")
    journal = house.fine("case", "journal", opened["code"])
    assert journal[0]["actor"] == "cass"
    assert "P00 is asked of pat" in [entry["says"] for entry in journal]
    assert house.fine("outbox", "list")[0]["channel"] == "sms"


def test_somebody_cut_off_can_do_nothing_more(tmp_path: Path) -> None:
    """T4: account, invites and word are dead in the same moment."""
    house = terminal(tmp_path)
    invited = house.fine("person", "invite", "alice", "--by", "mo")
    assert invited["start"].startswith("/start ")
    house.fine("person", "add", "dee", "--name", "Dee Example", "--role", "deputy", "--by", "mo")
    house.fine("person", "deactivate", "alice", "--by", "mo")
    people = {person["id"]: person for person in house.fine("person", "list")}
    assert (people["alice"]["active"], people["alice"]["telegram_id"]) == (False, None)
    assert people["dee"]["roles"] == ["deputy"]
    assert house.run("case", "open", "K7", "--by", "alice").code == 3


def test_an_alert_that_somebody_has_is_not_taken_from_them_at_a_terminal(tmp_path: Path) -> None:
    """A late acknowledgement is harmless and explained, by whatever way it comes; one's own second one changes nothing."""
    house = terminal(tmp_path)
    house.fine("person", "add", "dee", "--name", "Dee Example", "--role", "deputy", "--by", "mo")
    code = house.fine("case", "open", "K7", "--by", "alice")["code"]
    house.fine("case", "raise", code, "--by", "alice")
    house.fine("ack", code, "--by", "cass")
    assert house.run("ack", code, "--by", "cass").code == 0
    late = house.run("ack", code, "--by", "dee")
    assert (late.code, "cass took it at 21:35" in late.out) == (1, True)
    assert ["cass"] == [e["actor"] for e in house.fine("case", "journal", code) if "AlertAcknowledged" in e["kind"]][
        -1:
    ]


def test_what_is_logged_is_no_part_of_the_answer(tmp_path: Path) -> None:
    """Nobody holds the first rung, which is logged: a program still reads the answer, and the log is scrubbed on stderr."""
    house = terminal(tmp_path, ROSTER.replace('roles = ["coordinator"]', 'roles = ["staff:oak"]'))
    code = house.fine("case", "open", "K7", "--by", "alice")["code"]
    ran = house.alone("case", "raise", code, "--by", "alice", "--json")
    assert ran.json["code"] == code
    assert "nobody holds a rung" in ran.err


def test_what_somebody_cut_off_had_taken_is_alerted_again_at_once(tmp_path: Path) -> None:
    """T4: with a log number on file it would have been held for an hour, by nobody."""
    house = terminal(tmp_path)
    house.fine(
        "person",
        "add",
        "dee",
        "--name",
        "Dee Example",
        "--role",
        "deputy",
        "--mobile",
        "+447700900302",
        "--by",
        "mo",
    )
    code = house.fine("case", "open", "K7", "--by", "alice")["code"]
    house.fine("case", "raise", code, "--by", "alice")
    house.fine("ack", code, "--by", "cass")
    house.fine("case", "log-number", code, "2290", "--by", "cass")
    assert {"cass"} == {row["person"] for row in house.rows("SELECT person FROM alert")}
    house.fine("person", "deactivate", "cass", "--by", "mo")
    assert "dee" in {row["person"] for row in house.rows("SELECT person FROM alert")}
    assert "the taking of the alert ended" in house.fine("case", "journal", code)[-2]["says"]


def test_a_parents_number_is_proved_by_six_digits(tmp_path: Path) -> None:
    """An invite for a parent goes out as a text, and the digits stand nowhere in the database in the open."""
    house = terminal(tmp_path)
    house.fine("person", "invite", "pat", "--by", "cass")
    (letter,) = house.rows("SELECT body FROM outbox WHERE person = 'pat'")
    digits = next(word.strip(".") for word in letter["body"].split() if word.strip(".").isdigit())
    (invite,) = house.rows("SELECT token_hash FROM invite WHERE kind = 'mobile'")
    assert len(digits) == 6
    assert digits not in invite["token_hash"]

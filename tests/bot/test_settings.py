"""What may be set, what cannot stand together; that a fault is told by name, all at once, never with its value."""

import base64
import stat
from pathlib import Path

import pytest

from bot import logs
from bot.crash import POINTS, BadPoint, Crash
from bot.settings import SECRETS, BadSettings, Settings, audit_key, load

KEY = base64.b64encode(b"k" * 32).decode()
LONG = "s" * 32
LIVE = {
    "TELEGRAM_BOT_TOKEN": "1:token", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret-auth",
    "TWILIO_FROM": "+441632960200", "PUBLIC_URL": "https://porch.example", "PORCHLIGHT_AUDIT_KEY": KEY,
    "TELEGRAM_WEBHOOK_SECRET": LONG,
}  # fmt: skip
LOOPBACK = {"TELEGRAM_API_URL": "http://127.0.0.1:1", "TWILIO_API_URL": "http://localhost:2"}
TESTING = {"PORCHLIGHT_TEST_CLOCK": "clock", "PORCHLIGHT_TEST_SEED": "1", "PORCHLIGHT_TEST_CRASH": POINTS[0]}


def settings(folder: Path, **given: str) -> Settings:
    return load(given, folder)


def faults(folder: Path, given: dict[str, str]) -> list[str]:
    """The names that are at fault, in order."""
    with pytest.raises(BadSettings) as caught:
        load(given, folder)
    return [fault.partition(":")[0] for fault in caught.value.faults]


def test_nothing_set_is_the_sandbox(tmp_path: Path) -> None:
    """A bare machine needs no setting at all."""
    found = settings(tmp_path)
    assert found.sandbox and found.loopback
    assert (found.database_url, found.bind) == ("sqlite:///var/porchlight.db", ("127.0.0.1", 8080))


def test_credentials_make_it_live(tmp_path: Path) -> None:
    """Whoever sets a token means it; the sandbox must then be asked for."""
    assert not settings(tmp_path, **LIVE).sandbox
    assert settings(tmp_path, **LIVE, PORCHLIGHT_MODE="sandbox").sandbox


@pytest.mark.parametrize(("url", "mode"), [("https://porch.example", "webhook"), ("http://127.0.0.1:1", "polling")])
def test_telegram_calls_where_the_public_url_is_https(tmp_path: Path, url: str, mode: str) -> None:
    """Telegram calls nothing else, so that elsewhere the house asks."""
    assert settings(tmp_path, **{**LIVE, "PUBLIC_URL": url}).telegram_mode == mode


def test_the_file_below_and_the_environment_above(tmp_path: Path) -> None:
    """`.env` is read at start; what the environment says stands above it, and an empty value is none."""
    (tmp_path / ".env").write_text("HTTP_BIND=127.0.0.1:1\nPORCHLIGHT_LOG=json\nDATABASE_URL=\n")
    found = settings(tmp_path, HTTP_BIND="[::1]:0")
    assert (found.bind, found.log, found.database_url) == (("::1", 0), "json", "sqlite:///var/porchlight.db")


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_come_from_a_file(tmp_path: Path, name: str) -> None:
    """NAME_FILE; its line end is not part of the secret, and both at once is a fault."""
    value = {
        "PORCHLIGHT_AUDIT_KEY": KEY, "SMTP_URL": "smtps://porch:secret@mail.example",
        "PORCHLIGHT_HEARTBEAT_URL": "https://watch.example/ping/4f1c",
    }.get(name, LONG)  # fmt: skip
    (tmp_path / "secret").write_text(value + "\n")
    given = {k: v for k, v in LIVE.items() if k != name} | {f"{name}_FILE": str(tmp_path / "secret")}
    assert value in load(given, tmp_path).secrets()
    assert faults(tmp_path, {**given, name: value}) == [name]


def test_a_secret_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """A mistyped path must not start a house without its secret."""
    assert "TELEGRAM_WEBHOOK_SECRET_FILE" in faults(
        tmp_path, {**LIVE, "TELEGRAM_WEBHOOK_SECRET": "", "TELEGRAM_WEBHOOK_SECRET_FILE": "/nowhere/at/all"}
    )


@pytest.mark.parametrize("secret", ["", "short", "s" * 31, "s" * 257, "ä" * 32, "s" * 31 + " x"])
def test_a_webhook_without_a_long_secret_refuses(tmp_path: Path, secret: str) -> None:
    """A4: with none, anybody could speak as anybody."""
    assert faults(tmp_path, {**LIVE, "TELEGRAM_WEBHOOK_SECRET": secret}) == ["TELEGRAM_WEBHOOK_SECRET"]


@pytest.mark.parametrize("name", sorted(TESTING))
def test_test_settings_refuse_any_provider_that_is_not_this_machine(tmp_path: Path, name: str) -> None:
    """A clock that a test moves must never stand behind a real parent's phone."""
    given = {**LIVE, name: TESTING[name]}
    assert faults(tmp_path, given) == [name]
    assert faults(tmp_path, {**given, "TELEGRAM_API_URL": "http://127.0.0.1:1"}) == [name]
    assert faults(tmp_path, {**given, **LOOPBACK, "SMTP_URL": "smtp://mail.example"}) == [name]
    assert faults(tmp_path, {**given, **LOOPBACK, "TWILIO_API_URL": "http://127.0.0.1.example"}) == [name]
    assert load({**given, **LOOPBACK}, tmp_path).loopback


def test_the_last_resort_is_a_list_of_numbers(tmp_path: Path) -> None:
    """With commas or spaces between them; a text needs somebody who sends it."""
    few = "+447700900401, +447700900402 +447700900401"
    assert settings(tmp_path, **LIVE, PORCHLIGHT_LAST_RESORT=few).last_resort == ("+447700900401", "+447700900402")
    assert "PORCHLIGHT_LAST_RESORT" in faults(
        tmp_path, {**LIVE, "TWILIO_AUTH_TOKEN": "", "PORCHLIGHT_LAST_RESORT": few}
    )


def test_a_report_goes_out_in_a_name_of_ours(tmp_path: Path) -> None:
    """MAIL_FROM, whose mailbox people read; without it the house's own address, so that a report leaves all the same."""
    mailing = {**LIVE, "SMTP_URL": "smtps://mail.example"}
    assert settings(tmp_path, **mailing).mail_sender == "porchlight@porch.example"
    assert settings(tmp_path, **mailing, MAIL_FROM="duty@home.example").mail_sender == "duty@home.example"
    assert settings(tmp_path, **mailing).ways == ("voice", "email")
    assert settings(tmp_path, **mailing, PORCHLIGHT_MODE="sandbox").ways == ("voice",)


def test_a_telephone_needs_a_number_of_ours(tmp_path: Path) -> None:
    """A Messaging Service sends texts and cannot ring anybody."""
    service = {**LIVE, "TWILIO_FROM": "", "TWILIO_MESSAGING_SERVICE_SID": "MG1"}
    assert settings(tmp_path, **service).ways == () and settings(tmp_path, **LIVE).ways == ("voice",)


def test_test_settings_stand_in_the_sandbox(tmp_path: Path) -> None:
    """The sandbox can reach nobody."""
    assert settings(tmp_path, **TESTING).sandbox


@pytest.mark.parametrize(
    ("changes", "at_fault"),
    [
        ({"TELEGRAM_BOT_TOKEN": "", "TELEGRAM_MODE": "polling"}, ["TELEGRAM_BOT_TOKEN"]),
        ({"TWILIO_FROM": ""}, ["TWILIO_FROM"]),
        ({"TWILIO_FROM": "PORCH"}, ["TWILIO_FROM"]),
        ({"TWILIO_AUTH_TOKEN": ""}, ["TWILIO_AUTH_TOKEN"]),
        ({"PUBLIC_URL": ""}, ["PUBLIC_URL"]),
        ({"PUBLIC_URL": "porch.example"}, ["PUBLIC_URL"]),
        ({"PUBLIC_URL": "https://porch.example/?a=b"}, ["PUBLIC_URL"]),
        ({"HTTP_BIND": "8080"}, ["HTTP_BIND"]),
        ({"HTTP_BIND": "127.0.0.1:99999"}, ["HTTP_BIND"]),
        ({"DATABASE_URL": "mysql://db/porch"}, ["DATABASE_URL"]),
        ({"PORCHLIGHT_HEARTBEAT_URL": "ftp://watch.example"}, ["PORCHLIGHT_HEARTBEAT_URL"]),
        ({"PORCHLIGHT_LAST_RESORT": "07700 900401"}, ["PORCHLIGHT_LAST_RESORT"]),
        ({"PORCHLIGHT_CANARY": "+447700900500, @canary"}, ["PORCHLIGHT_CANARY"]),
        ({"PORCHLIGHT_AUDIT_KEY": ""}, ["PORCHLIGHT_AUDIT_KEY"]),
        ({"PORCHLIGHT_AUDIT_KEY": "c2hvcnQ="}, ["PORCHLIGHT_AUDIT_KEY"]),
        ({"PORCHLIGHT_MODE": "rehearse"}, ["PORCHLIGHT_MODE"]),
        ({"PORCHLIGHT_LOG": "loud", "HTTP_BIND": "x"}, ["HTTP_BIND", "PORCHLIGHT_LOG"]),
        ({"SMTP_URL": "mail.example"}, ["SMTP_URL"]),
        ({"SMTP_URL": "https://mail.example"}, ["SMTP_URL"]),
        ({"SMTP_URL": "smtp://mail.example:0"}, ["SMTP_URL"]),
        ({"SMTP_URL": "smtp://porch@mail.example"}, ["SMTP_URL"]),
        ({"MAIL_FROM": "porch.example"}, ["MAIL_FROM"]),
        ({"MAIL_FROM": "a@porch.example, b@porch.example"}, ["MAIL_FROM"]),
        ({"PORCHLIGHT_WEBHOOK_KEY": "short"}, ["PORCHLIGHT_WEBHOOK_KEY"]),
        ({**LOOPBACK, "PORCHLIGHT_TEST_CRASH": "nowhere"}, ["PORCHLIGHT_TEST_CRASH"]),
    ],
)
def test_each_fault_is_told_by_its_name(tmp_path: Path, changes: dict[str, str], at_fault: list[str]) -> None:
    """All of them, and nothing else."""
    assert faults(tmp_path, {**LIVE, **changes}) == at_fault


def test_no_value_is_ever_printed(tmp_path: Path) -> None:
    """Not in a fault, not in a representation: half of them are secrets."""
    marked = {name: f"{name}-value" for name in (*LIVE, "PORCHLIGHT_LOG", "HTTP_BIND", "DATABASE_URL")}
    with pytest.raises(BadSettings) as caught:
        load(marked, tmp_path)
    assert "-value" not in str(caught.value)
    shown = repr(settings(tmp_path, **LIVE))
    assert not [s for s in settings(tmp_path, **LIVE).secrets() if s in shown]


def test_a_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """The sandbox, and a house with a test clock, need no key from outside; a restart finds the same one."""
    made = audit_key(settings(tmp_path))
    assert audit_key(settings(tmp_path)) == made and len(made) == 32
    assert stat.S_IMODE((tmp_path / "var" / "audit.key").stat().st_mode) == 0o600
    assert audit_key(settings(tmp_path, **LIVE)) == b"k" * 32


def test_a_crash_point_ends_the_process_at_its_pass() -> None:
    """`point:2` lives through the first and not the second; other points do not count."""
    ended: list[int] = []
    crash = Crash("inbox.before_commit:2", ended.append)
    for point in ("inbox.before_commit", "inbox.after_commit"):
        crash(point)
    assert ended == []
    crash("inbox.before_commit")
    assert ended == [137]


@pytest.mark.parametrize(
    "wish", ["", "nowhere", "inbox.before_commit:0", "inbox.before_commit:x", "inbox.before_commit:-1"]
)
def test_a_crash_point_that_is_none_is_refused(wish: str) -> None:
    """A mistyped point would let a crash test prove nothing."""
    if wish:
        with pytest.raises(BadPoint):
            Crash(wish)
    else:
        Crash(wish)("inbox.before_commit")


@pytest.mark.parametrize(
    "line",
    [
        "to +447700900201 failed", "HTTP 400 +44 7700 900 201", "07700900201 rang",
        "url /bot12345:AAaaBBbbCCccDDddEEeeFF/x", "Authorization: Basic QUMxOnNlY3JldA==", "token secret-auth here",
    ],
)  # fmt: skip
def test_the_log_hides_numbers_tokens_and_secrets(line: str) -> None:
    """Whatever a library quotes (T20); an id of ours stays readable."""
    scrubbed = logs.Scrubber(["secret-auth"]).scrub(line)
    assert logs.HIDDEN in scrubbed
    assert not [part for part in ("7700", "AAaa", "QUMx", "secret-auth") if part in scrubbed]


def test_the_log_keeps_ids_and_times() -> None:
    """`org1-01a2148218804797632518` is what an operator looks for."""
    line = "2026-11-25T21:00:00.123456Z [info] awake case=org1-01a2148218804797632518 sid=SM00000000000000000000000001"
    assert logs.Scrubber().scrub(line) == line

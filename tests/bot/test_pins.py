"""PINs: how they are set at a terminal, what is stored of them, and what the doctor says of them."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from storage import pins
from storage.database import Database, Tx
from tests.bot.commands import ROOT, Terminal, terminal
from tests.databases import ON_BOTH
from tests.storage.houses import a_database

pytestmark = ON_BOTH

T = TypeVar("T")
LIVE = {
    "PORCHLIGHT_MODE": "live", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+441632960200",
    "TWILIO_API_URL": "http://127.0.0.1:9", "PUBLIC_URL": "http://127.0.0.1:9",
}  # fmt: skip


def piped(house: Terminal, typed: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command with something on its stdin."""
    return subprocess.run(
        [sys.executable, "-m", "bot", "person", "pin", *words], cwd=house.folder, input=typed, text=True,
        capture_output=True, timeout=60, check=False, env={**house.environment(), "PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip


def with_database(house: Terminal, act: Callable[[Database], Awaitable[T]]) -> T:
    """Look into the house's database, as no command does."""

    async def look() -> T:
        async with a_database(house.environment()["DATABASE_URL"]) as database:
            return await act(database)

    return asyncio.run(look())


def stored(house: Terminal, person: str) -> pins.Pin | None:
    return with_database(house, lambda database: database.read(lambda tx: pins.find(tx, person)))


def test_a_pin_is_read_from_stdin_and_stored_as_a_slow_hash(tmp_path: Path) -> None:
    """Never an argument: those stand in the list of processes. Two people with one PIN have two hashes."""
    house = terminal(tmp_path)
    ran = piped(house, "482913\n", "cass")
    assert ran.returncode == 0 and "482913" not in ran.stdout + ran.stderr
    assert piped(house, "482913\n", "mo", "--by", "cass").returncode == 0
    cass, mo = stored(house, "cass"), stored(house, "mo")
    assert cass is not None and mo is not None and cass.hash != mo.hash and "482913" not in cass.hash
    assert pins.matches(cass.hash, "482913") and not pins.matches(cass.hash, "482914")


def test_where_none_is_typed_one_is_made_and_shown_once(tmp_path: Path) -> None:
    """As with an invite: whoever runs the command tells it."""
    house = terminal(tmp_path)
    made = house.fine("person", "pin", "cass", "--by", "mo")
    found = stored(house, "cass")
    assert pins.is_pin(made["pin"]) and found is not None and pins.matches(found.hash, made["pin"])


@pytest.mark.parametrize(
    "typed", ["12345", "1234567", "abcdef", "000000", "123456", "987654", "901234", "４８２９１３"]
)
def test_what_anybody_would_guess_is_no_pin(tmp_path: Path, typed: str) -> None:
    """Six digits, and not the first six that come to mind."""
    house = terminal(tmp_path)
    ran = piped(house, typed + "\n", "cass")
    assert ran.returncode == 2 and typed not in ran.stdout + ran.stderr


def test_who_may_set_whose(tmp_path: Path) -> None:
    """One's own, or as whoever manages people; nobody of strangers."""
    house = terminal(tmp_path)
    assert house.run("person", "pin", "alice").code == 0
    assert house.run("person", "pin", "cass", "--by", "alice").code == 3
    assert house.run("person", "pin", "nobody").code == 3


def test_a_new_pin_forgets_the_wrong_tries_and_a_person_who_left_has_none(tmp_path: Path) -> None:
    """And the person is told that it was set."""
    house = terminal(tmp_path)
    piped(house, "482913\n", "cass")
    at = datetime(2026, 6, 10, 21, tzinfo=UTC)

    async def wrong(tx: Tx) -> list[str]:
        for _ in range(pins.WRONG_AT_MOST):
            pin = await pins.find(tx, "cass")
            assert pin is not None
            await pins.count(tx, pin, right=False, now=at)
        return [row["body"] for row in await tx.rows("SELECT body FROM outbox WHERE text = 'pin_set'")]

    assert len(with_database(house, lambda database: database.write(wrong))) == 1
    spent = stored(house, "cass")
    assert spent is not None and spent.spent and spent.locked(at.replace(year=2030))
    piped(house, "739150\n", "cass")
    fresh = stored(house, "cass")
    assert fresh is not None and fresh.wrong == 0 and fresh.locked_until is None
    assert house.run("person", "deactivate", "cass", "--by", "mo").code == 0
    assert stored(house, "cass") is None


def test_the_doctor_says_who_could_not_take_an_alert_by_phone(tmp_path: Path) -> None:
    """Only where a telephone rings at all."""
    house = terminal(tmp_path)
    house.run("person", "pin", "mo")
    said = [each["says"] for each in house.run("doctor", "--json", **LIVE).json if each["what"] == "pins"]
    assert len(said) == 1 and said[0].startswith("cass has no PIN")
    assert not [each for each in house.run("doctor", "--json").json if each["what"] == "pins"]

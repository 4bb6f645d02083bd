"""The commands about the register: take a roster, see who is there, let people in and out."""

import argparse
import sys
from collections.abc import Awaitable, Callable
from getpass import getpass
from pathlib import Path
from typing import Any

from bot.acts.desk_work import FINE, BadUsage, Said
from bot.acts.people import row
from bot.chance import Chance
from bot.cli import told
from bot.cli.house import act, look
from bot.cli.parser import Commands, by
from bot.settings import Settings
from storage import pins
from storage.database import Tx
from storage.directory import Directory

PEOPLE = ("id", "organisation", "roles", "telegram_id", "contact", "active", "verified")
CHILDREN = ("id", "home", "first_name", "born", "flags")
HOMES = ("id", "organisation", "kind", "name", "town")


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    made = commands.command("import", "take a roster file, all of it or nothing", take_roster)
    made.add_argument("file", metavar="FILE", type=Path)
    person = commands.group("person", "the people who are known")
    person.command("list", "everybody", person_list)
    made = by(person.command("add", "add a person to the author's organisation", person_add))
    made.add_argument("person", metavar="ID")
    made.add_argument("--name", required=True)
    made.add_argument(
        "--role", action="append", required=True, help="staff:HOME, parent:CHILD, coordinator …; repeatable"
    )
    made.add_argument("--mobile", metavar="NUMBER")
    made.add_argument("--email")
    made.add_argument("--contact", choices=("open", "restricted", "none"))
    made.add_argument("--language")
    made = by(
        person.command("invite", "a one-time link, or six digits by SMS for a parent's number", _on_person("invite"))
    )
    made.add_argument("person", metavar="ID")
    made = by(person.command("deactivate", "cut a person off at once", _on_person("deactivate")))
    made.add_argument("person", metavar="ID")
    made = person.command("pin", "set the PIN that a person keys on the telephone; none typed: one is made", person_pin)
    made.add_argument("person", metavar="ID")
    made.add_argument("--by", metavar="PERSON", help="who does this, by id; left out: the person themselves")
    commands.group("home", "the homes").command("list", "every home", home_list)
    commands.group("child", "the children").command("list", "every child, by code", child_list)


async def take_roster(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Take a roster file."""
    try:
        text = arguments.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadUsage(f"{arguments.file} cannot be read: {type(fault).__name__}") from fault
    return await act(settings, "import", {"text": text})


async def person_add(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Add a person."""
    names = ("person", "name", "role", "mobile", "email", "contact", "language", "by")
    return await act(settings, "person add", {name: getattr(arguments, name) for name in names})


async def person_pin(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Set a PIN. It is typed or read from stdin, never an argument that others can see, and leaves this process hashed."""
    typed = _typed()
    if typed and not pins.is_pin(typed):
        raise BadUsage(f"a PIN has {pins.DIGITS} digits, neither all alike nor in a row")
    digits = typed or _made()
    by = arguments.by or arguments.person
    asked = {"person": arguments.person, "by": by, "hash": pins.hashed(digits)}
    said = await act(settings, "person pin", asked)
    if typed or said.code != FINE:
        return said
    line = f"it is {digits}: tell it to them by a way that only they hear; it is shown this once"
    return Said(FINE, (*said.lines, line), {**said.data, "pin": digits})


def _typed() -> str:
    """What was typed twice at a terminal, or stands in the first line of stdin; "" for nothing. Raises BadUsage."""
    if sys.stdin is None or not sys.stdin.isatty():
        try:
            return "" if sys.stdin is None else sys.stdin.readline().strip()
        except OSError:
            return ""
    typed = getpass(f"PIN of {pins.DIGITS} digits (nothing: one is made): ").strip()
    if typed and getpass("the same again: ").strip() != typed:
        raise BadUsage("the two are not the same")
    return typed


def _made() -> str:
    chance = Chance()
    return next(digits for digits in iter(lambda: chance.digits(pins.DIGITS), None) if pins.is_pin(digits))


def _on_person(what: str) -> Callable[[Settings, argparse.Namespace], Awaitable[Said]]:
    async def does(settings: Settings, arguments: argparse.Namespace) -> Said:
        return await act(settings, f"person {what}", {"person": arguments.person, "by": arguments.by})

    return does


async def person_list(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Everybody, of every organisation."""
    return await _listed(settings, _people, PEOPLE)


async def home_list(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Every home."""
    return await _listed(settings, _homes, HOMES)


async def child_list(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Every child, by code."""
    return await _listed(settings, _children, CHILDREN)


async def _listed(
    settings: Settings, unit: Callable[[Tx], Awaitable[list[dict[str, Any]]]], columns: tuple[str, ...]
) -> Said:
    rows = await look(settings, unit)
    return Said(
        FINE, told.table(rows, columns, "nobody and nothing yet: `porchlight import FILE` takes a roster"), rows
    )


async def _people(tx: Tx) -> list[dict[str, Any]]:
    directory = Directory(tx)
    return [row(p) for o in await directory.organisations() for p in await directory.people(o.id)]


async def _homes(tx: Tx) -> list[dict[str, Any]]:
    directory = Directory(tx)
    return [
        {name: getattr(home, name) for name in HOMES}
        for organisation in await directory.organisations()
        for home in await directory.homes(organisation.id)
    ]


async def _children(tx: Tx) -> list[dict[str, Any]]:
    directory = Directory(tx)
    children = [child for home in await _homes(tx) for child in await directory.children_of(home["id"])]
    return [
        {"id": c.id, "home": c.home, "first_name": c.first_name, "born": c.born.isoformat(), "flags": list(c.flags)}
        for c in children
    ]

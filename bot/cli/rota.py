"""The commands about the rota: who holds which role now and why, what stands on it, what changes it, who can be reached."""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

from bot.acts.desk_work import FINE, Said
from bot.acts.rota import instant, rows, words
from bot.cli import told
from bot.cli.house import act, clock_of, look
from bot.cli.parser import Commands, Parser, by
from bot.settings import Settings
from storage import contacts, foresight, rota, shifts
from storage.database import Tx
from storage.directory import Directory

HOLDS = ("organisation", "home", "role", "people", "why")
LINES = ("id", "kind", "role", "home", "line", "person", "instead_of", "days", "begins", "ends", "from_at", "until_at")
CONTACTS = ("organisation", "person", "channels", "dead", "asked_at", "answered_at", "channel")
WHEN = "on the wall clock: 20:00, fri 20:00, '2026-11-27 20:00' or now"
ROLES = "coordinator, deputy, manager or owner"


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    group = commands.group("rota", "who holds which role")
    group.command("show", "who holds each role now, and why", rota_show)
    group.command("list", "every shift, override and leave that counts or will", rota_list)
    group.command("contacts", "who answered the last contact test, and how they are reached", rota_contacts)
    made = _shift(group.command("set", "put a shift on the rota, once or by the week", _does("set")))
    made.add_argument("--days", metavar="DAYS", help="by the week: mon-fri, sat,sun, daily")
    made.add_argument(
        "--first", metavar="DAY", help="the first day that counts, like 2026-11-27; now where none is given"
    )
    made.add_argument("--last", metavar="DAY", help="the last day on which it begins")
    made = _shift(group.command("override", "put somebody in the place of whoever is on the rota", _does("override")))
    made.add_argument(
        "--instead-of", metavar="PERSON", help="whom they stand in for; everybody of that line where not given"
    )
    made = by(group.command("swap", "two people change a shift, or one gives theirs away", _does("swap")))
    made.add_argument("person", metavar="PERSON", help="whose shift it is")
    made.add_argument("other", metavar="PERSON", help="who has it then")
    made.add_argument("--at", metavar="WHEN", required=True, help=f"an instant of that shift, {WHEN}")
    made.add_argument("--back", metavar="WHEN", help="an instant of the shift that is given for it")
    made = _window(by(group.command("leave", "somebody is away", _does("leave"))))
    made.add_argument("person", metavar="PERSON")
    made = by(group.command("end", "end a line of the rota now, or take away one that is to come", _does("end")))
    made.add_argument("line", metavar="LINE", help="its id, as `porchlight rota list` shows it")
    by(group.command("take-over", "the author has their duty now: who had it before is relieved", _does("take-over")))


def _shift(parser: Parser) -> Parser:
    made = _window(by(parser))
    made.add_argument("role", metavar="ROLE", help=ROLES)
    made.add_argument("person", metavar="PERSON")
    made.add_argument("--home", metavar="HOME", help="for this home alone; every home where none is given")
    made.add_argument("--line", type=int, default=1, metavar="N", help="1 is alerted first, 2 is next in line")
    return made


def _window(parser: Parser) -> Parser:
    parser.add_argument("--from", required=True, metavar="WHEN", help=f"{WHEN}; by the week 20:00")
    parser.add_argument("--until", required=True, metavar="WHEN", help="the same; the first such time after --from")
    return parser


def _does(what: str) -> Callable[[Settings, argparse.Namespace], Awaitable[Said]]:
    """What a command that writes hands to the house: everything that was typed."""

    async def does(settings: Settings, arguments: argparse.Namespace) -> Said:
        typed = {name: value for name, value in vars(arguments).items() if name not in ("does", "json")}
        return await act(settings, f"rota {what}", typed)

    return does


async def rota_show(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Who holds each role now, home by home, and why it is they."""
    now = clock_of(settings).now()

    async def unit(tx: Tx) -> list[dict[str, Any]]:
        directory, found = Directory(tx), []
        for organisation in await directory.organisations():
            for home in await directory.homes(organisation.id):
                for role in rota.ROLES:
                    held = await rota.on_duty(directory, organisation.id, role, home.id, now)
                    people = [person.person_id for person in held.people]
                    found.append({"organisation": organisation.id, "home": home.id, "role": role, "people": people,
                                  "why": held.why})  # fmt: skip
        return found

    return await _listed(settings, unit, HOLDS, "nobody and nothing yet: `porchlight import FILE` takes a roster")


async def rota_list(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Every line of the rota that counts or will, in the order in which they were made."""
    now = clock_of(settings).now()

    async def unit(tx: Tx) -> list[shifts.Line]:
        organisations = await Directory(tx).organisations()
        return [line for organisation in organisations for line in await shifts.lines(tx, organisation.id, now)]

    lines = await look(settings, unit)
    nothing = "no shift: the roster's duty lines say who is on duty, and `porchlight rota set` makes one"
    return Said(FINE, tuple(map(words, lines)) or (nothing,), rows(lines))


async def rota_contacts(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Everybody who is on call: their channels, those that are dead, and whether they answered the last contact test."""

    async def unit(tx: Tx) -> list[dict[str, Any]]:
        directory, found = Directory(tx), []
        dead = await contacts.dead_addresses(tx)
        for organisation in await directory.organisations():
            for person in await directory.people(organisation.id):
                if person.active and person.on_call:
                    addresses = foresight.addresses(person)
                    test = await contacts.of_person(tx, person.person_id)
                    found.append({
                        "organisation": organisation.id, "person": person.person_id,
                        "channels": [channel for channel, _ in addresses],
                        "dead": [channel for channel, at in addresses if (person.person_id, channel, at) in dead],
                        "asked_at": None if test is None else instant(test.asked_at),
                        "answered_at": None if test is None else instant(test.answered_at),
                        "channel": None if test is None else test.channel,
                    })  # fmt: skip
        return found

    return await _listed(settings, unit, CONTACTS, "nobody is on call yet: `porchlight import FILE` takes a roster")


async def _listed(
    settings: Settings, unit: Callable[[Tx], Awaitable[list[dict[str, Any]]]], columns: tuple[str, ...], nothing: str
) -> Said:
    found = await look(settings, unit)
    return Said(FINE, told.table(found, columns, nothing), found)

"""The command that rehearses a night with the house's own people, on phones of this machine, and says how ready they are."""

import argparse
import shutil
import sys
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path

from bot.acts.desk_work import FINDINGS, FINE, BadUsage, Said
from bot.cli.house import clock_of, database_file, look
from bot.cli.parser import Commands
from bot.settings import Settings
from casework.errors import NotAllowed
from casework.limits import LONDON
from storage import contacts, register_copy, roster
from storage.database import POSTGRES, Tx
from storage.directory import Directory
from storage.numbers import e164

EVENING = time(22, 0)
Fill = Callable[[Tx], Awaitable[None]]


def add(commands: Commands) -> None:
    """Add the command."""
    made = commands.command(
        "rehearse", "play a night on loopback phones with your own rota; ends with a score", rehearse
    )
    made.add_argument("--roster", metavar="FILE", help="the people of this roster, not those of the house's database")
    made.add_argument("--home", metavar="HOME", help="whose night it is; without it, the first home with a child")
    made.add_argument(
        "--at", metavar="WHEN", help="when it begins, like '2026-11-28 22:00'; without it, at the next 22:00"
    )
    made.add_argument("--silent", metavar="PERSON", action="append", default=[], help="somebody who never answers")
    made.add_argument("--dead", metavar="ADDRESS", action="append", default=[],
                      help="a number or Telegram account at which nothing arrives")  # fmt: skip
    made.add_argument("--keep", action="store_true", help="keep the rehearsal's database; without it, it is deleted")


async def rehearse(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Play the night; findings where somebody or something was not ready."""
    from bot.rehearsal.night import Night, adult_of
    from bot.rehearsal.score import readiness
    from bot.rehearsal.stage import Drill

    now = clock_of(settings).now()
    start = _start(arguments.at, now.astimezone(LONDON))
    fill, silent = await _people(settings, arguments, start)
    folder = settings.var / "drill" / f"{now:%Y%m%d-%H%M%S-%f}"
    folder.mkdir(parents=True, mode=0o700)
    try:
        with redirect_stdout(sys.stderr):  # what the house logs is no part of the answer
            async with Drill(folder.resolve(), start, fill) as stage:
                for address in arguments.dead:
                    stage.kill(*_place(address))
                organisation, home, child = await stage.house.database.read(partial(_whose, wanted=arguments.home))
                adult = await stage.house.database.read(
                    lambda tx: adult_of(tx, organisation=organisation, home_id=home, child_id=child)
                )
                night = Night(stage, adult, silent)
                await night.play()
                found, messages = await readiness(stage, night), stage.taken()
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)
    said = [f"A rehearsal of one night: {home}, from {start.astimezone(LONDON):%a %d %b %Y %H:%M}, {night.code}."]
    said += [f"{len(messages)} messages on {len({(m.person, m.channel) for m in messages})} phones, none of them real."]
    said += [f"  not ready: {point.says}" for point in found.findings]
    said += [f"Readiness {found.score} of 100."]
    said += [f"Its database: {folder}/rehearsal.db"] if arguments.keep else []
    return Said(FINDINGS if found.findings else FINE, tuple(said), {"home": home, "case": night.code, **found.data()})


async def _people(settings: Settings, arguments: argparse.Namespace, start: datetime) -> tuple[Fill, set[str]]:
    """What fills the rehearsal's register, and who never answers: as told, and who left the last contact test unanswered."""
    silent = set(arguments.silent)
    if arguments.roster:
        return partial(_apply, parsed=_read(Path(arguments.roster))), silent
    path = database_file(settings)
    if settings.sandbox and path is not None and not path.exists():
        from bot.sandbox import SEED  # it loads a web server

        return partial(_apply, parsed=_read(SEED)), silent
    if not settings.database_url.startswith(POSTGRES) and (path is None or not path.exists()):
        raise NotAllowed("there is no house here yet: name its people with --roster FILE")
    register = await look(settings, register_copy.read)
    silent |= await look(settings, partial(_unanswered, now=start))
    return partial(register_copy.write, register=register), silent


def _read(path: Path) -> roster.Roster:
    try:
        parsed = roster.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        raise BadUsage(f"{path} cannot be read") from fault
    if not isinstance(parsed, roster.Roster):
        raise BadUsage("\n".join(["this roster cannot be used:", *map(str, parsed)]))
    return parsed


async def _apply(tx: Tx, parsed: roster.Roster) -> None:
    await roster.apply(tx, parsed, take_telegram_ids=True)


async def _unanswered(tx: Tx, now: datetime) -> set[str]:
    organisations = await Directory(tx).organisations()
    return {person for each in organisations for person in await contacts.unanswered(tx, each.id, now)}


async def _whose(tx: Tx, wanted: str | None) -> tuple[str, str, str]:
    """Organisation, home and child of the night. Raises NotAllowed where there is no such home, or no child in it."""
    directory = Directory(tx)
    for organisation in await directory.organisations():
        for home in sorted(await directory.homes(organisation.id), key=lambda home: home.kind == "family"):
            children = await directory.children_of(home.id)
            if children and wanted in (None, home.id):
                return organisation.id, home.id, children[0].id
    raise NotAllowed("there is no home with a child" if wanted is None else f"there is no home {wanted} with a child")


def _start(words: str | None, now: datetime) -> datetime:
    if words is None:
        evening = datetime.combine(now.date(), EVENING, LONDON)
        return evening if evening > now else evening + timedelta(days=1)
    try:
        told = datetime.fromisoformat(words)
    except ValueError as fault:
        raise BadUsage("--at is a date and a time, like '2026-11-28 22:00'") from fault
    return told if told.tzinfo else told.replace(tzinfo=LONDON)


def _place(address: str) -> tuple[str, str]:
    number = e164(address)
    if number is None and not address.lstrip("-").isdigit():
        raise BadUsage(f"{address} is neither a mobile number nor a Telegram account")
    return ("telegram", address) if number is None else ("sms", number)

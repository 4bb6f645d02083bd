"""The command that moves a house to another database."""

import argparse

from bot.acts.desk_work import FINE, BadUsage, Said
from bot.cli.parser import Commands
from bot.crash import Crash
from bot.settings import Settings
from storage import moving
from storage.database import Database


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    made = commands.command("migrate-database", "move the house to another database, or finish a move", move)
    made.add_argument("to", nargs="?", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/NAME")
    made.add_argument("--cancel", action="store_true", help="give up a move that was broken off: the house stays")


async def move(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Move from DATABASE_URL to another database. The house must not be running; run again, it goes on where it stopped."""
    if arguments.cancel == bool(arguments.to):
        raise BadUsage("name the database to move to, or --cancel")
    async with await Database.open(settings.database_url) as source:
        if arguments.cancel:
            await moving.abandon(source)
            return Said(
                FINE, ("the house stays where it is; what was copied so far can be deleted",), {"cancelled": True}
            )
        async with await Database.open(arguments.to) as target:
            proof = await moving.move(source, target, Crash(settings.test_crash))
    lines = (
        f"moved and compared: {sum(proof.rows.values())} rows of {len(proof.rows)} tables, {proof.cases} cases",
        f"the same on both sides: {proof.digest}",
        "now name it in DATABASE_URL; the old database opens no more",
    )
    return Said(FINE, lines, {"rows": dict(proof.rows), "cases": proof.cases, "digest": proof.digest})

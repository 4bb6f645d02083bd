"""Every command there is, as a parser: what it is called, what it takes, and what does it.

Each group of commands adds itself; the functions that do the work are imported only by the groups, and the heavy ones
only when they are called, so that a command that looks answers at once.
"""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

from bot.acts.desk_work import USAGE, Said
from bot.settings import Settings

Does: TypeAlias = Callable[[Settings, argparse.Namespace], Awaitable[Said]]


class Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations: a word half typed must not close a case."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        self.print_usage()
        self.exit(USAGE, f"{self.prog}: {message}\n")


class Commands:
    """A level of commands that groups add themselves to."""

    def __init__(self, parser: Parser, name: str) -> None:
        self._parsers = parser.add_subparsers(title="commands", dest=name, metavar="COMMAND", required=True)

    def group(self, name: str, says: str) -> "Commands":
        """A word that is followed by another command."""
        return Commands(self._parsers.add_parser(name, help=says, description=says), f"{name}_command")

    def command(self, name: str, says: str, does: Does) -> Parser:
        """A command; its parser takes the arguments."""
        made: Parser = self._parsers.add_parser(name, help=says, description=says)
        made.add_argument("--json", action="store_true", help="answer as JSON")
        made.set_defaults(does=does)
        return made


def by(parser: Parser) -> Parser:
    """A command that writes names its author."""
    parser.add_argument("--by", required=True, metavar="PERSON", help="who does this, by id (`porchlight person list`)")
    return parser


def parser() -> Parser:
    """The whole command line."""
    from bot.cli import cases, keeping, moving, people, protocols, rehearse, rota, simulate

    whole = Parser(prog="porchlight", description="Keeps watch over a child who is not where they should be.")
    commands = Commands(whole, "command")
    for group in (keeping, moving, people, rota, cases, protocols, simulate, rehearse):
        group.add(commands)
    return whole

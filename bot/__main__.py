"""The command line's front door: reads the settings, does one command, says the answer, ends with its code.

Exit codes: 0 fine, 1 findings, 2 usage, 3 refused.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot import logs, loops
from bot.acts.desk_work import REFUSED, USAGE, BadUsage, Said
from bot.cli.parser import parser
from bot.cli.told import tell
from bot.settings import BadSettings, load
from casework.errors import NotAllowed
from scheduler.clock import BadClock
from storage.database import Unreadable, Unusable


def main(
    arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None, folder: Path = Path()
) -> int:
    """Do one command with the settings of this environment and folder; returns its exit code."""
    typed = parser().parse_args(arguments)
    try:
        return tell(_done(typed, environ, folder), as_json=typed.json)
    except BrokenPipeError:  # `porchlight … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 0


def _done(typed: argparse.Namespace, environ: Mapping[str, str] | None, folder: Path) -> Said:
    try:
        settings = load(environ, folder)
        logs.set_up(settings.log, settings.secrets())  # to stderr: what a command answers stands alone on stdout
        said: Said = loops.run(typed.does(settings, typed), stays=typed.command == "run")
        return said
    except BadSettings as fault:
        return Said(REFUSED, ("these settings cannot stand:", *fault.faults))
    except NotAllowed as refusal:
        return Said(REFUSED, (str(refusal),))
    except BadUsage as mistake:
        return Said(USAGE, (str(mistake),))
    except BadClock as fault:
        return Said(REFUSED, (f"PORCHLIGHT_TEST_CLOCK: {fault}",))
    except Unusable as fault:
        older = "no such" in str(fault)
        hint = "`porchlight migrate` brings it up to date" if older else "is its disk full or read-only?"
        return Said(REFUSED, (f"the database cannot be used: {hint}",))
    except Unreadable:
        return Said(REFUSED, ("a row of the database was broken on the disk: `porchlight verify` looks for which",))
    except OSError as fault:  # the port is taken, a folder may not be written
        return Said(REFUSED, (f"this machine refused: {fault.strerror or type(fault).__name__}",))


if __name__ == "__main__":
    sys.exit(main())

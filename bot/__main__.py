"""The command line's front door: reads the settings, does one command, says the answer, ends with its code.

Exit codes: 0 fine, 1 findings, 2 usage, 3 refused.
"""

import asyncio
import os
import sqlite3
import sys

from bot.acts.desk_work import REFUSED, USAGE, BadUsage
from bot.cli.parser import parser
from bot.cli.told import tell
from bot.settings import BadSettings, load
from casework.errors import NotAllowed


def main(arguments: list[str] | None = None) -> int:
    """Do one command; returns its exit code."""
    typed = parser().parse_args(arguments)
    try:
        said = asyncio.run(typed.does(load(), typed))
        return tell(said, as_json=typed.json)
    except BadSettings as fault:
        return _fault(REFUSED, "these settings cannot stand:", *fault.faults)
    except NotAllowed as refusal:
        return _fault(REFUSED, str(refusal))
    except BadUsage as mistake:
        return _fault(USAGE, str(mistake))
    except sqlite3.OperationalError as fault:
        hint = (
            "`porchlight migrate` brings it up to date" if "no such" in str(fault) else "is its disk full or read-only?"
        )
        return _fault(REFUSED, f"the database cannot be used: {hint}")
    except BrokenPipeError:  # `porchlight … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 0


def _fault(code: int, *lines: str) -> int:
    print("\n".join(lines), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

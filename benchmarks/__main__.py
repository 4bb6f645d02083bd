"""Runs every measurement in its short form, prints one table, and compares it with the last run that was committed.

Each part is a process of its own. The run is kept in `results/local-*.json`, which git does not see; `--keep` makes it the
one that later runs are compared with. The exit code is 1 where a must was missed, or a part could not be measured.
"""

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime

from benchmarks.rounds import NotRun, Told
from benchmarks.scripts import RESULTS, compare, kept, missed, read, table, told_by, write

PARTS = ("core", "casebook", "record", "timers", "bells", "doors", "outbox", "starting", "idle", "growth", "nodes")
PATIENCE_SECONDS, FULL_PATIENCE_SECONDS = 300, 7200


def main() -> int:
    """Measure all parts, or those named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"any of {', '.join(PARTS)}")
    parser.add_argument("--full", action="store_true", help="the long form, in the sizes of the bar")
    parser.add_argument("--keep", action="store_true", help="compare later runs with this one")
    wish = parser.parse_args()
    committed = RESULTS / ("full.json" if wish.full else "latest.json")
    before = read(committed)
    told, failed = list[Told](), False
    for part in wish.parts:
        begun = time.monotonic()
        found, whole = _measured(part, wish.full)
        told, failed = told + found, failed or not whole
        print(f"{part}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        print(table(found, compare(found, before)), flush=True)
    data = kept(told, wish.full)
    write(RESULTS / f"local-{datetime.now(UTC):%Y%m%d-%H%M%S}.json", data)
    if wish.keep:
        write(committed, data)
    return int(failed or missed(told))


def _measured(part: str, full: bool) -> tuple[list[Told], bool]:
    """What one part tells, and whether it came through."""
    command = [sys.executable, "-m", f"benchmarks.{part}", "--json", *(["--full"] if full else [])]
    patience = FULL_PATIENCE_SECONDS if full else PATIENCE_SECONDS
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=patience, check=False)
        return told_by(json.loads(done.stdout.splitlines()[-1])), True
    except subprocess.TimeoutExpired:
        return [NotRun(what=part, why=f"it took longer than {patience} s")], False
    except (json.JSONDecodeError, IndexError):
        return [NotRun(what=part, why="it failed; what it said stands above")], False


if __name__ == "__main__":
    sys.exit(main())

"""The command that plays nights: which files there are, what a night looked like, and what was not as its file says."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from bot.acts.desk_work import FINDINGS, FINE, BadUsage, Said
from bot.cli.parser import Commands
from bot.protocols import SHIPPED, shelf
from bot.scenario import BadScenario, Scenario, differences, parse, updated, written
from bot.settings import Settings

ENDING = ".scenarios.toml"


@dataclass(frozen=True, slots=True)
class Found:
    """One night and the file it stands in."""

    scenario: Scenario
    path: Path


def add(commands: Commands) -> None:
    """Add the command."""
    made = commands.command("simulate", "play scenario nights on a virtual clock and print them", simulate)
    made.add_argument("scenario", nargs="*", metavar="SCENARIO", help="an id (S2), a file or a protocol; none: all")
    made.add_argument("--update", action="store_true", help="rewrite the files with what was played; then read them!")


async def simulate(settings: Settings, arguments: argparse.Namespace) -> Said:
    """Play nights; findings where one was not as its file says."""
    from bot.simulate import simulated

    protocols = shelf(settings.protocols)
    lines: list[str] = []
    data = []
    try:
        for found in chosen(everything(settings.protocols), arguments.scenario):
            with redirect_stdout(sys.stderr):  # what the house logs is no part of the answer
                transcript = await simulated(found.scenario, protocols)
            wrong = differences(found.scenario, transcript)
            if arguments.update and wrong:
                text = found.path.read_text(encoding="utf-8")
                found.path.write_text(updated(text, found.scenario.scenario_id, transcript), encoding="utf-8")
            lines += _told(found.scenario, written(transcript), wrong)
            data.append({"id": found.scenario.scenario_id, "protocol": found.scenario.protocol, "as_written": not wrong,
                         "night": written(transcript), "differences": wrong})  # fmt: skip
    except BadScenario as fault:
        raise BadUsage(str(fault)) from fault
    bad = any(not each["as_written"] for each in data)
    return Said(FINDINGS if bad and not arguments.update else FINE, tuple(lines), data)


def _told(scenario: Scenario, night: Sequence[str], wrong: Sequence[str]) -> list[str]:
    head = f"{scenario.scenario_id}  {scenario.title}  ({scenario.protocol}, {scenario.start:%a %d %b %Y})"
    verdict = ["", "NOT as the file says:", *wrong] if wrong else ["as the file says"]
    return [head, *(f"  {line}" for line in night), *verdict, ""]


def everything(overlay: Path | None = None) -> list[Found]:
    """Every night of the shipped files, and of those of a folder laid over them."""
    folders = (SHIPPED, overlay) if overlay is not None else (SHIPPED,)
    return [found for folder in folders for path in sorted(folder.rglob(f"*{ENDING}")) for found in _of(path, folder)]


def _of(path: Path, folder: Path | None) -> Iterator[Found]:
    """The nights of a file; they are played under the protocol it stands beside, unless they name another."""
    name = str(path.relative_to(folder)).removesuffix(ENDING) if folder else "england/base/2026-01-01"
    for scenario in parse(path.read_text(encoding="utf-8"), protocol=name):
        yield Found(scenario, path)


def chosen(known: Sequence[Found], wishes: Sequence[str]) -> list[Found]:
    """The nights that are meant by ids, files or protocols; all where nothing is named. Raises BadScenario."""
    if not wishes:
        return list(known)
    found: list[Found] = []
    for wish in wishes:
        path = Path(wish)
        matching = [each for each in known if wish in (each.scenario.scenario_id, each.scenario.protocol)]
        if path.is_file():
            matching = [each for each in known if each.path == path.resolve()] or list(_of(path, None))
        if not matching:
            ids = ", ".join(each.scenario.scenario_id for each in known)
            raise BadScenario(f"no night, file or protocol is called {wish}; nights: {ids}")
        found += matching
    return found

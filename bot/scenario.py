"""A night as data: what people did, minute by minute, and every message it must call forth, with its exact words.

A scenario file is TOML; each night is a script of lines that a safeguarding lead can read aloud:

    21:15 -> alice telegram: A17: K7 due 21:00. Back? …     the house writes to Alice
    21:15 alice: No                                         Alice presses or types "No"
    21:17 cass sms: ACK A17 4821                            the same by a channel that is not her first
    21:15 [state=checking t0=21:00 limit=23:00]             what must hold now
    00:40Z down                                             the process is killed; `up` starts it again
    # why this is so                                        a remark

Times are London's; a `Z` says UTC (in the repeated hour); a time before the one above it is the next day.
Playing a script gives a transcript in the same language, and the two must be equal: so a missing message fails, and so
does one that nobody expected.
"""

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from casework.limits import LONDON

NEW_LINE = " ⏎ "
SCRIPT_OPENS = "\nnight = '''\n"
_LINE = re.compile(r"(?P<clock>\d\d:\d\dZ?) (?P<rest>.*)")
_SAID = re.compile(r"-> (?P<person>[\w-]+) (?P<channel>\w+): (?P<text>.*)", re.DOTALL)
_DID = re.compile(r"(?P<person>[\w-]+)(?: (?P<channel>telegram|sms))?: (?P<words>.*)", re.DOTALL)


class BadScenario(ValueError):
    """A scenario file that cannot be read; the message names the night and the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a script. `kind`: said (expected), did, state, down, up, remark."""

    at: datetime
    kind: str
    person: str = ""
    channel: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One night: its id, what it shows, when it starts, the protocol it is played under, and its lines.

    `roster`: what this night adds to everybody's roster, such as an earlier episode.
    """

    scenario_id: str
    title: str
    start: datetime
    protocol: str
    lines: tuple[Line, ...]
    roster: str = ""


def parse(text: str, *, protocol: str) -> list[Scenario]:
    """Read a `.scenarios.toml`. Raises BadScenario with the night and the line."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadScenario(str(fault)) from fault
    entries = data.get("scenario", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadScenario("`scenario` must be a list of nights: [[scenario]]")
    return [_scenario(entry, protocol) for entry in entries]


def _scenario(entry: dict[str, Any], protocol: str) -> Scenario:
    name = entry.get("id", "?")
    for key in ("id", "title", "start", "night"):
        if not isinstance(entry.get(key), str):
            raise BadScenario(f"{name}: `{key}` is missing, or no text")
    try:
        start = datetime.fromisoformat(entry["start"])
    except ValueError as fault:
        raise BadScenario(f"{name}: `start` is no instant: {entry['start']!r}") from fault
    begins = (start if start.tzinfo else start.replace(tzinfo=LONDON)).astimezone(UTC)
    lines = tuple(_lines(name, begins, entry["night"]))
    return Scenario(name, entry["title"], begins, entry.get("protocol", protocol), lines, entry.get("roster", ""))


def _lines(name: str, start: datetime, night: str) -> list[Line]:
    found: list[Line] = []
    now = start
    for number, raw in enumerate(night.splitlines(), 1):
        if not raw.strip():
            continue
        if raw.lstrip().startswith("#"):
            found.append(Line(now, "remark", text=raw.strip()))
            continue
        matched = _LINE.fullmatch(raw.strip())
        if matched is None:
            raise BadScenario(f"{name}: line {number}: no time: {raw!r}")
        now = _instant(f"{name}: line {number}", now, matched["clock"])
        found.append(_line(name, number, now, matched["rest"]))
    return found


def _line(name: str, number: int, at: datetime, rest: str) -> Line:
    if said := _SAID.fullmatch(rest):
        return Line(at, "said", said["person"], said["channel"], said["text"].replace(NEW_LINE, "\n"))
    if rest.startswith("[") and rest.endswith("]"):
        return Line(at, "state", text=rest[1:-1].strip())
    if rest in ("down", "up"):
        return Line(at, rest)
    if did := _DID.fullmatch(rest):
        return Line(at, "did", did["person"], did["channel"] or "", did["words"])
    raise BadScenario(f"{name}: line {number}: not understood: {rest!r}")


def _instant(place: str, now: datetime, clock: str) -> datetime:
    """The next instant at or after `now` whose wall clock shows this; with Z, UTC's."""
    zone = UTC if clock.endswith("Z") else LONDON
    hour, minute = (int(part) for part in clock.rstrip("Z").split(":"))
    if hour > 23 or minute > 59:
        raise BadScenario(f"{place}: no such time: {clock}")
    for days in range(3):
        day = now.astimezone(zone) + timedelta(days=days)
        for fold in (0, 1):
            found = day.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=fold).astimezone(UTC)
            if found >= now.replace(second=0, microsecond=0):
                return found
    raise BadScenario(f"{place}: no {clock} after {now}")


# ---- comparing and writing ------------------------------------------------------------------------


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Lines as they are compared: between two acts the messages by time, person, channel and words."""
    ordered: list[Line] = []
    run: list[Line] = []
    for line in lines:
        if line.kind == "said":
            run.append(line)
            continue
        ordered += [*sorted(run, key=_said_order), line]
        run = []
    return ordered + sorted(run, key=_said_order)


def _said_order(line: Line) -> tuple[datetime, str, str, str]:
    return line.at, line.person, line.channel, line.text


def differences(scenario: Scenario, transcript: Sequence[Line]) -> list[str]:
    """What was not as the script says: `-` a line that did not come, `+` one that nobody expected."""
    wanted = written([line for line in in_order(scenario.lines) if line.kind != "remark"])
    came = written([line for line in in_order(transcript) if line.kind != "remark"])
    found = difflib.unified_diff(wanted, came, "the file", "the night", n=2, lineterm="")
    return list(found)


def written(lines: Sequence[Line]) -> list[str]:
    """Lines as a script shows them; UTC with a Z inside the repeated hour, else London's clock."""
    return [line.text if line.kind == "remark" else f"{clock(line.at)} {_rest(line)}" for line in lines]


def updated(text: str, scenario_id: str, transcript: Sequence[Line]) -> str:
    """The text of a file with the script of one night rewritten as it was played; remarks and acts stay."""
    begins = text.find(f'\nid = "{scenario_id}"\n')
    opens = text.find(SCRIPT_OPENS, begins)
    ends = text.find("\n'''", opens + len(SCRIPT_OPENS) - 1)
    if begins < 0 or opens < 0 or ends < 0:
        raise BadScenario(f"{scenario_id}: no script between ''' to rewrite")
    script = "\n".join(written(in_order(transcript)))
    return text[: opens + len(SCRIPT_OPENS)] + script + text[ends:]


def _rest(line: Line) -> str:
    if line.kind == "said":
        return f"-> {line.person} {line.channel}: {line.text.replace(chr(10), NEW_LINE)}"
    if line.kind == "did":
        return f"{line.person} {line.channel}: {line.text}" if line.channel else f"{line.person}: {line.text}"
    return f"[{line.text}]" if line.kind == "state" else line.kind


def clock(at: datetime) -> str:
    """London's wall clock; in the repeated hour UTC's, with a Z."""
    local = at.astimezone(LONDON)
    for hours in (1, -1):
        twin = (at + timedelta(hours=hours)).astimezone(LONDON)
        if (twin.hour, twin.minute) == (local.hour, local.minute):
            return f"{at.astimezone(UTC):%H:%M}Z"
    return f"{local:%H:%M}"

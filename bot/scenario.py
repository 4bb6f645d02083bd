"""A night as data: what people did, minute by minute, and every message it must call forth, with its exact words.

A scenario file is TOML; each night is a script of lines that a safeguarding lead can read aloud:

    21:15 -> alice telegram: A17: K7 due 21:00. Back? …     the house writes to Alice
    21:15 alice: No                                         Alice presses or types "No"
    21:15 [state=checking t0=21:00 limit=23:00]             what must hold now
    00:40Z down                                             the process is killed; `up` starts it again

Times are London's; a `Z` says UTC (in the repeated hour); a time before the one above it is the next day.
Playing a script gives a transcript in the same language, and the two must be equal: so a missing message fails, and so
does one that nobody expected.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol as Shape

from casework.limits import LONDON

NEW_LINE = " ⏎ "
_LINE = re.compile(r"(?P<clock>\d\d:\d\dZ?) (?P<rest>.*)")
_SAID = re.compile(r"-> (?P<person>[\w-]+) (?P<channel>\w+): (?P<text>.*)", re.S)
_DID = re.compile(r"(?P<person>[\w-]+): (?P<words>.*)", re.S)


class BadScenario(ValueError):
    """A scenario file that cannot be read; the message names the night and the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a script. `kind`: said (expected), did, state, down, up."""

    at: datetime
    kind: str
    person: str = ""
    channel: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One night: its id, what it shows, when it starts, the protocol it is played under, and its lines."""

    scenario_id: str
    title: str
    start: datetime
    protocol: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a person's phone got it."""

    at: datetime
    person: str
    channel: str
    text: str


class Stage(Shape):
    """What a script is played on: real clients against the doubles, or the rooms alone on a virtual clock."""

    @property
    def now(self) -> datetime: ...
    async def move_to(self, instant: datetime) -> None:
        """Let time pass up to this instant, every deadline and letter at its own minute."""

    async def does(self, person: str, words: str) -> None:
        """The person presses the button of this name on their newest message that has one, else types the words."""

    async def state(self, keys: Sequence[str]) -> dict[str, str]: ...
    async def down(self) -> None: ...
    async def up(self) -> None: ...
    def taken(self) -> list[Message]:
        """The messages since the last call, oldest first."""


def parse(text: str, *, protocol: str) -> list[Scenario]:
    """Read a `.scenarios.toml`. Raises BadScenario with the night and the line."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadScenario(str(fault)) from fault
    return [_scenario(entry, protocol) for entry in data.get("scenario", [])]


def _scenario(entry: dict[str, str], protocol: str) -> Scenario:
    name = entry.get("id", "?")
    for key in ("id", "title", "start", "night"):
        if key not in entry:
            raise BadScenario(f"{name}: `{key}` is missing")
    start = datetime.fromisoformat(entry["start"]).replace(tzinfo=LONDON).astimezone(UTC)
    lines = tuple(_lines(name, start, entry["night"]))
    return Scenario(name, entry["title"], start, entry.get("protocol", protocol), lines)


def _lines(name: str, start: datetime, night: str) -> list[Line]:
    found: list[Line] = []
    now = start
    for number, raw in enumerate(night.splitlines(), 1):
        if not raw.strip() or raw.lstrip().startswith("#"):
            continue
        matched = _LINE.fullmatch(raw.strip())
        if matched is None:
            raise BadScenario(f"{name}: line {number}: no time: {raw!r}")
        now = _instant(now, matched["clock"])
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
        return Line(at, "did", did["person"], text=did["words"])
    raise BadScenario(f"{name}: line {number}: not understood: {rest!r}")


def _instant(now: datetime, clock: str) -> datetime:
    """The next instant at or after `now` whose wall clock shows this; with Z, UTC's."""
    zone = UTC if clock.endswith("Z") else LONDON
    hour, minute = (int(part) for part in clock.rstrip("Z").split(":"))
    for days in range(3):
        day = now.astimezone(zone) + timedelta(days=days)
        found = day.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0).astimezone(UTC)
        if found >= now.replace(second=0, microsecond=0):
            return found
    raise BadScenario(f"no {clock} after {now}")


async def play(scenario: Scenario, stage: Stage) -> list[Line]:
    """Play what people did and let time pass; return the transcript, in the order it happened."""
    transcript: list[Line] = []

    def collect() -> None:
        told = sorted(stage.taken(), key=lambda m: (m.at, m.person, m.channel))
        transcript.extend(Line(m.at, "said", m.person, m.channel, m.text) for m in told)

    for line in scenario.lines:
        if line.kind == "up":
            await _come_back(stage, line.at)
        elif line.kind != "said" or line.at > stage.now:
            await stage.move_to(line.at)
        collect()
        if line.kind == "did":
            transcript.append(line)
            await stage.does(line.person, line.text)
        elif line.kind == "state":
            keys = [pair.split("=")[0] for pair in line.text.split()]
            held = await stage.state(keys)
            transcript.append(Line(line.at, "state", text=" ".join(f"{k}={held.get(k, '?')}" for k in keys)))
        elif line.kind in ("down", "up"):
            transcript.append(line)
            if line.kind == "down":
                await stage.down()
        collect()
    return transcript


async def _come_back(stage: Stage, at: datetime) -> None:
    await stage.move_to(at)
    await stage.up()


def written(lines: Sequence[Line]) -> list[str]:
    """Lines as a script shows them; UTC with a Z inside the repeated hour, else London's clock."""
    return [f"{_clock(line.at)} {_rest(line)}" for line in lines]


def expected(scenario: Scenario) -> list[str]:
    """The script in the order a transcript has: after each act the messages of that minute by person and channel."""
    ordered: list[Line] = []
    run: list[Line] = []
    for line in scenario.lines:
        if line.kind == "said":
            run.append(line)
            continue
        ordered += sorted(run, key=lambda m: (m.at, m.person, m.channel))
        run = []
        ordered.append(line)
    ordered += sorted(run, key=lambda m: (m.at, m.person, m.channel))
    return written(ordered)


def _rest(line: Line) -> str:
    if line.kind == "said":
        return f"-> {line.person} {line.channel}: {line.text.replace(chr(10), NEW_LINE)}"
    if line.kind == "did":
        return f"{line.person}: {line.text}"
    return f"[{line.text}]" if line.kind == "state" else line.kind


def _clock(at: datetime) -> str:
    local = at.astimezone(LONDON)
    hour_on, hour_back = at + timedelta(hours=1), at - timedelta(hours=1)
    twin = (hour_on.astimezone(LONDON), hour_back.astimezone(LONDON))
    if any((t.hour, t.minute) == (local.hour, local.minute) for t in twin):
        return f"{at:%H:%M}Z"
    return f"{local:%H:%M}"

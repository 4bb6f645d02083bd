"""What a night of rehearsal showed: every rung, every address and every person on call, and what the house itself did.

Each is one point. The score is the share that was as it should be, of a hundred, rounded down: full only with no finding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from bot.rehearsal.night import Night
from bot.rehearsal.stage import Drill
from casework.case import Case
from casework.protocol import Protocol
from storage.contacts import dead_addresses
from storage.database import Row
from storage.empty_rungs import role_of

FULL = 100
PROMPT = timedelta(seconds=60)  # from the decision to the first alert
SEARCHING = ("C_ALERT", "C_NOREF")  # what is said while a child is out
ARRIVED = ("sent", "delivered")


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at. `kind`: rung, address, person or house; `about`: which; `says`: what was wrong, if it was."""

    kind: str
    about: str
    says: str = ""

    @property
    def good(self) -> bool:
        return not self.says


@dataclass(frozen=True, slots=True)
class Readiness:
    """The points of a night."""

    points: Sequence[Point]

    @property
    def findings(self) -> list[Point]:
        return [point for point in self.points if not point.good]

    @property
    def score(self) -> int:
        """0 to 100."""
        return FULL * (len(self.points) - len(self.findings)) // len(self.points)

    def data(self) -> dict[str, Any]:
        """For a program."""
        return {
            "score": self.score,
            "points": len(self.points),
            "findings": [asdict(each) for each in self.findings],
        }


async def readiness(stage: Drill, night: Night) -> Readiness:
    """Look at everything that the night showed."""
    case, alerts = await night.case(), await night.alerts()
    protocol = stage.house.shelf[case.protocol]
    empty = await stage.house.database.read(lambda tx: tx.rows("SELECT role FROM empty_rung"))
    dead = await stage.house.database.read(dead_addresses)
    return Readiness(
        [
            *_rungs(case, protocol, {str(row["role"]).split()[-1] for row in empty}),
            *_addresses(stage, alerts, dead),
            *_people(stage, night, alerts, dead),
            *await _house(stage, night, case, alerts),
        ]
    )


def _rungs(case: Case, protocol: Protocol, empty: set[str]) -> Iterable[Point]:
    for rung in protocol.rungs_after(0):
        role = role_of(rung, case)
        if role != "all":
            yield Point("rung", role, f"nobody holds the rung {role}" if role in empty else "")


def _addresses(stage: Drill, alerts: Sequence[Row], dead: Iterable[tuple[str, str, str]]) -> Iterable[Point]:
    """Of everybody who was alerted, whatever they are reached by: also what the house knew to be dead and passed by."""
    gone = set(dead) | {(row["person"], row["channel"], row["address"]) for row in alerts if row["state"] == "failed"}
    for person in _alerted(stage, alerts, gone):
        for channel, address in stage.cast.phones.get(person, {}).items():
            lost = (person, channel, address) in gone
            yield Point("address", f"{person} {channel}", f"nothing arrives at {channel} of {person}" if lost else "")


def _people(stage: Drill, night: Night, alerts: Sequence[Row], dead: Iterable[tuple[str, str, str]]) -> Iterable[Point]:
    reached = {row["person"] for row in alerts if row["state"] in ARRIVED}
    for person in _alerted(stage, alerts, dead):
        if person not in reached:
            yield Point("person", person, f"no alert reaches {person}")
        else:
            yield Point("person", person, "" if person in night.answered else f"{person} never answers")


def _alerted(stage: Drill, alerts: Sequence[Row], dead: Iterable[tuple[str, str, str]]) -> list[str]:
    """Who was alerted, and who is on call and could not be, since nothing arrives anywhere."""
    lost = {who for who, *_ in dead if who in stage.on_call}
    return sorted({row["person"] for row in alerts} | lost)


async def _house(stage: Drill, night: Night, case: Case, alerts: Sequence[Row]) -> Iterable[Point]:
    """What the house itself has to do, whoever its people are."""
    first = min((row["made_at"] for row in alerts), default=None)
    raised = None if case.missing_at is None else int(case.missing_at.timestamp() * 1000)
    late = first is None or (raised is not None and first - raised > PROMPT // timedelta(milliseconds=1))
    seen_at = int(night.seen_at.timestamp() * 1000)
    after = [row for row in alerts if row["made_at"] > seen_at and row["text"] in SEARCHING]
    unmarked = [sent for sent in stage.board.sent if "DRILL" not in sent.message.text]
    return [
        Point("house", "alert", "no alert within a minute of the decision" if late else ""),
        Point("house", "report", "" if case.reports else "no missing report was written"),
        Point("house", "taken", "" if not night.answered or night.taken_by else "the alert was not taken"),
        Point("house", "number", "" if case.reported else "the police's log number was not recorded"),
        Point("house", "return", "" if case.returned else "the return was not recorded"),
        Point("house", "quiet", "alerts went on after the child was seen" if after else ""),
        Point("house", "marked", f"{len(unmarked)} messages without DRILL" if unmarked else ""),
    ]

"""Knows the rota as it is kept: shifts, overrides and leave, and who has taken a duty over.

A line is never changed and never deleted: it is cut short, and a new one is made, so that who was on duty on a night in
the past can be answered for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import NamedTuple, TypeVar

from casework.duty import EARLY, LOOK_BACK, TakenOver
from casework.rota import Shift, runs
from storage.codec import instant, ms
from storage.database import Row, Tx

T = TypeVar("T")

ON_ROTA = ("coordinator", "deputy", "manager", "owner")
OWN, ALL, ROSTER = 0, 1, 2  # which lists come first: those of the home, those of every home, the roster file's


@dataclass(frozen=True, slots=True)
class Rota:
    """The rota of one home, or of an organisation, by role; leave stands with every role."""

    shifts: Mapping[str, Sequence[Shift]] = field(default_factory=dict)
    taken_over: Mapping[str, Sequence[TakenOver]] = field(default_factory=dict)
    leave: Sequence[Shift] = ()

    def of(self, role: str) -> Sequence[Shift]:
        """What bears on a role; nothing where it has no rota of its own and nobody is on leave."""
        return [*self.shifts.get(role, ()), *self.leave]

    def away(self, at: datetime) -> frozenset[str]:
        """Who is on leave at an instant."""
        return frozenset(shift.person for shift in self.leave if runs(shift, at))

    @property
    def people(self) -> frozenset[str]:
        """Everybody who is named in it."""
        return frozenset(shift.person for shifts in self.shifts.values() for shift in shifts)


NO_ROTA = Rota()


class Scope(NamedTuple):
    """Which rota: whose, for which home (empty: every home), of which role."""

    organisation: str
    home: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the rota with what the pure rules do not need: whose it is and who made it."""

    shift: Shift
    organisation: str
    role: str
    home: str
    made_at: datetime
    made_by: str
    ended_by: str | None = None


async def rota(tx: Tx, organisation: str, home: str, now: datetime, *, whole: bool = False) -> Rota:
    """The rota that bears on a home now; `home` empty: that of the organisation as a whole.

    The roster's duty lines stand in it where it has lines of its own; `whole`: in any case.
    """
    since = ms(now - LOOK_BACK)
    rows = await tx.rows(
        "SELECT * FROM shift WHERE organisation = ? AND home IN ('', ?) AND (until_at IS NULL OR until_at > ?)"
        " ORDER BY shift_id", organisation, home, since,
    )  # fmt: skip
    if not rows and not whole:
        return NO_ROTA
    shifts = _by_role((row["role"], _shift(row)) for row in rows)
    leave = shifts.pop("", [])
    for role, standing in (await _standing(tx, organisation, home)).items():
        shifts.setdefault(role, []).extend(standing)
    return Rota(shifts, await _taken_over(tx, organisation, home, now), leave)


async def _standing(tx: Tx, organisation: str, home: str) -> dict[str, list[Shift]]:
    """The duty lines of the roster file, in their order, behind every shift."""
    rows = await tx.rows(
        "SELECT * FROM duty WHERE organisation = ? AND home IN ('', ?) ORDER BY position", organisation, home
    )
    return _by_role((row["role"], _of_roster(row)) for row in rows)


def _of_roster(row: Row) -> Shift:
    return Shift(
        shift_id=f"roster {row['position']:06}", person=row["person"], kind="standing",
        line=(ROSTER, row["position"]), from_at=maybe(row["from_at"]), until_at=maybe(row["until_at"]),
    )  # fmt: skip


async def _taken_over(tx: Tx, organisation: str, home: str, now: datetime) -> dict[str, list[TakenOver]]:
    rows = await tx.rows(
        "SELECT role, person, accepted_at FROM handover WHERE organisation = ? AND home IN ('', ?) AND accepted_at > ?"
        " ORDER BY accepted_at", organisation, home, ms(now - LOOK_BACK - EARLY),
    )  # fmt: skip
    return _by_role((row["role"], TakenOver(row["person"], instant(row["accepted_at"]))) for row in rows)


@dataclass(frozen=True, slots=True)
class Part:
    """What bears on one home alone, or, of no home, on every home of an organisation, each with its role.

    `standing`: the duty lines of the roster file, in their order.
    """

    lines: Sequence[tuple[str, Shift]]
    standing: Sequence[tuple[str, Shift]]
    taken_over: Sequence[tuple[str, TakenOver]]

    @property
    def people(self) -> frozenset[str]:
        """Everybody who is named in it."""
        return frozenset(line.person for _, line in (*self.lines, *self.standing))


async def part(tx: Tx, organisation: str, home: str, now: datetime) -> Part:
    """What stands for this home and no other; `home` empty: for every home."""
    rows = await tx.rows(
        "SELECT * FROM shift WHERE organisation = ? AND home = ? AND (until_at IS NULL OR until_at > ?)",
        organisation, home, ms(now - LOOK_BACK),
    )  # fmt: skip
    standing = await tx.rows(
        "SELECT * FROM duty WHERE organisation = ? AND home = ? ORDER BY position", organisation, home
    )
    taken = await tx.rows(
        "SELECT role, person, accepted_at FROM handover WHERE organisation = ? AND home = ? AND accepted_at > ?",
        organisation, home, ms(now - LOOK_BACK - EARLY),
    )  # fmt: skip
    return Part(
        [(row["role"], _shift(row)) for row in rows],
        [(row["role"], _of_roster(row)) for row in standing],
        [(row["role"], TakenOver(row["person"], instant(row["accepted_at"]))) for row in taken],
    )


def together(parts: Sequence[Part]) -> Rota:
    """The rota of a home, of what stands for it alone and what stands for every home; as `rota` reads it."""
    lines = sorted((line for each in parts for line in each.lines), key=lambda line: line[1].shift_id)
    if not lines:
        return NO_ROTA
    leave = [shift for role, shift in lines if not role]
    standing = sorted((line for each in parts for line in each.standing), key=lambda line: line[1].line)
    shifts = _by_role([*(line for line in lines if line[0]), *standing])
    taken = sorted((took for each in parts for took in each.taken_over), key=lambda took: took[1].at)
    return Rota(shifts, _by_role(taken), leave)


def _by_role(found: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    by_role: dict[str, list[T]] = {}
    for role, each in found:
        by_role.setdefault(role, []).append(each)
    return by_role


# ---- the lines themselves --------------------------------------------------------------------------------


async def scopes(
    tx: Tx, now: datetime, *, organisation: str | None = None, person: str | None = None, roster: bool = False
) -> list[Scope]:
    """Every rota that is in use, those of every home first: of one organisation, or only where somebody is named.

    `roster`: also where only the roster file has lines.
    """
    wanted, values = "", list[str | int]()
    if organisation is not None:
        wanted, values = " AND organisation = ?", [organisation]
    named = "" if person is None else " AND person = ?"
    whom = [] if person is None else [person]
    lines_too = f" UNION SELECT organisation, home, role FROM duty WHERE 1 = 1{wanted}{named}" if roster else ""
    rows = await tx.rows(
        "SELECT DISTINCT organisation, home, role FROM shift WHERE role <> '' AND (until_at IS NULL OR until_at > ?)"
        f"{wanted}{named}{lines_too} ORDER BY organisation, home, role",
        ms(now - LOOK_BACK), *values, *whom, *(*values, *whom) * roster,
    )  # fmt: skip
    return [Scope(row["organisation"], row["home"], row["role"]) for row in rows]


async def lines(tx: Tx, organisation: str, now: datetime) -> list[Line]:
    """Every line of an organisation that still counts or will, in the order in which they were made."""
    rows = await tx.rows(
        "SELECT * FROM shift WHERE organisation = ? AND (until_at IS NULL OR until_at > ?) ORDER BY made_at, shift_id",
        organisation, ms(now),
    )  # fmt: skip
    return [_line(row) for row in rows]


async def find(tx: Tx, shift_id: str) -> Line | None:
    """One line, or None."""
    row = await tx.row("SELECT * FROM shift WHERE shift_id = ?", shift_id)
    return None if row is None else _line(row)


async def add(tx: Tx, line: Line) -> None:
    """Write a line down."""
    shift = line.shift
    await tx.run(
        "INSERT INTO shift (shift_id, organisation, kind, role, home, line, person, instead_of, days, begins, ends,"
        " from_at, until_at, made_at, made_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        shift.shift_id, line.organisation, shift.kind, line.role, line.home, shift.line[1], shift.person,
        shift.instead_of, "".join(map(str, sorted(shift.days))), _clock(shift, shift.begins),
        _clock(shift, shift.ends), _ms(shift.from_at), _ms(shift.until_at), ms(line.made_at), line.made_by,
    )  # fmt: skip


async def cut(tx: Tx, shift_id: str, by: str, now: datetime) -> None:
    """End a line now; what it was until now stays on record."""
    await tx.run(
        "UPDATE shift SET until_at = ?, ended_by = ? WHERE shift_id = ? AND (until_at IS NULL OR until_at > ?)",
        ms(now), by, shift_id, ms(now),
    )  # fmt: skip


def _clock(shift: Shift, clock: time) -> str:
    return f"{clock:%H:%M}" if shift.days else ""


def _line(row: Row) -> Line:
    return Line(
        shift=_shift(row), organisation=row["organisation"], role=row["role"], home=row["home"],
        made_at=instant(row["made_at"]), made_by=row["made_by"], ended_by=row["ended_by"],
    )  # fmt: skip


def _shift(row: Row) -> Shift:
    weekly = bool(row["days"])
    return Shift(
        shift_id=row["shift_id"], person=row["person"], kind=row["kind"],
        line=(OWN if row["home"] else ALL, row["line"]), days=frozenset(map(int, row["days"])),
        begins=time.fromisoformat(row["begins"]) if weekly else time(0),
        ends=time.fromisoformat(row["ends"]) if weekly else time(0),
        from_at=maybe(row["from_at"]), until_at=maybe(row["until_at"]), instead_of=row["instead_of"],
    )  # fmt: skip


def maybe(value: int | None) -> datetime | None:
    """An instant that a row may leave open."""
    return None if value is None else instant(value)


def _ms(value: datetime | None) -> int | None:
    return None if value is None else ms(value)

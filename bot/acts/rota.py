"""What a person may do to the rota through the command line: set, override, swap, leave, end a line, take a duty over."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.acts.desk_work import FINE, Act, Arguments, BadUsage, Said, author
from casework.errors import NotAllowed
from casework.rota import Shift
from casework.rota_words import after, midnight, read_clock, read_day, read_days, read_moment
from storage import forewarning, handing_over, planning
from storage.desk import Desk
from storage.directory import Person
from storage.planning import Changed, told
from storage.shifts import Line

HOW = "20:00, fri 20:00, 2026-11-27 20:00, or now"


async def set_shift(desk: Desk, arguments: Arguments) -> Said:
    """Put a shift on the rota: by the week where days are named, else once."""
    by = await author(desk, arguments)
    shift = _weekly(desk, arguments) if arguments.get("days") else _once(desk, arguments, "shift")
    return await _changed(desk, by, await planning.put(desk, by, *_where(arguments), shift))


async def override(desk: Desk, arguments: Arguments) -> Said:
    """Put somebody in the place of whoever is on the rota, once."""
    by = await author(desk, arguments)
    return await _changed(
        desk, by, await planning.put(desk, by, *_where(arguments), _once(desk, arguments, "override"))
    )


async def swap(desk: Desk, arguments: Arguments) -> Said:
    """Two people change a shift, or one gives theirs away."""
    by = await author(desk, arguments)
    back = arguments.get("back")
    changed = await planning.swap(
        desk, by, str(arguments["person"]), _moment(desk, arguments, "at"), str(arguments["other"]),
        _moment(desk, arguments, "back") if back else None,
    )  # fmt: skip
    return await _changed(desk, by, changed)


async def leave(desk: Desk, arguments: Arguments) -> Said:
    """Somebody is away."""
    by = await author(desk, arguments)
    from_at = _moment(desk, arguments, "from")
    until_at = _moment(desk, arguments, "until", from_at)
    return await _changed(desk, by, await planning.leave(desk, by, str(arguments["person"]), from_at, until_at))


async def end(desk: Desk, arguments: Arguments) -> Said:
    """End a line of the rota."""
    by = await author(desk, arguments)
    return await _changed(desk, by, await planning.end(desk, by, str(arguments["line"])))


async def take_over(desk: Desk, arguments: Arguments) -> Said:
    """Somebody has their duty now."""
    by = await author(desk, arguments)
    taken = await handing_over.take_over(desk, by)
    if not taken:
        raise NotAllowed(f"there is no duty of {by.person_id} to take over just now")
    says = [f"{by.person_id} is {each.role}{planning.of_home(each.home)} until {told(each.until_at)}" for each in taken]
    return Said(FINE, tuple(says), [{"role": each.role, "home": each.home, "person": each.person} for each in taken])


# ---- what was typed --------------------------------------------------------------------------------------


def _where(arguments: Arguments) -> tuple[str, str]:
    return str(arguments["role"]), str(arguments.get("home") or "")


def _once(desk: Desk, arguments: Arguments, kind: str) -> Shift:
    from_at = _moment(desk, arguments, "from")
    return Shift(
        shift_id="", person=str(arguments["person"]), kind=kind, line=_list(arguments), from_at=from_at,
        until_at=_moment(desk, arguments, "until", from_at), instead_of=str(arguments.get("instead_of") or ""),
    )  # fmt: skip


def _weekly(desk: Desk, arguments: Arguments) -> Shift:
    days = read_days(str(arguments["days"]))
    begins, ends = (read_clock(str(arguments[name])) for name in ("from", "until"))
    if days is None or begins is None or ends is None:
        raise BadUsage("--days are like mon-fri, sat,sun or daily, and --from and --until like 20:00")
    first, last = (read_day(str(arguments[name])) if arguments.get(name) else None for name in ("first", "last"))
    if (arguments.get("first") and first is None) or (arguments.get("last") and last is None):
        raise BadUsage("--first and --last are days like 2026-11-27")
    from_at = desk.now if first is None else max(desk.now, midnight(first))
    until_at = None if last is None else after(last)
    if until_at is not None and until_at <= from_at:
        raise BadUsage("--last lies before --first")
    return Shift(
        shift_id="", person=str(arguments["person"]), line=_list(arguments), days=days, begins=begins, ends=ends,
        from_at=from_at, until_at=until_at,
    )  # fmt: skip


def _list(arguments: Arguments) -> tuple[int, int]:
    """Which list it stands on; whether it is the home's own or that of every home follows from the home."""
    number = int(arguments.get("line", 1))
    if not 1 <= number <= 9:
        raise BadUsage("--line is 1 for who is alerted first, 2 for who is next, up to 9")
    return (0 if arguments.get("home") else 1, number)


def _moment(desk: Desk, arguments: Arguments, name: str, after_it: datetime | None = None) -> datetime:
    read = read_moment(str(arguments[name]), after_it or desk.now, ends=after_it is not None)
    if read is None:
        raise BadUsage(f"--{name} is an instant on the wall clock, like {HOW}")
    if after_it is not None and read <= after_it:
        raise BadUsage(f"--{name} does not come after --from")
    return read


# ---- what is said back -----------------------------------------------------------------------------------


async def _changed(desk: Desk, by: Person, changed: Changed) -> Said:
    """Ask whoever comes on by it, tell whom it concerns, and say what stands and what is empty now."""
    await forewarning.after_change(desk, changed, by)
    says = [*(words(line) for line in changed.lines), *changed.says]
    return Said(FINE, tuple(says), {"lines": rows(changed.lines), "notes": list(changed.says)})


def words(line: Line) -> str:
    """A line of the rota in one sentence."""
    shift = line.shift
    if shift.kind == "leave":
        what = f"{shift.person} is on leave"
    else:
        place = f" in place of {shift.instead_of}" if shift.instead_of else ""
        what = f"{shift.person} is {line.role}{planning.of_home(line.home)}{place}"
    from_at = "" if shift.from_at is None else f" from {told(shift.from_at)}"
    until = "" if shift.until_at is None else f" to {told(shift.until_at)}"
    weekly = f", {_days(shift)} {shift.begins:%H:%M} to {shift.ends:%H:%M}" if shift.days else ""
    return f"{what}{weekly}{from_at}{until} ({shift.kind} {shift.shift_id})"


def rows(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines as a program reads them; instants as ISO-8601 UTC, hours as the wall clock shows them."""
    return [_row(line) for line in lines]


def _row(line: Line) -> dict[str, Any]:
    shift = asdict(line.shift)
    instants = {name: instant(shift[name]) for name in ("from_at", "until_at")}
    weekly = {
        "days": _days(line.shift), "begins": f"{line.shift.begins:%H:%M}", "ends": f"{line.shift.ends:%H:%M}"
    }  # fmt: skip
    return {
        "id": line.shift.shift_id, "kind": line.shift.kind, "organisation": line.organisation, "role": line.role,
        "home": line.home, "line": line.shift.line[1], "person": line.shift.person,
        "instead_of": line.shift.instead_of, **(weekly if line.shift.days else dict.fromkeys(weekly, "")), **instants,
        "made_by": line.made_by,
    }  # fmt: skip


def instant(at: datetime | None) -> str | None:
    """An instant as the views write it."""
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _days(shift: Shift) -> str:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return "daily" if len(shift.days) == len(names) else ",".join(names[day - 1] for day in sorted(shift.days))


ACTS: dict[str, Act] = {
    "rota set": set_shift,
    "rota override": override,
    "rota swap": swap,
    "rota leave": leave,
    "rota end": end,
    "rota take-over": take_over,
}

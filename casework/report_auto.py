"""The fields of the missing report that nobody has to be asked for: the log, the case and the register fill them."""

from datetime import timedelta

from casework import events as e
from casework.levels import Level, Status
from casework.limits import is_night
from casework.report_log import Reading, clean
from casework.wording import LONDON

SETTLED = {"": "open", "risk": "treated as a risk", "none": "judged not a risk", "expired": "nobody judged it in time"}
T0_KINDS = {"due": "due back", "seen": "last certainly seen", "reported": "time of the report (no earlier time known)",
            "agreed": "agreed return that failed"}  # fmt: skip


def values(reading: Reading) -> dict[str, str]:
    """Every automatic field by its id; a missing or empty one prints as not known."""
    return {**_report(reading), **_people(reading), **_times(reading), **_risk(reading)}


def category(reading: Reading) -> str:
    """Missing, concern for welfare, or an absence that is not (yet) for the police."""
    case = reading.case
    if (case.welfare and not case.unlocated) or case.level is Level.WELFARE:
        return "Concern for welfare of a child"
    return "Missing child" if case.missing_at is not None or case.status is Status.MISSING else "Absent child"


def full_name(reading: Reading) -> str:
    """First name and family name as the register has them."""
    register = reading.register
    return clean(f"{register.first_name} {register.family_name}")


def as_at(reading: Reading) -> str:
    """The last thing known, with its date: every other time of the report is read against it."""
    there, book = reading.as_at.astimezone(LONDON), reading.register.book
    day = f"{book.days[there.weekday()]} {there.day} {book.months[there.month - 1]} {there.year}"
    return f"{day} {there:%H:%M} {there.tzname()}"


def _report(reading: Reading) -> dict[str, str]:
    case, register = reading.case, reading.register
    opened = next((x for x in reading.log if isinstance(x, e.AbsenceReported)), None)
    police = case.police
    given = police.told_at or police.confirmed_at
    return {
        "A.ref": case.code, "A.protocol": case.protocol, "A.generated": as_at(reading),
        "A.generated_by": clean(register.made_by),
        "A.channel": opened.channel if opened else "", "A.category": category(reading), "A.level": case.level.name,
        "A.police_number": _number(reading),
        "A.police_given": reading.when(given) if given else "",
        "A.police_answer": f"said no at {reading.when(police.declined_at)}" if police.declined_at else "",
        "A.police_review": reading.when(police.declined_review_at) if police.declined_review_at else "",
    }  # fmt: skip


def _number(reading: Reading) -> str:
    """The log number with who told it, and whether a verified person confirmed it (P7)."""
    police, name = reading.case.police, reading.register.name
    if police.number is None:
        return ""
    told = [f"told by {name(police.told_by)}"] if police.told_by else []
    stands = f"confirmed by {name(police.confirmed_by)}" if police.confirmed_by else "not yet confirmed"
    return f"{clean(police.number)} ({', '.join([*told, stands])})"


def _voices(reading: Reading) -> str:
    """Who of the reporters cannot be rung to speak; else what the register says under the field's own name."""
    register = reading.register
    mute = [register.name(r.person) for r in reading.case.reporters if r.person in register.cannot_speak]
    return f"no: {', '.join(mute)}; answers by text" if mute else clean(register.profile.get("voice_ok", ""))


def _people(reading: Reading) -> dict[str, str]:
    case, register = reading.case, reading.register
    ids = [r.person for r in case.reporters]
    sides = {"staff": "staff of the home", "parent": "parent or guardian"}
    taken = [f"flag {register.book.flag.get(f, f)}" for f in case.child.flags if f == "cp_plan"]
    return {
        "B.reporter": ", ".join(register.name(p) for p in ids),
        "B.reporter_phone": ", ".join(clean(register.phones[p]) for p in ids if p in register.phones),
        "B.voice_ok": _voices(reading),
        "B.organisation": clean(register.organisation),
        "B.relationship": ", ".join(dict.fromkeys(sides[r.side.value] for r in case.reporters)),
        "B.home": clean(", ".join(p for p in (register.home, register.town) if p)),
        "C.full_name": full_name(reading), "C.born": register.born.isoformat() if register.born else "",
        "C.age": "" if case.child.age is None else str(case.child.age),
        "C.plan": "yes" if taken else "not on the register",
        "D.photo": f"on file, taken {clean(register.photo)}" if register.photo else "",
        "L.linked": ", ".join(f"{other} ({level.name})" for other, level, _ in case.linked) or "none known",
        "M.told": "; ".join(reading.chain()) or "nobody on call was alerted",
        "M.notices": "; ".join([clean(f"{n.who}: {n.says}") for n in reading.protocol.notice] + _obligations(reading)),
    }  # fmt: skip


def _obligations(reading: Reading) -> list[str]:
    """Whom this case calls for telling: done, when and by whom; or open, since when it is due."""
    said = []
    for obligation in reading.protocol.obligations:
        task = reading.case.task(obligation.id)
        if task is not None and task.done_at is not None:
            by = reading.register.name(task.done_by) if task.done_by else "nobody"
            said.append(clean(f"{obligation.id} {obligation.who}: {task.outcome} {reading.when(task.done_at)} ({by})"))
        elif task is not None:
            said.append(clean(f"{obligation.id} {obligation.who}: not done, due {reading.when(task.due_at)}"))
    return said


def _times(reading: Reading) -> dict[str, str]:
    case = reading.case
    late = int((case.opened_at - case.first_t0) / timedelta(minutes=1))
    return {
        "E.clock": f"{reading.when(case.t0)}, {T0_KINDS.get(case.t0_kind, case.t0_kind)}",
        "E.reported": reading.when(case.opened_at),
        "E.gap": f"{late} min after the clock started" if late > 0 else "none",
        "H.weather": "dark (night)" if is_night(case.opened_at, reading.protocol) else "not night",
    }


def _risk(reading: Reading) -> dict[str, str]:
    case, register = reading.case, reading.register
    flags = [f"{r.rule} {reading.says(r.rule)[0]} [{reading.because(r)}]" for r in reading.flags()]
    notes = [
        f"{register.said(x.words)} ({register.name(x.by)}, {reading.when(x.at)})"
        for x in reading.log if isinstance(x, e.NoteMade | e.WorryRaised | e.PoliceDeclined) and register.said(x.words)
    ]  # fmt: skip
    return {
        "G.notes": "; ".join(notes) or "none",
        "H.flags": "; ".join(flags) or "none raised",
        "H.factors": "; ".join(f"{f} {reading.says(f)[0]}" for f in case.factors) or "none raised",
        "H.unsure": "; ".join(
            f"{reading.check_name(u.check)}: {SETTLED.get(u.settled, u.settled)}" for u in case.unsure
        )
        or "none",
        "I.episodes": str(case.child.episodes_90_days),
        "I.history": "; ".join(clean(h) for h in register.history),
    }

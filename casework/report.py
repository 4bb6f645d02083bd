"""The missing report: what the police ask first, then everything that is known, each with who said it and when.

Nothing is ever blank: what is not known says so, and when it was asked. Third parties (S4) stand on the police copy
only.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from casework import report_auto, report_script
from casework.case import Case
from casework.events import Event, ReportMade
from casework.protocol import Protocol
from casework.report_fields import FIELDS, GROUPS, FieldRule, Sensitivity
from casework.report_log import Reading, Register, clean
from casework.wording import is_drill

HELD_BACK = "on the police copy only"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Field(_Part):
    """One field; `known` is False where `value` only says that, and when, it was asked."""

    id: str
    label: str
    value: str
    sensitivity: Sensitivity
    known: bool


class Group(_Part):
    """One group of fields, A to M."""

    id: str
    title: str
    fields: tuple[Field, ...]


class ReasonLine(_Part):
    """Why we are worried: a rule or flag, its evidence, its source and when it became known."""

    rule: str
    says: str
    because: str
    source: str
    at: datetime


class CheckLine(_Part):
    """One check: what, the result, who said so and when; `done` is False where it was asked and not answered."""

    check: str
    what: str
    result: str
    who: str
    at: datetime
    when: str
    done: bool


class EvidenceLine(_Part):
    """One photo or place that was sent in. The pictures themselves stand in the printed copy, in the same order."""

    kind: str
    says: str
    who: str
    at: datetime
    when: str


class MissingReport(_Part):
    """One version of the report. `as_at` is the last thing known; `hash` is over all else."""

    ref: str
    version: int
    protocol: str
    category: str
    level: str
    child_name: str
    as_at: datetime
    as_at_local: str
    made_by: str
    police_copy: bool
    script: str
    script_without_name: str
    changes: tuple[str, ...]
    reasons: tuple[ReasonLine, ...]
    checks: tuple[CheckLine, ...]
    evidence: tuple[EvidenceLine, ...] = ()
    groups: tuple[Group, ...]
    hash: str = ""

    def field(self, field_id: str) -> Field:
        """The field of this id (`C.full_name`); KeyError is our own bug."""
        return next(f for g in self.groups for f in g.fields if f.id == field_id)


def compose(log: Iterable[Event], case: Case, protocol: Protocol, register: Register) -> MissingReport:
    """Make the police copy of the report from the log, as of its last event."""
    reading = Reading(tuple(log), case, protocol, register)
    made = [x.version for x in reading.log if isinstance(x, ReportMade)]
    return _sealed(
        MissingReport(
            ref=case.code,
            version=made[-1] if made else 0,
            protocol=case.protocol,
            category=f"{'DRILL: ' if is_drill(case.code) else ''}{report_auto.category(reading)}",
            level=case.level.name,
            child_name=report_auto.full_name(reading),
            as_at=reading.as_at,
            as_at_local=report_auto.as_at(reading),
            made_by=clean(register.made_by),
            police_copy=True,
            script=report_script.script(reading),
            script_without_name=report_script.without_name(reading),
            changes=tuple(reading.changes()),
            reasons=_reasons(reading),
            checks=_checks(reading),
            evidence=_evidence(reading),
            groups=_groups(reading),
        )
    )


def as_of(log: Iterable[Event], version: int) -> tuple[Event, ...]:
    """The log as it stood when this version was made; `replay` of it gives the case that belongs to it.

    All of the log where that version was never made.
    """
    entries = tuple(log)
    made = [n for n, x in enumerate(entries) if isinstance(x, ReportMade) and x.version == version]
    return entries[: made[0] + 1] if made else entries


def for_others(report: MissingReport) -> MissingReport:
    """The copy for anyone but the police: third parties held back, and the lines that could name them."""
    groups = tuple(g.model_copy(update={"fields": tuple(_held(f) for f in g.fields)}) for g in report.groups)
    held = {c for r in FIELDS if r.sensitivity == "S4" for c in r.checks}
    checks = tuple(
        c.model_copy(update={"result": HELD_BACK}) if c.check in held and c.done else c for c in report.checks
    )
    parts = {"groups": groups, "checks": checks, "changes": (), "police_copy": False}
    return _sealed(report.model_copy(update=parts))


def _held(field: Field) -> Field:
    return field.model_copy(update={"value": HELD_BACK}) if field.sensitivity == "S4" and field.known else field


def _sealed(report: MissingReport) -> MissingReport:
    return report.model_copy(update={"hash": seal(report)})


def seal(report: MissingReport) -> str:
    """SHA-256 over the report's JSON without its hash: whoever holds the JSON twin can check the printed one."""
    return hashlib.sha256(report.model_dump_json(exclude={"hash"}).encode()).hexdigest()


def _reasons(reading: Reading) -> tuple[ReasonLine, ...]:
    lines = []
    for reason in reading.reasons():
        says, source = reading.says(reason.rule)
        lines.append(
            ReasonLine(rule=reason.rule, says=says, because=reading.because(reason), source=source, at=reason.at)
        )
    return tuple(lines)


def _evidence(reading: Reading) -> tuple[EvidenceLine, ...]:
    return tuple(
        EvidenceLine(
            kind=kind,
            says=reading.register.said(note.words),
            who=reading.register.name(note.by),
            at=note.at,
            when=reading.when(note.at),
        )
        for kind, note in reading.evidence()
    )


def _checks(reading: Reading) -> tuple[CheckLine, ...]:
    """Every check that was asked or answered, in the protocol's order; each answer a line of its own."""
    answers = reading.answers()
    lines = []
    for check in reading.protocol.check:
        if check.stage == "prompt":
            continue
        given = [t for t in answers if t.check == check.id]
        lines += [_line(reading, check.id, t.result, reading.register.name(t.by), t.at, done=True) for t in given]
        asked = reading.asked_at((check.id,))
        if not given and asked is not None:
            nothing = f"no answer (asked {reading.when(asked)})"
            lines.append(_line(reading, check.id, nothing, "", asked, done=False))
    return tuple(lines)


def _line(reading: Reading, check: str, result: str, who: str, at: datetime, *, done: bool) -> CheckLine:
    when = reading.when(at) if done else ""
    return CheckLine(check=check, what=reading.check_name(check), result=result, who=who, at=at, when=when, done=done)


def _groups(reading: Reading) -> tuple[Group, ...]:
    automatic = report_auto.values(reading)
    fields = [_field(rule, reading, automatic) for rule in FIELDS]
    known = {r.name for r in FIELDS}
    fields += [  # what the register knows under a name of its own is printed all the same
        Field(id=f"C.{key}", label=key.replace("_", " ").capitalize(), value=clean(value), sensitivity="S3", known=True)
        for key, value in sorted(reading.register.profile.items()) if key not in known and clean(value)
    ]  # fmt: skip
    return tuple(
        Group(id=g, title=title, fields=tuple(f for f in fields if f.id.startswith(f"{g}.")))
        for g, title in GROUPS.items()
    )


def _field(rule: FieldRule, reading: Reading, automatic: dict[str, str]) -> Field:
    value = automatic.get(rule.id, "") if rule.automatic else _given(rule, reading)
    shown = value or _not_known(rule, reading)
    return Field(id=rule.id, label=rule.label, value=shown, sensitivity=rule.sensitivity, known=bool(value))


def _given(rule: FieldRule, reading: Reading) -> str:
    """What the register holds, then every answer with who and when."""
    answers = (
        f"{told.result} ({reading.register.name(told.by)}, {reading.when(told.at)})"
        for told in reading.answers()
        if told.check in rule.checks
    )
    return "; ".join(p for p in (clean(reading.register.profile.get(rule.name, "")), *answers) if p)


def _not_known(rule: FieldRule, reading: Reading) -> str:
    asked = reading.asked_at(rule.checks)
    if asked is not None:
        return f"not known (asked {reading.when(asked)})"
    return "not known (not asked yet)" if rule.checks else "not known (not on file)"


def as_text(report: MissingReport) -> str:
    """The report as plain lines, for a terminal or a fax."""
    lines = [
        f"{report.category} · {report.ref} · version {report.version}",
        f"Information as at {report.as_at_local}",
        "",
    ]
    lines += ["READ THIS OUT", report.script, ""]
    if report.changes:
        lines += ["CHANGED SINCE THE LAST VERSION", *report.changes, ""]
    lines += ["WHY WE ARE WORRIED", *(f"{r.rule} {r.says} [{r.because}]" for r in report.reasons), ""]
    lines += ["WHAT WAS DONE", *(f"{c.what}: {c.result}" + (f" ({c.who})" if c.who else "") for c in report.checks)]
    if report.evidence:
        lines += ["", "SENT IN", *(f"{x.when} {x.kind} by {x.who}: {x.says or 'no words'}" for x in report.evidence)]
    for group in report.groups:
        lines += ["", f"{group.id} {group.title}".upper(), *(f"{f.label}: {f.value}" for f in group.fields)]
    return "\n".join([*lines, "", f"{report.protocol} · SHA-256 {report.hash}"])

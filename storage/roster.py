"""Knows the roster file: who there is, written by people in TOML; all of it is taken, or none, and every fault is told.

A person who no longer stands in the file is left as they are: only `person deactivate` cuts somebody off, so that a
half-written file can never empty a duty rota.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from storage.codec import ms
from storage.database import Tx
from storage.numbers import e164

FLAGS = ("cse", "cce", "cp_plan", "order", "uasc", "vuln", "medical", "honour", "no_parent_contact", "report_at_once")
KINDS = ("children", "supported", "foster", "family")
JURISDICTIONS = ("england", "wales", "scotland", "northern-ireland")
CONTACT = ("open", "restricted", "none")
SCOPED = {"staff": "home", "manager": "home", "parent": "child"}
PLAIN_ROLES = ("coordinator", "deputy", "police", "owner")
DUTY_ROLES = ("coordinator", "deputy", "manager", "owner", "staff", "police")
NEEDS = {
    "organisation": ("id", "name", "jurisdiction", "protocol", "duty_number"),
    "home": ("id", "organisation", "kind", "name", "town"),
    "child": ("id", "home", "first_name", "family_name", "born"),
    "person": ("id", "organisation", "name", "roles"),
    "duty": ("organisation", "role", "person"),
    "episode": ("child", "start"),
}
MAY = {
    "organisation": ("police_email", "report_in_telegram"),
    "home": (),
    "child": ("flags", "profile"),
    "person": ("mobile", "email", "telegram_id", "contact", "language"),
    "duty": ("from", "until", "home"),
    "episode": ("end", "category"),
}
UNKNOWN = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)  # verified at a time nobody noted
_CHILD_CODE = re.compile(r"[A-Za-z0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a roster file: the line it stands on (from 1), and what is wrong."""

    line: int
    says: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.says}"


class BadRoster(ValueError):
    """A roster file that is not taken; `faults` are all of them."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@dataclass(slots=True)
class Roster:
    """A roster that was read without a fault: its tables, each entry with the line it begins on."""

    tables: Mapping[str, list[dict[str, Any]]]
    lines: Mapping[str, list[int]]
    faults: list[Fault] = field(default_factory=list)

    def entries(self, table: str) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from zip(self.lines.get(table, []), self.tables.get(table, []), strict=False)

    def fault(self, line: int, says: str) -> None:
        self.faults.append(Fault(line, says))


def parse(text: str) -> Roster:
    """Read a roster file and check it whole. Raises BadRoster with every fault and its line."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BadRoster([Fault(_line_of(str(fault), text), f"not readable as TOML: {fault}")]) from fault
    roster = Roster({k: v for k, v in data.items() if isinstance(v, list)}, _lines(text))
    for key in data:
        if key not in NEEDS:
            roster.fault(1, f"`{key}` is not a table of the roster")
    for table in NEEDS:
        for line, entry in roster.entries(table):
            _check_keys(roster, table, line, entry)
    if not roster.faults:
        _check_values(roster)
    if roster.faults:
        raise BadRoster(sorted(roster.faults, key=lambda f: f.line))
    return roster


def _line_of(fault: str, text: str) -> int:
    """The line a TOML fault names; one at the end of the document stands on the last."""
    found = re.search(r"line (\d+)", fault)
    return int(found[1]) if found else len(text.splitlines())


def _lines(text: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[\s*([\w-]+)\s*\]\]", line):
            found.setdefault(header[1], []).append(number)
    return found


def _check_keys(roster: Roster, table: str, line: int, entry: dict[str, Any]) -> None:
    for key in NEEDS[table]:
        if key not in entry:
            roster.fault(line, f"{table}: `{key}` is missing")
    for key in entry:
        if key not in NEEDS[table] and key not in MAY[table]:
            roster.fault(line, f"{table}: `{key}` is not known")


def _check_values(roster: Roster) -> None:
    ids = {table: _ids(roster, table) for table in ("organisation", "home", "child", "person")}
    for line, entry in roster.entries("organisation"):
        _one_of(roster, line, "jurisdiction", entry["jurisdiction"], JURISDICTIONS)
        if e164(str(entry["duty_number"])) is None:
            roster.fault(line, "organisation: `duty_number` is no telephone number")
    for line, entry in roster.entries("home"):
        _one_of(roster, line, "kind", entry["kind"], KINDS)
        _one_of(roster, line, "organisation", entry["organisation"], ids["organisation"])
    for line, entry in roster.entries("child"):
        _check_child(roster, line, entry, ids)
    accounts: dict[int, str] = {}
    for line, entry in roster.entries("person"):
        _check_person(roster, line, entry, ids, accounts)
    for line, entry in roster.entries("duty"):
        _one_of(roster, line, "role", entry["role"], DUTY_ROLES)
        _one_of(roster, line, "person", entry["person"], ids["person"])
        _one_of(roster, line, "organisation", entry["organisation"], ids["organisation"])
        for key in ("from", "until"):
            if key in entry and _instant(entry[key]) is None:
                roster.fault(line, f"duty: `{key}` must be an instant with its zone, like 2026-06-10T20:00:00Z")
    for line, entry in roster.entries("episode"):
        _one_of(roster, line, "child", entry["child"], ids["child"])
        if _instant(entry["start"]) is None:
            roster.fault(line, "episode: `start` must be an instant with its zone")


def _ids(roster: Roster, table: str) -> set[str]:
    seen: set[str] = set()
    for line, entry in roster.entries(table):
        name = entry["id"]
        if not isinstance(name, str) or not name:
            roster.fault(line, f"{table}: `id` must be text")
        elif name in seen:
            roster.fault(line, f"{table}: `{name}` stands twice")
        else:
            seen.add(name)
    return seen


def _check_child(roster: Roster, line: int, entry: dict[str, Any], ids: dict[str, set[str]]) -> None:
    _one_of(roster, line, "home", entry["home"], ids["home"])
    if not _CHILD_CODE.fullmatch(str(entry["id"])):
        roster.fault(line, "child: `id` is the code that people type: up to twelve letters and digits, never a name")
    if not isinstance(entry["born"], date) or isinstance(entry["born"], datetime):
        roster.fault(line, "child: `born` must be a date, like 2011-02-03")
    for flag in entry.get("flags", []):
        _one_of(roster, line, "flags", flag, FLAGS)
    if not isinstance(entry.get("profile", {}), dict):
        roster.fault(line, "child: `profile` must be a table")


def _check_person(
    roster: Roster, line: int, entry: dict[str, Any], ids: dict[str, set[str]], accounts: dict[int, str]
) -> None:
    _one_of(roster, line, "organisation", entry["organisation"], ids["organisation"])
    _one_of(roster, line, "contact", entry.get("contact", "restricted"), CONTACT)
    for role in entry["roles"] if isinstance(entry["roles"], list) else [entry["roles"]]:
        kind, _, scope = str(role).partition(":")
        if kind in SCOPED:
            _one_of(roster, line, "roles", scope, ids[SCOPED[kind]])
        else:
            _one_of(roster, line, "roles", role, PLAIN_ROLES)
    if "mobile" in entry and e164(str(entry["mobile"])) is None:
        roster.fault(line, "person: `mobile` is no telephone number (is a digit missing?)")
    account = entry.get("telegram_id")
    if account is not None and (not isinstance(account, int) or not 0 < account < 2**52):
        roster.fault(line, "person: `telegram_id` must be a positive whole number")
    elif account is not None and account in accounts:
        roster.fault(line, f"person: `telegram_id` is {accounts[account]}'s already")
    elif account is not None:
        accounts[account] = entry["id"]


def _one_of(roster: Roster, line: int, key: str, value: Any, known: tuple[str, ...] | set[str]) -> None:
    if value not in known:
        roster.fault(line, f"`{key}`: {value!r} is none of {', '.join(sorted(known)) or 'nothing known'}")


def _instant(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


# ---- taking it -----------------------------------------------------------------------------------


async def apply(
    tx: Tx, roster: Roster, *, take_telegram_ids: bool, now: datetime = UNKNOWN
) -> dict[str, int]:
    """Take a roster in the open transaction; repeating it changes nothing more. Returns how many of each were read.

    `take_telegram_ids`: bind the accounts it names (the sandbox, loopback providers); a parent marked `open` then counts
    as verified. In live use an account is bound by an invite alone.
    """
    for _, entry in roster.entries("organisation"):
        await _upsert(tx, "organisation", {
            "id": entry["id"], "name": entry["name"], "jurisdiction": entry["jurisdiction"], "protocol": entry["protocol"],
            "duty_number": e164(entry["duty_number"]), "police_email": entry.get("police_email"),
            "report_in_telegram": int(bool(entry.get("report_in_telegram", False))),
        })  # fmt: skip
    for _, entry in roster.entries("home"):
        await _upsert(tx, "home", {k: entry[k] for k in NEEDS["home"]})
    for _, entry in roster.entries("child"):
        await _upsert(tx, "child", {
            "id": entry["id"], "home": entry["home"], "first_name": entry["first_name"],
            "family_name": entry["family_name"], "born": entry["born"].isoformat(),
            "flags": json.dumps(entry.get("flags", [])),
            "profile": json.dumps({k: str(v) for k, v in entry.get("profile", {}).items()}, ensure_ascii=False),
        })  # fmt: skip
    for _, entry in roster.entries("person"):
        await _person(tx, entry, take_telegram_ids, now)
    for organisation in {entry["organisation"] for _, entry in roster.entries("duty")}:
        await tx.run("DELETE FROM duty WHERE organisation = ?", organisation)
    for position, (_, entry) in enumerate(roster.entries("duty")):
        await _duty(tx, position, entry)
    for _, entry in roster.entries("episode"):
        await _episode(tx, entry)
    return {table: len(roster.tables.get(table, [])) for table in NEEDS}


async def _upsert(tx: Tx, table: str, values: dict[str, Any]) -> None:
    columns = list(values)
    marks = ", ".join("?" for _ in columns)
    changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c != "id")
    await tx.run(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}",
        *values.values(),
    )


async def _person(tx: Tx, entry: dict[str, Any], take: bool, now: datetime) -> None:
    mobile = e164(str(entry["mobile"])) if "mobile" in entry else None
    values: dict[str, Any] = {
        "id": entry["id"], "organisation": entry["organisation"], "name": entry["name"], "mobile": mobile,
        "email": entry.get("email"), "contact": entry.get("contact", "restricted"), "language": entry.get("language", "en"),
    }  # fmt: skip
    before = await tx.row("SELECT mobile FROM person WHERE id = ?", entry["id"])
    if before is not None and before["mobile"] != mobile:
        values["verified_at"] = None  # a new number has to be shown to be theirs again
    if take and "telegram_id" in entry:
        values["telegram_id"] = entry["telegram_id"]
    await _upsert(tx, "person", values)
    if take and values["contact"] == "open" and mobile:
        await tx.run("UPDATE person SET verified_at = coalesce(verified_at, ?) WHERE id = ?", ms(now), entry["id"])
    await tx.run("DELETE FROM role WHERE person = ?", entry["id"])
    for role in entry["roles"]:
        kind, _, scope = role.partition(":")
        await tx.run("INSERT OR IGNORE INTO role (person, role, scope) VALUES (?, ?, ?)", entry["id"], kind, scope)


async def _duty(tx: Tx, position: int, entry: dict[str, Any]) -> None:
    begins, ends = _instant(entry.get("from")), _instant(entry.get("until"))
    await tx.run(
        "INSERT INTO duty (organisation, position, role, home, person, from_at, until_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        entry["organisation"], position, entry["role"], entry.get("home", ""), entry["person"],
        ms(begins) if begins else None, ms(ends) if ends else None,
    )  # fmt: skip


async def _episode(tx: Tx, entry: dict[str, Any]) -> None:
    begins, ends = _instant(entry["start"]), _instant(entry.get("end"))
    if begins is not None:
        await tx.run(
            "INSERT OR REPLACE INTO past_episode (child, started, ended, category) VALUES (?, ?, ?, ?)",
            entry["child"], ms(begins), ms(ends) if ends else None, str(entry.get("category", "absent")),
        )  # fmt: skip

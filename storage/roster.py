"""Knows how a roster file becomes the directory: all of it is taken, or none, and taking it again changes nothing more.

A person who no longer stands in the file is left as they are: only `person deactivate` cuts somebody off, so that a
half-written file can never cut off a home. Duty lines are the file's: those of an organisation that stands in it are
replaced, for who is on duty tonight is what the file says.
"""

import json
from datetime import UTC, datetime
from typing import Any

from storage import roster_file, roster_notes, roster_rules
from storage.codec import ms
from storage.database import Tx
from storage.numbers import e164
from storage.roster_file import BadRoster, Entry, Fault, Roster
from storage.roster_rules import FLAGS, PLAIN_ROLES, SCOPED, instant_of

__all__ = ["FLAGS", "PLAIN_ROLES", "SCOPED", "BadRoster", "Fault", "Roster", "apply", "parse", "standing"]

UNKNOWN = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)  # verified at a time nobody noted


def parse(text: str) -> Roster:
    """Read a roster file and check it whole. Raises BadRoster with every fault and its line."""
    roster = roster_file.read(text)
    roster_rules.check(roster)
    if roster.faults:
        raise BadRoster(sorted(roster.faults, key=lambda fault: fault.line))
    roster_notes.note(roster)
    return roster


async def standing(tx: Tx, roster: Roster) -> list[str]:
    """What stays as it is, whatever the file meant: people who are not in it, and people who were cut off."""
    told = []
    named = {entry["id"] for _, entry in roster.entries("person")}
    for _, organisation in roster.entries("organisation"):
        rows = await tx.rows("SELECT id, active FROM person WHERE organisation = ? ORDER BY id", organisation["id"])
        for row in rows:
            if row["active"] and row["id"] not in named:
                told.append(f"{row['id']} is not in the file, and stays: `person deactivate` cuts somebody off")
            elif not row["active"] and row["id"] in named:
                told.append(f"{row['id']} was cut off, and stays so")
    return told


async def apply(tx: Tx, roster: Roster, *, take_telegram_ids: bool, now: datetime = UNKNOWN) -> dict[str, int]:
    """Take a roster in the open transaction; returns how many of each were read.

    `take_telegram_ids`: bind the accounts it names (the sandbox, loopback providers); a parent marked `open` then
    counts as verified. In live use an account is bound by an invite alone. Raises BadRoster, with nothing changed,
    where an account is held by somebody who is not in the file.
    """
    if take_telegram_ids:
        await _free_accounts(tx, roster)
    for _, entry in roster.entries("organisation"):
        await _organisation(tx, entry)
    for _, entry in roster.entries("home"):
        around = json.dumps(entry.get("surroundings", []))
        await _upsert(tx, "home", {key: entry[key] for key in roster_rules.NEEDS["home"]} | {"surroundings": around})
    for _, entry in roster.entries("child"):
        await _child(tx, entry)
    for _, entry in roster.entries("person"):
        await _person(tx, entry, take_telegram_ids, now)
    for _, entry in roster.entries("organisation"):
        await tx.run("DELETE FROM duty WHERE organisation = ?", entry["id"])
    for position, (_, entry) in enumerate(roster.entries("duty")):
        await _duty(tx, position, entry)
    for _, entry in roster.entries("episode"):
        await _episode(tx, entry)
    return {table: len(roster.tables.get(table, [])) for table in roster_rules.NEEDS}


async def _free_accounts(tx: Tx, roster: Roster) -> None:
    """Let go of every account that the file gives to another person: two may be swapped in one file."""
    taken = {entry["telegram_id"]: entry["id"] for _, entry in roster.entries("person") if "telegram_id" in entry}
    named = {entry["id"] for _, entry in roster.entries("person")}
    rows = await tx.rows("SELECT id, telegram_id FROM person WHERE telegram_id IS NOT NULL AND active = 1")
    moved = [row for row in rows if taken.get(row["telegram_id"], row["id"]) != row["id"]]
    held = {row["telegram_id"]: row["id"] for row in moved if row["id"] not in named}
    faults = [
        Fault(roster.line_of(line, "telegram_id"), f"person: `telegram_id` is {held[entry['telegram_id']]}'s already")
        for line, entry in roster.entries("person")
        if entry.get("telegram_id") in held
    ]
    if faults:
        raise BadRoster(faults)
    for row in moved:
        await tx.run("UPDATE person SET telegram_id = NULL WHERE id = ?", row["id"])


async def _organisation(tx: Tx, entry: Entry) -> None:
    await _upsert(tx, "organisation", {
        "id": entry["id"], "name": entry["name"], "jurisdiction": entry["jurisdiction"], "protocol": entry["protocol"],
        "duty_number": e164(entry["duty_number"]), "police_email": entry.get("police_email"),
        "report_in_telegram": int(entry.get("report_in_telegram", False)),
        **{key: entry.get(key) for key in ("police_webhook", "services_email", "services_webhook")},
    })  # fmt: skip


async def _child(tx: Tx, entry: Entry) -> None:
    profile = {key: _told(value) for key, value in entry.get("profile", {}).items()}
    await _upsert(tx, "child", {
        "id": entry["id"], "home": entry["home"], "first_name": entry["first_name"],
        "family_name": entry["family_name"], "born": entry["born"].isoformat(),
        "flags": json.dumps(entry.get("flags", [])), "profile": json.dumps(profile, ensure_ascii=False),
    })  # fmt: skip


def _told(value: Any) -> str:
    """A value of a profile as a reader of the report wants it."""
    if isinstance(value, list):
        return "; ".join(map(_told, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


async def _person(tx: Tx, entry: Entry, take: bool, now: datetime) -> None:
    mobile = e164(entry["mobile"]) if "mobile" in entry else None
    values: dict[str, Any] = {
        "id": entry["id"], "organisation": entry["organisation"], "name": entry["name"], "mobile": mobile,
        "email": entry.get("email"), "contact": entry.get("contact", "restricted"),
        "language": entry.get("language", "en"), "voice_ok": int(entry.get("voice_ok", True)),
        "text_999": int(entry.get("text_999", False)), "whatsapp": int(entry.get("whatsapp", False)),
    }  # fmt: skip
    before = await tx.row("SELECT mobile, active FROM person WHERE id = ?", entry["id"])
    if before is not None and before["mobile"] != mobile:
        values["verified_at"] = None  # a new number has to be shown to be theirs again
    if take and "telegram_id" in entry and (before is None or before["active"]):
        values["telegram_id"] = entry["telegram_id"]
    await _upsert(tx, "person", values)
    if take and values["contact"] == "open" and mobile:
        await tx.run("UPDATE person SET verified_at = coalesce(verified_at, ?) WHERE id = ?", ms(now), entry["id"])
    await tx.run("DELETE FROM role WHERE person = ?", entry["id"])
    for role in entry["roles"]:
        kind, _, scope = role.partition(":")
        await tx.run(
            "INSERT INTO role (person, role, scope) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", entry["id"], kind, scope
        )


async def _duty(tx: Tx, position: int, entry: Entry) -> None:
    begins, ends = instant_of(entry.get("from")), instant_of(entry.get("until"))
    await tx.run(
        "INSERT INTO duty (organisation, position, role, home, person, from_at, until_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        entry["organisation"], position, entry["role"], entry.get("home", ""), entry["person"],
        ms(begins) if begins else None, ms(ends) if ends else None,
    )  # fmt: skip


async def _episode(tx: Tx, entry: Entry) -> None:
    begins, ends = instant_of(entry["start"]), instant_of(entry.get("end"))
    assert begins is not None, "the file was checked"
    await tx.run(
        "INSERT INTO past_episode (child, started, ended, category) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (child, started) DO UPDATE SET ended = excluded.ended, category = excluded.category",
        entry["child"], ms(begins), ms(ends) if ends else None, entry.get("category", "absent"),
    )  # fmt: skip


async def _upsert(tx: Tx, table: str, values: dict[str, Any]) -> None:
    columns = list(values)
    marks = ", ".join("?" for _ in columns)
    changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c != "id")
    await tx.run(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}",
        *values.values(),
    )

"""Knows what in a roster without fault is taken, but was perhaps meant otherwise: it is told, and stops nothing."""

from datetime import UTC, datetime

from casework.report_fields import FIELDS
from storage.numbers import e164, is_mobile
from storage.register import DAYS, OTHER_NAMES, RULES_READ, day_of, read_due
from storage.roster_file import Entry, Roster

NOT_PEOPLE = ("clock", "house", "police")  # authors in the log that are nobody of the register
PROFILE_KEYS = {rule.name for rule in FIELDS} | set(RULES_READ) | set(OTHER_NAMES)
ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def note(roster: Roster) -> None:
    """Note what may be meant otherwise, in a roster that has no fault."""
    for line, child in roster.entries("child"):
        for key, held in child.get("profile", {}).items():
            if says := _about_profile(key, str(held), child):
                roster.note(roster.line_of(line, "profile"), f"{child['id']}: `{key}` {says}")
    homes = {home["id"]: str(home["organisation"]) for _, home in roster.entries("home")}
    owners = homes | {child["id"]: homes[child["home"]] for _, child in roster.entries("child")}
    people = {person["id"]: person for _, person in roster.entries("person")}
    for line, person in roster.entries("person"):
        for key, says in _about_person(person, owners):
            roster.note(roster.line_of(line, key), f"{person['id']}: {says}")
    for line, duty in roster.entries("duty"):
        for says in _about_duty(duty, people[duty["person"]]):
            roster.note(line, f"{duty['person']}: {says}")


def _about_profile(key: str, words: str, child: Entry) -> str:
    """What to say of one key of a profile; mostly nothing."""
    if key not in PROFILE_KEYS:
        return "is no field of the report; it is kept, and printed as it stands"
    if key in DAYS and day_of(words) is None:
        return "is no day like 2026-11-20: no rule can read it"
    if key == "medicine_due" and "medical" not in child.get("flags", []):
        return "counts only with the flag medical"
    if key == "medicine_due" and read_due(words, ANY_DAY) is None:
        return "is no time like 20:30: the medicine counts as due at any time"
    return ""


def _about_person(person: Entry, owners: dict[str, str]) -> list[tuple[str, str]]:
    """What to say of a person, each with the key it is about. `owners`: whose each home and child is."""
    said = []
    mobile = e164(person.get("mobile", "")) or ""
    if mobile.startswith("+44") and not is_mobile(mobile):
        said.append(("mobile", "a landline: texts will hardly arrive"))
    mine = person["organisation"]
    if any(owners.get(role.partition(":")[2], mine) != mine for role in person["roles"]):
        said.append(("roles", "a role in another organisation than their own"))
    if not person.get("voice_ok", True) and not person.get("text_999", False):
        said.append(("voice_ok", "cannot ring 999, and their phone is not registered to text it: see docs/operate.md"))
    if person.get("whatsapp") and any(role.startswith("parent:") for role in person["roles"]):
        said.append(("whatsapp", "a parent is texted all the same: what comes by WhatsApp is matched with no parent"))
    if person["id"] in NOT_PEOPLE:
        said.append(("id", "in the log this word stands for somebody else"))
    return said


def _about_duty(duty: Entry, person: Entry) -> list[str]:
    said = []
    if person["organisation"] != duty["organisation"]:
        said.append("on duty for another organisation than their own")
    if duty["role"] not in [role.partition(":")[0] for role in person["roles"]]:
        said.append(f"on duty as {duty['role']} without having that role")
    return said

"""Knows what may stand in a roster file: every table, every key, and what its value must be.

A rule says what is wrong with a value, or None.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, TypeAlias

from storage.endpoints import is_endpoint, is_mailbox
from storage.numbers import e164
from storage.register import SERVICES_EMAIL
from storage.roster_file import Entry, Roster

Ids: TypeAlias = Mapping[str, set[str]]
Rule: TypeAlias = Callable[[Any, Ids], str | None]

FLAGS = ("cse", "cce", "cp_plan", "order", "uasc", "vuln", "medical", "honour", "no_parent_contact", "report_at_once")
SCOPED = {"staff": "home", "manager": "home", "parent": "child"}
PLAIN_ROLES = ("coordinator", "deputy", "police", "owner")
PLAIN_VALUES = (str, int, float, bool, date, time)
_ID = re.compile(r"[^\s:]{1,64}")
_CHILD_CODE = re.compile(r"[A-Za-z0-9]{1,12}")


# ---- what one value must be ----------------------------------------------------------------------


def text(value: Any, ids: Ids) -> str | None:
    """Text in quotes, and not blank."""
    return None if isinstance(value, str) and value.strip() else "must be text in quotes"


def name_of(value: Any, ids: Ids) -> str | None:
    """An id: one word without a colon."""
    return None if isinstance(value, str) and _ID.fullmatch(value) else "must be one word in quotes, without a colon"


def child_code(value: Any, ids: Ids) -> str | None:
    """What people type for a child."""
    if isinstance(value, str) and _CHILD_CODE.fullmatch(value):
        return None
    return "is the code that people type: up to twelve letters and digits, never a name"


def number(value: Any, ids: Ids) -> str | None:
    """A telephone number."""
    good = isinstance(value, str) and e164(value) is not None
    return None if good else "is no telephone number (is a digit missing?)"


def mailbox(value: Any, ids: Ids) -> str | None:
    """One mail address."""
    good = isinstance(value, str) and is_mailbox(value)
    return None if good else "must be one mail address, like control@police.example"


def endpoint(value: Any, ids: Ids) -> str | None:
    """An address that takes signed reports."""
    good = isinstance(value, str) and is_endpoint(value)
    return None if good else "must be a URL that begins with https://, without a name or password in it"


def day(value: Any, ids: Ids) -> str | None:
    """A day without a time."""
    good = isinstance(value, date) and not isinstance(value, datetime)
    return None if good else "must be a date, like 2011-02-03"


def moment(value: Any, ids: Ids) -> str | None:
    """An instant that needs no guess about its zone."""
    good = instant_of(value) is not None
    return None if good else "must be an instant with its zone, like 2026-06-10T20:00:00Z"


def yes_or_no(value: Any, ids: Ids) -> str | None:
    """A truth value."""
    return None if isinstance(value, bool) else "must be true or false"


def account(value: Any, ids: Ids) -> str | None:
    """A Telegram account: at most 52 bits."""
    good = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**52
    return None if good else "must be a positive whole number"


def one_of(*known: str) -> Rule:
    """One word of a list."""

    def rule(value: Any, ids: Ids) -> str | None:
        good = isinstance(value, str) and value in known
        return None if good else f"{value!r} is none of {', '.join(known) or 'nothing'}"

    return rule


def known(table: str) -> Rule:
    """The id of an entry of another table of the file."""
    return lambda value, ids: one_of(*sorted(ids[table]))(value, ids)


def each(rule: Rule) -> Rule:
    """A list, each of whose values keeps the rule."""

    def all_of(value: Any, ids: Ids) -> str | None:
        if not isinstance(value, list):
            return "must be a list in square brackets"
        return next((wrong for each_value in value if (wrong := rule(each_value, ids)) is not None), None)

    return all_of


def role(value: Any, ids: Ids) -> str | None:
    """`staff:HOME`, `manager:HOME`, `parent:CHILD`, or a role that needs no scope."""
    kind, _, scope = str(value).partition(":")
    return known(SCOPED[kind])(scope, ids) if kind in SCOPED else one_of(*SCOPED, *PLAIN_ROLES)(value, ids)


def profile(value: Any, ids: Ids) -> str | None:
    """A flat table; the limit of the child's own plan must be a number, for unread it would be a laxer one."""
    if not isinstance(value, dict):
        return "must be a table"
    for key, held in value.items():
        values = held if isinstance(held, list) else [held]
        if not all(isinstance(v, PLAIN_VALUES) for v in values):
            return f"{key} must be text"
    if not is_mailbox(str(value.get(SERVICES_EMAIL, "any@example.org"))):
        return f"{SERVICES_EMAIL} must be one mail address"
    limit = value.get("limit_minutes", 0)
    return None if str(limit).strip().isdecimal() else "limit_minutes must be a whole number of minutes"


def instant_of(value: Any) -> datetime | None:
    """A TOML instant, or ISO-8601 text, with its zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


# ---- what may stand in each table ----------------------------------------------------------------

NEEDS: dict[str, dict[str, Rule]] = {
    "organisation": {
        "id": name_of, "name": text, "jurisdiction": one_of("england", "wales", "scotland", "northern-ireland"),
        "protocol": text, "duty_number": number,
    },
    "home": {
        "id": name_of, "organisation": known("organisation"), "name": text, "town": text,
        "kind": one_of("children", "supported", "foster", "family"),
    },
    "child": {"id": child_code, "home": known("home"), "first_name": text, "family_name": text, "born": day},
    "person": {"id": name_of, "organisation": known("organisation"), "name": text, "roles": each(role)},
    "duty": {
        "organisation": known("organisation"), "person": known("person"),
        "role": one_of("coordinator", "deputy", "manager", "owner", "staff", "police"),
    },
    "episode": {"child": known("child"), "start": moment},
}  # fmt: skip
MAY: dict[str, dict[str, Rule]] = {
    "organisation": {
        "police_email": mailbox, "report_in_telegram": yes_or_no, "police_webhook": endpoint, "services_email": mailbox,
        "services_webhook": endpoint,
    },
    "home": {"surroundings": each(one_of("water", "remote"))},
    "child": {"flags": each(one_of(*FLAGS)), "profile": profile},
    "person": {
        "mobile": number, "email": text, "telegram_id": account, "contact": one_of("open", "restricted", "none"),
        "language": text, "voice_ok": yes_or_no, "text_999": yes_or_no, "whatsapp": yes_or_no,
    },
    "duty": {"from": moment, "until": moment, "home": known("home")},
    "episode": {"end": moment, "category": text},
}  # fmt: skip


def check(roster: Roster) -> None:
    """Tell every fault of a roster."""
    for table in roster.tables.keys() - NEEDS.keys():
        for line, _ in roster.entries(table):
            roster.fault(line, f"`{table}` is not a table of the roster")
    ids = {table: {str(entry.get("id")) for _, entry in roster.entries(table)} for table in NEEDS}
    for table in NEEDS:
        for line, entry in roster.entries(table):
            _keys(roster, table, line, entry, ids)
        _once(roster, table)
    _accounts(roster)
    _order(roster, "duty", "from", "until")
    _order(roster, "episode", "start", "end")


def _keys(roster: Roster, table: str, line: int, entry: Entry, ids: Ids) -> None:
    for key in NEEDS[table].keys() - entry.keys():
        roster.fault(line, f"{table}: `{key}` is missing")
    rules = NEEDS[table] | MAY[table]
    for key, value in entry.items():
        wrong = rules[key](value, ids) if key in rules else "is not known"
        if wrong is not None:
            roster.fault(roster.line_of(line, key), f"{table}: `{key}` {wrong}")


def _once(roster: Roster, table: str) -> None:
    """Ids are told apart by more than their capitals: people type k7 for K7."""
    seen = set[str]()
    for line, entry in roster.entries(table):
        name = entry.get("id")
        if isinstance(name, str) and name.casefold() in seen:
            roster.fault(roster.line_of(line, "id"), f"{table}: `{name}` stands twice")
        elif isinstance(name, str):
            seen.add(name.casefold())


def _accounts(roster: Roster) -> None:
    holders = dict[int, str]()
    for line, entry in roster.entries("person"):
        held = entry.get("telegram_id")
        if isinstance(held, int) and held in holders:
            roster.fault(roster.line_of(line, "telegram_id"), f"person: `telegram_id` is {holders[held]}'s already")
        elif isinstance(held, int):
            holders[held] = str(entry.get("id"))


def _order(roster: Roster, table: str, first: str, last: str) -> None:
    for line, entry in roster.entries(table):
        begins, ends = instant_of(entry.get(first)), instant_of(entry.get(last))
        if begins is not None and ends is not None and ends <= begins:
            roster.fault(roster.line_of(line, last), f"{table}: `{last}` is not after `{first}`")

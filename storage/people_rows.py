"""Knows how people, children, homes and organisations stand in their tables, and how their rows are read."""

import json
from collections.abc import Sequence
from datetime import date
from operator import itemgetter
from typing import Any, cast

from storage.contacts import NO_SUCH_NUMBER
from storage.database import Row
from storage.endpoints import plain
from storage.people import ChildRow, Home, Organisation, Person

MARK = "(SELECT value FROM meta WHERE key = 'register')"  # of the register (migration 0019), for a query that is made anyway
PERSON = (
    "SELECT person.id, person.organisation, person.name, person.mobile, person.email, person.telegram_id, person.contact,"
    " person.language, person.active, person.verified_at, person.voice_ok, person.text_999, person.whatsapp,"
    f" role.role, role.scope, gone.channel, gone.address, gone.fault, {MARK} AS mark FROM person"
    " LEFT JOIN role ON role.person = person.id LEFT JOIN dead_channel AS gone ON gone.person = person.id "
)
ID = itemgetter(0)  # a person's, of the columns of `PERSON`
_OF_THE_PERSON, _OF_A_ROLE = slice(13), slice(13, 18)  # of the columns of `PERSON`


def person_of(rows: Sequence[Row]) -> Person:
    """A person of their rows, one for each of their roles and dead channels."""
    (
        person_id, organisation, name, mobile, email, telegram_id, contact, language, active, verified_at, voice_ok,
        text_999, whatsapp,
    ) = _some(rows[0], _OF_THE_PERSON)  # fmt: skip
    own, roles, dead = {"telegram": str(telegram_id), "email": email}, set[str](), set[str]()
    for row in rows:
        role, scope, channel, address, fault = _some(row, _OF_A_ROLE)
        if role:
            roles.add(f"{role}:{scope}" if scope else role)
        if channel is not None and plain(address) == own.get(channel, mobile):
            dead.update(_dead(channel, fault))
    return Person(
        person_id=person_id, organisation=organisation, name=name, roles=tuple(sorted(roles)), mobile=mobile, email=email,
        telegram_id=telegram_id, contact=contact, language=language, active=bool(active), verified=verified_at is not None,
        voice_ok=bool(voice_ok), text_999=bool(text_999), whatsapp=bool(whatsapp), dead=frozenset(dead),
    )  # fmt: skip


def _some(row: Row, columns: slice) -> Sequence[Any]:
    """Values by their place, many at once: by its name each one would be looked for."""
    return cast(Sequence[Any], row)[columns]


def _dead(channel: str, fault: str) -> tuple[str, ...]:
    """The channels that died with an address. Who texted STOP can still be rung."""
    return ("sms", "voice") if channel == "sms" and fault in NO_SUCH_NUMBER else (channel,)


def child_of(row: Row) -> ChildRow:
    """A child of their row."""
    return ChildRow(
        id=row["id"], home=row["home"], first_name=row["first_name"], family_name=row["family_name"],
        born=date.fromisoformat(row["born"]), flags=tuple(json.loads(row["flags"])), profile=json.loads(row["profile"]),
    )  # fmt: skip


def home_of(row: Row) -> Home:
    """A home of its row."""
    return Home(
        id=row["id"], organisation=row["organisation"], kind=row["kind"], name=row["name"], town=row["town"],
        surroundings=tuple(json.loads(row["surroundings"])),
    )  # fmt: skip


def organisation_of(row: Row) -> Organisation:
    """An organisation of its row."""
    return Organisation(
        id=row["id"], name=row["name"], jurisdiction=row["jurisdiction"], protocol=row["protocol"],
        duty_number=row["duty_number"], police_email=row["police_email"],
        report_in_telegram=bool(row["report_in_telegram"]), police_webhook=row["police_webhook"],
        services_email=row["services_email"], services_webhook=row["services_webhook"],
    )  # fmt: skip

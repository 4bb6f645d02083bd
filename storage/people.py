"""Knows what the directory holds of a person, a child, a home and an organisation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from storage.endpoints import WHATSAPP

ON_CALL = ("coordinator", "deputy", "owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One deployment's customer; a case, a home and a rota belong to one."""

    id: str
    name: str
    jurisdiction: str
    protocol: str
    duty_number: str
    police_email: str | None
    report_in_telegram: bool
    police_webhook: str | None = None
    services_email: str | None = None  # of the responsible authority's children's services, where they agreed
    services_webhook: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a child lives; `family` is a child at home."""

    id: str
    organisation: str
    kind: str
    name: str
    town: str
    surroundings: tuple[str, ...] = ()  # water, remote: what is a danger at night


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRow:
    """One child of the register; `id` is the code that people type."""

    id: str
    home: str
    first_name: str
    family_name: str
    born: date
    flags: tuple[str, ...]
    profile: Mapping[str, str] = field(default_factory=dict)


class Person(NamedTuple):
    """An adult. `roles` are as in the roster: `staff:oak`, `parent:K7`, `coordinator`. A tuple, for every alert makes a few: a
    frozen record is set field by field."""

    person_id: str
    organisation: str
    name: str
    roles: tuple[str, ...]
    mobile: str | None
    email: str | None
    telegram_id: int | None
    contact: str
    language: str
    active: bool
    verified: bool
    voice_ok: bool  # whether they can speak on the phone
    text_999: bool  # whether their phone is registered, so that it may text 999
    whatsapp: bool = False  # whether their texts go by WhatsApp
    dead: frozenset[str] = frozenset()  # channels at whose address nothing arrives any more

    def is_staff(self, home: str) -> bool:
        """Whether they work in this home."""
        return f"staff:{home}" in self.roles

    def is_manager(self, home: str) -> bool:
        """Whether they answer for this home."""
        return f"manager:{home}" in self.roles

    @property
    def reachable(self) -> bool:
        """Whether any channel leads to them at which something arrives."""
        return bool(self.written_by or (self.rung_at and "voice" not in self.dead))

    @property
    def written_by(self) -> tuple[str, ...]:
        """The channels by which words reach them, best first; none of those at which nothing arrives any more."""
        known = self.known_by
        return tuple(channel for channel in known if channel not in self.dead) if self.dead else known

    @property
    def known_by(self) -> tuple[str, ...]:
        """The channels of which we hold an address to write to, best first, whatever became of it."""
        telegram = () if self.telegram_id is None else ("telegram",)
        return telegram if self.mobile is None else (*telegram, "sms")

    def address(self, channel: str) -> str | None:
        """Where they are on a channel."""
        match channel:
            case "telegram":
                return None if self.telegram_id is None else str(self.telegram_id)
            case "sms":
                return self.texted_at
            case "voice":
                return self.rung_at
            case "email":
                return self.email
            case _:
                raise KeyError(channel)

    @property
    def texted_at(self) -> str | None:
        """Where a text reaches them. A parent is never written to by WhatsApp, for an answer from there is matched with no
        parent (B083)."""
        if self.mobile is None or not self.whatsapp or self.parent_of:
            return self.mobile
        return WHATSAPP + self.mobile

    @property
    def rung_at(self) -> str | None:
        """The number at which they can be rung; None for somebody who cannot speak on the phone."""
        return self.mobile if self.voice_ok else None

    @property
    def is_coordinator(self) -> bool:
        return "coordinator" in self.roles

    @property
    def is_deputy(self) -> bool:
        return "deputy" in self.roles

    @property
    def on_call(self) -> bool:
        """Whether they may be alerted: co-ordinators, deputies, owners, managers."""
        return any(r in ON_CALL or r.startswith("manager:") for r in self.roles)

    @property
    def parent_of(self) -> tuple[str, ...]:
        """The codes of their children."""
        return self.scopes("parent")

    @property
    def homes(self) -> tuple[str, ...]:
        """The homes they work in or answer for."""
        return tuple(dict.fromkeys((*self.scopes("staff"), *self.scopes("manager"))))

    def scopes(self, role: str) -> tuple[str, ...]:
        """What this role of theirs is for: homes of staff, children of parents."""
        return tuple(r.partition(":")[2] for r in self.roles if r.startswith(f"{role}:"))

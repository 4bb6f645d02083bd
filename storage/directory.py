"""Knows who there is: people, children, homes and organisations, and what a rule needs of a child when a case opens."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from casework.events import Child
from storage import outbox, pins, rota, shifts
from storage.codec import instant, ms
from storage.database import Row, Tx, Value
from storage.people import ChildRow, Home, Organisation, Person
from storage.people_rows import ID, MARK, PERSON, child_of, home_of, organisation_of, person_of
from storage.register import age_on, medicine_due, plan_limit, register_factors
from storage.rota import MayBeOnCall, OnCall, OnCallPart

__all__ = ["ChildRow", "Directory", "Home", "Organisation", "Person"]

EPISODES_DAYS = 90
# Who is on call by their role. A home's few are found by it, an organisation's by whose they are: there are many of those.
_ANY_ROLE = f"held.role IN ({', '.join('?' * len(rota.ROLES))}) AND held.scope = ?"
_BY_ROLE = f"person.id IN (SELECT held.person FROM role held WHERE {_ANY_ROLE})"
_OF_ORGANISATION = f"EXISTS (SELECT 1 FROM role held WHERE held.person = person.id AND {_ANY_ROLE})"


@dataclass(slots=True)
class Directory:
    """The directory as one open transaction sees it. `_seen`: the mark that stood beside the newest rows, where there were
    any."""

    tx: Tx
    _seen: str | None = field(default=None, init=False)

    # ---- people ----

    async def person(self, person_id: str) -> Person | None:
        """The person of this id, active or not."""
        return next(iter(await self._people("WHERE person.id = ?", person_id)), None)

    async def person_by_telegram(self, telegram_id: int) -> Person | None:
        """The active person bound to this Telegram account."""
        return next(iter(await self._people("WHERE telegram_id = ? AND active = 1", telegram_id)), None)

    async def people_by_number(self, e164: str) -> list[Person]:
        """The active people reached at this number; several where organisations share one."""
        return await self._people("WHERE mobile = ? AND active = 1", e164)

    async def former_by_telegram(self, telegram_id: int) -> list[Person]:
        """Those who were bound to this Telegram account when they were cut off."""
        return await self._people("WHERE former_telegram_id = ? AND active = 0", telegram_id)

    async def former_by_number(self, e164: str) -> list[Person]:
        """Those who were reached at this number and were cut off."""
        return await self._people("WHERE mobile = ? AND active = 0", e164)

    async def persons(self, ids: Collection[str]) -> list[Person]:
        """The people of these ids, active or not, by id."""
        return await self._people(f"WHERE person.id IN ({', '.join('?' * len(ids))})", *ids) if ids else []

    async def people(self, organisation: str) -> list[Person]:
        """Everybody of an organisation, active or not."""
        return await self._people("WHERE organisation = ?", organisation)

    async def holders(self, role: str, scope: str = "") -> list[Person]:
        """The active people who have this role (for this home or child)."""
        return await self._people(
            "JOIN role held ON held.person = person.id WHERE held.role = ? AND held.scope = ? AND active = 1",
            role,
            scope,
        )

    async def _people(self, which: str, *values: Value) -> list[Person]:
        """People by id, each with all their roles; a row a role."""
        rows = await self.tx.rows(f"{PERSON}{which} ORDER BY person.id", *values)
        self._seen = rows[-1]["mark"] if rows else None
        return [person_of(list(roles)) for _, roles in groupby(rows, key=ID)]

    async def parents_of(self, child_id: str) -> list[Person]:
        """The active parents of a child."""
        return await self.holders("parent", child_id)

    async def staff_of(self, home: str) -> list[Person]:
        """The active staff of a home."""
        return await self.holders("staff", home)

    # ---- children, homes, organisations ----

    async def child(self, child_id: str) -> ChildRow | None:
        """The child of this code, whatever its case (letters)."""
        row = await self._row(f"SELECT *, {MARK} AS mark FROM child WHERE lower(id) = lower(?)", child_id)
        return child_of(row) if row is not None else None

    async def children_of(self, home: str) -> list[ChildRow]:
        """The children of a home, by code."""
        return [child_of(r) for r in await self.tx.rows("SELECT * FROM child WHERE home = ? ORDER BY id", home)]

    async def home(self, home_id: str) -> Home | None:
        """The home of this id."""
        row = await self._row(f"SELECT *, {MARK} AS mark FROM home WHERE id = ?", home_id)
        return home_of(row) if row is not None else None

    async def homes(self, organisation: str, among: Collection[str] | None = None) -> list[Home]:
        """The homes of an organisation, or those `among` these ids."""
        if among is not None and not among:
            return []
        these = "" if among is None else f" AND id IN ({', '.join('?' * len(among))})"
        sql = f"SELECT * FROM home WHERE organisation = ?{these} ORDER BY id"
        rows = await self.tx.rows(sql, organisation, *(among or ()))
        return [home_of(r) for r in rows]

    async def organisation(self, organisation_id: str) -> Organisation | None:
        """The organisation of this id."""
        row = await self._row(f"SELECT *, {MARK} AS mark FROM organisation WHERE id = ?", organisation_id)
        return organisation_of(row) if row is not None else None

    async def organisations(self) -> list[Organisation]:
        """Every organisation."""
        return [organisation_of(r) for r in await self.tx.rows("SELECT * FROM organisation ORDER BY id")]

    async def _row(self, sql: str, key: str) -> Row | None:
        row = await self.tx.row(sql, key)
        self._seen = None if row is None else row["mark"]
        return row

    # ---- duty ----

    async def on_call(self, organisation: str, home: str, now: datetime) -> OnCall:
        """Everybody who may hold a role of those on call for a home now."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        return (await self.may_be_on_call(organisation, home, hour)).at(now)

    async def may_be_on_call(self, organisation: str, home: str, hour: datetime) -> MayBeOnCall:
        """Everybody who may be on call for a home in the hour that begins then: for it alone, and for every home."""
        parts = [await self.on_call_part(organisation, each, hour) for each in dict.fromkeys(("", home))]
        return rota.together(parts, organisation, home)

    async def on_call_part(self, organisation: str, home: str, hour: datetime) -> OnCallPart:
        """Who may be on call for this home alone, or, of no home, for every one; read apart, since a flood is of many
        homes of few organisations."""
        part = await shifts.part(self.tx, organisation, home, hour)
        held = await self._people(
            f"WHERE {_BY_ROLE if home else _OF_ORGANISATION} AND person.active = 1 AND person.organisation = ?",
            *rota.ROLES, home, organisation,
        )  # fmt: skip
        others = part.people.difference(person.person_id for person in held)
        named = [person for person in await self.persons(sorted(others)) if person.active]
        return OnCallPart(part, (*held, *named))

    async def on_duty(self, organisation: str, role: str, home: str, now: datetime) -> list[Person]:
        """Who holds a role for a home now (see `rota`)."""
        return list((await rota.on_duty(self, organisation, role, home, now)).people)

    # ---- what a case copies ----

    async def snapshot(self, child_id: str, now: datetime) -> Child:
        """What rules need of a child, as the register stands now. KeyError for an unknown child."""
        row = await self.child(child_id)
        if row is None:
            raise KeyError(child_id)
        home = await self.home(row.home)
        at_home = home is not None and home.kind == "family"
        parents = [p for p in await self.parents_of(row.id) if p.contact == "open" and p.verified and p.mobile]
        return Child(
            child_id=row.id, age=age_on(row.born, now), flags=row.flags, at_home=at_home, looked_after=not at_home,
            primary_school=row.profile.get("school_stage") == "primary", register_factors=register_factors(row, now),
            episodes_90_days=await self._episodes(row.id, now), active_patterns=(),
            parents=tuple(p.person_id for p in parents), medicine_due_at=medicine_due(row, now),
            has_plan=bool(row.profile.get("plan")), plan_limit_minutes=plan_limit(row),
            surroundings=() if home is None else home.surroundings, text_999=await self._texting_999(row.id, row.home),
        )  # fmt: skip

    async def _texting_999(self, child_id: str, home: str) -> tuple[str, ...]:
        """Parents of the child and adults of the home who cannot speak on the phone, and whose phone may text 999."""
        rows = await self.tx.rows(
            "SELECT DISTINCT person.id FROM person JOIN role ON role.person = person.id"
            " WHERE ((role.role = 'parent' AND role.scope = ?) OR (role.role IN ('staff', 'manager') AND role.scope = ?))"
            " AND voice_ok = 0 AND text_999 = 1 AND active = 1 ORDER BY person.id", child_id, home,
        )  # fmt: skip
        return tuple(row["id"] for row in rows)

    async def _episodes(self, child_id: str, now: datetime) -> int:
        since = ms(now - timedelta(days=EPISODES_DAYS))
        found = await self.tx.row(
            "SELECT (SELECT count(*) FROM case_row WHERE child_id = ? AND watch = 0 AND opened_at >= ?) AS here,"
            " (SELECT count(*) FROM past_episode WHERE child = ? AND started >= ? AND started < ?) AS before",
            child_id, since, child_id, since, ms(now),
        )  # fmt: skip
        assert found is not None, "a count is a row"
        return int(found["here"]) + int(found["before"])

    # ---- binding accounts ----

    async def bind_telegram(self, person_id: str, telegram_id: int | None) -> bool:
        """Bind a Telegram account to one person; False where another active person has it."""
        if telegram_id is not None:
            other = await self.person_by_telegram(telegram_id)
            if other is not None and other.person_id != person_id:
                return False
        await self.tx.run("UPDATE person SET telegram_id = ? WHERE id = ?", telegram_id, person_id)
        return True

    async def verify_mobile(self, person_id: str, now: datetime) -> None:
        """Note that the stored mobile was shown to be theirs."""
        await self.tx.run("UPDATE person SET verified_at = ? WHERE id = ?", ms(now), person_id)

    async def make_invite(self, person_id: str, token_hash: str, expires: datetime, kind: str = "telegram") -> None:
        """Store the hash of a one-time invite; earlier ones of the same kind are dead."""
        await self.tx.run("DELETE FROM invite WHERE person = ? AND kind = ? AND used_at IS NULL", person_id, kind)
        await self.tx.run(
            "INSERT INTO invite (token_hash, person, kind, expires_at) VALUES (?, ?, ?, ?)",
            token_hash, person_id, kind, ms(expires),
        )  # fmt: skip

    async def redeem_invite(
        self, token_hash: str, now: datetime, kind: str = "telegram", person_id: str | None = None
    ) -> Person | str:
        """Use an invite once: the person it is for, or why not (`unknown`, `used`, `expired`)."""
        row = await self.tx.row("SELECT * FROM invite WHERE token_hash = ? AND kind = ?", token_hash, kind)
        if row is None or (person_id is not None and row["person"] != person_id):
            return "unknown"
        if row["used_at"] is not None:
            return "used"
        person = await self.person(row["person"])
        if instant(row["expires_at"]) <= now or person is None or not person.active:
            return "expired"
        await self.tx.run("UPDATE invite SET used_at = ? WHERE token_hash = ?", ms(now), token_hash)
        return person

    async def deactivate(self, person_id: str) -> None:
        """Cut a person off at once: account, PIN, invites, buttons, and what was on its way to them (T4). Which account it
        was is kept, so that they are known if they try it again."""
        await self.tx.run(
            "UPDATE person SET active = 0, former_telegram_id = coalesce(telegram_id, former_telegram_id),"
            " telegram_id = NULL WHERE id = ?", person_id,
        )  # fmt: skip
        await pins.forget(self.tx, person_id)
        await self.tx.run("DELETE FROM invite WHERE person = ?", person_id)
        await self.tx.run("DELETE FROM keyboard WHERE person = ?", person_id)
        await outbox.withdraw_from(self.tx, person_id)

    async def knocks(self, person_id: str, now: datetime, every: timedelta) -> bool:
        """Note that somebody who was cut off tried again; False where that was noted within `every` before."""
        changed = await self.tx.run(
            "UPDATE person SET knocked_at = ? WHERE id = ? AND (knocked_at IS NULL OR knocked_at <= ?)",
            ms(now), person_id, ms(now - every),
        )  # fmt: skip
        return changed > 0

"""Knows which texts lie at the provider for the case that this house dies, and which ought to lie there.

For every child who is not yet back one text a person stands there, ten minutes after the case's next deadline: to whoever
reported, and to whoever is alerted first; if they are on leave or have no mobile, to the next as well. What lies there is kept
in a table of its own, so that no piece of news has more to write for it; what changed since is found in the log.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework import wording
from casework.case import Case
from casework.levels import Side, Status
from storage import bulk, cases
from storage.addressees import ESCALATION_ROLES, Addressees, askable
from storage.codec import instant, ms
from storage.database import Row, Tx
from storage.empty_rungs import is_held, role_of
from storage.known import Known
from storage.parts import Parts
from storage.people import Person

AFTER = timedelta(minutes=10)  # how long after the deadline it leaves
AHEAD_AT_LEAST = timedelta(minutes=5, seconds=20)  # the provider takes 300 s and more; the request takes some
AHEAD_AT_MOST = timedelta(days=34)  # the provider takes 35 days and less; no deadline is so far away
FEED_AT_ONCE = 4000
OVER = (Status.RETURNED, Status.CLOSED)

Key = tuple[str, str]  # person and address


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text to one person about one deadline. `provider_id`: None where it does not stand yet, or never will."""

    case_id: str
    person: str
    address: str
    due_at: datetime
    send_at: datetime
    ref: str = ""
    body: str = ""
    state: str = "asked"
    provider_id: str | None = None

    @property
    def key(self) -> Key:
        """Whom it reaches."""
        return self.person, self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to change about one case: texts to put there, and those that one to the same person replaces or that nobody
    is to get any more; `unknown`: asked for, and never heard of again. `stands`: whether one stands that is to stay."""

    case_id: str
    ref: str
    over: bool
    stands: bool
    put: tuple[Text, ...] = ()
    stale: tuple[Text, ...] = ()
    unknown: tuple[Text, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.put or self.stale or self.unknown)

    def leaves(self) -> datetime:
        """When the first of these texts leaves: which plan is the most pressing."""
        return min(text.send_at for text in (*self.put, *self.stale, *self.unknown))


# ---- what changed ----------------------------------------------------------------------------------------


async def newest(tx: Tx) -> int:
    """The place of the last entry of the log."""
    row = await tx.row("SELECT max(seq) AS seq FROM event")
    return 0 if row is None or row["seq"] is None else int(row["seq"])


async def fed(tx: Tx, after: int) -> list[tuple[int, str, datetime]]:
    """Entries of the log behind this one: place, case, and when they were written."""
    rows = await tx.rows(
        "SELECT seq, case_id, recorded_at FROM event WHERE seq > ? ORDER BY seq LIMIT ?", after, FEED_AT_ONCE
    )
    return [(row["seq"], row["case_id"], instant(row["recorded_at"])) for row in rows]


async def round_of(tx: Tx, after: tuple[str, str], count: int) -> list[tuple[str, str]]:
    """The next open cases in a round over all of them, as (organisation, case)."""
    rows = await tx.rows(
        "SELECT organisation, case_id FROM case_row WHERE status <> 'closed' AND (organisation, case_id) > (?, ?)"
        " ORDER BY organisation, case_id LIMIT ?",
        *after, count,
    )  # fmt: skip
    return [(row["organisation"], row["case_id"]) for row in rows]


async def with_texts(tx: Tx, after: str, count: int) -> list[str]:
    """The next cases in a round over all for which a text lies there."""
    rows = await tx.rows(
        "SELECT DISTINCT case_id FROM dead_man WHERE case_id > ? ORDER BY case_id LIMIT ?", after, count
    )
    return [row["case_id"] for row in rows]


# ---- what ought to stand ---------------------------------------------------------------------------------


async def plans(tx: Tx, case_ids: Sequence[str], now: datetime, parts: Parts) -> list[Plan]:
    """What is to change about these cases; those about which nothing is are left out."""
    addressees = Addressees(tx, now, Known(tx))
    found = []
    for case_id in case_ids:
        held = await _held(tx, case_id)
        record = await cases.find(tx, case_id)
        if record is None:
            continue
        refused = {each.key for each in held if each.state == "refused"}
        wanted = await _wanted(record.case, record.row["next_due"], now, parts, addressees, refused)
        plan = _compare(record.case, wanted, held)
        found += [] if plan.empty else [plan]
    return found


async def _wanted(
    case: Case, next_due: int | None, now: datetime, parts: Parts, addressees: Addressees, refused: Collection[Key]
) -> dict[Key, Text]:
    if case.status in OVER or next_due is None:
        return {}
    due_at = instant(next_due)
    send_at = min(max(due_at + AFTER, now + AHEAD_AT_LEAST), now + AHEAD_AT_MOST)
    who = await addressees.who(case, "sms")
    found: dict[Key, Text] = {}
    for person in await _people(case, parts, addressees, refused):
        assert person.mobile is not None, "only who can be texted is asked for"
        body = wording.render(
            parts.book(person.language), _words(case, person), channel="sms", code=case.code, who=who, now=send_at,
            fields={"at": due_at}, drill=parts.drill,
        )  # fmt: skip
        found[person.person_id, person.mobile] = Text(
            case_id=case.case_id, person=person.person_id, address=person.mobile, due_at=due_at, send_at=send_at,
            ref=case.code, body=body,
        )  # fmt: skip
    return found


async def _people(case: Case, parts: Parts, addressees: Addressees, refused: Collection[Key]) -> list[Person]:
    """Who reported, if they may be told of the child, and who is alerted first; a watch has nobody to alert yet. Where none
    of them can be texted, or each was refused, everybody on call as well."""
    directory = addressees.directory
    reporters = [(each.side, await directory.person(each.person)) for each in case.reporters]
    people = [p for side, p in reporters if p is not None and (side is Side.STAFF or askable(p))]
    first, beyond = ([], []) if case.status is Status.WATCHING else await _alerted(case, parts, addressees)
    if all((person.person_id, person.mobile) in refused for person in _texted([*people, *first])):
        beyond = await _everybody(case, addressees)
    return _texted([*people, *first, *beyond])


async def _alerted(case: Case, parts: Parts, addressees: Addressees) -> tuple[list[Person], list[Person]]:
    """Who is alerted first; and who next, where the first cannot be texted, or is asked only for want of anybody else."""
    protocol = parts.protocols.get(case.protocol)
    roles = ESCALATION_ROLES if protocol is None else tuple(role_of(rung, case) for rung in protocol.rungs_after(0))
    first, beyond = list[Person](), list[Person]()
    for place, role in enumerate(roles):
        if role not in ESCALATION_ROLES:
            beyond += await _everybody(case, addressees)
            break
        people = await addressees.on_duty(case, role)
        (beyond if place else first).extend(people)
        if _texted(people) and await is_held(addressees, case, role):
            break
    return first, beyond


async def _everybody(case: Case, addressees: Addressees) -> list[Person]:
    return [person for role in ESCALATION_ROLES for person in await addressees.on_duty(case, role)]


def _words(case: Case, person: Person) -> str:
    if case.status is Status.WATCHING:
        return "X_DEADMAN_WATCH"
    return "X_DEADMAN_PARENT" if person.parent_of else "X_DEADMAN"


def _texted(people: Iterable[Person]) -> list[Person]:
    """Those at whose mobile something arrives, each once."""
    return list({p.person_id: p for p in people if p.active and p.mobile and "sms" not in p.dead}.values())


def _compare(case: Case, wanted: Mapping[Key, Text], held: Sequence[Text]) -> Plan:
    """A text that stands for the right deadline is left, be it on its way already; a refused one is asked for again."""
    fits = {each.key for each in held if each.state == "stands" and _meets(each, wanted)}
    return Plan(
        case_id=case.case_id, ref=case.code, over=case.status in OVER, stands=bool(fits),
        put=tuple(text for key, text in wanted.items() if key not in fits),
        stale=tuple(each for each in held if each.state != "asked" and not _meets(each, wanted)),
        unknown=tuple(each for each in held if each.state == "asked"),
    )  # fmt: skip


def _meets(held: Text, wanted: Mapping[Key, Text]) -> bool:
    """Whether it is about the deadline that is next, and for one who is to hear of it."""
    return held.key in wanted and held.due_at == wanted[held.key].due_at


# ---- what stands -----------------------------------------------------------------------------------------


async def _held(tx: Tx, case_id: str) -> list[Text]:
    return [_text(row) for row in await tx.rows("SELECT * FROM dead_man WHERE case_id = ? ORDER BY due_at", case_id)]


async def known_at(tx: Tx, address: str) -> frozenset[str]:
    """The provider's names of all texts to this address that we know of."""
    rows = await tx.rows("SELECT provider_id FROM dead_man WHERE address = ? AND provider_id IS NOT NULL", address)
    return frozenset(row["provider_id"] for row in rows)


async def ask(tx: Tx, texts: Collection[Text]) -> None:
    """Note, before the provider is asked, that it will be: whatever becomes of the request, it is not forgotten."""
    rows = [(t.case_id, t.person, t.address, ms(t.due_at), ms(t.send_at), "asked") for t in texts]
    await bulk.insert(
        tx, "dead_man (case_id, person, address, due_at, send_at, state)", rows,
        "ON CONFLICT (case_id, person, address, due_at) DO UPDATE SET"
        " send_at = excluded.send_at, state = excluded.state, provider_id = NULL",
    )  # fmt: skip


async def note(tx: Tx, text: Text, state: str, *, provider_id: str | None = None, fault: str = "") -> None:
    """Note what the provider said: it `stands`, or was `refused`."""
    await tx.run(
        "UPDATE dead_man SET state = ?, provider_id = ?, fault = ?, send_at = ?"
        " WHERE case_id = ? AND person = ? AND address = ? AND due_at = ?",
        state, provider_id, fault, ms(text.send_at), text.case_id, text.person, text.address, ms(text.due_at),
    )  # fmt: skip


async def forget(tx: Tx, texts: Iterable[Text]) -> None:
    """These lie there no more, or never did."""
    for text in texts:
        await tx.run(
            "DELETE FROM dead_man WHERE case_id = ? AND person = ? AND address = ? AND due_at = ?",
            text.case_id, text.person, text.address, ms(text.due_at),
        )  # fmt: skip


async def count(tx: Tx) -> Mapping[str, int]:
    """How many texts there are, by state."""
    rows = await tx.rows("SELECT state, COUNT(*) AS n FROM dead_man GROUP BY state")
    return {row["state"]: int(row["n"]) for row in rows}


def _text(row: Row) -> Text:
    return Text(
        case_id=row["case_id"], person=row["person"], address=row["address"], due_at=instant(row["due_at"]),
        send_at=instant(row["send_at"]), state=row["state"], provider_id=row["provider_id"],
    )  # fmt: skip

"""Knows the canaries: flights through everything that an alert goes through, which belong to no child and no case.

A flight begins, its bell rings, a letter leaves by a real channel, and word comes back that it arrived. It has a table of
its own, so that no view of cases and no count of them can ever take it for one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework import wording
from casework.wording import Phrasebook
from storage import outbox
from storage.codec import instant, ms
from storage.database import Tx

RINGS_AFTER = timedelta(seconds=30)  # it waits for its bell as a child's deadline does
BACK_WITHIN = timedelta(minutes=10)
KEPT = timedelta(days=7)
KIND, URGENCY = "canary", 900  # after everything that is for somebody
ARRIVED = {
    "sms": ("delivered",),
    "telegram": ("sent", "delivered"),
}  # Telegram tells at once that it has it, and no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One canary. `rung_at`, `back_at`: None until then."""

    flight_id: str
    channel: str
    address: str
    begun_at: datetime
    rings_at: datetime
    rung_at: datetime | None
    back_at: datetime | None

    def late(self, now: datetime) -> bool:
        """Whether it ought to be back."""
        return self.back_at is None and now - self.begun_at >= BACK_WITHIN


async def newest(tx: Tx) -> list[Flight]:
    """Of each place the flights since the last one that came back, and that one, oldest first."""
    rows = await tx.rows(
        "SELECT * FROM canary WHERE begun_at >= coalesce((SELECT max(begun_at) FROM canary AS other WHERE back_at IS NOT NULL"
        " AND other.channel = canary.channel AND other.address = canary.address), 0) ORDER BY begun_at, flight_id"
    )
    return [
        Flight(
            flight_id=row["flight_id"], channel=row["channel"], address=row["address"], begun_at=instant(row["begun_at"]),
            rings_at=instant(row["rings_at"]), rung_at=None if row["rung_at"] is None else instant(row["rung_at"]),
            back_at=None if row["back_at"] is None else instant(row["back_at"]),
        )
        for row in rows
    ]  # fmt: skip


async def back(tx: Tx, now: datetime, places: Collection[tuple[str, str]]) -> dict[str, bool]:
    """By channel, whether no canary to one of these places is late."""
    late = {(flight.channel, flight.address) for flight in await newest(tx) if flight.late(now)}
    return {channel: not late & {place for place in places if place[0] == channel} for channel, _ in sorted(places)}


async def begin(tx: Tx, places: Sequence[tuple[str, str]], now: datetime) -> None:
    """Begin a flight to each of these places; what flew long ago is forgotten."""
    for position, (channel, address) in enumerate(places):
        await tx.run(
            "INSERT INTO canary (flight_id, channel, address, begun_at, rings_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (flight_id) DO NOTHING",
            f"canary-{ms(now)}-{position}", channel, address, ms(now), ms(now + RINGS_AFTER),
        )  # fmt: skip
    past = await tx.rows("SELECT flight_id FROM canary WHERE begun_at < ?", ms(now - KEPT))
    for row in past:
        await tx.run("DELETE FROM outbox WHERE id = ? AND kind = ?", row["flight_id"], KIND)
        await tx.run("DELETE FROM canary WHERE flight_id = ?", row["flight_id"])


async def ring(tx: Tx, flights: Sequence[Flight], now: datetime, book: Phrasebook) -> None:
    """Their bells ring: a letter leaves for each."""
    for flight in flights:
        body = wording.render(book, "X_CANARY", channel=flight.channel, code="", who="", now=now, fields={"at": now})
        letter = outbox.Letter(
            id=flight.flight_id, case_id=None, person=None, channel=flight.channel, address=flight.address,
            text="X_CANARY", body=body, keyboard=(), kind=KIND, urgency=URGENCY, edit=None, protect=False, document=None,
            case_card=False, due_at=now, expires_at=flight.begun_at + BACK_WITHIN, tries=0,
        )  # fmt: skip
        await outbox.enqueue(tx, letter)
        await tx.run("UPDATE canary SET rung_at = ? WHERE flight_id = ?", ms(now), flight.flight_id)


async def arrived(tx: Tx, flights: Sequence[Flight]) -> list[Flight]:
    """Those of these of which word came back that their letter arrived."""
    found = []
    for flight in flights:
        row = await tx.row("SELECT state FROM outbox WHERE id = ?", flight.flight_id)
        found += [flight] if row is not None and row["state"] in ARRIVED[flight.channel] else []
    return found


async def note_back(tx: Tx, flights: Sequence[Flight], now: datetime) -> None:
    """They came back."""
    for flight in flights:
        await tx.run("UPDATE canary SET back_at = ? WHERE flight_id = ?", ms(now), flight.flight_id)

"""Knows the monthly contact test, who answered it by which channel, and the addresses at which nothing arrives any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.codec import instant, ms
from storage.database import Row, Tx

NO_SUCH_NUMBER = frozenset({"21211", "21214", "21217", "30005"})  # Twilio: no telephone rings there either
OPTED_OUT = "21610"  # Twilio: they texted STOP
OPEN_FOR = timedelta(hours=48)  # then who has not answered is named


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One person was asked whether they can be reached; a text answers with the digits."""

    organisation: str
    person: str
    asked_at: datetime
    digits: str
    reminded_at: datetime | None
    answered_at: datetime | None
    channel: str | None
    told_at: datetime | None


async def begun(tx: Tx, organisation: str) -> datetime | None:
    """When the last round began, or when the first one began to be counted to; None before both."""
    row = await tx.row("SELECT value FROM meta WHERE key = ?", _key(organisation))
    return None if row is None else instant(int(row["value"]))


async def begin(tx: Tx, organisation: str, now: datetime) -> None:
    """Count the next month from now."""
    await tx.run(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        _key(organisation), str(ms(now)),
    )  # fmt: skip


def _key(organisation: str) -> str:
    return f"contact test of {organisation}"


async def ask(tx: Tx, organisation: str, person: str, digits: str, now: datetime) -> None:
    """Note that a person is asked."""
    await tx.run(
        "INSERT INTO contact_test (organisation, person, asked_at, digits) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        organisation, person, ms(now), digits,
    )  # fmt: skip


async def answer(tx: Tx, test: Asked, channel: str, now: datetime) -> None:
    """Note that a person answered: whatever channel it was works, and so may the other again."""
    await tx.run(
        "UPDATE contact_test SET answered_at = coalesce(answered_at, ?), channel = coalesce(channel, ?)"
        " WHERE person = ? AND asked_at = ?", ms(now), channel, test.person, ms(test.asked_at),
    )  # fmt: skip
    await lives(tx, test.person, channel)


async def note(tx: Tx, test: Asked, what: str, now: datetime) -> None:
    """Note that they were `reminded`, or that it was `told` that they did not answer."""
    assert what in ("reminded", "told"), "one of the two"
    await tx.run(
        f"UPDATE contact_test SET {what}_at = ? WHERE person = ? AND asked_at = ?",
        ms(now),
        test.person,
        ms(test.asked_at),
    )


async def last_round(tx: Tx, organisation: str) -> list[Asked]:
    """Everybody who was asked in the last round, by id."""
    rows = await tx.rows(
        "SELECT * FROM contact_test WHERE organisation = ?"
        " AND asked_at = (SELECT MAX(asked_at) FROM contact_test WHERE organisation = ?) ORDER BY person",
        organisation, organisation,
    )  # fmt: skip
    return [_asked(row) for row in rows]


async def of_person(tx: Tx, person: str) -> Asked | None:
    """The last test of one person."""
    row = await tx.row("SELECT * FROM contact_test WHERE person = ? ORDER BY asked_at DESC LIMIT 1", person)
    return None if row is None else _asked(row)


async def unanswered(tx: Tx, organisation: str, now: datetime) -> list[str]:
    """Those who have not answered the last round, once it has been open for long enough."""
    return [
        test.person
        for test in await last_round(tx, organisation)
        if test.answered_at is None and test.asked_at + OPEN_FOR <= now
    ]


def _asked(row: Row) -> Asked:
    def maybe(name: str) -> datetime | None:
        return None if row[name] is None else instant(row[name])

    return Asked(
        organisation=row["organisation"], person=row["person"], asked_at=instant(row["asked_at"]), digits=row["digits"],
        reminded_at=maybe("reminded_at"), answered_at=maybe("answered_at"), channel=row["channel"],
        told_at=maybe("told_at"),
    )  # fmt: skip


# ---- addresses at which nothing arrives ------------------------------------------------------------------


async def died(tx: Tx, person: str, channel: str, address: str, fault: str, now: datetime) -> bool:
    """Note that an address of a person is dead; False where that is known."""
    new = await tx.run(
        "INSERT INTO dead_channel (person, channel, address, since, fault) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (person, channel) DO UPDATE SET address = excluded.address"
        " WHERE dead_channel.address <> excluded.address", person, channel, address, ms(now), fault,
    )  # fmt: skip
    if not new:
        await tx.run(
            "UPDATE dead_channel SET since = ?, fault = ? WHERE person = ? AND channel = ?",
            ms(now),
            fault,
            person,
            channel,
        )
    return bool(new)


async def lives(tx: Tx, person: str, channel: str) -> None:
    """Something came from there, so that something arrives there again."""
    await tx.run("DELETE FROM dead_channel WHERE person = ? AND channel = ?", person, channel)


async def fault_of(tx: Tx, person: str, channel: str) -> str:
    """What a dead address died of; empty for one that lives."""
    row = await tx.row("SELECT fault FROM dead_channel WHERE person = ? AND channel = ?", person, channel)
    return "" if row is None else str(row["fault"])


async def dead_addresses(tx: Tx) -> frozenset[tuple[str, str, str]]:
    """Person, channel and address of each that is dead, and at which nothing was taken or delivered since."""
    rows = await tx.rows("SELECT * FROM dead_channel")
    return frozenset([(r["person"], r["channel"], r["address"]) for r in rows if not await _taken_since(tx, r)])


async def _taken_since(tx: Tx, row: Row) -> bool:
    proof = "delivered" if row["channel"] == "sms" else "sent"  # Twilio takes texts to numbers that are no more
    later = await tx.row(
        "SELECT 1 AS yes FROM outbox WHERE person = ? AND channel = ? AND address = ? AND state IN (?, 'delivered')"
        " AND sent_at > ? LIMIT 1", row["person"], row["channel"], row["address"], proof, row["since"],
    )  # fmt: skip
    return later is not None

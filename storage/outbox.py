"""Knows every letter on its way: what waits, what is being sent, what was sent, and what became of it.

A letter is written in the transaction that called it forth and sent after it. Sending is at least once: a letter found
half-sent after a crash goes out again, marked as a repeat, since a doubled text is harmless and a lost one is not.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import structlog

from casework import speech
from storage import bulk, unreadable
from storage.codec import instant, ms
from storage.database import Row, Tx, Value
from storage.letter_states import becomes, may_become

Keyboard: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]
BACKOFF_SECONDS = (5, 15, 45, 120, 300)
AGAIN = "REPEAT: "
LOOKS = (timedelta(seconds=60), timedelta(seconds=180))  # after sending: when a receipt that did not come is asked for
MILLISECOND = timedelta(milliseconds=1)
MADE_BEFORE = timedelta(hours=1)  # no letter waits longer from its making to the moment it was made for
URGENT = max(speech.rank(text) for text in speech.ON_CALL)  # what nothing may hold up; see `speech.urgency`
HELD = timedelta(seconds=60)  # longer than any send may take: then whoever took the letter is no more
_INTO = (
    "outbox (id, case_id, person, channel, address, text, body, keyboard, kind, urgency, edit, protect, document, case_card,"
    " state, created_at, due_at, expires_at, cause)"
)
_ONCE = "ON CONFLICT (case_id, cause, person, channel) WHERE case_id IS NOT NULL DO NOTHING"
_quoted = json.encoder.encode_basestring
_log = structlog.get_logger(__name__)
_LONG_AGO = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Letter:
    """One letter to one person by one channel.

    `urgency`: smaller goes first. `edit`: the Telegram message it replaces. `cause`: what called it forth, where it must
    not go twice to one person by one channel. `doubt_since`: since when it may have left without our knowing. `before`: the
    Telegram message that was this person's card of the case when this one left to be it.
    """

    id: str
    case_id: str | None
    person: str | None
    channel: str
    address: str
    text: str
    body: str
    keyboard: Keyboard
    kind: str
    urgency: int
    edit: int | None
    protect: bool
    document: str | None
    case_card: bool
    due_at: datetime
    expires_at: datetime | None
    tries: int
    cause: str | None = None
    doubt_since: datetime | None = None
    before: int | None = None


async def enqueue(tx: Tx, letter: Letter, now: datetime | None = None) -> None:
    """Write a letter to the outbox; it may go from `due_at` on."""
    await enqueue_all(tx, [letter], now or letter.due_at)


async def enqueue_all(tx: Tx, letters: Sequence[Letter], now: datetime) -> None:
    """Write letters to the outbox; each may go from its `due_at` on. One that its person has by its channel is left out."""
    created_at = ms(now)
    rows = [
        (
            each.id, each.case_id, each.person, each.channel, each.address, each.text, each.body,
            _keys(each.keyboard), each.kind, each.urgency, each.edit, int(each.protect), each.document,
            int(each.case_card), "queued", created_at, ms(each.due_at), ms(each.expires_at) if each.expires_at else None,
            each.cause or each.id,
        )
        for each in letters
    ]  # fmt: skip
    await bulk.insert(tx, _INTO, rows, _ONCE)


async def sent(tx: Tx, letter_id: str, provider_id: str, now: datetime, *, heard: bool = False) -> None:
    """Note that the provider took a letter; a receipt that came first is not undone. A text's receipt is asked for later.

    `heard`: a callback says so, also where this house did not live to write it down. While a repeat is on its way it speaks
    of the copy before, and is left: the repeat's own answer is about to come.
    """
    theirs, open_end = ("coalesce(provider_id, ?)", "sent") if heard else ("?", "delivered")
    which = "id = ? AND NOT (state = 'sending' AND doubt_since IS NOT NULL)" if heard else "id = ?"
    await tx.run(
        f"UPDATE outbox SET provider_id = {theirs}, sent_at = coalesce(sent_at, ?),"
        f" look_at = CASE WHEN channel IN ('sms', 'voice') AND {may_become(open_end)} THEN ? ELSE look_at END, {becomes('sent')}"
        f" WHERE {which}", provider_id, ms(now), ms(now + LOOKS[0]), letter_id,
    )  # fmt: skip


async def failed(tx: Tx, letter_id: str, fault: str) -> None:
    """Note that a letter will not arrive by this channel."""
    await tx.run(f"UPDATE outbox SET state = 'failed', fault = ? WHERE id = ? AND {may_become('failed')}",
                 fault, letter_id)  # fmt: skip


async def retry_later(
    tx: Tx, letter: Letter, fault: str, now: datetime, wait_seconds: float | None = None, *, in_doubt: bool = False
) -> None:
    """Put a letter back: 5, 15, 45 s … or as long as the provider asked; not one that another node has taken since.

    `in_doubt`: the provider may have taken it, for its answer was lost. Then it goes again as a repeat.
    """
    step = BACKOFF_SECONDS[min(letter.tries - 1, len(BACKOFF_SECONDS) - 1)]
    due = now + timedelta(seconds=max(wait_seconds or 0, step))
    mine = "id = ? AND state = 'sending' AND tries = ?"
    if in_doubt:
        await _doubt(tx, mine, letter.id, letter.tries)
    await tx.run(
        f"UPDATE outbox SET state = 'queued', fault = ?, due_at = ? WHERE {mine}",
        fault, ms(due), letter.id, letter.tries,
    )  # fmt: skip


async def recover(tx: Tx, held_past: datetime | None = None) -> int:
    """What was being sent by a house that died goes out again, marked as a repeat where a person would see it twice.

    `held_past`: only letters whose sender should have been done by this instant; others may be on their way at a node
    that lives. None: nobody else sends.
    """
    lost = "state = 'sending'" + ("" if held_past is None else f" AND held_until < {ms(held_past)}")
    await _doubt(tx, lost)
    return await tx.run(f"UPDATE outbox SET state = 'queued' WHERE {lost}")


async def _doubt(tx: Tx, which: str, *values: Value) -> None:
    """These may have left: since when, and how a person is told that they may have read it before."""
    await tx.run(
        f"UPDATE outbox SET doubt_since = coalesce(doubt_since, held_until - {HELD // MILLISECOND}) WHERE {which}", *values
    )  # fmt: skip
    await tx.run(
        f"UPDATE outbox SET body = '{AGAIN}' || body WHERE {which} AND channel IN ('sms', 'telegram')"
        f" AND edit IS NULL AND body <> '' AND substr(body, 1, {len(AGAIN)}) <> '{AGAIN}'", *values,
    )  # fmt: skip


async def withdraw(tx: Tx, case_id: str, *, person: str | None, now: datetime) -> None:
    """Cancel what was not sent yet: questions to one person, or every letter of the case but replies and reports.

    What is in a provider's hands cannot be called back; if it comes back untaken, it is too old to be sent again.
    """
    if person is not None:
        await _cancel(tx, "case_id = ? AND person = ? AND kind = 'question'", (case_id, person), now)
    else:
        await _cancel(tx, "case_id = ? AND kind NOT IN ('reply', 'report')", (case_id,), now)


async def withdraw_from(tx: Tx, person: str) -> None:
    """Cancel whatever is on its way to a person who was cut off."""
    await _cancel(tx, "person = ?", (person,), _LONG_AGO)


async def _cancel(tx: Tx, which: str, values: tuple[str, ...], now: datetime) -> None:
    """Call back what is queued; what is being sent loses its use, should it come back."""
    await tx.run(
        f"UPDATE outbox SET expires_at = CASE WHEN state = 'sending' THEN ? ELSE expires_at END, {becomes('cancelled')}"
        f" WHERE state IN ('queued', 'sending') AND {which}",
        ms(now), *values,
    )  # fmt: skip


async def carried(tx: Tx, letter: Letter, channel: str) -> bool:
    """Whether the same words of the same moment, or for the same cause, went to this person by another channel, too."""
    row = await tx.row(
        "SELECT 1 AS yes FROM outbox WHERE id > ? AND case_id IS NOT DISTINCT FROM ? AND person = ? AND channel = ?"
        " AND text = ? AND (cause = ? OR due_at = ? AND state <> 'failed')",
        f"letter-{ms(letter.due_at - MADE_BEFORE):012x}", letter.case_id, letter.person, channel, letter.text,
        letter.cause, ms(letter.due_at),
    )  # fmt: skip
    return row is not None


async def find(tx: Tx, letter_id: str) -> Letter | None:
    """The letter of this id, whatever became of it."""
    row = await tx.row("SELECT * FROM outbox WHERE id = ?", letter_id)
    return None if row is None else letter_of(row)


async def letters(tx: Tx, which: str, *values: Value) -> list[tuple[Row, Letter]]:
    """Letters with their rows. `which`: what stands behind `outbox`. One that cannot be read is passed over; `claim` sets it
    aside when it is to leave."""
    rows, lost = await unreadable.rows(tx, "outbox", "id", which, *values)
    found = list[tuple[Row, Letter]]()
    for row in rows:
        try:
            found.append((row, letter_of(row)))
        except Exception:
            lost.append(row["id"])
    if lost:
        _log.error("letters cannot be read and are passed over", letters=lost)
    return found


async def waiting_for(tx: Tx, case_id: str, person: str) -> list[tuple[str, datetime]]:
    """What of a case waits for a person, by its text, and when it may go."""
    rows = await tx.rows(
        "SELECT text, due_at FROM outbox WHERE case_id = ? AND person = ? AND state = 'queued'", case_id, person
    )
    return [(row["text"], instant(row["due_at"])) for row in rows]


async def next_due(tx: Tx, after: datetime | None = None) -> datetime | None:
    """When the next letter may go; `after`: of those that may not go yet at that instant."""
    row = await tx.row(
        "SELECT min(due_at) AS due FROM outbox WHERE state = 'queued' AND due_at > ?", 0 if after is None else ms(after)
    )
    return instant(row["due"]) if row is not None and row["due"] is not None else None


async def oldest_waiting(tx: Tx, now: datetime, but: Collection[str] = ()) -> datetime | None:
    """Since when the oldest letter that is due has been waiting. `but`: channels that are down, of which that is known."""
    others = f" AND channel NOT IN ({', '.join('?' * len(but))})" if but else ""
    row = await tx.row(
        f"SELECT min(due_at) AS due FROM outbox WHERE state = 'queued' AND due_at <= ?{others}", ms(now), *but
    )
    return instant(row["due"]) if row is not None and row["due"] is not None else None


def letter_of(row: Row, tries: int | None = None) -> Letter:
    """The letter of a row of the outbox."""
    return Letter(
        id=row["id"], case_id=row["case_id"], person=row["person"], channel=row["channel"], address=row["address"],
        text=row["text"], body=row["body"], keyboard=_keyboard(row["keyboard"]), kind=row["kind"],
        urgency=row["urgency"], edit=row["edit"], protect=bool(row["protect"]), document=row["document"],
        case_card=bool(row["case_card"]), due_at=instant(row["due_at"]),
        expires_at=instant(row["expires_at"]) if row["expires_at"] else None,
        tries=row["tries"] if tries is None else tries, cause=row["cause"] or row["id"],
        doubt_since=instant(row["doubt_since"]) if row["doubt_since"] else None,
    )  # fmt: skip


def _keys(keyboard: Keyboard) -> str:
    """The JSON text of a keyboard."""
    if not keyboard:
        return "[]"
    lines = [", ".join([f"[{_quoted(label)}, {_quoted(token)}]" for label, token in line]) for line in keyboard]
    return f"[[{'], ['.join(lines)}]]"


def _keyboard(text: str) -> Keyboard:
    return tuple(tuple((label, token) for label, token in line) for line in json.loads(text))

"""Knows how many alerts of one case one person gets in an hour: a phone that never rests is put away, and then nothing
arrives. Above it a newer alert takes the place of an older one that has not left; words with 999 wait for nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from storage.codec import instant, ms
from storage.database import Tx, Value
from storage.outbox import Letter

AN_HOUR = timedelta(hours=1)
MOST = 28  # alerts: of the 30 letters an hour that one person gets of one case, two are left for what is no alert
MANY = 23  # from here on an alert goes by one channel alone; twelve an hour by two channels are not as many
LETTER_ID = 2  # the place of the letter's id in a row of `alert`

Made = Mapping[
    str, Mapping[str, list[int]]
]  # case: person: when each alert of the last hour was made, ms, oldest first


async def within(
    tx: Tx, letters: Sequence[Letter], alerts: Sequence[Sequence[Value]], made: Made, now: datetime
) -> tuple[list[Letter], list[Sequence[Value]]]:
    """The letters that go, with their rows of `alert`: what would be too much is left out, or waits until there is room."""
    if not made:
        return list(letters), list(alerts)
    kept: list[Letter] = []
    said: set[tuple[str, str, str]] = set()
    for letter in letters:
        before = made.get(letter.case_id or "", {}).get(letter.person or "")
        if letter.kind != "alert" or before is None:
            kept.append(letter)
            continue
        key = (letter.case_id or "", letter.person or "", letter.text)
        bounded = "999" not in letter.body
        if bounded and key in said and len(before) >= MANY:
            continue
        full = bounded and len(before) >= MOST
        kept.append(await _waits(tx, letter, before, now) if full else letter)
        said.add(key)
        before.append(ms(now))
    ids = {letter.id for letter in kept}
    return kept, [row for row in alerts if row[LETTER_ID] in ids]


async def _waits(tx: Tx, letter: Letter, before: Sequence[int], now: datetime) -> Letter:
    """This alert in place of the one that waits already and weighs no more, when the hour has room again; at once where it is
    the first that says how high the level is by now."""
    which = "case_id = ? AND person = ? AND channel = ? AND kind = 'alert' AND state = 'queued' AND due_at > ?"
    older = (letter.case_id, letter.person, letter.channel, ms(now), letter.urgency)
    if letter.text == "C_ALERT" and not await _said_so_before(tx, letter):
        return letter
    spared = f"{which} AND body NOT LIKE '%999%' AND urgency >= ?"
    await tx.run(
        f"UPDATE alert SET state = 'ended' WHERE letter_id IN (SELECT id FROM outbox WHERE {spared})"
        " AND state = 'live'", *older,
    )  # fmt: skip
    await tx.run(f"UPDATE outbox SET state = 'cancelled' WHERE {spared}", *older)
    return replace(letter, due_at=max(letter.due_at, instant(before[-MOST]) + AN_HOUR))


async def _said_so_before(tx: Tx, letter: Letter) -> bool:
    """Whether this person was alerted at this level before; a letter of a higher level is the more urgent one."""
    found = await tx.row(
        "SELECT id FROM outbox WHERE case_id = ? AND person = ? AND text = ? AND urgency <= ? AND state <> 'cancelled'"
        " LIMIT 1", letter.case_id, letter.person, letter.text, letter.urgency,
    )  # fmt: skip
    return found is not None

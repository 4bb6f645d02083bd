"""Whatever is done about a letter, in whatever state it is: it moves as the one table says, or not at all."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage import held_up, outbox, outbox_claims, proofs
from storage.codec import ms
from storage.database import Tx
from storage.letter_states import ENDS, MOVES
from tests.databases import ON_BOTH
from tests.scheduler.test_outbox import A_LETTER
from tests.storage.houses import EVENING, a_house

pytestmark = ON_BOTH

LETTER = replace(A_LETTER, case_id="org1-1", kind="alert", channel="sms", tries=1, cause="1.C_ALERT")
LATE = EVENING + timedelta(hours=1)
Act = Callable[[Tx], Awaitable[object]]
ACTS: dict[str, Act] = {
    "claim": lambda tx: outbox_claims.claim(tx, EVENING, 8, channel="sms"),
    "claim what ran out": lambda tx: outbox_claims.claim(tx, LATE + timedelta(hours=2), 8, channel="sms"),
    "sent": lambda tx: outbox.sent(tx, LETTER.id, "SM1", EVENING),
    "heard to be sent": lambda tx: outbox.sent(tx, LETTER.id, "SM1", EVENING, heard=True),
    "failed": lambda tx: outbox.failed(tx, LETTER.id, "21211"),
    "retry later": lambda tx: outbox.retry_later(tx, LETTER, "500", EVENING),
    "retry in doubt": lambda tx: outbox.retry_later(tx, LETTER, "cut", EVENING, in_doubt=True),
    "recover": outbox.recover,
    "withdraw": lambda tx: outbox.withdraw(tx, "org1-1", person=None, now=EVENING),
    "withdraw from": lambda tx: outbox.withdraw_from(tx, "alice"),
    "drop the old": lambda tx: held_up.drop_the_old(tx, ["sms"], LATE),
    **{
        f"receipt: {state}": lambda tx, state=state: proofs.receipt(tx, state, letter_id=LETTER.id, provider_id="SM2")  # type: ignore[misc]
        for state in ("sent", "delivered", "failed", "expired")
    },
}  # fmt: skip
MOVES_NOTHING_HERE = {"drop the old"}  # there is no newer letter


async def after(tx: Tx, state: str, act: Act) -> str:
    """The state of a letter that was in this one, after the act."""
    await tx.run("DELETE FROM outbox")
    await outbox.enqueue(tx, replace(LETTER, expires_at=LATE), EVENING)
    await tx.run("UPDATE outbox SET state = ?, tries = 1, held_until = ?", state, ms(EVENING))
    await act(tx)
    row = await tx.row("SELECT state FROM outbox WHERE id = ?", LETTER.id)
    assert row is not None
    return str(row["state"])


@pytest.mark.parametrize("name", ACTS)
async def test_every_act_moves_a_letter_as_the_table_says(tmp_path: Path, name: str) -> None:
    """Seven states, and all that the house does: no move but those of the table, and each act moves something."""
    async with a_house(tmp_path) as h:
        found = {state: await h.database.write(lambda tx, s=state: after(tx, s, ACTS[name])) for state in MOVES}  # type: ignore[misc]
    moved = {before: now for before, now in found.items() if now != before}
    assert all(now in MOVES[before] for before, now in moved.items()), moved
    assert bool(moved) != (name in MOVES_NOTHING_HERE)


def test_what_arrived_stays_arrived() -> None:
    """What a person holds in their hand is never said to have been lost; what ended may only turn out to have arrived."""
    assert MOVES["delivered"] == frozenset()
    assert all(MOVES[state] <= {"delivered"} for state in ENDS)
    assert {to for moves in MOVES.values() for to in moves} == MOVES.keys()

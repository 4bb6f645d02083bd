"""Knows what was answered at each turn of a call: whoever asks a second time hears the same, and nothing is done again."""

from storage.database import Tx


async def keep(tx: Tx, external_id: str, twiml: str) -> None:
    """Keep the answer to one request; the first stands."""
    await tx.run(
        "INSERT INTO call_answer (external_id, twiml) VALUES (?, ?) ON CONFLICT (external_id) DO NOTHING",
        external_id,
        twiml,
    )


async def answer(tx: Tx, external_id: str) -> str | None:
    """What was answered to this request; None where nothing was."""
    row = await tx.row("SELECT twiml FROM call_answer WHERE external_id = ?", external_id)
    return None if row is None else str(row["twiml"])

"""Knows the read-only views of the public contract: what tools and the command line may look at, column by column."""

from collections.abc import Mapping
from typing import Any

from casework.errors import OurMistake
from storage.database import Tx

ALL = 2**62  # rows: as many as there are

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "v_case": (
        "id", "code", "organisation", "child", "home", "state", "level", "located", "protocol", "opened_at", "t0",
        "limit_at", "next_due", "reported_ref", "closed_at", "closed_by", "version",
    ),
    "v_event": ("seq", "case_id", "at", "actor", "channel", "kind", "trust", "prev_hash", "hash"),
    "v_deadline": ("case_id", "kind", "due_at"),
    "v_report": ("case_id", "version", "made_at", "reasons", "police_ref", "police_ref_by"),
    "v_alert": (
        "id", "case_id", "rung", "person", "channel", "state", "sent_at", "acked_at", "acked_by", "expires_at",
    ),
    "v_inbox": ("source", "external_id", "received_at", "state"),
    "v_outbox": (
        "id", "case_id", "person", "channel", "kind", "state", "tries", "provider_id", "created_at", "due_at",
        "sent_at",
    ),
    "v_task": ("id", "case_id", "kind", "owner_role", "due_at", "done_at", "done_by", "outcome"),
    "v_pattern": ("id", "rule", "subject", "first_at", "last_at", "evidence", "state"),
}  # fmt: skip


async def rows(tx: Tx, view: str, *, order: str = "", limit: int = ALL, **equals: str | int) -> list[dict[str, Any]]:
    """Rows of a view as dictionaries, where each named column equals its value; `order` is one column, `-` before it
    for the newest first. Raises OurMistake for a view or column the contract does not name.
    """
    columns = COLUMNS.get(view)
    if columns is None or not {*equals, order.removeprefix("-") or columns[0]} <= set(columns):
        raise OurMistake(f"no such view or column: {view}")
    where = " AND ".join(f"{name} = ?" for name in equals) or "1 = 1"
    by = (order.removeprefix("-") + (" DESC" if order.startswith("-") else "")) if order else columns[0]
    query = f"SELECT {', '.join(columns)} FROM {view} WHERE {where} ORDER BY {by} LIMIT ?"
    return [{name: row[name] for name in columns} for row in await tx.rows(query, *equals.values(), limit)]


async def case_ids(tx: Tx) -> list[str]:
    """The id of every case and watch, oldest first."""
    return [str(row["case_id"]) for row in await tx.rows("SELECT case_id FROM case_row ORDER BY opened_at, case_id")]


async def case_id(tx: Tx, named: str) -> str | None:
    """The id of a case named by its id or its code; of several that had the code, the newest."""
    row = await tx.row(
        "SELECT case_id FROM case_row WHERE case_id = ? OR code = ? ORDER BY case_id = ? DESC, code_kept DESC,"
        " opened_at DESC LIMIT 1",
        named, named.strip().upper(), named,
    )  # fmt: skip
    return None if row is None else str(row["case_id"])

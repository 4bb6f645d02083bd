"""Knows how the register of a house is copied for a rehearsal: who is reached how and when, and of children only their codes."""

from collections.abc import Mapping

from storage import bulk
from storage.database import Row, Tx, Value

# In an order in which a row never points to one that is not there yet; with what a copy has in place of what is personal.
_MADE_UP: Mapping[str, Mapping[str, Value]] = {
    "organisation": {"police_email": None, "police_webhook": None, "services_email": None, "services_webhook": None},
    "home": {},
    "child": {"first_name": "Drill", "family_name": "Drill", "profile": "{}"},
    "person": {"email": None},
    "role": {},
    "duty": {},
    "shift": {},
    "handover": {},
    "contact_test": {},
    "dead_channel": {},
}

Register = Mapping[str, list[Row]]


async def read(tx: Tx) -> Register:
    """The rows of every table of the register."""
    return {table: await tx.rows(f"SELECT * FROM {table}") for table in _MADE_UP}


async def write(tx: Tx, register: Register) -> None:
    """Write a register into a database in which nobody lives yet."""
    for table, rows in register.items():
        if rows:
            columns = list(rows[0].keys())
            made_up = _MADE_UP[table]
            values = [[made_up.get(name, row[name]) for name in columns] for row in rows]
            await bulk.insert(tx, f"{table} ({', '.join(columns)})", values)

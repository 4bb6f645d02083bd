"""What stands in the schema of a database, asked of each engine in its own words."""

from typing import Any, NamedTuple

from storage.database import Tx

OWN = {"porchlight_slot", "sqlite_sequence"}  # of the engine's driver, not of the house
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'",
    "postgresql": "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
}
_VIEWS = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'view'",
    "postgresql": "SELECT viewname AS name FROM pg_views WHERE schemaname = current_schema()",
}
_COLUMNS = {
    "sqlite": 'SELECT name, lower(type) AS type, "notnull" OR pk > 0 AS filled FROM pragma_table_info(?)',
    "postgresql": "SELECT attname AS name, format_type(atttypid, NULL) AS type, attnotnull::int AS filled FROM pg_attribute"
    " WHERE attrelid = ?::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
}
_TYPES = {"bigint": "integer", "bytea": "blob"}
_INDEXES = {
    "sqlite": "SELECT i.name, i.\"unique\" AS single, i.partial, i.origin <> 'c' AS nameless, group_concat(c.name) AS columns"
    " FROM pragma_index_list(?) AS i, pragma_index_info(i.name) AS c GROUP BY i.name",
    "postgresql": "SELECT c.relname AS name, i.indisunique::int AS single, (i.indpred IS NOT NULL)::int AS partial,"
    " EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = c.oid)::int AS nameless,"
    " (SELECT string_agg(attname, ',' ORDER BY place) FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)"
    "  JOIN pg_attribute ON attrelid = i.indrelid AND attnum = number) AS columns"
    " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE i.indrelid = ?::text::regclass",
}
_POINTERS = {
    "sqlite": 'SELECT "from" AS here, "table" AS there, coalesce("to", \'\') AS other FROM pragma_foreign_key_list(?)',
    "postgresql": "SELECT a.attname AS here, confrelid::regclass::text AS there, b.attname AS other FROM pg_constraint"
    " JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = conkey[1]"
    " JOIN pg_attribute AS b ON b.attrelid = confrelid AND b.attnum = confkey[1]"
    " WHERE contype = 'f' AND conrelid = ?::text::regclass",
}
_UNGUARD = {
    "sqlite": ("DROP TRIGGER event_is_never_changed", "DROP TRIGGER event_is_never_deleted"),
    "postgresql": ("DROP TRIGGER event_is_never_changed ON event",),
}


class Column(NamedTuple):
    """One column, by name; `filled`: it is never empty."""

    name: str
    type: str
    filled: bool


async def tables(tx: Tx) -> set[str]:
    """The tables of the house."""
    return {row["name"] for row in await tx.rows(_TABLES[tx.engine])} - OWN


async def views(tx: Tx) -> set[str]:
    return {row["name"] for row in await tx.rows(_VIEWS[tx.engine])}


async def columns(tx: Tx, table: str) -> list[Column]:
    """The columns of a table or view, in order."""
    rows = await tx.rows(_COLUMNS[tx.engine], table)
    return [Column(row["name"], _TYPES.get(row["type"], row["type"]), bool(row["filled"])) for row in rows]


async def indexes(tx: Tx, table: str) -> set[tuple[Any, ...]]:
    """Name (of those that we named), whether each value may be there once, whether of some rows only, and the columns."""
    rows = await tx.rows(_INDEXES[tx.engine], table)
    return {("" if r["nameless"] else r["name"], r["single"], r["partial"], r["columns"]) for r in rows}


async def pointers(tx: Tx, table: str) -> set[tuple[str, ...]]:
    """Which column points to which column of which table."""
    return {(row["here"], row["there"], row["other"]) for row in await tx.rows(_POINTERS[tx.engine], table)}


async def unguard(tx: Tx) -> None:
    """Take away what keeps the log from being changed, as somebody would who has the database but not the house."""
    for statement in _UNGUARD[tx.engine]:
        await tx.run(statement)

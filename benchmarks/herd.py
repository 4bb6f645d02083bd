"""Knows how to have thousands of cases fall due at chosen instants, and a million deadlines wait, in a few seconds.

A few hundred cases are opened through the casebook, each at the moment from which its own deadline comes out right: half
are watches (curfews), a quarter questions nobody answers, a quarter absences whose limit comes, which declares the child
missing, alerts people on call and files a report. The rest are copies of them by SQL, with ids, codes, children, homes and
staff of their own; their logs are copied as they are, so that their chains would not verify.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.country import CHILDREN_A_HOME, Country
from casework.events import WatchSet
from storage.database import Database
from storage.desk import Desk
from tests.storage.houses import EVENING, HandClock, opening

CURFEW = EVENING  # the instant, on the herd's own clock, at which things begin to fall due
GRACE, ANSWER, LIMIT = timedelta(minutes=15), timedelta(minutes=5), timedelta(minutes=120)
KINDS = 4
APART = 60  # children from one case to the next: each in a home of its own, five in an organisation
SUFFIX = "-"

# What every copy of a case has for itself, beside the key of each row of it.
OWN = frozenset({"case_id", "code", "child_id", "home", "letter_id", "external_id"})
BEHIND = {"home": ("id",), "person": ("id", "telegram_id"), "role": ("person", "scope"), "child": ("id", "home")}
OF_A_HOME = frozenset({"home", "person", "role"})
IN_ITS_JSON, ITS_STAFF = ("case_id", "code", "child_id", "home"), ("staff", "manager")
LINKS = {
    "home": "which.home = home.id",
    "person": "person.id IN (which.staff, which.manager)",
    "role": "which.home = role.scope",
    "child": "which.child_id = child.id",
}
WHICH = """
CREATE TEMP TABLE which AS SELECT case_id, child_id, code, home,
  (SELECT person FROM role WHERE role = 'staff' AND scope = home) AS staff,
  (SELECT person FROM role WHERE role = 'manager' AND scope = home) AS manager FROM case_row
"""
ACCOUNTS = 100_000_000  # from the account of somebody to that of their next copy


async def settle(path: Path, dues: Sequence[datetime], children: int = 0) -> None:
    """A new database whose cases fall due at these instants, one each; so many more children live there."""
    clock = HandClock()
    async with await Database.open(f"sqlite:///{path}") as database:
        country = await Country.settled(database, len(dues) * APART + children, clock.now)
        for number, due in enumerate(dues):
            clock.instant, act = _falling_due(number % KINDS, number * APART, due)
            await country.casebook.at_desk(act)
        wrong = await database.read(lambda tx: tx.rows("SELECT next_due FROM case_row"))
        assert sorted(row["next_due"] for row in wrong) == sorted(int(due.timestamp() * 1000) for due in dues)


def _falling_due(kind: int, number: int, due: datetime) -> tuple[datetime, Callable[[Desk], Awaitable[str]]]:
    """When to open the case of a child so that its first deadline is then, and what to do at the desk."""
    child, staff = f"C{number}", f"staff{number // CHILDREN_A_HOME}"
    match kind:
        case 0 | 1:
            return due - timedelta(hours=1), _watch(child, staff, due - GRACE)
        case 2:
            return due - ANSWER, opening(child, staff)
        case _:
            return due - timedelta(minutes=1), opening(child, staff, t0=due - LIMIT)


def _watch(child: str, staff: str, due_at: datetime) -> Callable[[Desk], Awaitable[str]]:
    async def act(desk: Desk) -> str:
        known = await desk.opening(child)
        return await desk.open(
            WatchSet(
                at=desk.now, by=staff, channel="telegram", case_id=known.case_id, code=known.code,
                organisation=known.organisation, home=known.home, child=known.child, protocol=known.protocol,
                due_at=due_at,
            )
        )  # fmt: skip

    return act


def multiply(path: Path, times: int, *, homes: bool = True) -> None:
    """Have every case of a database that nobody has open so many times, itself included.

    `homes`: each copy lives in a home of its own, with a manager and staff of its own; else they all live there together.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;")
    connection.execute("CREATE TEMP TABLE mark (mark TEXT)")
    connection.executemany("INSERT INTO mark VALUES (?)", ((f"{SUFFIX}{number}",) for number in range(1, times)))
    connection.execute(WHICH)
    connection.execute("BEGIN")
    for table, own in (*BEHIND.items(), *of_a_case(connection).items()):
        if homes or table not in OF_A_HOME:
            connection.execute(_copying(connection, table, own, homes=homes))
    connection.execute("COMMIT")
    connection.executescript("PRAGMA journal_mode = WAL;")
    connection.close()


def at_rest(path: Path) -> None:
    """Have every letter of a database gone long ago: what is measured is what comes now."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE outbox SET state = 'sent', sent_at = created_at WHERE state = 'queued'")
    connection.close()


def of_a_case(connection: sqlite3.Connection) -> dict[str, Sequence[str]]:
    """The tables whose rows belong to a case, and the columns of each that a copy has for itself."""
    tables: dict[str, Sequence[str]] = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        keys = [name for _, name, kind, _, _, key in columns if key and kind == "TEXT"]
        names = [name for _, name, *_ in columns]
        if "case_id" in names:
            tables[table] = [name for name in names if name in OWN or keys == [name]]
    return tables


def _copying(connection: sqlite3.Connection, table: str, own: Sequence[str], *, homes: bool) -> str:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in ("seq", "rowid")]
    values = [_copied(table, name, own=name in own and (homes or name != "home"), homes=homes) for name in columns]
    link = LINKS.get(table, f"which.case_id = {table}.case_id")
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} CROSS JOIN which ON {link}"
        " CROSS JOIN mark"
    )


def _copied(table: str, name: str, *, own: bool, homes: bool) -> str:
    """SQL for a column of a copy: its own value, that of its own staff, or the same."""
    value = f"{table}.{name}"
    if name == "telegram_id":
        return f"{value} - mark * {ACCOUNTS}"  # a mark is a number below zero
    if own:
        return f"{value} || mark"
    if name == "person" and homes:
        return f"iif({value} IN (which.staff, which.manager), {value} || mark, {value})"
    return _renamed(value, homes=homes) if (table, name) == ("case_row", "folded") else value


def _renamed(text: str, *, homes: bool) -> str:
    """SQL that gives a copied case its own names in its JSON."""
    for name in IN_ITS_JSON:
        if homes or name != "home":
            text = (
                f"""replace({text}, '"{name}":"' || which.{name} || '"', '"{name}":"' || which.{name} || mark || '"')"""
            )
    for name in ITS_STAFF if homes else ():
        text = f"""replace({text}, '"' || which.{name} || '"', '"' || which.{name} || mark || '"')"""
    return text


def spread_over(seconds: float, count: int, begin: datetime = CURFEW) -> list[datetime]:
    """So many instants, evenly over so many seconds, in whole milliseconds."""
    return [begin + timedelta(milliseconds=int(seconds * 1000 * number / count)) for number in range(count)]

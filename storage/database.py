"""Knows what a database is to the rest of the house: units of work, whole or not there, on whichever engine stands behind.

A unit is a coroutine over `Tx`. SQLite drives it to its end on the writer's own thread (`storage.sqlite`); PostgreSQL
really waits between its statements (`storage.postgres`). Therefore a unit awaits nothing but its `Tx`, and may be run
once more from its beginning when the engine undid it: what it leaves outside the transaction, it leaves at its end.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeAlias, TypeVar
from urllib.parse import parse_qs, urlsplit

from casework.errors import NotAllowed

T = TypeVar("T")
Value: TypeAlias = str | int | float | bytes | None
Hook: TypeAlias = Callable[[], None]
POSTGRES = ("postgresql://", "postgres://")
AT_ONCE = 40  # rows to one statement; each number of rows is another statement to prepare, so there is an end to it


class Unusable(Exception):
    """The engine is in the way, not the news: a full disk, a lock, a lost connection, an older schema."""


class Unreadable(Exception):
    """A row holds what is no text: its bytes were broken on the disk. That row alone is in the way."""


class Violated(Exception):
    """The schema refused a row: a reference to nothing, a change to the log, or (`unique`) a second where there may be one."""

    def __init__(self, says: str, *, unique: bool = False) -> None:
        super().__init__(says)
        self.unique = unique


class Conflict(Exception):
    """Another unit of work was first. The database runs this one again; nobody but it should catch this."""


class AlreadyOpen(NotAllowed):
    """Another process has this database open for writing; two houses never act on one SQLite file."""


class Damaged(NotAllowed):
    """The file is no database, or is broken: nobody is watched over until it is restored."""


class Row(Protocol):
    """One row, read by column name or position, or from its first value to its last."""

    def __getitem__(self, key: str | int, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def keys(self) -> Any: ...


class Tx(ABC):
    """One open transaction. `?` stands for a value; instants are integers, milliseconds UTC.

    `hold` ends a SELECT of rows that this unit will change, so that no other node changes them meanwhile; `hold_free`
    does so and passes over those that another node holds. Both are empty where there is only one writer.
    """

    __slots__ = ("_depth", "after_commit", "before_commit", "hold", "hold_free")
    engine: ClassVar[str]

    def __init__(self) -> None:
        self._depth = 0
        self.before_commit: list[Hook] = []
        self.after_commit: list[Hook] = []
        self.hold = self.hold_free = ""

    @abstractmethod
    async def rows(self, sql: str, *values: Value) -> list[Row]:
        """Return every row of a query. Raises Unusable, Violated or Conflict, as `row` and `run` do."""

    @abstractmethod
    async def row(self, sql: str, *values: Value) -> Row | None:
        """Return the first row of a query, or None."""

    @abstractmethod
    async def run(self, sql: str, *values: Value) -> int:
        """Run a statement that changes rows; returns how many it changed."""

    async def later(self, table: str, sql: str, *values: Value) -> None:
        """Change rows of one table, before anything is read of it or the unit is over: behind a wire several such changes are
        one journey. Should it change no row at all, the unit raises Conflict, unless it was an INSERT.
        """
        if await self.run(sql, *values) == 0 and not sql.startswith("INSERT"):
            raise Conflict(f"nothing of {table} was changed")

    async def insert(self, into: str, rows: Sequence[Sequence[Value]], end: str = "") -> None:
        """Write rows in their order, as `later` does. `into`: the table and its columns; `end`: what is to be done about a
        conflict."""
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            statement = insertion(into, len(some), len(some[0]), end)
            await self.later(into.partition(" ")[0], statement, *chain.from_iterable(some))

    async def send(self) -> None:  # noqa: B027 - most engines let nothing wait
        """Have all that waits done now, so that what it raises is raised here. Raises Unusable, Violated, Conflict."""

    def again(self, fault: Exception) -> bool:
        """Whether the database runs the whole unit again for this fault: who holds it must let it go."""
        return isinstance(fault, Unusable | Conflict)

    @abstractmethod
    async def mark(self, verb: str, name: str) -> None:
        """Do `SAVEPOINT`, `RELEASE` or `ROLLBACK TO` to a savepoint, where the transaction still stands."""

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what was done inside, and only that, when it raises; the hooks it left are forgotten too."""
        name = f"s{self._depth}"
        before, after = len(self.before_commit), len(self.after_commit)
        await self.mark("SAVEPOINT", name)
        self._depth += 1
        try:
            yield
            await self.send()
        except BaseException:
            del self.before_commit[before:], self.after_commit[after:]
            await self.mark("ROLLBACK TO", name)
            raise
        finally:
            self._depth -= 1
            await self.mark("RELEASE", name)

    def around_commit(self, point: str, crash: Callable[[str], None]) -> None:
        """Pass the crash points `<point>.before_commit` and `.after_commit` around this transaction's commit, once."""
        marks = [getattr(hook, "point", "") for hook in self.before_commit]
        if point not in marks:
            self.before_commit.append(_Pass(f"{point}.before_commit", crash, point))
            self.after_commit.append(_Pass(f"{point}.after_commit", crash, point))


class _Pass:
    __slots__ = ("_crash", "_name", "point")

    def __init__(self, name: str, crash: Callable[[str], None], point: str) -> None:
        self._name, self._crash, self.point = name, crash, point

    def __call__(self) -> None:
        self._crash(self._name)


@lru_cache(maxsize=1024)
def insertion(into: str, rows: int, columns: int, end: str) -> str:
    """The statement that writes so many rows."""
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)} {end}"


Unit: TypeAlias = Callable[[Tx], Awaitable[T]]


def name_of(url: str) -> str:
    """What tells the database of a URL from another on this machine, without a secret: its file, or server and name.

    Raises NotAllowed for a scheme that is none of ours.
    """
    if url.startswith("sqlite:///"):
        return str(Path(url.removeprefix("sqlite:///")).resolve())
    if url.startswith(POSTGRES):
        parts = urlsplit(url)
        host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
        schema = parse_qs(parts.query).get("search_path", [""])[0]
        return f"postgresql://{host}:{parts.port or 5432}{parts.path}{schema and '#' + schema}"
    raise NotAllowed("DATABASE_URL must begin with sqlite:/// or postgresql://")


class Database(ABC):
    """One casebook's database. `name` is that of its URL (`name_of`).

    `shared`: whether several nodes may write to it at once. `lanes`: how many units of one house are best under way.
    """

    name: str
    shared: ClassVar[bool]
    lanes: ClassVar[int]
    touched: datetime | None = None  # the last such mark of an earlier life

    @staticmethod
    async def open(url: str, *, read_only: bool = False) -> "Database":
        """Open `sqlite:///path` or `postgresql://…`. Raises AlreadyOpen, NotAllowed for another scheme, Unusable."""
        if url.startswith("sqlite:///"):
            from storage.sqlite import SqliteDatabase

            return await SqliteDatabase.begin(url, read_only=read_only)
        if url.startswith(POSTGRES):
            from storage.postgres import PostgresDatabase

            return await PostgresDatabase.begin(url, read_only=read_only)
        raise NotAllowed("DATABASE_URL must begin with sqlite:/// or postgresql://")

    @abstractmethod
    async def write(self, unit: Unit[T]) -> T:
        """Run a unit of work and commit it. When the waiter is cancelled, the unit still ends whole."""

    @abstractmethod
    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only looks, on one consistent snapshot of what was committed."""

    def touch(self, now: datetime) -> bool:
        """Mark beside the tables that the house lives at this instant; False where there is no such place."""
        return False

    @abstractmethod
    async def close(self) -> None:
        """End every unit that was begun, then close."""

    @abstractmethod
    async def leads(self) -> bool:
        """Whether this node does what one node at a time may do: polling, and work that is done every so often."""

    @abstractmethod
    async def now(self) -> datetime | None:
        """The instant on the database's clock, which all its nodes go by; None where the machine's own is the one."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

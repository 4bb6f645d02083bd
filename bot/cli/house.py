"""How a command reaches the casebook: one that looks reads beside the running house, one that writes is handed to it.

Only where no house runs on the database does a writing command open it itself; the lock of the database sees to it that
there are never two.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from bot import locales, protocols
from bot.acts.desk_work import Said
from bot.acts.performing import Performer
from bot.chance import Chance
from bot.crash import Crash
from bot.settings import Settings, audit_key
from bot.socket import NobodyHome, hand_over
from casework.errors import NotAllowed
from scheduler.clock import Clock, SystemClock, TestClock
from storage import pulse, views
from storage.casebook import Casebook
from storage.database import Database, Tx, Unit, name_of
from storage.migrate import migrate
from storage.refolding import refold

T = TypeVar("T")


def database_file(settings: Settings) -> Path | None:
    """The file of the database, where it is one."""
    prefix = "sqlite:///"
    return Path(settings.database_url.removeprefix(prefix)) if settings.database_url.startswith(prefix) else None


def clock_of(settings: Settings) -> Clock:
    """The clock that `now` comes from: the tester's file, or this machine's."""
    return SystemClock() if settings.test_clock is None else TestClock(settings.test_clock)


async def look(settings: Settings, unit: Unit[T]) -> T:
    """Read from the database beside a running house. Raises NotAllowed when there is none."""
    database = await Database.open(settings.database_url, read_only=True)
    try:
        return await database.read(unit)
    finally:
        await database.close()


async def act(settings: Settings, name: str, arguments: Mapping[str, Any]) -> Said:
    """Have an act performed: by the running house, or here where none runs."""
    said = await hand_over(settings.var, name_of(settings.database_url), name, arguments)
    if not isinstance(said, NobodyHome):
        return said
    async with alone(settings) as casebook:
        return await Performer(casebook, take_telegram_ids=settings.loopback)(name, arguments)


@asynccontextmanager
async def alone(settings: Settings) -> AsyncIterator[Casebook]:
    """The casebook, opened by this command itself. Raises AlreadyOpen when another process holds the database."""
    database = await Database.open(settings.database_url)
    try:
        crash = Crash(settings.test_crash)
        await migrate(database, crash)
        starts = await database.write(lambda tx: pulse.knock(tx, settings.mode))
        shelf, key = protocols.shelf(settings.protocols), audit_key(settings)
        await refold(database, shelf, key, crash=crash)
        seed = None if settings.test_seed is None else f"{settings.test_seed}/{starts}"  # no id is drawn twice
        yield Casebook(
            database, shelf, locales.books(), clock_of(settings).now, Chance(seed), audit_key=key, crash=crash,
        )  # fmt: skip
    finally:
        await database.close()


async def case_named(tx: Tx, named: str) -> str:
    """The id of the case of this id or code. Raises NotAllowed when there is none."""
    case_id = await views.case_id(tx, named)
    if case_id is None:
        raise NotAllowed(f"there is no case {named}")
    return case_id

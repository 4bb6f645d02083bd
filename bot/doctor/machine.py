"""What can be seen without opening anything: settings, file modes, the engine, the disk."""

import shutil
import stat
from collections.abc import Iterator

from bot.cli.house import clock_of, database_file
from bot.doctor.found import Found
from bot.settings import Settings
from scheduler.clock import BadClock
from storage.sqlite import ENGINE

FIXED_ENGINE = (3, 51, 3)  # older ones may corrupt a file when two connections write or checkpoint at once
DISK_AT_LEAST_BYTES = 1_000_000_000


def examine(settings: Settings) -> Iterator[Found]:
    """Look at this machine."""
    yield from _settings(settings)
    yield from _files(settings)
    yield from _machine(settings)


def _settings(settings: Settings) -> Iterator[Found]:
    yield Found("ok", "settings", f"{settings.mode} mode; no setting contradicts another")
    if settings.sandbox:
        yield Found("warn", "settings", "the sandbox reaches nobody: credentials make a live house")
    elif settings.public_url and not settings.public_url.startswith("https://") and not settings.loopback:
        yield Found("bad", "settings", "PUBLIC_URL is not https: what parents write can be read on the way")
    try:
        clock_of(settings)
    except BadClock:
        yield Found("bad", "clock", "PORCHLIGHT_TEST_CLOCK names a file that holds no instant")


def _files(settings: Settings) -> Iterator[Found]:
    """Nobody but the owner reads secrets, the database or reports (T19)."""
    secret = [settings.folder / ".env", settings.var / "audit.key"]
    secret += [each for each in (database_file(settings),) if each is not None]
    secret += sorted(path for name in ("reports", "police") for path in (settings.var / name).glob("*"))
    open_to_all = [path for path in secret if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in open_to_all:
        yield Found("bad", "files", f"{path} can be read by others: chmod 600 {path}")
    if not open_to_all:
        yield Found("ok", "files", "secrets, database and reports are their owner's alone")


def _machine(settings: Settings) -> Iterator[Found]:
    file = database_file(settings)
    if file is not None:
        yield _engine()
    beside = (settings.var if file is None else file).absolute()
    folder = next(each for each in (beside, *beside.parents) if each.is_dir())
    free = shutil.disk_usage(folder).free
    what = "the reports" if file is None else "the database"
    yield Found(
        "ok" if free >= DISK_AT_LEAST_BYTES else "bad", "disk", f"{free // 1_000_000} MB are free beside {what}"
    )


def _engine() -> Found:
    version = ".".join(map(str, ENGINE))
    if ENGINE < FIXED_ENGINE:
        return Found("warn", "sqlite", f"SQLite {version} can corrupt a file that two processes write (3.51.3 mends it):"
                     " let nothing but this house write to it")  # fmt: skip
    return Found("ok", "sqlite", f"SQLite {version}")

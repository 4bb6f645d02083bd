"""Knows how a command is handed to the running house: one line of JSON each way over a local socket, mode 0600.

Only one process may write to a database, so a command that writes asks whether a house is running on *its* database
and hands the act over; the answer names the database, so that a command never reaches a stranger's house. The socket
stands at `var/porchlight.sock`; where a house of another database holds that place, beside the own SQLite file, or under
a name of its own.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import socket as sockets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from bot.acts.desk_work import REFUSED, Said

Perform: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[Said]]

NAME = "porchlight.sock"
LINE_BYTES = 4 * 1024 * 1024  # a whole roster file fits
ANSWER_WITHIN_SECONDS = 30
WENT_AWAY = "the running house went away before it answered: look whether it was done before asking again"
_log = structlog.get_logger(__name__)


def places(var: Path, database: str) -> tuple[Path, ...]:
    """Where a house on the database of this name (`name_of`) may be reached, the usual place first."""
    if database.startswith("/"):
        return var / NAME, Path(database + ".sock")
    return var / NAME, var / f"{hashlib.sha256(database.encode()).hexdigest()[:16]}.sock"


class Hatch:
    """The running house's side."""

    def __init__(self, server: asyncio.Server, place: Path) -> None:
        self._server = server
        self.place = place

    async def close(self) -> None:
        """Stop listening and clear the place."""
        self._server.close()
        await self._server.wait_closed()
        with contextlib.suppress(FileNotFoundError):
            self.place.unlink()


async def open_hatch(var: Path, database: str, perform: Perform) -> Hatch | None:
    """Listen for commands for the house on this database; None where no place is free (commands then find no house)."""
    for place in places(var, database):
        if not await _somebody_at(place):
            listening = _bind(place)
            server = await asyncio.start_unix_server(_answering(database, perform), sock=listening, limit=LINE_BYTES)
            return Hatch(server, place)
    _log.warning("the command line cannot reach this house: every place for its socket is taken")
    return None


async def _somebody_at(place: Path) -> bool:
    try:
        with _short(place) as name:
            _, writer = await asyncio.open_unix_connection(name)
    except OSError:
        return False
    writer.close()
    return True


def _bind(place: Path) -> sockets.socket:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    listening = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    os.fchmod(listening.fileno(), 0o600)  # before it has a name: at no moment may others connect
    with _short(place) as name:
        listening.bind(name)
    place.chmod(0o600)
    return listening


def _answering(own: str, perform: Perform) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, ValueError):  # a caller who hung up, or no request
                asked = _request(await reader.readline())
                if asked["database"] != own:
                    said: Mapping[str, Any] = {"database": own}
                else:
                    done = await _performed(perform, asked["act"], asked["arguments"])
                    said = {"database": own, "code": done.code, "lines": done.lines, "data": done.data}
                writer.write(json.dumps(said).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    return answer


def _request(line: bytes) -> Mapping[str, Any]:
    """What a line asks for. Raises ValueError where it is no whole request."""
    asked = json.loads(line)
    if not isinstance(asked, dict) or not asked.keys() >= {"database", "act", "arguments"}:
        raise ValueError("no request")
    return asked


async def _performed(perform: Perform, act: str, arguments: Mapping[str, Any]) -> Said:
    try:
        return await perform(act, arguments)
    except Exception as error:  # the house goes on, whatever one command does
        _log.error("a command failed", act=act, fault=type(error).__name__)
        return Said(REFUSED, (f"the house could not do it: {type(error).__name__}",))


@dataclass(frozen=True, slots=True)
class NobodyHome:
    """No house runs on this database."""


async def hand_over(var: Path, database: str, act: str, arguments: Mapping[str, Any]) -> Said | NobodyHome:
    """Hand an act to the house that runs on this database and wait for its answer."""
    asked = json.dumps({"database": database, "act": act, "arguments": arguments}).encode() + b"\n"
    for place in places(var, database):
        said = await _ask(place, asked)
        if said is not None and "code" in said:
            return Said(said["code"], tuple(said["lines"]), said["data"])
    return NobodyHome()


async def _ask(place: Path, asked: bytes) -> dict[str, Any] | None:
    try:
        with _short(place) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=LINE_BYTES)
    except OSError:
        return None
    try:
        writer.write(asked)
        await writer.drain()
        line = await asyncio.wait_for(reader.readline(), ANSWER_WITHIN_SECONDS)
    except TimeoutError:
        return {"code": REFUSED, "lines": ["the running house did not answer in time"], "data": None}
    except ConnectionError:
        line = b""
    finally:
        writer.close()
    return json.loads(line) if line else {"code": REFUSED, "lines": [WENT_AWAY], "data": None}


@contextlib.contextmanager
def _short(place: Path) -> Iterator[str]:
    """A name for the place of at most 107 bytes, which is all that a socket's name may have."""
    if len(os.fsencode(place)) < 100:
        yield str(place)
        return
    folder = os.open(place.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)

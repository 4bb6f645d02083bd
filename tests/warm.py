"""Processes of the program that need not load it: one has imported everything, and forks each that is asked for.

A start costs a tenth of a second in place of seconds, and a night of fifty kills is little else. What is forked is a process
of its own like any other, with its own settings, folder and output, and `kill -9` ends it so; only the loading is not played.
"""

import asyncio
import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REQUEST_BYTES = 1 << 17
LOADED = ("bot.__main__", "bot.app", "bot.front", "bot.channels.telegram", "storage.postgres", "storage.sqlite")


class Forked:
    """One process, as far as `asyncio.subprocess.Process` is used here."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader, ends: asyncio.StreamReader) -> None:
        self.pid, self.stdout = pid, stdout
        self.returncode: int | None = None
        self._ends = ends

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for its end; returns its exit code, negative for a signal."""
        if self.returncode is None:
            self.returncode = int(await self._ends.readline())
            await self._ends.read()
        return self.returncode

    async def communicate(self) -> tuple[bytes, None]:
        """Wait for its end; returns all that it printed."""
        said = await self.stdout.read()
        await self.wait()
        return said, None


class Forge:
    """The process that has loaded the program, and the socket over which it is asked."""

    def __init__(self) -> None:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(theirs.fileno())], cwd=ROOT, pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )  # fmt: skip

    async def start(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], stderr: int) -> Forked:
        """Start `porchlight WORDS` there. `stderr`: where that goes, a file's number or `subprocess.STDOUT`."""
        (said, says), (ends, ended) = os.pipe(), os.pipe()
        try:
            request = json.dumps({"words": words, "folder": str(folder), "environment": dict(environment)}).encode()
            assert len(request) < REQUEST_BYTES
            socket.send_fds(self._door, [request], [says, says if stderr == subprocess.STDOUT else stderr, ended])
        finally:
            os.close(says)
            os.close(ended)
        stdout, last = await _reading(said), await _reading(ends)
        return Forked(int(await last.readline()), stdout, last)

    def close(self) -> None:
        """End it; what it forked goes on."""
        self._door.close()
        self._process.wait()


@cache
def forge() -> Forge:
    """The one of this run, made when it is first needed."""
    made = Forge()
    atexit.register(made.close)
    return made


async def _reading(handle: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(handle, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


# ---- inside the process that has loaded it ---------------------------------------------------------


def main() -> None:
    """Load the program, then fork for each request on the socket of this number, until it is closed."""
    for module in LOADED:
        import_module(module)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who watches over a process is not waited for
    door = socket.socket(fileno=int(sys.argv[1]))
    while True:
        request, handles, _, _ = socket.recv_fds(door, REQUEST_BYTES, 3)
        if not request:
            return
        if os.fork() == 0:
            try:
                door.close()
                _watch_over(json.loads(request), *handles)
            finally:
                os._exit(1)
        for handle in handles:
            os.close(handle)


def _watch_over(request: dict[str, Any], stdout: int, stderr: int, ended: int) -> None:
    """Fork the process that was asked for, tell its number, and at its end its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(ended)
            code = _become(request, stdout, stderr)
        finally:
            os._exit(code)
    os.close(stdout)
    os.close(stderr)
    os.write(ended, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(ended, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(request: dict[str, Any], stdout: int, stderr: int) -> int:
    from bot.__main__ import main as porchlight

    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    try:
        return porchlight(request["words"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    main()

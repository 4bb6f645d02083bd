"""Knows a stand-in for both providers that takes every message at once, as cheaply as it can, from a process of its own.

The sandbox's doubles look at what they are sent; this one reads as far as the end of a request and says yes.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from benchmarks.loops import run

_MESSAGE = {"message_id": 7, "date": 1_700_000_000, "chat": {"id": 1, "type": "private"}, "text": "x"}
_TELEGRAM = json.dumps({"ok": True, "result": _MESSAGE}).encode()
_YES = json.dumps({"ok": True, "result": True}).encode()
_TWILIO = json.dumps({"sid": "SM" + "0" * 32, "status": "queued", "error_code": None, "num_segments": "1"}).encode()


@contextmanager
def providers(seconds: float = 0.0) -> Iterator[str]:
    """The address of a stand-in that thinks so long before each answer."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.providers", str(seconds)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


class _Provider(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._read = seconds, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found or not _whole(head, body):
            return
        self._read = b""
        answer = _answer(head)
        if self._seconds:
            asyncio.get_running_loop().call_later(self._seconds, self._say, answer)
        else:
            self._transport.write(answer)

    def _say(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _whole(head: bytes, body: bytes) -> bool:
    lines = head.lower()
    if b"transfer-encoding: chunked" in lines:
        return body.endswith(b"0\r\n\r\n")
    _, found, rest = lines.partition(b"content-length:")
    return len(body) >= (int(rest.partition(b"\r\n")[0]) if found else 0)


def _answer(head: bytes) -> bytes:
    path = head.split(b" ", 2)[1]
    if b"/Accounts/" in path:
        status, said = b"201 Created", _TWILIO
    else:
        status, said = b"200 OK", _TELEGRAM if b"/sendMessage" in path or b"/editMessageText" in path else _YES
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(said), said)


async def _serve(seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Provider(seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    run(_serve(float(sys.argv[1])))

"""Knows how a provider calls a house at full speed: so many kept-alive connections, each with its own talks, one by one.

It is a process of its own, `python -m benchmarks.callers`, so that the caller's work is not the house's. A talk is one
person's: a list of whole HTTP requests that go one after the other. Each connection takes the next talk when it is through
with one, and all stop when their time is over; what is left of a talk can be said another time.
"""

import asyncio
import json
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias, cast

from benchmarks.loops import run
from benchmarks.rounds import percentile

Talk: TypeAlias = Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What came of it: requests answered, those of them not with 2xx, seconds, milliseconds an answer.

    `talks`: how many were begun; `left`: those of them that were not ended, by their place, with the requests still to go.
    `busy`: milliseconds that the processor of who was called worked for one answer, where somebody looked.
    """

    answered: int
    refused: int
    talks: int
    left: dict[int, int]
    seconds: float
    p50: float
    p99: float
    busy: float = 0.0

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


def call(port: int, talks: Sequence[Talk], seconds: float, connections: int = 32) -> Called:
    """Have these talks made from a process of their own, for so long."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.callers"], input=pickle.dumps((port, list(talks), seconds, connections)),
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    return Called(**told | {"left": {int(place): requests for place, requests in told["left"].items()}})


class Caller:
    """All connections of one call, and what they saw."""

    def __init__(self, talks: list[Talk]) -> None:
        self._talks, self.begun = talks, 0
        self.until = 0.0
        self.took: list[float] = []
        self.left: dict[int, int] = {}
        self.refused = 0

    def next_talk(self) -> tuple[int, list[bytes]]:
        """The place and the requests of the next talk, the last first; no requests where there are none, or no time."""
        if self.begun == len(self._talks) or time.perf_counter() > self.until:
            return -1, []
        self.begun += 1
        return self.begun - 1, list(reversed(self._talks[self.begun - 1]))


class _Connection(asyncio.Protocol):
    """One connection: the next request goes when the last is answered."""

    def __init__(self, caller: Caller, ended: "asyncio.Future[None]") -> None:
        self._caller, self._ended = caller, ended
        self._place, self._talk = -1, list[bytes]()
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def connection_lost(self, fault: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(fault or ConnectionError("the house hung up"))

    def go_on(self) -> None:
        """Say what is next, or hang up."""
        if not self._talk:
            self._place, self._talk = self._caller.next_talk()
        if not self._talk or time.perf_counter() > self._caller.until:
            if self._talk:
                self._caller.left[self._place] = len(self._talk)
            self._ended.set_result(None)
            self._transport.close()
            return
        self._begun = time.perf_counter()
        self._transport.write(self._talk.pop())

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._caller.took.append(time.perf_counter() - self._begun)
        self._caller.refused += not head.startswith(b"HTTP/1.1 2")
        self._read = b""
        self.go_on()


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def _call(port: int, talks: list[Talk], seconds: float, connections: int) -> Called:
    loop, lines = asyncio.get_running_loop(), list[_Connection]()
    caller = Caller(talks)
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        _, line = await loop.create_connection(lambda end=end: _Connection(caller, end), "127.0.0.1", port)  # type: ignore[misc]
        lines.append(line)
    begun = time.perf_counter()
    caller.until = begun + seconds
    for line in lines:
        line.go_on()
    await asyncio.gather(*ends)
    took = caller.took
    return Called(
        answered=len(took), refused=caller.refused, talks=caller.begun, left=caller.left, seconds=time.perf_counter() - begun,
        p50=percentile(took, 0.5) * 1e3, p99=percentile(took, 0.99) * 1e3,
    )  # fmt: skip


def main() -> None:
    """Call, and print what came of it as JSON."""
    print(json.dumps(asdict(run(_call(*pickle.load(sys.stdin.buffer))))))


if __name__ == "__main__":
    main()

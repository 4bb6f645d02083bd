"""A bad network between a node and its server: it does to one COMMIT what a cable that is pulled does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import parse_qs, urlsplit

Fate = Literal["passes", "never arrives", "arrives, its answer does not", "arrives when the line is long gone"]
COMMIT, ASKS = b"COMMIT\0", b"porchlight_slot"


class Relay:
    """Passes every byte on; `fate` is that of the next COMMIT, once. `met`: how many met theirs."""

    def __init__(self, socket: str) -> None:
        self.fate: Fate = "passes"
        self.met = 0
        self._socket = socket
        self._asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line of the node."""
        from_server, to_server = await asyncio.open_unix_connection(self._socket)
        line = _Line(reader, writer, from_server, to_server)
        answers = asyncio.create_task(line.pass_answers())
        try:
            await self._pass_questions(line)
        finally:
            line.cut()
            await answers

    async def _pass_questions(self, line: "_Line") -> None:
        while said := await line.hear():
            if ASKS in said:
                self._asked.set()
            if self.fate != "passes" and COMMIT in said:
                fate, self.fate = self.fate, "passes"
                self.met += 1
                if fate == "never arrives":
                    return
                line.deaf = True
                if fate == "arrives when the line is long gone":
                    line.hang_up()
                    self._asked.clear()
                    async with asyncio.timeout(10):
                        await self._asked.wait()
                    await asyncio.sleep(0.1)  # until the question stands before the server
            line.tell(said)


class _Line:
    """Both ends of one line. `deaf`: the node gets no more answers, the server still gets what was said."""

    def __init__(
        self, from_node: asyncio.StreamReader, to_node: asyncio.StreamWriter, from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        self.deaf = False
        self._from_node, self._to_node, self._from_server, self._to_server = from_node, to_node, from_server, to_server

    async def hear(self) -> bytes:
        try:
            return await self._from_node.read(65536)
        except ConnectionError:
            return b""

    def tell(self, said: bytes) -> None:
        self._to_server.write(said)

    async def pass_answers(self) -> None:
        while said := await self._from_server.read(65536):
            if self.deaf:
                break
            self._to_node.write(said)
        self.cut()

    def hang_up(self) -> None:
        self._to_node.close()

    def cut(self) -> None:
        self._to_node.close()
        self._to_server.close()


@asynccontextmanager
async def relayed(url: str) -> AsyncIterator[tuple[Relay, str]]:
    """A relay to the server of this URL, and the URL by which a node goes through it."""
    parts = urlsplit(url)
    relay = Relay(f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432")
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield relay, f"postgresql://postgres@127.0.0.1:{port}{parts.path}?sslmode=disable"
    finally:
        server.close()
        await server.wait_closed()

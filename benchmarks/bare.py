"""Knows the least that a webhook can cost: aiohttp that answers and does nothing, and aiogram with one or many handlers.

A process of its own, `python -m benchmarks.bare`, frozen after start as the house is. `/…/one` and `/…/fifty` are aiogram's
own webhook over a dispatcher with MemoryStorage and so many handlers on `F` filters, the last of which is meant.
"""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from benchmarks.loops import run

SECRET = "bench-secret-that-is-long-enough-012345"
HANDLERS = {"/one": 1, "/fifty": 50}


@contextmanager
def bare() -> Iterator[int]:
    """The port of the bare server."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.bare"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


async def _answer(request: web.Request) -> web.Response:
    return web.Response(status=204)


def _aiogram(app: web.Application, path: str, handlers: int) -> None:
    from aiogram import Bot, Dispatcher, F
    from aiogram.fsm.storage.memory import MemoryStorage
    from aiogram.types import Message
    from aiogram.webhook.aiohttp_server import SimpleRequestHandler

    dispatcher = Dispatcher(storage=MemoryStorage())

    async def heard(message: Message) -> None:
        """Do nothing."""

    for number in range(handlers - 1):
        dispatcher.message(F.text == f"never {number}")(heard)
    dispatcher.message(F.text)(heard)
    door = SimpleRequestHandler(dispatcher, Bot("1:x"), handle_in_background=False, secret_token=SECRET)
    app.router.add_post(path, door.handle)


async def _serve() -> None:
    app = web.Application()
    app.router.add_post("/twilio/sms", _answer)
    app.router.add_post("/telegram/webhook", _answer)
    for path, handlers in HANDLERS.items():
        _aiogram(app, path, handlers)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    gc.collect()
    gc.freeze()
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(_serve())

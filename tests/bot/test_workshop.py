"""What would hold up the house is done aside: nobody waits for it, and it waits for nobody."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from bot.workshop import THREADS, Workshop


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    """A workshop, closed at the end."""
    opened = Workshop()
    yield opened
    await opened.close()


async def test_a_full_workshop_holds_up_neither_the_loop_nor_its_pool(workshop: Workshop) -> None:
    """While reports are printed, names of hosts are still looked up: those threads are others."""
    go_on = threading.Event()
    printing = [asyncio.create_task(workshop(go_on.wait)) for _ in range(3 * THREADS)]
    name = await asyncio.to_thread(lambda: threading.current_thread().name)
    assert not name.startswith("workshop")
    go_on.set()
    assert all(await asyncio.gather(*printing))


async def test_no_more_is_done_at_once_than_there_is_room_for(workshop: Workshop) -> None:
    """Memory in flight is bounded: the rest waits in its order."""
    inside, most, lock, go_on = [0], [0], threading.Lock(), threading.Event()

    def draw(number: int) -> int:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        go_on.wait()
        with lock:
            inside[0] -= 1
        return number

    drawing = [asyncio.create_task(workshop(draw, number)) for number in range(10)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*drawing) == list(range(10))
    assert most[0] <= THREADS


async def test_what_fails_there_fails_here(workshop: Workshop) -> None:
    """A disk that is full is told to whoever asked."""

    def write() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        await workshop(write)


async def test_a_report_that_was_begun_is_printed_whole_before_the_house_sleeps() -> None:
    """Also when nobody waits for it any more."""
    workshop, begun, go_on, done = Workshop(), asyncio.Event(), threading.Event(), list[str]()
    loop = asyncio.get_running_loop()

    def write() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait()
        done.append("written")

    writing = asyncio.create_task(workshop(write))
    await begun.wait()
    writing.cancel()
    closing = asyncio.create_task(workshop.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await closing
    assert done == ["written"]

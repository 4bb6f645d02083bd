"""Photos and places that people send in: kept with the case, shown in its timeline and its report, for good."""

import asyncio
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from bot.__main__ import main
from tests import databases
from tests.databases import ON_BOTH
from tests.phones import Phones, phones

pytestmark = ON_BOTH


async def at_terminal(house: Phones, *words: str) -> str:
    """What a command answers beside the running house."""
    environment = {
        "DATABASE_URL": databases.url(house.folder), "PORCHLIGHT_TEST_CLOCK": str(house.folder / "clock"),
    }  # fmt: skip
    out = io.StringIO()

    def run() -> int:
        with redirect_stdout(out):
            return main(words, environment, house.folder)

    assert 0 == await asyncio.to_thread(run), out.getvalue()
    return out.getvalue()


async def data(house: Phones, *words: str) -> Any:
    return json.loads(await at_terminal(house, *words, "--json"))


async def test_what_was_sent_in_stands_in_timeline_and_report_when_telegram_has_it_no_more(tmp_path: Path) -> None:
    """A photo, a place, and a photo that could not be fetched: each is told as what it is, by who sent it and when."""
    async with phones(tmp_path) as house:
        alice = house.staff("alice")
        await alice.types("/absent K7 20:45")
        await alice.sends_photo(caption="her new coat")
        await alice.sends_place(51.5, -0.12)
        fetch, house.world.telegram.keep = house.world.telegram.keep, lambda data: "never-there"  # type: ignore[method-assign]
        await alice.sends_photo()
        house.world.telegram.keep = fetch  # type: ignore[method-assign]
        house.world.telegram.files.clear()
        house.unexpected().clear()

        code = (await data(house, "case", "list"))[0]["code"]
        told = [each for each in await data(house, "case", "journal", code, "--words") if each["media"]]
        assert ["a photo was sent in", "a location was sent in", "a photo was sent in"] == [e["says"] for e in told]
        assert ["her new coat", "51.50000, -0.12000", None] == [each["words"] for each in told]
        assert [True, True, False] == [each["media"]["bytes"] is not None for each in told]

        lines = await at_terminal(house, "case", "journal", code)
        assert "a photo was sent in, and is kept (" in lines and "a photo was sent in, and its file could not" in lines
        assert "a location was sent in" in lines and "51.5" not in lines, (
            "what people wrote is shown where it is asked for"
        )

        report = await data(house, "report", code, "--format", "json")
        assert [("photo", "her new coat"), ("location", "51.50000, -0.12000"), ("photo", "")] == [
            (each["kind"], each["says"]) for each in report["evidence"]
        ]
        assert {"Alice Example"} == {each["who"] for each in report["evidence"]}
        printed = PdfReader((await data(house, "report", code, "--format", "pdf"))["file"])
        assert 1 == sum(len(page.images) for page in printed.pages)
        text = " ".join(" ".join(page.extract_text() for page in printed.pages).split())
        for line in ("her new coat", "51.50000, -0.12000", "The picture could not be kept."):
            assert line in text
        house.unexpected().clear()

"""A house in the sandbox, started as `make run` starts it, and a real Chromium in front of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
READY_SECONDS = 60


def need_chromium() -> None:
    """Say loudly that the browser part is left out; in CI that is a failure."""
    if CHROMIUM.exists():
        return
    says = "NOT TESTED: /usr/bin/chromium is missing, so the page was not tried in a browser (apt-get install chromium)"
    if os.environ.get("CI"):
        pytest.fail(says)
    print(f"\n*** {says} ***", file=sys.stderr)
    pytest.skip(says)


@contextmanager
def a_house(folder: Path) -> Iterator[str]:
    """`porchlight run` on a port of its own; yields the page's address."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TELEGRAM_", "TWILIO_", "PORCHLIGHT_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**environment, "HTTP_BIND": "127.0.0.1:0", "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield f"http://127.0.0.1:{json.loads(line)['port']}/sandbox/"
    finally:
        process.terminate()
        process.wait(READY_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def a_browser(folder: Path) -> Iterator[Browser]:
    """A fresh Chromium that calls nobody."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def a_page(browser: Browser, address: str, *, width: int = 1280, height: int = 900) -> Page:
    """The front page at a width."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(15_000)
    page.goto(address)
    return page

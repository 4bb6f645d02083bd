"""A first-time visitor plays a night on the phones, knowing only the words that stand there."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.shop import a_browser, a_house, a_page, need_chromium

pytestmark = pytest.mark.slow


def phone(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=f"{name}'s phone")


def types(page: Page, name: str, words: str) -> None:
    box = phone(page, name).get_by_role("textbox")
    box.fill(words)
    phone(page, name).get_by_role("button", name="Send", exact=True).click()


def presses(page: Page, name: str, label: str) -> None:
    phone(page, name).get_by_role("button", name=label, exact=True).last.click()


def reads(page: Page, name: str, words: str) -> None:
    expect(phone(page, name)).to_contain_text(re.compile(words))


def test_a_night_from_the_front_page_to_the_confirmed_log_number(tmp_path):
    """Absence, danger, the instruction, the alert, the chase, the number: by visible words alone."""
    need_chromium()
    with a_house(tmp_path) as address, a_browser(tmp_path) as browser:
        page = a_page(browser, address)
        expect(page.get_by_role("heading", name="Porchlight")).to_be_visible()
        page.get_by_role("button", name="Pause").click()
        types(page, "Alice Archer", "/absent L4")
        reads(page, "Alice Archer", "[Dd]ue back|last certainly here")
        presses(page, "Alice Archer", "Not sure")
        reads(page, "Alice Archer", "RING 101 NOW")
        reads(page, "Cass Cooper", "ESC .* HIGH")
        page.get_by_role("button", name="+5 min").click()
        reads(page, "Alice Archer", "no police log number")
        reads(page, "Dee Dunne", "ESC .* HIGH")
        presses(page, "Dee Dunne", "Take")
        reads(page, "Cass Cooper", "Dee Dunne took it")
        expect(page.get_by_label("Cases")).to_contain_text("no police log number: the police may not know")
        types(page, "Alice Archer", "/pol 7781")
        reads(page, "Alice Archer", "log number 7781 noted")
        expect(page.get_by_label("Cases")).to_contain_text("police log 7781")
        expect(page.get_by_label("Police inbox").get_by_role("link").first).to_be_visible()
        page.screenshot(path=tmp_path / "night.png", full_page=True)


def test_a_parent_texts_and_the_page_fits_a_phone(tmp_path):
    """At 390 pixels nothing runs over the edge, and a parent's night begins with MISSING."""
    need_chromium()
    with a_house(tmp_path) as address, a_browser(tmp_path) as browser:
        page = a_page(browser, address, width=390, height=844)
        page.get_by_role("button", name="Pat", exact=True).click()
        types(page, "Pat Poole", "MISSING")
        reads(page, "Pat Poole", "Absence check .* Reply 1 to start")
        types(page, "Pat Poole", "1")
        reads(page, "Pat Poole", "Q1\\. Is N in danger now")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.screenshot(path=tmp_path / "phone.png", full_page=True)


def test_a_name_that_looks_like_markup_is_shown_as_it_is(tmp_path):
    """What people type never becomes part of the page."""
    need_chromium()
    with a_house(tmp_path) as address, a_browser(tmp_path) as browser:
        page = a_page(browser, address)
        page.on("dialog", lambda dialog: pytest.fail("a script ran"))
        types(page, "Alice Archer", "<img src=x onerror=alert(1)>")
        reads(page, "Alice Archer", "<img src=x onerror=alert\\(1\\)>")
        assert page.locator(".bubble img").count() == 0

"""A first-time visitor plays a night on the phones, knowing only the words that stand there."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.shop import a_browser, a_house, a_page, need_chromium

pytestmark = pytest.mark.slow


def phone(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=f"{name}'s phone")


def types(page: Page, name: str, words: str) -> None:
    phone(page, name).get_by_role("textbox").fill(words)
    phone(page, name).get_by_role("button", name="Send", exact=True).click()


def presses(page: Page, name: str, label: str) -> None:
    phone(page, name).get_by_role("button", name=label, exact=True).last.click()


def reads(page: Page, name: str, words: str) -> None:
    expect(phone(page, name)).to_contain_text(re.compile(words))


def stands(page: Page, words: str) -> None:
    expect(page.get_by_label("Cases")).to_contain_text(words)


def test_a_night_from_the_front_page_to_the_confirmed_log_number(tmp_path):
    """A child with a flag: the instruction, the alert, who takes it, the chase, the number: by visible words alone."""
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
        stands(page, "Dee Dunne took it")
        stands(page, "no log number yet: they may not know")
        types(page, "Alice Archer", "/pol 7781")
        reads(page, "Alice Archer", "log number 7781 noted")
        stands(page, "they know: log number 7781")


def test_a_visitor_follows_the_first_move_and_stays_silent(tmp_path):
    """The strip's button, then only `To the next deadline`: silence becomes a missing child, and a report."""
    need_chromium()
    with a_house(tmp_path) as address, a_browser(tmp_path) as browser:
        page = a_page(browser, address)
        trouble = []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("request", lambda request: request.url.startswith(address) or trouble.append(request.url))
        page.reload()
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="Alice: /absent K7 21:00").click()
        reads(page, "Alice Archer", "Is K7 in danger right now")
        stands(page, "checks are running")
        onward = page.get_by_role("button", name="To the next deadline")
        for _ in range(12):
            onward.click()
            expect(onward).to_be_enabled()
            if "MISSING" in page.get_by_label("Cases").inner_text():
                break
        stands(page, "MISSING: a matter for the police")
        reads(page, "Cass Cooper", "missing report, version 1")
        report = page.get_by_label("Police inbox").get_by_role("link", name="PDF")
        expect(report).to_be_visible()
        whole = page.request.get(address + report.get_attribute("href"))
        assert whole.headers["content-type"] == "application/pdf" and whole.body().startswith(b"%PDF-")
        assert [] == trouble, "nothing is fetched from elsewhere, and nothing is complained of"


def test_a_parent_texts_and_the_page_fits_a_phone(tmp_path):
    """At 390 pixels nothing runs over the edge, and a parent's night begins with MISSING."""
    need_chromium()
    with a_house(tmp_path) as address, a_browser(tmp_path) as browser:
        page = a_page(browser, address, width=390, height=844)
        page.get_by_role("button", name="Pat", exact=True).click()
        phone(page, "Pat Poole").get_by_role("button", name="MISSING", exact=True).click()
        reads(page, "Pat Poole", "Absence check .* Reply 1 to start")
        types(page, "Pat Poole", "1")
        reads(page, "Pat Poole", "Q1\\. Is N in danger now")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_night_can_be_played_by_keyboard_alone(tmp_path):
    """Typing, sending and pressing need no mouse, and the place of the keyboard is kept when a message arrives."""
    need_chromium()
    with a_house(tmp_path) as address, a_browser(tmp_path) as browser:
        page = a_page(browser, address)
        box = phone(page, "Alice Archer").get_by_role("textbox")
        box.focus()
        page.keyboard.type("/absent K7 21:00")
        page.keyboard.press("Enter")
        reads(page, "Alice Archer", "Is K7 in danger right now")
        expect(box).to_be_focused()
        phone(page, "Alice Archer").get_by_role("button", name="No", exact=True).focus()
        page.keyboard.press("Enter")
        reads(page, "Alice Archer", "Ring and message K7 yourself now")


def test_a_name_that_looks_like_markup_is_shown_as_it_is(tmp_path):
    """B042: what people type never becomes part of the page."""
    need_chromium()
    with a_house(tmp_path) as address, a_browser(tmp_path) as browser:
        page = a_page(browser, address)
        page.on("dialog", lambda dialog: pytest.fail("a script ran"))
        for words in ("<img src=x onerror=alert(1)>", "</b><a href='http://x'>here</a>", "{{7*7}} ${x} %s {0} *_[]("):
            types(page, "Alice Archer", words)
            reads(page, "Alice Archer", re.escape(words))
        assert phone(page, "Alice Archer").locator(".bubble img, .bubble a").count() == 0

"""The list of tasks and sessions, for everyone, with script and without."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.cast import LONG, MINUTE, dialog, everything, link, rows, search, tab, task
from tests.browser.looks import assert_accessible, assert_fits
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestList:
    def test_the_tabs_filter_by_click(self, quiet_page: Page, site: str) -> None:
        everything()
        quiet_page.goto(site)
        expect(link(quiet_page, "Do running")).to_be_visible()
        expect(link(quiet_page, "Do failed")).to_have_count(0)
        tab(quiet_page, "Failed").click()
        expect(quiet_page).to_have_url(f"{site}/?range=24h&show=failed")
        expect(rows(quiet_page)).to_have_count(2)
        expect(tab(quiet_page, "Failed")).to_have_attribute("aria-current", "page")

    def test_the_tabs_filter_by_key(self, quiet_page: Page, site: str) -> None:
        everything()
        quiet_page.goto(site)
        search(quiet_page).focus()
        for _ in range(4 + 3):  # the ranges, then the third tab
            quiet_page.keyboard.press("Tab")
        expect(tab(quiet_page, "Failed")).to_be_focused()
        quiet_page.keyboard.press("Enter")
        expect(rows(quiet_page)).to_have_count(2)

    def test_news_come_by_themselves(self, quiet_page: Page, site: str) -> None:
        quiet_page.goto(site)
        expect(quiet_page.get_by_text("No task or session was recorded yet.")).to_be_visible()
        task("first")
        expect(link(quiet_page, "Do first")).to_be_visible(timeout=12_000)
        expect(quiet_page.get_by_text("1 task, 0 sessions")).to_be_visible()

    def test_news_leave_the_focus_on_its_row(self, quiet_page: Page, site: str) -> None:
        task("older")
        task("old")
        quiet_page.goto(site)
        link(quiet_page, "Do old").focus()
        task("newest", at=timezone.now())
        expect(link(quiet_page, "Do newest")).to_be_visible()
        expect(link(quiet_page, "Do old")).to_be_focused()

    def test_pages_lead_to_each_other(self, quiet_page: Page, site: str) -> None:
        for number in range(21):
            task(f"t{number:02}", at=timezone.now() - number * MINUTE)
        quiet_page.goto(site)
        pager = quiet_page.get_by_role("navigation", name="Pages")
        expect(pager.get_by_text("Page 1 of 2")).to_be_visible()
        pager.get_by_role("link", name="Next").click()
        expect(link(quiet_page, "Do t20")).to_be_visible()
        expect(rows(quiet_page)).to_have_count(1)
        pager.get_by_role("link", name="Previous").click()
        expect(rows(quiet_page)).to_have_count(20)

    def test_ages_are_worded_and_stay_fresh_without_the_server(
        self, quiet_page: Page, site: str
    ) -> None:
        now = timezone.now()
        for name, age in (("a", 0), ("b", 7), ("c", 3 * 60), ("d", 3 * 24 * 60)):
            task(name, at=now - age * MINUTE)
        quiet_page.clock.install(time=now)
        quiet_page.goto(site)
        ages = quiet_page.locator(".row time")
        expect(ages).to_have_text(["just now", "7m ago", "3h ago", "3d ago"])
        assert str(now.year) in (ages.first.get_attribute("title") or "")
        quiet_page.clock.run_for(4 * 60_000)
        expect(ages.first).to_have_text("4m ago")

    def test_what_others_wrote_does_nothing(self, quiet_page: Page, site: str) -> None:
        everything()
        quiet_page.goto(site)
        expect(link(quiet_page, "<img src=x onerror=alert(1)>")).to_be_visible()
        expect(quiet_page.locator("main img")).to_have_count(0)


class TestWithoutScript:
    def test_everything_works(self, browser: Browser, site: str, administrator: User) -> None:
        everything()
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(site)
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        tab(page, "All").click()
        search(page).fill("running")
        search(page).press("Enter")
        expect(rows(page)).to_have_count(1)
        expect(page).to_have_url(f"{site}/?range=24h&show=all&q=running")
        expect(page.locator(".row time")).to_have_text(re.compile("UTC$"))
        link(page, "Do running").click()
        expect(page.get_by_role("heading", name="Do running")).to_be_visible()
        page.goto(site)
        page.get_by_role("link", name="Errors (24h): 1").click()
        expect(page.get_by_role("heading", level=1, name="Errors")).to_be_visible()
        context.close()


class TestForEveryone:
    @pytest.mark.parametrize("scheme", ["dark"])
    def test_axe_finds_nothing(self, signed_in: BrowserContext, site: str, scheme: Any) -> None:
        everything()
        page = signed_in.new_page()
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": 375, "height": 800})
        for path in ("/?show=all", "/?show=failed&q=none", "/?q=none"):
            page.goto(site + path)
            assert_accessible(page, path)
        page.goto(f"{site}/?show=all")
        link(page, "Do running").click()
        expect(dialog(page)).to_be_visible()
        assert_accessible(page)

    def test_no_text_is_wide_enough_to_scroll_sideways(self, quiet_page: Page, site: str) -> None:
        widths = [320, 375, 768, 1200, 1440, 1920]
        everything()
        quiet_page.goto(f"{site}/?show=all")
        assert_fits(quiet_page, widths=widths)
        rows(quiet_page).get_by_role("link", name=LONG[:40]).click()
        box = dialog(quiet_page)
        expect(box).to_be_visible()
        for width in widths:
            quiet_page.set_viewport_size({"width": width, "height": 800})
            assert box.evaluate("box => box.scrollWidth <= box.clientWidth"), width

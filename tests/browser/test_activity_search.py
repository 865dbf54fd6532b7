"""The search in the list of tasks and sessions."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.cast import ASK, everything, hold, link, rows, search, tab, task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestSearch:
    def test_it_filters_while_one_types_and_stands_in_the_address(
        self, quiet_page: Page, site: str
    ) -> None:
        everything()
        quiet_page.goto(f"{site}/?show=all")
        search(quiet_page).press_sequentially("hosti")
        expect(rows(quiet_page)).to_have_count(1)
        expect(search(quiet_page)).to_be_focused()
        expect(quiet_page).to_have_url(f"{site}/?range=24h&show=all&q=hosti")
        quiet_page.reload()
        expect(rows(quiet_page)).to_have_count(1)
        expect(search(quiet_page)).to_have_value("hosti")

    def test_news_leave_its_text_and_focus(self, quiet_page: Page, site: str) -> None:
        task("one")
        quiet_page.goto(site)
        search(quiet_page).press_sequentially("do ")
        expect(quiet_page).to_have_url(re.compile("q=do"))
        task("two")
        expect(link(quiet_page, "Do two")).to_be_visible(timeout=12_000)
        expect(search(quiet_page)).to_be_focused()
        expect(search(quiet_page)).to_have_value("do ")

    def test_tabs_and_ranges_take_it_along(self, quiet_page: Page, site: str) -> None:
        everything()
        quiet_page.goto(site)
        search(quiet_page).fill("sto")
        expect(quiet_page).to_have_url(re.compile("q=sto"))
        quiet_page.get_by_role("link", name="7 days").click()
        expect(quiet_page).to_have_url(f"{site}/?range=7d&show=active&q=sto")
        expect(quiet_page.get_by_text("No match in this list.")).to_be_visible()
        tab(quiet_page, "All").click()
        expect(rows(quiet_page)).to_have_count(1)

    def test_an_older_answer_does_not_win(self, quiet_page: Page, site: str) -> None:
        """The list asks for its own news just before the search, and both are answered late."""
        everything()
        quiet_page.goto(f"{site}/?show=all")
        release = hold(quiet_page, "**/?*")
        with quiet_page.expect_request("**/*fragment=work"):
            quiet_page.evaluate(ASK)
        task("newer", at=timezone.now())
        search(quiet_page).fill("hostile")
        quiet_page.wait_for_timeout(400)  # longer than one waits for the next letter
        release()
        expect(rows(quiet_page)).to_have_count(1)
        expect(link(quiet_page, "Do newer")).to_have_count(0)

    def test_the_last_of_many_letters_counts(self, quiet_page: Page, site: str) -> None:
        """The first search is under way when the second is asked."""
        everything()
        quiet_page.goto(f"{site}/?show=all")
        release = hold(quiet_page, "**/*q=h")
        with quiet_page.expect_request("**/*q=h"):
            search(quiet_page).fill("h")
        search(quiet_page).fill("日本")
        quiet_page.wait_for_timeout(400)
        release()
        expect(rows(quiet_page)).to_have_count(1)
        expect(quiet_page.locator(".row code")).to_have_text("日本語")

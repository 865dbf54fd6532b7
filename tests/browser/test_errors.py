from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from sessions.events import ToolEnded
from sessions.recording import record
from tasks.reporting import report
from tests.browser.looks import assert_accessible, assert_fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ["/errors/", "/errors/?range=all", "/errors/?group=tasks:", "/errors/?range=none"]


def bad_day() -> None:
    now = timezone.now()
    for n in range(12):
        at = now - timedelta(minutes=n)
        report(
            task_id=f"t{n}", at=at, status="failed", error=f"Timeout after {n} s", description="A"
        )
        record(
            [
                ToolEnded(
                    session_key="s1",
                    at=at,
                    tool_use_id=f"toolu_{n}",
                    tool_name="Bash",
                    success=False,
                    error="no-spaces-" * 40 if n % 2 else "",
                )
            ]
        )


class TestErrors:
    def test_a_group_leads_to_its_failures_and_these_to_their_task(
        self, quiet_page: Page, site: str
    ) -> None:
        bad_day()
        quiet_page.goto(f"{site}/errors/")
        expect(quiet_page.get_by_text("Timeout after 0 s")).to_be_visible()
        quiet_page.get_by_role("link", name="All 12").click()
        expect(quiet_page.get_by_text("12 in this range")).to_be_visible()
        quiet_page.locator(".error-groups a").first.click()
        expect(quiet_page).to_have_url(f"{site}/tasks/t0/")

    def test_the_newest_are_opened_by_key(self, quiet_page: Page, site: str) -> None:
        bad_day()
        quiet_page.goto(f"{site}/errors/")
        quiet_page.get_by_text("The newest 10").focus()
        quiet_page.keyboard.press("Enter")
        expect(quiet_page.locator("details[open] a")).to_have_count(10)

    def test_the_range_is_in_the_url(self, quiet_page: Page, site: str) -> None:
        quiet_page.goto(f"{site}/errors/")
        quiet_page.get_by_role("link", name="7 days").click()
        expect(quiet_page).to_have_url(f"{site}/errors/?range=7d")

    @pytest.mark.parametrize("scheme", ["dark"])
    @pytest.mark.parametrize("full", [True, False], ids=["full", "empty"])
    def test_axe_finds_nothing(
        self, signed_in: BrowserContext, site: str, scheme: Any, full: bool
    ) -> None:
        if full:
            bad_day()
        page = signed_in.new_page()
        page.emulate_media(color_scheme=scheme)
        for path in PAGES:
            page.goto(site + path)
            assert_accessible(page, path)

    def test_no_page_scrolls_sideways(self, signed_in: BrowserContext, site: str) -> None:
        bad_day()
        page = signed_in.new_page()
        for path in PAGES:
            page.goto(site + path)
            assert_fits(page, path, [320, 768, 1440])

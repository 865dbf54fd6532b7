from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from sessions.events import ToolEnded, ToolStarted
from sessions.recording import record
from tests.browser.looks import assert_accessible, assert_fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "mcp__a_server_of_a_long_name__a_tool_whose_name_is_longer_than_any_column_ought_to_be"
PAGES = ["/tools/", "/tools/?range=all&sort=rate", "/tools/?tool=Bash", f"/tools/?tool={LONG}"]


def call(n: int, minutes: float, **fields: Any) -> ToolEnded:
    base: dict[str, Any] = {"session_key": f"s{n % 3}", "tool_name": "Bash", "success": True}
    base |= {"tool_use_id": f"toolu_{n}", "duration_ms": 3.0**n % 40_000}
    base |= {"parameters": {"file_path": f"/workspace/{'deep/' * 20}part_{n % 4}.py"}}
    return ToolEnded(**base | {"at": timezone.now() - timedelta(minutes=minutes)} | fields)


def busy_day() -> None:
    tools = ("Bash", "Read", "Edit", LONG)
    record([call(n, 30 * n, tool_name=tools[n % 4]) for n in range(40)])
    record(
        [
            call(100 + n, 20 * n, tool_name=tools[n % 2], success=False, error="no-spaces-" * 40)
            for n in range(12)
        ]
    )
    running = ToolStarted(
        session_key="s0", at=timezone.now(), tool_use_id="running", tool_name="Bash"
    )
    record([running])


class TestTools:
    def test_a_tool_leads_to_its_failures_and_these_to_their_place_in_the_session(
        self, quiet_page: Page, site: str
    ) -> None:
        busy_day()
        quiet_page.goto(f"{site}/tools/")
        quiet_page.get_by_role("rowheader", name="Bash").get_by_role("link").click()
        expect(quiet_page.get_by_role("heading", name="Newest failed calls")).to_be_visible()
        quiet_page.locator("#failed a").first.click()
        expect(quiet_page.locator(".call.failed").first).to_be_visible()
        assert "tool=Bash&failed=1#call-" in quiet_page.url

    def test_the_order_and_the_range_are_in_the_url(self, quiet_page: Page, site: str) -> None:
        busy_day()
        quiet_page.goto(f"{site}/tools/")
        quiet_page.get_by_role("link", name="p95").click()
        expect(quiet_page.get_by_role("columnheader", name="p95")).to_have_attribute(
            "aria-sort", "descending"
        )
        quiet_page.get_by_role("link", name="7 days").click()
        expect(quiet_page).to_have_url(f"{site}/tools/?range=7d&sort=p95")

    def test_news_come_by_themselves_and_leave_the_focus(self, quiet_page: Page, site: str) -> None:
        busy_day()
        quiet_page.goto(f"{site}/tools/")
        quiet_page.get_by_role("link", name="Failed", exact=True).focus()
        record([call(500, 1, tool_name="Brand new")])
        quiet_page.evaluate("document.dispatchEvent(new Event('stream:news'))")
        expect(quiet_page.get_by_role("rowheader", name="Brand new")).to_be_visible()
        expect(quiet_page.get_by_role("link", name="Failed", exact=True)).to_be_focused()

    @pytest.mark.parametrize("scheme", ["dark"])
    @pytest.mark.parametrize("full", [True, False], ids=["full", "empty"])
    def test_axe_finds_nothing(
        self, signed_in: BrowserContext, site: str, scheme: Any, full: bool
    ) -> None:
        if full:
            busy_day()
        page = signed_in.new_page()
        page.emulate_media(color_scheme=scheme)
        for path in PAGES:
            page.goto(site + path)
            assert_accessible(page, path)

    def test_no_page_scrolls_sideways(self, signed_in: BrowserContext, site: str) -> None:
        busy_day()
        page = signed_in.new_page()
        for path in PAGES:
            page.goto(site + path)
            assert_fits(page, path, [320, 768, 1440, 3840])

    def test_it_works_without_javascript(
        self, signed_in: BrowserContext, browser: Any, site: str
    ) -> None:
        busy_day()
        context = browser.new_context(
            java_script_enabled=False, storage_state=signed_in.storage_state()
        )
        page = context.new_page()
        page.goto(f"{site}/tools/")
        page.get_by_role("link", name="Failure rate").click()
        page.get_by_role("rowheader", name="Read").get_by_role("link").click()
        expect(page.get_by_role("heading", name="Newest failed calls")).to_be_visible()
        context.close()

"""The dialog that a row of the list opens in."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from tasks.models import Task
from tasks.reporting import report
from tests.browser.cast import ASK, calls, dialog, everything, hold, link, rows, task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CLOSE_AND_PRESS = """dialog => new Promise((told) => {
  const search = document.querySelector("[type=search]");
  dialog.addEventListener("close", () => told());
  dialog.close();
  search.dispatchEvent(new MouseEvent("mousedown", {bubbles: true}));
  search.focus();
})"""


class TestDialog:
    @pytest.fixture
    def opened(self, quiet_page: Page, site: str) -> Page:
        """The task "running" of several, shown in the dialog."""
        everything()
        quiet_page.goto(f"{site}/?show=all")
        link(quiet_page, "Do running").click()
        expect(dialog(quiet_page)).to_be_visible()
        return quiet_page

    def test_a_row_opens_in_it_and_the_address_stays(self, opened: Page, site: str) -> None:
        expect(dialog(opened).get_by_role("heading", name="Do running")).to_be_visible()
        expect(opened).to_have_url(f"{site}/?show=all")

    def test_escape_closes_it_and_the_focus_returns(self, opened: Page) -> None:
        opened.keyboard.press("Escape")
        expect(dialog(opened)).to_have_count(0)
        expect(link(opened, "Do running")).to_be_focused()

    def test_the_focus_returns_to_a_row_that_news_replaced(self, opened: Page) -> None:
        task("newer", at=timezone.now())
        expect(opened.locator(".row", has_text="Do newer")).to_have_count(1)
        opened.get_by_role("button", name="Close").click()
        expect(link(opened, "Do running")).to_be_focused()

    def test_the_focus_stays_on_the_page_when_the_row_is_gone(
        self, quiet_page: Page, site: str
    ) -> None:
        task("one")
        quiet_page.goto(site)
        link(quiet_page, "Do one").click()
        expect(dialog(quiet_page)).to_be_visible()
        task("one", "completed", at=timezone.now())
        expect(quiet_page.locator(".row")).to_have_count(0)
        quiet_page.keyboard.press("Escape")
        expect(quiet_page.locator("main")).to_be_focused()

    def test_a_click_anywhere_on_a_row_opens_it(self, quiet_page: Page, site: str) -> None:
        task("one")
        quiet_page.goto(site)
        for part in (".pill", "time", ".user span", "p"):
            box = rows(quiet_page).locator(part).bounding_box()
            assert box
            quiet_page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            expect(dialog(quiet_page)).to_be_visible()
            quiet_page.keyboard.press("Escape")
            expect(link(quiet_page, "Do one")).to_be_focused()

    def test_a_press_beside_it_closes_it(self, opened: Page) -> None:
        opened.mouse.click(5, 5)
        expect(dialog(opened)).to_have_count(0)
        expect(link(opened, "Do running")).to_be_focused()

    def test_a_press_right_after_it_closed_counts(self, opened: Page) -> None:
        opened.locator("dialog[open]").evaluate(CLOSE_AND_PRESS)
        expect(opened.get_by_role("searchbox")).to_be_focused()

    def test_a_press_within_does_not(self, opened: Page) -> None:
        dialog(opened).get_by_role("heading", name="Do running").click()
        expect(dialog(opened)).to_be_visible()

    def test_closed_it_holds_nothing_and_asks_nothing(self, opened: Page) -> None:
        opened.keyboard.press("Escape")
        expect(opened.locator("#detail > *")).to_have_count(0)
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        with opened.expect_response(re.compile("fragment=work")):
            opened.evaluate(ASK)
        expect(opened.locator("[data-live].htmx-request")).to_have_count(0)
        assert [url for url in asked if "/tasks/" in url] == []

    def test_what_was_closed_opens_again(self, opened: Page) -> None:
        opened.keyboard.press("Escape")
        link(opened, "Do running").click()
        expect(dialog(opened).get_by_role("heading", name="Do running")).to_be_visible()

    def test_it_keeps_itself_fresh(self, opened: Page) -> None:
        report(task_id="running", at=timezone.now(), message="All tests pass")
        expect(dialog(opened).get_by_text("All tests pass")).to_be_visible(timeout=12_000)

    def test_news_leave_what_its_reader_opened_and_scrolled(self, opened: Page) -> None:
        opened.set_viewport_size({"width": 1280, "height": 400})
        dialog(opened).locator("summary").first.click()
        dialog(opened).evaluate("box => box.scrollTo(0, 60)")
        calls("of-running", 4, "running", parameters={"command": "ls"})
        report(task_id="running", at=timezone.now(), message="All tests pass")
        expect(dialog(opened).get_by_text("All tests pass")).to_be_visible()
        expect(dialog(opened).locator("details[open]")).to_have_count(1)
        assert dialog(opened).evaluate("box => box.scrollTop") == 60

    def test_a_link_in_it_opens_in_it(self, opened: Page) -> None:
        dialog(opened).get_by_role("link", name="of-running").click()
        expect(dialog(opened).get_by_role("heading", name="Session of-running")).to_be_visible()
        opened.keyboard.press("Escape")
        expect(link(opened, "Do running")).to_be_focused()

    def test_the_errors_open_in_it_too(self, quiet_page: Page, site: str) -> None:
        task("bad", "failed", error="It broke")
        quiet_page.goto(site)
        quiet_page.get_by_role("link", name="Errors (24h): 1").click()
        expect(dialog(quiet_page).get_by_text("It broke").first).to_be_visible()

    def test_of_two_quick_clicks_the_last_one_counts(self, quiet_page: Page, site: str) -> None:
        everything()
        quiet_page.goto(f"{site}/?show=all")
        release = hold(quiet_page, "**/tasks/running/*")
        link(quiet_page, "Do running").click()
        link(quiet_page, "Do failed").click()
        release()
        expect(dialog(quiet_page).get_by_role("heading", name="Do failed")).to_be_visible()

    def test_a_click_in_it_counts_more_than_news_under_way(self, opened: Page) -> None:
        release = hold(opened, "**/tasks/running/*")
        with opened.expect_request(re.compile("/tasks/running/")):
            opened.evaluate(ASK)
        dialog(opened).get_by_role("link", name="Failed only").click()
        dialog(opened).get_by_role("link", name="of-running").click()
        release()
        expect(dialog(opened).get_by_role("heading", name="Session of-running")).to_be_visible()

    def test_news_under_way_do_not_swallow_a_click_in_it(self, opened: Page) -> None:
        release = hold(opened, "**/sessions/of-running/")
        dialog(opened).get_by_role("link", name="of-running").click()
        report(task_id="running", at=timezone.now(), message="All tests pass")
        with opened.expect_response(re.compile("/tasks/running/")):
            opened.evaluate(ASK)
        release()
        expect(dialog(opened).get_by_role("heading", name="Session of-running")).to_be_visible()

    def test_a_click_for_a_new_tab_opens_a_page(self, quiet_page: Page, site: str) -> None:
        task("one")
        quiet_page.goto(site)
        with quiet_page.context.expect_page() as opened:
            link(quiet_page, "Do one").click(modifiers=["ControlOrMeta"])
        expect(opened.value.get_by_role("heading", name="Do one")).to_be_visible()
        expect(dialog(quiet_page)).to_have_count(0)

    def test_a_task_that_is_gone_says_so_on_a_page(
        self, signed_in: BrowserContext, site: str
    ) -> None:
        task("one")
        page = signed_in.new_page()
        page.goto(site)
        page.route("**/*fragment=*", lambda route: route.abort())  # no news: the row stays
        Task.objects.all().delete()
        link(page, "Do one").click()
        expect(page).to_have_url(re.compile("/tasks/one/"))
        expect(page.get_by_role("heading", level=1)).to_be_visible()

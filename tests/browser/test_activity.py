import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from sessions.events import ToolEnded
from sessions.recording import record
from tasks.models import Task
from tasks.reporting import report
from tests.browser.looks import assert_accessible, assert_fits
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ASK = "document.dispatchEvent(new Event('stream:news'))"  # what a page does when there is news
MINUTE = timedelta(minutes=1)
LONG = "Averylongwordwithoutanyspace" * 9


def task(name: str, status: str = "running", at: datetime | None = None, **fields: Any) -> None:
    at = at or timezone.now() - MINUTE
    report(task_id=name, at=at, status=status, **{"description": f"Do {name}"} | fields)


def calls(session_key: str, count: int = 3, task_id: str = "", **fields: Any) -> None:
    event = {"session_key": session_key, "task_id": task_id, "tool_name": "Bash"} | fields
    now = timezone.now()
    record(
        [
            ToolEnded(at=now, tool_use_id=str(n), success=n > 0, duration_ms=380, **event)
            for n in range(count)
        ]
    )


def everything() -> None:
    """Rows in every state, and texts that do not mean well."""
    for status in ("pending", "running", "completed", "failed", "stopped"):
        task(status, status, user_id="4f1d3b52-9c0e-4a7e-9b39-2f8a8f1a0c11", message="Reading")
    task("hostile", description="<img src=x onerror=alert(1)>", message="<script>alert(1)</script>")
    task("long", description=LONG, message=LONG, model="m" * 100, user_id="u" * 64)
    task("日本語", description="リポジトリの依存関係を更新する")
    calls("of-running", task_id="running", parameters={"command": "ls"})
    calls("alone", title="A session of its own", agent="claude-code")


def rows(page: Page) -> Locator:
    return page.locator(".row")


def link(page: Page, name: str) -> Locator:
    return page.locator("#work").get_by_role("link", name=name, exact=True)


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="List").get_by_role("link", name=name)


def search(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search tasks and sessions")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def hold(page: Page, url: str) -> Callable[[], None]:
    """Let requests to `url` wait until the function that this answers is called."""
    held: list[Route] = []
    handlers = [held.append]
    page.route(url, lambda route: handlers[0](route))

    def release() -> None:
        handlers[0] = Route.continue_
        for route in held:
            route.continue_()

    return release


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
            expect(dialog(quiet_page)).to_have_count(0)

    def test_a_press_beside_it_closes_it(self, opened: Page) -> None:
        opened.mouse.click(5, 5)
        expect(dialog(opened)).to_have_count(0)

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

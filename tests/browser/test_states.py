"""What a page says while it waits, and when it has no answer."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tasks.reporting import report
from tests.browser.cast import hold

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ASK = "document.dispatchEvent(new Event('stream:news'))"  # what a page does when there is news
WORK = re.compile("fragment=work")
BAR = "getComputedStyle(document.body, '::after')"
SEEN = f"() => {BAR}.content !== 'none' && {BAR}.opacity === '1'"


def notice(page: Page) -> Locator:
    return page.locator("main").get_by_role("status").filter(has_text="what is shown may be old")


class TestWaiting:
    def test_a_search_says_that_it_is_under_way(self, quiet_page: Page, site: str) -> None:
        report(task_id="t", at=timezone.now(), status="running")
        quiet_page.goto(site)
        assert quiet_page.evaluate(f"{BAR}.content") == "none"
        release = hold(quiet_page, "**/*q=t")
        quiet_page.get_by_role("searchbox").fill("t")
        expect(quiet_page.locator("#work")).to_have_attribute("aria-busy", "true")
        quiet_page.wait_for_function(SEEN)
        release()
        expect(quiet_page.locator("#work")).not_to_have_attribute("aria-busy", "true")
        assert quiet_page.evaluate(f"{BAR}.content") == "none"

    def test_it_stands_still_for_who_asks_for_less_motion(
        self, quiet_page: Page, site: str
    ) -> None:
        quiet_page.emulate_media(reduced_motion="reduce")
        quiet_page.goto(site)
        release = hold(quiet_page, "**/*q=t")
        quiet_page.get_by_role("searchbox").fill("t")
        quiet_page.wait_for_function(SEEN)
        assert quiet_page.evaluate(f"{BAR}.animationName") == "appear"
        release()

    def test_a_part_that_refreshes_itself_shows_none(self, quiet_page: Page, site: str) -> None:
        quiet_page.goto(site)
        release = hold(quiet_page, "**/*fragment=work")
        quiet_page.evaluate(ASK)
        expect(quiet_page.locator("#work")).to_have_attribute("aria-busy", "true")
        assert quiet_page.evaluate(f"{BAR}.content") == "none"
        release()


class TestFault:
    @pytest.fixture
    def page(self, signed_in: BrowserContext, site: str) -> Page:
        page = signed_in.new_page()
        page.goto(site)
        return page

    def test_a_part_that_fails_is_told_until_it_does_not(self, page: Page) -> None:
        page.route(WORK, lambda route: route.fulfill(status=503, body="busy"))
        page.evaluate(ASK)
        expect(notice(page)).to_contain_text("The server could not answer")
        expect(notice(page)).to_contain_text("again every 15 seconds")
        with page.expect_response(re.compile("fragment=stats")):  # another that succeeds
            page.evaluate(ASK)
        expect(page.locator("[data-live].htmx-request")).to_have_count(0)
        expect(notice(page)).to_be_visible()
        page.unroute(WORK)
        page.evaluate(ASK)
        expect(notice(page)).to_have_count(0)

    def test_what_it_showed_stays(self, page: Page) -> None:
        page.route(WORK, lambda route: route.fulfill(status=500, body="<p>Broken</p>"))
        page.evaluate(ASK)
        expect(notice(page)).to_be_visible()
        expect(page.get_by_role("heading", name="Tasks & Sessions")).to_be_visible()
        expect(page.get_by_text("Broken")).to_have_count(0)

    def test_a_link_without_an_answer_is_forgotten_when_there_are_answers(
        self, page: Page, signed_in: BrowserContext, site: str
    ) -> None:
        report(task_id="t", at=timezone.now(), status="running", description="One")
        link = page.locator("#work").get_by_role("link", name="One")
        expect(link).to_be_visible()
        signed_in.set_offline(True)
        link.click()
        expect(notice(page)).to_contain_text("No answer from the server")
        signed_in.set_offline(False)
        page.evaluate(ASK)
        expect(notice(page)).to_have_count(0)

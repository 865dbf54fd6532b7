"""News that come while a page still asks for news."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.stream.cast import figure, requests, row, task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORK = "**/*fragment=work"


class TestNews:
    @pytest.fixture
    def quiet(self, tab: Page) -> Page:
        """Nothing under way, as after the first questions."""
        expect(tab.locator("[data-live].htmx-request")).to_have_count(0)
        return tab

    def test_of_a_part_one_question_is_under_way_however_much_is_new(self, quiet: Page) -> None:
        held: list[Route] = []
        quiet.route(WORK, lambda route: held.append(route), times=1)
        asked = requests(quiet)
        for _ in range(10):
            quiet.evaluate("document.dispatchEvent(new Event('stream:news'))")
        task("one")
        expect(figure(quiet, "Total Tasks")).to_have_text("1")
        assert len(held) == len([url for url in asked if "fragment=work" in url]) == 1
        held[0].continue_()
        expect(row(quiet, "Do one")).to_be_visible()
        expect(quiet.locator("[data-live].htmx-request")).to_have_count(0)
        assert len([url for url in asked if "fragment=work" in url]) <= 3

    def test_what_came_while_a_part_was_replaced_is_not_lost(self, quiet: Page) -> None:
        """The answer under way is older than the second task, and it replaces the part."""
        late: list[Any] = []
        quiet.route(WORK, lambda route: late.append((route, route.fetch())), times=1)
        task("one")
        while not late:
            quiet.wait_for_timeout(20)
        task("two")
        expect(figure(quiet, "Total Tasks")).to_have_text("2")
        route, answer = late[0]
        route.fulfill(response=answer)
        expect(row(quiet, "Do two")).to_be_visible()

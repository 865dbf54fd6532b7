"""Pages that share no worker with others, and pages that have no stream."""

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.stream.cast import STREAM, Place, hide, opened, requests, row, sign, task, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORKERS = {
    "missing": "delete window.SharedWorker",
    "forbidden": "window.SharedWorker = class { constructor() { throw new Error('no') } }",
    "broken": """window.SharedWorker = class {
        port = {postMessage() {}};
        set onerror(told) { setTimeout(told) }
    }""",
}
DEAF = "window.SharedWorker = class { port = {postMessage() {}} }"


class TestWithoutAWorker:
    @pytest.mark.parametrize("script", WORKERS.values(), ids=WORKERS.keys())
    def test_a_page_follows_a_stream_of_its_own(
        self, quiet_page: Page, place: Place, said: list[str], script: str
    ) -> None:
        quiet_page.add_init_script(script)
        opened(quiet_page, place.url, said)
        task("one")
        expect(row(quiet_page, "Do one")).to_be_visible()
        assert place.streams == 1

    def test_one_that_does_not_answer_is_given_up(
        self, quiet_page: Page, place: Place, said: list[str]
    ) -> None:
        quiet_page.add_init_script(DEAF)
        quiet_page.clock.install()
        quiet_page.goto(place.url)
        quiet_page.clock.run_for(11_000)
        expect(sign(quiet_page)).to_have_text("Live")

    def test_a_hidden_page_holds_no_stream(
        self, quiet_page: Page, place: Place, said: list[str]
    ) -> None:
        quiet_page.add_init_script(WORKERS["missing"])
        opened(quiet_page, place.url, said)
        hide(quiet_page)
        until(lambda: place.streams == 0)
        task("one")
        hide(quiet_page, False)
        expect(row(quiet_page, "Do one")).to_be_visible()


class TestWithoutAStream:
    @pytest.fixture
    def polling(self, quiet_page: Page, site: str) -> Page:
        quiet_page.add_init_script("delete window.SharedWorker; delete window.EventSource")
        quiet_page.clock.install()
        quiet_page.goto(site)
        expect(sign(quiet_page)).to_have_text("Polling")
        return quiet_page

    def test_a_page_asks_every_five_seconds(self, polling: Page) -> None:
        task("one")
        polling.clock.run_for(5_000)
        expect(row(polling, "Do one")).to_be_visible()
        expect(sign(polling)).to_have_text("Polling")

    def test_a_hidden_one_asks_nothing_until_it_is_looked_at(self, polling: Page) -> None:
        expect(polling.locator("[data-live].htmx-request")).to_have_count(0)
        hide(polling)
        asked = requests(polling)
        task("one")
        polling.clock.run_for(60_000)
        assert asked == []
        hide(polling, False)
        expect(row(polling, "Do one")).to_be_visible()

    def test_a_stream_that_is_refused_is_sought_ever_more_rarely(
        self, signed_in: BrowserContext, site: str
    ) -> None:
        page = signed_in.new_page()
        page.add_init_script(WORKERS["missing"])
        page.clock.install()
        sought: list[Route] = []

        def refuse(route: Route) -> None:
            sought.append(route)
            route.fulfill(status=401)

        page.route(f"**{STREAM}*", refuse)
        page.goto(site)
        expect(sign(page)).to_have_text("Polling")
        for _ in range(60):
            page.clock.run_for(5_000)
            expect(page.locator("[data-live].htmx-request")).to_have_count(0)
        assert 5 < len(sought) < 25
        task("one")
        page.clock.run_for(5_000)
        expect(row(page, "Do one")).to_be_visible()

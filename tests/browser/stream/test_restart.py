"""The pages follow the stream through restarts, without storms."""

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.stream.cast import PATIENT, STREAM, Place, opened, requests, row, sign, task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NETWORK = re.compile("Failed to load resource: net::ERR_")


def notice(page: Page) -> Locator:
    return page.get_by_text("No answer from the server").locator("visible=true")


class TestRestart:
    def test_both_tabs_say_so_and_recover_by_themselves(
        self, tabs: list[Page], place: Place, said: list[str]
    ) -> None:
        place.stop()
        for page in tabs:
            expect(sign(page)).to_have_text("Reconnecting")
            expect(sign(page)).to_have_attribute("aria-live", "polite")
        place.asked.clear()
        place.start()
        for page in tabs:
            expect(sign(page)).to_have_text("Live", timeout=PATIENT)
            expect(notice(page)).to_have_count(0)
        task("later")
        for page in tabs:
            expect(row(page, "Do later")).to_be_visible()
        assert place.streams == 1
        assert place.asked.count(STREAM) == 1
        # Each part at most once for the restart, and for each of the commits after it.
        assert len([path for path in place.asked if path == "/"]) <= 2 * 4 * 3
        assert [text for text in said if not NETWORK.match(text)] == []

    def test_nobody_who_asks_meanwhile_sees_more_than_one_notice(
        self, tab: Page, place: Place
    ) -> None:
        place.stop()
        expect(sign(tab)).to_have_text("Reconnecting")
        tab.get_by_role("searchbox").fill("later")
        expect(notice(tab)).to_have_count(1)
        place.start()
        expect(sign(tab)).to_have_text("Live", timeout=PATIENT)
        expect(notice(tab)).to_have_count(0)

    def test_an_outage_is_borne_with_few_questions(
        self, signed_in: BrowserContext, place: Place, said: list[str]
    ) -> None:
        page = signed_in.new_page()
        page.clock.install()
        opened(page, place.url, said)
        place.stop()
        expect(sign(page)).to_have_text("Reconnecting")
        asked = requests(page)
        page.clock.run_for(60_000)
        expect(notice(page)).to_have_count(1)
        expect(sign(page)).to_have_text("Reconnecting")
        assert 4 <= len(asked) <= 4 * 4
        place.start()
        expect(sign(page)).to_have_text("Live", timeout=PATIENT)
        expect(notice(page)).to_have_count(0)

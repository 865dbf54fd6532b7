"""The tabs of a browser follow the stream over one connection."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from monitor.models import ApiKey
from tasks.reporting import report
from tests.browser.stream.cast import (
    STREAM,
    Place,
    figure,
    hide,
    opened,
    requests,
    row,
    sign,
    task,
    until,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestTabs:
    @pytest.fixture
    def headers(self) -> dict[str, str]:
        key = ApiKey(name="a program", can_write=True, created_at=timezone.now())
        secret = key.give_secret()
        key.save()
        return {"authorization": f"Bearer {secret}"}

    def test_what_a_program_posts_appears_in_both_over_one_stream(
        self, tabs: list[Page], place: Place, headers: dict[str, str], said: list[str]
    ) -> None:
        for page in tabs:
            page.evaluate("window.kept = true")
        posts = tabs[0].context.request
        fields = {"task_id": "posted", "status": "running", "description": "Do posted"}
        answer = posts.post(f"{place.url}/api/tasks", headers=headers, data=fields)
        assert answer.ok, answer.text()
        for page in tabs:
            expect(row(page, "Do posted")).to_be_visible()
        tokens = {"user_id": "a", "model": "claude-haiku-4-5", "input_tokens": 1_000_000}
        tokens |= {"output_tokens": 0}
        answer = posts.post(f"{place.url}/api/usage", headers=headers, data=tokens)
        assert answer.ok, answer.text()
        for page in tabs:
            expect(figure(page, "API Cost (24h)")).to_have_text("$1.00")
            assert page.evaluate("window.kept")
        assert place.streams == 1
        assert place.asked.count(STREAM) == 1
        assert said == []

    def test_an_open_dialog_a_page_and_the_errors_follow(
        self, signed_in: BrowserContext, tab: Page, site: str, said: list[str]
    ) -> None:
        task("one")
        row(tab, "Do one").click()
        dialog = tab.get_by_role("dialog")
        expect(dialog.get_by_role("heading", name="Do one")).to_be_visible()
        page = opened(signed_in.new_page(), f"{site}/tasks/one/", said)
        errors = opened(signed_in.new_page(), f"{site}/errors/", said)
        report(task_id="one", at=timezone.now(), status="failed", error="It broke")
        for place in (dialog, page, errors):
            expect(place.get_by_text("It broke").first).to_be_visible()

    def test_one_that_is_closed_leaves_the_stream_to_the_other(
        self, tabs: list[Page], place: Place
    ) -> None:
        tabs[0].close()
        task("one")
        expect(row(tabs[1], "Do one")).to_be_visible()
        assert place.asked.count(STREAM) == 1
        tabs[1].close()
        until(lambda: place.streams == 0)

    def test_a_hidden_one_asks_nothing_and_catches_up_once(
        self, tabs: list[Page], place: Place
    ) -> None:
        hidden, seen = tabs
        hide(hidden)
        asked = requests(hidden)
        for name in ("one", "two"):
            task(name)
            expect(row(seen, f"Do {name}")).to_be_visible()
        assert asked == []
        with hidden.expect_response(re.compile("fragment=work")):
            hide(hidden, False)
        expect(row(hidden, "Do two")).to_be_visible()
        expect(hidden.locator("[data-live].htmx-request")).to_have_count(0)
        assert len(asked) == len(set(asked)) == 4
        assert place.asked.count(STREAM) == 1

    def test_one_that_nobody_missed_anything_in_asks_nothing_on_its_return(self, tab: Page) -> None:
        hide(tab)
        asked = requests(tab)
        hide(tab, False)
        expect(sign(tab)).to_have_text("Live")
        assert asked == []

    def test_hidden_all_together_they_hold_no_stream(self, tabs: list[Page], place: Place) -> None:
        for page in tabs:
            hide(page)
        until(lambda: place.streams == 0)
        task("one")
        hide(tabs[0], False)
        expect(row(tabs[0], "Do one")).to_be_visible()
        expect(row(tabs[1], "Do one")).to_have_count(0)

    def test_one_that_is_left_and_returned_to_follows_again(
        self, tabs: list[Page], place: Place
    ) -> None:
        for page in tabs:
            page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
        until(lambda: place.streams == 0)
        for page in tabs:
            page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        task("one")
        for page in tabs:
            expect(row(page, "Do one")).to_be_visible()
        assert place.streams == 1

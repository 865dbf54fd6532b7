import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as LoginSession
from django.utils import timezone
from model_bakery import baker
from playwright.sync_api import Browser, BrowserContext, Page, expect

from costs import ledger
from monitor.dashboard import Dashboard
from sessions.models import Session, ToolCall
from tasks.models import Status, Task
from tests.browser.looks import assert_accessible, assert_fits
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PARTS = ("work", "tools", "costs", "stats")
ASK = "document.dispatchEvent(new Event('stream:news'))"  # what a page does when there is news


def record(**fields: Any) -> None:
    ledger.record_usage(
        **{"user_id": "100000001", "model": "claude-haiku-4-5", "input_tokens": 1_000_000}
        | {"output_tokens": 0}
        | fields
    )


def busy_day() -> None:
    """Something of every kind that the page can show."""
    now = timezone.now()
    record()
    record(model="claude-sonnet-4-5", user_id="4f1d3b52-9c0e-4a7e-9b39-2f8a8f1a0c11")
    record(model="a-model-without-a-price-" * 4)
    record(timestamp=now - timedelta(hours=30))
    session = baker.make(Session, started_at=now, last_activity_at=now)
    baker.make(ToolCall, session=session, started_at=now)
    baker.make(Task, status=Status.FAILED, created_at=now, finished_at=now)


def figure(page: Page, label: str) -> Any:
    return page.locator(".stat", has=page.get_by_text(label, exact=True)).locator("dd")


class TestSignIn:
    def test_a_person_signs_in_and_out(self, page: Page, site: str, administrator: User) -> None:
        page.goto(f"{site}/?range=7d")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{site}/?range=7d")
        page.get_by_role("button", name="admin").click()
        expect(page.get_by_role("link", name="Administration")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    def test_an_expired_session_leads_back_to_the_page(
        self, signed_in: BrowserContext, site: str
    ) -> None:
        page = signed_in.new_page()
        page.goto(f"{site}/?range=7d")
        LoginSession.objects.all().delete()
        page.evaluate(ASK)
        expect(page).to_have_url(f"{site}/login/?next=/%3Frange%3D7d")


class TestDashboard:
    def test_an_empty_one_fills_by_itself(self, quiet_page: Page, site: str) -> None:
        quiet_page.goto(site)
        expect(quiet_page.get_by_text("import_usage PATH")).to_be_visible()
        record()
        expect(figure(quiet_page, "API Cost (24h)")).to_have_text("$1.00")
        expect(quiet_page.get_by_role("heading", name="Cost by model")).to_be_visible()

    def test_the_footer_refreshes_by_itself(self, quiet_page: Page, site: str) -> None:
        record()
        quiet_page.goto(site)
        expect(figure(quiet_page, "API Requests")).to_have_text("1")
        record()
        expect(figure(quiet_page, "API Requests")).to_have_text("2")

    def test_the_range_is_in_the_url_and_in_the_labels(self, quiet_page: Page, site: str) -> None:
        busy_day()
        quiet_page.goto(site)
        expect(figure(quiet_page, "API Requests")).to_have_text("3")
        quiet_page.get_by_role("link", name="7 days").click()
        expect(quiet_page).to_have_url(f"{site}/?range=7d&show=active")
        expect(figure(quiet_page, "Errors (7d)")).to_have_text("1")
        expect(figure(quiet_page, "API Requests")).to_have_text("4")
        expect(quiet_page.get_by_role("link", name="7 days")).to_have_attribute(
            "aria-current", "page"
        )

    def test_times_are_worded_in_the_zone_of_the_reader(
        self, browser: Browser, site: str, signed_in: BrowserContext
    ) -> None:
        record(timestamp=timezone.now() - timedelta(days=20))
        list(ledger.prune(timezone.now()))
        state = signed_in.storage_state()
        context = browser.new_context(
            storage_state=state, timezone_id="Asia/Kolkata", locale="en-GB"
        )
        page = context.new_page()
        page.goto(f"{site}/?range=7d")
        time = page.locator("time").first
        expect(time).to_have_text(re.compile(r"^\d+ \w+ \d{4}, \d\d:\d\d$"))
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", time.get_attribute("title") or "")
        context.close()


class TestRefreshing:
    def answers(self, page: Page, deed: Callable[[], object]) -> None:
        """Do what makes every part ask, and wait for what they are answered."""
        with ExitStack() as answers:
            for part in PARTS:
                answers.enter_context(page.expect_response(re.compile(f"fragment={part}")))
            deed()
        expect(page.locator("[data-live].htmx-request")).to_have_count(0)

    def ask(self, page: Page) -> None:
        self.answers(page, lambda: page.evaluate(ASK))

    def mark(self, page: Page) -> None:
        for part in PARTS:
            page.evaluate(f"document.getElementById('{part}').dataset.kept = 'yes'")

    def kept(self, page: Page) -> int:
        return page.locator("[data-kept]").count()

    def test_news_leave_what_the_reader_scrolled_and_held_in_focus(
        self, quiet_page: Page, site: str
    ) -> None:
        record(model="a-model-without-a-price-" * 4)
        quiet_page.set_viewport_size({"width": 320, "height": 700})
        quiet_page.goto(site)
        table = quiet_page.get_by_role("region", name="Cost by model")
        table.focus()
        table.evaluate("box => { box.scrollLeft = 90; }")
        record()
        expect(table.get_by_text("claude-haiku-4-5")).to_have_count(1)
        expect(table).to_be_focused()
        assert table.evaluate("box => box.scrollLeft") == 90

    def test_no_news_leave_what_the_reader_selected(self, quiet_page: Page, site: str) -> None:
        record()
        quiet_page.goto(site)
        quiet_page.evaluate("getSelection().selectAllChildren(document.getElementById('costs'))")
        before = quiet_page.evaluate("getSelection().toString()")
        self.ask(quiet_page)
        assert "claude-haiku-4-5" in before
        assert quiet_page.evaluate("getSelection().toString()") == before

    @pytest.fixture
    def minute(self) -> Iterator[None]:
        """Sixty seconds before the next minute makes all the parts anew."""
        with time_machine.travel(timezone.now().replace(second=0)):
            yield

    @pytest.mark.usefixtures("minute")
    def test_no_news_render_nothing_and_swap_nothing(
        self, quiet_page: Page, site: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendered: list[Any] = []

        def counted(selection: Any) -> Dashboard:
            rendered.append(selection)
            return Dashboard(selection)

        monkeypatch.setattr("monitor.views.dashboard.Dashboard", counted)
        record()
        quiet_page.goto(f"{site}/?range=all")
        self.mark(quiet_page)
        assert len(rendered) == 1
        self.ask(quiet_page)  # the browser's first question for each part
        assert len(rendered) == 5
        self.ask(quiet_page)
        assert len(rendered) == 5
        assert self.kept(quiet_page) == 4
        self.answers(quiet_page, record)
        assert len(rendered) == 9
        assert self.kept(quiet_page) == 2  # the list and the tools, which have nothing new

    def test_silence_of_the_server_is_told(self, signed_in: BrowserContext, site: str) -> None:
        page = signed_in.new_page()
        page.goto(site)
        notice = page.locator("main").get_by_text("No answer from the server")
        expect(notice).to_be_hidden()
        signed_in.set_offline(True)
        page.evaluate(ASK)
        expect(notice).to_be_visible()
        signed_in.set_offline(False)
        page.evaluate(ASK)
        expect(notice).to_be_hidden()


class TestWithoutScript:
    def test_everything_works(self, browser: Browser, site: str, administrator: User) -> None:
        busy_day()
        list(ledger.prune(timezone.now() - timedelta(hours=2)))
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(site)
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="30 days").click()
        expect(figure(page, "API Cost (30d)")).to_have_text("$8.00")
        expect(page.locator("time").first).to_have_text(re.compile("UTC$"))
        page.get_by_role("button", name="admin").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        context.close()


PAGES = ["/", "/?range=all", "/password/", "/nowhere/", "/?range=bad"]


class TestForEveryone:
    def visit(self, page: Page, site: str, path: str, full: bool) -> None:
        if full:
            busy_day()
        page.goto(site + path)
        expect(page.locator("[data-sign]")).to_have_text("Live")

    @pytest.mark.parametrize("scheme", ["dark"])
    @pytest.mark.parametrize("full", [True, False], ids=["full", "empty"])
    def test_axe_finds_nothing(
        self, signed_in: BrowserContext, site: str, scheme: Any, full: bool
    ) -> None:
        page = signed_in.new_page()
        page.emulate_media(color_scheme=scheme)
        for path in PAGES:
            self.visit(page, site, path, full)
            assert_accessible(page, path)

    @pytest.mark.parametrize("full", [True, False], ids=["full", "empty"])
    def test_no_page_scrolls_sideways(
        self, signed_in: BrowserContext, site: str, full: bool
    ) -> None:
        page = signed_in.new_page()
        for path in PAGES:
            self.visit(page, site, path, full)
            assert_fits(page, path, [320, 768, 1440])

    def test_the_first_key_skips_to_the_content(self, quiet_page: Page, site: str) -> None:
        quiet_page.goto(site)
        quiet_page.keyboard.press("Tab")
        expect(quiet_page.get_by_role("link", name="Skip to content")).to_be_focused()
        quiet_page.keyboard.press("Enter")
        expect(quiet_page.locator("main")).to_be_focused()

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from costs import ledger
from costs.limits import set_user_limits
from costs.models import SpendingLimit
from costs.usage import Usage
from sessions.events import ToolEnded
from sessions.recording import record
from tests.browser.looks import COLOURS, assert_accessible, assert_fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ASK = "document.dispatchEvent(new Event('stream:news'))"
PAGES = ["?range=24h", "?range=7d&user=100000001&model=m0", "?range=all", "?user=nobody"]
# How many pixels of the plot have a colour of the bars, which its text and lines have not.
PAINTED = """() => {
    const canvas = document.querySelector("[data-chart] canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
        const colour = data.slice(at, at + 3);
        if (data[at + 3] > 200 && Math.max(...colour) - Math.min(...colour) > 60) count++;
    }
    return count;
}"""


def spent(dollars: Any = 1, hours: float = 0.0, **fields: Any) -> None:
    told = {"user_id": "100000001", "model": "m0", "input_tokens": 10, "output_tokens": 1}
    told |= {
        "cost": dollars and Decimal(dollars),
        "timestamp": timezone.now() - timedelta(hours=hours),
    }
    ledger.record_many([Usage(**(told | fields))])


def busy_month() -> None:
    for n in range(60):
        spent(n % 7 + 1, hours=11 * n + 1, model=f"m{n % 9}", session_key=f"s{n % 4}")
    spent(3, user_id="4f1d3b52-9c0e-4a7e-9b39-2f8a8f1a0c11" + "x" * 28, request_type="no-break" * 4)
    spent(None, model="a-model-without-a-price-" * 4)
    set_user_limits("100000001", daily=2, monthly=10**6, display_name="A team with a long name")
    set_user_limits("100000002", daily=5)
    told = {"tool_name": "Bash", "success": True, "at": timezone.now(), "title": "Work " * 20}
    record(
        [ToolEnded(session_key=f"s{n}", tool_use_id="1", task_id=f"t{n}", **told) for n in (1, 2)]
    )


@pytest.fixture
def open_page(quiet_page: Page, site: str) -> Callable[[str], Page]:
    """The spend page at an address, with its chart drawn."""

    def opened(query: str = "") -> Page:
        quiet_page.goto(f"{site}/costs/{query}")
        expect(quiet_page.locator("[data-chart] canvas")).to_be_visible()
        return quiet_page

    return opened


def plot(page: Page) -> Any:
    return page.locator("[data-chart] .u-over")


def hover(page: Page, share: float) -> None:
    box = plot(page).bounding_box()
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def drag(page: Page, start: float, end: float) -> None:
    hover(page, start)
    page.mouse.down()
    hover(page, (start + end) / 2)
    hover(page, end)
    page.mouse.up()


def shown_label(page: Page) -> str:
    return str(page.locator("[data-chart] .u-series .u-value").first.text_content())


class TestChart:
    def test_it_is_drawn_in_the_colours_of_the_theme(self, open_page: Callable[..., Page]) -> None:
        busy_month()
        page = open_page()
        assert page.evaluate(PAINTED) > 5_000
        marker = page.locator(".u-series:last-child .u-marker")
        light = marker.evaluate("marker => getComputedStyle(marker).backgroundColor")
        page.emulate_media(color_scheme="dark")
        expect(marker).not_to_have_css("background-color", light)
        assert page.evaluate(PAINTED) > 5_000

    def test_a_bar_tells_its_figures_as_the_table_does(
        self, open_page: Callable[..., Page]
    ) -> None:
        spent("2.50", hours=1)
        spent("1.25", hours=1, model="m1")
        page = open_page("?range=24h")
        row = page.locator("[data-chart] + details tbody tr", has_text="$2.50")
        place = row.evaluate("row => row.sectionRowIndex")
        hover(page, (place + 0.5) / 25)
        legend = page.locator("[data-chart] .u-legend")
        expect(legend).to_contain_text("$2.50")
        expect(legend).to_contain_text("$1.25")
        assert shown_label(page) == row.locator("th").text_content()

    def test_a_drag_zooms_in_and_two_clicks_out(self, open_page: Callable[..., Page]) -> None:
        busy_month()
        page = open_page()
        hover(page, 0.01)
        first = shown_label(page)
        drag(page, 0.4, 0.6)
        hover(page, 0.01)
        zoomed = shown_label(page)
        assert zoomed not in ("", first)
        plot(page).dblclick()
        hover(page, 0.01)
        assert shown_label(page) == first

    def test_it_keeps_zoom_and_hover_through_a_refresh_without_news(
        self, open_page: Callable[..., Page]
    ) -> None:
        busy_month()
        # A range that ends with this minute has news for the chart when the minute is over.
        today = timezone.now().replace(hour=0, minute=0)
        first, end = (f"{day:%Y-%m-%dT%H:%MZ}" for day in (today - timedelta(days=20), today))
        page = open_page(f"?range={first}..{end}")
        drag(page, 0.4, 0.6)
        hover(page, 0.3)
        before = shown_label(page)
        page.evaluate("document.querySelector('[data-chart] .uplot').marked = true")
        with page.expect_response(lambda answer: "fragment=spend-chart" in answer.url):
            page.evaluate(ASK)
        with page.expect_response(lambda answer: "fragment=spend-chart" in answer.url):
            page.evaluate(ASK)
        assert page.evaluate("document.querySelector('[data-chart] .uplot').marked")
        assert shown_label(page) == before != ""

    def test_news_are_drawn_with_the_zoom_kept(self, open_page: Callable[..., Page]) -> None:
        busy_month()
        page = open_page()
        drag(page, 0.4, 0.6)
        hover(page, 0.01)
        zoomed = shown_label(page)
        spent(99, model="m9")
        expect(page.locator("[data-chart] + details table")).to_contain_text("$99.00")
        hover(page, 0.02)
        assert shown_label(page) == zoomed

    def test_the_table_is_opened_by_key_and_stays_open(
        self, open_page: Callable[..., Page]
    ) -> None:
        busy_month()
        page = open_page()
        table = page.locator("[data-chart] + details table")
        expect(table).not_to_be_visible()
        page.get_by_text("Figures of the chart").focus()
        page.keyboard.press("Enter")
        expect(table).to_be_visible()
        spent(99, model="m9")
        expect(table).to_contain_text("$99.00")

    def test_it_follows_the_width(self, open_page: Callable[..., Page]) -> None:
        busy_month()
        page = open_page()
        page.set_viewport_size({"width": 500, "height": 800})
        page.wait_for_function(
            "() => document.querySelector('[data-chart] .uplot').clientWidth < 500"
        )
        assert page.evaluate(PAINTED) > 2_000

    def test_without_script_the_table_is_there(
        self, browser: Browser, site: str, administrator: User
    ) -> None:
        busy_month()
        client = Client()
        client.force_login(administrator)
        context = browser.new_context(java_script_enabled=False)
        cookie = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
        page = context.new_page()
        page.goto(f"{site}/costs/")
        expect(page.get_by_role("columnheader", name="m0")).to_be_visible()
        page.get_by_role("combobox", name="User").fill("100000002")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_text("Nothing was spent")).to_be_visible()
        page.get_by_role("link", name="Show it without filters").click()
        page.get_by_role("link", name="Limits of 100000002").click()
        page.get_by_label("Daily limit").fill("7")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("The limits of 100000002 are saved.")).to_be_visible()
        expect(page.locator("#users")).to_contain_text("of $7.00")
        context.close()


class TestFilters:
    def test_a_choice_is_shown_and_in_the_address(
        self, open_page: Callable[..., Page], site: str
    ) -> None:
        busy_month()
        page = open_page()
        page.get_by_label("Model", exact=True).focus()
        page.get_by_label("Model", exact=True).select_option("m3")
        expect(page).to_have_url(f"{site}/costs/?range=30d&model=m3")
        expect(page.get_by_label("Model", exact=True)).to_be_focused()
        expect(page.locator("[data-chart] .u-legend")).to_contain_text("m3")
        expect(page.locator("[data-chart] canvas")).to_be_visible()
        page.get_by_role("link", name="Without the model m3").click()
        expect(page).to_have_url(f"{site}/costs/?range=30d")

    def test_a_name_is_typed_and_entered(self, signed_in: BrowserContext, site: str) -> None:
        busy_month()
        page = signed_in.new_page()  # to leave it ends what it asks for, which htmx reports
        page.goto(f"{site}/costs/?range=7d")
        field = page.get_by_role("combobox", name="User")
        field.fill("100000001")
        field.press("Enter")
        expect(page).to_have_url(f"{site}/costs/?range=7d&user=100000001")
        page.go_back()
        expect(page).to_have_url(f"{site}/costs/?range=7d")
        expect(field).to_have_value("")

    def test_the_records_are_downloaded(self, open_page: Callable[..., Page]) -> None:
        busy_month()
        page = open_page("?model=m3")
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        text = download.value.path().read_text()
        assert text.count(",m3,") == text.count("\n") - 1 > 0


class TestLimits:
    def test_they_are_edited_in_a_dialog_and_shown_at_once(
        self, open_page: Callable[..., Page]
    ) -> None:
        busy_month()
        page = open_page()
        link = page.get_by_role("link", name="Limits of 100000002")
        link.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Limits of 100000002")
        expect(dialog.get_by_label("Daily limit")).to_have_value("5")
        dialog.get_by_label("Daily limit").fill("9")
        page.keyboard.press("Enter")
        expect(dialog.get_by_text("are saved")).to_be_visible()
        expect(page.locator("#users")).to_contain_text("$9.00")
        page.keyboard.press("Escape")
        expect(link).to_be_focused()

    def test_a_fault_is_said_in_place_with_what_was_typed(
        self, signed_in: BrowserContext, site: str
    ) -> None:
        busy_month()
        page = signed_in.new_page()  # the browser itself reports the refusal on its console
        page.goto(f"{site}/costs/")
        page.get_by_role("link", name="Limits of 100000002").click()
        dialog = page.get_by_role("dialog")
        field = dialog.get_by_label("Monthly limit")
        field.evaluate("field => { field.type = 'text'; }")
        field.fill("a lot")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_text("Enter an amount in dollars")).to_be_visible()
        expect(dialog.get_by_label("Daily limit")).to_have_value("5")
        assert SpendingLimit.objects.get(user_id="100000002").monthly_limit_nano is None

    def test_what_is_typed_survives_the_news(self, open_page: Callable[..., Page]) -> None:
        busy_month()
        page = open_page()
        page.get_by_role("link", name="Limits of 100000002").click()
        page.get_by_role("dialog").get_by_label("Daily limit").fill("123")
        spent(99, model="m9")
        expect(page.locator("[data-chart] + details table")).to_contain_text("$99.00")
        expect(page.get_by_role("dialog").get_by_label("Daily limit")).to_have_value("123")


class TestLinks:
    def test_a_session_and_a_model_are_reached_by_key(
        self, open_page: Callable[..., Page], site: str
    ) -> None:
        busy_month()
        page = open_page()
        page.get_by_role("link", name="Work Work").first.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("link", name="m5", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{site}/costs/?range=30d&model=m5")

    def test_figures_that_are_reckoned_say_where_they_lead(
        self, open_page: Callable[..., Page], site: str
    ) -> None:
        spent(3, cache_read_tokens=1_000)
        spent(2, hours=25)
        page = open_page("?range=24h")
        for name in (
            "50.0% more than the 24 hours before",
            "the month so far, on which it rests",
            "the records with tokens of the cache",
        ):
            expect(page.get_by_role("link", name=name)).to_have_count(1)
        page.get_by_role("link", name="than the 24 hours before").press("Enter")
        expect(page.locator("#spend-total strong")).to_have_text("$2.00")


class TestLook:
    def test_no_state_of_it_has_a_fault(self, signed_in: BrowserContext, site: str) -> None:
        busy_month()
        page = signed_in.new_page()
        for query in [*PAGES, "limits/?of=100000001"]:
            page.goto(f"{site}/costs/{query}")
            assert_accessible(page, query)
            assert_fits(page, query, [320, 768, 1440, 3840])

    def test_none_has_one_in_the_dark(self, signed_in: BrowserContext, site: str) -> None:
        busy_month()
        page = signed_in.new_page()
        page.emulate_media(color_scheme="dark")
        for query in [*PAGES, "limits/?of=100000001"]:
            page.goto(f"{site}/costs/{query}")
            assert_accessible(page, query, only=COLOURS)

    def test_an_empty_one_has_no_fault_and_fills_by_itself(
        self, quiet_page: Page, site: str
    ) -> None:
        quiet_page.goto(f"{site}/costs/")
        assert_accessible(quiet_page)
        expect(quiet_page.get_by_text("import_usage PATH")).to_be_visible()
        spent()
        expect(quiet_page.locator("[data-chart] canvas")).to_be_visible()
        expect(quiet_page.get_by_role("heading", name="$1.00 in the last 30 days")).to_be_visible()

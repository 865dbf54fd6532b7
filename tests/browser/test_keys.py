from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from tasks.reporting import report
from tests.browser.looks import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CLOSE_AND_GO_ON = """dialog => new Promise((told) => {
  dialog.addEventListener("close", () => told());
  dialog.close();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "j", bubbles: true}));
})"""


@pytest.fixture
def page(quiet_page: Page, site: str) -> Page:
    """The dashboard with three tasks: One, Two, Three, from the top."""
    now = timezone.now()
    for place, name in enumerate(("One", "Two", "Three")):
        at = now - timedelta(minutes=place)
        report(task_id=name.lower(), at=at, status="running", description=name)
    quiet_page.goto(site)
    return quiet_page


def press(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def row(page: Page, name: str) -> Locator:
    return page.locator("#work").get_by_role("link", name=name, exact=True)


def help_on_keys(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Keys")


class TestRows:
    def test_j_and_k_move_along_them(self, page: Page) -> None:
        press(page, "j")
        expect(row(page, "One")).to_be_focused()
        press(page, "j j")
        expect(row(page, "Three")).to_be_focused()
        press(page, "j")
        expect(row(page, "Three")).to_be_focused()
        press(page, "k k")
        expect(row(page, "One")).to_be_focused()
        assert row(page, "One").evaluate("link => link.matches(':focus-visible')")

    def test_enter_opens_one_and_escape_closes_it_where_one_was(self, page: Page) -> None:
        press(page, "j j Enter")
        opened = page.get_by_role("dialog")
        expect(opened.get_by_role("heading", name="Two")).to_be_visible()
        press(page, "Escape")
        expect(opened).to_have_count(0)
        expect(row(page, "Two")).to_be_focused()
        press(page, "j")
        expect(row(page, "Three")).to_be_focused()

    def test_one_right_after_escape_counts(self, page: Page) -> None:
        """A dialog closes at once but tells of it a frame later, and its row may be a new one."""
        press(page, "j j Enter")
        opened = page.locator("dialog[open]")
        expect(opened.get_by_role("heading", name="Two")).to_be_visible()
        report(task_id="new", at=timezone.now(), status="running", description="New")
        expect(page.locator("#work", has_text="New")).to_have_count(1)
        opened.evaluate(CLOSE_AND_GO_ON)
        expect(row(page, "Three")).to_be_focused()

    @pytest.mark.parametrize("path", ["/errors/", "/docs/"])
    def test_other_lists_have_them_too(self, quiet_page: Page, site: str, path: str) -> None:
        report(task_id="t", at=timezone.now(), status="failed", error="It broke")
        quiet_page.goto(site + path)
        press(quiet_page, "j")
        held = quiet_page.locator("[data-keys] :focus")
        expect(held).to_have_count(1)


class TestSearch:
    def test_a_slash_leads_there_and_escape_leaves_it_with_its_text(self, page: Page) -> None:
        search = page.get_by_role("searchbox")
        press(page, "/")
        expect(search).to_be_focused()
        press(page, "j k")
        expect(search).to_have_value("jk")
        press(page, "Escape")
        expect(search).not_to_be_focused()
        expect(search).to_have_value("jk")


class TestRooms:
    @pytest.mark.parametrize(
        ("letter", "path"), [("s", "/costs/"), ("t", "/tools/"), ("e", "/errors/"), ("o", "/docs/")]
    )
    def test_g_and_a_letter_go_there(self, page: Page, site: str, letter: str, path: str) -> None:
        press(page, f"g {letter}")
        expect(page).to_have_url(site + path)

    def test_a_letter_alone_does_not(self, page: Page, site: str) -> None:
        press(page, "g x e s")
        expect(page).to_have_url(f"{site}/")


class TestHelp:
    def test_a_question_mark_opens_it_and_the_focus_returns(self, page: Page) -> None:
        press(page, "j ?")
        expect(help_on_keys(page)).to_be_visible()
        assert_accessible(page)
        press(page, "Escape")
        expect(help_on_keys(page)).to_have_count(0)
        expect(row(page, "One")).to_be_focused()

    def test_the_menu_opens_it_without_a_key(self, page: Page) -> None:
        menu = page.get_by_role("button", name="admin")
        menu.click()
        page.get_by_role("button", name="Keys").click()
        expect(help_on_keys(page)).to_be_visible()
        help_on_keys(page).get_by_role("button", name="Close").click()
        expect(menu).to_be_focused()

    def test_it_lies_over_an_open_dialog(self, page: Page) -> None:
        press(page, "j Enter")
        expect(page.get_by_role("heading", name="One")).to_be_visible()
        press(page, "?")
        help_on_keys(page).get_by_role("button", name="Close").click()
        expect(page.get_by_role("dialog").get_by_role("heading", name="One")).to_be_visible()

    def test_keys_can_be_turned_off_for_good(self, page: Page) -> None:
        press(page, "?")
        help_on_keys(page).get_by_role("checkbox").uncheck()
        press(page, "Escape")
        page.reload()
        press(page, "j")
        expect(row(page, "One")).not_to_be_focused()
        press(page, "?")
        expect(help_on_keys(page)).to_have_count(0)


class TestReserve:
    @pytest.mark.parametrize("chord", ["Control+j", "Alt+j", "Meta+j"])
    def test_what_belongs_to_the_browser_is_left_to_it(self, page: Page, chord: str) -> None:
        page.keyboard.press(chord)
        expect(row(page, "One")).not_to_be_focused()

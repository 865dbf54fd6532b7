import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.looks import assert_accessible, assert_fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def opened(page: Page, site: str) -> None:
    """The reference with all its operations unfolded."""
    page.goto(f"{site}/reference/")
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")


class TestReference:
    def test_the_menu_leads_to_it_and_its_contents_open_an_operation(
        self, quiet_page: Page, site: str
    ) -> None:
        quiet_page.goto(site)
        quiet_page.get_by_role("button", name="admin").click()
        quiet_page.get_by_role("link", name="API").click()
        expect(quiet_page).to_have_url(f"{site}/reference/")
        example = quiet_page.get_by_label("Example of POST /api/usage", exact=True)
        expect(example).to_be_hidden()
        quiet_page.get_by_role("link", name="POST /api/usage", exact=True).click()
        expect(example).to_be_in_viewport()

    def test_an_operation_opens_by_key(self, quiet_page: Page, site: str) -> None:
        quiet_page.goto(f"{site}/reference/")
        quiet_page.locator("summary").first.focus()
        quiet_page.keyboard.press("Enter")
        expect(quiet_page.locator("details[open]")).to_have_count(1)

    def test_axe_finds_nothing(self, quiet_page: Page, site: str) -> None:
        opened(quiet_page, site)
        assert_accessible(quiet_page)

    def test_it_does_not_scroll_sideways(self, signed_in: BrowserContext, site: str) -> None:
        page = signed_in.new_page()
        opened(page, site)
        assert_fits(page, widths=[320, 768, 1440])

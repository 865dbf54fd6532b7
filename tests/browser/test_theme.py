from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.looks import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCHEME = "getComputedStyle(document.documentElement).colorScheme"
GROUND = "getComputedStyle(document.body).backgroundColor"
COUNT = "window.told = 0; document.addEventListener('theme', () => { window.told += 1; })"


def choose(page: Page, theme: str) -> Locator:
    """Open the menu and take a theme by key; the button that was pressed."""
    menu = page.get_by_role("button", name="admin")
    if menu.is_visible() and not page.locator("#user-menu").is_visible():
        menu.press("Enter")
    button = page.get_by_role("group", name="Theme").get_by_role("button", name=theme)
    button.press("Enter")
    return button


class TestTheme:
    def test_it_changes_at_once_and_stays(self, quiet_page: Page, site: str) -> None:
        quiet_page.emulate_media(color_scheme="light")
        quiet_page.goto(site)
        light = quiet_page.evaluate(GROUND)
        quiet_page.evaluate(COUNT)
        chosen = choose(quiet_page, "Dark")
        expect(chosen).to_have_attribute("aria-pressed", "true")
        assert quiet_page.evaluate(GROUND) != light
        assert quiet_page.evaluate("window.told") == 1  # without a reload
        quiet_page.goto(f"{site}/errors/")
        assert quiet_page.evaluate(SCHEME) == "dark"

    def test_the_system_s_comes_back(self, quiet_page: Page, site: str) -> None:
        quiet_page.goto(site)
        choose(quiet_page, "Light")
        choose(quiet_page, "System")
        assert quiet_page.evaluate(SCHEME) == "light dark"
        quiet_page.reload()
        assert quiet_page.evaluate(SCHEME) == "light dark"

    def test_the_first_paint_is_right(
        self, signed_in: BrowserContext, quiet_page: Page, site: str
    ) -> None:
        """The server draws it: no script is awaited."""
        signed_in.add_cookies([{"name": "theme", "value": "dark", "url": site}])
        quiet_page.route("**/*.js", lambda route: route.abort())
        html = quiet_page.request.get(site).text()
        assert '<html lang="en" data-theme="dark">' in html

    def test_the_administration_agrees(self, quiet_page: Page, site: str) -> None:
        quiet_page.emulate_media(color_scheme="light")
        quiet_page.goto(site)
        choose(quiet_page, "Dark")
        quiet_page.goto(f"{site}/admin/")
        assert quiet_page.evaluate(SCHEME) == "dark"
        quiet_page.get_by_role("button", name="Light").click()
        assert quiet_page.evaluate(SCHEME) == "light"
        quiet_page.goto(site)
        assert quiet_page.evaluate(SCHEME) == "light"

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing_in_the_menu_or_the_administration(
        self, quiet_page: Page, site: str, scheme: Any
    ) -> None:
        quiet_page.emulate_media(color_scheme=scheme)
        quiet_page.goto(site)
        quiet_page.get_by_role("button", name="admin").click()
        assert_accessible(quiet_page)
        quiet_page.goto(f"{site}/admin/")
        assert_accessible(quiet_page, within="#header")


class TestWithoutScript:
    def test_a_form_does_it_before_one_has_signed_in(self, browser: Browser, site: str) -> None:
        context = browser.new_context(java_script_enabled=False, color_scheme="light")
        page = context.new_page()
        page.goto(f"{site}/login/?next=/errors/")
        page.get_by_role("button", name="Dark").click()
        expect(page).to_have_url(f"{site}/login/?next=/errors/")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
        context.close()

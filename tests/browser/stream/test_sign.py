"""The sign that says whether a page is live."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.looks import assert_accessible, assert_fits
from tests.browser.stream.cast import sign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestSign:
    def test_without_script_there_is_none(
        self, browser: Browser, signed_in: BrowserContext, site: str
    ) -> None:
        state = signed_in.storage_state()
        context = browser.new_context(java_script_enabled=False, storage_state=state)
        page = context.new_page()
        page.goto(site)
        expect(page.get_by_role("button", name="admin")).to_be_visible()
        expect(sign(page)).to_be_hidden()
        context.close()

    def test_that_all_is_well_is_not_announced(self, tab: Page) -> None:
        expect(sign(tab)).to_have_attribute("aria-live", "off")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_suits_everyone(self, tab: Page, scheme: Any) -> None:
        User.objects.update(username="somebody.with.a.long.name@example.org")
        tab.emulate_media(color_scheme=scheme)
        tab.reload()
        for state in ("live", "polling", "reconnecting"):
            expect(sign(tab)).to_be_visible()
            tab.evaluate(
                """state => {
                    const sign = document.querySelector("[data-sign]");
                    sign.dataset.sign = state;
                    sign.textContent = sign.getAttribute(`data-when-${state}`);
                }""",
                state,
            )
            assert_fits(tab, state, [1440, 320])
            assert_accessible(tab, state)

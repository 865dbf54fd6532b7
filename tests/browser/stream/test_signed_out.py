"""What pages do when their reader is signed out."""

import pytest
from django.contrib.sessions.models import Session as LoginSession
from playwright.sync_api import Page, expect

from tests.browser.stream.cast import PATIENT, STREAM, Place, hide, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestSignedOut:
    def test_the_tabs_lead_to_the_sign_in_and_ask_no_more(
        self, tabs: list[Page], place: Place, said: list[str]
    ) -> None:
        place.asked.clear()
        LoginSession.objects.all().delete()
        for page in tabs:
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=PATIENT)
        assert place.asked.count(STREAM) <= 2
        assert len([path for path in place.asked if path == "/"]) <= 2 * 4 * 2
        until(lambda: place.streams == 0)

    def test_a_hidden_tab_seeks_nothing(self, tabs: list[Page], place: Place) -> None:
        hide(tabs[1])
        LoginSession.objects.all().delete()
        expect(tabs[0].get_by_role("heading", name="Sign in")).to_be_visible(timeout=PATIENT)
        place.asked.clear()
        tabs[0].reload()
        assert STREAM not in place.asked
        hide(tabs[1], False)
        expect(tabs[1].get_by_role("heading", name="Sign in")).to_be_visible(timeout=PATIENT)

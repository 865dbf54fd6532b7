"""Details within the dialog, and the viewer of attachments."""

import re

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from tasks.reporting import report
from tests.browser.busy import busy_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def await_keys(page: Page, name: str) -> None:
    """Until the page of that attachment has run its scripts: before, it knows no keys."""
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.wait_for_load_state()


class TestViewer:
    def test_arrows_lead_from_picture_to_picture_and_escape_back(
        self, quiet_page: Page, site: str
    ) -> None:
        busy_task()
        quiet_page.goto(f"{site}/tasks/t1/")
        quiet_page.get_by_role("img", name="first.png").click()
        await_keys(quiet_page, "first.png")
        quiet_page.keyboard.press("ArrowRight")
        await_keys(quiet_page, "second.png")
        shown = quiet_page.locator("figure img")
        assert shown.evaluate("image => image.complete && image.naturalWidth") > 100
        quiet_page.keyboard.press("ArrowLeft")
        await_keys(quiet_page, "first.png")
        quiet_page.keyboard.press("Escape")
        expect(quiet_page).to_have_url(f"{site}/tasks/t1/")

    def test_a_document_is_text(self, quiet_page: Page, site: str) -> None:
        busy_task()
        quiet_page.goto(f"{site}/tasks/t1/")
        quiet_page.get_by_role("link", name="notes.md").click()
        expect(quiet_page.locator("pre")).to_have_text("# Notes")


class TestDialog:
    def test_details_lead_to_each_other_without_leaving_the_list(
        self, quiet_page: Page, site: str
    ) -> None:
        busy_task()
        quiet_page.goto(site)
        quiet_page.get_by_role("link", name=re.compile("Mend the import")).first.click()
        dialog = quiet_page.get_by_role("dialog")
        dialog.get_by_role("link", name="A helper").first.click()
        expect(dialog.get_by_role("heading", name="A helper")).to_be_visible()
        dialog.get_by_role("link", name=re.compile("Mend the import")).click()
        expect(dialog.get_by_role("heading", name="Mend the import")).to_be_visible()
        dialog.get_by_role("link", name="Failed only").click()
        expect(dialog.locator(".call")).to_have_count(1)
        assert quiet_page.url.rstrip("/") == site

    def test_escape_leads_from_a_picture_back_before_it_closes(
        self, quiet_page: Page, site: str
    ) -> None:
        busy_task()
        quiet_page.goto(site)
        quiet_page.get_by_role("link", name=re.compile("Mend the import")).first.click()
        dialog = quiet_page.get_by_role("dialog")
        dialog.get_by_role("img", name="first.png").click()
        expect(dialog.get_by_role("heading", name="first.png")).to_be_visible()
        quiet_page.keyboard.press("ArrowRight")
        expect(dialog.get_by_role("heading", name="second.png")).to_be_visible()
        quiet_page.keyboard.press("Escape")
        expect(dialog.get_by_role("heading", name="Mend the import")).to_be_visible()
        quiet_page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

    def test_a_task_that_moved_on_is_said_so(self, signed_in: BrowserContext, site: str) -> None:
        busy_task()
        page = signed_in.new_page()
        page.goto(site)
        page.get_by_role("link", name=re.compile("Mend the import")).first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("link", name="Stop the task").click()
        expect(dialog.get_by_text("Stop this task?")).to_be_visible()
        report(task_id="t1", at=timezone.now(), status="completed")
        dialog.get_by_role("button", name="Stop the task").click()
        expect(dialog.get_by_text("Task t1 is completed; only one that is pending")).to_be_visible()

    def test_what_is_refused_there_is_said_so(
        self, signed_in: BrowserContext, site: str, administrator: User
    ) -> None:
        busy_task()
        page = signed_in.new_page()
        page.goto(site)
        page.get_by_role("link", name=re.compile("Mend the import")).first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("link", name="Stop the task").click()
        expect(dialog.get_by_text("Stop this task?")).to_be_visible()
        User.objects.update(is_superuser=False)
        dialog.get_by_role("button", name="Stop the task").click()
        expect(dialog.get_by_role("heading", name="Not allowed")).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

    def test_a_task_is_stopped_there(self, quiet_page: Page, site: str) -> None:
        busy_task()
        quiet_page.goto(site)
        quiet_page.get_by_role("link", name=re.compile("Mend the import")).first.click()
        dialog = quiet_page.get_by_role("dialog")
        dialog.get_by_role("link", name="Stop the task").click()
        dialog.get_by_role("button", name="Stop the task").click()
        expect(dialog.get_by_text("Task t1 is stopped.")).to_be_visible()

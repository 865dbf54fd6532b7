import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from sessions.recording import record
from tasks.models import Status, Task
from tasks.reporting import report
from tests.browser.busy import busy_task, call
from tests.browser.looks import assert_accessible, assert_fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ASK = "document.dispatchEvent(new Event('stream:news'))"  # what a page does when there is news
PAGES = ["/tasks/t1/", "/tasks/t1/?action=stop", "/tasks/t1/?action=attach", "/tasks/none/"]
PAGES += ["/sessions/s1/", "/sessions/s1/?failed=1", "/tasks/empty/"]


class TestFollowing:
    def test_a_running_task_fills_and_then_asks_no_more(self, quiet_page: Page, site: str) -> None:
        report(task_id="t1", at=timezone.now(), status="running", description="Mend it")
        quiet_page.goto(f"{site}/tasks/t1/")
        expect(quiet_page.get_by_text("No tool calls were reported.")).to_be_visible()
        record([call(1)])
        expect(quiet_page.get_by_text("make step-1").first).to_be_visible()
        report(task_id="t1", at=timezone.now(), status="completed")
        pill = quiet_page.locator("#detail .pill").first
        expect(pill).to_have_text(re.compile("Completed"))
        asked: list[str] = []
        quiet_page.on("request", lambda request: asked.append(request.url))
        quiet_page.evaluate(ASK)
        quiet_page.wait_for_timeout(300)
        assert asked == []

    def test_what_was_opened_stays_open(self, quiet_page: Page, site: str) -> None:
        report(task_id="t1", at=timezone.now(), status="running")
        record([call(1)])
        quiet_page.goto(f"{site}/tasks/t1/")
        quiet_page.get_by_text("make step-1").first.click()
        expect(quiet_page.get_by_text('"command": "make step-1"')).to_be_visible()
        record([call(2)])
        expect(quiet_page.locator(".call")).to_have_count(2)
        expect(quiet_page.get_by_text('"command": "make step-1"')).to_be_visible()
        expect(quiet_page.get_by_text('"command": "make step-2"')).to_be_hidden()

    def test_a_filter_is_kept_by_news(self, quiet_page: Page, site: str) -> None:
        report(task_id="t1", at=timezone.now(), status="running")
        record([call(1), call(2, tool_name="Read", parameters={"file_path": "/a.py"})])
        quiet_page.goto(f"{site}/tasks/t1/")
        quiet_page.get_by_role("link", name="Read 1").click()
        expect(quiet_page).to_have_url(f"{site}/tasks/t1/?tool=Read#timeline")
        expect(quiet_page.locator(".call")).to_have_count(1)
        record([call(3), call(4, tool_name="Read", parameters={"file_path": "/b.py"})])
        expect(quiet_page.locator(".call")).to_have_count(2)

    def test_a_task_that_is_gone_is_said_so_once(
        self, signed_in: BrowserContext, site: str
    ) -> None:
        report(task_id="t1", at=timezone.now(), status="running", description="Mend it")
        page = signed_in.new_page()
        page.goto(site)
        page.get_by_role("link", name="Mend it").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading", name="Mend it")).to_be_visible()
        Task.objects.all().delete()
        expect(dialog.get_by_role("heading", name="No such task")).to_be_visible()
        expect(page).to_have_title("Agent Monitor")
        expect(page.locator("main [data-connection]")).to_be_hidden()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.evaluate(ASK)
        page.wait_for_timeout(300)
        assert [url for url in asked if "/tasks/" in url] == []

    def test_silence_of_the_server_is_told_in_the_dialog_too(
        self, signed_in: BrowserContext, site: str
    ) -> None:
        report(task_id="t1", at=timezone.now(), status="running", description="Mend it")
        page = signed_in.new_page()
        page.goto(site)
        page.get_by_role("link", name="Mend it").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        notice = page.get_by_role("dialog").get_by_text("No answer from the server")
        expect(notice).to_be_hidden()
        signed_in.set_offline(True)
        page.evaluate(ASK)
        expect(notice).to_be_visible()


class TestActions:
    def test_a_task_is_stopped_after_a_question(self, quiet_page: Page, site: str) -> None:
        busy_task()
        quiet_page.goto(f"{site}/tasks/t1/")
        quiet_page.get_by_role("link", name="Stop the task").click()
        expect(quiet_page.get_by_text("Stop this task?")).to_be_visible()
        quiet_page.get_by_role("button", name="Stop the task").click()
        expect(quiet_page.get_by_text("Task t1 is stopped.")).to_be_visible()
        expect(quiet_page.get_by_text("Stopped by admin").first).to_be_visible()
        assert Task.objects.get(pk="t1").status == Status.STOPPED

    def test_the_focus_follows_what_was_done(self, quiet_page: Page, site: str) -> None:
        busy_task()
        quiet_page.goto(f"{site}/tasks/t1/?action=stop")
        quiet_page.get_by_role("button", name="Stop the task").press("Enter")
        expect(quiet_page.get_by_text("Task t1 is stopped.")).to_be_visible()
        expect(quiet_page.get_by_role("heading", level=1)).to_be_focused()

    def test_a_task_that_moved_on_is_said_so(self, signed_in: BrowserContext, site: str) -> None:
        busy_task()
        page = signed_in.new_page()
        page.goto(f"{site}/tasks/t1/?action=stop")
        report(task_id="t1", at=timezone.now(), status="completed")
        page.get_by_role("button", name="Stop the task").click()
        expect(page.get_by_text("Task t1 is completed; only one that is pending")).to_be_visible()

    def test_a_file_is_attached_and_another_refused(
        self, signed_in: BrowserContext, site: str, tmp_path: Path
    ) -> None:
        busy_task()
        page = signed_in.new_page()
        page.goto(f"{site}/tasks/t1/")
        page.get_by_role("link", name="Attach a file").click()
        (tmp_path / "tool.exe").write_bytes(b"MZ\0")
        page.get_by_label("A screenshot or a document").set_input_files(tmp_path / "tool.exe")
        page.get_by_role("button", name="Attach").click()
        expect(page.get_by_text("tool.exe: only pictures")).to_be_visible()
        (tmp_path / "more.md").write_text("# More")
        page.get_by_label("A screenshot or a document").set_input_files(tmp_path / "more.md")
        page.get_by_role("button", name="Attach").click()
        expect(page.get_by_text("more.md is attached.")).to_be_visible()
        expect(page.get_by_role("link", name="more.md")).to_be_visible()


class TestWithoutScript:
    def test_everything_works(self, browser: Browser, site: str, administrator: Any) -> None:
        busy_task("failed")
        client = Client()
        client.force_login(administrator)
        context = browser.new_context(java_script_enabled=False)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"{site}/tasks/t1/")
        page.get_by_role("link", name="Failed only").click()
        expect(page.locator(".call")).to_have_count(1)
        page.locator(".call summary").click()
        expect(page.get_by_text('"command": "make step-2"')).to_be_visible()
        page.get_by_role("img", name="first.png").click()
        page.get_by_role("link", name="Next").click()
        page.get_by_role("link", name="Back to the task").click()
        page.get_by_role("link", name="Mark fixed").click()
        page.get_by_role("button", name="Mark fixed").click()
        expect(page.get_by_text("is marked fixed")).to_be_visible()
        page.get_by_role("link", name="A helper").first.click()
        expect(page.get_by_role("heading", name="A helper")).to_be_visible()
        context.close()


class TestForEveryone:
    @pytest.mark.parametrize("scheme", ["dark"])
    def test_axe_finds_nothing(self, signed_in: BrowserContext, site: str, scheme: Any) -> None:
        found = busy_task()
        views = [
            f"/attachments/{pk}/view/" for pk in found.attachments.values_list("pk", flat=True)
        ]
        page = signed_in.new_page()
        page.emulate_media(color_scheme=scheme)
        for path in [*PAGES, *views[1:]]:
            page.goto(site + path)
            assert_accessible(page, path)

    @pytest.mark.parametrize("scheme", ["dark"])
    def test_axe_finds_nothing_in_a_failure(
        self, signed_in: BrowserContext, site: str, scheme: Any
    ) -> None:
        busy_task("failed")
        page = signed_in.new_page()
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{site}/tasks/t1/?action=mark_fixed")
        page.locator(".call summary").first.click()
        assert_accessible(page)

    def test_no_page_scrolls_sideways(self, signed_in: BrowserContext, site: str) -> None:
        found = busy_task()
        page = signed_in.new_page()
        for path in [*PAGES, f"/attachments/{found.attachments.all()[0].pk}/view/"]:
            page.goto(site + path)
            assert_fits(page, path, [320, 768, 1440])

    def test_every_call_can_be_opened_by_key(self, quiet_page: Page, site: str) -> None:
        busy_task()
        quiet_page.goto(f"{site}/tasks/t1/")
        quiet_page.locator(".call summary").first.focus()
        quiet_page.keyboard.press("Enter")
        expect(quiet_page.get_by_text('"command": "make step-6"')).to_be_visible()

"""The faults of the dashboard this one replaces: each is shown not to happen here.

The numbers are those under which the faults are known: 7 to 10 are wrong figures and views, 11
concerns times, 15 and 17 the pages, 18 the reading of hook logs. What only a browser can show
stands in tests/browser.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from costs import ledger, windows
from costs.limits import check_limits, set_user_limits
from monitor.overview import overview
from monitor.periods import Period
from sessions import statistics
from sessions.events import SessionEvent, ToolEnded, ToolStarted
from sessions.models import Session, ToolCall
from sessions.recording import record
from tasks.models import Task
from tasks.reporting import report

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def period(label: str = "24h") -> Period:
    return Period.parse(label, NOW)


def called(
    id: str, at: datetime, success: bool | None = True, session: str = "s", **fields: Any
) -> None:
    """A call of Bash that began at `at` and, unless `success` is None, took a second."""
    known = {"session_key": session, "tool_use_id": id, "tool_name": "Bash"} | fields
    error = known.pop("error", "" if success is not False else "boom")
    record([ToolStarted(**known, at=at)])
    if success is not None:
        end = at + timedelta(seconds=1)
        record([ToolEnded(**known, at=end, success=success, error=error)])


def text(client: Client, address: str) -> str:
    """What a reader sees of a page: without tags, blanks drawn together."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


class TestFault7:
    def test_tools_that_succeed_do_not_show_as_failed(self) -> None:
        for number in range(4):
            called(str(number), NOW - HOUR, success=number > 0)
        (bash,) = statistics.tools(period().start, period().end).tools
        assert (bash.calls, bash.failures) == (4, 1)

    def test_the_errors_of_a_tasks_tools_show_on_the_task(self, signed_in: Client) -> None:
        report(task_id="t", at=NOW - HOUR, status="running")
        called("1", NOW - HOUR, False, task_id="t", error="No such file: /w/a.py")
        assert "No such file: /w/a.py" in text(signed_in, "/tasks/t/")

    def test_errors_are_neither_cut_at_ten_nor_dated_by_creation(self) -> None:
        for number in range(12):
            report(task_id=f"new-{number}", at=NOW - 3 * DAY, status="pending")
            report(task_id=f"new-{number}", at=NOW - HOUR, status="failed", error="boom")
        report(task_id="old", at=NOW - 3 * DAY, status="failed", error="boom")
        assert overview(period()).errors == 12

    def test_what_completed_long_ago_is_not_of_the_last_day(self) -> None:
        report(task_id="old", at=NOW - 3 * DAY, status="completed")
        report(task_id="new", at=NOW - HOUR, status="completed")
        assert overview(period()).completed == 1
        assert overview(period("7d")).completed == 2

    def test_a_call_told_by_its_start_and_its_end_counts_once(self) -> None:
        called("1", NOW - HOUR)
        assert overview(period()).tool_calls == ToolCall.objects.count() == 1

    def test_a_task_is_not_counted_as_a_session(self) -> None:
        report(task_id="t", at=NOW - HOUR, status="running")
        called("1", NOW - HOUR, session="t", task_id="t")
        called("2", NOW - HOUR, session="a-session")
        assert overview(period()).sessions == 1

    def test_there_is_one_scale_of_success(self, signed_in: Client) -> None:
        for number in range(4):
            end = "failed" if number == 0 else "completed"
            report(task_id=str(number), at=NOW - HOUR, status=end)
        assert overview(period()).success_rate == 0.75
        assert "Success Rate 75.0%" in text(signed_in, "/")

    def test_a_task_and_its_session_tell_the_same_counts(self, signed_in: Client) -> None:
        report(task_id="t", at=NOW - HOUR, status="running")
        for number in range(3):
            called(str(number), NOW - HOUR, number > 0, task_id="t")
        for address in ("/tasks/t/", "/sessions/s/"):
            assert signed_in.get(address).content.decode().count('class="call ok"') == 2
            assert signed_in.get(address).content.decode().count('class="call failed"') == 1


class TestFault8:
    def spend(self, at: datetime, **fields: Any) -> None:
        known = {"user_id": "ada", "model": "claude-haiku-4-5", "input_tokens": 1_000_000}
        ledger.record_usage(**known | {"output_tokens": 0, "timestamp": at} | fields)

    def test_days_and_months_begin_anew_by_themselves(self) -> None:
        set_user_limits("ada", daily=1, monthly=1)
        self.spend(NOW - HOUR)
        assert not check_limits("ada").allowed
        with time_machine.travel(NOW + 4 * DAY, tick=False):
            assert check_limits("ada").allowed

    def test_an_unknown_model_has_no_invented_price(self) -> None:
        self.spend(NOW - HOUR, model="mystery")
        assert windows.spend(period().start, period().end) == windows.Spend(1, 0)

    def test_cache_tokens_cost(self) -> None:
        self.spend(NOW - HOUR, input_tokens=0, cache_read_tokens=1_000_000)
        assert windows.spend(period().start, period().end).cost_nano > 0

    def test_a_window_holds_more_than_a_thousand_records(self) -> None:
        for _ in range(1_001):
            self.spend(NOW - HOUR, cost=1)
        assert windows.spend(period().start, period().end).requests == 1_001

    def test_the_label_of_the_cost_names_its_range(self, signed_in: Client) -> None:
        self.spend(NOW - 3 * DAY)
        assert "API Cost (24h) $0.00" in text(signed_in, "/")
        assert "API Cost (7d) $1.00" in text(signed_in, "/?range=7d")


class TestFault9:
    def test_calls_of_a_tasks_session_show_on_the_task(self, signed_in: Client) -> None:
        report(task_id="t", at=NOW - HOUR, status="running")
        session = "16fd9350-d887-414f-af2f-b235f0bec729"
        called("1", NOW - HOUR, session=session, task_id="t", parameters={"command": "make it"})
        assert "make it" in text(signed_in, "/tasks/t/")
        assert session not in text(signed_in, "/?show=all")

    def test_screenshots_and_documents_of_a_task_are_found(self, signed_in: Client) -> None:
        report(task_id="t", at=NOW - HOUR, status="running")
        task = Task.objects.get()
        shot, paper = task.attach("page.png", PNG), task.attach("notes.md", b"# Notes")
        assert "notes.md" in text(signed_in, "/tasks/t/")
        for attachment, content in ((shot, PNG), (paper, b"# Notes")):
            answer: Any = signed_in.get(f"/attachments/{attachment.pk}/")
            assert b"".join(answer) == content
            attachment.file.delete()


class TestFault10:
    def test_the_log_shows_the_time_of_each_line(self, signed_in: Client) -> None:
        for minutes in (5, 10):
            at = NOW - timedelta(minutes=minutes)
            report(task_id="t", at=at, message=f"line of {minutes} minutes ago")
        html = signed_in.get("/tasks/t/").content.decode()
        assert 'datetime="2026-03-29T12:29:56+00:00"' in html
        assert html.index("line of 5 minutes") < html.index("line of 10 minutes")

    def test_the_plan_is_the_latest(self, signed_in: Client) -> None:
        for number, status in enumerate(["pending", "in_progress", "completed"]):
            todos = {"todos": [{"content": "Test it", "status": status, "activeForm": "Testing"}]}
            at = NOW - HOUR + timedelta(seconds=number)
            called(str(number), at, tool_name="TodoWrite", parameters=todos)
        assert "1 of 1 done" in text(signed_in, "/sessions/s/")

    def test_different_commands_in_a_row_are_all_shown(self, signed_in: Client) -> None:
        for number in range(3):
            called(str(number), NOW - HOUR, parameters={"command": f"make part-{number}"})
        page = text(signed_in, "/sessions/s/")
        assert [f"make part-{number}" in page for number in range(3)] == [True] * 3

    def test_screenshots_stay_when_calls_arrive(self, signed_in: Client) -> None:
        report(task_id="t", at=NOW - HOUR, status="running")
        shot = Task.objects.get().attach("page.png", PNG)
        called("1", NOW - HOUR, task_id="t")
        html = signed_in.get("/tasks/t/").content.decode()
        assert f"/attachments/{shot.pk}/" in html
        assert 'class="call ok"' in html
        shot.file.delete()


class TestFault11:
    def test_a_length_across_a_clock_change_is_that_of_the_clock_of_the_world(self) -> None:
        """In Berlin the night of 2026-03-29 has no hour from two to three."""
        begun = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
        report(task_id="t", at=begun, status="running")
        report(task_id="t", at=begun + HOUR, status="completed")
        assert Task.objects.get().duration == HOUR

    def test_times_of_any_zone_and_precision_sort_as_instants(self) -> None:
        for text_ in ("2026-03-29T12:00:00Z", "2026-03-29T13:59:59.5+02:00"):
            at = datetime.fromisoformat(text_)
            record([SessionEvent(session_key=text_.replace("+", " "), at=at)])
        newest = Session.objects.order_by("-last_activity_at").values_list("key", flat=True)
        assert newest[0] == "2026-03-29T12:00:00Z"

    def test_the_browser_gets_every_time_with_its_offset(self, signed_in: Client) -> None:
        report(task_id="t", at=NOW - HOUR, status="running")
        called("1", NOW - HOUR, task_id="t")
        for address in ("/", "/tasks/t/", "/sessions/s/"):
            times = re.findall(r'datetime="([^"]+)"', signed_in.get(address).content.decode())
            assert times
            assert all(time.endswith("+00:00") for time in times)


class TestFault15:
    @pytest.fixture(autouse=True)
    def many(self) -> None:
        for number in range(33):
            at = NOW - timedelta(minutes=number + 40)
            report(task_id=f"task-{number}", at=at, status="completed", description=f"T {number}")
            called("1", at - timedelta(seconds=30), session=f"session-{number}")

    def rows(self, client: Client, query: str) -> list[str]:
        html = client.get(f"/?{query}").content.decode()
        return re.findall(r'<a href="(/(?:tasks|sessions)/[^/]+/)', html)

    def test_tasks_and_sessions_are_paged_together(self, signed_in: Client) -> None:
        pages = [self.rows(signed_in, f"show=completed&page={n}") for n in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [20, 20, 20, 6]
        assert len({row for page in pages for row in page}) == 66
        assert "Page 1 of 4" in text(signed_in, "/?show=completed")

    def test_the_badge_is_the_length_of_the_list_of_all(self, signed_in: Client) -> None:
        report(task_id="waiting", at=NOW, status="pending")
        for show in ("active", "completed", "failed", "all"):
            page = text(signed_in, f"/?show={show}")
            assert "34 tasks, 33 sessions" in page
            assert "All 67" in page

    def test_every_state_has_its_list(self, signed_in: Client) -> None:
        for state in ("pending", "running", "failed", "stopped"):
            report(task_id=state, at=NOW, status=state)
        assert self.rows(signed_in, "show=active") == ["/tasks/pending/", "/tasks/running/"]
        assert self.rows(signed_in, "show=failed") == ["/tasks/failed/", "/tasks/stopped/"]

    def test_there_is_a_search(self, signed_in: Client) -> None:
        assert self.rows(signed_in, "show=all&q=session-7") == ["/sessions/session-7/"]


class TestFault17:
    def test_rows_are_links_that_a_keyboard_reaches(self, signed_in: Client) -> None:
        report(task_id="t", at=NOW, status="running")
        html = signed_in.get("/").content.decode()
        link = next(tag for tag in re.findall(r"<a [^>]+>", html) if "/tasks/t/" in tag)
        assert 'hx-get="/tasks/t/' in link
        assert "tabindex" not in link

    def test_a_slow_answer_does_not_replace_a_newer_one(self, signed_in: Client) -> None:
        report(task_id="t", at=NOW, status="running")
        html = signed_in.get("/").content.decode()
        link = next(tag for tag in re.findall(r"<a [^>]+>", html) if "/tasks/t/" in tag)
        search = next(tag for tag in re.findall(r"<(?:input|form)[^>]+>", html) if "hx-get" in tag)
        assert "hx-sync=" in link
        assert "hx-sync=" in search

    def test_silence_of_the_server_has_its_place_on_the_page(self, signed_in: Client) -> None:
        assert "data-connection" in signed_in.get("/").content.decode()


class TestFault18:
    def test_hook_logs_count_by_their_lines(self, tmp_path: Path) -> None:
        folder = tmp_path / "sessions" / "0001"
        folder.mkdir(parents=True)
        line = '{"tool": "Bash", "timestamp": null, "output_length": 0, "has_error": false}\n'
        log = folder / "post_tool_use.jsonl"
        log.write_text(line * 3 + '{"tool": "Ba')
        (folder / "summary.json").write_text('{"total_tools_used": 1, "tools_by_type": {}}')
        long_ago = (timezone.now() - 400 * DAY).timestamp()
        os.utime(folder, (long_ago, long_ago))
        call_command("import_hook_logs", tmp_path / "sessions", stdout=StringIO())
        assert ToolCall.objects.filter(tool_name="Bash", success=True).count() == 3
        with log.open("a") as file:
            file.write('sh", "timestamp": null}\n' + line)
        call_command("import_hook_logs", tmp_path / "sessions", stdout=StringIO())
        assert ToolCall.objects.filter(tool_name="Bash", success=True).count() == 5

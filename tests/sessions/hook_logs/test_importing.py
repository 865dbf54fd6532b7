from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions.events import SessionEvent
from sessions.hook_logs import Options, Refused, Report, folder_import, import_logs
from sessions.hook_logs.bookmarks import Bookmarks
from sessions.models import FileAccess, HookLog, Session, ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.recording import record
from tests.sessions.hook_logs.writing import POST, PRE, Logs, at, post, pre

pytestmark = pytest.mark.django_db


def calls(*fields: str) -> list[Any]:
    rows = ToolCall.objects.order_by("id")
    return list(rows.values_list(*fields, flat=len(fields) == 1))


def everything() -> list[Any]:
    tables = (Session, ToolCall, ToolDay, ToolHour, ToolMonth, FileAccess, HookLog)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def figures(report: Report) -> tuple[int, int, int, int]:
    counts = report.counts
    return counts.pre, counts.post, counts.added, counts.completed


class TestCalls:
    def test_a_start_and_its_end_are_one_call(self, logs: Logs) -> None:
        logs.session("s", [pre(0, parameters={"command": "ls"})], [post(1.5)])
        assert figures(import_logs(logs.root)) == (1, 1, 1, 0)
        call = ToolCall.objects.get()
        assert (call.session.key, call.tool_use_id, call.tool_name) == ("s", "pre:1", "Bash")
        assert (call.started_at, call.finished_at, call.duration_ms) == (at(0), at(1.5), 1500)
        assert (call.success, call.error, call.parameters) == (True, "", {"command": "ls"})
        assert call.session.source == "hook-log"

    def test_a_start_without_end_is_open_and_an_end_without_start_finished(
        self, logs: Logs
    ) -> None:
        logs.session("s", [pre(0, "Read")], [post(1, "Bash")])
        import_logs(logs.root)
        assert calls("tool_use_id", "success", "duration_ms") == [
            ("pre:1", None, None),
            ("post:1", True, None),
        ]

    def test_numbers_are_those_of_the_lines_in_the_file(self, logs: Logs) -> None:
        logs.session("s", ["", "42", pre(0), pre(5)], ["", post(7, "Read")])
        import_logs(logs.root)
        assert calls("tool_use_id") == ["pre:3", "pre:4", "post:2"]

    def test_a_start_a_few_seconds_late_has_no_duration(self, logs: Logs) -> None:
        logs.session("s", [pre(4)], [post(0)])
        import_logs(logs.root)
        call = ToolCall.objects.get()
        assert (call.started_at, call.finished_at, call.duration_ms) == (at(0), at(0), None)

    def test_a_blocked_call_failed_and_leaves_the_ends_to_others(self, logs: Logs) -> None:
        logs.session("s", [pre(0), pre(1, status="blocked")], [post(2)])
        report = import_logs(logs.root)
        assert report.counts.blocked == 1
        assert sorted(calls("tool_use_id", "success", "error", "duration_ms")) == [
            ("pre:1", True, "", 2000),
            ("pre:2", False, "Blocked by a hook", None),
        ]
        assert Session.objects.get().failures == 1

    def test_only_an_error_text_is_a_failure(self, logs: Logs) -> None:
        logs.session("s", [], [post(0, has_error=True), post(1, error="No such file")])
        report = import_logs(logs.root)
        assert calls("success", "error") == [(True, ""), (False, "No such file")]
        assert report.notes["has_error flags without an error: not believed"] == 1

    def test_durations_and_parameters_of_an_end_are_taken(self, logs: Logs) -> None:
        end = post(9, duration=152.0, parameters={"file_path": "/w/a.py"}, output_preview="{'a'")
        logs.session("s", [], [end])
        import_logs(logs.root)
        assert calls("duration_ms", "file_path") == [(152, "/w/a.py")]

    def test_a_fault_of_the_hook_is_no_call_but_news_of_the_session(self, logs: Logs) -> None:
        failure = pre(60, "unknown", status="error", error="secret words")
        logs.session("s", [pre(0), failure], [])
        report = import_logs(logs.root)
        assert calls("tool_use_id") == ["pre:1"]
        assert report.places == [f"s/{PRE} line 2: the hook tells of its own failure"]
        assert Session.objects.get().last_activity_at == at(60)

    def test_parameters_are_kept_without_secrets_and_within_bounds(self, logs: Logs) -> None:
        told = {"-n": True, "nested": {"api_key": "sesame"}, "content": "x" * 200_000}
        logs.session("s", [pre(0, "mcp__disk__write", parameters=told)], [])
        import_logs(logs.root)
        (parameters,) = calls("parameters")
        assert parameters["-n"] is True
        assert "sesame" not in json.dumps(parameters)
        assert len(json.dumps(parameters)) < 20_000

    def test_numbers_and_letters_no_database_holds_do_no_harm(self, logs: Logs) -> None:
        raw = r'{"tool": "Bash", "parameters": {"a": NaN, "b": 1e999, "c": "\ud800\u0000"}}'
        logs.session("s", [raw], [])
        import_logs(logs.root)
        assert len(calls("parameters")) == 1


class TestSessions:
    def test_the_folder_names_the_session_whatever_the_lines_say(self, logs: Logs) -> None:
        logs.session("test", [pre(0, session_uuid="other", session_id="x")], [])
        import_logs(logs.root)
        assert Session.objects.get().key == "test"

    def test_the_first_task_told_is_its_task(self, logs: Logs) -> None:
        told = [pre(0, task_id=None), pre(1, task_id="first"), pre(2, task_id="second")]
        logs.session("s", told, [])
        import_logs(logs.root)
        assert Session.objects.get().task_id == "first"
        logs.append("s", PRE, pre(3, task_id="third"))
        import_logs(logs.root)
        assert Session.objects.get().task_id == "first"

    def test_a_task_known_already_stays(self, logs: Logs) -> None:
        record([SessionEvent(session_key="s", at=at(-60), task_id="known")])
        logs.session("s", [pre(0, task_id="other")], [])
        import_logs(logs.root)
        assert Session.objects.get().task_id == "known"

    def test_an_agent_that_is_known_is_told(self, logs: Logs) -> None:
        logs.session("s", [], [post(0, agent="code_agent"), post(1, agent="unknown")])
        import_logs(logs.root)
        assert Session.objects.get().agent == "code_agent"

    def test_a_log_of_nothing_but_rubbish_makes_no_session(self, logs: Logs) -> None:
        logs.session("s", ["42"], [])
        assert import_logs(logs.root).lines[0].unreadable == 1
        assert not Session.objects.exists()


class TestTimes:
    def test_a_line_without_a_time_has_that_of_the_line_before(self, logs: Logs) -> None:
        logs.session("s", [pre(0), pre(None, "Read"), pre(9)], [])
        report = import_logs(logs.root)
        assert calls("started_at") == [at(0), at(0), at(9)]
        assert report.notes["lines without a time: dated by the line before"] == 1

    def test_else_that_of_the_next_line_that_has_one(self, logs: Logs) -> None:
        logs.session("s", [pre(None), "42", pre(None, "Read"), pre(9)], [])
        report = import_logs(logs.root)
        assert calls("started_at") == [at(9)] * 3
        assert report.notes["lines without a time: dated by the next one that has one"] == 2

    def test_else_that_of_the_file(self, logs: Logs) -> None:
        os.utime(logs.append("s", PRE, pre(None)), (at(60).timestamp(),) * 2)
        report = import_logs(logs.root)
        assert calls("started_at") == [at(60)]
        assert report.notes["lines without a time: dated by the last change of the file"] == 1

    @pytest.mark.parametrize(("seconds", "year"), [(-1e9, 1970), (1e11, 2025)])
    def test_a_file_changed_at_no_possible_time_is_no_obstacle(
        self, logs: Logs, seconds: float, year: int
    ) -> None:
        os.utime(logs.append("s", PRE, pre(None)), (seconds, seconds))
        with time_machine.travel(at(0)):
            import_logs(logs.root)
        assert [time.year for time in calls("started_at")] == [year]

    def test_a_time_that_is_made_up_makes_no_duration(self, logs: Logs) -> None:
        for name, changed, line in ((PRE, 0, pre(None)), (POST, 60, post(None))):
            os.utime(logs.append("s", name, line, line), (at(changed).timestamp(),) * 2)
        import_logs(logs.root)
        assert calls("tool_use_id", "duration_ms") == [("pre:1", None), ("pre:2", None)]
        assert ToolMonth.objects.get().timed == 0

    def test_after_a_pause_the_line_before_still_counts(self, logs: Logs) -> None:
        logs.append("s", PRE, pre(None, "Read"), pre(3))
        import_logs(logs.root)
        logs.append("s", PRE, pre(None), pre(9))
        import_logs(logs.root)
        assert calls("started_at") == [at(3), at(3), at(3), at(9)]


class TestUnreadable:
    def test_such_lines_are_named_and_the_rest_is_kept(self, logs: Logs) -> None:
        logs.append_bytes("s", PRE, b'{"tool": "Ba\n\n42\n{"tool": "\xff"}\n')
        logs.append("s", PRE, pre(0))
        (line,) = import_logs(logs.root).lines
        assert (line.counts.pre, line.unreadable, line.torn) == (1, 3, 0)
        assert calls("tool_use_id") == ["pre:5"]

    def test_the_report_names_twenty_and_says_nothing_of_what_they_hold(self, logs: Logs) -> None:
        logs.append("s", PRE, *['{"password": "sesame"'] * 23, pre(0))
        report = import_logs(logs.root)
        assert report.places[0] == f"s/{PRE} line 1: is no JSON"
        assert (len(report.places), report.more_places) == (20, 3)
        assert "sesame" not in repr(report)

    def test_a_torn_last_line_is_read_when_it_is_whole(self, logs: Logs) -> None:
        whole = pre(5, "Read").encode()
        logs.append("s", PRE, pre(0))
        logs.append_bytes("s", PRE, whole[:20])
        (line,) = import_logs(logs.root).lines
        assert (line.counts.pre, line.unreadable, line.torn) == (1, 0, 1)
        logs.append_bytes("s", PRE, whole[20:] + b"\n")
        (line,) = import_logs(logs.root).lines
        assert (line.counts.pre, line.unreadable, line.torn) == (1, 0, 0)
        assert calls("tool_use_id", "tool_name") == [("pre:1", "Bash"), ("pre:2", "Read")]

    def test_a_whole_last_line_needs_no_newline(self, logs: Logs) -> None:
        logs.append_bytes("s", PRE, pre(0).encode())
        import_logs(logs.root)
        logs.append_bytes("s", PRE, b"\n" + pre(1).encode() + b"\n")
        assert figures(import_logs(logs.root)) == (1, 0, 1, 0)
        assert calls("tool_use_id") == ["pre:1", "pre:2"]

    def test_what_follows_a_line_already_read_is_named(self, logs: Logs) -> None:
        logs.append_bytes("s", PRE, pre(0).encode())
        import_logs(logs.root)
        logs.append_bytes("s", PRE, b"{}\n")
        report = import_logs(logs.root)
        assert report.places == [f"s/{PRE} line 1: goes on behind what was read of it before"]


class TestGrowth:
    def test_the_same_logs_again_add_nothing(self, logs: Logs) -> None:
        logs.session("s", [pre(0), pre(5)], [post(1)])
        import_logs(logs.root)
        before = everything()
        assert figures(import_logs(logs.root)) == (0, 0, 0, 0)
        assert everything() == before

    def test_an_end_completes_a_call_of_an_earlier_import(self, logs: Logs) -> None:
        logs.session("s", [pre(0), pre(5)], [post(1)])
        import_logs(logs.root)
        logs.append("s", POST, post(9))
        assert figures(import_logs(logs.root)) == (0, 1, 0, 1)
        assert calls("tool_use_id", "finished_at") == [("pre:1", at(1)), ("pre:2", at(9))]

    def test_a_start_found_later_completes_the_call_of_its_end(self, logs: Logs) -> None:
        logs.session("s", [], [post(9)])
        import_logs(logs.root)
        logs.append("s", PRE, pre(0, parameters={"command": "ls"}))
        assert figures(import_logs(logs.root)) == (1, 0, 0, 1)
        assert calls("tool_use_id", "duration_ms", "parameters") == [
            ("post:1", 9000, {"command": "ls"})
        ]

    def test_parameters_tell_a_call_of_an_earlier_import(self, logs: Logs) -> None:
        told = {"command": "ls", "api_key": "sesame"}
        logs.session("s", [pre(0, parameters=told), pre(5, parameters={"command": "pwd"})], [])
        import_logs(logs.root)
        logs.append("s", POST, post(9, parameters=told))
        import_logs(logs.root)
        assert calls("tool_use_id", "success") == [("pre:1", True), ("pre:2", None)]

    @pytest.mark.parametrize(
        ("content", "name"),
        [(b"", PRE), (pre(1).encode() + b"\n" + pre(2).encode() + b"\n", PRE)],
        ids=["shorter", "another"],
    )
    def test_another_file_of_that_name_is_refused_and_the_others_are_read(
        self, logs: Logs, content: bytes, name: str
    ) -> None:
        path = logs.append("one", name, pre(0))
        logs.append("two", name, pre(0))
        import_logs(logs.root)
        path.write_bytes(content)
        logs.append("two", name, pre(1))
        report = import_logs(logs.root)
        assert figures(report) == (1, 0, 1, 0)
        assert "does not begin with what was read" in report.refused["one"]
        assert Counter(calls("session__key")) == {"one": 1, "two": 2}

    def test_a_log_that_is_gone_takes_nothing_with_it(self, logs: Logs) -> None:
        logs.session("s", [pre(0)], [post(1)])
        import_logs(logs.root)
        (logs.root / "s" / PRE).unlink()
        logs.append("s", POST, post(2))
        assert figures(import_logs(logs.root)) == (0, 1, 1, 0)

    def test_a_dry_run_reports_the_same_and_writes_nothing(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_import, "BATCH", 3)
        for key in ("one", "two"):
            logs.session(key, [pre(n) for n in range(9)], [post(n + 0.5) for n in range(7)])
        dry = import_logs(logs.root, Options(dry_run=True))
        assert not Session.objects.exists()
        assert dry == import_logs(logs.root)


class TestBatches:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folder_import, "BATCH", 7)
        monkeypatch.setattr(folder_import, "AHEAD", 2)

    def test_many_come_to_the_same_as_one(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        starts = [pre(n, ["Bash", "Read"][n % 2], parameters={"n": n}) for n in range(60)]
        logs.session("s", starts, [post(n + 0.5, ["Bash", "Read"][n % 2]) for n in range(0, 60, 3)])
        import_logs(logs.root)
        rows = sorted(calls("tool_use_id", "started_at", "duration_ms", "parameters__n"))
        Session.objects.all().delete()
        monkeypatch.setattr(folder_import, "BATCH", 1000)
        import_logs(logs.root)
        assert sorted(calls("tool_use_id", "started_at", "duration_ms", "parameters__n")) == rows

    def test_what_was_committed_before_a_fault_is_not_read_again(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        logs.session("s", [pre(n) for n in range(40)], [])
        with monkeypatch.context() as patch:
            patch.setattr(folder_import, "record", _failing_after(2))
            report = import_logs(logs.root)
        assert report.refused == {"s": "cannot be read: Input/output error"}
        first = report.counts.added
        assert 0 < first == ToolCall.objects.count() < 40
        assert figures(import_logs(logs.root)) == (40 - first, 0, 40 - first, 0)
        assert len(set(calls("tool_use_id"))) == 40

    @pytest.mark.parametrize("batches", range(1, 9, 2))
    def test_an_import_that_was_cut_off_goes_on_as_if_it_had_not_been(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch, batches: int
    ) -> None:
        ends = [post(n + 1.5, "Read" if n % 3 else "Bash") for n in range(40)]
        starts = [pre(n, "Read" if n % 4 else "Bash") for n in range(40)]
        fields = ("tool_use_id", "tool_name", "started_at", "finished_at")
        logs.session("s", [*starts[:20], "42", *starts[20:]], ends)
        import_logs(logs.root)
        whole = sorted(calls(*fields), key=str)
        Session.objects.all().delete()
        with monkeypatch.context() as patch:
            patch.setattr(folder_import, "record", _failing_after(batches))
            assert import_logs(logs.root).refused
        assert 0 < ToolCall.objects.count() < len(whole)
        import_logs(logs.root)
        assert sorted(calls(*fields), key=str) == whole

    def test_two_imports_of_one_log_do_not_both_count(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        logs.session("s", [pre(n) for n in range(40)], [])

        def interrupted(self: Bookmarks, error: str) -> int:
            monkeypatch.undo()
            logs.append("s", POST, post(100))
            import_logs(logs.root)
            return self.finished(error)

        monkeypatch.setattr(Bookmarks, "finished", interrupted)
        with pytest.raises(Refused, match="another import is at work on it"):
            import_logs(logs.root)
        assert ToolCall.objects.count() == 40
        assert ToolCall.objects.filter(success=True).count() == 1

    def test_a_start_with_a_time_far_off_does_not_hide_those_behind_it(self, logs: Logs) -> None:
        starts = [pre(0), pre(10**9), pre(1), pre(2)]
        logs.session("s", starts, [post(1.5), post(2.5)])
        import_logs(logs.root)
        assert ToolCall.objects.filter(success=True).count() == 2

    def test_memory_is_bounded_by_bytes_too(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes = []
        monkeypatch.setattr(folder_import, "BATCH", 1000)
        monkeypatch.setattr(folder_import, "AHEAD", 1000)
        monkeypatch.setattr(folder_import, "BATCH_BYTES", 10_000)
        monkeypatch.setattr(folder_import, "AHEAD_BYTES", 5_000)
        monkeypatch.setattr(
            folder_import, "record", lambda events: sizes.append(len(events)) or record(events)
        )
        logs.session("s", [pre(n, parameters={"text": "x" * 1000}) for n in range(50)], [])
        import_logs(logs.root)
        assert max(sizes) < 20
        assert ToolCall.objects.count() == 50

    @pytest.mark.parametrize("seconds", [None, 100])
    def test_many_starts_before_an_end_are_committed_without_it(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch, seconds: float | None
    ) -> None:
        logs.session("s", [pre(n) for n in range(30)], [post(seconds, "Read")])
        monkeypatch.setattr(folder_import, "record", _failing_after(2))
        import_logs(logs.root)
        marks = dict(HookLog.objects.values_list("name", "lines"))
        assert marks[POST] == 0
        assert marks[PRE] == ToolCall.objects.count() > 10

    def test_the_queries_of_a_batch_do_not_grow_with_its_lines(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_import, "BATCH", 1000)
        monkeypatch.setattr(folder_import, "AHEAD", 50)
        counts = []
        for key, many in (("one", 3), ("two", 50)):  # as many rows as SQLite inserts at once
            logs.session(key, [pre(n) for n in range(many)], [post(n + 0.5) for n in range(many)])
            with CaptureQueriesContext(connection) as queries:
                import_logs(logs.root)
            counts.append(len(queries))
        # Of the folder that has no news, its session and its marks are asked for.
        assert counts[1] == counts[0] + 2


def _failing_after(batches: int) -> Any:
    done = []

    def recorded(events: Any) -> Any:
        if len(done) == batches:
            raise OSError(5, "Input/output error")
        done.append(1)
        return record(events)

    return recorded


class TestFolders:
    def test_only_folders_of_its_own_with_a_log_are_sessions(
        self, logs: Logs, tmp_path: Path
    ) -> None:
        logs.session("s", [pre(0)], [])
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / PRE).write_text(pre(0) + "\n")
        (logs.root / "link").symlink_to(outside)
        (logs.root / "empty").mkdir()
        (logs.root / "linked-log").mkdir()
        (logs.root / "linked-log" / PRE).symlink_to(outside / PRE)
        (logs.root / "a-file").write_text("{}")
        report = import_logs(logs.root)
        assert list(Session.objects.values_list("key", flat=True)) == ["s"]
        assert report.notes["symbolic links: not followed"] == 2
        assert report.notes["folders without a log: passed over"] == 2

    def test_what_is_no_file_is_refused_without_waiting_for_it(self, logs: Logs) -> None:
        logs.session("s", [pre(0)], [])
        (logs.root / "pipe").mkdir()
        os.mkfifo(logs.root / "pipe" / PRE)
        (logs.root / "folder" / POST).mkdir(parents=True)
        report = import_logs(logs.root)
        assert report.refused == {"pipe": f"{PRE} is no file", "folder": f"{POST} is no file"}
        assert Session.objects.count() == 1

    @pytest.mark.parametrize("key", ["a\nb", "x" * 201, os.fsdecode(b"\xff")])
    def test_a_name_that_recording_refuses_is_named(self, logs: Logs, key: str) -> None:
        logs.session("s", [pre(0)], [])
        logs.session(key, [pre(0)], [])
        report = import_logs(logs.root)
        assert report.refused[key].startswith("cannot be recorded: session_key: ")
        assert Session.objects.count() == 1

    def test_a_summary_is_a_hint_and_no_more(self, logs: Logs) -> None:
        logs.session("s", [pre(0), pre(1, status="blocked")], [post(1), post(2)])
        summary = logs.root / "s" / "summary.json"
        summary.write_text('{"task_id": "s", "total_tools_used": 1}')
        assert import_logs(logs.root).hints == [f"s: summary.json says 1, {POST} has 2"]
        logs.append("s", POST, post(3))
        summary.write_text('{"total_tools_used": 3}')
        assert import_logs(logs.root).hints == []

    @pytest.mark.parametrize("text", ["", '{"total', "[]", "{}", '{"total_tools_used": "1"}'])
    def test_a_summary_that_tells_nothing_is_no_fault(self, logs: Logs, text: str) -> None:
        logs.session("s", [], [post(1)])
        (logs.root / "s" / "summary.json").write_text(text)
        assert import_logs(logs.root).hints == []

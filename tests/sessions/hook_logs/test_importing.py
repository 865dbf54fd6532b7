"""The calls and the sessions that an import makes of the lines."""

from __future__ import annotations

import json

import pytest

from sessions.events import SessionEvent
from sessions.hook_logs import import_logs
from sessions.models import Session, ToolCall
from sessions.recording import record
from tests.sessions.hook_logs.taken import calls, figures
from tests.sessions.hook_logs.writing import PRE, Logs, at, post, pre

pytestmark = pytest.mark.django_db


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

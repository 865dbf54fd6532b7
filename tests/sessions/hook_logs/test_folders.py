"""Which folders are sessions, and what is passed over or refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sessions.hook_logs import import_logs
from sessions.models import Session
from tests.sessions.hook_logs.writing import POST, PRE, Logs, post, pre

pytestmark = pytest.mark.django_db


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

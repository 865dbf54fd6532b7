"""Logs that are imported again, with more lines or others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sessions.hook_logs import Options, folder_import, import_logs
from sessions.models import FileAccess, HookLog, Session, ToolCall, ToolDay, ToolHour, ToolMonth
from tests.sessions.hook_logs.taken import calls, figures
from tests.sessions.hook_logs.writing import POST, PRE, Logs, at, post, pre

pytestmark = pytest.mark.django_db


def everything() -> list[Any]:
    tables = (Session, ToolCall, ToolDay, ToolHour, ToolMonth, FileAccess, HookLog)
    return [list(table.objects.order_by("pk").values()) for table in tables]


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

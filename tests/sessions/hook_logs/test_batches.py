"""An import goes on in batches, also after a fault."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions.hook_logs import Refused, folder_import, import_logs
from sessions.hook_logs.bookmarks import Bookmarks
from sessions.models import HookLog, Session, ToolCall
from sessions.recording import record
from tests.sessions.hook_logs.taken import calls, figures
from tests.sessions.hook_logs.writing import POST, PRE, Logs, post, pre

pytestmark = pytest.mark.django_db


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

"""When the calls were whose lines tell no time."""

from __future__ import annotations

import os

import pytest
import time_machine

from sessions.hook_logs import import_logs
from sessions.models import ToolMonth
from tests.sessions.hook_logs.taken import calls
from tests.sessions.hook_logs.writing import POST, PRE, Logs, at, post, pre

pytestmark = pytest.mark.django_db


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

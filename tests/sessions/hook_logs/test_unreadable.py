"""Lines that cannot be read, or not yet."""

from __future__ import annotations

import pytest

from sessions.hook_logs import import_logs
from tests.sessions.hook_logs.taken import calls, figures
from tests.sessions.hook_logs.writing import PRE, Logs, pre

pytestmark = pytest.mark.django_db


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

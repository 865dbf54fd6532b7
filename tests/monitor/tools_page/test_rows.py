"""The table of the tools, a row each."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from monitor.tools.address import SORTS
from monitor.tools.figures import Change, ToolName, worst
from sessions.statistics import Point, Tool
from tests.monitor.cast import called, tell
from tests.monitor.tools_page.cast import DAY, failed, html, page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestNames:
    @pytest.mark.parametrize(
        ("full", "server", "short"),
        [
            ("Bash", "", "Bash"),
            ("mcp__files__read_all", "files", "read_all"),
            ("mcp__a__b__c", "a", "b__c"),
            ("mcp__alone", "", "mcp__alone"),
            ("mcp__", "", "mcp__"),
        ],
    )
    def test_a_tool_of_a_server_is_told_apart(self, full: str, server: str, short: str) -> None:
        assert (ToolName(full).server, ToolName(full).short) == (server, short)


class TestWorst:
    def test_it_fails_most_often_of_those_called_often(self) -> None:
        rows = (Tool("a", 100, 5, 1, 1), Tool("b", 2, 2, 1, 1), Tool("c", 50, 5, 1, 1))
        assert worst(rows) == {"c"}

    def test_nobody_is_where_nothing_failed(self) -> None:
        assert worst((Tool("a", 100, 0, 1, 1),)) == worst(()) == frozenset()


class TestRows:
    def test_they_tell_calls_failures_and_durations(self) -> None:
        tell([called(n, 10 * n, duration_ms=100 * n) for n in range(1, 20)])
        failed(50, 3)
        (row,) = page().rows
        assert (row.tool.calls, row.tool.failures, row.is_worst) == (20, 1, True)
        assert (row.p50, row.p95) == (timedelta(seconds=1), timedelta(milliseconds=1900))

    def test_the_change_is_against_the_range_before(self) -> None:
        tell([called(n, 5) for n in range(3)] + [called(n, DAY + 5) for n in range(10, 12)])
        tell([called(90, 5, tool_name="Read")])
        changes = {row.tool.name: row.change for row in page().rows}
        assert changes == {"Bash": Change(3, 2), "Read": Change(1, 0)}
        assert page("range=all").rows[0].change is None

    @pytest.mark.parametrize(
        ("label", "count", "words"),
        [
            ("24h", 25, "2026-03-29 12:00"),
            ("7d", 8, "2026-03-29"),
            ("30d", 31, "2026-03-29"),
            ("all", 3, "2026-03"),
        ],
    )
    def test_the_trend_has_a_point_for_each_hour_day_or_month(
        self, label: str, count: int, words: str
    ) -> None:
        tell([called(1, 5), called(2, 60 * DAY)])
        failed(3)
        (row,) = page(f"range={label}").rows
        assert len(row.points) == count
        assert row.points[-1] == (words, Point(2, 1))
        assert f"most in the {'month' if label == 'all' else ''}".strip() in row.trend_words

    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            ("calls", ["Many", "Bad", "Slow"]),
            ("failures", ["Bad", "Many", "Slow"]),
            ("rate", ["Bad", "Many", "Slow"]),
            ("p95", ["Slow", "Many", "Bad"]),
            ("name", ["Bad", "Many", "Slow"]),
        ],
    )
    def test_they_are_sorted_as_asked(self, signed_in: Client, sort: str, order: list[str]) -> None:
        tell([called(n, tool_name="Many", duration_ms=50) for n in range(5)])
        for n in range(2):
            failed(10 + n, tool_name="Bad", duration_ms=5)
        tell([called(20, tool_name="Slow", duration_ms=9_000)])
        assert [row.tool.name for row in page(f"sort={sort}").rows] == order
        shown = html(signed_in, f"?sort={sort}")
        (marked,) = re.findall(r'<th[^>]*aria-sort="(\w+)"[^>]*><a href="([^"]*)', shown)
        assert marked[0] == ("ascending" if sort == "name" else "descending")
        assert len(re.findall("<thead>.*?</thead>", shown, re.DOTALL)) >= 1
        assert all(f"sort={name}" in shown for name in SORTS if name != "calls")

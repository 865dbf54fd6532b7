from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from sessions import pruning, statistics
from sessions.durations import nearest_rank
from sessions.events import SessionEvent, ToolEnded, ToolStarted
from sessions.models import FileAccess, Session, ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.recording import record
from sessions.spans import floor_hour
from sessions.statistics import EXACT_UP_TO, Point, Statistics, Tool, count, sums, tools
from tasks.instants import EPOCH, FOREVER
from tests.examples import examples

BASE = datetime(2025, 12, 1, tzinfo=UTC)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
BOUND = 0.008

pytestmark = pytest.mark.django_db


class Entry(NamedTuple):
    """One call. Without an outcome it still runs, and has no duration."""

    tool: str
    start: datetime
    success: bool | None = True
    duration: int | None = None

    def events(self, id: str) -> list[SessionEvent]:
        known = {"session_key": "s", "tool_use_id": id, "tool_name": self.tool}
        if self.success is None:
            return [ToolStarted(at=self.start, **known)]
        end = self.start + timedelta(milliseconds=self.duration or 0)
        return [ToolEnded(at=end, success=self.success, duration_ms=self.duration, **known)]


def store(entries: Sequence[Entry]) -> None:
    record([event for n, entry in enumerate(entries) for event in entry.events(str(n))])


def brute(entries: Sequence[Entry], start: datetime, end: datetime) -> list[Tool]:
    """The truth the slow way: one look at every call."""
    of_tool: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if start <= entry.start < end:
            of_tool[entry.tool].append(entry)
    rows = [
        Tool(
            name,
            len(calls),
            sum(call.success is False for call in calls),
            *(nearest_rank(_durations(calls), q) for q in (0.5, 0.95)),
        )
        for name, calls in of_tool.items()
    ]
    return sorted(rows, key=lambda tool: (-tool.calls, tool.name))


def _durations(calls: Sequence[Entry]) -> list[int]:
    return sorted(call.duration for call in calls if call.duration is not None)


def at(days: float) -> datetime:
    return BASE + days * DAY


# Close to the ends of days and months, over a quarter of a year.
instants = st.builds(
    lambda day, shift: at(day) + shift,
    st.sampled_from([0, 0.5, 1, 4, 8, 30, 31, 31.25, 45, 61, 62, 89, 90]),
    st.sampled_from([timedelta(0), timedelta(0), -INSTANT, INSTANT, timedelta(hours=7)]),
)
outcomes = st.one_of(
    st.tuples(st.none(), st.none()),
    st.tuples(st.booleans(), st.none()),
    st.tuples(st.booleans(), st.integers(0, 300) | st.integers(0, 10**9)),
)
entries = st.builds(
    lambda tool, start, outcome: Entry(tool, start, *outcome),
    st.sampled_from(["Bash", "Read", "Edit"]),
    instants,
    outcomes,
)
ends = instants | st.sampled_from([EPOCH, FOREVER])


def near(told: float | None, exact: float | None) -> bool:
    if told is None or exact is None:
        return told is exact
    return abs(told - exact) <= BOUND * exact


class TestAgainstBruteForce:
    @settings(
        max_examples=examples(60),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        told=st.lists(entries, max_size=25),
        ranges=st.lists(st.tuples(ends, ends), min_size=4, max_size=8),
    )
    def test_every_range_tells_what_the_calls_do(
        self, told: list[Entry], ranges: list[tuple[datetime, datetime]]
    ) -> None:
        for table in (ToolDay, ToolHour, ToolMonth, FileAccess, ToolCall, Session):
            table.objects.all().delete()
        store(told)
        for start, end in ranges:
            expected, found = brute(told, start, end), tools(start, end)
            assert found.exact
            assert list(found.tools) == expected
            assert [tool.mean for tool in found.tools] == [
                mean(told, start, end, tool.name) for tool in expected
            ]
            assert count(start, end) == found.calls == sum(tool.calls for tool in expected)
            told_apart = sums(start, end)
            assert {name: (tool.calls, tool.failures) for name, tool in told_apart.items()} == {
                tool.name: (tool.calls, tool.failures) for tool in expected
            }

    @settings(
        max_examples=examples(40),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        told=st.lists(entries, max_size=25),
        pruned=st.lists(entries, max_size=15),
        start=ends.map(floor_hour),
        end=ends.map(floor_hour),
        by=st.sampled_from([ToolHour, ToolDay, ToolMonth]),
    )
    def test_histograms_and_trends_tell_the_same_and_of_what_was_pruned_too(
        self, told: list[Entry], pruned: list[Entry], start: datetime, end: datetime, by: Any
    ) -> None:
        for table in (ToolDay, ToolHour, ToolMonth, FileAccess, ToolCall, Session):
            table.objects.all().delete()
        store(pruned)
        list(pruning.prune(datetime.now(UTC)))
        store(told)
        if pruned:
            assert ToolCall.objects.count() == len(told)
        everything = told + pruned
        expected, found = brute(everything, start, end), tools(start, end, by=by)
        for tool, truth in zip(found.tools, expected, strict=True):
            assert _figures(tool) == _figures(truth)
            assert near(tool.p50, truth.p50)
            assert near(tool.p95, truth.p95)
            assert tool.mean == mean(everything, start, end, tool.name)
            assert sum(point.calls for point in tool.trend.values()) == tool.calls
            assert tool.trend == trend(everything, start, end, tool.name, by)
            (alone,) = tools(start, end, by=by, name=tool.name).tools
            assert (_figures(alone), alone.trend) == (_figures(tool), tool.trend)


def mean(entries: Sequence[Entry], start: datetime, end: datetime, name: str) -> float | None:
    known = _durations([e for e in entries if e.tool == name and start <= e.start < end])
    return sum(known) / len(known) if known else None


def trend(
    entries: Sequence[Entry], start: datetime, end: datetime, name: str, by: Any
) -> dict[datetime, Point]:
    calls: dict[datetime, list[bool]] = defaultdict(list)
    for entry in entries:
        if entry.tool == name and start <= entry.start < end:
            calls[by.unit.floor(entry.start)].append(entry.success is False)
    return {unit: Point(len(failed), sum(failed)) for unit, failed in calls.items()}


def _figures(tool: Tool) -> tuple[str, int, int]:
    return tool.name, tool.calls, tool.failures


class TestTools:
    def test_nothing_was_called(self) -> None:
        assert tools(at(0), at(1)) == tools(EPOCH, FOREVER) == Statistics((), exact=True)

    def test_a_range_that_ends_before_it_starts_holds_nothing(self) -> None:
        store([Entry("Bash", at(1))])
        assert tools(at(2), at(0)).tools == ()
        assert count(at(2), at(0)) == count(at(1), at(1)) == 0

    def test_the_most_called_comes_first_and_then_the_name(self) -> None:
        store([Entry(tool, at(0)) for tool in ["Read", "Grep", "Edit", "Read", "Edit"]])
        assert [tool.name for tool in tools(at(0), at(1)).tools] == ["Edit", "Read", "Grep"]

    def test_it_adds_up(self) -> None:
        store([Entry("Bash", at(0), n % 4 != 0, n) for n in range(1, 21)] + [Entry("Read", at(0))])
        bash = Tool("Bash", calls=20, failures=5, p50=10, p95=19)
        found = tools(at(0), at(1))
        assert found.tools[0] == bash
        assert bash.failure_rate == 0.25
        assert (found.calls, found.failures) == (21, 5)

    @pytest.mark.parametrize("end", [at(1), at(60)])
    def test_an_unknown_duration_counts_as_a_call_but_not_in_percentiles(
        self, end: datetime
    ) -> None:
        store([Entry("Bash", at(0), None), Entry("Bash", at(0), False), Entry("Read", at(0), True)])
        record(Entry("Bash", at(0), True, 100).events("x"))
        assert tools(at(0), end).tools == (
            Tool("Bash", 3, 1, 100, 100),
            Tool("Read", 1, 0, None, None),
        )

    def test_few_calls_are_told_exactly_and_many_are_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert EXACT_UP_TO == 2_000
        monkeypatch.setattr(statistics, "EXACT_UP_TO", 3)
        store([Entry("Bash", at(n), True, 1_001) for n in range(3)])
        assert tools(at(0), at(9)) == Statistics((Tool("Bash", 3, 0, 1_001, 1_001),), exact=True)
        record(Entry("Bash", at(3), True, 1_001).events("x"))
        assert tools(at(0), at(9)) == Statistics(
            (Tool("Bash", 4, 0, 1_003.5, 1_003.5),), exact=False
        )

    def test_a_range_may_be_given_in_any_zone(self) -> None:
        store([Entry("Bash", at(0)), Entry("Bash", at(31) - INSTANT), Entry("Bash", at(31))])
        tokyo = timezone(timedelta(hours=9))
        assert tools(at(0).astimezone(tokyo), at(31).astimezone(tokyo)).calls == 2
        assert count(at(0).astimezone(tokyo), at(31).astimezone(tokyo)) == 2

    @pytest.mark.parametrize(
        ("start", "end"), [(at(0), at(31)), (at(0.5), at(45)), (at(31), at(62))]
    )
    def test_percentiles_know_nothing_of_calls_outside(
        self, start: datetime, end: datetime
    ) -> None:
        inside = [Entry("Bash", instant, True, 10) for instant in (start, end - INSTANT)]
        outside = [Entry("Bash", instant, True, 99) for instant in (start - INSTANT, end)]
        store(inside + outside * 20)
        assert tools(start, end).tools == (Tool("Bash", 2, 0, 10, 10),)

    def test_long_ranges_are_within_the_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Many calls of every length in three months: each percentile against the exact one."""
        told = [
            Entry("Bash", at(n % 90), True, int(1.02**n) * (n % 7 + 1)) for n in range(1, 1_000)
        ]
        monkeypatch.setattr(statistics, "EXACT_UP_TO", 0)
        store(told)
        (found,), (truth,) = tools(at(0), at(90)).tools, brute(told, at(0), at(90))
        assert near(found.p50, truth.p50)
        assert near(found.p95, truth.p95)
        assert found.p95 != truth.p95  # so the bound was of use

    def test_what_was_pruned_is_still_counted(self) -> None:
        store([Entry("Bash", at(0.5), False, 50)])
        list(pruning.prune(at(1)))
        assert not ToolCall.objects.exists()
        assert tools(EPOCH, FOREVER).tools == (Tool("Bash", 1, 1, 50, 50),)
        assert count(EPOCH, FOREVER) == 1


class TestQueries:
    @pytest.mark.parametrize(("limit", "queries"), [(EXACT_UP_TO, 2), (10, 1)])
    @pytest.mark.parametrize(
        ("start", "end"),
        [(at(0.51), at(7.52)), (at(0), at(31)), (EPOCH, FOREVER), (at(0.51), at(70.52))],
    )
    def test_all_pieces_are_read_together(
        self,
        start: datetime,
        end: datetime,
        limit: int,
        queries: int,
        monkeypatch: pytest.MonkeyPatch,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        monkeypatch.setattr(statistics, "EXACT_UP_TO", limit)
        store([Entry(tool, at(n), True, n) for n in range(80) for tool in ("Bash", "Read")])
        with django_assert_num_queries(queries):
            tools(start, end)
        with django_assert_num_queries(1):
            count(start, end)

    def test_no_range_takes_no_query(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(0):
            assert count(at(0), at(0)) == 0

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
    def test_nothing_that_grows_is_scanned(self) -> None:
        with CaptureQueriesContext(connection) as captured:
            tools(at(0.51), at(70.52))
            count(at(0.51), at(70.52))
        with connection.cursor() as cursor:
            for query in captured:
                plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}").fetchall())
                assert "COVERING INDEX toolcall_between" in plan
                assert "SCAN" not in plan

"""Logs imported as they grow come to what they come to when imported as a whole."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.hook_logs import Report, import_logs
from sessions.models import FileAccess, Session, ToolCall, ToolDay, ToolHour, ToolMonth
from tests.examples import examples
from tests.sessions.hook_logs.writing import Logs, post, pre

SKEW = 10
TOOLS = st.sampled_from(["Bash", "Read"])
PARAMETERS = st.sampled_from([{}, {"command": "ls"}, {"file_path": "/w/a.py", "token": "sesame"}])
Timed = tuple[float | None, str]

slowly = settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def log(draw: st.DrawFn, write: Any, *, all_timed: bool) -> list[Timed]:
    """Lines with their times: in order, but for whole seconds among microseconds."""
    times = st.sampled_from([n / 2 for n in range(80)])
    dated = draw(st.lists(st.tuples(times, TOOLS, PARAMETERS), max_size=10))
    dated.sort(key=itemgetter(0))
    lines = [(time, write(time, tool, parameters=told)) for time, tool, told in dated]
    if all_timed:
        return lines
    for place, tool in draw(st.lists(st.tuples(st.integers(0, 10), TOOLS), max_size=5)):
        lines.insert(place, (None, write(None, tool)))
    return lines


def imported(logs: Logs, *parts: tuple[Sequence[str], Sequence[str]]) -> list[Report]:
    reports = []
    for starts, ends in parts:
        logs.session("s", list(starts), list(ends))
        reports.append(import_logs(logs.root))
    return reports


def clear() -> None:
    for table in (Session, ToolDay, ToolHour, ToolMonth):
        table.objects.all().delete()


def totals() -> Counter[tuple[str, bool]]:
    return Counter(
        (tool, finished is not None)
        for tool, finished in ToolCall.objects.values_list("tool_name", "finished_at")
    )


def rows() -> dict[str, list[Any]]:
    def of(table: Any, *order: str) -> list[Any]:
        found = table.objects.order_by(*order).values()
        return [{k: v for k, v in row.items() if k not in ("id", "session_id")} for row in found]

    return {
        "sessions": of(Session, "key"),
        "calls": of(ToolCall, "tool_use_id"),
        "days": of(ToolDay, "tool_name", "day"),
        "hours": of(ToolHour, "tool_name", "hour"),
        "months": of(ToolMonth, "tool_name", "month"),
        "files": of(FileAccess, "path"),
    }


def texts(lines: Sequence[Timed]) -> list[str]:
    return [text for _, text in lines]


@pytest.mark.django_db
class TestSteps:
    @slowly
    @given(
        starts=log(pre, all_timed=False),
        ends=log(post, all_timed=False),
        cuts=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=3),
    )
    def test_wherever_the_logs_are_cut_there_are_as_many_calls(
        self, starts: list[Timed], ends: list[Timed], cuts: list[tuple[int, int]]
    ) -> None:
        clear()
        with tempfile.TemporaryDirectory() as folder:
            (report,) = imported(Logs(Path(folder)), (texts(starts), texts(ends)))
        at_once, counts = totals(), report.counts
        assert counts.added == ToolCall.objects.count()
        assert ToolCall.objects.filter(finished_at__isnull=False).count() == len(ends)
        assert counts.added >= max(len(starts), len(ends))
        clear()
        with tempfile.TemporaryDirectory() as folder:
            reports = imported(Logs(Path(folder)), *steps(texts(starts), texts(ends), cuts))
        assert totals() == at_once
        assert sum(report.counts.added for report in reports) == counts.added

    @slowly
    @given(
        starts=log(pre, all_timed=True),
        ends=log(post, all_timed=True),
        cuts=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=3),
    )
    def test_cut_as_they_can_have_grown_they_come_to_the_same_rows(
        self, starts: list[Timed], ends: list[Timed], cuts: list[tuple[int, int]]
    ) -> None:
        """A start is written before its end, so no end is read before what may be its start."""
        grown = [(max(first, _written(starts, ends[:second])), second) for first, second in cuts]
        found = []
        for parts in ([], grown):
            clear()
            with tempfile.TemporaryDirectory() as folder:
                imported(Logs(Path(folder)), *steps(texts(starts), texts(ends), parts))
            found.append(rows())
        assert found[0] == found[1]


def _written(starts: Sequence[Timed], ends: Sequence[Timed]) -> int:
    """How many starts stand in their log when those ends stand in theirs."""
    last = max((time for time, _ in ends if time is not None), default=-SKEW - 1)
    return sum(time is not None and time <= last + SKEW for time, _ in starts)


def steps(
    starts: Sequence[str], ends: Sequence[str], cuts: Sequence[tuple[int, int]]
) -> list[tuple[Sequence[str], Sequence[str]]]:
    """The parts by which the logs grow from cut to cut, up to their whole."""
    parts, first, second = [], 0, 0
    for to_start, to_end in [*sorted(cuts), (len(starts), len(ends))]:
        to_start, to_end = max(first, to_start), max(second, to_end)
        parts.append((starts[first:to_start], ends[second:to_end]))
        first, second = to_start, to_end
    return parts

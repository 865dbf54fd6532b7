"""How often tools were called, how often that failed and how long it took, over any range.

Calls, failures and means are exact: whole months, days and hours of UTC come from the rollups, what
is left at the edges of a range from the calls themselves. So are percentiles (sessions.durations)
where calls are few; those of many are within 0.8 %. The rollups outlive the calls they count; at
an edge, less than an hour long, only calls that are still stored are seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import BinaryField, Case, CharField, QuerySet, Sum, Value, When
from django.db.models.functions import Cast, Coalesce

from sessions.durations import bucket, nearest_rank, quantile, unpacked
from sessions.models import ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.models.rollup import ToolSums
from sessions.rollups import COLUMNS, Sums
from sessions.spans import Span

EXACT_UP_TO = 2_000  # calls: so many are read one by one as fast as their histograms
LEVELS: tuple[type[ToolSums], ...] = (ToolMonth, ToolDay, ToolHour)

Piece = tuple[type[ToolSums] | None, Span]
"""A part of a range: whole units of a rollup, or an edge that the calls themselves must tell."""


class Point(NamedTuple):
    calls: int
    failures: int


@dataclass(frozen=True, slots=True)
class Tool:
    """The calls of one tool in a range; percentiles in ms, None where no duration is known.

    Calls that still run, or whose end was never reported, count as calls.
    """

    name: str
    calls: int
    failures: int
    p50: float | None
    p95: float | None
    mean: float | None = field(default=None, compare=False)
    durations: Mapping[int, int] = field(default_factory=dict, compare=False, repr=False)
    trend: Mapping[datetime, Point] = field(default_factory=dict, compare=False, repr=False)

    @property
    def failure_rate(self) -> float:
        """A share of 1."""
        return self.failures / self.calls


@dataclass(frozen=True, slots=True)
class Statistics:
    """The tools called in a range, the most called first; `exact` speaks of the percentiles."""

    tools: tuple[Tool, ...]
    exact: bool

    @property
    def calls(self) -> int:
        return sum(tool.calls for tool in self.tools)

    @property
    def failures(self) -> int:
        return sum(tool.failures for tool in self.tools)


@dataclass(slots=True)
class Tally(Sums):
    """One tool while it is counted: `known` are its durations one by one, in order."""

    known: Sequence[int] = ()
    trend: dict[datetime, Point] = field(default_factory=dict)

    def told(self, name: str) -> Tool:
        p50, p95 = self._percentile(0.5), self._percentile(0.95)
        mean = self.total_ms / self.timed if self.timed else None
        return Tool(name, self.calls, self.failures, p50, p95, mean, self.durations, self.trend)

    def _percentile(self, q: float) -> float | None:
        return nearest_rank(self.known, q) if self.known else quantile(self.durations, q)

    def grow(self, start: datetime, calls: int, failures: int) -> None:
        here = self.trend.get(start, Point(0, 0))
        self.trend[start] = Point(here.calls + calls, here.failures + failures)


def tools(
    start: datetime, end: datetime, *, by: type[ToolSums] = ToolMonth, name: str = ""
) -> Statistics:
    """The tools called in [start, end), two aware datetimes, or only the one called `name`.

    Each has a trend with a point for every unit of the rollup `by` in which it was called.
    """
    tallies: dict[str, Tally] = defaultdict(Tally)
    for tool, at, calls, failures, timed, total_ms, durations in _read(start, end, by, name):
        buckets = unpacked(durations)
        if timed and not buckets:  # a call by itself
            buckets = {bucket(total_ms): 1}
        tally = tallies[tool]
        tally.add(Sums(calls, failures, timed, total_ms, buckets))
        tally.grow(by.unit.floor(_instant(at)), calls, failures)
    exact = _look_closer(tallies, start, end, name)
    rows = [tally.told(tool) for tool, tally in tallies.items() if tally.calls]
    return Statistics(tuple(sorted(rows, key=lambda tool: (-tool.calls, tool.name))), exact)


def sums(start: datetime, end: datetime) -> dict[str, Sums]:
    """By tool, without the histograms: as quick to tell for years as for a day."""
    found: dict[str, Sums] = defaultdict(Sums)
    for tool, calls, failures, timed, total_ms in _union(
        map(_summed, _pieces((start, end), LEVELS))
    ):
        found[tool].add(Sums(int(calls), int(failures), int(timed), int(total_ms)))
    return dict(found)


def count(start: datetime, end: datetime) -> int:
    """How many tool calls began in [start, end)."""
    return sum(tool.calls for tool in sums(start, end).values())


def _pieces(span: Span, levels: Sequence[type[ToolSums]]) -> Iterator[Piece]:
    """What a range is made of: whole units of the first level, and the rest of the next ones."""
    if not levels:
        yield None, span
        return
    whole, edges = levels[0].unit.cut(span)
    if whole:
        yield levels[0], whole
    for edge in edges:
        yield from _pieces(edge, levels[1:])


def _read(start: datetime, end: datetime, by: type[ToolSums], name: str) -> Iterator[Any]:
    """Rows of rollups, and each call at an edge as one more: in one query."""
    pieces = _pieces((start, end), LEVELS[LEVELS.index(by) :])
    parts = [_calls(span) if table is None else _units(table, span) for table, span in pieces]
    return _union(part.filter(tool_name=name) if name else part for part in parts)


def _units(table: type[ToolSums], span: Span) -> QuerySet[Any, Any]:
    start = Cast(table.key, CharField())
    return table.objects.within(span).values_list("tool_name", start, *COLUMNS, "durations")


def _calls(span: Span) -> QuerySet[Any, Any]:
    return ToolCall.objects.between(*span).values_list(
        "tool_name",
        Value(span[0].isoformat(), CharField()),
        Value(1),
        Case(When(success=False, then=1), default=0),
        Case(When(duration_ms=None, then=0), default=1),
        Coalesce("duration_ms", 0),
        Value(b"", BinaryField()),
    )


def _summed(piece: Piece) -> QuerySet[Any, Any]:
    table, span = piece
    if table is None:
        return ToolCall.objects.between(*span).counted()
    rows = table.objects.within(span).order_by().values_list("tool_name")
    return rows.annotate(*map(Sum, COLUMNS))


def _union(parts: Iterable[QuerySet[Any, Any]]) -> Iterator[Any]:
    first, *others = [*parts] or [ToolCall.objects.none()]
    return iter(first.union(*others, all=True) if others else first)


def _instant(text: str) -> datetime:
    """An hour, or the beginning of a day or month, as both databases write it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _look_closer(tallies: Mapping[str, Tally], start: datetime, end: datetime, name: str) -> bool:
    """Let few calls tell their durations themselves; whether that made the percentiles exact.

    Where some were pruned, the histograms know better.
    """
    if sum(tally.calls for tally in tallies.values()) > EXACT_UP_TO:
        return False
    known: dict[str, list[int]] = defaultdict(list)
    calls = ToolCall.objects.between(start, end).filter(duration_ms__isnull=False)
    rows: Any = (calls.of_tool(name) if name else calls).order_by("duration_ms")
    for tool, duration in rows.values_list("tool_name", "duration_ms"):
        known[tool].append(duration)
    if any(tally.timed != len(known[tool]) for tool, tally in tallies.items()):
        return False
    for tool, tally in tallies.items():
        tally.known = known[tool]
    return True

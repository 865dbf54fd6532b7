"""How often tools were called, how often that failed and how long it took, over any range.

Calls and failures are exact for every range: whole UTC days come from ToolDay, the edges from the
calls. Percentiles (sessions.durations) of up to seven days come from the calls; those of longer
ranges are within 0.8 %, since whole UTC months come from ToolDuration. Only what is still stored
as a call can be told at an edge, while the rollups outlive the calls.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Q, Sum

from sessions.durations import bucket, nearest_rank, quantile
from sessions.models import ToolCall, ToolDay, ToolDuration

DAY = timedelta(days=1)
EXACT_FOR = timedelta(days=7, minutes=1)  # a week that ends with the current minute
MEDIAN, HIGH = 0.5, 0.95

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Tool:
    """The calls of one tool in a range; percentiles in milliseconds, None where none is known.

    Calls that still run, or never reported an end, count as calls.
    """

    name: str
    calls: int
    failures: int
    p50: float | None
    p95: float | None

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
class Tally:
    """What is known of one tool while it is being counted."""

    calls: int = 0
    failures: int = 0
    durations: list[int] = field(default_factory=list)
    buckets: Counter[int] = field(default_factory=Counter)

    def percentile(self, q: float, *, exact: bool) -> float | None:
        return nearest_rank(self.durations, q) if exact else quantile(self.buckets, q)


def tools(start: datetime, end: datetime) -> Statistics:
    """The tools called in [start, end), both aware."""
    exact = end - start <= EXACT_FOR
    tallies = _from_calls(start, end) if exact else _from_rollups(start, end)
    rows = [
        Tool(
            name,
            tally.calls,
            tally.failures,
            tally.percentile(MEDIAN, exact=exact),
            tally.percentile(HIGH, exact=exact),
        )
        for name, tally in tallies.items()
        if tally.calls
    ]
    return Statistics(tuple(sorted(rows, key=lambda tool: (-tool.calls, tool.name))), exact)


def count(start: datetime, end: datetime) -> int:
    """How many tool calls began in [start, end), both aware; as quick for years as for a day."""
    days, edges = _cut(start, end, _floor_day, _ceil_day)
    calls = sum(ToolCall.objects.between(*edge).count() for edge in edges)
    return calls + sum(_of_days(span).aggregate(n=Sum("calls", default=0))["n"] for span in days)
